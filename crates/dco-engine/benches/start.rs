//! What a start costs the engine: its snapshot, what is made of it, and each record replayed.
//!
//! A million activations of 5 Users for 10,000 images at 200 gateways, in every state.

#[path = "../../dco-load/src/start/estate.rs"]
mod estate;
#[path = "shared/manifest.rs"]
mod manifest;

use std::sync::LazyLock;

use dco_engine::{Engine, Seq, Terms};
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use estate::Estate;
use manifest::manifest;

const ACTIVATIONS: u64 = 1_000_000;
const IMAGES: u64 = 10_000;
/// Records replayed at once: about 8 MiB of journal.
const RECORDS: usize = 100_000;

static ESTATE: LazyLock<Estate> = LazyLock::new(|| {
    let estate = Estate::new((ACTIVATIONS, IMAGES), |image, _| manifest(image));
    estate.expect("its parts agree")
});
static SNAPSHOT: LazyLock<Vec<u8>> = LazyLock::new(|| replayed(ESTATE.journal.len()).snapshot());

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
