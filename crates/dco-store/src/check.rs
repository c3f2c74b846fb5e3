//! Looks at every byte of a data folder without changing one.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    Options, StoreError,
    blocks::{self, may_have_grown},
    codec::in_memory,
    disk::{Disk, Folder},
    frame::{FRAME_HEADER_LEN, Kind},
    journal::{Head, Second},
    open::NO_RECORDS,
    segment::{Bodies, Log, Scan, SegmentHeader},
};

mod journal;
mod names;
mod snapshots;

/// Something in a file that somebody should know of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file's name in the data folder.
    pub file: String,
    /// Where in it.
    pub offset: u64,
    /// What it is.
    pub what: String,
}

/// What a folder was found to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// What is not as it was written, all of it.
    pub damage: Vec<Finding>,
    /// What is not damage: ends that a power cut tore, files of nobody.
    pub notes: Vec<Finding>,
    /// The last record of the journal; nothing if damage hides it.
    pub head: Option<Head>,
    /// Records that are whole.
    pub records: u64,
    /// Snapshots that are whole and fit the journal.
    pub snapshots: u64,
    /// Blocks that are whole, those that were freed and not yet overwritten included.
    pub blocks: u64,
    /// Bytes in them.
    pub block_bytes: u64,
    /// Where they are. Of a block that is there more than once, the last.
    pub whole: BTreeMap<(u64, u32), WholeBlock>,
    /// Whether the second engine is where the journal is that ends with `head`.
    pub is_replayed: bool,
}

/// A block that was found to be what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WholeBlock {
    segment: u64,
    offset: u64,
    bytes: u32,
    crc32: u32,
}

impl WholeBlock {
    /// Its bytes, from the folder in which it was found.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if they have changed since, [`StoreError::Disk`].
    pub fn read(&self, disk: &Arc<dyn Disk>) -> Result<Vec<u8>, StoreError> {
        let folder = Folder::new(Arc::clone(disk));
        let file = Log::Blocks.segment(self.segment);
        let mut bytes = vec![0; in_memory(self.bytes)];
        folder.read_at(&file, self.offset + FRAME_HEADER_LEN, &mut bytes)?;
        if crc32fast::hash(&bytes) == self.crc32 {
            return Ok(bytes);
        }
        Err(StoreError::Damaged {
            file,
            offset: self.offset,
            what: "the bytes of a block are not those that were written",
        })
    }
}

/// Reads every file of a data folder and lists every damage instead of stopping at the first.
/// `second` takes in the journal; where records are missing it goes on from the next snapshot.
/// Each snapshot that it comes by is compared with its own.
///
/// # Errors
/// [`StoreError::NewerFormat`], and [`StoreError::Disk`] if there is no folder to list or a file may
/// not be read. One that cannot be read for another reason is damage.
pub fn check(
    disk: Arc<dyn Disk>,
    options: &Options,
    second: &mut dyn Second,
) -> Result<Report, StoreError> {
    let folder = Folder::new(disk);
    let mut report = Report::default();
    names::check(&folder, &mut report)?;
    let snapshots = snapshots::check(&folder, options, &mut report)?;
    journal::check(&folder, options, second, snapshots, &mut report)?;
    check_blocks(&folder, &mut report)?;
    Ok(report)
}

fn check_blocks(folder: &Folder, report: &mut Report) -> Result<(), StoreError> {
    let numbers = Log::Blocks.list(folder)?.segments;
    let last = numbers.last().copied();
    let grown = match may_have_grown(folder, &numbers) {
        Ok(grown) => grown.first().copied(),
        // It is met again below.
        Err(StoreError::Damaged { .. }) => last,
        Err(error) => {
            let file = last.map(|last| Log::Blocks.segment(last));
            report.note_error(error, &file.unwrap_or_default())?;
            last
        }
    };
    for number in &numbers {
        let is_last = grown.is_some_and(|first| first <= *number);
        let checked = check_block_segment(folder, *number, is_last, report);
        report.note_damage(checked, &Log::Blocks.segment(*number))?;
    }
    Ok(())
}

fn check_block_segment(
    folder: &Folder,
    number: u64,
    is_last: bool,
    report: &mut Report,
) -> Result<(), StoreError> {
    let header = SegmentHeader::read(folder, Log::Blocks, number)?;
    let mut scan = Scan::open(folder, header, Bodies::Check, is_last)?;
    loop {
        match scan.next() {
            Ok(Some(found)) if found.frame.kind != Kind::Block => {
                let what = "a block was expected here";
                report.damage(&scan.file, found.offset, what);
            }
            Ok(Some(found)) => {
                report.blocks += 1;
                report.block_bytes += u64::from(found.frame.body_bytes);
                report.whole.insert(
                    (found.frame.key, found.frame.item),
                    WholeBlock {
                        segment: number,
                        offset: found.offset,
                        bytes: found.frame.body_bytes,
                        crc32: found.frame.body_crc32,
                    },
                );
            }
            Ok(None) => {
                report.note_list(folder, &scan)?;
                return report.note_end(&scan);
            }
            Err(error) => {
                report.note_error(error, &scan.file)?;
                if !scan.go_on_behind()? {
                    return Ok(());
                }
            }
        }
    }
}

impl Report {
    /// Whether there is no damage.
    pub fn is_clean(&self) -> bool {
        self.damage.is_empty()
    }

    /// For a caller who puts blocks only once a record says whose they are: blocks without any record
    /// are damage.
    pub fn expect_records(&mut self) {
        if self.blocks > 0 && self.head == Some(Head::NONE) {
            self.damage(&Log::Journal.segment(1), 0, NO_RECORDS);
        }
    }

    fn damage(&mut self, file: &str, offset: u64, what: impl Into<String>) {
        self.damage.push(Finding {
            file: file.to_owned(),
            offset,
            what: what.into(),
        });
    }

    fn note(&mut self, file: &str, offset: u64, what: impl Into<String>) {
        self.notes.push(Finding {
            file: file.to_owned(),
            offset,
            what: what.into(),
        });
    }

    /// Puts an error on the list, unless it means that this program cannot judge the folder.
    fn note_damage<T>(
        &mut self,
        outcome: Result<T, StoreError>,
        file: &str,
    ) -> Result<Option<T>, StoreError> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(error) => self.note_error(error, file).map(|()| None),
        }
    }

    fn note_error(&mut self, error: StoreError, file: &str) -> Result<(), StoreError> {
        match error {
            StoreError::NewerFormat { .. } => return Err(error),
            forbidden if forbidden.is_forbidden() => return Err(forbidden),
            StoreError::Damaged { file, offset, what } => self.damage(&file, offset, what),
            other => self.damage(file, 0, other.to_string()),
        }
        Ok(())
    }

    /// A sealed segment without its list only costs a start time, and a power cut may be why.
    fn note_list(&mut self, folder: &Folder, scan: &Scan<'_>) -> Result<(), StoreError> {
        if !scan.is_sealed() {
            return Ok(());
        }
        if let Some(offset) = blocks::list_missing_from(folder, &scan.header)? {
            let what =
                "the list of its blocks is missing or wrong; starts read the segment instead";
            self.note(&scan.file, offset, what);
        }
        Ok(())
    }

    /// Tells of what the next start will cut off.
    fn note_end(&mut self, scan: &Scan<'_>) -> Result<(), StoreError> {
        if scan.is_torn()? {
            let what = "the last commit was torn; the next start cuts it off";
            self.note(&scan.file, scan.at, what);
        }
        Ok(())
    }
}
