//! Is an export what the service wrote, with nothing changed, moved or left out? Asked of the file alone.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, BufRead, Read};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use dco_engine::record::Record;
use dco_engine::{Decision, READING};
use dco_schedule::{Micros, ServiceDate};
use dco_store::Head;
use prost::Message as _;
use serde_json::Value;

use super::days::{Days, Unsigned};
use super::signed::{Key, Signed};
use super::{End, FORMAT, Header, Line, Words, as_written, chain_of_hex, hex};
use crate::when;

/// Octets of a line: a record of 32 MiB in base64, and its words.
const LINE_BYTES_MAX: u64 = 48 * 1024 * 1024;

/// What a good file has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Verified {
    pub(crate) records: u64,
    /// The oldest record that was kept: the file's own word, which nothing signs.
    pub(crate) oldest_seq: u64,
    pub(crate) first_seq: u64,
    pub(crate) last_seq: u64,
    /// The hash chain after the last record.
    pub(crate) chain: [u8; 32],
    /// When it was exported: the file's own word, which nothing signs.
    pub(crate) exported: String,
    /// Signed service days.
    pub(crate) checkpoints: u64,
    /// The last of them, and the last record signed for.
    pub(crate) last_checkpoint: Option<(ServiceDate, u64)>,
    /// Service days without a checkpoint of their own.
    pub(crate) unsigned: Vec<Unsigned>,
    /// The time of the end, when it is signed: then no tail was cut off.
    pub(crate) end_signed_us: Option<Micros>,
    /// The keys of all signatures.
    pub(crate) keys: Vec<Key>,
}

impl Verified {
    /// What can be said of the records before the first; nothing when it is the first of all.
    pub(crate) fn beginning_text(&self) -> Option<String> {
        (self.first_seq > 1).then(|| {
            format!(
                "the file begins with record {}: whether earlier ones were there this file alone cannot show; \
                 compare it with a kept export (--kept). By its own word, which nothing signs, the oldest \
                 record was {}",
                self.first_seq, self.oldest_seq
            )
        })
    }

    /// What can be said of the end, and of the time at which the file was made.
    pub(crate) fn end_text(&self) -> String {
        match self.end_signed_us {
            Some(at_us) => format!(
                "the end is signed, at {}: no tail was cut off",
                when::rfc3339(at_us)
            ),
            None => format!(
                "the end is not signed: whether a tail was cut off cannot be told; by the file's own word, \
                 which nothing signs, it was exported at {:?}",
                self.exported
            ),
        }
    }
}

/// What a file is held against besides itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Against {
    /// The keys that may have signed; any when empty.
    pub(crate) keys: Vec<Key>,
    /// Records that are known from earlier, with the hash chain after each.
    pub(crate) heads: BTreeMap<u64, [u8; 32]>,
}

/// Why a file is not good.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum VerifyError {
    /// It is not as it was written.
    #[error("line {line}{}: {what}", record.map(|seq| format!(", record {seq}")).unwrap_or_default())]
    Damage {
        line: u64,
        record: Option<u64>,
        what: String,
    },
    /// It cannot be judged.
    #[error("{0}")]
    Unreadable(String),
}

/// Reads a file to its end, or to the first place that is not as it was written.
pub(crate) fn verify(from: impl BufRead, against: &Against) -> Result<Verified, VerifyError> {
    let mut lines = Lines { from, line: 0 };
    let header = header(&mut lines)?;
    let head = head_before(&lines, &header, &against.heads)?;
    let mut follower = Follower {
        head,
        records: 0,
        signed: Signed::by(against.keys.iter().cloned(), head),
        days: Days::default(),
        heads: &against.heads,
    };
    let end_signed_us = loop {
        let Some(text) = lines.next()? else {
            return Err(lines.damage("the end is missing: the file was cut off"));
        };
        if let Ok(end) = serde_json::from_str::<End>(&text) {
            break follower
                .end(&text, &end)
                .map_err(|what| lines.damage(what))?;
        }
        let next = follower.head.seq + 1;
        let line = serde_json::from_str::<Line>(&text)
            .map_err(|error| lines.at_record(next, format!("it is no record: {error}")))?;
        follower
            .follow(&text, line)
            .map_err(|what| lines.at_record(next, what))?;
    };
    if lines.next()?.is_some() {
        return Err(lines.damage("something follows the end"));
    }
    let unsigned = follower.days.end().map_err(|what| lines.damage(what))?;
    Ok(Verified {
        records: follower.records,
        oldest_seq: header.oldest_seq,
        first_seq: header.first_seq,
        last_seq: follower.head.seq,
        chain: follower.head.chain,
        exported: header.exported,
        checkpoints: follower.signed.checkpoints,
        last_checkpoint: follower.signed.last,
        unsigned,
        end_signed_us,
        keys: follower.signed.keys.into_iter().collect(),
    })
}

fn header(lines: &mut Lines<impl BufRead>) -> Result<Header, VerifyError> {
    let unreadable = |why: &dyn Display| {
        VerifyError::Unreadable(format!(
            "this is no export of a decision log ({why}); make one with `dco log export`"
        ))
    };
    let text = lines.next()?.ok_or_else(|| unreadable(&"it is empty"))?;
    let value: Value = serde_json::from_str(&text).map_err(|error| unreadable(&error))?;
    let number = |field: &str| value.get(field).and_then(Value::as_u64);
    match number("dco_decision_log") {
        Some(format) if format == u64::from(FORMAT) => {}
        Some(format) => {
            return Err(VerifyError::Unreadable(format!(
                "the file has form {format}, and this program reads {FORMAT}; use a newer `dco`"
            )));
        }
        None => return Err(unreadable(&"its first line is another")),
    }
    // Nothing signs the first line: were words of another reading let pass, whoever forges them would say that they have one.
    if let Some(reading) = number("reading").filter(|it| *it != u64::from(READING)) {
        return Err(other_reading(reading, &value));
    }
    // Of the text once more, for the value hides a field that is there twice.
    let header: Header = serde_json::from_str(&text).map_err(|error| unreadable(&error))?;
    as_written(&text, &header).map_err(|what| lines.damage(what))?;
    Ok(header)
}

fn other_reading(reading: u64, header: &Value) -> VerifyError {
    let version = header.get("program_version").and_then(Value::as_str);
    let version = version.unwrap_or_default();
    VerifyError::Unreadable(format!(
        "the file has its words in reading {reading}, and this program knows reading {READING}, so it cannot \
         compare them with the bytes; use the `dco` that wrote it, by its first line of version {version:?}"
    ))
}

/// Where the file begins: the record before its first, and the hash chain there.
fn head_before(
    lines: &Lines<impl BufRead>,
    header: &Header,
    kept: &BTreeMap<u64, [u8; 32]>,
) -> Result<Head, VerifyError> {
    let chain = chain_of_hex(&header.chain_before);
    let chain = chain.ok_or_else(|| lines.damage("chain_before is no SHA-256"))?;
    if header.first_seq == 0 || header.oldest_seq > header.first_seq {
        return Err(lines.damage("its numbers contradict each other"));
    }
    let seq = header.first_seq - 1;
    if kept.get(&seq).is_some_and(|known| *known != chain) {
        return Err(lines.damage(
            "the earlier export has another hash chain before the first record: one of the two was changed",
        ));
    }
    // Else a head could be cut off past all that was kept, and nothing would be compared.
    match kept.last_key_value() {
        Some((last, _)) if *last < seq => Err(VerifyError::Unreadable(format!(
            "the earlier export goes up to record {last}, and this file begins with {}: what was between \
             cannot be told; give a later one with --kept, or export from record {} on",
            header.first_seq,
            last + 1
        ))),
        _ => Ok(Head { seq, chain }),
    }
}

/// Follows the hash chain.
struct Follower<'a> {
    head: Head,
    records: u64,
    signed: Signed,
    days: Days,
    heads: &'a BTreeMap<u64, [u8; 32]>,
}

impl Follower<'_> {
    fn follow(&mut self, text: &str, line: Line) -> Result<(), String> {
        let next = self.head.seq + 1;
        if line.seq != next {
            return Err(format!(
                "record {} stands where {next} is to follow: records are missing, or out of order",
                line.seq
            ));
        }
        let record = BASE64_STANDARD
            .decode(&line.record)
            .map_err(|error| format!("its bytes are not base64: {error}"))?;
        let head = self.head.after(&record);
        if chain_of_hex(&line.chain) != Some(head.chain) {
            return Err(
                "the hash chain is broken: this record, or one before it, was changed or removed"
                    .to_owned(),
            );
        }
        let decision = Decision::read(&record).map_err(|error| error.to_string())?;
        let words = Words::from(decision);
        if words != line.words {
            return Err("its words are not what its bytes say".to_owned());
        }
        let written = Line {
            seq: next,
            words,
            chain: hex(&head.chain),
            record: line.record,
        };
        as_written(text, &written)?;
        let record = Record::decode(record.as_slice()).map_err(|error| error.to_string())?;
        self.signed.follow(&record, head)?;
        self.days.follow(next, &record)?;
        let known = self.heads.get(&head.seq);
        if known.is_some_and(|known| *known != head.chain) {
            return Err(
                "the earlier export has another hash chain here: one of the two was changed"
                    .to_owned(),
            );
        }
        self.head = head;
        self.records += 1;
        Ok(())
    }

    /// Its time, when it is signed.
    fn end(&mut self, text: &str, end: &End) -> Result<Option<Micros>, String> {
        as_written(text, end)?;
        if (end.end, end.last_seq) != (self.records, self.head.seq) {
            return Err(format!(
                "the end tells of {} records up to {}, and there are {} up to {}",
                end.end, end.last_seq, self.records, self.head.seq
            ));
        }
        if chain_of_hex(&end.chain) != Some(self.head.chain) {
            return Err("the end has another hash chain".to_owned());
        }
        let known = self.heads.last_key_value();
        if let Some((seq, _)) = known.filter(|(seq, _)| **seq > self.head.seq) {
            return Err(format!(
                "the earlier export goes up to record {seq}, and this one to {}: its tail was cut off",
                self.head.seq
            ));
        }
        let is_signed = self.signed.end(end, self.head)?;
        Ok(is_signed.then_some(end.time_us))
    }
}

/// Lines of bounded length, counted from 1.
struct Lines<R> {
    from: R,
    line: u64,
}

impl<R: BufRead> Lines<R> {
    fn next(&mut self) -> Result<Option<String>, VerifyError> {
        self.line += 1;
        let mut bytes = Vec::new();
        let read = Read::take(&mut self.from, LINE_BYTES_MAX).read_until(b'\n', &mut bytes);
        read.map_err(|error: io::Error| VerifyError::Unreadable(error.to_string()))?;
        match bytes.pop() {
            None => return Ok(None),
            Some(b'\n') => {}
            Some(_) => return Err(self.damage("the line does not end: the file was cut off")),
        }
        String::from_utf8(bytes)
            .map(Some)
            .map_err(|_| self.damage("it is no text"))
    }

    fn damage(&self, what: impl Into<String>) -> VerifyError {
        VerifyError::Damage {
            line: self.line,
            record: None,
            what: what.into(),
        }
    }

    fn at_record(&self, seq: u64, what: String) -> VerifyError {
        VerifyError::Damage {
            line: self.line,
            record: Some(seq),
            what,
        }
    }
}
