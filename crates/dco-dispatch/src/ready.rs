//! The heads of one User's lines that may go, in the order in which they go.

use std::collections::VecDeque;

use crate::line::Head;

/// A sorted row instead of a tree: what is taken leaves at the front, what follows it mostly enters
/// near the back, and a User has few lanes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ready(VecDeque<Head>);

impl Ready {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn first(&self) -> Option<Head> {
        self.0.front().copied()
    }

    pub(crate) fn insert(&mut self, head: Head) {
        if self.0.back().is_none_or(|last| *last < head) {
            self.0.push_back(head);
        } else if let Err(place) = self.0.binary_search(&head) {
            self.0.insert(place, head);
        }
    }

    pub(crate) fn remove(&mut self, head: Head) {
        let is_first = self.0.pop_front_if(|first| *first == head).is_some();
        if !is_first && let Ok(place) = self.0.binary_search(&head) {
            self.0.remove(place);
        }
    }
}
