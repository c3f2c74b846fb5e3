//! One image, two cuts: a block of the one from the blocks of the other.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use crate::Manifest;

/// The block at `index` of an image in the cut of `wanted`, from blocks in the cut of `kept`; none if the image has no
/// such block. `read` gives the kept block at an index, whole; it is asked for each one once, in order.
///
/// The two manifests must be of one image. A block that lies within a kept one is a slice of it, without a copy.
///
/// # Errors
/// The first one that `read` gives.
///
/// # Panics
/// If `read` gives a block of another length than the kept manifest says.
pub fn recut<E>(
    kept: &Manifest,
    wanted: &Manifest,
    index: u32,
    mut read: impl FnMut(u32) -> Result<Bytes, E>,
) -> Result<Option<Bytes>, E> {
    let Some(block_len) = wanted.block_len(index) else {
        return Ok(None);
    };
    let start = index * wanted.block_bytes();
    let all = start..start + block_len;
    let first = all.start / kept.block_bytes();
    let last = (all.end - 1) / kept.block_bytes();
    if first == last {
        return Ok(Some(read(first)?.slice(part(kept, first, &all))));
    }
    let mut block = BytesMut::with_capacity(block_len as usize);
    for from in first..=last {
        block.extend_from_slice(&read(from)?[part(kept, from, &all)]);
    }
    Ok(Some(block.freeze()))
}

/// The part of a kept block that lies within a range of the image's bytes.
fn part(kept: &Manifest, index: u32, range: &Range<u32>) -> Range<usize> {
    let start = index * kept.block_bytes();
    let end = start + kept.block_bytes();
    (range.start.max(start) - start) as usize..(range.end.min(end) - start) as usize
}

#[cfg(test)]
mod tests;
