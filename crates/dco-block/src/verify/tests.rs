use proptest::prelude::*;

use super::*;
use crate::{ManifestParts, OtaHeader, samples};

/// The manifest of an image with something else declared.
fn declaring(image: &Bytes, change: impl FnOnce(&mut ManifestParts)) -> Manifest {
    let mut parts = Manifest::of_image(image, 1024).unwrap().parts();
    change(&mut parts);
    Manifest::new(parts).unwrap()
}

#[test]
fn the_declared_image_is_accepted() {
    let image = samples::image(5000);
    let manifest = Manifest::of_image(&image, 1024).unwrap();
    assert_eq!(
        verify_image(&image, &manifest),
        Ok(OtaImage::parse(&image).unwrap())
    );
}

#[test]
fn another_length_is_refused() {
    let image = samples::image(5000);
    let manifest = Manifest::of_image(&image, 1024).unwrap();
    for actual_bytes in [0, 4999, 5001] {
        let mut bytes = image.to_vec();
        bytes.resize(actual_bytes, 0);
        assert_eq!(
            verify_image(&bytes.into(), &manifest),
            Err(RejectImage::LengthMismatch {
                expected_bytes: 5000,
                actual_bytes
            })
        );
    }
}

#[test]
fn another_digest_is_refused() {
    let image = samples::image(5000);
    let expected = ImageId::new([1; 32]);
    let manifest = declaring(&image, |parts| parts.image_id = expected);
    let computed = ImageId::of(&image);
    assert_eq!(
        verify_image(&image, &manifest),
        Err(RejectImage::DigestMismatch { expected, computed })
    );
}

#[test]
fn another_header_is_refused() {
    let image = samples::image(5000);
    let header = OtaHeader {
        total_image_bytes: 5000,
        image_type: 9,
        ..samples::header()
    };
    let manifest = declaring(&image, |parts| parts.ota_header = header.encode().into());
    assert_eq!(
        verify_image(&image, &manifest),
        Err(RejectImage::HeaderMismatch)
    );
}

#[test]
fn another_manufacturer_image_hash_is_refused() {
    let image = samples::image(5000);
    let expected = ManufacturerImageHash::new([1; 32]);
    let manifest = declaring(&image, |parts| parts.manufacturer_image_hash = expected);
    let computed = ManufacturerImageHash::of(&image[60..4934]);
    assert_eq!(
        verify_image(&image, &manifest),
        Err(RejectImage::ManufacturerImageHashMismatch { expected, computed })
    );
}

#[test]
fn an_image_without_firmware_is_refused() {
    // 126 bytes: header and signature part alone. A manifest can be made for it by hand only.
    let image = crate::wrap(samples::header(), b"", &[7; 64]);
    let manifest = Manifest::new(ManifestParts {
        image_id: ImageId::of(&image),
        image_bytes: 126,
        block_bytes: 1024,
        manufacturer_image_hash: ManufacturerImageHash::of(b""),
        firmware_version: samples::header().file_version,
        ota_header: image.slice(..60),
    });
    let refused = verify_image(&image, &manifest.unwrap());
    assert_eq!(
        refused,
        Err(RejectImage::Ota(RejectOta::NoManufacturerImage))
    );
}

proptest! {
    #[test]
    fn any_flipped_bit_is_found(at in 0..500_usize, bit in 0..8) {
        let image = samples::image(500);
        let manifest = Manifest::of_image(&image, 1024).unwrap();
        let mut bytes = image.to_vec();
        bytes[at] ^= 1_u8 << bit;
        let refused = verify_image(&bytes.into(), &manifest);
        let found = matches!(refused, Err(RejectImage::DigestMismatch { .. }));
        prop_assert!(found);
    }
}
