//! A workload of all that the block log does, with every fault at every step.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};

use bytes::Bytes;

use super::{
    odd_disk::OddDisk,
    support::{SMALL, block, contents, crashes, open_small, open_with, pattern},
};
use crate::{BlockLog, Disk, Fate, MemDisk, Put, StoreError};

/// What was put, and of it what somebody was told is safe and did not free.
#[derive(Default)]
struct Told {
    safe: BTreeMap<(u64, u32), Bytes>,
    sent: BTreeMap<(u64, u32), Bytes>,
    refused: usize,
}

/// Blocks of two owners, side by side in every segment. The odd owner is freed soon, so that
/// each segment is mostly dead and then emptied; files are recycled, and now and then pinned.
fn work(disk: Arc<dyn Disk>) -> (Told, Result<(), StoreError>) {
    let mut told = Told::default();
    let done = || -> Result<(), StoreError> {
        let mut log = open_with(disk, SMALL)?.0.blocks;
        for round in 0..6 {
            let (stays, goes) = (2 * round + 2, 2 * round + 1);
            let mut group = vec![(stays, 0), (stays, 0)];
            group.extend((0..4).map(|index| (goes, index)));
            put(&mut log, &group, &mut told)?;
            log.make_ready()?;
            let pinned = (round == 2).then(|| log.pin()).transpose()?;
            told.safe.retain(|(owner, _), _| *owner != goes);
            log.free(goes)?;
            while log.compact()? {}
            drop(pinned);
        }
        told.safe.retain(|(owner, _), _| *owner != 2);
        log.free(2)?;
        while log.compact()? {}
        log.close()
    }();
    (told, done)
}

fn put(log: &mut BlockLog, group: &[(u64, u32)], told: &mut Told) -> Result<(), StoreError> {
    let puts: Vec<_> = group
        .iter()
        .map(|(owner, index)| (*owner, block(*index, data_of(*owner, *index))))
        .collect();
    let sent = group.iter().map(|key| (*key, data_of(key.0, key.1)));
    told.sent.extend(sent);
    for (answer, key) in log.commit(&puts)?.into_iter().zip(group) {
        match answer {
            Ok(put) => {
                assert!(matches!(put, Put::Durable | Put::AlreadyHeld));
                told.safe.insert(*key, data_of(key.0, key.1));
            }
            Err(StoreError::NoRoom { .. }) => told.refused += 1,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Differs in length too, so that frames of two lives of a file do not line up.
fn data_of(owner: u64, index: u32) -> Bytes {
    let bytes = 400 + 50 * usize::try_from(owner % 12).unwrap();
    pattern(owner * 10 + u64::from(index), bytes).into()
}

/// Opens what is left and holds it to what was told.
fn check(disk: &MemDisk, told: &Told, what: &str) {
    let mut log = open_small(disk)
        .unwrap_or_else(|error| panic!("{what}: {error}"))
        .0
        .blocks;
    let found = contents(&log).unwrap_or_else(|error| panic!("{what}: {error}"));
    for (key, bytes) in &found {
        assert_eq!(
            told.sent.get(key),
            Some(bytes),
            "{what}: {key:?} was not put"
        );
    }
    for (key, bytes) in &told.safe {
        assert_eq!(found.get(key), Some(bytes), "{what}: {key:?} is lost");
    }
    // It goes on from there, and compaction of what was left half done loses nothing either.
    put(&mut log, &[(101, 0)], &mut Told::default()).unwrap();
    while log.compact().unwrap() {}
    let again = contents(&open_small(&disk.crash(|_| Fate::Lost)).unwrap().0.blocks).unwrap();
    assert!(
        found
            .iter()
            .all(|(key, bytes)| again.get(key) == Some(bytes)),
        "{what}"
    );
    assert_eq!(again[&(101, 0)], data_of(101, 0), "{what}");
}

#[test]
fn the_work_is_worth_it() {
    let disk = MemDisk::new();
    let (told, done) = work(Arc::new(disk.clone()));
    done.unwrap();
    assert_eq!(told.safe.len(), 5);
    let names = disk.list().unwrap();
    assert!(
        names.iter().any(|name| name.ends_with(".free")),
        "{names:?}"
    );
    assert!(
        names.iter().filter(|name| name.ends_with(".seg")).count() <= 2,
        "{names:?}"
    );
    assert!(disk.operations() > 150);
}

#[test]
fn the_power_may_go_after_every_operation() {
    for cut in 0.. {
        let disk = MemDisk::new();
        disk.power_off_after(cut);
        let (told, _failure) = work(Arc::new(disk.clone()));
        for survivor in crashes(&disk) {
            check(&survivor, &told, &format!("cut {cut}"));
        }
        if !disk.is_off() {
            break;
        }
    }
}

#[test]
fn every_sync_may_fail() {
    for failing in 0.. {
        let disk = MemDisk::new();
        disk.fail_sync_after(failing);
        let (told, done) = work(Arc::new(disk.clone()));
        for survivor in crashes(&disk) {
            check(&survivor, &told, &format!("sync {failing}"));
        }
        if disk.syncs() <= failing {
            done.unwrap();
            break;
        }
        let error = done.unwrap_err();
        assert!(
            matches!(
                error,
                StoreError::Disk {
                    doing: "syncing",
                    ..
                }
            ),
            "{error}"
        );
    }
}

#[test]
fn the_disk_may_be_full_at_every_step() {
    let mut refused = 0;
    for step in 1.. {
        let odd = Arc::new(OddDisk::default());
        odd.full_step.store(step, Ordering::Relaxed);
        let (told, done) = work(odd.clone());
        refused += told.refused;
        for survivor in crashes(&odd.disk) {
            check(&survivor, &told, &format!("step {step}"));
        }
        match done {
            Ok(()) => {}
            Err(StoreError::Disk { doing, source, .. }) => {
                assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
                assert_ne!(doing, "creating", "nothing was written, so nothing closes");
            }
            Err(other) => panic!("{other}"),
        }
        if odd.steps.load(Ordering::Relaxed) < step {
            break;
        }
    }
    assert!(refused > 0);
}

#[test]
fn a_disk_of_any_size_keeps_what_it_took() {
    let mut refused = 0;
    for segments in 0..12 {
        for bytes in [0, 1, SMALL.block_segment_bytes - 1] {
            let disk = MemDisk::new();
            disk.limit_bytes(segments * SMALL.block_segment_bytes + bytes);
            let (told, done) = work(Arc::new(disk.clone()));
            done.unwrap();
            refused += told.refused;
            check(
                &disk.restart(),
                &told,
                &format!("{segments} segments and {bytes}"),
            );
        }
    }
    assert!(refused > 30);
}

#[test]
fn every_read_may_fail() {
    let disk = MemDisk::new();
    let (told, done) = work(Arc::new(disk.clone()));
    done.unwrap();
    let mut failures = 0;
    for read in 1.. {
        let odd = Arc::new(OddDisk {
            disk: disk.restart(),
            ..OddDisk::default()
        });
        odd.bad_read.store(read, Ordering::Relaxed);
        let found = open_with(odd.clone(), SMALL).and_then(|(opened, _)| contents(&opened.blocks));
        match found {
            Ok(found) => assert!(told.safe.iter().all(|(key, it)| found.get(key) == Some(it))),
            Err(error) => {
                failures += 1;
                let text = error.to_string();
                assert!(text.contains("reading blocks-00000000"), "{text}");
                assert!(text.contains(".seg at byte "), "{text}");
            }
        }
        if odd.reads.load(Ordering::Relaxed) < read {
            break;
        }
    }
    assert!(failures > 5);
}
