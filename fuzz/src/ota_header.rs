//! Any bytes are an OTA Upgrade Image or are refused; what was read can be written again.

use bytes::Bytes;
use dco_block::{Manifest, OtaHeader, OtaImage, limits, verify_image};

/// One input.
pub fn run(bytes: &[u8]) {
    let Ok((header, header_bytes)) = OtaHeader::parse(bytes) else {
        assert!(OtaImage::parse(&Bytes::copy_from_slice(bytes)).is_err());
        return;
    };
    assert_eq!(header.encode(), &bytes[..header_bytes]);
    // With the total length that it should have, most headers begin a valid image.
    let total_image_bytes = u32::try_from(bytes.len()).expect("inputs are small");
    let sealed = OtaHeader {
        total_image_bytes,
        ..header
    }
    .encode();
    check_image(&[&sealed, &bytes[header_bytes..]].concat().into());
    check_image(&Bytes::copy_from_slice(bytes));
}

/// The parts of an image are the whole of it, and its manifest declares nothing else.
fn check_image(image: &Bytes) {
    let Ok(ota) = OtaImage::parse(image) else {
        return;
    };
    let mut parts = [ota.header_bytes(), ota.manufacturer_image()].concat();
    if let Some(signature) = ota.signature() {
        parts.extend([0x00, 0x40]);
        parts.extend(signature);
    }
    assert_eq!(&parts, image);
    let manifest = Manifest::of_image(image, limits::BLOCK_BYTES_MIN).expect("it is within limits");
    assert_eq!(verify_image(image, &manifest).as_ref(), Ok(&ota));
    assert_eq!(Manifest::new(manifest.parts()), Ok(manifest));
}
