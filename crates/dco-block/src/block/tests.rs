use proptest::prelude::*;

use super::*;
use crate::limits::{BLOCK_BYTES_MAX, BLOCK_BYTES_MIN};
use crate::samples;

/// Three blocks, the last of 500 bytes.
fn three_blocks() -> (Manifest, Vec<RawBlock>) {
    let image = samples::image(2 * 1024 + 500);
    let manifest = Manifest::of_image(&image, 1024).unwrap();
    let blocks = split(&image, 1024).collect();
    (manifest, blocks)
}

#[test]
fn a_block_is_what_was_sent() {
    let (manifest, blocks) = three_blocks();
    for raw in blocks {
        let block = raw.clone().verify(&manifest).unwrap();
        assert_eq!(
            (block.index(), block.crc32(), block.data()),
            (raw.index, raw.crc32, &raw.data)
        );
        assert_eq!(block.into_data(), raw.data);
    }
}

#[test]
fn the_crc_is_the_ieee_one() {
    assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
}

#[test]
fn a_block_past_the_end_is_refused() {
    let (manifest, blocks) = three_blocks();
    for index in [3, 4, u32::MAX] {
        let raw = RawBlock {
            index,
            ..blocks[2].clone()
        };
        assert_eq!(
            raw.verify(&manifest),
            Err(RejectBlock::OutOfRange {
                index,
                block_count: 3
            })
        );
    }
}

#[test]
fn one_byte_too_long_or_too_short_is_refused() {
    let (manifest, _) = three_blocks();
    for (index, expected_bytes) in [(0, 1024), (1, 1024), (2, 500)] {
        for actual_bytes in [0, expected_bytes as usize - 1, expected_bytes as usize + 1] {
            let raw = RawBlock::new(index, vec![0; actual_bytes].into());
            let refused = RejectBlock::LengthInvalid {
                index,
                expected_bytes,
                actual_bytes,
            };
            assert_eq!(raw.verify(&manifest), Err(refused));
        }
    }
}

#[test]
fn a_padded_last_block_is_refused() {
    let (manifest, _) = three_blocks();
    let raw = RawBlock::new(2, vec![0; 1024].into());
    let refused = RejectBlock::LengthInvalid {
        index: 2,
        expected_bytes: 500,
        actual_bytes: 1024,
    };
    assert_eq!(raw.verify(&manifest), Err(refused));
}

#[test]
fn another_crc_is_refused() {
    let (manifest, mut blocks) = three_blocks();
    let raw = blocks.remove(1);
    let (declared_crc32, computed_crc32) = (raw.crc32 ^ 1, raw.crc32);
    let refused = RejectBlock::DigestMismatch {
        index: 1,
        declared_crc32,
        computed_crc32,
    };
    assert_eq!(
        RawBlock {
            crc32: declared_crc32,
            ..raw
        }
        .verify(&manifest),
        Err(refused)
    );
}

#[test]
fn faults_are_looked_for_in_order() {
    let (manifest, _) = three_blocks();
    let wrong = |index| RawBlock {
        index,
        crc32: 1,
        data: Bytes::new(),
    };
    assert!(matches!(
        wrong(9).verify(&manifest),
        Err(RejectBlock::OutOfRange { .. })
    ));
    assert!(matches!(
        wrong(0).verify(&manifest),
        Err(RejectBlock::LengthInvalid { .. })
    ));
}

#[test]
fn cutting_copies_nothing() {
    let image = samples::image(10_000);
    for (raw, start) in split(&image, 1024).zip((0..).step_by(1024)) {
        assert_eq!(raw.data.as_ptr(), image[start..].as_ptr());
    }
}

#[test]
fn an_empty_image_has_no_blocks() {
    assert_eq!(split(&Bytes::new(), 1024).count(), 0);
}

#[test]
#[should_panic(expected = "divide by zero")]
fn blocks_of_no_bytes_cannot_be_cut() {
    let _ = split(&Bytes::from_static(b"image"), 0);
}

#[test]
fn refusals_say_what_was_expected() {
    let refused = RejectBlock::LengthInvalid {
        index: 7,
        expected_bytes: 500,
        actual_bytes: 501,
    };
    let text = refused.to_string();
    assert!(
        text.starts_with("block 7 must have 500 bytes and has 501;"),
        "{text}"
    );
    let refused = RejectBlock::DigestMismatch {
        index: 7,
        declared_crc32: 10,
        computed_crc32: 11,
    };
    assert!(refused.to_string().contains("0000000a"), "{refused}");
}

proptest! {
    #[test]
    fn what_is_cut_joins_again(
        image in prop::collection::vec(any::<u8>(), 0..5000),
        block_bytes in 1..6000_u32,
    ) {
        let image = Bytes::from(image);
        let blocks: Vec<_> = split(&image, block_bytes).collect();
        let lengths: Vec<_> = blocks.iter().map(|block| block.data.len()).collect();
        let whole = image.len() / block_bytes as usize;
        prop_assert!(lengths[..whole].iter().all(|&bytes| bytes == block_bytes as usize));
        prop_assert!(lengths[whole..].iter().all(|&bytes| bytes == image.len() % block_bytes as usize));
        prop_assert!(blocks.iter().zip(0..).all(|(block, index)| block.index == index));
        let joined = blocks.iter().flat_map(|block| block.data.iter().copied());
        prop_assert!(joined.eq(image.iter().copied()));
    }

    #[test]
    fn every_block_of_an_image_verifies(
        image_bytes in samples::AROUND_BYTES + 1..100_000,
        block_bytes in prop_oneof![BLOCK_BYTES_MIN..5000, BLOCK_BYTES_MIN..=BLOCK_BYTES_MAX],
    ) {
        let image = samples::image(image_bytes);
        let manifest = Manifest::of_image(&image, block_bytes).unwrap();
        let blocks = split(&image, block_bytes);
        prop_assert_eq!(blocks.len(), manifest.block_count() as usize);
        let mut joined = Vec::new();
        for raw in blocks {
            let block = raw.verify(&manifest);
            joined.extend_from_slice(block.unwrap().data());
        }
        prop_assert_eq!(joined, image);
    }

    #[test]
    fn any_flipped_bit_is_found(at in 0..1024_usize, bit in 0..8) {
        let (manifest, mut blocks) = three_blocks();
        let raw = blocks.remove(1);
        let mut data = raw.data.to_vec();
        data[at] ^= 1_u8 << bit;
        let refused = RawBlock { data: data.into(), ..raw }.verify(&manifest);
        let found = matches!(refused, Err(RejectBlock::DigestMismatch { index: 1, .. }));
        prop_assert!(found);
    }
}
