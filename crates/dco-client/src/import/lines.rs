//! CSV with a header, line by line, and the fields that both files have.

use std::fmt::Display;
use std::str::FromStr;

use csv::{ReaderBuilder, StringRecord};

use super::{InvalidImport, counted};

/// The most characters in a manufacturer or a model.
const TEXT_CHARACTERS_MAX: usize = 30;

/// The fields of a line by the names of their columns.
pub(super) struct Fields<'a, const COUNT: usize> {
    columns: &'a [&'static str; COUNT],
    record: StringRecord,
}

/// A line with its number, or why it cannot be read.
pub(super) type Line<T> = (u64, Result<T, String>);

/// The lines after the header, which must have these columns.
pub(super) fn lines<'a, const COUNT: usize>(
    text: &str,
    columns: &'a [&'static str; COUNT],
) -> Result<Vec<Line<Fields<'a, COUNT>>>, InvalidImport> {
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
    let mut lines = Vec::new();
    let mut header = None;
    let mut record = StringRecord::new();
    loop {
        let start = reader.position().byte();
        let read = match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => Ok(record.clone()),
            Err(error) => Err(error.to_string()),
        };
        if header.is_none() {
            header = Some(read.unwrap_or_default());
        } else {
            let read = read.and_then(|record| Fields::new(columns, record));
            lines.push((line.of(start), read));
        }
    }
    check_header(&header.unwrap_or_default(), columns)?;
    Ok(lines)
}

fn check_header(found: &StringRecord, columns: &[&str]) -> Result<(), InvalidImport> {
    if found.iter().eq(columns.iter().copied()) {
        return Ok(());
    }
    Err(InvalidImport::Header {
        expected: columns.join(","),
        found: found.iter().collect::<Vec<_>>().join(","),
    })
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
            let next = self.text.get(self.at + 1);
            // A carriage return ends a line too, but for one that the line feed behind it ends.
            let ends = *octet == b'\n' || (*octet == b'\r' && next != Some(&b'\n'));
            self.line += u64::from(ends);
            self.at += 1;
        }
        self.line
    }
}

impl<'a, const COUNT: usize> Fields<'a, COUNT> {
    fn new(columns: &'a [&'static str; COUNT], record: StringRecord) -> Result<Self, String> {
        if record.len() == COUNT {
            return Ok(Self { columns, record });
        }
        let has = counted(record.len(), "column");
        Err(format!("it has {has} and {COUNT} were expected"))
    }

    pub(super) fn text(&self, at: usize) -> &str {
        &self.record[at]
    }

    /// A manufacturer or a model.
    pub(super) fn name(&self, at: usize) -> Result<String, String> {
        name(self.columns[at], self.text(at))
    }

    pub(super) fn parse<T: FromStr<Err: Display>>(&self, at: usize) -> Result<T, String> {
        parse(self.columns[at], self.text(at))
    }
}

/// Reads what a column has.
pub(super) fn parse<T: FromStr<Err: Display>>(column: &str, text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|why| format!("{column} `{text}`: {why}"))
}

/// Reads a manufacturer or a model.
pub(super) fn name(column: &str, text: &str) -> Result<String, String> {
    if text.chars().any(char::is_control) {
        return Err(format!(
            "{column} has a character that cannot be printed; write only such as can"
        ));
    }
    match text.chars().count() {
        1..=TEXT_CHARACTERS_MAX => Ok(text.to_owned()),
        0 => Err(format!(
            "{column} is empty; write 1 to {TEXT_CHARACTERS_MAX} characters"
        )),
        count => Err(format!(
            "{column} has {count} characters; write 1 to {TEXT_CHARACTERS_MAX}"
        )),
    }
}
