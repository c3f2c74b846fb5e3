//! What an image costs on its way: cutting, checking its blocks, checking the whole.

use bytes::Bytes;
use dco_block::{
    FirmwareVersion, Held, IndexRanges, Manifest, OtaHeader, RawBlock, limits, split, verify_image,
    wrap,
};
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

const IMAGE_BYTES: usize = 1_500_000;
const BLOCK_BYTES: u32 = 64 * 1024;

fn image() -> Bytes {
    let header = OtaHeader {
        manufacturer_code: 0x109C,
        image_type: 0x21,
        file_version: FirmwareVersion::new(7),
        stack_version: 2,
        header_string: [b' '; 32],
        total_image_bytes: 0,
        security_credential_version: None,
        upgrade_file_destination: None,
        hardware_versions: None,
    };
    let around = (limits::OTA_HEADER_BYTES_MIN + limits::SIGNATURE_PART_BYTES) as usize;
    let firmware: Vec<u8> = (0..u64::MAX)
        .flat_map(|at| at.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes())
        .take(IMAGE_BYTES - around)
        .collect();
    wrap(header, &firmware, &[7; 64])
}

fn manifest(image: &Bytes) -> Manifest {
    Manifest::of_image(image, BLOCK_BYTES).expect("the image is a valid one")
}

#[divan::bench]
fn split_and_crc32(bencher: Bencher<'_, '_>) {
    let image = image();
    bencher.counter(BytesCount::new(IMAGE_BYTES)).bench(|| {
        split(black_box(&image), BLOCK_BYTES).fold(0, |crc32, block| crc32 ^ block.crc32)
    });
}

#[divan::bench]
fn verify_blocks(bencher: Bencher<'_, '_>) {
    let image = image();
    let manifest = manifest(&image);
    let blocks: Vec<RawBlock> = split(&image, BLOCK_BYTES).collect();
    bencher
        .counter(BytesCount::new(IMAGE_BYTES))
        .with_inputs(|| blocks.clone())
        .bench_values(|blocks| {
            blocks
                .into_iter()
                .filter(|block| block.clone().verify(&manifest).is_ok())
                .count()
        });
}

#[divan::bench]
fn verify_whole_image(bencher: Bencher<'_, '_>) {
    let image = image();
    let manifest = manifest(&image);
    bencher
        .counter(BytesCount::new(IMAGE_BYTES))
        .bench(|| verify_image(black_box(&image), &manifest).is_ok());
}

#[divan::bench]
fn parse_header(bencher: Bencher<'_, '_>) {
    let image = image();
    bencher
        .counter(ItemsCount::new(1_u32))
        .bench(|| OtaHeader::parse(black_box(&image)));
}

/// Every second block of the longest image: the most ranges there can be.
#[divan::bench]
fn missing_ranges_worst_case(bencher: Bencher<'_, '_>) {
    let mut held = Held::new(limits::IMAGE_BLOCKS_MAX);
    for index in (0..limits::IMAGE_BLOCKS_MAX).step_by(2) {
        held.insert(index);
    }
    bencher
        .counter(ItemsCount::new(limits::IMAGE_BLOCKS_MAX / 2))
        .bench(|| black_box(&held).missing().count());
}

#[divan::bench]
fn hold_all_blocks_asking_for_the_lowest_gap(bencher: Bencher<'_, '_>) {
    bencher
        .counter(ItemsCount::new(limits::IMAGE_BLOCKS_MAX))
        .bench(|| {
            let mut held = Held::new(limits::IMAGE_BLOCKS_MAX);
            (0..limits::IMAGE_BLOCKS_MAX)
                .filter(|&index| {
                    held.insert(index);
                    held.first_missing().is_some()
                })
                .count()
        });
}

#[divan::bench]
fn coalesce_acknowledgements(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(1000_u32)).bench(|| {
        let mut durable = IndexRanges::new();
        for index in 0..1000_u32 {
            durable.insert(index * 7 % 1000);
        }
        durable.take()
    });
}
