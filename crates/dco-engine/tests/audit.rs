//! The journal read as an auditor reads it: a second, plain account of what was released and charged.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use dco_engine::record::{
    AttemptEnded, BatchAccepted, BatchCancelled, Change, Record, Released, TransferEnd,
};
use dco_engine::{AttemptRef, Outcome};
use prost::Message;

use crate::world::World;

#[derive(Default)]
struct Books {
    /// Capacity in force and units released, by day.
    days: BTreeMap<i32, (u32, u32)>,
    /// What the security lane may release and has released, by day.
    lane: BTreeMap<i32, (u32, u32)>,
    /// Which attempts under way left through it.
    of_lane: BTreeSet<u32>,
    /// Whether an activation may go through it.
    may_use_lane: Vec<bool>,
    /// When each day starts and ends.
    spans: BTreeMap<i32, (i64, i64)>,
    /// Device, and attempts made, by activation.
    activations: Vec<(u64, u32)>,
    /// The attempt under way: which, and the day charged for it, by Device.
    under_way: BTreeMap<u64, (u32, u32, Option<i32>)>,
    /// Activations that may not be released any more.
    ended: Vec<bool>,
    sent: BTreeMap<(u64, i32), u32>,
    large: BTreeMap<Vec<u8>, bool>,
    /// User and image, by transfer.
    transfers: BTreeMap<u64, (u64, Vec<u8>)>,
    /// User and image, by activation.
    images: Vec<(u64, Vec<u8>)>,
    /// The activations of a batch, by User and number.
    batches: BTreeMap<(u64, u64), Range<usize>>,
    /// Images that Users have.
    had: BTreeSet<(u64, Vec<u8>)>,
}

/// Every promise about releases, on every record of the journal, and on every offer made.
pub(crate) fn audit(world: &World) {
    let mut books = Books::default();
    let mut last_us = i64::MIN;
    for (seq, record) in (1..).zip(&world.journal) {
        let record = Record::decode(record.as_slice()).expect("it is the engine's own");
        assert!(record.at_us >= last_us, "time does not go back");
        last_us = record.at_us;
        books.enter(
            (seq, record.at_us),
            &record.change.expect("it says something"),
            world,
        );
        books.what_is_needed_is_had();
    }
    one_device_and_image_for_each_attempt(world);
}

fn one_device_and_image_for_each_attempt(world: &World) {
    let mut images = BTreeMap::new();
    for (_, offer) in &world.offered {
        let image_id = offer.manifest.image_id();
        let AttemptRef {
            activation,
            attempt,
        } = offer.attempt;
        assert!(attempt > 0);
        let before = images.insert((activation.user, activation.batch), image_id);
        assert!(before.is_none_or(|before| before == image_id));
    }
}

impl Books {
    fn enter(&mut self, (seq, at_us): (u64, i64), change: &Change, world: &World) {
        match change {
            Change::DayOpened(it) => {
                assert!(
                    (it.start_us..it.end_us).contains(&at_us),
                    "opened on the day itself"
                );
                let day = self.days.entry(it.date).or_default();
                day.0 = it.capacity;
                self.spans.insert(it.date, (it.start_us, it.end_us));
                let configured = it.configured.as_ref().expect("it says what it rests on");
                self.lane.entry(it.date).or_default().0 = configured.security;
            }
            Change::TransferOpened(it) => {
                self.transfers.insert(seq, (it.user, it.image_id.to_vec()));
                self.large
                    .insert(it.image_id.to_vec(), it.image_bytes > 750_000);
            }
            Change::TransferEnded(it) if it.end() == TransferEnd::Stored => {
                self.had.insert(self.transfers[&it.owner].clone());
            }
            Change::ImageRetired(it) => {
                let had = self.had.remove(&(it.user, it.image_id.to_vec()));
                assert!(had, "what is retired was there");
            }
            Change::BatchAccepted(it) => self.accepted(it, world),
            Change::BatchCancelled(it) => {
                let sent = self.sent.values().sum::<u32>();
                assert!(it.given_back <= sent);
                self.cancelled(it);
            }
            Change::Released(it) => self.released(at_us, it),
            Change::AttemptEnded(it) => self.attempt_ended(at_us, it),
            Change::LateSuccess(it) => {
                let (device, attempts) = self.activations[index(it.activation)];
                assert!((1..=attempts).contains(&it.attempt), "it was made");
                let under_way = self.under_way.get(&device);
                let is_under_way = under_way.is_some_and(|(of, ..)| *of == it.activation);
                assert!(!is_under_way, "the newer attempt finds out");
                self.ended[index(it.activation)] = true;
            }
            Change::ActivationCancelled(it) => {
                self.ended[index(it.activation)] = true;
            }
            _ => {}
        }
    }

    /// What is not under way of it ends; what is under way ends with its attempt.
    fn cancelled(&mut self, it: &BatchCancelled) {
        for activation in self.batches[&(it.user, it.number)].clone() {
            let (device, _) = self.activations[activation];
            let under_way = self.under_way.get(&device);
            let is_under_way = under_way.is_some_and(|(of, ..)| index(*of) == activation);
            self.ended[activation] |= !is_under_way;
        }
    }

    /// An image with an activation that has not ended is kept.
    fn what_is_needed_is_had(&self) {
        for (image, ended) in self.images.iter().zip(&self.ended) {
            assert!(*ended || self.had.contains(image), "its image is gone");
        }
    }

    fn accepted(&mut self, it: &BatchAccepted, world: &World) {
        let first = self.activations.len();
        self.batches
            .insert((it.user, it.number), first..first + it.devices.len());
        for device in &it.devices {
            self.activations.push((*device, 0));
            self.ended.push(false);
            self.may_use_lane.push(it.security);
            self.images.push((it.user, it.image_id.to_vec()));
        }
        if self.large[it.image_id.as_ref()] {
            let count = u32::try_from(it.devices.len()).expect("few");
            assert!(it.schedule.is_some() || count <= world.terms.allowance_per_day);
            assert!(count <= it.limit);
            *self.sent.entry((it.user, it.service_date)).or_default() += count;
        }
    }

    fn released(&mut self, at_us: i64, it: &Released) {
        let (device, attempts) = &mut self.activations[index(it.activation)];
        *attempts += 1;
        assert_eq!(it.attempt, *attempts, "attempts are counted one by one");
        assert!(!self.ended[index(it.activation)], "it had ended");
        let before = self
            .under_way
            .insert(*device, (it.activation, it.attempt, it.charged_date));
        assert_eq!(before, None, "one attempt at a time for a Device");
        if let Some(date) = it.charged_date {
            let (start_us, end_us) = self.spans[&date];
            assert!(
                (start_us..end_us).contains(&at_us),
                "charged to its own day"
            );
            let (capacity, released) = self.days.get_mut(&date).expect("the day is open");
            *released += 1;
            assert!(released <= capacity, "{released} of {capacity} on {date}");
        }
        if it.security {
            assert!(self.may_use_lane[index(it.activation)] && !it.lent);
            let date = it.charged_date.expect("only large images go through it");
            let (limit, released) = self.lane.get_mut(&date).expect("the day is open");
            *released += 1;
            assert!(
                released <= limit,
                "{released} of the lane's {limit} on {date}"
            );
            self.of_lane.insert(it.activation);
        }
    }

    fn attempt_ended(&mut self, at_us: i64, it: &AttemptEnded) {
        let (device, _) = self.activations[index(it.activation)];
        let (activation, attempt, charged) =
            self.under_way.remove(&device).expect("one was under way");
        assert_eq!((activation, attempt), (it.activation, it.attempt));
        if let Some(date) = it.refunded_date {
            assert_eq!(Some(date), charged, "what was charged is given back");
            let (start_us, end_us) = self.spans[&date];
            assert!((start_us..end_us).contains(&at_us), "on the same day");
            self.days.get_mut(&date).expect("the day is open").1 -= 1;
            if self.of_lane.contains(&it.activation) {
                self.lane.get_mut(&date).expect("the day is open").1 -= 1;
            }
        }
        self.of_lane.remove(&it.activation);
        let outcome = Outcome::from_number(it.outcome).expect("a known outcome");
        self.ended[index(it.activation)] = it.retry_us.is_none();
        assert!(!(outcome.is_success() && it.retry_us.is_some()));
    }
}

fn index(activation: u32) -> usize {
    usize::try_from(activation).expect("small")
}
