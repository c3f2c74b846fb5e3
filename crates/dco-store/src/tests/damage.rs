//! Bytes that were durable and have changed are damage, named by file and offset.

use std::sync::Arc;

use super::support::{SMALL, block, contents, open_with, pattern};
use crate::{
    Disk, Fate, MemDisk, Opened, Options, StoreError,
    disk::Folder,
    frame::{Frame, Kind, Spot},
    segment::{Bodies, Log, Scan, SegmentHeader},
};

/// Several segments of few bytes, since every one of these is flipped.
const TINY: Options = Options {
    block_segment_bytes: 900,
    ..SMALL
};

/// The block segment that still grows when everything is written.
const GROWING: u64 = 4;

fn open_tiny(disk: &MemDisk) -> Result<(Opened, Vec<Vec<u8>>), StoreError> {
    open_with(Arc::new(disk.clone()), TINY)
}

/// A disk with several segments of both logs; closed in good order or not.
fn written(close: bool) -> MemDisk {
    let disk = MemDisk::new();
    let mut opened = open_tiny(&disk).unwrap().0;
    for n in 0..12 {
        opened
            .journal
            .commit(&[pattern(n, 30), pattern(n + 100, 20)])
            .unwrap();
    }
    for index in 0..7 {
        opened
            .blocks
            .commit(&[(1, block(index, pattern(index.into(), 150)))])
            .unwrap();
    }
    if close {
        opened.journal.close().unwrap();
        opened.blocks.close().unwrap();
    }
    disk.crash(|_| Fate::Kept)
}

/// Opens everything and reads everything.
fn read_all(disk: &MemDisk) -> Result<(usize, usize), StoreError> {
    let (opened, replayed) = open_tiny(disk)?;
    let blocks = contents(&opened.blocks)?;
    for ((owner, index), bytes) in &blocks {
        assert_eq!((*owner, bytes), (1, &pattern((*index).into(), 150).into()));
    }
    Ok((replayed.len(), blocks.len()))
}

/// Each segment file with the position below which it is known to have been synced.
fn segments(disk: &MemDisk) -> Vec<(String, u64)> {
    let folder = Folder::new(Arc::new(disk.clone()));
    let mut found = Vec::new();
    for log in [Log::Journal, Log::Blocks] {
        let numbers = log.list(&folder).unwrap().segments;
        for number in &numbers {
            let header = SegmentHeader::read(&folder, log, *number).unwrap();
            let mut scan = Scan::open(&folder, header, Bodies::Check, true).unwrap();
            while scan.next().unwrap().is_some() {}
            let is_last = numbers.last() == Some(number);
            found.push((
                scan.file.clone(),
                if is_last { scan.synced } else { scan.at },
            ));
        }
    }
    found
}

#[test]
fn a_bit_flipped_below_the_synced_position_is_damage_there() {
    for close in [true, false] {
        let disk = written(close);
        let whole = read_all(&disk.restart()).unwrap();
        assert_eq!(whole, (24, 7));
        let segments = segments(&disk);
        assert!(segments.len() > 5, "{segments:?}");
        assert_eq!(segments.last().unwrap().0, Log::Blocks.segment(GROWING));
        for (file, synced) in segments {
            let end = if is_sealed(&file) {
                disk.len(&file).unwrap()
            } else {
                synced
            };
            for offset in 0..end {
                check_flip(&disk, &file, offset);
            }
        }
    }
}

fn check_flip(disk: &MemDisk, file: &str, offset: u64) {
    let disk = disk.restart();
    disk.flip_bit(file, offset, u8::try_from(offset % 8).unwrap());
    match read_all(&disk) {
        Err(StoreError::Damaged {
            file: named,
            offset: start,
            ..
        }) => {
            assert_eq!(named, file);
            assert!(
                start <= offset && offset - start < 1024,
                "{file}: {start} for {offset}"
            );
        }
        // What a start steps over and what it can do without: frame headers and the footer.
        Ok(read) if is_sealed(file) => assert_eq!(read, (24, 7), "{file} at {offset}"),
        other => panic!("{file} at {offset}: {other:?}"),
    }
}

/// Whether it is a block segment with a footer.
fn is_sealed(file: &str) -> bool {
    file.starts_with(Log::Blocks.prefix()) && *file != Log::Blocks.segment(GROWING)
}

#[test]
fn a_bit_flipped_above_it_costs_at_most_the_last_commit() {
    for close in [true, false] {
        let disk = written(close);
        for (file, synced) in segments(&disk) {
            for offset in synced..disk.len(&file).unwrap() {
                let disk = disk.restart();
                disk.flip_bit(&file, offset, u8::try_from(offset % 8).unwrap());
                let (records, blocks) = read_all(&disk).unwrap();
                assert!(if close {
                    (records, blocks) == (24, 7)
                } else {
                    records >= 22 && blocks >= 6
                });
            }
        }
    }
}

#[test]
fn a_closed_segment_that_is_cut_short_is_damage() {
    let disk = written(true);
    let segments = segments(&disk);
    let prefix = |file: &str| file.split('-').next().map(str::to_owned);
    let closed = segments
        .windows(2)
        .filter(|pair| prefix(&pair[0].0) == prefix(&pair[1].0));
    for (file, synced) in closed.map(|pair| &pair[0]) {
        for bytes in [0, 1, 127, 128, 200, synced - 1] {
            let disk = disk.restart();
            disk.set_len(file, bytes).unwrap();
            let error = read_all(&disk).unwrap_err();
            assert!(matches!(&error, StoreError::Damaged { file: named, .. } if named == file));
        }
    }
}

#[test]
fn a_file_that_ends_inside_a_frame_was_cut_and_is_damage() {
    for close in [true, false] {
        let disk = written(close);
        let (log, number) = (Log::Blocks, GROWING);
        let file = log.segment(number);
        let folder = Folder::new(Arc::new(disk.clone()));
        let header = SegmentHeader::read(&folder, log, number).unwrap();
        let mut scan = Scan::open(&folder, header, Bodies::Check, true).unwrap();
        let found = scan.next().unwrap().unwrap();
        for bytes in found.offset + 64..scan.at {
            let disk = disk.restart();
            disk.set_len(&file, bytes).unwrap();
            let error = read_all(&disk).unwrap_err();
            assert!(
                matches!(&error, StoreError::Damaged { file: named, offset, .. }
                    if *named == file && *offset == found.offset),
                "{error}"
            );
        }
    }
}

#[test]
fn a_journal_segment_that_is_missing_or_exchanged_is_named() {
    let disk = written(true);
    let names = |number| Log::Journal.segment(number);
    let gone = disk.restart();
    gone.remove(&names(2)).unwrap();
    let error = read_all(&gone).unwrap_err();
    assert!(
        matches!(&error, StoreError::Damaged { file, .. } if *file == names(2)),
        "{error}"
    );
    let exchanged = disk.restart();
    for (from, to) in [(names(2), "aside"), (names(3), &names(2))] {
        exchanged.rename(&from, to).unwrap();
    }
    exchanged.rename("aside", &names(3)).unwrap();
    let error = read_all(&exchanged).unwrap_err();
    assert!(
        matches!(&error, StoreError::Damaged { file, .. } if *file == names(2)),
        "{error}"
    );
}

#[test]
fn a_segment_of_another_history_breaks_the_chain() {
    let (disk, other) = (written(true), MemDisk::new());
    let mut journal = open_tiny(&other).unwrap().0.journal;
    for n in 0..12 {
        journal
            .commit(&[pattern(n + 50, 30), pattern(n + 100, 20)])
            .unwrap();
    }
    let file = Log::Journal.segment(2);
    let mut bytes = vec![0; usize::try_from(other.len(&file).unwrap()).unwrap()];
    other.read_at(&file, 0, &mut bytes).unwrap();
    disk.set_len(&file, bytes.len() as u64).unwrap();
    disk.write_at(&file, 0, &[&bytes]).unwrap();
    let error = read_all(&disk).unwrap_err();
    let expected = "journal-0000000002.seg is damaged at byte 0: this segment does not follow the \
                    one before; it was left as it is; restore the data folder from a backup";
    assert_eq!(error.to_string(), expected);
}

/// Whoever can write the files can make checksums right. The chain still shows it.
#[test]
fn a_record_changed_with_a_right_checksum_breaks_the_chain() {
    let disk = written(true);
    let (file, offset) = (Log::Journal.segment(1), 128);
    let spot = Spot {
        salt: TINY.salt,
        segment: 1,
        offset,
    };
    let mut header = [0; 64];
    disk.read_at(&file, offset, &mut header).unwrap();
    let frame = Frame::decode(&header, &spot).unwrap();
    let mut body = vec![0; usize::try_from(frame.body_bytes).unwrap()];
    disk.read_at(&file, offset + 64, &mut body).unwrap();
    *body.last_mut().unwrap() ^= 1;
    let forged = Frame {
        body_crc32: crc32fast::hash(&body),
        ..frame
    };
    let parts: [&[u8]; 2] = [&forged.encode(&spot), &body];
    disk.write_at(&file, offset, &parts).unwrap();
    let error = read_all(&disk).unwrap_err().to_string();
    assert!(
        error.contains("damaged at byte 128: the hash chain is broken"),
        "{error}"
    );
}

#[test]
fn what_recovery_kept_is_known_to_be_durable_from_then_on() {
    let disk = written(false);
    let last_commits: Vec<_> = segments(&disk);
    drop(open_tiny(&disk).unwrap());
    for log in [Log::Journal, Log::Blocks] {
        let mut theirs = last_commits
            .iter()
            .filter(|(file, _)| file.starts_with(log.prefix()));
        let (file, last_commit) = theirs.next_back().unwrap();
        let disk = disk.restart();
        disk.flip_bit(file, last_commit + 70, 0);
        let error = read_all(&disk).unwrap_err();
        let is_named = matches!(&error, StoreError::Damaged { file: named, offset, .. }
            if named == file && offset == last_commit);
        assert!(is_named, "{error}");
    }
}

#[test]
fn evidence_is_found_wherever_it_lies() {
    let options = Options {
        journal_segment_bytes: 1024 * 1024,
        ..SMALL
    };
    // The second commit starts around the places where the search goes on to its next piece.
    for bytes in (65_560 - 228..65_630 - 228).chain([0, 200_000]) {
        let disk = MemDisk::new();
        let mut journal = open_with(Arc::new(disk.clone()), options)
            .unwrap()
            .0
            .journal;
        journal.commit(&[vec![1; bytes]]).unwrap();
        journal.commit(&[b"later"]).unwrap();
        disk.flip_bit(&Log::Journal.segment(1), 128 + 10, 0);
        let error = open_with(Arc::new(disk), options).unwrap_err();
        assert!(
            matches!(error, StoreError::Damaged { offset: 128, .. }),
            "{bytes}: {error}"
        );
    }
}

#[test]
fn a_newer_format_is_not_called_damage() {
    for (log, newer) in [(Log::Journal, 3), (Log::Blocks, 3)] {
        let disk = written(true);
        let file = log.segment(1);
        let mut header = [0; 128];
        disk.read_at(&file, 0, &mut header).unwrap();
        header[8] = newer;
        let crc32 = crc32fast::hash(&header[..124]);
        header[124..].copy_from_slice(&crc32.to_le_bytes());
        disk.write_at(&file, 0, &[&header]).unwrap();
        let error = read_all(&disk).unwrap_err();
        assert!(
            matches!(error, StoreError::NewerFormat { what: "file", found, known, .. }
                if found == u32::from(newer) && known + 1 == found),
            "{error}"
        );
    }
}

#[test]
fn bytes_that_look_like_a_frame_inside_a_block_are_only_bytes() {
    let disk = MemDisk::new();
    let mut blocks = open_tiny(&disk).unwrap().0.blocks;
    blocks.commit(&[(1, block(0, pattern(1, 150)))]).unwrap();
    // All that a sender can know of the format, at every offset it could be right for; what it
    // cannot know is the salt.
    let forged: Vec<_> = (0..4)
        .map(|n| {
            let offset = 128 + 64 + 150 + 64 + 20 + n * 64;
            let spot = Spot {
                salt: 0,
                segment: 1,
                offset,
            };
            let frame = Frame {
                kind: Kind::Block,
                synced: offset,
                key: 9,
                item: 9,
                body_bytes: 0,
                body_crc32: 0,
            };
            frame.encode(&spot)
        })
        .collect();
    let mut data = vec![0; 20];
    data.extend(forged.concat());
    blocks.commit(&[(1, block(1, data))]).unwrap();
    drop(blocks);
    // Tear the second block's header, so that recovery has to look behind it.
    disk.flip_bit(&Log::Blocks.segment(1), 128 + 64 + 150 + 5, 0);
    let held: Vec<_> = open_tiny(&disk).unwrap().0.blocks.held().collect();
    assert_eq!(held.len(), 1, "{held:?}");
    assert_ne!(TINY.salt, 0);
}

#[test]
fn files_of_other_names_are_left_alone_and_unfinished_ones_removed() {
    let disk = written(true);
    for name in [
        "notes.txt",
        "journal-1.seg",
        "blocks-x.seg",
        "journal-0000000099.new",
    ] {
        disk.create(name, 10).unwrap();
    }
    assert_eq!(read_all(&disk).unwrap(), (24, 7));
    let names = disk.list().unwrap();
    assert!(names.contains(&"notes.txt".to_owned()) && names.contains(&"journal-1.seg".to_owned()));
    assert!(!names.iter().any(|name| name.ends_with(".new")));
}
