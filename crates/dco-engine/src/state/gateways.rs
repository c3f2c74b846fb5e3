//! Gateways, their streams, and the attempts under way at each.

use std::collections::{BTreeMap, BTreeSet};

use dco_block::{Eui64, ImageId};
use dco_dispatch::{Meter, Rate, UNTIL_TOLD};
use dco_schedule::{Micros, ServiceDate};

use super::lines::Line;
use crate::event::Session;
use crate::view::Stage;

/// One gateway.
#[derive(Debug, Default)]
pub(crate) struct Gateway {
    /// What it said last; empty before.
    pub(crate) memory_id: String,
    pub(crate) session: Option<Session>,
    pub(crate) changed_us: Micros,
    pub(crate) concurrency: u32,
    pub(crate) attempts: BTreeSet<u32>,
    /// How many of those that take a place are of large images.
    pub(crate) large_count: u32,
    /// Attempts in a row that failed by its doing.
    pub(crate) failures: u32,
    /// While its circuit breaker is open: from when on one attempt may try it.
    pub(crate) probe_us: Option<Micros>,
    /// Attempts that only wait for their execution time: they take no place.
    pub(crate) scheduled_count: u32,
    /// How far it has used up its rate since the service started; nothing before the first release.
    pub(crate) meter: Option<Meter>,
    /// When its attempts will be UNKNOWN, while it is away.
    pub(crate) away_until_us: Option<Micros>,
}

impl Gateway {
    pub(crate) fn attempt_count(&self) -> u32 {
        u32::try_from(self.attempts.len()).unwrap_or(u32::MAX)
    }

    /// A quarter of its places is kept for each kind of image, so that neither has to wait for the other to end;
    /// the rest is for either. Who has one place only has none to keep.
    fn has_place(&self, large: bool, per_gateway_max: u32) -> bool {
        let limit = self.concurrency.min(per_gateway_max);
        let kept = if limit < 2 { 0 } else { (limit / 4).max(1) };
        let busy_count = self.attempt_count() - self.scheduled_count;
        let small_count = busy_count - self.large_count;
        let of_kind = if large { self.large_count } else { small_count };
        busy_count < limit && of_kind < limit - kept
    }
}

/// One attempt under way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    pub(crate) gateway: Eui64,
    pub(crate) image: (Eui64, ImageId),
    pub(crate) large: bool,
    pub(crate) charged: Option<ServiceDate>,
    pub(crate) line: Line,
    pub(crate) read_version_first: bool,
    pub(crate) stage: Stage,
    /// The gateway has said, since the service started, that the image is going to the Device.
    pub(crate) is_sent: bool,
    /// The Device has the image and the execution time.
    pub(crate) scheduled: bool,
    pub(crate) released_us: Micros,
    pub(crate) answer_by_us: Micros,
    pub(crate) progress_us: Micros,
    /// When the no-progress timer looks at it next.
    pub(crate) look_us: Option<Micros>,
}

/// All gateways and all attempts under way.
#[derive(Debug, Default)]
pub(crate) struct Gateways {
    pub(crate) gateways: BTreeMap<Eui64, Gateway>,
    pub(crate) sessions: BTreeMap<Session, Eui64>,
    pub(crate) attempts: BTreeMap<u32, Attempt>,
    /// Since when rates are kept to: before, as much as may be at once was used of each.
    pub(crate) metered_from_us: Micros,
    /// How many attempts of an image are under way at a gateway.
    pub(crate) on_offer: BTreeMap<(Eui64, ImageId, Eui64), u32>,
}

impl Gateways {
    pub(crate) fn get(&self, gateway: Eui64) -> Option<&Gateway> {
        self.gateways.get(&gateway)
    }

    /// The gateway, known from now on.
    pub(crate) fn entry(&mut self, gateway: Eui64) -> &mut Gateway {
        self.gateways.entry(gateway).or_default()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Eui64, &Gateway)> {
        self.gateways.iter().map(|(eui, gateway)| (*eui, gateway))
    }

    pub(crate) fn connected(&self) -> usize {
        self.sessions.len()
    }

    /// Whose newest stream this is.
    pub(crate) fn of_session(&self, session: Session) -> Option<Eui64> {
        self.sessions.get(&session).copied()
    }

    pub(crate) fn session(&self, gateway: Eui64) -> Option<Session> {
        self.get(gateway)?.session
    }

    /// A new stream takes the place of an older one, which is answered. A second hello on the same stream replaces
    /// none.
    pub(crate) fn connect(
        &mut self,
        gateway: Eui64,
        session: Session,
        now_us: Micros,
    ) -> Option<Session> {
        let entry = self.entry(gateway);
        let older = entry.session.replace(session);
        entry.changed_us = now_us;
        if let Some(older) = older {
            self.sessions.remove(&older);
        }
        self.sessions.insert(session, gateway);
        older.filter(|older| *older != session)
    }

    /// A stream has ended; answers whose newest one it was.
    pub(crate) fn disconnect(&mut self, session: Session, now_us: Micros) -> Option<Eui64> {
        let gateway = self.sessions.remove(&session)?;
        let entry = self.entry(gateway);
        entry.session = None;
        entry.changed_us = now_us;
        Some(gateway)
    }

    /// Whether a gateway is connected and takes one more attempt, of a large image or of another.
    pub(crate) fn has_place(&self, gateway: Eui64, large: bool, per_gateway_max: u32) -> bool {
        self.get(gateway)
            .is_some_and(|it| it.session.is_some() && it.has_place(large, per_gateway_max))
    }

    /// Before what moment the rate lets nothing go to a gateway; `None` when something may.
    pub(crate) fn limited_until(
        &self,
        gateway: Eui64,
        rate: Option<Rate>,
        now_us: Micros,
    ) -> Option<Micros> {
        let rate = rate?;
        let ready_us = self.meter_of(gateway, rate).ready_at(rate);
        Some(ready_us).filter(|ready_us| *ready_us > now_us)
    }

    /// The first moment from now on at which the rate may let one go to a gateway after `ahead` others.
    pub(crate) fn ready_after(
        &self,
        gateway: Eui64,
        (rate, ahead): (Rate, u64),
        now_us: Micros,
    ) -> Micros {
        let meter = self.meter_of(gateway, rate);
        meter.ready_after(rate, ahead, now_us)
    }

    fn meter_of(&self, gateway: Eui64, rate: Rate) -> Meter {
        let meter = self.get(gateway).and_then(|known| known.meter);
        meter.unwrap_or_else(|| Meter::emptied(rate, self.metered_from_us))
    }

    /// An attempt leaves for a gateway.
    pub(crate) fn meter(&mut self, gateway: Eui64, rate: Option<Rate>, now_us: Micros) {
        let Some(rate) = rate else { return };
        let from_us = self.metered_from_us;
        let meter = &mut self.entry(gateway).meter;
        let meter = meter.get_or_insert_with(|| Meter::emptied(rate, from_us));
        meter.take(rate, now_us);
    }

    /// From now on another rate is kept to. What was used of the one before is not known of it.
    pub(crate) fn meter_anew(&mut self, now_us: Micros) {
        self.metered_from_us = now_us;
        for gateway in self.gateways.values_mut() {
            gateway.meter = None;
        }
    }

    /// Before what moment nothing may go to a gateway whose breaker is open; `None` when something may. While it is being tried,
    /// what becomes of the try is waited for.
    pub(crate) fn closed_until(&self, gateway: Eui64, now_us: Micros) -> Option<Micros> {
        let known = self.get(gateway)?;
        let probe_us = known.probe_us?;
        if now_us < probe_us {
            return Some(probe_us);
        }
        let mut under_way = known.attempts.iter();
        let is_tried = under_way.any(|it| self.is_probe(*it, probe_us));
        is_tried.then_some(UNTIL_TOLD)
    }

    /// Whether the breaker of a gateway keeps this attempt of it from being offered: it is open, and the attempt is not the one that
    /// tries it.
    pub(crate) fn leaves_alone(&self, gateway: Eui64, activation: u32) -> bool {
        let probe_us = self.get(gateway).and_then(|known| known.probe_us);
        probe_us.is_some_and(|probe_us| !self.is_probe(activation, probe_us))
    }

    /// One of which the image is at its Device, and that only waits for its time, tells nothing more.
    fn is_probe(&self, activation: u32, probe_us: Micros) -> bool {
        self.attempt(activation)
            .is_some_and(|attempt| !attempt.scheduled && attempt.released_us >= probe_us)
    }

    /// Gateways whose breaker is open.
    pub(crate) fn failing(&self) -> usize {
        let gateways = self.gateways.values();
        gateways.filter(|it| it.probe_us.is_some()).count()
    }

    pub(crate) fn attempt(&self, activation: u32) -> Option<&Attempt> {
        self.attempts.get(&activation)
    }

    pub(crate) fn attempt_mut(&mut self, activation: u32) -> Option<&mut Attempt> {
        self.attempts.get_mut(&activation)
    }

    pub(crate) fn attempt_count(&self) -> usize {
        self.attempts.len()
    }

    pub(crate) fn start(&mut self, activation: u32, attempt: Attempt) {
        let (user, image_id) = attempt.image;
        *self
            .on_offer
            .entry((attempt.gateway, image_id, user))
            .or_default() += 1;
        let gateway = self.entry(attempt.gateway);
        gateway.attempts.insert(activation);
        gateway.large_count += u32::from(attempt.large);
        self.attempts.insert(activation, attempt);
    }

    /// From now on the attempt only waits for its execution time, and its place is another's. Answers where it is.
    pub(crate) fn schedule(&mut self, activation: u32) -> Option<Eui64> {
        let attempt = self.attempts.get_mut(&activation)?;
        let was_scheduled = std::mem::replace(&mut attempt.scheduled, true);
        attempt.stage = Stage::Scheduled;
        attempt.is_sent = true;
        let (gateway, large) = (attempt.gateway, attempt.large);
        if !was_scheduled {
            let entry = self.entry(gateway);
            entry.scheduled_count += 1;
            entry.large_count -= u32::from(large);
        }
        Some(gateway)
    }

    pub(crate) fn end(&mut self, activation: u32) -> Option<Attempt> {
        let attempt = self.attempts.remove(&activation)?;
        let gateway = self.entry(attempt.gateway);
        gateway.attempts.remove(&activation);
        if attempt.scheduled {
            gateway.scheduled_count -= 1;
        } else {
            gateway.large_count -= u32::from(attempt.large);
        }
        let (user, image_id) = attempt.image;
        let key = (attempt.gateway, image_id, user);
        if let Some(count) = self.on_offer.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                self.on_offer.remove(&key);
            }
        }
        Some(attempt)
    }

    /// The Users whose image of this id is on offer to the gateway.
    pub(crate) fn on_offer(
        &self,
        gateway: Eui64,
        image_id: ImageId,
    ) -> impl Iterator<Item = Eui64> {
        let all = (gateway, image_id, Eui64::from_bits(0))
            ..=(gateway, image_id, Eui64::from_bits(u64::MAX));
        self.on_offer.range(all).map(|((_, _, user), _)| *user)
    }
}
