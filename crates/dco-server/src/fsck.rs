//! Looks through a data folder that nobody serves, without changing anything in it.

mod images;
mod watched;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dco_engine::Terms;
use dco_store::{Disk, Finding, Options, ReadOnlyDisk, Report, StoreError};

use crate::backup::{BACKUP_LIST, BACKUP_LIST_UNFINISHED};
use crate::driver::Replayed;
use watched::Watched;

/// What is to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FsckPlan {
    /// Also the SHA-256 of each stored image, for which all of its blocks are read a second time.
    pub images: bool,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FsckReport {
    /// What is not as it was written. Nothing else may be wrong with a folder.
    pub damage: Vec<Finding>,
    /// What is no damage and worth knowing: ends that a power cut tore, files of nobody.
    pub notes: Vec<Finding>,
    /// The journal's last record; nothing if damage hides it.
    pub head_seq: Option<u64>,
    /// Records that are whole.
    pub records: u64,
    /// Snapshots that are whole and say what the records before them say.
    pub snapshots: u64,
    /// Blocks that are whole.
    pub blocks: u64,
    /// Bytes in them.
    pub block_bytes: u64,
    /// Stored images that are whole; none where they were not looked at.
    pub images: u64,
}

/// Why a folder cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum FsckError {
    /// There is no such folder, a service runs on it, a newer program wrote it, or it may not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It has no file that a data folder has.
    #[error(
        "{} is no data folder: it has no file of a journal or of blocks; name the folder that `data_dir` names in \
         the configuration",
        _0.display()
    )]
    NoData(PathBuf),
    /// What is missing from it is not known.
    #[error(
        "{} is a backup, or a data folder made of one, that was never finished; remove it and take or restore another",
        _0.display()
    )]
    Unfinished(PathBuf),
}

/// Looks at every byte. `progress` hears how many bytes were read since the last call, and of how many in all (that is
/// an estimate).
///
/// # Errors
/// When the folder cannot be judged. Damage is no error.
pub fn fsck(
    folder: &Path,
    plan: FsckPlan,
    progress: impl Fn(u64, u64) + Send + Sync + 'static,
) -> Result<FsckReport, FsckError> {
    let disk = Arc::new(ReadOnlyDisk::open(folder)?);
    let names = names(&disk, folder)?;
    let total_bytes = bytes_of(&disk, &names, plan);
    let disk: Arc<dyn Disk> = Arc::new(Watched::new(disk, total_bytes, progress));
    let options = Options {
        record_format: dco_engine::record::RECORD_FORMAT,
        ..Options::default()
    };
    let mut second = Replayed::new(Terms::default());
    let mut found = dco_store::check(Arc::clone(&disk), &options, &mut second)?;
    found.expect_records();
    let mut report = FsckReport::of(&found);
    if !found.is_replayed {
        report.note(
            "the images were not looked at, because the journal cannot be followed to its end",
        );
    } else {
        images::check(&disk, second.engine(), &found, plan, &mut report);
    }
    Ok(report)
}

/// What is in the folder, if it can be a data folder.
fn names(disk: &ReadOnlyDisk, folder: &Path) -> Result<Vec<String>, FsckError> {
    let names = disk.list().map_err(|source| StoreError::Disk {
        doing: "listing",
        file: folder.display().to_string(),
        offset: None,
        source,
    })?;
    if names.iter().any(|name| name == BACKUP_LIST_UNFINISHED) {
        return Err(FsckError::Unfinished(folder.to_owned()));
    }
    if !names.iter().any(|name| is_ours(name)) {
        return Err(FsckError::NoData(folder.to_owned()));
    }
    Ok(names)
}

fn is_ours(name: &str) -> bool {
    [
        ("journal-", ".seg"),
        ("blocks-", ".seg"),
        ("snapshot-", ".snap"),
    ]
    .iter()
    .any(|(prefix, ending)| name.starts_with(prefix) && name.ends_with(ending))
}

/// About how much is going to be read.
fn bytes_of(disk: &ReadOnlyDisk, names: &[String], plan: FsckPlan) -> u64 {
    let ours = names.iter().filter(|name| is_ours(name));
    let bytes = ours.map(|name| {
        let twice = plan.images && name.starts_with("blocks-");
        // One that cannot be measured is found by the check itself.
        disk.len(name).unwrap_or(0) * if twice { 2 } else { 1 }
    });
    bytes.sum()
}

impl FsckReport {
    fn of(found: &Report) -> Self {
        // A backup has a list of what is in it.
        let notes = found.notes.iter().filter(|note| note.file != BACKUP_LIST);
        Self {
            damage: found.damage.clone(),
            notes: notes.cloned().collect(),
            head_seq: found.head.map(|head| head.seq),
            records: found.records,
            snapshots: found.snapshots,
            blocks: found.blocks,
            block_bytes: found.block_bytes,
            images: 0,
        }
    }

    fn note(&mut self, what: &str) {
        self.notes.push(Finding {
            file: "journal".to_owned(),
            offset: 0,
            what: what.to_owned(),
        });
    }
}
