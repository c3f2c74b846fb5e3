//! `dco restore`: a data folder made of a backup.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use clap::Args;
use dco_server::{Clock, Head, Restored};
use indicatif::ProgressBar;
use serde_json::json;

use crate::backup::{Backup, Unfinished, is_free};
use crate::commands::backup::{facts, told};
use crate::exit::{Answer, Failure};
use crate::output::{Output, Unit};

/// Make a data folder of a backup
#[derive(Debug, Args)]
#[command(long_about = "\
Make a data folder of a backup. Every file is held against the backup's list while it is copied,
and the journal against its head. The folder gets its name only when it is complete.

What happened after the backup was taken is not known: Devices may have what the backup does not
know of. So a service that is started on the folder is paused, its attempts have numbers that none
had before, and a Device is asked what it runs before it is sent anything. Look at it, then
`dco resume`. Who restores the same backup, or an older one, again gives --epoch: one more than
was used before.

Example:
  dco restore /backups/2026-03-29 data

Exit code 65 when the backup is damaged, or the folder is not empty.")]
pub(crate) struct Restore {
    /// The folder that `dco backup` made
    backup: PathBuf,
    /// The data folder: a new or an empty one
    folder: PathBuf,
    /// How high the numbers of attempts begin, in thousands; one more than in the backup when not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    epoch: Option<u16>,
}

impl Restore {
    pub(crate) fn run(self, output: Output) -> Result<Answer, Failure> {
        let backup = Backup::open(&self.backup)?;
        if !is_free(&self.folder)? {
            return Err(Failure::data(format!(
                "{} is not empty, and a service may be using it; name a new folder and give that to the service \
                 as data_dir",
                self.folder.display()
            )));
        }
        if !can_be_replaced(&self.folder) {
            return Err(Failure::data(format!(
                "{} is where a disk is mounted, or has no name of its own, and the finished copy cannot take its \
                 place; name a new folder in it",
                self.folder.display()
            )));
        }
        let expected = head_of(&backup)?;
        let unfinished = Unfinished::begin(&beside(&self.folder))?;
        let bar = output.bar("copied", backup.contents.bytes(), Unit::Bytes);
        let restored =
            copy(&backup, &unfinished, &bar).and_then(|()| self.end(&unfinished, expected));
        bar.finish_and_clear();
        match restored {
            Ok(restored) => {
                unfinished.into_data(&self.folder)?;
                Ok(self.answer(&backup, restored))
            }
            Err(failure) => {
                // What is wrong with the backup is said first, whatever becomes of the copy.
                let _left = unfinished.remove();
                Err(failure)
            }
        }
    }

    fn end(&self, unfinished: &Unfinished, expected: Head) -> Result<Restored, Failure> {
        dco_server::restore(unfinished.path(), expected, self.epoch, Clock::wall())
            .map_err(Failure::data)
    }

    fn answer(&self, backup: &Backup, restored: Restored) -> Answer {
        let folder = self.folder.display();
        Answer::new(
            format!(
                "{folder} is made of {}.\n\
                 Attempts have numbers above {} from now on (epoch {}).\n\
                 1. Put it into the configuration as data_dir and start the service: `dco serve`.\n\
                 2. It is paused. Look at what it holds: `dco transfers`, `dco batches`, `dco days`.\n\
                 3. `dco resume --ticket TICKET --reason REASON --as OPERATOR` lets it release again.",
                told(&backup.contents),
                u32::from(restored.epoch) * 1_000,
                restored.epoch,
            ),
            json!({
                "folder": folder.to_string(),
                "backup": facts(&self.backup, &backup.contents),
                "restored_seq": restored.seq,
                "epoch": restored.epoch,
            }),
        )
    }
}

/// Copies each file, and holds what was read against the list.
fn copy(backup: &Backup, to: &Unfinished, bar: &ProgressBar) -> Result<(), Failure> {
    for listed in &backup.contents.files {
        let mut file = to.file(&listed.name)?;
        let damage = backup.read(listed, |piece| {
            bar.inc(piece.len() as u64);
            file.append(piece)
        })?;
        if let Some(damage) = damage {
            return Err(Failure::data(format!(
                "the backup is damaged: {damage}; restore another one"
            )));
        }
        file.finish()?;
    }
    Ok(())
}

/// The head that the journal must have.
fn head_of(backup: &Backup) -> Result<Head, Failure> {
    let head = &backup.contents.head;
    let octets = (0..head.chain.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(head.chain.get(at..at + 2)?, 16).ok())
        .collect::<Option<Vec<_>>>();
    let chain = octets.and_then(|octets| <[u8; 32]>::try_from(octets).ok());
    let chain = chain.ok_or_else(|| {
        Failure::data("the backup's list has no hash chain of 64 hex digits; take another backup")
    })?;
    Ok(Head {
        seq: head.seq,
        chain,
    })
}

/// Whether a folder beside this one can get its name. Known before hours are spent on the copy.
fn can_be_replaced(folder: &Path) -> bool {
    let device = |path: &Path| path.metadata().ok().map(|facts| facts.dev());
    let above = folder.canonicalize().ok();
    let above = above.as_deref().and_then(Path::parent);
    let is_mounted = above.is_some_and(|above| device(above) != device(folder));
    folder.file_name().is_some() && !is_mounted
}

/// A folder beside another one: on the same disk, so that it can get its name.
fn beside(folder: &Path) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(".restoring");
    folder.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_s_own_folder_is_not_replaced_and_one_in_it_is() {
        for path in ["/", "/proc", "..", "."] {
            assert!(!can_be_replaced(Path::new(path)), "{path}");
        }
        let folder = tempfile::tempdir().unwrap();
        assert!(can_be_replaced(folder.path()));
        assert!(can_be_replaced(&folder.path().join("new")));
    }

    #[test]
    fn the_unfinished_folder_stands_beside_the_one_it_becomes() {
        assert_eq!(beside(Path::new("/a/data")), Path::new("/a/data.restoring"));
        assert_eq!(beside(Path::new("data")), Path::new("data.restoring"));
        assert_eq!(beside(Path::new("a/v1.2/")), Path::new("a/v1.2.restoring"));
    }
}
