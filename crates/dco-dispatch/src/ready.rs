//! One User's lines that may go, in the order in which their first entries do.

use std::collections::VecDeque;

use crate::line::Lines;

/// A sorted row instead of a tree: what is taken leaves at the front, what follows it mostly enters
/// near the back, and a User has few lanes. Of numbers alone, because there are many Users, and what their turns look
/// at should stay in the cache.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ready(VecDeque<u32>);

impl Ready {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn first(&self) -> Option<u32> {
        self.0.front().copied()
    }

    /// Puts in a line that has entries and is not there yet.
    pub(crate) fn insert<K: Copy>(&mut self, line: u32, lines: &Lines<K>) {
        let goes_before = |other: &u32| lines.head_of(*other) < lines.head_of(line);
        if self.0.back().is_none_or(goes_before) {
            self.0.push_back(line);
        } else {
            let place = self.0.partition_point(goes_before);
            self.0.insert(place, line);
        }
    }

    pub(crate) fn remove(&mut self, line: u32) {
        let is_first = self.0.pop_front_if(|first| *first == line).is_some();
        if !is_first && let Some(place) = self.0.iter().position(|other| *other == line) {
            self.0.remove(place);
        }
    }
}
