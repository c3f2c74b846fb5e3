use std::sync::Arc;

use super::{Head, JournalWriter, Shared};
use crate::{StoreError, disk::Folder, segment::Log, snapshot};

/// The journal's files at one moment. None of them is removed as long as this lives, and the
/// bytes named do not change, so that they can be copied while writing goes on.
#[derive(Debug)]
pub struct Pinned {
    /// Each file with how much of it to copy.
    pub files: Vec<(String, u64)>,
    /// The last record in them.
    pub head: Head,
    _hold: Hold,
}

/// Keeps files from being removed.
#[derive(Debug)]
struct Hold(Arc<Shared>);

impl Hold {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.pin();
        Self(Arc::clone(shared))
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.unpin();
    }
}

impl JournalWriter {
    /// Holds all files of the journal as they are now, everything said to be durable included.
    /// A folder with a copy of them can be opened.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn pin(&self) -> Result<Pinned, StoreError> {
        pin(&self.folder, &self.shared)
    }
}

fn pin(folder: &Folder, shared: &Arc<Shared>) -> Result<Pinned, StoreError> {
    let hold = Hold::new(shared);
    let durable = shared.durable();
    let mut files = Vec::new();
    for file in folder.list()? {
        let segment = Log::Journal.number_of(&file);
        let seq = snapshot::number(&file);
        let bytes = match (segment, durable.bytes) {
            (Some(number), Some(bytes)) if number == durable.segment => bytes,
            // What was begun since is not in it.
            (Some(number), _) if number > durable.segment => continue,
            // Nor a snapshot that the segments in it do not go on behind.
            _ if seq.is_some_and(|seq| seq >= durable.head.seq) => continue,
            _ if segment.is_some() || seq.is_some() => folder.len(&file)?,
            _ => continue,
        };
        files.push((file, bytes));
    }
    files.sort_unstable();
    Ok(Pinned {
        files,
        head: durable.head,
        _hold: hold,
    })
}
