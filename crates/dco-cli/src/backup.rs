//! A backup on this machine's disk: the files of a data folder, and `backup.json`, which says what they are.
//!
//! The list is written last. Until then the folder has an unfinished one, so that nobody takes half a backup for
//! a whole one; and as long as there is either, `dco serve` refuses the folder, because a backup that is served as it
//! is would send again what others have in hand. `dco restore` makes a data folder of it.

mod folder;
mod reading;

use serde::{Deserialize, Serialize};

pub(crate) use folder::{NewFile, Unfinished, is_free};
pub(crate) use reading::Backup;

/// The format of the list that this program writes, and the highest it reads.
const FORMAT: u32 = 1;

/// What `backup.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Contents {
    /// Of this list; that of each file stands in the file.
    pub(crate) format: u32,
    /// The program that wrote the files.
    pub(crate) program_version: String,
    /// When the backup was begun, RFC 3339.
    pub(crate) backup_time: String,
    pub(crate) head: HeadFacts,
    pub(crate) files: Vec<FileFacts>,
}

/// The journal's last record in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeadFacts {
    pub(crate) seq: u64,
    /// The hash chain after it, in hex.
    pub(crate) chain: String,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileFacts {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    /// In hex.
    pub(crate) sha256: String,
}

impl Contents {
    pub(crate) fn new(
        program_version: String,
        backup_time: String,
        head: HeadFacts,
        files: Vec<FileFacts>,
    ) -> Self {
        Self {
            format: FORMAT,
            program_version,
            backup_time,
            head,
            files,
        }
    }

    /// Bytes of all files.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// Octets as text.
pub(crate) fn hex(octets: impl AsRef<[u8]>) -> String {
    use std::fmt::Write;
    octets.as_ref().iter().fold(String::new(), |mut text, it| {
        write!(text, "{it:02x}").expect("a String takes all that is written to it");
        text
    })
}

#[cfg(test)]
mod tests;
