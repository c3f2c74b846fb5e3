//! Stores that are good, and what is known of them.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use dco_block::{
    Block, FirmwareVersion, ImageId, Manifest, ManifestParts, ManufacturerImageHash, RawBlock,
};
use dco_store::{Disk, MemDisk, Opened, Options, StoreError, open, records_only};

use crate::samples::header;

/// So small that a few records and blocks fill some segments.
pub(super) const OPTIONS: Options = Options {
    block_segment_bytes: 4096,
    journal_segment_bytes: 700,
    reserve_bytes: 0,
    commit_bytes_max: 4096,
    queue_bytes_max: 16 * 1024,
    compaction_pause: Duration::from_millis(20),
    record_format: 0,
    salt: 0x00C0_FFEE,
};

const BLOCK_BYTES: u32 = 1024;

/// A store, and all that was put into it.
#[derive(Debug)]
pub(super) struct Good {
    pub(super) disk: MemDisk,
    /// Every file with its bytes, by name.
    pub(super) files: Vec<(String, Vec<u8>)>,
    records: Vec<Vec<u8>>,
    /// For each commit of the journal: how many records there are after it, in which file it is and where it ends.
    commits: Vec<(usize, String, u64)>,
    blocks: BTreeMap<(u64, u32), Bytes>,
}

/// One that was closed, one whose process ended without, and one that has been opened again.
pub(super) fn good(which: u8) -> &'static Good {
    static GOOD: LazyLock<[Good; 3]> =
        LazyLock::new(|| [Good::new(true, 1), Good::new(false, 1), Good::new(true, 2)]);
    &GOOD[usize::from(which) % GOOD.len()]
}

impl Good {
    fn new(is_closed: bool, starts: u64) -> Self {
        let disk = MemDisk::new();
        let mut good = Self {
            disk: disk.clone(),
            files: Vec::new(),
            records: Vec::new(),
            commits: Vec::new(),
            blocks: BTreeMap::new(),
        };
        for owner in 1..=starts {
            let opened = open(
                Arc::new(disk.clone()),
                OPTIONS,
                &mut records_only(|_, _| Ok(())),
            );
            good.fill(opened.expect("the disk works"), owner, is_closed);
        }
        good.files = files(&disk);
        good
    }

    fn fill(&mut self, opened: Opened, owner: u64, is_closed: bool) {
        let Opened {
            mut journal,
            mut blocks,
            ..
        } = opened;
        for commit in 0..6_u8 {
            let records: Vec<_> = (0..=commit % 3).map(|it| vec![0xA0 + it; 90]).collect();
            journal.commit(&records).expect("the disk works");
            self.records.extend(records);
            let (file, end) = journal_end(&self.disk);
            self.commits.push((self.records.len(), file, end));
            let group: Vec<_> = (0..2)
                .map(|it| (owner, block(u32::from(commit) * 2 + it)))
                .collect();
            blocks.commit(&group).expect("the disk works");
            for (owner, block) in group {
                self.blocks
                    .insert((owner, block.index()), block.into_data());
            }
        }
        if is_closed {
            journal.close().expect("the disk works");
            blocks.close().expect("the disk works");
        }
    }

    /// Each file that is not as it was, with the first byte that is not.
    pub(super) fn differences(&self, disk: &MemDisk) -> BTreeMap<String, u64> {
        let found: BTreeMap<_, _> = files(disk).into_iter().collect();
        let files = self.files.iter().filter_map(|(name, bytes)| {
            let first = match found.get(name) {
                None => 0,
                Some(found) => first_difference(bytes, found)?,
            };
            Some((name.clone(), first))
        });
        files.collect()
    }

    /// What a start replayed was written so, and no commit before the first damage is missing.
    pub(super) fn kept_what_is_whole(&self, records: &[Vec<u8>], damaged: &BTreeMap<String, u64>) {
        assert!(self.records.starts_with(records), "nothing was made up");
        let first = damaged.iter().find(|(file, _)| file.starts_with("journal"));
        let whole = self.commits.iter().rev().find(|(_, file, end)| {
            first.is_none_or(|(damaged, at)| file < damaged || file == damaged && end <= at)
        });
        let whole = whole.map_or(0, |(records, _, _)| *records);
        assert!(
            records.len() >= whole,
            "{} of {whole}: {damaged:?}",
            records.len()
        );
        self.only_the_last_can_be_torn(records, damaged);
    }

    /// Damage before the newest segment is never taken for a torn commit.
    fn only_the_last_can_be_torn(&self, records: &[Vec<u8>], damaged: &BTreeMap<String, u64>) {
        let last = self.commits.last().map(|(_, file, _)| file).expect("some");
        if !damaged.contains_key(last) {
            assert_eq!(records.len(), self.records.len(), "{damaged:?}");
        }
    }

    /// What is held can be read as it was or is said to be damaged, and all of it is there if no file of blocks was touched.
    pub(super) fn blocks_are_those(&self, opened: &Opened, damaged: &BTreeMap<String, u64>) {
        let is_whole = !damaged.keys().any(|file| file.starts_with("blocks"));
        let reader = opened.blocks.reader();
        let mut count = 0;
        for held in opened.blocks.held() {
            let expected = &self.blocks[&(held.owner, held.index)];
            match reader.read(held.owner, held.index) {
                Ok(bytes) => assert_eq!(bytes, expected),
                Err(StoreError::Damaged { file, .. }) => assert!(damaged.contains_key(&file)),
                Err(other) => panic!("{other:?}"),
            }
            count += 1;
        }
        assert!(!is_whole || count == self.blocks.len());
    }
}

fn first_difference(one: &[u8], other: &[u8]) -> Option<u64> {
    let same = one
        .iter()
        .zip(other)
        .take_while(|(one, other)| one == other);
    let same = same.count();
    let differs = same < one.len() || same < other.len();
    differs.then(|| u64::try_from(same).expect("files are small"))
}

fn files(disk: &MemDisk) -> Vec<(String, Vec<u8>)> {
    let mut names = disk.list().expect("the disk works");
    names.sort();
    let file = |name: String| {
        let bytes = disk.len(&name).expect("it is there");
        let mut read = vec![0; usize::try_from(bytes).expect("files are small")];
        disk.read_at(&name, 0, &mut read).expect("the disk works");
        (name, read)
    };
    names.into_iter().map(file).collect()
}

/// The newest file of the journal and where what was written to it ends: no record ends in zeros.
fn journal_end(disk: &MemDisk) -> (String, u64) {
    let files = files(disk);
    let journal = files
        .iter()
        .rev()
        .find(|(name, _)| name.ends_with(".seg") && name.starts_with("journal"));
    let (name, bytes) = journal.expect("something was committed");
    let zeros = bytes.iter().rev().take_while(|octet| **octet == 0).count();
    let end = u64::try_from(bytes.len() - zeros).expect("files are small");
    (name.clone(), end)
}

/// A block of an image of 12 blocks.
fn block(index: u32) -> Block {
    let image_bytes = 12 * BLOCK_BYTES;
    let mut header = header(1);
    header.total_image_bytes = image_bytes;
    let manifest = Manifest::new(ManifestParts {
        image_id: ImageId::new([1; 32]),
        image_bytes,
        block_bytes: BLOCK_BYTES,
        manufacturer_image_hash: ManufacturerImageHash::new([2; 32]),
        firmware_version: FirmwareVersion::new(1),
        ota_header: header.encode().into(),
    });
    let [fill, ..] = index.to_le_bytes();
    let data = vec![fill + 1; usize::try_from(BLOCK_BYTES).expect("small")];
    let raw = RawBlock::new(index, data.into());
    raw.verify(&manifest.expect("it is within limits"))
        .expect("it is one of them")
}
