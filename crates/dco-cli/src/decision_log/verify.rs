//! Is an export what the service wrote, with nothing changed, moved or left out? Asked of the file alone.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, BufRead, Read};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use dco_engine::{Decision, READING};
use dco_schedule::ServiceDate;
use dco_store::Head;

use super::signed::{Key, Signed};
use super::{End, FORMAT, Header, Line, Words, chain_of_hex};

/// Octets of a line: a record of 32 MiB in base64, and its words.
const LINE_BYTES_MAX: u64 = 48 * 1024 * 1024;

/// What a good file has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Verified {
    pub(crate) records: u64,
    pub(crate) oldest_seq: u64,
    pub(crate) first_seq: u64,
    pub(crate) last_seq: u64,
    /// The hash chain after the last record.
    pub(crate) chain: [u8; 32],
    pub(crate) exported: String,
    /// Signed service days.
    pub(crate) checkpoints: u64,
    /// The last of them, and the last record signed for.
    pub(crate) last_checkpoint: Option<(ServiceDate, u64)>,
    /// Whether the end is signed: then nothing was cut off.
    pub(crate) is_end_signed: bool,
    /// The keys of all signatures.
    pub(crate) keys: Vec<Key>,
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
    let chain = chain_of_hex(&header.chain_before);
    let chain = chain.ok_or_else(|| lines.damage("chain_before is no SHA-256"))?;
    if header.first_seq == 0 || header.oldest_seq > header.first_seq {
        return Err(lines.damage("its numbers contradict each other"));
    }
    let head = Head {
        seq: header.first_seq - 1,
        chain,
    };
    let mut follower = Follower {
        head,
        records: 0,
        compares_words: header.reading == READING,
        signed: Signed::by(against.keys.iter().cloned(), head),
        heads: &against.heads,
    };
    let is_end_signed = loop {
        let Some(text) = lines.next()? else {
            return Err(lines.damage("the end is missing: the file was cut off"));
        };
        if let Ok(end) = serde_json::from_str::<End>(&text) {
            break follower.end(&end).map_err(|what| lines.damage(what))?;
        }
        let next = follower.head.seq + 1;
        let line = serde_json::from_str::<Line>(&text)
            .map_err(|error| lines.at_record(next, format!("it is no record: {error}")))?;
        follower
            .follow(&line)
            .map_err(|what| lines.at_record(next, what))?;
    };
    if lines.next()?.is_some() {
        return Err(lines.damage("something follows the end"));
    }
    Ok(Verified {
        records: follower.records,
        oldest_seq: header.oldest_seq,
        first_seq: header.first_seq,
        last_seq: follower.head.seq,
        chain: follower.head.chain,
        exported: header.exported,
        checkpoints: follower.signed.checkpoints,
        last_checkpoint: follower.signed.last,
        is_end_signed,
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
    let value: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| unreadable(&error))?;
    match value
        .get("dco_decision_log")
        .and_then(serde_json::Value::as_u64)
    {
        Some(format) if format == u64::from(FORMAT) => {}
        Some(format) => {
            return Err(VerifyError::Unreadable(format!(
                "the file has form {format}, and this program reads {FORMAT}; use a newer `dco`"
            )));
        }
        None => return Err(unreadable(&"its first line is another")),
    }
    serde_json::from_value(value).map_err(|error| unreadable(&error))
}

/// Follows the hash chain.
struct Follower<'a> {
    head: Head,
    records: u64,
    compares_words: bool,
    signed: Signed,
    heads: &'a BTreeMap<u64, [u8; 32]>,
}

impl Follower<'_> {
    fn follow(&mut self, line: &Line) -> Result<(), String> {
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
        if self.compares_words && Words::from(decision) != line.words {
            return Err("its words are not what its bytes say".to_owned());
        }
        self.signed.follow(&record, head)?;
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

    /// Whether it is signed.
    fn end(&mut self, end: &End) -> Result<bool, String> {
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
        self.signed.end(end, self.head)
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
