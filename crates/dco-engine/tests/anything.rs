//! Any events in any order: nothing panics, nothing is promised that does not hold, and a start on the
//! journal gives the same engine.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use dco_block::Manifest;
use dco_engine::{
    ActivationName, AttemptEnd, AttemptRef, Cancel, Event, HOUR_US, Hello, OpenTransfer, Outcome,
    Report, Request, RequestId, SECOND_US, Session, SubmitBatch, Terms, Verdict,
};
use dco_schedule::Micros;
use proptest::prelude::*;

use crate::audit::audit;
use crate::dump::dump;
use crate::sample::{
    ANN, BOB, DAY_US, LARGE, NORTH, SMALL, SOUTH, capacity, device, devices, entry, manifest, noon,
};
use crate::world::{World, ended};

static IMAGES: LazyLock<[Arc<Manifest>; 3]> =
    LazyLock::new(|| [manifest(2, LARGE), manifest(3, SMALL), manifest(4, LARGE)]);

/// Something that happens; numbers are taken modulo what there is.
#[derive(Debug, Clone)]
enum Step {
    Open {
        who: u8,
        image: u8,
        devices: u8,
        id: u8,
    },
    Block {
        owner: u8,
        index: u32,
    },
    Verified {
        owner: u8,
        verdict: Verdict,
    },
    CancelTransfer {
        who: u8,
        number: u64,
        id: u8,
    },
    Submit {
        who: u8,
        image: u8,
        devices: u8,
        ahead: Option<u8>,
        id: u8,
    },
    CancelBatch {
        who: u8,
        number: u64,
        id: u8,
    },
    Import {
        device: u8,
        who: u8,
        gateway: u8,
    },
    Hello {
        gateway: u8,
        memory: u8,
        known: u8,
        places: u32,
    },
    Gone {
        gateway: u8,
    },
    Report {
        stream: u8,
        offer: u8,
        report: Report,
    },
    Nonsense {
        owner: u64,
        session: u64,
        attempt: u16,
        report: Report,
    },
    Back {
        by_us: Micros,
    },
    Jump {
        by_us: Micros,
    },
    Pass {
        by_us: Micros,
    },
    Crash,
    CrashWith {
        capacity: u32,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(), 1..80)
}

fn step() -> impl Strategy<Value = Step> {
    let span = || {
        prop_oneof![
            2 => Just(0),
            2 => Just(1),
            2 => Just(SECOND_US),
            4 => Just(HOUR_US / 4),
            6 => Just(HOUR_US),
            4 => Just(3 * HOUR_US),
            4 => Just(11 * HOUR_US),
            2 => Just(DAY_US),
            1 => Just(8 * DAY_US)
        ]
    };
    let any = any::<u8>;
    let number = || 1_u64..6;
    prop_oneof![
        2 => (any(), any(), any(), any()).prop_map(|(who, image, devices, id)| Step::Open { who, image, devices, id }),
        2 => (any(), 0_u32..5).prop_map(|(owner, index)| Step::Block { owner, index }),
        2 => (any(), verdict()).prop_map(|(owner, verdict)| Step::Verified { owner, verdict }),
        1 => (any(), number(), any()).prop_map(|(who, number, id)| Step::CancelTransfer { who, number, id }),
        14 => (any(), any(), any(), proptest::option::weighted(0.3, 0_u8..5), any())
            .prop_map(|(who, image, devices, ahead, id)| Step::Submit { who, image, devices, ahead, id }),
        2 => (any(), number(), any()).prop_map(|(who, number, id)| Step::CancelBatch { who, number, id }),
        1 => (any(), any(), any()).prop_map(|(device, who, gateway)| Step::Import { device, who, gateway }),
        5 => (any(), any(), any(), 0_u32..4)
            .prop_map(|(gateway, memory, known, places)| Step::Hello { gateway, memory, known, places }),
        1 => any().prop_map(|gateway| Step::Gone { gateway }),
        12 => (any(), any(), report()).prop_map(|(stream, offer, report)| Step::Report { stream, offer, report }),
        1 => (proptest::num::u64::ANY, proptest::num::u64::ANY, proptest::num::u16::ANY, report())
            .prop_map(|(owner, session, attempt, report)| Step::Nonsense { owner, session, attempt, report }),
        1 => span().prop_map(|by_us| Step::Back { by_us }),
        1 => span().prop_map(|by_us| Step::Jump { by_us }),
        6 => span().prop_map(|by_us| Step::Pass { by_us }),
        1 => Just(Step::Crash),
        1 => (0_u32..7).prop_map(|capacity| Step::CrashWith { capacity }),
    ]
}

fn verdict() -> impl Strategy<Value = Verdict> {
    let bad = Verdict::Bad {
        reason: "IMAGE_DIGEST_MISMATCH".to_owned(),
        message: String::new(),
    };
    prop_oneof![2 => Just(Verdict::Good), 1 => Just(bad), 1 => Just(Verdict::Unread)]
}

fn report() -> impl Strategy<Value = Report> {
    let ended = (1_u32..15, any::<bool>()).prop_map(|(outcome, nothing_sent)| {
        let outcome = Outcome::from_number(outcome).expect("they are 1 to 14");
        Report::Ended(AttemptEnd {
            nothing_sent,
            ..ended(outcome)
        })
    });
    let message = String::new();
    prop_oneof![
        2 => Just(Report::Accepted),
        1 => Just(Report::Declined { message }),
        2 => any::<u32>().prop_map(|blocks_done| Report::Progress { blocks_done }),
        1 => Just(Report::Delivered),
        5 => ended,
    ]
}

/// Ann has Devices 0 to 3, Bob 4 to 7, half of each in the south; two images are stored, the third is not.
fn ready() -> World {
    let terms = Terms {
        allowance_per_day: 5,
        ..capacity(3)
    };
    let mut world = World::at(noon("2026-03-27"), terms);
    let all = (0..8).map(|it| {
        let user = if it < 4 { ANN } else { BOB };
        entry(device(it), user, if it % 2 == 0 { NORTH } else { SOUTH })
    });
    world.import(all.collect());
    for image in &IMAGES[..2] {
        world.store(ANN, image, &devices(0..4));
        world.store(BOB, image, &devices(4..8));
    }
    world
}

impl World {
    fn step(&mut self, step: &Step) {
        match step.clone() {
            Step::Pass { by_us } => self.pass(by_us),
            Step::Jump { by_us } => {
                self.now_us += by_us;
                self.handle(Event::Tick);
            }
            Step::Back { by_us } => {
                let now_us = self.now_us;
                self.now_us -= by_us;
                self.handle(Event::Tick);
                self.now_us = now_us;
            }
            Step::Crash => self.crash(),
            Step::CrashWith { capacity } => {
                let terms = Terms {
                    capacity_per_day: capacity,
                    ..self.terms.clone()
                };
                self.restart_with(terms);
            }
            Step::Hello { .. }
            | Step::Gone { .. }
            | Step::Report { .. }
            | Step::Nonsense { .. } => {
                self.step_of_gateway(step.clone());
            }
            other => self.step_of_user(other),
        }
    }

    fn step_of_user(&mut self, step: Step) {
        let user = |who: u8| if who % 2 == 0 { ANN } else { BOB };
        let own = |who: u8, mask: u8| {
            let first = if who % 2 == 0 { 0 } else { 4 };
            // Seldom one that is not its own.
            let up_to = if mask > 240 { 5 } else { 4 };
            let chosen = (0..up_to).filter(move |bit| mask >> bit & 1 == 1);
            chosen.map(|bit| device(first + bit)).collect::<Vec<_>>()
        };
        let validate_only = false;
        let cancel = |who: u8, number, id| Cancel {
            user: user(who),
            number,
            id: request_id(id),
            validate_only,
        };
        let image = |image: u8| &IMAGES[[0, 0, 0, 0, 1, 1, 1, 2][usize::from(image % 8)]];
        match step {
            Step::Open {
                who,
                image: it,
                devices,
                id,
            } => {
                self.send(Request::OpenTransfer(OpenTransfer {
                    user: user(who),
                    id: request_id(id),
                    validate_only: id > 240,
                    manifest: Arc::clone(image(it)),
                    devices: own(who, devices),
                    signed_request: Bytes::new(),
                }));
            }
            Step::Submit {
                who,
                image: it,
                devices,
                ahead,
                id,
            } => {
                let today = dco_schedule::Calendar::london()
                    .day_at(self.now_us)
                    .date
                    .days();
                let date =
                    |ahead: u8| dco_schedule::ServiceDate::from_days(today - 1 + i32::from(ahead));
                self.send(Request::SubmitBatch(SubmitBatch {
                    user: user(who),
                    id: request_id(id),
                    validate_only: id > 240,
                    manufacturer_image_hash: image(it).manufacturer_image_hash(),
                    devices: own(who, devices),
                    service_date: ahead.map(date),
                    signed_request: Bytes::new(),
                }));
            }
            Step::Block { owner, index } => {
                let owner = self.some_owner(owner);
                self.block(owner, index);
            }
            Step::Verified { owner, verdict } => {
                let owner = self.some_owner(owner);
                self.verified(owner, verdict);
            }
            Step::CancelTransfer { who, number, id } => {
                self.send(Request::CancelTransfer(cancel(who, number, id)));
            }
            Step::CancelBatch { who, number, id } => {
                self.send(Request::CancelBatch(cancel(who, number, id)));
            }
            Step::Import {
                device: it,
                who,
                gateway,
            } => {
                let gateway = if gateway % 2 == 0 { NORTH } else { SOUTH };
                self.register(&[device(u64::from(it % 9))], user(who), gateway);
            }
            _ => unreachable!("the other steps are dealt with before"),
        }
    }

    fn step_of_gateway(&mut self, step: Step) {
        let name = |gateway: u8| if gateway % 2 == 0 { NORTH } else { SOUTH };
        match step {
            Step::Hello {
                gateway,
                memory,
                known,
                places,
            } => {
                let newest = self.offered.iter().rev().take(8).enumerate();
                let chosen = newest.filter(|(bit, _)| known >> bit & 1 == 1);
                let chosen: Vec<_> = chosen.map(|(_, (_, offer))| offer.attempt).collect();
                let (attempts, done) = chosen.split_at(chosen.len() / 2);
                let outcomes = done.iter().map(|it| (*it, ended(Outcome::Success)));
                let hello = Hello {
                    memory_id: format!("memory {}", memory % 8 / 7),
                    attempts: attempts.to_vec(),
                    outcomes: outcomes.collect(),
                    concurrency: places,
                };
                self.hello(name(gateway), hello);
            }
            Step::Gone { gateway } => self.disconnect(name(gateway)),
            Step::Report {
                stream,
                offer,
                report,
            } => {
                let newest = self.offered.iter().rev().nth(usize::from(offer % 4));
                let Some((session, offer)) = newest.cloned() else {
                    return;
                };
                let session = if stream % 8 == 0 {
                    Session(u64::from(stream))
                } else {
                    session
                };
                self.report(session, offer.attempt, report);
            }
            Step::Nonsense {
                owner,
                session,
                attempt,
                report,
            } => {
                let (user, batch, device) = (ANN, owner % 4, device(owner % 9));
                let activation = ActivationName {
                    user,
                    batch,
                    device,
                };
                let session = Session(session);
                self.report(
                    session,
                    AttemptRef {
                        activation,
                        attempt,
                    },
                    report,
                );
                self.handle(Event::GatewayGone { session });
                self.engine.handle(
                    Event::BlockHeld {
                        owner,
                        index: u32::MAX,
                    },
                    self.now_us,
                );
                self.verified(owner, Verdict::Good);
            }
            _ => unreachable!("the other steps are dealt with before"),
        }
    }

    /// One of the last transfers, most often.
    fn some_owner(&self, number: u8) -> u64 {
        u64::try_from(self.journal.len())
            .expect("short")
            .saturating_sub(u64::from(number % 8))
    }

    /// Everything that must hold between any two steps.
    fn check(&mut self) {
        audit(self);
        if let Some(wakeup_us) = self.engine.next_wakeup() {
            assert!(wakeup_us >= self.now_us, "woken for the past");
        }
        let mut recovered = self.recovered();
        assert_eq!(
            recovered.last_seq(),
            self.engine.last_seq(),
            "a start decides nothing new"
        );
        let alive = dump(&mut self.engine, self.now_us);
        let again = dump(&mut recovered, self.now_us);
        for (alive, again) in alive.lines().zip(again.lines()) {
            assert_eq!(alive, again);
        }
        assert_eq!(alive.len(), again.len());
    }
}

fn request_id(id: u8) -> RequestId {
    RequestId([id | 1; 16])
}

fn trace(steps: &[Step]) -> (Vec<Vec<u8>>, String) {
    let mut world = ready();
    for step in steps {
        world.step(step);
    }
    let World {
        told,
        changed,
        closed,
        freed,
        verifications,
        ..
    } = &world;
    let effects = format!("{told:?} {changed:?} {closed:?} {freed:?} {verifications:?}");
    (world.journal, effects)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_happens_a_start_gives_the_same_engine(steps in steps()) {
        let mut world = ready();
        world.check();
        for step in &steps {
            world.step(step);
            world.check();
        }
    }

    #[test]
    fn the_same_events_give_the_same_records_and_effects(steps in steps()) {
        prop_assert_eq!(trace(&steps), trace(&steps));
    }

    /// The power may go between any two records: what is left is an engine that goes on.
    #[test]
    fn every_part_of_a_journal_is_a_journal(steps in steps(), cut in 0.0_f64..1.0) {
        let mut world = ready();
        let always = world.journal.len();
        for step in &steps {
            world.step(step);
        }
        let more = (always..=world.journal.len()).rev();
        let at = more.clone().find(|at| {
            let part = u32::try_from(*at - always).expect("short");
            let all = u32::try_from(world.journal.len() - always).expect("short");
            f64::from(part) <= cut * f64::from(all)
        });
        world.durable = at.unwrap_or(always);
        world.crash();
        world.check();
        world.connect(NORTH);
        world.connect(SOUTH);
        world.pass(30 * DAY_US);
        world.check();
        prop_assert_eq!(world.engine.stats().attempts_under_way, 0);
    }

    /// With gateways that answer, all of it ends, within its caps and without a person.
    #[test]
    fn in_the_end_everything_has_ended(steps in steps()) {
        let mut world = ready();
        for step in &steps {
            world.step(step);
        }
        let terms = Terms { capacity_per_day: 50, ..world.terms.clone() };
        world.restart_with(terms);
        world.habit = Some(crate::world::succeed);
        world.connect(NORTH);
        world.connect(SOUTH);
        world.pass(10 * DAY_US);
        world.check();
        let stats = world.engine.stats();
        prop_assert_eq!(stats.attempts_under_way, 0);
        prop_assert_eq!(stats.activations_queued_large + stats.activations_queued_small, 0);
        prop_assert_eq!(stats.activations_parked + stats.transfers_receiving, 0);
    }
}
