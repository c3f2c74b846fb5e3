use std::{error::Error, sync::Arc};

use super::{Head, Journal, Seq, empty, records};
use crate::{
    Options, StoreError,
    disk::Disk,
    frame::Kind,
    segment::{Bodies, Found, Log, Scan, SegmentHeader, Tail, settle},
};

/// Gets each record of the journal in order, with its number. An error ends the replay.
pub type Replay<'a> = dyn FnMut(Seq, &[u8]) -> Result<(), Box<dyn Error + Send + Sync>> + 'a;

/// Replays the whole journal and opens it behind the last record that is kept.
pub(crate) fn recover(
    disk: Arc<dyn Disk>,
    options: Options,
    replay: &mut Replay<'_>,
) -> Result<Journal, StoreError> {
    let mut journal = empty(disk, options);
    let numbers = Log::Journal.tidy_and_list(&journal.folder)?.segments;
    for (number, expected) in numbers.iter().zip(1..) {
        if *number != expected {
            return Err(missing(expected));
        }
        let is_last = numbers.last() == Some(number);
        read_segment(&mut journal, *number, is_last, replay)?;
    }
    Ok(journal)
}

fn read_segment(
    journal: &mut Journal,
    number: u64,
    is_last: bool,
    replay: &mut Replay<'_>,
) -> Result<(), StoreError> {
    let folder = journal.folder.clone();
    let header = SegmentHeader::read(&folder, Log::Journal, number)?;
    let mut scan = Scan::open(&folder, header, Bodies::Check, is_last)?;
    if header.first_seq != journal.head.seq + 1 || header.chain != journal.head.chain {
        return Err(scan.damaged(0, "this segment does not follow the one before"));
    }
    while let Some(found) = scan.next()? {
        journal.head = read_commit(&scan, journal.head, &found, replay)?;
    }
    journal.segment_last = number;
    if is_last && scan.is_sealed() {
        settle(&scan)?;
    } else if is_last {
        journal.tail = Some(Tail::resume(&scan, journal.options.journal_segment_bytes)?);
    }
    Ok(())
}

/// Checks a commit against the chain and replays it. Its checksum was right, so whatever is
/// wrong here was not done by a power cut.
fn read_commit(
    scan: &Scan<'_>,
    head: Head,
    found: &Found,
    replay: &mut Replay<'_>,
) -> Result<Head, StoreError> {
    let damaged = |what| scan.damaged(found.offset, what);
    if found.frame.kind != Kind::Records || found.frame.key != head.seq + 1 {
        return Err(damaged("the next commit of the journal was expected here"));
    }
    let records = records::split(&found.body, found.frame.item).map_err(damaged)?;
    let after = records.iter().fold(head, |head, record| head.after(record));
    if after.chain != records::chain_of(&found.body) {
        return Err(damaged(
            "the hash chain is broken: a record was changed or removed",
        ));
    }
    for (record, seq) in records.iter().zip(found.frame.key..) {
        replay(seq, record).map_err(|source| StoreError::Replay { seq, source })?;
    }
    Ok(after)
}

fn missing(number: u64) -> StoreError {
    StoreError::Damaged {
        file: Log::Journal.segment(number),
        offset: 0,
        what: "the file is missing",
    }
}
