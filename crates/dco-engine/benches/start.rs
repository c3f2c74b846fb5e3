//! What a start costs the engine: its snapshot, what is made of it, and each record replayed.
//!
//! A million activations of 5 Users for 10,000 images at 200 gateways, in every state.

#[path = "../../dco-load/src/start/estate.rs"]
mod estate;

use std::sync::LazyLock;

use dco_block::{
    FirmwareVersion, ImageId, Manifest, ManifestParts, ManufacturerImageHash, OtaHeader,
};
use dco_engine::{Engine, Seq, Terms};
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use estate::Estate;

const ACTIVATIONS: u64 = 1_000_000;
const IMAGES: u64 = 10_000;
const BLOCK_BYTES: u32 = 64 * 1024;
const BLOCKS: u32 = 24;
/// Records replayed at once: about 8 MiB of journal.
const RECORDS: usize = 100_000;

static ESTATE: LazyLock<Estate> = LazyLock::new(|| {
    let estate = Estate::new((ACTIVATIONS, IMAGES), |image, _| manifest(image));
    estate.expect("its parts agree")
});
static SNAPSHOT: LazyLock<Vec<u8>> = LazyLock::new(|| replayed(ESTATE.journal.len()).snapshot());

/// Of an image that nobody needs to make: the engine looks at no block.
fn manifest(image: u64) -> Result<Manifest, dco_block::RejectManifest> {
    let image_bytes = BLOCKS * BLOCK_BYTES;
    let firmware_version = FirmwareVersion::new(2);
    let header = OtaHeader {
        manufacturer_code: 1,
        image_type: 1,
        file_version: firmware_version,
        stack_version: 2,
        header_string: [0; 32],
        total_image_bytes: image_bytes,
        security_credential_version: None,
        upgrade_file_destination: None,
        hardware_versions: None,
    };
    let mut octets = [0x5A; 32];
    octets[..8].copy_from_slice(&image.to_le_bytes());
    Manifest::new(ManifestParts {
        image_id: ImageId::new(octets),
        image_bytes,
        block_bytes: BLOCK_BYTES,
        manufacturer_image_hash: ManufacturerImageHash::new(octets),
        firmware_version,
        ota_header: header.encode().into(),
    })
}

fn replayed(records: usize) -> Engine {
    let mut engine = Engine::new(Terms::default());
    for (seq, record) in (1..).zip(&ESTATE.journal[..records]) {
        engine.replay(seq, record).expect("its own");
    }
    engine
}

fn last() -> Seq {
    ESTATE.journal.len() as Seq
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn snapshot(bencher: Bencher) {
    let engine = Engine::from_snapshot(Terms::default(), last(), &SNAPSHOT).expect("its own");
    bencher
        .counter(BytesCount::new(SNAPSHOT.len()))
        .bench_local(|| engine.snapshot());
}

#[divan::bench(sample_count = 9, sample_size = 1)]
fn from_snapshot(bencher: Bencher) {
    let snapshot = &*SNAPSHOT;
    bencher
        .counter(ItemsCount::new(ACTIVATIONS))
        .bench_local(|| Engine::from_snapshot(Terms::default(), last(), snapshot));
}

/// The last records of the journal, on all those before them.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn replay(bencher: Bencher) {
    let before = ESTATE.journal.len() - RECORDS;
    let snapshot = replayed(before).snapshot();
    bencher
        .counter(ItemsCount::new(RECORDS))
        .with_inputs(|| {
            let engine = Engine::from_snapshot(Terms::default(), before as Seq, &snapshot);
            engine.expect("its own")
        })
        .bench_local_values(|mut engine| {
            for (seq, record) in (before as Seq + 1..).zip(&ESTATE.journal[before..]) {
                engine.replay(seq, record).expect("its own");
            }
            engine
        });
}

fn main() {
    divan::main();
}
