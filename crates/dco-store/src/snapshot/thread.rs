use std::{
    sync::Arc,
    thread::{self, JoinHandle},
};

use super::{Made, SnapshotMaker};
use crate::{
    StoreError,
    journal::{Journal, Second, Shared},
};

/// Makes a snapshot each time a segment of the journal has been sealed. Dropping it lets the
/// thread end at its next pause; [`Snapshots::close`] waits for that.
#[derive(Debug)]
pub struct Snapshots {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Snapshots {
    /// Starts the thread. `make` and `expired` are those of [`SnapshotMaker::new`]; `told` hears of
    /// every snapshot made, and of every failure. After one the thread tries again when the next
    /// segment has been sealed; the journal goes on in any case.
    ///
    /// # Panics
    /// If the operating system gives no thread.
    pub fn start(
        journal: &Journal,
        make: impl FnMut() -> Box<dyn Second> + Send + 'static,
        expired: impl FnMut(&[u8]) -> bool + Send + 'static,
        told: impl FnMut(Result<Made, StoreError>) + Send + 'static,
    ) -> Self {
        let maker = SnapshotMaker::new(journal, make, expired);
        let shared = Arc::clone(&maker.shared);
        let thread = thread::Builder::new()
            .name("dco-snapshots".to_owned())
            .spawn(move || run(maker, told))
            .unwrap_or_else(|error| panic!("no thread for snapshots: {error}"));
        Self {
            shared,
            thread: Some(thread),
        }
    }

    /// Ends the thread. A snapshot that is not finished is given up, and made after the next start.
    pub fn close(mut self) {
        self.shared.close();
        if let Some(thread) = self.thread.take() {
            // It has told of what it could not do, and nothing rests on it.
            let _ended = thread.join();
        }
    }
}

impl Drop for Snapshots {
    fn drop(&mut self) {
        self.shared.close();
    }
}

fn run<M, E>(mut maker: SnapshotMaker<M, E>, mut told: impl FnMut(Result<Made, StoreError>))
where
    M: FnMut() -> Box<dyn Second>,
    E: FnMut(&[u8]) -> bool,
{
    let mut segment = 0;
    let shared = Arc::clone(&maker.shared);
    while let Some(last) = shared.wait_for_segment_after(segment) {
        segment = last;
        if let Some(outcome) = maker.step().transpose() {
            told(outcome);
        }
    }
}
