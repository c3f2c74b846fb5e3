//! No word before it is true: what is decided waits here for what it rests on.

use std::collections::{BTreeSet, VecDeque};

use crate::effect::{Effect, Topic};

/// A record's place in the journal; the first is 1.
pub type Seq = u64;

/// Records on their way to the journal, and effects waiting for them.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    last: Seq,
    durable: Seq,
    records: VecDeque<(Seq, Vec<u8>)>,
    effects: VecDeque<(Seq, Effect)>,
    changed: BTreeSet<Topic>,
}

impl Outbox {
    /// After a journal that ends with this record.
    pub(crate) fn after(seq: Seq) -> Self {
        Self {
            last: seq,
            durable: seq,
            ..Self::default()
        }
    }

    /// The newest record, made or replayed.
    pub(crate) fn last(&self) -> Seq {
        self.last
    }

    /// A new record; answers its place.
    pub(crate) fn push_record(&mut self, bytes: Vec<u8>) -> Seq {
        self.last += 1;
        self.records.push_back((self.last, bytes));
        self.last
    }

    /// A record that is in the journal already.
    pub(crate) fn replayed(&mut self, seq: Seq) {
        self.last = seq;
        self.durable = seq;
    }

    /// An effect that rests on all records so far.
    pub(crate) fn push_effect(&mut self, effect: Effect) {
        self.effects.push_back((self.last, effect));
    }

    /// Something watched has changed; said once per event, however often it did.
    pub(crate) fn changed(&mut self, topic: Topic) {
        self.changed.insert(topic);
    }

    /// Turns what has changed into effects.
    pub(crate) fn flush_changed(&mut self) {
        for topic in std::mem::take(&mut self.changed) {
            self.push_effect(Effect::Changed(topic));
        }
    }

    pub(crate) fn poll_record(&mut self) -> Option<(Seq, Vec<u8>)> {
        self.records.pop_front()
    }

    pub(crate) fn on_durable(&mut self, seq: Seq) {
        assert!(seq <= self.last, "a record is durable that was never made");
        assert!(seq >= self.durable, "durability never goes backwards");
        self.durable = seq;
    }

    pub(crate) fn poll_effect(&mut self) -> Option<Effect> {
        let (rests_on, _) = self.effects.front()?;
        if *rests_on > self.durable {
            return None;
        }
        self.effects.pop_front().map(|(_, effect)| effect)
    }
}
