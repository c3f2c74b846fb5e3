//! The inventory as a CSV file: one line for each Device.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use csv::{ReaderBuilder, StringRecord};
use dco_block::Eui64;
use dco_client::DeviceEntry;
use serde_json::json;

use crate::exit::Failure;
use crate::table::counted;

/// The header that a file must begin with.
pub(crate) const COLUMNS: [&str; 7] = [
    "device",
    "user",
    "gateway",
    "manufacturer",
    "model",
    "hardware_version",
    "firmware_version",
];

/// The most characters in a manufacturer or a model.
const TEXT_CHARACTERS_MAX: usize = 30;

/// A line that cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadLine {
    pub(crate) line: u64,
    pub(crate) why: String,
}

/// Reads a whole inventory. One bad line and nothing of it is good; all bad lines are named.
pub(crate) fn parse(text: &str) -> Result<Vec<DeviceEntry>, Failure> {
    // Spreadsheets put a byte order mark in front.
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let mut bad = Vec::new();
    let mut entries = Vec::new();
    let mut first_lines = BTreeMap::new();
    for (line, record) in records(text, &COLUMNS)? {
        match record.and_then(|record| entry(&record)) {
            Err(why) => bad.push(BadLine { line, why }),
            Ok(entry) => match first_lines.entry(entry.device) {
                std::collections::btree_map::Entry::Occupied(first) => bad.push(BadLine {
                    line,
                    why: format!(
                        "Device {} stands on line {} already; name each Device once",
                        entry.device,
                        first.get()
                    ),
                }),
                std::collections::btree_map::Entry::Vacant(vacant) => {
                    vacant.insert(line);
                    entries.push(entry);
                }
            },
        }
    }
    if !bad.is_empty() {
        return Err(refuse(&bad, ("line", "inventory")));
    }
    if entries.is_empty() {
        return Err(Failure::data(
            "there is no Device after the header; nothing was imported",
        ));
    }
    Ok(entries)
}

/// A record with its line number, or why there is none.
pub(crate) type Line = (u64, Result<StringRecord, String>);

/// The lines of a CSV file after the header, which must be this one.
pub(crate) fn records(text: &str, columns: &[&str]) -> Result<Vec<Line>, Failure> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut line = LineCounter {
        text: text.as_bytes(),
        at: 0,
        line: 1,
    };
    let mut records = Vec::new();
    let mut record = StringRecord::new();
    loop {
        let start = reader.position().byte();
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => records.push((line.of(start), Ok(record.clone()))),
            Err(error) => records.push((line.of(start), Err(error.to_string()))),
        }
    }
    let header = match records.first() {
        Some((_, Ok(header))) => header.clone(),
        _ => StringRecord::new(),
    };
    check_header(&header, columns)?;
    Ok(records.split_off(1))
}

/// Tells line numbers. The reader's own are those of the line ends before a record, not of the
/// record, where empty lines stand between.
struct LineCounter<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
}

impl LineCounter<'_> {
    /// The line of the record that is read from this byte on; bytes must not go back.
    fn of(&mut self, start: u64) -> u64 {
        let start = usize::try_from(start)
            .unwrap_or(usize::MAX)
            .min(self.text.len());
        while let Some(octet) = self.text.get(self.at)
            && (self.at < start || matches!(octet, b'\r' | b'\n'))
        {
            self.line += u64::from(*octet == b'\n');
            self.at += 1;
        }
        self.line
    }
}

fn check_header(found: &StringRecord, columns: &[&str]) -> Result<(), Failure> {
    if found.iter().eq(columns.iter().copied()) {
        return Ok(());
    }
    let found = found.iter().collect::<Vec<_>>().join(",");
    Err(Failure::data(format!(
        "line 1: the header must be `{}` and is `{found}`; nothing was imported",
        columns.join(",")
    )))
}

fn entry(record: &StringRecord) -> Result<DeviceEntry, String> {
    if record.len() != COLUMNS.len() {
        return Err(format!(
            "it has {} and {} were expected",
            counted(record.len() as u64, "column"),
            COLUMNS.len()
        ));
    }
    Ok(DeviceEntry {
        device: field::<Eui64>(record, 0)?,
        user: field::<Eui64>(record, 1)?,
        gateway: field::<Eui64>(record, 2)?,
        manufacturer: text(record, 3)?,
        model: text(record, 4)?,
        hardware_version: hardware_version(&record[5])
            .map_err(|why| format!("{}: {why}", COLUMNS[5]))?,
        firmware_version: field(record, 6)?,
    })
}

fn field<T: FromStr<Err: fmt::Display>>(record: &StringRecord, at: usize) -> Result<T, String> {
    let text = &record[at];
    text.parse()
        .map_err(|why| format!("{} `{text}`: {why}", COLUMNS[at]))
}

fn text(record: &StringRecord, at: usize) -> Result<String, String> {
    let text = &record[at];
    if text.chars().any(char::is_control) {
        return Err(format!(
            "{} has a character that cannot be printed; write only such as can",
            COLUMNS[at]
        ));
    }
    match text.chars().count() {
        1..=TEXT_CHARACTERS_MAX => Ok(text.to_owned()),
        0 => Err(format!(
            "{} is empty; write 1 to {TEXT_CHARACTERS_MAX} characters",
            COLUMNS[at]
        )),
        count => Err(format!(
            "{} has {count} characters; write 1 to {TEXT_CHARACTERS_MAX}",
            COLUMNS[at]
        )),
    }
}

/// Reads a hardware version: four hex digits, as in the OTA header's range.
pub(crate) fn hardware_version(text: &str) -> Result<u16, String> {
    let digits = text.len() == 4 && text.bytes().all(|octet| octet.is_ascii_hexdigit());
    match u16::from_str_radix(text, 16) {
        Ok(version) if digits => Ok(version),
        _ => Err(format!(
            "`{text}` is no hardware version; write four hex digits like 0102"
        )),
    }
}

/// All bad lines of a file, or whatever else `what` is, of a list.
pub(crate) fn refuse(bad: &[BadLine], (what, list): (&str, &str)) -> Failure {
    let lines: Vec<_> = bad
        .iter()
        .map(|bad| format!("{what} {}: {}", bad.line, bad.why))
        .collect();
    let json = bad
        .iter()
        .map(|bad| json!({ "line": bad.line, "why": bad.why }));
    Failure::data(format!(
        "{} in the {list}; correct the file, nothing was imported\n  {}",
        counted(bad.len() as u64, &format!("bad {what}")),
        lines.join("\n  ")
    ))
    .with_details(json!({ "bad_lines": json.collect::<Vec<_>>() }))
}

#[cfg(test)]
mod tests;
