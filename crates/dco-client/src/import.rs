//! Files whose entries are imported all or not at all: the inventory, and the Central Products List.
//!
//! Deliberately absent: reading files, and anything that the service alone can know, such as who is registered.

mod inventory;
mod lines;
mod products;

pub use inventory::{hardware_version, parse_inventory};
pub use products::parse_products;

/// An entry that cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadEntry {
    /// Its line in CSV or its place among the objects in JSON, counted from 1.
    pub number: u64,
    /// What is wrong, and what was expected.
    pub why: String,
}

/// Why nothing of a file can be imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidImport {
    /// CSV that does not begin with the names of its columns.
    #[error("line 1: the header must be `{expected}` and is `{found}`; nothing was imported")]
    Header {
        /// The names, with commas between.
        expected: String,
        /// The first line.
        found: String,
    },
    /// What begins like JSON and is no array.
    #[error("it is no JSON array: {0}")]
    Json(String),
    /// It has no entry.
    #[error("there is no {0} in it; nothing was imported")]
    Empty(&'static str),
    /// Entries are bad: each of them.
    #[error("{} in the {list}; correct the file, nothing was imported{}", counted(bad.len(), &format!("bad {what}")), told(what, bad))]
    Entries {
        /// `line` or `object`.
        what: &'static str,
        /// What the file is.
        list: &'static str,
        /// In the order of the file.
        bad: Vec<BadEntry>,
    },
}

fn told(what: &str, bad: &[BadEntry]) -> String {
    let one = |BadEntry { number, why }: &BadEntry| format!("\n  {what} {number}: {why}");
    bad.iter().map(one).collect()
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// All entries, if each is good.
///
/// `list` is what the file is, `entry` what it has and `what` how an entry is counted.
fn all_or_nothing<T>(
    read: impl Iterator<Item = (u64, Result<T, String>)>,
    (list, entry, what): (&'static str, &'static str, &'static str),
) -> Result<Vec<T>, InvalidImport> {
    let mut bad = Vec::new();
    let mut entries = Vec::new();
    for (number, read) in read {
        match read {
            Ok(entry) => entries.push(entry),
            Err(why) => bad.push(BadEntry { number, why }),
        }
    }
    if !bad.is_empty() {
        return Err(InvalidImport::Entries { what, list, bad });
    }
    if entries.is_empty() {
        return Err(InvalidImport::Empty(entry));
    }
    Ok(entries)
}

/// Spreadsheets put a byte order mark in front.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{FEFF}').unwrap_or(text)
}

#[cfg(test)]
mod tests;
