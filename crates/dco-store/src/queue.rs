use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Work for one thread, limited by bytes and not by count, since one item may be a thousand
/// times the size of another.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    bytes_max: usize,
    has_items: Condvar,
    has_room: Condvar,
}

/// What came in time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken<T> {
    /// At least one item.
    Items(Vec<T>),
    /// None so far.
    Nothing,
    /// None, and none will come.
    Closed,
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<(T, usize)>,
    bytes: usize,
    is_open: bool,
}

impl<T> Queue<T> {
    pub(crate) fn new(bytes_max: usize) -> Self {
        let state = State {
            items: VecDeque::new(),
            bytes: 0,
            is_open: true,
        };
        Self {
            state: Mutex::new(state),
            bytes_max,
            has_items: Condvar::new(),
            has_room: Condvar::new(),
        }
    }

    /// Adds an item that counts `bytes`, waiting while the queue is full. Gives it back if the
    /// queue is closed. An empty queue takes an item of any size.
    pub(crate) fn push(&self, item: T, bytes: usize) -> Result<(), T> {
        let mut state = self.state();
        while state.is_open && state.bytes > 0 && state.bytes + bytes > self.bytes_max {
            state = wait(&self.has_room, state);
        }
        if !state.is_open {
            return Err(item);
        }
        state.items.push_back((item, bytes));
        state.bytes += bytes;
        self.has_items.notify_one();
        Ok(())
    }

    /// Takes what waits, up to `bytes_max` but at least one item; waits for it. Nothing once
    /// the queue is closed and empty.
    pub(crate) fn take(&self, bytes_max: usize) -> Option<Vec<T>> {
        let mut state = self.state();
        while state.is_open && state.items.is_empty() {
            state = wait(&self.has_items, state);
        }
        let taken = state.take(bytes_max);
        self.has_room.notify_all();
        (!taken.is_empty()).then_some(taken)
    }

    /// Takes what waits, like [`Queue::take`], but gives up if nothing comes within `pause`.
    pub(crate) fn take_within(&self, pause: Duration, bytes_max: usize) -> Taken<T> {
        let state = self.state();
        let (mut state, _) = self
            .has_items
            .wait_timeout_while(state, pause, |it| it.is_open && it.items.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        let taken = state.take(bytes_max);
        self.has_room.notify_all();
        if !taken.is_empty() {
            Taken::Items(taken)
        } else if state.is_open {
            Taken::Nothing
        } else {
            Taken::Closed
        }
    }

    /// Takes no more items. Those that wait can still be taken.
    pub(crate) fn close(&self) {
        self.state().is_open = false;
        self.has_items.notify_all();
        self.has_room.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    fn take(&mut self, bytes_max: usize) -> Vec<T> {
        let mut taken = Vec::new();
        let mut bytes_taken = 0;
        while let Some((item, bytes)) = self
            .items
            .pop_front_if(|(_, bytes)| taken.is_empty() || bytes_taken + *bytes <= bytes_max)
        {
            bytes_taken += bytes;
            taken.push(item);
        }
        self.bytes -= bytes_taken;
        taken
    }
}

fn wait<'a, T>(on: &Condvar, state: MutexGuard<'a, State<T>>) -> MutexGuard<'a, State<T>> {
    on.wait(state).unwrap_or_else(PoisonError::into_inner)
}

/// Closes the queue when the thread that takes from it ends in whatever way, so that nobody
/// waits for one that is gone.
#[derive(Debug)]
pub(crate) struct CloseAtEnd<'a, T>(pub(crate) &'a Queue<T>);

impl<T> Drop for CloseAtEnd<'_, T> {
    fn drop(&mut self) {
        self.0.close();
        // Dropping what still waits tells its owners.
        while self.0.take(usize::MAX).is_some() {}
    }
}

#[cfg(test)]
mod tests;
