use std::sync::Arc;

use crate::{
    BlockLog, Journal, Options, StoreError, blocks,
    disk::{Disk, Folder},
    journal::{self, Replay},
};

/// Both logs, recovered and not yet running.
#[derive(Debug)]
pub struct Opened {
    /// The journal, behind its last record.
    pub journal: Journal,
    /// The block log, with everything it holds.
    pub blocks: BlockLog,
}

/// Opens a data folder. `replay` gets each journal record in order with its number. What was
/// kept is durable when this returns; what a power cut tore is gone for good.
///
/// # Errors
/// [`StoreError::Damaged`] if bytes that were durable have changed, [`StoreError::NewerFormat`],
/// [`StoreError::Replay`] if `replay` refuses a record, [`StoreError::Disk`].
pub fn open(
    disk: Arc<dyn Disk>,
    options: Options,
    replay: &mut Replay<'_>,
) -> Result<Opened, StoreError> {
    // An earlier process may have ended between a rename and its sync.
    Folder::new(Arc::clone(&disk)).sync_folder()?;
    let journal = journal::recover(Arc::clone(&disk), options, replay)?;
    let blocks = blocks::recover(disk, options)?;
    Ok(Opened { journal, blocks })
}
