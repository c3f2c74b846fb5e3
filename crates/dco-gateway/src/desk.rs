//! What a gateway decides: what to say, what to start and what to stop. No waiting, no network.

use std::collections::BTreeMap;

use dco_client::{ActivationName, AttemptRef, DcoMessage, GatewayMessage, Hello, Offer};
use tokio::sync::watch;
use tracing::{debug, warn};

use crate::attempt::AttemptEvent;
use crate::memory::{Change, Memory, Offered};
use crate::stats::Shown;

/// Something to be done, in this order, once the memory's changes are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Say this to the DCO, if the stream still stands.
    Say(GatewayMessage),
    /// Make this attempt.
    Start(Box<Offer>),
    /// Stop this attempt, wherever it is.
    Stop(AttemptRef),
    /// Have this attempt end before its execution time, if it still can.
    CallBack(AttemptRef),
}

/// The one owner of what a gateway knows.
#[derive(Debug)]
pub(crate) struct Desk {
    memory: Memory,
    shown: watch::Sender<Shown>,
    acts: Vec<Act>,
    /// Said when there is nothing more urgent; only the newest of each attempt.
    progress: BTreeMap<ActivationName, (u32, u32)>,
    /// Attempts of an earlier run of the program; they wait until the DCO has heard of them.
    resumed: Vec<AttemptRef>,
}

impl Desk {
    pub(crate) fn new(memory: Memory) -> Self {
        let shown = watch::Sender::new(Shown {
            devices: memory.running().clone(),
            in_hand: memory.in_hand_count(),
            ..Shown::default()
        });
        let resumed = memory.in_hand().map(|offer| offer.attempt).collect();
        Self {
            memory,
            shown,
            acts: Vec::new(),
            progress: BTreeMap::new(),
            resumed,
        }
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Shown> {
        self.shown.subscribe()
    }

    /// What is to be told first on a new stream. Progress that was to be told on the one before
    /// does not matter any more.
    pub(crate) fn hello(&mut self) -> Hello {
        self.progress.clear();
        self.memory.hello()
    }

    /// The stream stands; the DCO has not answered yet.
    pub(crate) fn opened(&mut self) {
        self.show(|shown| shown.stats.connections += 1);
    }

    /// The stream is over.
    pub(crate) fn broken(&mut self) {
        self.show(|shown| shown.connected = false);
    }

    pub(crate) fn hear(&mut self, message: DcoMessage) {
        match message {
            DcoMessage::Welcome { .. } => self.welcome(),
            DcoMessage::Offer(offer) => self.offer(offer),
            DcoMessage::Noted(attempt) => {
                let noted = self.memory.noted(attempt);
                self.show(|shown| shown.stats.noted += u64::from(noted));
            }
            DcoMessage::Withdrawn(attempt) => self.withdrawn(attempt),
            DcoMessage::Cancel(attempt) => {
                if self.memory.offer_in_hand(attempt).is_some() {
                    self.acts.push(Act::CallBack(attempt));
                }
            }
        }
    }

    pub(crate) fn see(&mut self, event: AttemptEvent) {
        match event {
            AttemptEvent::Progress {
                attempt,
                blocks_done,
            } => {
                if self.memory.offer_in_hand(attempt).is_some() {
                    self.progress
                        .insert(attempt.activation, (attempt.attempt, blocks_done));
                }
            }
            AttemptEvent::Delivered(attempt) => {
                if self.memory.offer_in_hand(attempt).is_some() {
                    self.progress.remove(&attempt.activation);
                    self.say(GatewayMessage::Delivered(attempt));
                }
            }
            AttemptEvent::Scheduled(attempt) => {
                if self.memory.schedule(attempt) {
                    self.say(GatewayMessage::Scheduled(attempt));
                }
            }
            AttemptEvent::Ended(outcome) => self.ended(outcome),
        }
    }

    /// What the memory must keep before any act is done.
    pub(crate) fn take_unsaved(&mut self) -> Vec<Change> {
        self.memory.take_unsaved()
    }

    /// What is to be done, in order.
    pub(crate) fn take_acts(&mut self) -> Vec<Act> {
        std::mem::take(&mut self.acts)
    }

    /// Progress to tell when nothing else is to be said.
    pub(crate) fn take_progress(&mut self) -> Option<GatewayMessage> {
        let (activation, (attempt, blocks_done)) = self.progress.pop_first()?;
        Some(GatewayMessage::Progress {
            attempt: AttemptRef {
                activation,
                attempt,
            },
            blocks_done,
        })
    }

    /// The memory, to be written anew in its shortest form.
    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    fn welcome(&mut self) {
        self.show(|shown| shown.connected = true);
        let scheduled = self.memory.scheduled().map(GatewayMessage::Scheduled);
        self.acts.extend(scheduled.map(Act::Say));
        let resumed = std::mem::take(&mut self.resumed);
        let offers = resumed
            .into_iter()
            .filter_map(|attempt| self.memory.offer_in_hand(attempt));
        self.acts
            .extend(offers.cloned().map(|offer| Act::Start(Box::new(offer))));
    }

    fn offer(&mut self, offer: Box<Offer>) {
        let attempt = offer.attempt;
        let offered = self.memory.offer(offer.clone());
        let started = matches!(offered, Offered::Start { .. });
        let declined = matches!(offered, Offered::Full { .. });
        match offered {
            Offered::Start { replaces } => {
                if let Some(older) = replaces {
                    self.stop(older);
                }
                self.say(GatewayMessage::Accept(attempt));
                self.acts.push(Act::Start(offer));
            }
            Offered::InHand => self.say(GatewayMessage::Accept(attempt)),
            Offered::Ended(outcome) => self.say(GatewayMessage::Outcome(outcome)),
            Offered::Over => debug!(%attempt, "offer of an attempt that is over"),
            Offered::Full { concurrency } => {
                let message = format!("this gateway takes {concurrency} attempts at one time");
                self.say(GatewayMessage::Decline { attempt, message });
            }
        }
        self.show(|shown| {
            shown.stats.offers += 1;
            shown.stats.started += u64::from(started);
            shown.stats.declined += u64::from(declined);
            shown.stats.repeated_offers += u64::from(!started && !declined);
        });
    }

    fn withdrawn(&mut self, attempt: AttemptRef) {
        if self.memory.withdraw(attempt) {
            self.stop(attempt);
            self.show(|_| ());
        }
    }

    fn ended(&mut self, outcome: dco_client::AttemptOutcome) {
        let attempt = outcome.attempt;
        if !self.memory.end(outcome.clone()) {
            debug!(%attempt, "an attempt ended after it was stopped");
            return;
        }
        self.progress.remove(&attempt.activation);
        let result = outcome.result;
        let device = attempt.activation.device;
        let running = self.memory.running().get(&device).copied();
        self.say(GatewayMessage::Outcome(outcome));
        self.show(|shown| {
            *shown.stats.ended.entry(result).or_default() += 1;
            if let Some(running) = running {
                shown.devices.insert(device, running);
            }
        });
    }

    fn stop(&mut self, attempt: AttemptRef) {
        warn!(%attempt, "attempt stopped: the DCO does not want it any more");
        self.progress.remove(&attempt.activation);
        self.acts.push(Act::Stop(attempt));
        self.shown.send_modify(|shown| shown.stats.stopped += 1);
    }

    fn say(&mut self, message: GatewayMessage) {
        self.acts.push(Act::Say(message));
    }

    fn show(&self, change: impl FnOnce(&mut Shown)) {
        let in_hand = self.memory.in_hand_count();
        self.shown.send_modify(|shown| {
            change(shown);
            shown.in_hand = in_hand;
        });
    }
}

#[cfg(test)]
mod tests;
