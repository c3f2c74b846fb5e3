//! What activations take of the memory as long as they are queued, and what small images with their batches take: *max alloc*,
//! by their number.
//!
//! Of a million, or ten million, Devices of 5 Users five in six are sent for, in batches of 41,667: 833,335 and 8,333,335 activations.
//! Devices and images are there before. The small images are for twelve Devices each, and sent to them in two batches; Devices are there before.

#[path = "../../dco-load/src/start/estate.rs"]
mod estate;
#[path = "shared/manifest.rs"]
mod manifest;

use dco_engine::record::{Change, Record};
use dco_engine::{Engine, Seq, Terms};
use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher};
use estate::Estate;
use manifest::manifest;
use prost::Message;

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

const DEVICES_OF_IMAGE: u64 = 50_000;

/// What is there before, and the batches whose service day has begun.
fn journal(devices: u64) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let images = devices / DEVICES_OF_IMAGE;
    let estate = Estate::new((devices, images), |image, _| manifest(image));
    let (mut before, mut batches) = (Vec::new(), Vec::new());
    for bytes in estate.expect("its parts agree").journal {
        let record = Record::decode(bytes.as_slice()).expect("its own");
        match record.change {
            Some(Change::BatchAccepted(batch)) if batch.day_start_us > record.at_us => {}
            Some(Change::BatchAccepted(_)) => batches.push(bytes),
            Some(Change::Released(_) | Change::AttemptEnded(_)) => {}
            _ => before.push(bytes),
        }
    }
    (before, batches)
}

/// The whole journal of an estate of images for few Devices: up to the import of the Devices, and after it.
fn small_batches(images: u64) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let estate = Estate::new((images * 12, images), |image, _| manifest(image));
    let mut before = estate.expect("its parts agree").journal;
    let is_import = |bytes: &Vec<u8>| {
        let record = Record::decode(bytes.as_slice()).expect("its own");
        matches!(record.change, Some(Change::DevicesImported(_)))
    };
    let last = before
        .iter()
        .rposition(is_import)
        .expect("there are Devices");
    let after = before.split_off(last + 1);
    (before, after)
}

fn replay(engine: &mut Engine, records: &[Vec<u8>]) {
    for record in records {
        let seq: Seq = engine.last_seq() + 1;
        engine.replay(seq, record).expect("its own");
    }
}

#[divan::bench(args = [1_000_000, 10_000_000], sample_count = 1, sample_size = 1)]
fn queued(bencher: Bencher, devices: u64) {
    let (before, batches) = journal(devices);
    let mut queued = 0;
    for bytes in &batches {
        let record = Record::decode(bytes.as_slice()).expect("its own");
        if let Some(Change::BatchAccepted(batch)) = record.change {
            queued += batch.devices.len();
        }
    }
    bencher
        .counter(ItemsCount::new(queued))
        .with_inputs(|| {
            let mut engine = Engine::new(Terms::default());
            replay(&mut engine, &before);
            engine
        })
        .bench_local_values(|mut engine| {
            replay(&mut engine, &batches);
            engine
        });
}

#[divan::bench(args = [20_000], sample_count = 1, sample_size = 1)]
fn images(bencher: Bencher, images: u64) {
    let (before, after) = small_batches(images);
    bencher
        .counter(ItemsCount::new(images))
        .with_inputs(|| {
            let mut engine = Engine::new(Terms::default());
            replay(&mut engine, &before);
            engine
        })
        .bench_local_values(|mut engine| {
            replay(&mut engine, &after);
            engine
        });
}

fn main() {
    divan::main();
}
