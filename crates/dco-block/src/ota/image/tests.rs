use proptest::prelude::*;

use super::*;
use crate::samples;

fn sealed(body: &[u8]) -> Bytes {
    let total_image_bytes = u32::try_from(60 + body.len()).unwrap();
    let header = OtaHeader {
        total_image_bytes,
        ..samples::header()
    };
    [&header.encode()[..], body].concat().into()
}

#[test]
fn the_parts_of_a_signed_image_are_found() {
    let signature = std::array::from_fn(|at| u8::try_from(at).unwrap());
    let image = wrap(samples::header(), b"firmware", &signature);
    let ota = OtaImage::parse(&image).unwrap();
    assert_eq!(image.len(), 60 + 8 + 66);
    assert_eq!(ota.header().total_image_bytes, 134);
    assert_eq!(ota.header_bytes(), image[..60]);
    assert_eq!(ota.manufacturer_image(), &b"firmware"[..]);
    assert_eq!(image[68..70], [0x00, 0x40]);
    assert_eq!(ota.signature(), Some(&signature));
    assert_eq!(
        ota.manufacturer_image_hash(),
        ManufacturerImageHash::of(b"firmware")
    );
    assert_eq!(ota.image_id(), ImageId::of(&image));
}

#[test]
fn an_image_without_a_signature_is_all_firmware() {
    for body in [&b"firmware"[..], &[0x40; 66], &[0x40; 500]] {
        let ota = OtaImage::parse(&sealed(body)).unwrap();
        assert_eq!(ota.manufacturer_image(), body);
        assert_eq!(ota.signature(), None);
    }
}

#[test]
fn finding_the_parts_copies_nothing() {
    let image = samples::image(5000);
    let firmware = OtaImage::parse(&image).unwrap().manufacturer_image();
    assert_eq!(firmware.as_ptr(), image[60..].as_ptr());
}

#[test]
fn a_length_other_than_the_headers_is_refused() {
    let image = samples::image(5000);
    let longer = Bytes::from([&image[..], &[0]].concat());
    for (bytes, actual_bytes) in [(image.slice(..4999), 4999), (longer, 5001)] {
        let refused = RejectOta::TotalLength {
            declared_bytes: 5000,
            actual_bytes,
        };
        assert_eq!(OtaImage::parse(&bytes), Err(refused));
    }
}

#[test]
fn an_image_without_firmware_is_refused() {
    assert_eq!(
        OtaImage::parse(&sealed(b"")),
        Err(RejectOta::NoManufacturerImage)
    );
    let signature_alone = wrap(samples::header(), b"", &[7; 64]);
    assert_eq!(
        OtaImage::parse(&signature_alone),
        Err(RejectOta::NoManufacturerImage)
    );
}

#[test]
fn an_image_cut_at_any_byte_is_refused() {
    let image = samples::image(300);
    for end in 0..image.len() {
        assert!(OtaImage::parse(&image.slice(..end)).is_err(), "{end}");
    }
}

proptest! {
    #[test]
    fn what_is_wrapped_is_found(
        header in samples::any_header(),
        firmware in prop::collection::vec(any::<u8>(), 1..500),
        signature in prop::array::uniform32(any::<u16>()),
    ) {
        let mut octets = [0; 64];
        for (pair, half) in octets.chunks_exact_mut(2).zip(signature) {
            pair.copy_from_slice(&half.to_le_bytes());
        }
        let image = wrap(header, &firmware, &octets);
        let ota = OtaImage::parse(&image).unwrap();
        prop_assert_eq!(ota.manufacturer_image(), firmware);
        prop_assert_eq!(ota.signature(), Some(&octets));
        let total_image_bytes = u32::try_from(image.len()).unwrap();
        prop_assert_eq!(*ota.header(), OtaHeader { total_image_bytes, ..header });
    }

    #[test]
    fn the_parts_are_the_whole(body in prop::collection::vec(0..2_u8, 1..200)) {
        // 00 40 where a signature part would begin, in half of the long ones.
        let mut body: Vec<u8> = body.into_iter().map(|octet| octet * 0x40).collect();
        if let Some(at) = body.len().checked_sub(66) && body[0] == 0 {
            body[at..at + 2].copy_from_slice(&SIGNATURE_MARKER);
        }
        let image = sealed(&body);
        match OtaImage::parse(&image) {
            Ok(ota) => {
                let tail = ota.signature().map_or(vec![], |s| [&SIGNATURE_MARKER[..], s].concat());
                let whole = [&ota.header_bytes()[..], &ota.manufacturer_image(), &tail].concat();
                prop_assert_eq!(whole, image);
            }
            Err(refused) => {
                prop_assert_eq!(refused, RejectOta::NoManufacturerImage);
                prop_assert_eq!(body.len(), 66);
            }
        }
    }
}
