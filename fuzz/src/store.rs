//! Any damage to the files of a store: a start never panics, gives nothing that was not written, keeps all that stands before the first
//! damage or says which file is damaged and where, and goes on with what it kept.
//!
//! The first octet says which store; each eight after it are one change of a file: which file, what, where (2), how long, with what;
//! the rest is written where a change asks for it.

mod good;

use std::collections::BTreeMap;
use std::sync::Arc;

use dco_store::{Disk, MemDisk, Opened, StoreError, open, records_only};

use good::{Good, OPTIONS, good};

/// One input.
pub fn run(bytes: &[u8]) {
    let Some((which, bytes)) = bytes.split_first() else {
        return;
    };
    let good = good(*which);
    let disk = good.disk.restart();
    let (changes, rest) = bytes.as_chunks::<8>();
    for change in changes.iter().take(8) {
        damage(&disk, good, *change, rest);
    }
    let damaged = good.differences(&disk);
    match start(&disk) {
        Ok((opened, records)) => {
            good.kept_what_is_whole(&records, &damaged);
            good.blocks_are_those(&opened, &damaged);
            goes_on(opened, &disk, records);
        }
        Err(error) => says_where(&error, &damaged),
    }
}

type Started = (Opened, Vec<Vec<u8>>);

fn start(disk: &MemDisk) -> Result<Started, StoreError> {
    let mut records = Vec::new();
    let mut replay = records_only(|seq, record| {
        records.push(record.to_vec());
        assert_eq!(usize::try_from(seq), Ok(records.len()));
        Ok(())
    });
    let opened = open(Arc::new(disk.clone()), OPTIONS, &mut replay)?;
    drop(replay);
    Ok((opened, records))
}

/// One change of one file.
fn damage(disk: &MemDisk, good: &Good, change: [u8; 8], rest: &[u8]) {
    let [file, what, low, high, length, with, ..] = change;
    let (name, _) = &good.files[usize::from(file) % good.files.len()];
    let Ok(bytes) = disk.len(name) else {
        return;
    };
    let at = u64::from(u16::from_le_bytes([low, high])) % bytes.max(1);
    let left = usize::try_from(bytes - at).expect("files are small");
    let length = left.min(1 + usize::from(length));
    let done = match what % 8 {
        0..3 => disk.write_at(name, at, &[&vec![with; length]]),
        3 if left > 0 => {
            disk.flip_bit(name, at, with % 8);
            Ok(())
        }
        4 => disk.set_len(name, at),
        5 => disk.remove(name),
        6 => disk.write_at(name, at, &[&rest[..rest.len().min(left)]]),
        _ => {
            // What stands in one place of a file, in another one.
            let mut copied = vec![0; length];
            let from = u64::from(with) * 64 % (bytes - at).max(1);
            disk.read_at(name, from.min(at), &mut copied)
                .and_then(|()| disk.write_at(name, at, &[&copied]))
        }
    };
    done.expect("the disk works");
}

/// Damage is told by file and offset, and only of a file that is not as it was.
fn says_where(error: &StoreError, damaged: &BTreeMap<String, u64>) {
    let file = match error {
        StoreError::Damaged { file, offset, .. } => {
            // A start does not read the bytes of blocks, so the first damage to a file of blocks may be passed by.
            if let Some(first) = damaged.get(file).filter(|_| file.starts_with("journal")) {
                assert!(offset <= first, "{error}: the first damage is at {first}");
            }
            file
        }
        StoreError::NewerFormat { file, .. } | StoreError::Uncovered { file, .. } => file,
        other => panic!("no way to tell of damage: {other:?}"),
    };
    // A file is also out of place because of one before it.
    let is_behind = |it: &String| it[..6] == file[..6] && it < file;
    assert!(
        damaged.contains_key(file) || damaged.keys().any(is_behind),
        "{error}: it is as it was, others are not: {damaged:?}"
    );
}

/// What was kept is durable, more can be written, and the next start finds both.
fn goes_on(opened: Opened, disk: &MemDisk, mut records: Vec<Vec<u8>>) {
    let Opened {
        mut journal,
        blocks,
        ..
    } = opened;
    let next = b"what comes next".to_vec();
    journal.commit(&[&next]).expect("the disk works");
    records.push(next);
    let held: Vec<_> = blocks.held().collect();
    journal.close().expect("the disk works");
    blocks.close().expect("the disk works");
    let (opened, again) = start(disk).expect("it was whole");
    assert_eq!(again, records);
    assert_eq!(opened.blocks.held().collect::<Vec<_>>(), held);
}
