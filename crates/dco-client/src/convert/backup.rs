//! A backup. Its file names are used on this side's disk, so they are checked here.

use std::collections::BTreeSet;

use dco_proto::v1 as pb;
use pb::backup_response::Kind;

use super::{BadAnswer, instant, required};
use crate::types::{BackupFile, BackupPiece, BackupPlan};

const NAME_BYTES_MAX: usize = 100;

/// A message of a backup.
#[derive(Debug)]
pub(crate) enum Answer {
    Plan(BackupPlan),
    Piece(BackupPiece),
    End,
}

pub(crate) fn answer(wire: pb::BackupResponse) -> Result<Answer, BadAnswer> {
    Ok(match required("backup.kind", wire.kind)? {
        Kind::Plan(plan) => Answer::Plan(plan.try_into()?),
        Kind::Piece(piece) => Answer::Piece(BackupPiece {
            file_index: index(piece.file_index),
            offset_bytes: piece.offset_bytes,
            data: piece.data,
        }),
        Kind::End(pb::BackupEnd {}) => Answer::End,
    })
}

impl TryFrom<pb::BackupPlan> for BackupPlan {
    type Error = BadAnswer;

    fn try_from(wire: pb::BackupPlan) -> Result<Self, BadAnswer> {
        let chain = <[u8; 32]>::try_from(wire.head_chain.as_ref())
            .map_err(|_| BadAnswer::new("backup.head_chain", "has not 32 octets"))?;
        let mut names = BTreeSet::new();
        for file in &wire.files {
            if !is_plain(&file.name) || !names.insert(&file.name) {
                let problem = format!("is `{}`, no file name of its own", file.name);
                return Err(BadAnswer::new("backup.files.name", problem));
            }
        }
        let files = wire.files.into_iter().map(|file| BackupFile {
            name: file.name,
            bytes: file.bytes,
        });
        Ok(Self {
            files: files.collect(),
            head_seq: wire.head_seq,
            head_chain: chain,
            backup_us: instant("backup.backup_time", wire.backup_time)?,
            program_version: wire.program_version,
        })
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Letters, digits, `-` and `.`, and a letter first: nothing that leads out of a folder.
fn is_plain(name: &str) -> bool {
    let all = |it: u8| it.is_ascii_alphanumeric() || it == b'-' || it == b'.';
    name.len() <= NAME_BYTES_MAX
        && name.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && name.bytes().all(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(names: &[&str]) -> Result<BackupPlan, BadAnswer> {
        let file = |name: &&str| pb::BackupFile {
            name: (*name).to_owned(),
            bytes: 1,
        };
        BackupPlan::try_from(pb::BackupPlan {
            files: names.iter().map(file).collect(),
            head_seq: 1,
            head_chain: vec![0; 32].into(),
            ..pb::BackupPlan::default()
        })
    }

    #[test]
    fn a_name_that_leads_out_of_its_folder_or_stands_twice_is_refused() {
        assert!(plan(&["journal-0000000001.seg", "snapshot-1.snap"]).is_ok());
        for bad in ["", ".", "..", "../a", "a/b", "/a", "a\0", "-a", "a\\b", "ä"] {
            assert!(plan(&[bad]).is_err(), "{bad}");
        }
        assert!(plan(&[&"a".repeat(101)]).is_err());
        assert!(plan(&["a", "a"]).is_err());
    }
}
