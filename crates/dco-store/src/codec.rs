//! Numbers in bytes: little-endian everywhere, fields at written offsets.

/// Reads the `u32` that starts at `at`.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}

/// Reads the `u64` that starts at `at`.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, at))
}

/// Reads `N` bytes that start at `at`; the caller has checked that they are there.
pub(crate) fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

/// Writes `field` at `at`.
pub(crate) fn put(bytes: &mut [u8], at: usize, field: &[u8]) {
    bytes[at..at + field.len()].copy_from_slice(field);
}

/// The length of something in memory, for arithmetic with places in files.
pub(crate) fn len_u64(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).expect("a slice is shorter than 2^63 bytes")
}

/// The length of something in memory, for a length field.
pub(crate) fn len_u32(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("records and blocks are limited far below 4 GiB")
}

/// A length read from a file, as a size in memory.
pub(crate) fn in_memory(bytes: u32) -> usize {
    usize::try_from(bytes).expect("the address space has at least 32 bits")
}
