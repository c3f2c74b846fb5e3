use std::convert::Infallible;

use proptest::prelude::*;

use super::*;
use crate::limits::{BLOCK_BYTES_MAX, BLOCK_BYTES_MIN};
use crate::{crc32, samples, split};

/// The blocks of an image in one cut, and how many kept blocks were read for each.
fn through(image: &Bytes, kept_bytes: u32, wanted_bytes: u32) -> Vec<(Bytes, Vec<u32>)> {
    let kept = Manifest::of_image(image, kept_bytes).unwrap();
    let wanted = Manifest::of_image(image, wanted_bytes).unwrap();
    let held: Vec<_> = split(image, kept_bytes).map(|raw| raw.data).collect();
    let block = |index| {
        let mut asked = Vec::new();
        let read = |from: u32| {
            asked.push(from);
            Ok::<_, Infallible>(held[from as usize].clone())
        };
        let block = recut(&kept, &wanted, index, read).unwrap();
        (block.expect("the image has it"), asked)
    };
    (0..wanted.block_count()).map(block).collect()
}

proptest! {
    #[test]
    fn a_block_is_the_same_whatever_the_cut_it_is_kept_in(
        image_bytes in 200_u32..40_000,
        kept_bytes in BLOCK_BYTES_MIN..20_000,
        wanted_bytes in BLOCK_BYTES_MIN..20_000,
    ) {
        let image = samples::image(image_bytes);
        let blocks = through(&image, kept_bytes, wanted_bytes);
        let expected: Vec<_> = split(&image, wanted_bytes).collect();
        prop_assert_eq!(blocks.len(), expected.len());
        for ((block, asked), raw) in blocks.into_iter().zip(expected) {
            prop_assert_eq!(crc32(&block), raw.crc32);
            prop_assert_eq!(block, raw.data);
            prop_assert!(asked.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{asked:?}");
        }
    }
}

#[test]
fn the_longest_and_the_shortest_cut_make_each_other() {
    let image = samples::image(2 * BLOCK_BYTES_MAX + 3);
    for (kept, wanted) in [
        (BLOCK_BYTES_MIN, BLOCK_BYTES_MAX),
        (BLOCK_BYTES_MAX, BLOCK_BYTES_MIN),
    ] {
        let blocks = through(&image, kept, wanted).into_iter();
        let joined: Vec<u8> = blocks.flat_map(|(block, _)| block).collect();
        assert_eq!(joined, image);
    }
}

#[test]
fn in_the_same_cut_it_is_the_kept_block_itself() {
    let image = samples::image(5_000);
    for ((block, asked), (index, raw)) in through(&image, 2_048, 2_048)
        .into_iter()
        .zip((0..).zip(split(&image, 2_048)))
    {
        assert_eq!((block.as_ptr(), asked), (raw.data.as_ptr(), vec![index]));
    }
}

#[test]
fn there_is_no_block_past_the_end_and_nothing_is_read_for_it() {
    let manifest = samples::manifest(5_000, 2_048);
    for index in [3, 4, u32::MAX] {
        let read = |_| Err::<Bytes, _>("it must not be read");
        assert_eq!(recut(&manifest, &manifest, index, read), Ok(None));
    }
}

#[test]
fn what_cannot_be_read_is_told() {
    let kept = samples::manifest(5_000, 1_024);
    let wanted = samples::manifest(5_000, 4_096);
    let read = |index| match index {
        2 => Err("damaged"),
        _ => Ok(Bytes::from(vec![0; 1_024])),
    };
    assert_eq!(recut(&kept, &wanted, 0, read), Err("damaged"));
}
