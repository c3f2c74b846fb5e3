//! A gateway that keeps its memory, and its record of what it was offered and what was noted.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use dco_block::ImageId;
use dco_client::{
    ActivationState, AttemptOutcome, AttemptRef, AttemptResult, BatchName, ClientError, DcoMessage,
    GatewayLink, GatewayMessage, GatewayReceiver, GatewaySender, Hello, Offer,
};
use dco_sim::Dice;

use super::batches::Submitted;
use super::is_gone;
use super::tally::Tally;

/// Attempts that it takes at one time.
const CONCURRENCY: u32 = 10;

/// A gateway with its memory and its record.
pub(super) struct Gateway {
    dice: Dice,
    /// Accepted, with no outcome yet.
    in_hand: BTreeMap<AttemptRef, Offer>,
    /// Outcomes that the DCO has not noted yet.
    told: BTreeMap<AttemptRef, AttemptOutcome>,
    /// Every attempt that was ever accepted: none is offered again.
    accepted: BTreeSet<AttemptRef>,
    /// Declined, with no word from the DCO yet: it may offer them again.
    declined: BTreeSet<AttemptRef>,
    noted: BTreeMap<AttemptRef, Noted>,
}

#[derive(Clone, Copy)]
enum Noted {
    Declined,
    Ended(AttemptResult),
}

impl Gateway {
    pub(super) fn new(dice: Dice) -> Self {
        Self {
            dice,
            in_hand: BTreeMap::new(),
            told: BTreeMap::new(),
            accepted: BTreeSet::new(),
            declined: BTreeSet::new(),
            noted: BTreeMap::new(),
        }
    }

    /// Takes and makes attempts until the service is gone.
    pub(super) async fn work(mut self, link: GatewayLink, tally: Tally) -> Self {
        let ended = self.session(&link, &tally).await;
        let fault = ended.expect_err("a session ends with the service");
        assert!(is_gone(&fault), "refused for no reason: {fault}");
        self
    }

    async fn session(&mut self, link: &GatewayLink, tally: &Tally) -> Result<(), ClientError> {
        let hello = Hello {
            memory_id: "kept".to_owned(),
            attempts: self.in_hand.keys().copied().collect(),
            outcomes: self.told.values().cloned().collect(),
            concurrency: CONCURRENCY,
        };
        let (speaks, mut listens) = link.connect(hello).await?;
        loop {
            let heard = self.hears_or_works(link, &speaks, &mut listens).await?;
            match heard {
                Some(DcoMessage::Welcome { .. }) | None => {}
                Some(DcoMessage::Offer(offer)) => self.answer(*offer, &speaks).await?,
                Some(DcoMessage::Noted(attempt)) => {
                    self.note(attempt);
                    tally.noted();
                }
                Some(DcoMessage::Withdrawn(attempt) | DcoMessage::Cancel(attempt)) => {
                    panic!("{attempt} was taken away and nobody had given it up")
                }
            }
        }
    }

    /// Listens, and in between goes on with what is in hand.
    async fn hears_or_works(
        &mut self,
        link: &GatewayLink,
        speaks: &GatewaySender,
        listens: &mut GatewayReceiver,
    ) -> Result<Option<DcoMessage>, ClientError> {
        let is_idle = self.in_hand.is_empty();
        tokio::select! {
            heard = listens.recv() => match heard? {
                Some(message) => return Ok(Some(message)),
                None => panic!("the service ended the stream in order and was not asked to"),
            },
            () = std::future::ready(()), if !is_idle => {}
        }
        self.go_on(link, speaks).await?;
        Ok(None)
    }

    async fn answer(&mut self, offer: Offer, speaks: &GatewaySender) -> Result<(), ClientError> {
        let attempt = offer.attempt;
        let is_new = !self.accepted.contains(&attempt) && !self.noted.contains_key(&attempt);
        assert!(is_new, "{attempt} is offered a second time");
        let mut under_way = self.in_hand.values();
        let other = under_way.find(|other| other.device == offer.device);
        assert!(other.is_none(), "{attempt} beside {other:?}");
        if self.dice.chance(50) {
            self.declined.insert(attempt);
            let message = "no room".to_owned();
            return speaks
                .send(GatewayMessage::Decline { attempt, message })
                .await;
        }
        self.declined.remove(&attempt);
        self.accepted.insert(attempt);
        self.in_hand.insert(attempt, offer);
        speaks.send(GatewayMessage::Accept(attempt)).await
    }

    /// One step of any attempt in hand.
    async fn go_on(
        &mut self,
        link: &GatewayLink,
        speaks: &GatewaySender,
    ) -> Result<(), ClientError> {
        let attempts: Vec<_> = self.in_hand.keys().copied().collect();
        let attempt = attempts[self.dice.index(attempts.len())];
        let offer = &self.in_hand[&attempt];
        match self.dice.below(10) {
            0 | 1 => {
                let blocks_done = self.dice.small(1..=offer.manifest.block_count());
                speaks
                    .send(GatewayMessage::Progress {
                        attempt,
                        blocks_done,
                    })
                    .await
            }
            2 => {
                read_whole(link, offer).await?;
                speaks.send(GatewayMessage::Delivered(attempt)).await
            }
            3..=6 => {
                let outcome = self.end(attempt);
                speaks.send(GatewayMessage::Outcome(outcome)).await
            }
            // Another message may come first.
            _ => {
                tokio::task::yield_now().await;
                Ok(())
            }
        }
    }

    fn end(&mut self, attempt: AttemptRef) -> AttemptOutcome {
        let offer = self.in_hand.remove(&attempt).expect("it is in hand");
        let result = match self.dice.below(10) {
            0 => AttemptResult::FileTransferFailure,
            1 => AttemptResult::ActivationFailure,
            _ => AttemptResult::Success,
        };
        let is_good = result == AttemptResult::Success;
        let outcome = AttemptOutcome {
            attempt,
            result,
            nothing_sent: false,
            running_version: is_good.then(|| offer.manifest.firmware_version()),
            device_image_hash: is_good.then(|| offer.manifest.manufacturer_image_hash()),
            message: String::new(),
        };
        self.told.insert(attempt, outcome.clone());
        outcome
    }

    fn note(&mut self, attempt: AttemptRef) {
        let noted = match self.told.remove(&attempt) {
            Some(outcome) => Noted::Ended(outcome.result),
            None if self.declined.remove(&attempt) => Noted::Declined,
            None => panic!("{attempt} is noted, and nothing was told of it"),
        };
        self.noted.insert(attempt, noted);
    }

    /// How many outcomes were noted.
    pub(super) fn noted(&self) -> usize {
        self.noted.len()
    }

    /// Every attempt that was taken is known, and every outcome that was noted is told.
    pub(super) fn check(&self, batches: &BTreeMap<BatchName, &Submitted>) {
        for attempt in &self.accepted {
            let of = attempt.activation;
            let now = batches[&of.batch].activation(of.device);
            assert!(now.attempt >= attempt.attempt, "{attempt} against {now:?}");
        }
        for (attempt, noted) in &self.noted {
            let of = attempt.activation;
            let now = batches[&of.batch].activation(of.device);
            let is_last = now.attempt == attempt.attempt;
            let is_under_way = is_last && now.state == ActivationState::Released;
            assert!(!is_under_way && now.outcome.is_some(), "{attempt}: {now:?}");
            let succeeded = matches!(noted, Noted::Ended(AttemptResult::Success));
            let says_so = is_last && now.state == ActivationState::Succeeded;
            assert_eq!(succeeded, says_so, "{attempt}: {now:?}");
        }
    }

    /// Units of large images for which nothing was sent: of attempts that are over and were never taken. They were declined, or the
    /// service ended them before they got here, because their image may not go.
    pub(super) fn given_back(&self, batches: &BTreeMap<BatchName, &Submitted>) -> u32 {
        let large = batches.values().filter(|batch| batch.is_large());
        let over = large.flat_map(|batch| batch.attempts_over());
        let never_taken = over.filter(|attempt| !self.accepted.contains(attempt));
        u32::try_from(never_taken.count()).expect("there are not so many")
    }
}

/// Reads an offered image and looks whether it is the one that was offered.
async fn read_whole(link: &GatewayLink, offer: &Offer) -> Result<(), ClientError> {
    let mut blocks = link.read_blocks(&offer.manifest, 0).await?;
    let mut image = Vec::new();
    while let Some(raw) = blocks.next().await? {
        let block = raw.verify(&offer.manifest);
        image.extend_from_slice(block.expect("no Device is offered a damaged block").data());
    }
    assert_eq!(ImageId::of(&Bytes::from(image)), offer.manifest.image_id());
    Ok(())
}
