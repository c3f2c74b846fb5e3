use std::sync::Arc;

use super::{BlockLog, growing::Growing};
use crate::{StoreError, segment::Log};

/// The files that hold all blocks of one moment. While it lives, none of them is used again,
/// removed or renamed; what is put meanwhile is written behind the bytes named here.
#[derive(Debug)]
pub struct Pinned {
    files: Vec<(String, u64)>,
    _pin: Pin,
}

/// One of these is the log's own; any more are held by somebody.
#[derive(Debug, Clone, Default)]
pub(super) struct Pin(Arc<()>);

impl Pin {
    pub(super) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}

impl Pinned {
    /// Name of each file, and how many bytes of it to copy. A folder of exactly these opens and
    /// holds the blocks; as after every start, it may list freed ones too.
    pub fn files(&self) -> &[(String, u64)] {
        &self.files
    }
}

impl BlockLog {
    /// Keeps what is on disk now as it is, for as long as the answer lives.
    ///
    /// # Errors
    /// [`StoreError::Disk`] closes the log for writing and reading.
    pub fn pin(&mut self) -> Result<Pinned, StoreError> {
        self.guarded(|log| {
            let growing = log.growing.as_ref().map(Growing::number);
            let mut files = Vec::new();
            for number in log.segments.with_blocks().filter(|it| Some(*it) != growing) {
                let file = Log::Blocks.segment(number);
                let bytes = log.shared.folder.len(&file)?;
                files.push((file, bytes));
            }
            if let Some(growing) = &log.growing {
                // Each commit ends with a sync, so all of this is durable.
                files.push((Log::Blocks.segment(growing.number()), growing.end()));
            }
            Ok(Pinned {
                files,
                _pin: log.pin.clone(),
            })
        })
    }
}
