use proptest::prelude::*;

use super::*;
use crate::limits::BLOCK_BYTES_DEFAULT;
use crate::samples;

fn parts() -> ManifestParts {
    samples::manifest(10_000, 1024).parts()
}

/// Declares `image_bytes` in manifest and header alike.
fn declaring(image_bytes: u32) -> ManifestParts {
    let header = OtaHeader {
        total_image_bytes: image_bytes,
        ..samples::header()
    };
    ManifestParts {
        image_bytes,
        ota_header: header.encode().into(),
        ..parts()
    }
}

#[test]
fn a_manifest_says_what_was_declared() {
    let image = samples::image(10_000);
    let manifest = Manifest::of_image(&image, 1024).unwrap();
    assert_eq!(manifest.image_id(), ImageId::of(&image));
    assert_eq!(
        manifest.manufacturer_image_hash(),
        ManufacturerImageHash::of(&image[60..9_934])
    );
    assert_eq!(manifest.image_bytes(), 10_000);
    assert_eq!(manifest.block_bytes(), 1024);
    assert_eq!(manifest.firmware_version(), samples::header().file_version);
    assert_eq!(manifest.ota_header()[..], image[..60]);
    assert_eq!(manifest.header().manufacturer_code, 0x109C);
    assert_eq!(Manifest::new(manifest.parts()), Ok(manifest));
}

#[test]
fn a_manifest_does_not_keep_the_image_in_memory() {
    let image = samples::image(10_000);
    let manifest = Manifest::of_image(&image, 1024).unwrap();
    assert_ne!(manifest.ota_header().as_ptr(), image.as_ptr());
}

#[test]
fn the_last_block_is_short() {
    let manifest = samples::manifest(10_000, 1024);
    assert_eq!(manifest.block_count(), 10);
    assert_eq!(manifest.block_len(0), Some(1024));
    assert_eq!(manifest.block_len(8), Some(1024));
    assert_eq!(manifest.block_len(9), Some(10_000 - 9 * 1024));
    assert_eq!(manifest.block_len(10), None);
    assert_eq!(manifest.block_len(u32::MAX), None);
}

#[test]
fn a_last_block_can_be_whole_or_the_only_one() {
    let whole = samples::manifest(3 * 1024, 1024);
    assert_eq!((whole.block_count(), whole.block_len(2)), (3, Some(1024)));
    let only = samples::manifest(500, 1024);
    assert_eq!(
        (only.block_count(), only.block_len(0), only.block_len(1)),
        (1, Some(500), None)
    );
}

#[test]
fn large_is_strictly_more_than_750_000_bytes() {
    assert!(!samples::manifest(750_000, BLOCK_BYTES_DEFAULT).is_large());
    assert!(samples::manifest(750_001, BLOCK_BYTES_DEFAULT).is_large());
}

#[test]
fn an_image_has_at_most_16_mib() {
    let longest = samples::image(IMAGE_BYTES_MAX);
    let manifest = Manifest::of_image(&longest, BLOCK_BYTES_MIN).unwrap();
    assert_eq!(manifest.block_count(), crate::limits::IMAGE_BLOCKS_MAX);
    let longer = samples::image(IMAGE_BYTES_MAX + 1);
    let refused = RejectManifest::ImageBytes { actual: 16_777_217 };
    assert_eq!(
        Manifest::of_image(&longer, BLOCK_BYTES_MIN),
        Err(refused.into())
    );
    assert_eq!(Manifest::new(declaring(IMAGE_BYTES_MAX + 1)), Err(refused));
}

#[test]
fn an_image_has_at_least_a_header_and_a_byte() {
    for actual in [0, 1, 56] {
        let refused = RejectManifest::ImageBytes { actual };
        let parts = declaring(u32::try_from(actual).unwrap());
        assert_eq!(Manifest::new(parts), Err(refused));
    }
    // This header has 60 bytes.
    assert_eq!(
        Manifest::new(declaring(60)),
        Err(RejectManifest::NoManufacturerImage)
    );
    assert!(Manifest::new(declaring(61)).is_ok());
}

#[test]
fn the_block_size_is_the_senders_choice_within_limits() {
    for block_bytes in [BLOCK_BYTES_MIN, 1500, 750_000, BLOCK_BYTES_MAX] {
        assert!(
            Manifest::new(ManifestParts {
                block_bytes,
                ..parts()
            })
            .is_ok()
        );
    }
    for actual in [0, BLOCK_BYTES_MIN - 1, BLOCK_BYTES_MAX + 1, u32::MAX] {
        let refused = RejectManifest::BlockBytes { actual };
        assert_eq!(
            Manifest::new(ManifestParts {
                block_bytes: actual,
                ..parts()
            }),
            Err(refused)
        );
        assert_eq!(
            Manifest::of_image(&samples::image(500), actual),
            Err(refused.into())
        );
    }
}

#[test]
fn the_header_must_be_there_whole_and_alone() {
    let whole = parts().ota_header;
    for actual_bytes in 4..whole.len() {
        let refused = Manifest::new(ManifestParts {
            ota_header: whole.slice(..actual_bytes),
            ..parts()
        });
        let needed_bytes = if actual_bytes < 56 { 56 } else { 60 };
        let too_short = RejectOta::TooShort {
            needed_bytes,
            actual_bytes,
        };
        assert_eq!(refused, Err(RejectManifest::Ota(too_short)));
    }
    let longer = Bytes::from([&whole[..], &[0]].concat());
    assert_eq!(
        Manifest::new(ManifestParts {
            ota_header: longer,
            ..parts()
        }),
        Err(RejectManifest::HeaderTrailing {
            header_bytes: 60,
            given_bytes: 61
        })
    );
}

#[test]
fn the_header_must_agree_with_the_manifest() {
    assert_eq!(
        Manifest::new(ManifestParts {
            image_bytes: 9_999,
            ..parts()
        }),
        Err(RejectManifest::TotalMismatch {
            header_bytes: 10_000,
            image_bytes: 9_999
        })
    );
    let declared = FirmwareVersion::new(7);
    let header = samples::header().file_version;
    assert_eq!(
        Manifest::new(ManifestParts {
            firmware_version: declared,
            ..parts()
        }),
        Err(RejectManifest::FirmwareVersionMismatch { header, declared })
    );
}

#[test]
fn what_is_no_ota_image_has_no_manifest() {
    let refused = Manifest::of_image(&Bytes::from(vec![0x7F; 5000]), 1024).unwrap_err();
    assert_eq!(
        refused,
        RejectImage::Ota(RejectOta::Identifier { found: 0x7F7F_7F7F })
    );
    assert!(refused.to_string().contains("0BEEF11E"), "{refused}");
}

#[test]
fn refusals_say_the_limits() {
    let text = RejectManifest::BlockBytes { actual: 9 }.to_string();
    assert_eq!(
        text,
        "the block size is 9 bytes; choose one from 1024 to 1048576"
    );
}

proptest! {
    #[test]
    fn the_blocks_add_up_to_the_image(
        image_bytes in 61..=IMAGE_BYTES_MAX,
        block_bytes in BLOCK_BYTES_MIN..=BLOCK_BYTES_MAX,
    ) {
        let parts = ManifestParts { block_bytes, ..declaring(image_bytes) };
        let manifest = Manifest::new(parts).unwrap();
        let lengths: Vec<_> =
            (0..manifest.block_count()).map(|index| manifest.block_len(index).unwrap()).collect();
        prop_assert_eq!(lengths.iter().sum::<u32>(), image_bytes);
        prop_assert!(lengths.iter().all(|&bytes| 0 < bytes && bytes <= block_bytes));
        prop_assert_eq!(manifest.block_len(manifest.block_count()), None);
    }
}
