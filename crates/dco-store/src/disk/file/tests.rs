use std::io;

use proptest::prelude::*;

use super::{PARTS_MAX, write_all};

/// A file that takes at most so many bytes at a time, and is interrupted now and then.
fn written(parts: &[&[u8]], most: usize) -> io::Result<Vec<u8>> {
    let mut file = Vec::new();
    let mut calls = 0;
    write_all(parts, 7, |slices, offset| {
        calls += 1;
        assert!(slices.len() <= PARTS_MAX);
        assert_eq!(offset, 7 + file.len() as u64, "one after the other");
        if calls % 3 == 0 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let all: Vec<u8> = slices
            .iter()
            .flat_map(|slice| slice.iter().copied())
            .collect();
        let taken = &all[..all.len().min(most)];
        file.extend_from_slice(taken);
        Ok(taken.len())
    })?;
    Ok(file)
}

proptest! {
    #[test]
    fn all_parts_are_written_however_short_each_write_is(
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..20),
        most in 1..30_usize,
    ) {
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        prop_assert_eq!(written(&parts, most).unwrap(), parts.concat());
    }
}

#[test]
fn more_parts_than_one_call_takes_are_written_with_several() {
    let parts = vec![b"ab".as_slice(); 2 * PARTS_MAX + 1];
    assert_eq!(written(&parts, usize::MAX).unwrap(), parts.concat());
}

#[test]
fn a_file_that_takes_nothing_is_an_error() {
    let error = written(&[b"a"], 0).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WriteZero);
}
