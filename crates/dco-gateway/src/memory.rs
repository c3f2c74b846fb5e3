//! What a gateway keeps: attempts in hand, and outcomes until the DCO has noted them.
//!
//! Every change is a [`Change`], applied by one function, live and when a file is read back. The
//! memory promises that one attempt of one activation is never started twice: if it is in hand it
//! goes on, if it has ended its outcome is said again, and an older attempt than the newest known
//! one changes nothing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use dco_block::Eui64;
use dco_client::{ActivationName, AttemptOutcome, AttemptRef, Hello, Offer};

use crate::meter::Running;

/// Attempts that are over and stay known, so that a late repeat of their offer starts nothing.
/// What is older is forgotten.
pub(crate) const SETTLED_MAX: usize = 65_536;

/// One step of the memory, enough to take it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// An offer was taken.
    Accepted(Box<Offer>),
    /// An attempt ended; the DCO has not noted it yet.
    Ended(AttemptOutcome),
    /// The DCO has noted the outcome.
    Noted(AttemptRef),
    /// The DCO has given the attempt up.
    Withdrawn(AttemptRef),
    /// A Device was last known to run this.
    Runs(Eui64, Running),
}

/// What follows from an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Offered {
    /// It is new and in hand now: accept it and start. An older attempt of the same activation
    /// that was in hand ends with it.
    Start { replaces: Option<AttemptRef> },
    /// It is in hand: accept it again, it goes on.
    InHand,
    /// It has ended: say so again.
    Ended(AttemptOutcome),
    /// The DCO withdrew it, or a newer attempt of the activation is known: nothing to say.
    Over,
    /// As many attempts as this gateway takes at one time are in hand: decline.
    Full { concurrency: u32 },
}

/// A gateway's memory.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    id: String,
    concurrency: u32,
    known: BTreeMap<ActivationName, Known>,
    running: BTreeMap<Eui64, Running>,
    in_hand: u32,
    /// Attempts in hand that wait for their execution time and take no place. Not kept: they say so again.
    scheduled: BTreeSet<ActivationName>,
    /// Oldest first; may name attempts that a newer one has replaced since.
    settled: VecDeque<AttemptRef>,
    unsaved: Vec<Change>,
}

/// The newest attempt of an activation.
#[derive(Clone, Debug)]
struct Known {
    attempt: u32,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    InHand(Box<Offer>),
    Ended(AttemptOutcome),
    Noted(AttemptOutcome),
    Withdrawn,
}

impl Memory {
    /// Nothing in hand. `id` must be another one than that of any earlier memory of this gateway;
    /// `concurrency` is how many attempts it takes at one time.
    pub(crate) fn new(id: String, concurrency: u32) -> Self {
        Self {
            id,
            concurrency,
            known: BTreeMap::new(),
            running: BTreeMap::new(),
            in_hand: 0,
            scheduled: BTreeSet::new(),
            settled: VecDeque::new(),
            unsaved: Vec::new(),
        }
    }

    /// The name of this memory.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// What the DCO is told first: all that is in hand and all that it has not noted.
    pub(crate) fn hello(&self) -> Hello {
        Hello {
            memory_id: self.id.clone(),
            attempts: self.in_hand().map(|offer| offer.attempt).collect(),
            outcomes: self.outcomes().cloned().collect(),
            concurrency: self.concurrency,
        }
    }

    /// The attempts in hand.
    pub(crate) fn in_hand(&self) -> impl Iterator<Item = &Offer> {
        self.known.values().filter_map(|known| match &known.state {
            State::InHand(offer) => Some(offer.as_ref()),
            _ => None,
        })
    }

    /// The outcomes that the DCO has not noted.
    pub(crate) fn outcomes(&self) -> impl Iterator<Item = &AttemptOutcome> {
        self.known.values().filter_map(|known| match &known.state {
            State::Ended(outcome) => Some(outcome),
            _ => None,
        })
    }

    /// What each Device that ended an attempt was last known to run.
    pub(crate) fn running(&self) -> &BTreeMap<Eui64, Running> {
        &self.running
    }

    /// How many attempts are in hand.
    pub(crate) fn in_hand_count(&self) -> u32 {
        self.in_hand
    }

    /// The offer of this very attempt, if it is in hand.
    pub(crate) fn offer_in_hand(&self, attempt: AttemptRef) -> Option<&Offer> {
        match self.state_of(attempt)? {
            State::InHand(offer) => Some(offer),
            _ => None,
        }
    }

    /// Takes an offer, or says why there is nothing to start.
    pub(crate) fn offer(&mut self, offer: Box<Offer>) -> Offered {
        let AttemptRef {
            activation,
            attempt,
        } = offer.attempt;
        let replaces = match self.known.get(&activation) {
            Some(known) if known.attempt > attempt => return Offered::Over,
            Some(known) if known.attempt == attempt => return known.again(),
            Some(Known {
                attempt,
                state: State::InHand(_),
            }) => Some(AttemptRef {
                activation,
                attempt: *attempt,
            }),
            _ => None,
        };
        let scheduled_count = u32::try_from(self.scheduled.len()).unwrap_or(u32::MAX);
        let busy_count = self.in_hand.saturating_sub(scheduled_count);
        if replaces.is_none() && busy_count >= self.concurrency {
            return Offered::Full {
                concurrency: self.concurrency,
            };
        }
        self.make(Change::Accepted(offer));
        Offered::Start { replaces }
    }

    /// The attempt only waits for its execution time. Says whether it is in hand.
    pub(crate) fn schedule(&mut self, attempt: AttemptRef) -> bool {
        let is_in_hand = self.offer_in_hand(attempt).is_some();
        if is_in_hand {
            self.scheduled.insert(attempt.activation);
        }
        is_in_hand
    }

    /// Attempts in hand that only wait for their execution time.
    pub(crate) fn scheduled(&self) -> impl Iterator<Item = AttemptRef> {
        let scheduled = self.in_hand().map(|offer| offer.attempt);
        scheduled.filter(|attempt| self.scheduled.contains(&attempt.activation))
    }

    /// Keeps the outcome of an attempt in hand. Says whether it was: one that was withdrawn or
    /// replaced meanwhile has no outcome any more.
    pub(crate) fn end(&mut self, outcome: AttemptOutcome) -> bool {
        let was_in_hand = self.offer_in_hand(outcome.attempt).is_some();
        if was_in_hand {
            self.make(Change::Ended(outcome));
        }
        was_in_hand
    }

    /// The DCO has the outcome on disk. Says whether that was awaited.
    pub(crate) fn noted(&mut self, attempt: AttemptRef) -> bool {
        let was_awaited = matches!(self.state_of(attempt), Some(State::Ended(_)));
        if was_awaited {
            self.make(Change::Noted(attempt));
        }
        was_awaited
    }

    /// The DCO has given the attempt up: its work or its outcome is not wanted any more. Says
    /// whether it was in hand, so that the work must be stopped.
    pub(crate) fn withdraw(&mut self, attempt: AttemptRef) -> bool {
        match self.state_of(attempt) {
            Some(State::InHand(_)) => {
                self.make(Change::Withdrawn(attempt));
                true
            }
            Some(State::Ended(_)) => {
                self.make(Change::Withdrawn(attempt));
                false
            }
            _ => false,
        }
    }

    /// Takes a step that was taken before, when a file is read back.
    pub(crate) fn apply(&mut self, change: Change) {
        match change {
            Change::Accepted(offer) => self.set(offer.attempt, State::InHand(offer)),
            Change::Ended(outcome) => {
                self.learn(&outcome);
                self.set(outcome.attempt, State::Ended(outcome));
            }
            Change::Noted(attempt) => {
                if let Some(State::Ended(outcome)) = self.state_of(attempt) {
                    let outcome = outcome.clone();
                    self.settle(attempt, State::Noted(outcome));
                }
            }
            Change::Withdrawn(attempt) => self.settle(attempt, State::Withdrawn),
            Change::Runs(device, running) => {
                self.running.insert(device, running);
            }
        }
    }

    /// The changes since this was last asked, oldest first.
    pub(crate) fn take_unsaved(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.unsaved)
    }

    /// The fewest changes that make this memory out of an empty one.
    pub(crate) fn condensed(&self) -> Vec<Change> {
        let settled = self.settled.iter().filter_map(|&attempt| {
            Some((attempt, self.state_of(attempt)?)).filter(|(_, state)| state.is_settled())
        });
        let open = self.known.iter().filter_map(|(&activation, known)| {
            let attempt = AttemptRef {
                activation,
                attempt: known.attempt,
            };
            (!known.state.is_settled()).then_some((attempt, &known.state))
        });
        let states = settled
            .chain(open)
            .flat_map(|(attempt, state)| state.changes(attempt));
        // Last, because an outcome above may be older than what its Device runs now.
        let running = self
            .running
            .iter()
            .map(|(&device, &running)| Change::Runs(device, running));
        states.chain(running).collect()
    }

    fn make(&mut self, change: Change) {
        self.unsaved.push(change.clone());
        self.apply(change);
    }

    fn set(&mut self, attempt: AttemptRef, state: State) {
        let comes_in_hand = matches!(state, State::InHand(_));
        self.scheduled.remove(&attempt.activation);
        let known = Known {
            attempt: attempt.attempt,
            state,
        };
        let before = self.known.insert(attempt.activation, known);
        let was_in_hand = before.is_some_and(|before| matches!(before.state, State::InHand(_)));
        self.in_hand = self.in_hand + u32::from(comes_in_hand) - u32::from(was_in_hand);
    }

    fn settle(&mut self, attempt: AttemptRef, state: State) {
        self.set(attempt, state);
        self.settled.push_back(attempt);
        while self.settled.len() > SETTLED_MAX {
            let oldest = self
                .settled
                .pop_front()
                .expect("there are more than SETTLED_MAX");
            if self.state_of(oldest).is_some_and(State::is_settled) {
                self.known.remove(&oldest.activation);
            }
        }
    }

    fn learn(&mut self, outcome: &AttemptOutcome) {
        if let Some(firmware_version) = outcome.running_version {
            let running = Running {
                firmware_version,
                manufacturer_image_hash: outcome.device_image_hash,
            };
            self.running
                .insert(outcome.attempt.activation.device, running);
        }
    }

    fn state_of(&self, attempt: AttemptRef) -> Option<&State> {
        self.known
            .get(&attempt.activation)
            .filter(|known| known.attempt == attempt.attempt)
            .map(|known| &known.state)
    }
}

impl Known {
    /// What follows from an offer of this very attempt.
    fn again(&self) -> Offered {
        match &self.state {
            State::InHand(_) => Offered::InHand,
            State::Ended(outcome) | State::Noted(outcome) => Offered::Ended(outcome.clone()),
            State::Withdrawn => Offered::Over,
        }
    }
}

impl State {
    fn is_settled(&self) -> bool {
        matches!(self, Self::Noted(_) | Self::Withdrawn)
    }

    /// The changes that lead to this state.
    fn changes(&self, attempt: AttemptRef) -> Vec<Change> {
        match self {
            Self::InHand(offer) => vec![Change::Accepted(offer.clone())],
            Self::Ended(outcome) => vec![Change::Ended(outcome.clone())],
            Self::Noted(outcome) => {
                vec![Change::Ended(outcome.clone()), Change::Noted(attempt)]
            }
            Self::Withdrawn => vec![Change::Withdrawn(attempt)],
        }
    }
}

#[cfg(test)]
mod tests;
