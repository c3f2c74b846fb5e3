//! What a sender is still to be told: never more than a set of ranges and a few refusals, however slowly
//! it reads.

use std::ops::RangeInclusive;
use std::sync::Arc;

use dco_block::IndexRanges;
use tokio::sync::watch;

use crate::status::Fault;

/// Refusals that may wait unread. When there are more, no more blocks are read; those that are at the
/// disk already may still add to them.
const REFUSALS_MAX: usize = 64;
/// Refusals told in one message, which has a limit too.
const REFUSALS_TOLD_MAX: usize = 256;

/// What one stream of blocks has come to. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Progress(Arc<watch::Sender<State>>);

/// The reading end: what the sender is told next.
#[derive(Debug)]
pub(crate) struct Told {
    progress: Progress,
    changes: watch::Receiver<State>,
}

#[derive(Debug, Default)]
struct State {
    acknowledged: IndexRanges,
    refused: Vec<(u32, Fault)>,
    /// Blocks that were handed to the disk and have not been answered.
    pending: usize,
    /// Nothing more is read from the sender; the stream ends so when nothing is pending.
    end: Option<Result<(), Fault>>,
}

/// What the sender is told at one time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Since the last time.
    News {
        /// Newly durable blocks.
        acknowledged: Vec<RangeInclusive<u32>>,
        /// Blocks that were not stored, and why.
        refused: Vec<(u32, Fault)>,
    },
    /// The last word.
    End(Result<(), Fault>),
}

/// A block at the disk. Exactly one answer is given for it.
#[derive(Debug)]
pub(super) struct Pending {
    progress: Progress,
    index: u32,
}

impl Progress {
    /// Nothing has happened.
    pub(crate) fn new() -> (Self, Told) {
        let (sender, changes) = watch::channel(State::default());
        let progress = Self(Arc::new(sender));
        let told = Told {
            progress: progress.clone(),
            changes,
        };
        (progress, told)
    }

    pub(super) fn pending(&self, index: u32) -> Pending {
        self.0.send_modify(|state| state.pending += 1);
        Pending {
            progress: self.clone(),
            index,
        }
    }

    /// A block was refused.
    pub(super) fn refuse(&self, index: u32, fault: Fault) {
        self.0
            .send_modify(|state| state.refused.push((index, fault)));
    }

    /// Returns when the sender has few enough refusals to read for one more block to be looked at.
    pub(super) async fn attention(&self) {
        let mut changes = self.0.subscribe();
        let few = changes.wait_for(|state| state.refused.len() < REFUSALS_MAX);
        // It fails when all who could change it are gone, and self is one of them.
        let _never = few.await;
    }

    /// Nothing more is read. The first reason counts.
    pub(crate) fn end(&self, how: Result<(), Fault>) {
        self.0.send_modify(|state| {
            state.end.get_or_insert(how);
        });
    }

    /// Whether the stream's end is decided, by the disk or otherwise.
    pub(super) fn has_ended(&self) -> bool {
        self.0.borrow().end.is_some()
    }

    /// Returns when nobody is there to be told anything.
    pub(super) async fn unread(&self) {
        self.0.closed().await;
    }
}

impl Pending {
    pub(super) fn acknowledge(self) {
        self.answer(|state, index| {
            state.acknowledged.insert(index);
        });
    }

    pub(super) fn refuse(self, fault: Fault) {
        self.answer(|state, index| state.refused.push((index, fault)));
    }

    /// The disk has failed: what was not acknowledged may be lost, and nothing more is taken.
    pub(super) fn fail(self, fault: Fault) {
        self.answer(|state, _| {
            state.end = Some(Err(fault));
        });
    }

    fn answer(self, change: impl FnOnce(&mut State, u32)) {
        self.progress.0.send_modify(|state| {
            state.pending -= 1;
            change(state, self.index);
        });
    }
}

impl Told {
    /// What there is to tell; waits for it. After the end there is nothing more to ask for.
    pub(crate) async fn next(&mut self) -> Said {
        loop {
            self.changes.mark_unchanged();
            if let Some(said) = self.take() {
                return said;
            }
            if self.changes.changed().await.is_err() {
                unreachable!("the sender of the changes is in self");
            }
        }
    }

    fn take(&self) -> Option<Said> {
        let mut said = None;
        // Taking refusals makes room for more, which the reader of blocks may be waiting for.
        self.progress.0.send_if_modified(|state| {
            said = state.take();
            matches!(&said, Some(Said::News { refused, .. }) if !refused.is_empty())
        });
        said
    }
}

impl State {
    fn take(&mut self) -> Option<Said> {
        if !self.acknowledged.is_empty() || !self.refused.is_empty() {
            let told = self.refused.len().min(REFUSALS_TOLD_MAX);
            return Some(Said::News {
                acknowledged: self.acknowledged.take(),
                refused: self.refused.drain(..told).collect(),
            });
        }
        let is_over = self.pending == 0;
        self.end.clone().filter(|_| is_over).map(Said::End)
    }
}

#[cfg(test)]
mod tests;
