//! What a start reads of sealed block segments.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use proptest::prelude::*;

use super::{
    odd_disk::OddDisk,
    support::{SMALL, block, by_chance, contents, open_small, open_with, pattern},
};
use crate::{Disk, Fate, MemDisk, segment::Log};

const BLOCKS: u32 = 10;

/// A disk with three sealed segments of three blocks each and one that grows.
fn written() -> (MemDisk, BTreeMap<(u64, u32), Bytes>) {
    let disk = MemDisk::new();
    let mut log = open_small(&disk).unwrap().0.blocks;
    for index in 0..BLOCKS {
        let put = (1, block(index, pattern(index.into(), 1024)));
        log.commit(&[put]).unwrap();
    }
    let held = contents(&log).unwrap();
    log.close().unwrap();
    (disk.crash(|_| Fate::Lost), held)
}

fn found(disk: &MemDisk) -> BTreeMap<(u64, u32), Bytes> {
    contents(&open_small(disk).unwrap().0.blocks).unwrap()
}

/// How many reads a start of the block log takes.
fn reads(disk: &MemDisk) -> u64 {
    let odd = Arc::new(OddDisk {
        disk: disk.restart(),
        ..OddDisk::default()
    });
    open_with(odd.clone(), SMALL).unwrap();
    odd.reads.load(std::sync::atomic::Ordering::Relaxed)
}

/// Makes the last bytes of a file what they are in one that was never sealed.
fn without_footer(disk: &MemDisk, number: u64) {
    let file = Log::Blocks.segment(number);
    let bytes = disk.len(&file).unwrap();
    disk.write_at(&file, bytes - 64, &[&[0; 64]]).unwrap();
}

#[test]
fn a_sealed_segment_takes_three_reads_however_many_blocks_it_holds() {
    let (disk, held) = written();
    assert_eq!(found(&disk), held);
    let with_footers = reads(&disk);
    without_footer(&disk, 2);
    // Instead of the list, three blocks and the seal are met.
    assert_eq!(reads(&disk), with_footers - 1 + 4);
    assert_eq!(found(&disk), held);
}

#[test]
fn segments_of_format_1_are_read() {
    let (disk, held) = written();
    for number in 1..=4 {
        let file = Log::Blocks.segment(number);
        let mut header = [0; 128];
        disk.read_at(&file, 0, &mut header).unwrap();
        assert_eq!(header[8..12], [2, 0, 0, 0], "what is written is format 2");
        header[8] = 1;
        let crc32 = crc32fast::hash(&header[..124]);
        header[124..].copy_from_slice(&crc32.to_le_bytes());
        disk.write_at(&file, 0, &[&header]).unwrap();
        without_footer(&disk, number);
    }
    assert_eq!(found(&disk), held);
    // And the last one goes on growing.
    let mut log = open_small(&disk).unwrap().0.blocks;
    for index in 0..5 {
        let put = (2, block(index, pattern(index.into(), 1024)));
        log.commit(&[put]).unwrap();
    }
    assert_eq!(found(&disk).len(), held.len() + 5);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever becomes of the bytes of footers, the blocks are there.
    #[test]
    fn a_bad_footer_costs_nothing(flips in prop::collection::vec((1..4_u64, 0..212_u64, 0..8_u8), 1..6)) {
        let (disk, held) = written();
        for (number, from_end, bit) in flips {
            let file = Log::Blocks.segment(number);
            disk.flip_bit(&file, disk.len(&file).unwrap() - 1 - from_end, bit);
        }
        prop_assert_eq!(found(&disk), held);
    }

    /// The power goes while a segment is sealed whose file ends in the footer of an earlier one:
    /// with or without its own, it is read.
    #[test]
    fn a_seal_may_be_torn_anywhere(cut in 0..20_u64, seed in any::<u64>()) {
        let disk = MemDisk::new();
        let mut log = open_small(&disk).unwrap().0.blocks;
        let put = |owner, index: u32| (owner, block(index, pattern(index.into(), 1024)));
        log.commit(&(0..7).map(|index| put(9, index)).collect::<Vec<_>>()).unwrap();
        log.free(9).unwrap();
        log.commit(&(0..5).map(|index| put(1, index)).collect::<Vec<_>>()).unwrap();
        disk.power_off_after(cut);
        let _failure = log.commit(&[put(1, 5), put(1, 6)]);
        let found = found(&disk.crash(by_chance(seed)));
        prop_assert!((0..5).all(|index| found.contains_key(&(1, index))));
        for ((owner, index), bytes) in found {
            prop_assert!(owner == 1 || (owner, index) == (9, 6), "{owner} {index}");
            prop_assert_eq!(bytes, pattern(index.into(), 1024));
        }
    }
}
