//! Any block is accepted or refused exactly as a second, plain reading of the rule says.

use arbitrary::{Arbitrary, Unstructured};
use bytes::Bytes;
use dco_block::{
    FirmwareVersion, ImageId, Manifest, ManifestParts, ManufacturerImageHash, OtaHeader, RawBlock,
    RejectBlock, RejectManifest, crc32, limits,
};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    image_bytes: u32,
    block_bytes: u32,
    index: u32,
    declared_crc32: u32,
    /// Whether the declared CRC-32 is replaced by the right one.
    honest: bool,
    data: &'a [u8],
}

/// One input.
pub fn run(bytes: &[u8]) {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(bytes)) else {
        return;
    };
    let Ok(manifest) = manifest(&input) else {
        return;
    };
    let data = Bytes::copy_from_slice(input.data);
    let crc32 = if input.honest {
        crc32(&data)
    } else {
        input.declared_crc32
    };
    let raw = RawBlock {
        index: input.index,
        crc32,
        data,
    };
    let expected = verdict(&input, &raw);
    match raw.clone().verify(&manifest) {
        Ok(block) => {
            assert_eq!(expected, None);
            assert_eq!((block.index(), block.crc32()), (raw.index, raw.crc32));
            assert_eq!(block.into_data(), raw.data);
        }
        Err(refused) => assert_eq!(expected, Some(refused)),
    }
}

fn manifest(input: &Input<'_>) -> Result<Manifest, RejectManifest> {
    let header = OtaHeader {
        manufacturer_code: 1,
        image_type: 2,
        file_version: FirmwareVersion::new(3),
        stack_version: 2,
        header_string: [b' '; 32],
        total_image_bytes: input.image_bytes,
        security_credential_version: None,
        upgrade_file_destination: None,
        hardware_versions: None,
    };
    let within = (limits::IMAGE_BYTES_MIN..=limits::IMAGE_BYTES_MAX).contains(&input.image_bytes)
        && (limits::BLOCK_BYTES_MIN..=limits::BLOCK_BYTES_MAX).contains(&input.block_bytes);
    let manifest = Manifest::new(ManifestParts {
        image_id: ImageId::new([1; 32]),
        image_bytes: input.image_bytes,
        block_bytes: input.block_bytes,
        manufacturer_image_hash: ManufacturerImageHash::new([2; 32]),
        firmware_version: header.file_version,
        ota_header: header.encode().into(),
    });
    assert_eq!(manifest.is_ok(), within);
    manifest
}

/// The rule in 64 bits and without the crate's own arithmetic.
fn verdict(input: &Input<'_>, raw: &RawBlock) -> Option<RejectBlock> {
    let (image_bytes, block_bytes) = (u64::from(input.image_bytes), u64::from(input.block_bytes));
    let start = u64::from(raw.index) * block_bytes;
    let mut block_count = 0;
    while u64::from(block_count) * block_bytes < image_bytes {
        block_count += 1;
    }
    let index = raw.index;
    if start >= image_bytes {
        return Some(RejectBlock::OutOfRange { index, block_count });
    }
    let expected = block_bytes.min(image_bytes - start);
    let expected_bytes = u32::try_from(expected).expect("no longer than an image");
    let actual_bytes = raw.data.len();
    if actual_bytes as u64 != expected {
        return Some(RejectBlock::LengthInvalid {
            index,
            expected_bytes,
            actual_bytes,
        });
    }
    let (declared_crc32, computed_crc32) = (raw.crc32, crc32(&raw.data));
    (declared_crc32 != computed_crc32).then_some(RejectBlock::DigestMismatch {
        index,
        declared_crc32,
        computed_crc32,
    })
}
