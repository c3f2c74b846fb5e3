//! A gateway's rules: an attempt is started once, kept until it is noted, and said again after every break.

use std::collections::{BTreeMap, BTreeSet};

use dco_block::{Eui64, ImageId};
use dco_engine::{AttemptEnd, AttemptRef, Hello, Offer, Outcome, Report, Session};

/// One gateway.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) eui: Eui64,
    /// Counts its memories.
    pub(crate) memory: u64,
    /// Its stream, as far as it knows.
    pub(crate) session: Option<Session>,
    pub(crate) in_hand: BTreeMap<AttemptRef, Work>,
    /// Outcomes that are not noted.
    pub(crate) outcomes: BTreeMap<AttemptRef, AttemptEnd>,
    /// Images that it has read.
    pub(crate) images: BTreeSet<ImageId>,
    concurrency: u32,
}

/// An attempt in hand.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) offer: Offer,
    pub(crate) stage: Stage,
}

/// What is to be done next for an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Ask the Device what it runs, and read the image if need be.
    Ask,
    /// Begin to send the image.
    Send,
    /// Tell how it ended.
    End(Outcome),
}

/// What an offer leads to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Offered {
    /// It is new: accepted and begun.
    Start,
    /// It is in hand: accepted again, and it goes on.
    InHand,
    /// It has ended: this is said again.
    Ended(AttemptEnd),
    /// No room.
    Full,
}

impl Gateway {
    /// Nothing in hand.
    pub(crate) fn new(eui: Eui64, concurrency: u32) -> Self {
        Self {
            eui,
            memory: 1,
            session: None,
            in_hand: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            images: BTreeSet::new(),
            concurrency,
        }
    }

    /// What it says first on a stream.
    pub(crate) fn hello(&self) -> Hello {
        Hello {
            memory_id: format!("{}-{}", self.eui, self.memory),
            attempts: self.in_hand.keys().copied().collect(),
            outcomes: self
                .outcomes
                .iter()
                .map(|(attempt, end)| (*attempt, end.clone()))
                .collect(),
            concurrency: self.concurrency,
        }
    }

    /// Takes an offer, or says why not.
    pub(crate) fn offer(&mut self, offer: Offer) -> Offered {
        if self.in_hand.contains_key(&offer.attempt) {
            return Offered::InHand;
        }
        if let Some(end) = self.outcomes.get(&offer.attempt) {
            return Offered::Ended(end.clone());
        }
        if u32::try_from(self.in_hand.len()).unwrap_or(u32::MAX) >= self.concurrency {
            return Offered::Full;
        }
        let stage = Stage::Ask;
        self.in_hand.insert(offer.attempt, Work { offer, stage });
        Offered::Start
    }

    /// An attempt in hand is over. Answers what to say; nothing if it was not in hand.
    pub(crate) fn end(&mut self, attempt: AttemptRef, end: AttemptEnd) -> Option<Report> {
        self.in_hand.remove(&attempt)?;
        self.outcomes.insert(attempt, end.clone());
        Some(Report::Ended(end))
    }

    /// The outcome need not be kept any longer: what was noted is forgotten at once, which is the least that is
    /// promised to the DCO.
    pub(crate) fn noted(&mut self, attempt: AttemptRef) {
        self.outcomes.remove(&attempt);
    }

    /// The DCO has given it up. Whether it was in hand.
    pub(crate) fn withdrawn(&mut self, attempt: AttemptRef) -> bool {
        self.outcomes.remove(&attempt);
        self.in_hand.remove(&attempt).is_some()
    }

    /// Everything is gone. Answers what was in hand.
    pub(crate) fn forget(&mut self) -> Vec<AttemptRef> {
        self.memory += 1;
        self.outcomes.clear();
        self.images.clear();
        std::mem::take(&mut self.in_hand).into_keys().collect()
    }
}
