//! A backup as it comes from the service.

use bytes::Bytes;

use super::Micros;

/// What is in a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupPlan {
    /// In the order in which they come. Every name is a plain file name, and no two are the same.
    pub files: Vec<BackupFile>,
    /// The journal's last record in them: all that was acknowledged or answered before it is in the backup.
    pub head_seq: u64,
    /// The journal's hash chain after that record.
    pub head_chain: [u8; 32],
    /// When it was begun.
    pub backup_us: Option<Micros>,
    /// Version of the program that wrote the files.
    pub program_version: String,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupFile {
    pub name: String,
    pub bytes: u64,
}

/// Some bytes of a file of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupPiece {
    /// Which file, counted from zero.
    pub file_index: usize,
    /// Where in that file they stand.
    pub offset_bytes: u64,
    pub data: Bytes,
}
