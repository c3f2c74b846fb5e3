//! An export of the decision log: lines of JSON, with what is needed to verify them by themselves.
//!
//! ```text
//! {"dco_decision_log":1,"reading":1,"oldest_seq":1,"first_seq":1,"chain_before":"00..","exported":"..","program_version":".."}
//! {"seq":1,"time":"..","kind":"import","by":"..","what":"..",..,"chain":"..","record":"<base64>"}
//! {"seq":2,..}
//! {"end":2,"last_seq":2,"chain":"..","time_us":..,"signature":"<base64>","public_key":"<base64>"}
//! ```
//!
//! `chain` is the SHA-256 of the chain before, the record's number (eight octets, little-endian) and its bytes. The words are a reading
//! of the bytes, and are made of them again when the file is verified. A record of kind `checkpoint` has a signature of how far the log had come when a
//! service day was over.
//!
//! Nothing signs the first line, so nothing of it is taken as a fact: its reading must be the one that this program knows, its
//! chain must lead to what is signed, and the rest is the file's own word. Every line must be what this program would write, field
//! by field, so that nobody reads in it what no record says.

mod days;
mod signed;
mod verify;
mod write;

use dco_engine::Decision;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use days::{NotSigned, Unsigned};
pub(crate) use signed::{Key, kept_heads};
pub(crate) use verify::{Against, Verified, VerifyError, verify};
pub(crate) use write::Writer;

use crate::when;

/// The form of the file.
const FORMAT: u32 = 1;

/// The first line.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Header {
    dco_decision_log: u32,
    /// The form of the words.
    reading: u32,
    oldest_seq: u64,
    first_seq: u64,
    chain_before: String,
    exported: String,
    program_version: String,
}

/// One record.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Line {
    seq: u64,
    #[serde(flatten)]
    words: Words,
    chain: String,
    record: String,
}

/// What a record says; what is empty is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(crate) struct Words {
    time: String,
    kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    by: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    second: String,
    what: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    subject: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    ticket: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    request_id: String,
}

/// The last line.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct End {
    /// How many records the file has.
    end: u64,
    last_seq: u64,
    chain: String,
    time_us: i64,
    /// Of `dco_engine::export_text`, base64; empty when the service has no key for it.
    signature: String,
    /// SubjectPublicKeyInfo, base64.
    public_key: String,
}

impl From<Decision> for Words {
    fn from(decision: Decision) -> Self {
        Self {
            time: when::rfc3339(decision.at_us),
            kind: decision.kind.word().to_owned(),
            by: decision.by.map(|by| by.to_string()).unwrap_or_default(),
            second: decision.second.map(|by| by.to_string()).unwrap_or_default(),
            what: decision.what.to_owned(),
            subject: decision.subject,
            text: decision.text,
            reason: decision.reason,
            ticket: decision.ticket,
            request_id: decision.request_id,
        }
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Whether a line is what this program writes, field by field; the order of the fields is free.
fn as_written(text: &str, line: &impl Serialize) -> Result<(), String> {
    let written = serde_json::to_string(line).map_err(|error| error.to_string())?;
    // Nearly always so, and it spares reading a large record twice more.
    if written == text {
        return Ok(());
    }
    let fields = |text: &str| {
        let fields = serde_json::from_str::<Map<String, Value>>(text);
        fields.map_err(|error| error.to_string())
    };
    let (found, written) = (fields(text)?, fields(&written)?);
    let mut names = found.keys().chain(written.keys());
    let other = names.find(|name| found.get(name.as_str()) != written.get(name.as_str()));
    other.map_or(Ok(()), |name| {
        Err(format!(
            "its field {name:?} is not what this program writes here"
        ))
    })
}

fn chain_of_hex(text: &str) -> Option<[u8; 32]> {
    let mut octets = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (index, octet) in octets.iter_mut().enumerate() {
        *octet = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    // The digits are read more freely than they are written.
    (hex(&octets) == text).then_some(octets)
}

#[cfg(test)]
mod tests;
