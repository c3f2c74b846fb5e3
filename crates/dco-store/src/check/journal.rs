use std::ops::Range;

use super::{Report, snapshots::Whole};
use crate::{
    Options, StoreError,
    disk::Folder,
    journal::{Head, Second, Seq, head_after, head_of, records_of},
    segment::{Bodies, Found, Log, Scan, SegmentHeader, check_known},
    snapshot::{self, Snapshot},
};

/// Follows the hash chain over all segments and to the snapshots, and feeds the second engine as
/// long as nothing is missing.
pub(super) fn check(
    folder: &Folder,
    options: &Options,
    second: &mut dyn Second,
    snapshots: Whole,
    report: &mut Report,
) -> Result<(), StoreError> {
    let numbers = Log::Journal.list(folder)?.segments;
    let first = numbers.first().copied().unwrap_or(1);
    let mut audit = Audit {
        folder,
        options,
        second,
        snapshots,
        report,
        head: (first == 1).then_some(Head::NONE),
        replayed: (first == 1).then_some(0),
    };
    let mut expected = first;
    for number in &numbers {
        audit.missing(expected..*number);
        expected = number + 1;
        let checked = audit.check_segment(*number, numbers.last() == Some(number));
        let checked = audit
            .report
            .note_damage(checked, &Log::Journal.segment(*number))?;
        if checked.is_none() {
            audit.head = None;
        }
    }
    audit.finish();
    Ok(())
}

struct Audit<'a> {
    folder: &'a Folder,
    options: &'a Options,
    second: &'a mut dyn Second,
    /// Those that no segment was found to follow so far.
    snapshots: Whole,
    report: &'a mut Report,
    /// The end of what was read; nothing behind damage.
    head: Option<Head>,
    /// The last record that the second engine took in; nothing if one is missing that follows.
    replayed: Option<Seq>,
}

impl Audit<'_> {
    /// One finding for all of a gap: a file under a number of somebody's choice makes it any size.
    fn missing(&mut self, numbers: Range<u64>) {
        if numbers.is_empty() {
            return;
        }
        let last = numbers.end - 1;
        let what = match last - numbers.start {
            0 => "the file is missing".to_owned(),
            _ => format!(
                "the file is missing, and all up to {}",
                Log::Journal.segment(last)
            ),
        };
        let file = Log::Journal.segment(numbers.start);
        self.report.damage(&file, 0, what);
        self.head = None;
    }

    fn check_segment(&mut self, number: u64, is_last: bool) -> Result<(), StoreError> {
        let header = SegmentHeader::read(self.folder, Log::Journal, number)?;
        let mut scan = Scan::open(self.folder, header, Bodies::Check, is_last)?;
        let known = self.options.record_format;
        check_known(&scan.file, "record", header.record_format, known)?;
        self.enter(&header, &scan.file)?;
        loop {
            match scan.next() {
                Ok(Some(found)) => self.check_commit(&scan.file, &found),
                Ok(None) => return self.report.note_end(&scan),
                Err(error) => {
                    self.report.note_error(error, &scan.file)?;
                    self.head = None;
                    if !scan.go_on_behind()? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Goes over the border between two segments, where snapshots end.
    fn enter(&mut self, header: &SegmentHeader, file: &str) -> Result<(), StoreError> {
        let head = Head {
            seq: header.first_seq.wrapping_sub(1),
            chain: header.chain,
        };
        if self.head.is_some_and(|before| before != head) {
            let what = "this segment does not follow the one before";
            self.report.damage(file, 0, what);
        }
        self.head = Some(head);
        let Some(chain) = self.snapshots.remove(&head.seq) else {
            return Ok(());
        };
        let name = snapshot::finished(head.seq);
        if chain != head.chain {
            let what = "its hash chain is not that of the journal";
            self.report.damage(&name, 0, what);
            return Ok(());
        }
        self.report.snapshots += 1;
        self.compare(head.seq, &name)
    }

    /// Holds a snapshot against the second engine, or gives it to one that could not go on.
    fn compare(&mut self, seq: Seq, name: &str) -> Result<(), StoreError> {
        let read = Snapshot::read(self.folder, name);
        let Some(snapshot) = self.report.note_damage(read, name)? else {
            return Ok(());
        };
        if self.replayed != Some(seq) {
            match self.second.load(seq, &snapshot.body) {
                Ok(()) => self.replayed = Some(seq),
                Err(error) => self.report.damage(name, 0, error.to_string()),
            }
        } else if !self.second.agrees_with(&snapshot.body) {
            let what = "it is not what the records up to it amount to";
            self.report.damage(name, 0, what);
        }
        Ok(())
    }

    fn check_commit(&mut self, file: &str, found: &Found) {
        // Behind damage, the first commit that is whole says where the chain goes on.
        let after = match self.head {
            Some(head) => head_after(head, found),
            None => head_of(found),
        };
        match after {
            Ok(head) => {
                self.report.records += u64::from(found.frame.item);
                self.head = Some(head);
                self.replay(file, found);
            }
            Err(what) => {
                self.report.damage(file, found.offset, what);
                self.head = head_of(found).ok();
                self.replayed = None;
            }
        }
    }

    fn replay(&mut self, file: &str, found: &Found) {
        if self.replayed != Some(found.frame.key.wrapping_sub(1)) {
            self.replayed = None;
            return;
        }
        for (record, seq) in records_of(&found.body).zip(found.frame.key..) {
            if let Err(error) = self.second.replay(seq, record) {
                let what = format!("record {seq} could not be replayed: {error}");
                self.report.damage(file, found.offset, what);
                self.replayed = None;
                return;
            }
            self.replayed = Some(seq);
        }
    }

    /// What is known only at the end: which snapshots no segment follows.
    fn finish(self) {
        let seq = self.head.map(|head| head.seq);
        for at in self.snapshots.keys() {
            let file = snapshot::finished(*at);
            let what = "no journal segment begins after it";
            self.report.damage(&file, 0, what);
        }
        self.report.head = self.head;
        self.report.is_replayed = seq.is_some() && seq == self.replayed;
    }
}
