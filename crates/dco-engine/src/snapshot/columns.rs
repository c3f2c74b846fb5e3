//! Columns of numbers of which there are many: octets, so that they are read where they lie.

use super::Why;

/// Numbers of `N` octets, little-endian.
pub(super) fn numbers<const N: usize>(column: &[u8]) -> Result<&[[u8; N]], Why> {
    match column.as_chunks() {
        (numbers, []) => Ok(numbers),
        _ => Err("a column ends in the middle of a number"),
    }
}

/// Numbers of four octets.
pub(super) fn u32s(column: &[u8]) -> Result<impl ExactSizeIterator<Item = u32>, Why> {
    let numbers = numbers(column)?.iter();
    Ok(numbers.map(|number| u32::from_le_bytes(*number)))
}
