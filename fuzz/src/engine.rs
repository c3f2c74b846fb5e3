//! Any events in any order: nothing panics, no cap is passed, every request has one answer, and a start on the journal
//! gives the same engine, with a snapshot on the way.
//!
//! Each four octets are one step: what, and three that say how. What names others by number means one of the newest.

mod agreeing;

use std::sync::Arc;

use bytes::Bytes;
use dco_block::{Eui64, FirmwareVersion};
use dco_engine::{
    AttemptEnd, AttemptRef, Cancel, ChangePause, Event, HOUR_US, Hello, OpenTransfer, Outcome,
    Report, Request, SECOND_US, Scope, Session, SubmitBatch, Verdict,
};
use dco_schedule::{Calendar, Micros, ServiceDate};

use crate::samples::{GATEWAYS, IMAGES, OPERATOR, USERS, device, entry};
use crate::world::World;

/// Longer stories find nothing new and take time.
const STEPS_MAX: usize = 200;

const SPANS_US: [Micros; 8] = [
    0,
    1,
    SECOND_US,
    HOUR_US / 4,
    HOUR_US,
    11 * HOUR_US,
    24 * HOUR_US,
    8 * 24 * HOUR_US,
];

/// One input.
pub fn run(bytes: &[u8]) {
    let mut world = lived(bytes);
    world.is_what_a_start_gives();
    world.pass(9 * 24 * HOUR_US);
    world.is_what_a_start_gives();
}

/// The world after these steps.
pub(crate) fn lived(bytes: &[u8]) -> World {
    let mut world = World::new();
    world.import((0..8).map(entry).collect());
    for step in bytes.as_chunks().0.iter().take(STEPS_MAX) {
        world.step(*step);
    }
    world
}

impl World {
    fn step(&mut self, [what, a, b, c]: [u8; 4]) {
        match what % 20 {
            0..3 => self.submit(a, b, c),
            3 => self.store(a, b),
            4 => self.open(a, b),
            5 => self.handle_owned(a, b, c),
            6 | 7 => self.hello(a, b, c),
            8..12 => self.report(a, b, c),
            12 => self.change(a, b, c),
            13..15 => self.pass(SPANS_US[usize::from(a % 8)] * Micros::from(1 + b % 4)),
            15 => {
                // Nobody wakes it, or the clock goes back.
                let span_us = SPANS_US[usize::from(a % 8)];
                self.now_us += if b.is_multiple_of(4) {
                    -span_us
                } else {
                    span_us
                };
                self.handle(match b % 8 {
                    7 => Event::ClockJumped { ahead_us: span_us },
                    _ => Event::Tick,
                });
            }
            16 => self.crash(),
            _ => self.agree(a, b, c),
        }
    }

    fn open(&mut self, a: u8, b: u8) {
        let id = self.fresh_id();
        let _answer = self.ask(Request::OpenTransfer(OpenTransfer {
            user: user(a),
            id,
            validate_only: a & 64 > 0,
            manifest: Arc::clone(&IMAGES[usize::from(a >> 1) % 3]),
            devices: devices(b),
            signed_request: Bytes::new(),
            originator_counter: None,
        }));
    }

    /// A whole transfer, to its end.
    fn store(&mut self, a: u8, b: u8) {
        self.open(a & 63, b);
        let owner = self.engine.last_seq();
        if self.engine.wants_blocks_of(owner) {
            for index in 0..IMAGES[usize::from(a >> 1 & 31) % 3].block_count() {
                self.handle(Event::BlockHeld { owner, index });
            }
            let verdict = Verdict::Good;
            self.handle(Event::Verified { owner, verdict });
        }
    }

    fn submit(&mut self, a: u8, b: u8, c: u8) {
        let id = self.fresh_id();
        let image = &IMAGES[usize::from(a >> 1) % 3];
        let today = Calendar::london().day_at(self.now_us).date.days();
        let ahead = (c > 127).then(|| i32::from(c % 6) - 1);
        let _answer = self.ask(Request::SubmitBatch(SubmitBatch {
            user: user(a),
            id,
            validate_only: c % 16 == 7,
            manufacturer_image_hash: image.manufacturer_image_hash(),
            devices: devices(b),
            execute_us: None,
            canary: None,
            service_date: ahead.map(|ahead| ServiceDate::from_days(today + ahead)),
            signed_request: Bytes::new(),
            originator_counter: None,
        }));
    }

    /// What the block log and the read-back say of one of the newest transfers.
    fn handle_owned(&mut self, a: u8, b: u8, c: u8) {
        let owners: Vec<u64> = (1..=self.engine.last_seq())
            .filter(|owner| self.engine.wants_blocks_of(*owner))
            .collect();
        let nth = owners.iter().rev().nth(usize::from(a % 4));
        let (owner, index) = (nth.copied().unwrap_or(a.into()), u32::from(b % 5));
        let verdict = match c / 8 % 4 {
            0 | 1 => Verdict::Good,
            2 => Verdict::Damaged { index },
            _ => Verdict::Bad {
                reason: "IMAGE_DIGEST_MISMATCH".to_owned(),
                message: "it is another image".to_owned(),
            },
        };
        match c % 8 {
            0..4 => self.handle(Event::BlockHeld { owner, index }),
            4 | 5 => self.handle(Event::Verified { owner, verdict }),
            6 => self.handle(Event::BlockDamaged { owner, index }),
            _ => self.handle(Event::StoreFull),
        }
    }

    /// A gateway comes, and knows some of the newest offers: in hand or done. Or it goes.
    fn hello(&mut self, a: u8, b: u8, c: u8) {
        let session = Session(self.count());
        if a > 240 {
            let session = self.offers.last().map_or(session, |(session, _)| *session);
            self.handle(Event::GatewayGone { session });
            return;
        }
        let newest = self.offers.iter().rev().take(8).zip(0..);
        let known = newest.filter(|(_, bit)| (b >> bit) & 1 == 1);
        let known: Vec<_> = known.map(|((_, offer), _)| offer.attempt).collect();
        let (attempts, done) = known.split_at(known.len() / 2);
        let outcomes = done.iter().map(|attempt| (*attempt, end(c, a)));
        let hello = Hello {
            memory_id: format!("memory {}", (a / 2).is_multiple_of(16)),
            attempts: attempts.to_vec(),
            outcomes: outcomes.collect(),
            concurrency: u32::from(c % 4),
        };
        self.handle(Event::GatewayHello {
            gateway: GATEWAYS[usize::from(a % 2)],
            session,
            hello,
        });
    }

    fn report(&mut self, a: u8, b: u8, c: u8) {
        let Some((session, offer)) = self.offers.iter().rev().nth(usize::from(a % 4)).cloned()
        else {
            return;
        };
        let attempt = AttemptRef {
            attempt: offer.attempt.attempt.saturating_sub(u16::from(a > 250)),
            ..offer.attempt
        };
        let report = match b % 8 {
            0 => Report::Accepted,
            1 => Report::Declined {
                message: "not now".to_owned(),
            },
            2 => Report::Progress {
                blocks_done: c.into(),
            },
            3 => Report::Delivered,
            5 => Report::Scheduled,
            _ => Report::Ended(end(b / 8, c)),
        };
        self.handle(Event::GatewayReport {
            session,
            attempt,
            report,
        });
    }

    /// Something is given up, paused, resumed, or a Device goes elsewhere.
    fn change(&mut self, a: u8, b: u8, c: u8) {
        let (id, number) = (self.fresh_id(), u64::from(b % 6));
        let cancel = Cancel {
            user: user(a),
            number,
            id,
            validate_only: c > 250,
        };
        let pause = ChangePause {
            scope: Scope::All,
            by: OPERATOR,
            id,
            validate_only: c > 250,
            ticket: "INC-1".to_owned(),
            reason: "as asked".to_owned(),
        };
        let request = match a / 2 % 5 {
            0 => Request::CancelTransfer(cancel),
            1 => Request::CancelBatch(cancel),
            2 => Request::Pause(pause),
            3 => Request::Resume(pause),
            _ => {
                let moved = dco_engine::DeviceEntry {
                    user: user(c),
                    gateway: GATEWAYS[usize::from(c / 2 % 2)],
                    hardware_version: u16::from(c / 4),
                    ..entry(b % 8)
                };
                return self.import(vec![moved]);
            }
        };
        let _answer = self.ask(request);
    }
}

fn user(a: u8) -> Eui64 {
    USERS[usize::from(a % 2)]
}

fn devices(mask: u8) -> Vec<Eui64> {
    let chosen = (0..8).filter(|bit| (mask >> bit) & 1 == 1);
    chosen.map(device).collect()
}

fn end(kind: u8, more: u8) -> AttemptEnd {
    let version = FirmwareVersion::new(u32::from(more % 4));
    AttemptEnd {
        outcome: Outcome::from_number(1 + u32::from(kind % 14)).expect("there are 14"),
        nothing_sent: more & 1 == 1,
        running_version: (more & 2 > 0).then_some(version),
        device_image_hash: (more & 4 > 0).then(|| IMAGES[0].manufacturer_image_hash()),
        message: String::new(),
    }
}
