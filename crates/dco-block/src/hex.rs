//! Reading hexadecimal text.

/// The value of one ASCII hex digit, in either case.
pub(crate) fn digit(ascii: u8) -> Option<u8> {
    match ascii {
        b'0'..=b'9' => Some(ascii - b'0'),
        b'a'..=b'f' => Some(ascii - b'a' + 10),
        b'A'..=b'F' => Some(ascii - b'A' + 10),
        _ => None,
    }
}

/// Fills `out` from pairs of hex digits; `text` must be twice as long.
///
/// Says the position of the first character that is no hex digit, counted from 0.
pub(crate) fn fill(text: &[u8], out: &mut [u8]) -> Result<(), usize> {
    for (at, (pair, byte)) in text.chunks_exact(2).zip(out).enumerate() {
        let high = digit(pair[0]).ok_or(2 * at)?;
        let low = digit(pair[1]).ok_or(2 * at + 1)?;
        *byte = high << 4 | low;
    }
    Ok(())
}
