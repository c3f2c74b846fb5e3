//! The power goes after every single operation, with many fates of what was not synced.

use std::collections::BTreeMap;

use dco_block::Block;

use super::support::{block, contents, crashes, open_small, pattern};
use crate::{BlockLog, Disk, Fate, Journal, MemDisk, Put, StoreError};

/// What a workload was told before it failed.
#[derive(Default)]
struct Told {
    /// Records or blocks that somebody was told are safe.
    safe: usize,
    sent: usize,
}

#[test]
fn the_journal_keeps_what_it_acknowledged_and_nothing_that_was_not_sent() {
    each_cut(|disk, cut| {
        let told = write_records(disk);
        for survivor in crashes(disk) {
            let (opened, replayed) = open_small(&survivor).expect("any cut can be opened");
            assert!(
                (told.safe..=told.sent).contains(&replayed.len()),
                "cut {cut}"
            );
            assert_eq!(replayed, records(0..replayed.len()), "cut {cut}");
            go_on(opened.journal, &survivor, replayed);
        }
    });
}

/// Writes on after recovery and loses power again: what the first cut tore must stay gone.
fn go_on(mut journal: Journal, disk: &MemDisk, mut expected: Vec<Vec<u8>>) {
    let found = disk.crash(|_| Fate::Lost);
    assert_eq!(
        open_small(&found).unwrap().1,
        expected,
        "what was found is durable"
    );
    let more = vec![b"after the power cut".to_vec(); 3];
    journal.commit(&more).unwrap();
    expected.extend(more);
    for survivor in [disk.crash(|_| Fate::Lost), disk.crash(|_| Fate::Kept)] {
        assert_eq!(open_small(&survivor).unwrap().1, expected);
    }
}

fn write_records(disk: &MemDisk) -> Told {
    let mut told = Told::default();
    let _failure = || -> Result<(), StoreError> {
        let mut journal = open_small(disk)?.0.journal;
        for commit in 0..12 {
            let count = commit % 4 + 1;
            let commit = records(told.sent..told.sent + count);
            told.sent += count;
            journal.commit(&commit)?;
            told.safe = told.sent;
        }
        journal.close()
    }();
    told
}

fn records(numbers: std::ops::Range<usize>) -> Vec<Vec<u8>> {
    numbers.map(|n| pattern(n as u64, n * 13 % 97)).collect()
}

#[test]
fn the_block_log_keeps_what_it_acknowledged_and_nothing_that_was_not_sent() {
    each_cut(|disk, cut| {
        let told = write_blocks(disk);
        for survivor in crashes(disk) {
            let mut log = open_small(&survivor)
                .expect("any cut can be opened")
                .0
                .blocks;
            let found = contents(&log).unwrap_or_else(|error| panic!("cut {cut}: {error}"));
            for (key, bytes) in &found {
                assert!(
                    told.sent.get(key).is_some_and(|sent| sent.data() == bytes),
                    "cut {cut}"
                );
            }
            for (key, block) in &told.safe {
                assert_eq!(
                    found.get(key),
                    Some(block.data()),
                    "cut {cut}: {key:?} is lost"
                );
            }
            go_on_with_blocks(&mut log, &survivor);
        }
    });
}

/// Puts other bytes where the torn ones were and loses power again.
fn go_on_with_blocks(log: &mut BlockLog, disk: &MemDisk) {
    let found = contents(log).unwrap();
    let again = disk.crash(|_| Fate::Lost);
    assert_eq!(
        contents(&open_small(&again).unwrap().0.blocks).unwrap(),
        found
    );
    let puts: Vec<_> = (0..3)
        .map(|index| (77, block(index, pattern(index.into(), 900))))
        .collect();
    log.commit(&puts).unwrap();
    let expected = contents(log).unwrap();
    assert_eq!(expected.len(), found.len() + 3);
    for survivor in [disk.crash(|_| Fate::Lost), disk.crash(|_| Fate::Kept)] {
        assert_eq!(
            contents(&open_small(&survivor).unwrap().0.blocks).unwrap(),
            expected
        );
    }
}

#[derive(Default)]
struct ToldOfBlocks {
    safe: BTreeMap<(u64, u32), Block>,
    sent: BTreeMap<(u64, u32), Block>,
}

fn write_blocks(disk: &MemDisk) -> ToldOfBlocks {
    let mut told = ToldOfBlocks::default();
    let _failure = || -> Result<(), StoreError> {
        let mut log = open_small(disk)?.0.blocks;
        for owner in 1..6 {
            let blocks = [0, 1, 2, 3, 1].map(|index| block(index, of(owner, index)));
            told.sent.extend(
                blocks
                    .iter()
                    .map(|block| ((owner, block.index()), block.clone())),
            );
            let puts: Vec<_> = blocks.iter().map(|block| (owner, block.clone())).collect();
            for (answer, (owner, block)) in log.commit(&puts)?.into_iter().zip(puts) {
                assert!(matches!(answer?, Put::Durable | Put::AlreadyHeld));
                told.safe.insert((owner, block.index()), block);
            }
            log.make_ready()?;
            if owner % 2 == 0 {
                told.safe.retain(|(safe, _), _| *safe != owner - 1);
                log.free(owner - 1)?;
            }
        }
        log.close()
    }();
    told
}

/// Of the length that a block at this index may have: the last of its image or any other.
fn of(owner: u64, index: u32) -> Vec<u8> {
    pattern(
        owner * 10 + u64::from(index),
        500 + 100 * usize::try_from(owner).unwrap(),
    )
}

fn each_cut(check: impl Fn(&MemDisk, u64)) {
    for cut in 0.. {
        let disk = MemDisk::new();
        disk.power_off_after(cut);
        check(&disk, cut);
        if !disk.is_off() {
            assert!(cut > 50, "the workload is worth cutting");
            break;
        }
    }
}

#[test]
fn a_sync_that_fails_anywhere_loses_nothing_that_was_acknowledged() {
    for failing in 0.. {
        let disk = MemDisk::new();
        disk.fail_sync_after(failing);
        let records_told = write_records(&disk);
        let blocks_told = write_blocks(&disk);
        for survivor in crashes(&disk) {
            let (opened, replayed) = open_small(&survivor).unwrap();
            assert!((records_told.safe..=records_told.sent).contains(&replayed.len()));
            let mut log = opened.blocks;
            let found = contents(&log).unwrap();
            assert!(blocks_told.safe.keys().all(|key| found.contains_key(key)));
            // A new process on the same machine must not rest on what only memory has.
            go_on(opened.journal, &survivor, replayed);
            go_on_with_blocks(&mut log, &survivor);
        }
        if disk.syncs() <= failing {
            break;
        }
    }
}

#[test]
fn power_may_go_during_recovery_too() {
    let disk = MemDisk::new();
    disk.power_off_after(95);
    let told = write_records(&disk);
    for survivor in crashes(&disk) {
        for cut in 0.. {
            let disk = survivor.restart();
            disk.power_off_after(cut);
            let _failure = open_small(&disk);
            for survivor in crashes(&disk) {
                let replayed = open_small(&survivor).unwrap().1;
                assert!((told.safe..=told.sent).contains(&replayed.len()));
                assert_eq!(replayed, records(0..replayed.len()));
            }
            if !disk.is_off() {
                break;
            }
        }
    }
}

#[test]
fn no_segment_number_is_used_twice() {
    let mut cuts_without_segment = 0;
    for cut in 0..40 {
        let disk = MemDisk::new();
        disk.power_off_after(cut);
        let _failure = fill_first_segment(&disk);
        let disk = disk.crash(|_| Fate::Kept);
        let mut log = open_small(&disk).unwrap().0.blocks;
        let held: Vec<_> = log.held().collect();
        log.free(1).unwrap();
        drop(log);
        // Where the cut came between a seal and the next segment, only a spare file is left.
        let is_spare = |name: &String| name.ends_with(".free");
        if held.len() == 3 && disk.list().unwrap().iter().all(is_spare) {
            cuts_without_segment += 1;
            // As long as the first old block, so that the other two would follow it.
            let mut log = open_small(&disk).unwrap().0.blocks;
            log.commit(&[(9, block(0, pattern(9, 1000)))]).unwrap();
            let found = open_small(&disk.crash(|_| Fate::Lost)).unwrap().0.blocks;
            assert_eq!(contents(&found).unwrap(), contents(&log).unwrap());
        }
    }
    assert!(cuts_without_segment > 0);
}

/// Three blocks fill the first segment; the fourth is to begin the second.
fn fill_first_segment(disk: &MemDisk) -> Result<(), StoreError> {
    let mut log = open_small(disk)?.0.blocks;
    for index in 0..4 {
        log.commit(&[(1, block(index, pattern(index.into(), 1000)))])?;
    }
    Ok(())
}

#[test]
fn what_stood_behind_a_torn_block_stays_gone() {
    let disk = MemDisk::new();
    let mut log = open_small(&disk).unwrap().0.blocks;
    log.commit(&[(1, block(0, pattern(0, 600)))]).unwrap();
    disk.power_off_after(4);
    let group = [1, 2].map(|index| (1, block(index, pattern(index.into(), 800))));
    log.commit(&group).unwrap_err();
    // The first header of the group is lost; all behind it is there.
    let mut count = 0;
    let disk = disk.crash(|_| {
        count += 1;
        if count == 1 { Fate::Lost } else { Fate::Kept }
    });
    let mut log = open_small(&disk).unwrap().0.blocks;
    assert_eq!(log.held().count(), 1);
    // With the mark of recovery this block ends exactly where the second one of the group began.
    log.commit(&[(2, block(0, pattern(9, 800 - 64)))]).unwrap();
    let found = contents(&open_small(&disk.crash(|_| Fate::Lost)).unwrap().0.blocks).unwrap();
    assert_eq!(found.into_keys().collect::<Vec<_>>(), [(1, 0), (2, 0)]);
}
