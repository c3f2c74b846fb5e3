use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::Head;

/// What is certain to be on the disk of a journal that is being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Durable {
    pub(crate) head: Head,
    /// The last segment; 0 if there is none.
    pub(crate) segment: u64,
    /// How much of it; nothing if it is sealed. All before it are.
    pub(crate) bytes: Option<u64>,
}

/// What the one who writes the journal, the one who makes snapshots of it and those who copy its
/// files have to know of each other.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// How many copies are being made. Apart, because files are removed under this lock.
    pins: Mutex<u32>,
}

#[derive(Debug)]
struct State {
    durable: Durable,
    is_closing: bool,
}

impl Shared {
    pub(crate) fn new(durable: Durable) -> Self {
        Self {
            state: Mutex::new(State {
                durable,
                is_closing: false,
            }),
            changed: Condvar::new(),
            pins: Mutex::new(0),
        }
    }

    pub(crate) fn durable(&self) -> Durable {
        self.state().durable
    }

    /// Tells of a commit.
    pub(crate) fn set_durable(&self, durable: Durable) {
        let mut state = self.state();
        let is_new_segment = state.durable.segment != durable.segment;
        state.durable = durable;
        if is_new_segment {
            self.changed.notify_all();
        }
    }

    /// Waits until there is a segment behind `segment`, and says which is the last; nothing once
    /// the waiting is to end.
    pub(crate) fn wait_for_segment_after(&self, segment: u64) -> Option<u64> {
        let mut state = self.state();
        while !state.is_closing && state.durable.segment <= segment {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        (!state.is_closing).then_some(state.durable.segment)
    }

    /// Ends the making of snapshots.
    pub(crate) fn close(&self) {
        self.state().is_closing = true;
        self.changed.notify_all();
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.state().is_closing
    }

    pub(crate) fn pin(&self) {
        *self.pins() += 1;
    }

    pub(crate) fn unpin(&self) {
        *self.pins() -= 1;
    }

    /// Removes something, unless a copy is being made of what is there.
    pub(crate) fn unless_pinned<E>(
        &self,
        remove: impl FnOnce() -> Result<(), E>,
    ) -> Result<bool, E> {
        let pins = self.pins();
        if *pins == 0 {
            remove()?;
        }
        Ok(*pins == 0)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pins(&self) -> MutexGuard<'_, u32> {
        self.pins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
