use std::{panic, sync::Arc, thread};

use crate::{
    BlockLog, Journal, Options, StoreError, blocks,
    disk::{Disk, Folder},
    journal::{self, Replay, Start},
    segment::Log,
};

/// Both logs, recovered and not yet running.
#[derive(Debug)]
pub struct Opened {
    /// The journal, behind its last record.
    pub journal: Journal,
    /// The block log, with everything it holds.
    pub blocks: BlockLog,
    /// What the journal's start rested on.
    pub start: Start,
}

impl Opened {
    /// For a caller who puts blocks only once a record says whose they are.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if there are blocks and no record.
    pub fn expect_records(&self) -> Result<(), StoreError> {
        if self.journal.last_seq() > 0 || self.blocks.held().next().is_none() {
            return Ok(());
        }
        Err(StoreError::Damaged {
            file: Log::Journal.segment(1),
            offset: 0,
            what: NO_RECORDS,
        })
    }
}

/// What is wrong with a journal where there are blocks and no record.
pub(crate) const NO_RECORDS: &str = "no record is left that says whose the stored blocks are";

/// Opens a data folder. `replay` gets the newest snapshot that is good and each journal record
/// after it in order. What was kept is durable when this returns; what a power cut tore is gone
/// for good.
///
/// # Errors
/// [`StoreError::Damaged`] if bytes that were durable have changed, [`StoreError::NewerFormat`],
/// [`StoreError::Replay`] if `replay` refuses a record, [`StoreError::Uncovered`] if older records
/// were removed and no snapshot can be used in their place, [`StoreError::Disk`].
///
/// # Panics
/// If the operating system gives no thread.
pub fn open(
    disk: Arc<dyn Disk>,
    options: Options,
    replay: &mut dyn Replay,
) -> Result<Opened, StoreError> {
    // An earlier process may have ended between a rename and its sync.
    let folder = Folder::new(Arc::clone(&disk));
    folder.sync_folder()?;
    // Neither needs the other. Only the journal's side changes anything meanwhile, so that what
    // happens to the disk is the same in every run.
    let (journal, blocks) = thread::scope(|scope| {
        let blocks = scope.spawn(|| blocks::survey(&folder, options));
        let journal = journal::recover(disk, options, replay);
        let blocks = blocks.join();
        (
            journal,
            blocks.unwrap_or_else(|it| panic::resume_unwind(it)),
        )
    });
    let (journal, start) = journal?;
    let blocks = blocks?.take_up()?;
    Ok(Opened {
        journal,
        blocks,
        start,
    })
}
