use std::sync::Arc;

use super::{
    Durable, Head, Journal, Replay, Shared, Start,
    records::{self, records_of},
    start::Segments,
};
use crate::{
    Options, StoreError,
    disk::{Disk, Folder},
    frame::Kind,
    segment::{Bodies, Found, Log, Scan, SegmentHeader, Tail, check_known, settle},
    snapshot,
};

/// Replays the journal behind the newest good snapshot, and opens it behind the last record that
/// is kept.
pub(crate) fn recover(
    disk: Arc<dyn Disk>,
    options: Options,
    replay: &mut dyn Replay,
) -> Result<(Journal, Start), StoreError> {
    let folder = Folder::new(disk);
    Log::Journal.tidy(&folder)?;
    let numbers = Log::Journal.list(&folder)?.segments;
    let snapshots = snapshot::tidy_and_list(&folder)?;
    check_gapless(&numbers)?;
    if numbers.is_empty() && !snapshots.is_empty() {
        return Err(missing(1));
    }
    let segments = Segments {
        folder: &folder,
        options: &options,
        numbers: &numbers,
    };
    let beginning = segments.begin(&snapshots, replay)?;
    let mut player = Player {
        folder: &folder,
        options: &options,
        head: beginning.head,
        replay,
    };
    let mut tail = None;
    for number in &numbers[beginning.first..] {
        let is_last = numbers.last() == Some(number);
        let scan = player.play(*number, is_last)?;
        if is_last {
            tail = resume(&scan, &options)?;
        }
    }
    let head = player.head;
    check_goes_on(&folder, &numbers, &snapshots)?;
    let start = Start {
        snapshot: beginning.snapshot,
        refused: beginning.refused,
        records: head.seq - beginning.head.seq,
    };
    let segment_last = numbers.last().copied().unwrap_or(0);
    let durable = Durable {
        head,
        segment: segment_last,
        bytes: tail.as_ref().map(Tail::end),
    };
    let journal = Journal {
        folder,
        options,
        head,
        tail,
        segment_last,
        is_closed: false,
        shared: Arc::new(Shared::new(durable)),
    };
    Ok((journal, start))
}

/// Takes up writing at the end of the last segment. One that was begun for records of an older
/// format is sealed: the program that wrote those must not read what follows.
fn resume(scan: &Scan<'_>, options: &Options) -> Result<Option<Tail>, StoreError> {
    if scan.is_sealed() {
        settle(scan)?;
        return Ok(None);
    }
    let mut tail = Tail::resume(scan, options.journal_segment_bytes)?;
    if scan.header.record_format == options.record_format {
        return Ok(Some(tail));
    }
    tail.seal(scan.folder)?;
    tail.trim(scan.folder)?;
    Ok(None)
}

/// Reads segments one after the other and gives their records to somebody.
pub(crate) struct Player<'a> {
    pub(crate) folder: &'a Folder,
    pub(crate) options: &'a Options,
    pub(crate) head: Head,
    pub(crate) replay: &'a mut dyn Replay,
}

impl<'a> Player<'a> {
    /// Reads one segment to its end, which it gives back.
    pub(crate) fn play(&mut self, number: u64, is_last: bool) -> Result<Scan<'a>, StoreError> {
        let header = SegmentHeader::read(self.folder, Log::Journal, number)?;
        let mut scan = Scan::open(self.folder, header, Bodies::Check, is_last)?;
        check_known(
            &scan.file,
            "record",
            header.record_format,
            self.options.record_format,
        )?;
        if header.first_seq != self.head.seq + 1 || header.chain != self.head.chain {
            return Err(scan.damaged(0, "this segment does not follow the one before"));
        }
        while let Some(found) = scan.next()? {
            self.play_commit(&scan, &found)?;
        }
        Ok(scan)
    }

    /// Checks a commit against the chain and replays it. Its checksum was right, so whatever is
    /// wrong here was not done by a power cut.
    fn play_commit(&mut self, scan: &Scan<'_>, found: &Found) -> Result<(), StoreError> {
        let head = head_after(self.head, found).map_err(|what| scan.damaged(found.offset, what))?;
        for (record, seq) in records_of(&found.body).zip(found.frame.key..) {
            self.replay
                .replay(seq, record)
                .map_err(|source| StoreError::Replay { seq, source })?;
        }
        self.head = head;
        Ok(())
    }
}

/// The head after a commit that follows `head`, or what is wrong with it.
pub(crate) fn head_after(head: Head, found: &Found) -> Result<Head, &'static str> {
    if found.frame.kind != Kind::Records || found.frame.key != head.seq + 1 {
        return Err("the next commit of the journal was expected here");
    }
    records::check(&found.body, found.frame.item)?;
    let after = records_of(&found.body).fold(head, Head::after);
    if after.chain == records::chain_of(&found.body) {
        Ok(after)
    } else {
        Err("the hash chain is broken: a record was changed or removed")
    }
}

/// The head after a commit of which it is not known what it follows.
pub(crate) fn head_of(found: &Found) -> Result<Head, &'static str> {
    if found.frame.kind != Kind::Records {
        return Err("a commit of the journal was expected here");
    }
    records::check(&found.body, found.frame.item)?;
    Ok(Head {
        seq: found
            .frame
            .key
            .saturating_add(u64::from(found.frame.item))
            .saturating_sub(1),
        chain: records::chain_of(&found.body),
    })
}

pub(crate) fn check_gapless(numbers: &[u64]) -> Result<(), StoreError> {
    let first = numbers.first().copied().unwrap_or(1);
    let gap = numbers
        .iter()
        .zip(first..)
        .find(|(number, expected)| *number != expected);
    gap.map_or(Ok(()), |(_, expected)| Err(missing(expected)))
}

/// A snapshot is named only once the next segment is there, so a journal without that one has lost
/// its end, however little was in it.
fn check_goes_on(folder: &Folder, numbers: &[u64], snapshots: &[u64]) -> Result<(), StoreError> {
    let Some(last) = numbers.last() else {
        return Ok(());
    };
    let first_seq = SegmentHeader::read(folder, Log::Journal, *last)?.first_seq;
    for seq in snapshots.iter().filter(|seq| **seq >= first_seq) {
        if snapshot::header_of(folder, *seq).is_ok() {
            return Err(StoreError::Damaged {
                file: snapshot::finished(*seq),
                offset: 0,
                what: "the journal segment that begins after it is missing",
            });
        }
    }
    Ok(())
}

fn missing(number: u64) -> StoreError {
    StoreError::Damaged {
        file: Log::Journal.segment(number),
        offset: 0,
        what: "the file is missing",
    }
}
