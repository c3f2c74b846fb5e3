//! In which order the activations of a batch changed.

/// The activations of a batch in the order in which records, or time by itself, changed them; the feed's position is a place in it.
///
/// The first change of each is that it was sent, in their order: those are not kept, because there are millions.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    first: u32,
    count: u32,
    later: Vec<u32>,
}

impl Changes {
    /// Of a batch that has just been sent, whose run of activations this is.
    pub(crate) fn sent(first: u32, count: u32) -> Self {
        let later = Vec::new();
        Self {
            first,
            count,
            later,
        }
    }

    /// With these that came after.
    pub(crate) fn with(self, later: Vec<u32>) -> Self {
        Self { later, ..self }
    }

    /// Those that came after all were sent.
    pub(crate) fn later(&self) -> &[u32] {
        &self.later
    }

    pub(crate) fn push(&mut self, activation: u32) {
        self.later.push(activation);
    }

    /// All of these, one after the other. They may be most of the batch: no more room is taken than they need.
    pub(crate) fn extend(&mut self, activations: &[u32]) {
        self.later.reserve_exact(activations.len());
        self.later.extend_from_slice(activations);
    }

    pub(crate) fn len(&self) -> usize {
        self.sent_len() + self.later.len()
    }

    /// From one place to another, which must not be beyond [`len`](Self::len).
    pub(crate) fn between(&self, from: usize, to: usize) -> Vec<u32> {
        let sent = (self.first..).take(self.sent_len());
        let all = sent.chain(self.later.iter().copied());
        all.skip(from).take(to.saturating_sub(from)).collect()
    }

    fn sent_len(&self) -> usize {
        usize::try_from(self.count).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_says_the_same_however_much_came_before_and_after() {
        let mut changes = Changes::sent(7, 3);
        changes.push(8);
        changes.push(7);
        let all = [7, 8, 9, 8, 7];
        assert_eq!(changes.len(), all.len());
        for from in 0..=all.len() {
            for to in from..=all.len() {
                assert_eq!(changes.between(from, to), all[from..to]);
            }
        }
        assert_eq!(changes.later(), [8, 7]);
    }
}
