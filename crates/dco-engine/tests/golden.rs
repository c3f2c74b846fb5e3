//! Records that every earlier program wrote, kept for ever: each must still mean what it meant.

use std::fs;
use std::path::PathBuf;

use dco_engine::Engine;
use dco_engine::record::Record;
use prost::Message;

use crate::dump::dump;
use crate::replay::busy;
use crate::sample::capacity;

/// Files of records there are. To add one, when a record gets a field or there is a new one: raise this, run the
/// ignored test below once, commit what it wrote.
const FILES: u32 = 4;

/// Snapshots there are, each of the newest records of its day. To add one, when the form of a snapshot changes: name
/// those records here, run the same test, commit what it wrote.
const SNAPSHOTS: [u32; 4] = [2, 3, 3, 4];

#[test]
fn records_of_every_earlier_program_mean_what_they_meant() {
    for number in 1..=FILES {
        let records = split(&bytes(&golden(number, "bin")));
        let found = meaning(&records);
        let expected = String::from_utf8(bytes(&golden(number, "txt"))).expect("text");
        assert_eq!(found, expected, "{}", golden(number, "bin").display());
    }
}

#[test]
fn a_snapshot_of_every_earlier_program_says_what_the_records_in_it_say() {
    for (number, records) in (1..).zip(SNAPSHOTS) {
        let seq = split(&bytes(&golden(records, "bin"))).len() as u64;
        let snapshot = bytes(&snapshot(number));
        let mut engine =
            Engine::from_snapshot(capacity(100), seq, &snapshot).expect("one it knows");
        let now_us = engine.last_time_us();
        let expected = String::from_utf8(bytes(&golden(records, "txt"))).expect("text");
        assert_eq!(dump(&mut engine, now_us), expected, "snapshot {number}");
    }
}

#[test]
fn records_of_every_earlier_program_are_of_every_kind_of_its_day() {
    for (number, kinds_expected) in (1..=FILES).zip([11, 19, 29, 30]) {
        let records = split(&bytes(&golden(number, "bin")));
        let kinds = records.iter().map(|record| {
            let record = Record::decode(record.as_slice()).expect("a record");
            std::mem::discriminant(&record.change.expect("it says something"))
        });
        let kinds: Vec<_> = kinds.collect();
        let firsts = (0..kinds.len()).filter(|&at| !kinds[..at].contains(&kinds[at]));
        assert_eq!(firsts.count(), kinds_expected);
    }
}

/// The records once; their meaning again whenever what can be read of an engine says more than it did. Whoever
/// commits that looks at the difference: nothing else may have changed.
#[test]
#[ignore = "writes golden files"]
fn write_golden_files() {
    if !golden(FILES, "bin").exists() {
        write_the_newest_records();
    }
    for number in 1..=FILES {
        let records = split(&bytes(&golden(number, "bin")));
        put(&golden(number, "txt"), meaning(&records).as_bytes());
    }
    for (number, records) in (1..).zip(SNAPSHOTS) {
        if !snapshot(number).exists() {
            let records = split(&bytes(&golden(records, "bin")));
            put(&snapshot(number), &replayed(&records).snapshot());
        }
    }
}

fn write_the_newest_records() {
    let records = busy().journal.clone();
    let prefixed: Vec<u8> = records
        .iter()
        .flat_map(|record| {
            let len = u32::try_from(record.len()).expect("short").to_le_bytes();
            [&len, record.as_slice()].concat()
        })
        .collect();
    put(&golden(FILES, "bin"), &prefixed);
}

fn golden(number: u32, kind: &str) -> PathBuf {
    let file = format!("tests/golden/records-{number}.{kind}");
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file)
}

/// What an engine says of itself that knows these records and nothing else.
fn meaning(records: &[Vec<u8>]) -> String {
    let mut engine = replayed(records);
    let now_us = engine.last_time_us();
    dump(&mut engine, now_us)
}

fn replayed(records: &[Vec<u8>]) -> Engine {
    let mut engine = Engine::new(capacity(100));
    for (seq, record) in (1..).zip(records) {
        engine.replay(seq, record).expect("a record it knows");
    }
    engine
}

fn snapshot(number: u32) -> PathBuf {
    let file = format!("tests/golden/snapshot-{number}.bin");
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file)
}

/// Each record with its length before it.
fn split(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    while let Some((len, rest)) = bytes.split_first_chunk() {
        let len = usize::try_from(u32::from_le_bytes(*len)).expect("short");
        let (record, after) = rest.split_at(len);
        records.push(record.to_vec());
        bytes = after;
    }
    records
}

#[expect(
    clippy::disallowed_methods,
    reason = "golden files lie in the repository"
)]
fn bytes(path: &PathBuf) -> Vec<u8> {
    fs::read(path).expect("a golden file")
}

#[expect(
    clippy::disallowed_methods,
    reason = "golden files lie in the repository"
)]
fn put(path: &PathBuf, bytes: &[u8]) {
    fs::write(path, bytes).expect("it can be written");
}
