use std::{
    collections::BTreeMap,
    sync::{Arc, mpsc::sync_channel},
    thread,
};

use bytes::Bytes;

use super::support::{block, contents, open_small, open_with, pattern};
use crate::{BlockLog, Disk, Fate, FileDisk, HeldBlock, MemDisk, Options, Put, StoreError};

fn log(disk: &MemDisk) -> BlockLog {
    open_small(disk).unwrap().0.blocks
}

fn put(log: &mut BlockLog, owner: u64, index: u32, data: &[u8]) -> Put {
    let answers = log.commit(&[(owner, block(index, data.to_vec()))]).unwrap();
    answers.into_iter().next().unwrap().unwrap()
}

#[test]
fn blocks_are_held_and_read_back() {
    let disk = MemDisk::new();
    let mut blocks = log(&disk);
    let puts: Vec<_> = [(9, 1), (7, 3), (7, 0), (9, 0)]
        .map(|(owner, index)| (owner, block(index, pattern(owner + u64::from(index), 1024))))
        .into();
    let answers = blocks.commit(&puts).unwrap();
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer, Ok(Put::Durable)))
    );
    for blocks in [blocks, log(&disk.crash(|_| Fate::Lost))] {
        let names: Vec<_> = blocks.held().map(|held| (held.owner, held.index)).collect();
        assert_eq!(names, [(7, 0), (7, 3), (9, 0), (9, 1)]);
        for (owner, block) in &puts {
            let read = blocks.reader().read(*owner, block.index()).unwrap();
            assert_eq!(&read, block.data());
            let held = HeldBlock {
                owner: *owner,
                index: block.index(),
                crc32: block.crc32(),
            };
            assert!(blocks.held().any(|other| other == held));
        }
        let missing = blocks.reader().read(7, 1).unwrap_err();
        assert!(matches!(
            missing,
            StoreError::NotHeld { owner: 7, index: 1 }
        ));
    }
}

#[test]
fn the_same_block_again_is_already_held_and_another_is_a_conflict() {
    let disk = MemDisk::new();
    let mut blocks = log(&disk);
    let (first, other) = (pattern(1, 1024), pattern(2, 1024));
    assert_eq!(put(&mut blocks, 1, 0, &first), Put::Durable);
    let operations = disk.operations();
    let conflict = Put::Conflict {
        stored_crc32: crc32fast::hash(&first),
    };
    assert_eq!(put(&mut blocks, 1, 0, &first), Put::AlreadyHeld);
    assert_eq!(put(&mut blocks, 1, 0, &other), conflict);
    assert_eq!(put(&mut blocks, 1, 0, &first[..1000]), conflict);
    assert_eq!(disk.operations(), operations, "nothing was written");
    assert_eq!(
        put(&mut blocks, 2, 0, &other),
        Put::Durable,
        "owners are apart"
    );
}

#[test]
fn duplicates_in_one_commit_are_judged_by_the_first() {
    let mut blocks = log(&MemDisk::new());
    let (first, other) = (pattern(1, 1024), pattern(2, 1024));
    let puts = [&first, &other, &first].map(|data| (1, block(5, data.clone())));
    let answers: Vec<_> = blocks
        .commit(&puts)
        .unwrap()
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let conflict = Put::Conflict {
        stored_crc32: crc32fast::hash(&first),
    };
    assert_eq!(answers, [Put::Durable, conflict, Put::AlreadyHeld]);
    assert_eq!(blocks.reader().read(1, 5).unwrap(), first);
}

#[test]
fn other_bytes_with_the_same_crc32_are_a_conflict() {
    let mut blocks = log(&MemDisk::new());
    let first = pattern(1, 1024);
    let forged = with_same_crc32(&first);
    assert_ne!(first, forged);
    assert_eq!(crc32fast::hash(&first), crc32fast::hash(&forged));
    assert_eq!(put(&mut blocks, 1, 0, &first), Put::Durable);
    let stored_crc32 = crc32fast::hash(&first);
    assert_eq!(
        put(&mut blocks, 1, 0, &forged),
        Put::Conflict { stored_crc32 }
    );
    let puts = [&first, &forged].map(|data| (2, block(0, data.clone())));
    let answers = blocks.commit(&puts).unwrap();
    assert!(matches!(answers[1], Ok(Put::Conflict { .. })));
}

/// A CRC is linear: adding the generator polynomial anywhere leaves it the same.
fn with_same_crc32(data: &[u8]) -> Vec<u8> {
    let mut forged = data.to_vec();
    let generator = 0x1_04C1_1DB7_u64;
    for (bit, power) in (0..=32).rev().enumerate() {
        if generator >> power & 1 == 1 {
            forged[100 + bit / 8] ^= 1 << (bit % 8);
        }
    }
    forged
}

#[test]
fn a_freed_segment_is_used_again_and_its_old_blocks_stay_gone() {
    let disk = MemDisk::new();
    let mut blocks = log(&disk);
    for owner in 1..40 {
        for index in 0..5 {
            put(
                &mut blocks,
                owner,
                index,
                &pattern(owner * 10 + u64::from(index), 1024),
            );
        }
        if owner > 2 {
            blocks.free(owner - 2).unwrap();
        }
    }
    blocks.free(38).unwrap();
    let files = disk.list().unwrap();
    assert!(
        files.len() < 12,
        "39 owners need 65 segments at once, if none is used again: {files:?}"
    );
    assert_eq!(contents(&blocks).unwrap().len(), 5);
    let reopened = log(&disk.crash(|_| Fate::Lost));
    let held = contents(&reopened).unwrap();
    for index in 0..5 {
        assert_eq!(held[&(39, index)], pattern(390 + u64::from(index), 1024));
    }
    // What shares a segment with the living may be listed again, with its own bytes.
    for ((owner, index), bytes) in held {
        assert!(owner > 35, "{owner} was freed and its segments used again");
        assert_eq!(bytes, pattern(owner * 10 + u64::from(index), 1024));
    }
}

#[test]
fn freed_files_wait_for_reuse_in_limited_number() {
    let disk = MemDisk::new();
    let mut blocks = log(&disk);
    let files = |ending| {
        disk.list()
            .unwrap()
            .into_iter()
            .filter(|name| name.ends_with(ending))
            .collect::<Vec<_>>()
    };
    let fill = |blocks: &mut BlockLog, owner, count| {
        for index in 0..count {
            put(blocks, owner, index, &pattern(u64::from(index), 1024));
        }
    };
    // Three to a segment.
    fill(&mut blocks, 1, 3);
    blocks.free(1).unwrap();
    assert_eq!(
        files(".free").len(),
        0,
        "the segment that grows is not recycled"
    );
    fill(&mut blocks, 2, 1);
    assert_eq!(files(".free"), ["blocks-0000000001.free"]);
    fill(&mut blocks, 3, 3);
    assert_eq!(
        files(".seg"),
        ["blocks-0000000002.seg", "blocks-0000000003.seg"]
    );
    assert_eq!(files(".free").len(), 0, "used again");
    fill(&mut blocks, 4, 60);
    for owner in 2..5 {
        blocks.free(owner).unwrap();
    }
    assert_eq!(files(".seg").len(), 1);
    assert_eq!(
        files(".free").len(),
        8,
        "the rest went back to the file system"
    );
    let survivor = log(&disk.crash(|_| Fate::Lost));
    assert_eq!(survivor.held().filter(|held| held.owner < 4).count(), 0);
}

#[test]
fn spare_files_that_somebody_else_named_end_nothing() {
    let disk = MemDisk::new();
    let fill = |blocks: &mut BlockLog, owner| {
        for index in 0..12 {
            put(blocks, owner, index, &pattern(u64::from(index), 1024));
        }
    };
    let mut blocks = log(&disk);
    fill(&mut blocks, 1);
    drop(blocks);
    // A copy of a segment in use, and one behind which no number is left.
    disk.create("blocks-0000000001.free", 4096).unwrap();
    disk.create("blocks-18446744073709551615.free", 4096)
        .unwrap();
    let mut blocks = log(&disk);
    for owner in 2..6 {
        blocks.free(owner - 1).unwrap();
        fill(&mut blocks, owner);
    }
    let held = contents(&log(&disk.crash(|_| Fate::Lost))).unwrap();
    assert_eq!(held.keys().filter(|(owner, _)| *owner == 5).count(), 12);
}

#[test]
fn a_block_larger_than_a_segment_gets_a_segment_of_its_size() {
    let disk = MemDisk::new();
    let options = Options {
        block_segment_bytes: 300,
        ..Options::default()
    };
    let open = |disk: &MemDisk| open_with(Arc::new(disk.clone()), options).unwrap().0.blocks;
    let mut blocks = open(&disk);
    for index in 0..4 {
        put(&mut blocks, 1, index, &pattern(u64::from(index), 1024));
    }
    let held = contents(&open(&disk.crash(|_| Fate::Lost))).unwrap();
    assert_eq!(held.len(), 4);
}

#[test]
fn a_failed_sync_closes_the_log_for_writing_and_reading() {
    let disk = MemDisk::new();
    let mut blocks = log(&disk);
    put(&mut blocks, 1, 0, &pattern(1, 1024));
    disk.fail_sync_after(0);
    let failure = blocks
        .commit(&[(1, block(1, pattern(2, 1024)))])
        .unwrap_err();
    assert!(
        matches!(
            failure,
            StoreError::Disk {
                doing: "syncing",
                ..
            }
        ),
        "{failure:?}"
    );
    assert!(matches!(blocks.commit(&[]), Err(StoreError::Closed)));
    assert!(matches!(blocks.free(1), Err(StoreError::Closed)));
    assert!(matches!(
        blocks.reader().read(1, 0),
        Err(StoreError::Closed)
    ));
    assert!(matches!(blocks.close(), Err(StoreError::Closed)));
    // What a new process on the same machine finds, it makes durable before it says so.
    let disk = disk.restart();
    let found = contents(&log(&disk)).unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(contents(&log(&disk.crash(|_| Fate::Lost))).unwrap(), found);
}

#[test]
fn the_thread_answers_every_put_once_it_is_durable() {
    let disk = MemDisk::new();
    let (writer, reader) = log(&disk).start(|error| panic!("{error}"));
    let (done, answers) = sync_channel(1000);
    for index in 0..60 {
        let (done, seen) = (done.clone(), disk.clone());
        writer.put(
            3,
            block(index, pattern(u64::from(index), 1024)),
            move |put| {
                let survivor = log(&seen.crash(|_| Fate::Lost));
                assert!(
                    survivor.reader().read(3, index).is_ok(),
                    "answered before it was durable"
                );
                done.send((index, put.unwrap())).unwrap();
            },
        );
    }
    drop(done);
    let answers: Vec<_> = answers.iter().collect();
    assert!(
        answers
            .iter()
            .zip(0..60)
            .all(|(answer, index)| *answer == (index, Put::Durable))
    );
    assert_eq!(reader.read(3, 59).unwrap(), pattern(59, 1024));
    writer.free(3);
    writer.close().unwrap();
    assert!(matches!(
        reader.read(3, 59),
        Err(StoreError::NotHeld { .. })
    ));
    assert!(matches!(writer.close(), Err(StoreError::Closed)));
}

#[test]
fn after_a_failure_every_put_is_answered_with_closed() {
    let disk = MemDisk::new();
    let (failed, failures) = sync_channel(10);
    let (writer, reader) = log(&disk).start(move |error| failed.send(error).unwrap());
    let (done, answers) = sync_channel(100);
    disk.power_off_after(8);
    for index in 0..50 {
        let done = done.clone();
        let answer = move |put| done.send(put).unwrap();
        writer.put(1, block(index, pattern(u64::from(index), 1024)), answer);
    }
    drop(done);
    let answers: Vec<_> = answers.iter().collect();
    assert_eq!(answers.len(), 50);
    let refused = answers.iter().skip_while(|answer| answer.is_ok());
    assert!(refused.clone().count() > 0);
    assert!(
        refused
            .clone()
            .all(|answer| matches!(answer, Err(StoreError::Closed)))
    );
    assert!(matches!(failures.recv().unwrap(), StoreError::Disk { .. }));
    assert!(failures.recv().is_err(), "told once");
    assert!(matches!(reader.read(1, 0), Err(StoreError::Closed)));
    assert!(matches!(writer.close(), Err(StoreError::Closed)));
}

#[test]
fn the_last_writer_dropped_lets_the_thread_finish() {
    let disk = MemDisk::new();
    let (writer, _) = log(&disk).start(|error| panic!("{error}"));
    let (done, answer) = sync_channel(1);
    let clone = writer.clone();
    drop(writer);
    clone.put(1, block(0, pattern(1, 1024)), move |put| {
        done.send(put).unwrap()
    });
    drop(clone);
    assert!(matches!(answer.recv().unwrap(), Ok(Put::Durable)));
}

#[test]
fn readers_and_writers_share_real_files() {
    let folder = tempfile::tempdir().unwrap();
    let disk = || Arc::new(FileDisk::open(folder.path()).unwrap());
    let options = Options {
        block_segment_bytes: 16 * 1024,
        ..Options::default()
    };
    let (opened, _) = open_with(disk(), options).unwrap();
    drop(opened.journal);
    let (writer, reader) = opened.blocks.start(|error| panic!("{error}"));
    thread::scope(|scope| {
        for owner in 1..5_u64 {
            let (writer, reader) = (writer.clone(), reader.clone());
            scope.spawn(move || send_and_free(owner, &writer, &reader));
        }
    });
    writer.close().unwrap();
    drop((writer, reader));
    let (opened, _) = open_with(disk(), options).unwrap();
    let held = contents(&opened.blocks).unwrap();
    let kept: BTreeMap<_, _> = held
        .into_iter()
        .filter(|((owner, _), _)| *owner >= 2000)
        .collect();
    let expected = (1..5_u64).flat_map(|owner| {
        (0..8).map(move |index| ((2000 + owner, index), data_of(2000 + owner, index)))
    });
    assert_eq!(kept, expected.collect());
}

/// Twenty generations of owners: each is put, read back and freed, but for the last.
fn send_and_free(owner: u64, writer: &crate::BlockWriter, reader: &crate::BlockReader) {
    for generation in 1..=20 {
        let owner = generation * 100 + owner;
        let (done, answers) = sync_channel(8);
        for index in 0..8 {
            let done = done.clone();
            writer.put(owner, block(index, data_of(owner, index)), move |put| {
                done.send(put.unwrap()).unwrap();
            });
        }
        drop(done);
        assert!(answers.iter().all(|put| put == Put::Durable));
        for index in 0..8 {
            assert_eq!(reader.read(owner, index).unwrap(), data_of(owner, index));
        }
        if generation < 20 {
            writer.free(owner);
        }
    }
}

fn data_of(owner: u64, index: u32) -> Bytes {
    pattern(owner * 100 + u64::from(index), 1024).into()
}
