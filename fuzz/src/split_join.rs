//! Any bytes cut into blocks of any size join to the same bytes, and every block of an image
//! verifies in whatever order it comes.

use arbitrary::{Arbitrary, Unstructured};
use bytes::Bytes;
use dco_block::{
    FirmwareVersion, Held, Manifest, OtaHeader, RawBlock, crc32, limits, split, verify_image, wrap,
};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    block_bytes: u16,
    /// Where in the image the sender begins; it goes round.
    first: u16,
    /// How often the bytes are repeated, so that small inputs make many blocks.
    repeats: u8,
    bytes: &'a [u8],
}

/// One input.
pub fn run(bytes: &[u8]) {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(bytes)) else {
        return;
    };
    let bytes = Bytes::from(input.bytes.repeat(1 + usize::from(input.repeats)));
    cut_and_join(&bytes, 1 + u32::from(input.block_bytes));
    if !bytes.is_empty() {
        send(&bytes, &input);
    }
}

fn cut_and_join(bytes: &Bytes, block_bytes: u32) {
    let mut joined = Vec::new();
    for (block, index) in split(bytes, block_bytes).zip(0..) {
        assert_eq!((block.index, block.crc32), (index, crc32(&block.data)));
        assert_eq!(
            joined.len() % block_bytes as usize,
            0,
            "only the last block is short"
        );
        assert!(!block.data.is_empty());
        joined.extend_from_slice(&block.data);
    }
    assert_eq!(&joined, bytes);
}

fn send(firmware: &[u8], input: &Input<'_>) {
    let image = wrap(header(), firmware, &[7; 64]);
    let block_bytes = limits::BLOCK_BYTES_MIN + u32::from(input.block_bytes);
    let Ok(manifest) = Manifest::of_image(&image, block_bytes) else {
        assert!(image.len() > limits::IMAGE_BYTES_MAX as usize);
        return;
    };
    let mut raws: Vec<RawBlock> = split(&image, block_bytes).collect();
    let first = usize::from(input.first) % raws.len();
    raws.rotate_left(first);
    let mut held = Held::new(manifest.block_count());
    let mut arrived = vec![0; image.len()];
    for raw in raws {
        assert!(!held.is_complete());
        let block = raw.verify(&manifest).expect("it was cut from this image");
        assert!(held.insert(block.index()));
        let start = block.index() as usize * block_bytes as usize;
        arrived[start..start + block.data().len()].copy_from_slice(block.data());
    }
    assert!(held.is_complete());
    let ota = verify_image(&arrived.into(), &manifest).expect("nothing was lost");
    assert_eq!(ota.manufacturer_image(), firmware);
}

fn header() -> OtaHeader {
    OtaHeader {
        manufacturer_code: 1,
        image_type: 2,
        file_version: FirmwareVersion::new(3),
        stack_version: 2,
        header_string: [b' '; 32],
        total_image_bytes: 0,
        security_credential_version: None,
        upgrade_file_destination: None,
        hardware_versions: None,
    }
}
