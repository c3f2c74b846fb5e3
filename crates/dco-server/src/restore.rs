//! What a restore from a backup ends with: the journal says that it was restored, so that the service starts paused and
//! gives its attempts numbers that none had before.

use std::path::Path;
use std::sync::Arc;

use dco_engine::{RestoreError as EpochError, Terms};
use dco_store::{FileDisk, Head, Opened, Options, StoreError};

use crate::clock::Clock;
use crate::driver::{Replayed, salt};

/// What was made of a copy of a data folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// The last record: the one that says so.
    pub seq: u64,
    /// Attempts from now on have numbers above a thousand times this.
    pub epoch: u16,
}

/// Why nothing was made of it.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The copy cannot be opened or written.
    #[error("the copied files cannot be opened: {0}")]
    Store(#[from] StoreError),
    /// The journal does not end where the backup's list says.
    #[error(
        "the copied journal ends with record {found} and the backup says that it ends with record {expected}, \
         or its hash chain is another; take another backup"
    )]
    Head {
        /// What was found.
        found: u64,
        /// What the list says.
        expected: u64,
    },
    /// The number of the restore.
    #[error(transparent)]
    Epoch(#[from] EpochError),
}

/// Opens a folder into which a backup was copied, holds it against the backup's head and ends its journal with the
/// record of a restore. `epoch` is one higher than the backup's own if it is not given.
///
/// # Errors
/// When the folder is not that of the backup, or the epoch cannot be.
pub fn restore(
    folder: &Path,
    expected: Head,
    epoch: Option<u16>,
    clock: Clock,
) -> Result<Restored, RestoreError> {
    let options = Options {
        record_format: dco_engine::record::RECORD_FORMAT,
        salt: salt(),
        ..Options::default()
    };
    let disk = Arc::new(FileDisk::open(folder)?);
    let mut replayed = Replayed::new(Terms::default());
    let Opened {
        mut journal,
        blocks,
        ..
    } = dco_store::open(disk, options, &mut replayed)?;
    if journal.head() != expected {
        return Err(RestoreError::Head {
            found: journal.head().seq,
            expected: expected.seq,
        });
    }
    let engine = replayed.into_engine();
    let epoch = epoch.unwrap_or_else(|| engine.epoch().saturating_add(1));
    let record = engine.restored_record(epoch, clock.now_us())?;
    let seq = journal.commit(&[record])?;
    journal.close()?;
    blocks.close()?;
    Ok(Restored { seq, epoch })
}
