use std::{
    sync::Arc,
    thread::{self, JoinHandle},
};

use super::{Head, Journal, Seq, Shared, records::check_size};
use crate::{
    StoreError,
    disk::Folder,
    queue::{CloseAtEnd, Queue},
};

/// Hands records to the journal's thread. Dropping it lets the thread write what waits and
/// end; [`JournalWriter::close`] waits for that.
#[derive(Debug)]
pub struct JournalWriter {
    queue: Arc<Queue<Vec<u8>>>,
    pub(super) folder: Folder,
    pub(super) shared: Arc<Shared>,
    thread: Option<JoinHandle<Result<(), StoreError>>>,
}

impl Journal {
    /// Starts the thread that writes. All that waits while one sync runs shares the next one.
    ///
    /// `on_durable` is called on that thread after each commit with the number of the last
    /// durable record. At the first failure it is called once more, with the cause, and never
    /// again. It must not wait for anything that waits for this journal.
    ///
    /// # Panics
    /// If the operating system gives no thread.
    pub fn start(
        self,
        on_durable: impl FnMut(Result<Seq, StoreError>) + Send + 'static,
    ) -> JournalWriter {
        let queue = Arc::new(Queue::new(self.options.queue_bytes_max));
        let inbox = Arc::clone(&queue);
        let (folder, _, shared) = self.parts();
        let thread = thread::Builder::new()
            .name("dco-journal".to_owned())
            .spawn(move || run(self, &inbox, on_durable))
            .unwrap_or_else(|error| panic!("no thread for the journal: {error}"));
        JournalWriter {
            queue,
            folder,
            shared,
            thread: Some(thread),
        }
    }
}

impl JournalWriter {
    /// The last record that is durable.
    pub fn head(&self) -> Head {
        self.shared.durable().head
    }

    /// Appends one record. Records get the numbers after [`Journal::last_seq`] in the order of
    /// calls; a refused one gets none. Returns once the record is queued, waiting while more
    /// than [`crate::Options::queue_bytes_max`] wait already.
    ///
    /// # Errors
    /// [`StoreError::RecordTooLarge`], or [`StoreError::Closed`] after a failure.
    pub fn append(&self, record: Vec<u8>) -> Result<(), StoreError> {
        check_size(&record)?;
        let bytes = record.len() + size_of::<Vec<u8>>();
        self.queue
            .push(record, bytes)
            .map_err(|_| StoreError::Closed)
    }

    /// Writes and syncs what waits, leaves a mark that all is well, and ends the thread.
    ///
    /// # Errors
    /// [`StoreError::Disk`] if the mark could not be written, [`StoreError::Closed`] if
    /// anything failed before; `on_durable` was told then.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.queue.close();
        let thread = self
            .thread
            .take()
            .expect("only this method takes it, and it ends self");
        thread.join().unwrap_or(Err(StoreError::Closed))
    }
}

impl Drop for JournalWriter {
    fn drop(&mut self) {
        self.queue.close();
    }
}

fn run(
    mut journal: Journal,
    queue: &Queue<Vec<u8>>,
    mut on_durable: impl FnMut(Result<Seq, StoreError>),
) -> Result<(), StoreError> {
    let _closing = CloseAtEnd(queue);
    while let Some(records) = queue.take(journal.options.commit_bytes_max) {
        match journal.commit(&records) {
            Ok(seq) => on_durable(Ok(seq)),
            Err(error) => {
                queue.close();
                on_durable(Err(error));
                return Err(StoreError::Closed);
            }
        }
    }
    journal.close()
}
