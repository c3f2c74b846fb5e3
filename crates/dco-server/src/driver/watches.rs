//! Who wants to know when something changes.

use std::collections::BTreeMap;

use dco_engine::Topic;
use tokio::sync::watch;

/// One wake-up for each topic that somebody watches; however often it changes before they look, they
/// look once.
#[derive(Debug, Default)]
pub(super) struct Watches {
    topics: BTreeMap<Topic, watch::Sender<()>>,
    sweep_at: usize,
}

const SWEEP_AT_MIN: usize = 64;

impl Watches {
    pub(super) fn subscribe(&mut self, topic: Topic) -> watch::Receiver<()> {
        // What nobody watches and never changes again would stay; swept at each doubling, it costs
        // nothing that can be seen.
        if self.topics.len() >= self.sweep_at {
            self.topics.retain(|_, sender| !sender.is_closed());
            self.sweep_at = (2 * self.topics.len()).max(SWEEP_AT_MIN);
        }
        let sender = self
            .topics
            .entry(topic)
            .or_insert_with(|| watch::Sender::new(()));
        sender.subscribe()
    }

    pub(super) fn changed(&mut self, topic: Topic) {
        let unheard = self
            .topics
            .get(&topic)
            .is_some_and(|sender| sender.send(()).is_err());
        if unheard {
            self.topics.remove(&topic);
        }
    }
}

#[cfg(test)]
mod tests {
    use dco_block::Eui64;

    use super::*;

    fn topic(number: u64) -> Topic {
        Topic::Transfer {
            user: Eui64::from_bits(1),
            number,
        }
    }

    #[test]
    fn a_change_wakes_those_who_watch_that_topic() {
        let mut watches = Watches::default();
        let mut first = watches.subscribe(topic(1));
        let second = watches.subscribe(topic(2));
        watches.changed(topic(1));
        watches.changed(topic(1));
        assert!(first.has_changed().unwrap());
        first.mark_unchanged();
        assert!(!first.has_changed().unwrap() && !second.has_changed().unwrap());
    }

    #[test]
    fn what_nobody_watches_is_forgotten() {
        let mut watches = Watches::default();
        drop(watches.subscribe(topic(0)));
        watches.changed(topic(0));
        assert!(watches.topics.is_empty());
        let kept = watches.subscribe(topic(0));
        for number in 1..=1_000 {
            drop(watches.subscribe(topic(number)));
        }
        assert!(watches.topics.len() <= SWEEP_AT_MIN);
        assert!(watches.topics.contains_key(&topic(0)));
        drop(kept);
    }
}
