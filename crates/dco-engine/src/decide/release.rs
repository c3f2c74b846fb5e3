//! Release: may an attempt leave, and does one leave now?

use dco_block::Eui64;
use dco_dispatch::{Answer, Gate, Pick, Rate, UNTIL_TOLD};
use dco_schedule::Micros;

use crate::effect::{Effect, Offer, ToGateway};
use crate::engine::Engine;
use crate::event::{ActivationName, AttemptRef, Scope};
use crate::record::{ActivationId, Change, Released};
use crate::state::batches::Phase;
use crate::state::days::Days;
use crate::state::dispatch::Dispatch;
use crate::state::gateways::Gateways;
use crate::state::lanes::Lane;
use crate::state::lines::Line;

/// What every release asks: are its User and its gateway not paused, is the gateway there, and has it a place for an image of
/// this kind? What is paused of images and schedules is in no line.
struct GatewayGate<'a> {
    dispatch: &'a Dispatch,
    gateways: &'a Gateways,
    large: bool,
    per_gateway_max: u32,
    rate: Option<Rate>,
    now_us: Micros,
}

/// What the release of a large image asks besides: is there capacity today, is it time, and is it an hour of its
/// schedule?
struct LargeGate<'a> {
    gateway: GatewayGate<'a>,
    days: &'a Days,
}

/// What the security lane asks besides: has it had its bound of today?
struct SecurityGate<'a> {
    large: &'a LargeGate<'a>,
    limit: u32,
}

impl Gate<Eui64, Lane> for GatewayGate<'_> {
    fn ask(&self, user: Eui64, lane: Lane) -> Answer {
        if self.dispatch.is_paused(Scope::User(user)) {
            return Answer::UserNotBefore(UNTIL_TOLD);
        }
        if let Some(until_us) = self.gateways.closed_until(lane.gateway, self.now_us) {
            return Answer::LaneNotBefore(until_us);
        }
        let limit = self.per_gateway_max;
        let is_paused = self.dispatch.is_paused(Scope::Gateway(lane.gateway));
        if is_paused || !self.gateways.has_place(lane.gateway, self.large, limit) {
            return Answer::LaneNotBefore(UNTIL_TOLD);
        }
        let limited = self
            .gateways
            .limited_until(lane.gateway, self.rate, self.now_us);
        limited.map_or(Answer::Go, Answer::LaneNotBefore)
    }
}

impl Gate<Eui64, Lane> for LargeGate<'_> {
    fn ask(&self, user: Eui64, lane: Lane) -> Answer {
        let now_us = self.gateway.now_us;
        match self.days.release_at(now_us) {
            None => return Answer::NoneBefore(UNTIL_TOLD),
            Some(ready_us) if ready_us > now_us => return Answer::NoneBefore(ready_us),
            Some(_) => {}
        }
        let closed = lane
            .window
            .and_then(|window| self.days.opens_at(window, now_us));
        closed.map_or_else(|| self.gateway.ask(user, lane), Answer::LaneNotBefore)
    }
}

impl Gate<Eui64, Lane> for SecurityGate<'_> {
    fn ask(&self, user: Eui64, lane: Lane) -> Answer {
        if self.large.days.security_remaining(self.limit) == 0 {
            return Answer::NoneBefore(UNTIL_TOLD);
        }
        self.large.ask(user, lane)
    }
}

/// A large image's activation that can go now: which, through which gateway, and from which line.
struct Next {
    activation: u32,
    gateway: Eui64,
    line: Line,
}

impl Engine {
    /// Gateways are kept to another rate, from now on.
    pub(crate) fn set_gateway_rate(&mut self, rate: Option<Rate>) {
        if self.terms.gateway_rate == rate {
            return;
        }
        self.terms.gateway_rate = rate;
        self.gateways.meter_anew(self.now_us);
        let known: Vec<Eui64> = self.gateways.iter().map(|(gateway, _)| gateway).collect();
        for gateway in known {
            self.wake_gateway(gateway);
        }
    }

    /// Lets go whatever can go now, unless releases are paused. Images that are not large never wait behind large ones.
    pub(crate) fn release(&mut self) {
        if self.dispatch.is_paused(Scope::All) {
            self.release_us = None;
            return;
        }
        let small_us = self.release_small();
        let large_us = self.release_large();
        self.release_us = [small_us, large_us].into_iter().flatten().min();
    }

    fn release_small(&mut self) -> Option<Micros> {
        loop {
            let gate = GatewayGate {
                dispatch: &self.dispatch,
                gateways: &self.gateways,
                large: false,
                per_gateway_max: self.terms.attempt.per_gateway_max,
                rate: self.terms.gateway_rate,
                now_us: self.now_us,
            };
            match self.small.pick(self.now_us, &gate) {
                Pick::Taken { lane, key, .. } => {
                    self.batches.set_phase(key, Phase::Queued(None));
                    self.leave(key, lane.gateway, None);
                }
                Pick::NotBefore(at_us) => return (at_us != UNTIL_TOLD).then_some(at_us),
                Pick::Empty => return None,
            }
        }
    }

    fn release_large(&mut self) -> Option<Micros> {
        loop {
            match self.next_large() {
                Ok(next) => self.release_next(&next),
                Err(at_us) => return (at_us != UNTIL_TOLD).then_some(at_us),
            }
        }
    }

    /// The security lane goes before the line of the day; what nobody there can use may run ahead. Otherwise when to come back.
    fn next_large(&mut self) -> Result<Next, Micros> {
        let gateway = GatewayGate {
            dispatch: &self.dispatch,
            gateways: &self.gateways,
            large: true,
            per_gateway_max: self.terms.attempt.per_gateway_max,
            rate: self.terms.gateway_rate,
            now_us: self.now_us,
        };
        let gate = LargeGate {
            gateway,
            days: &self.days,
        };
        let security = SecurityGate {
            large: &gate,
            limit: self.schedules.security_max(),
        };
        let mut next_us = UNTIL_TOLD;
        for line in [Line::Security, Line::Ordinary, Line::Ahead] {
            let pick = match line {
                Line::Security => self.security.queue.pick(self.now_us, &security),
                Line::Ordinary => self.large.pick(self.now_us, &gate),
                Line::Ahead => self.ahead.queue.pick(self.now_us, &gate),
            };
            match pick {
                Pick::Taken { lane, key, .. } => {
                    return Ok(Next {
                        activation: key,
                        gateway: lane.gateway,
                        line,
                    });
                }
                Pick::NotBefore(at_us) => next_us = next_us.min(at_us),
                Pick::Empty => {}
            }
        }
        Err(next_us)
    }

    /// Where it was picked it is no more: the record takes it out of the other line that it may stand in.
    fn release_next(&mut self, next: &Next) {
        let Next {
            activation,
            gateway,
            line,
        } = *next;
        match line {
            Line::Security => drop(self.security.slots.remove(&activation)),
            Line::Ordinary => self.batches.set_phase(activation, Phase::Queued(None)),
            Line::Ahead => drop(self.ahead.slots.remove(&activation)),
        }
        self.leave(activation, gateway, Some(line));
    }

    /// It is out of its line; now it leaves, unless the inventory has changed under it. Only large images have a line to count.
    fn leave(&mut self, activation: u32, gateway: Eui64, line: Option<Line>) {
        let large = line.is_some();
        if self.is_lost(activation) {
            self.cancel_lost(activation);
            return;
        }
        let item = self.batches.activation(activation);
        let batch = item.batch;
        let attempt = self.dispatch.next_attempt(item.attempt);
        let read_version_first = item.fate_unknown;
        let today = self.days.today.as_ref().map(|today| today.day.date.days());
        self.record(Change::Released(Released {
            activation,
            attempt: u32::from(attempt),
            charged_date: today.filter(|_| large),
            answer_by_us: self
                .now_us
                .max(self.batches.get(batch).execute_us.unwrap_or(self.now_us))
                .saturating_add(self.terms.attempt.answer_within_us),
            gateway: gateway.bits(),
            read_version_first,
            id: Some(self.activation_id(activation)),
            lent: line == Some(Line::Ahead),
            security: line == Some(Line::Security),
        }));
        self.gateways
            .meter(gateway, self.terms.gateway_rate, self.now_us);
        self.offer(activation);
        self.batch_changed(batch);
        if large {
            self.warn_of_capacity();
        }
    }

    /// Offers the attempt under way to its gateway, if it is there.
    pub(crate) fn offer(&mut self, activation: u32) {
        let Some(attempt) = self.gateways.attempt(activation) else {
            return;
        };
        let Some(session) = self.gateways.session(attempt.gateway) else {
            return;
        };
        let (user, image_id) = attempt.image;
        let Some(image) = self.transfers.image(user, image_id) else {
            return;
        };
        let offer = Offer {
            attempt: self.attempt_ref(activation),
            manifest: image.manifest.clone(),
            answer_by_us: attempt.answer_by_us,
            read_version_first: attempt.read_version_first,
            execute_us: self.batches.batch_of(activation).execute_us,
        };
        self.out.push_effect(Effect::Tell {
            session,
            message: ToGateway::Offer(offer),
        });
    }

    /// What the decision log calls an activation.
    pub(crate) fn activation_id(&self, activation: u32) -> ActivationId {
        let ActivationName {
            user,
            batch,
            device,
        } = self.attempt_ref(activation).activation;
        ActivationId {
            user: user.bits(),
            batch,
            device: device.bits(),
        }
    }

    /// The name of an activation's newest attempt.
    pub(crate) fn attempt_ref(&self, activation: u32) -> AttemptRef {
        let item = self.batches.activation(activation);
        let batch = self.batches.get(item.batch);
        AttemptRef {
            activation: ActivationName {
                user: batch.user,
                batch: batch.number,
                device: self.inventory.device(item.device),
            },
            attempt: item.attempt,
        }
    }
}
