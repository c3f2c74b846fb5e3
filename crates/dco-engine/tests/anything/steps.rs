//! Steps that anything may be made of.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use dco_block::{Eui64, Manifest};
use dco_engine::{
    ActivationName, AttemptEnd, AttemptRef, Cancel, Event, HOUR_US, Hello, ImportDevices,
    OpenTransfer, Outcome, Report, Request, RequestId, SECOND_US, Session, SubmitBatch, Terms,
    TransferState, TrustTerms, Verdict,
};
use dco_schedule::{Calendar, Micros, ServiceDate};
use proptest::prelude::*;

use super::agreeing::{Agree, agree};
use super::trusting::{import_products, trust};
use crate::sample::{
    ANN, BOB, DAY_US, LARGE, NORTH, OPERATOR, SMALL, SOUTH, device, entry, manifest,
};
use crate::world::{World, ended};

pub(crate) static IMAGES: LazyLock<[Arc<Manifest>; 3]> =
    LazyLock::new(|| [manifest(2, LARGE), manifest(3, SMALL), manifest(4, LARGE)]);

/// Something that happens. What names others by number means one of the newest.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Ask(Request),
    Agree(Agree),
    /// For yesterday, today, or days to come.
    Submit(SubmitBatch, Option<i32>),
    Block {
        owner: u8,
        index: u32,
    },
    Verified {
        owner: u8,
        verdict: Verdict,
    },
    Damaged {
        owner: u8,
        index: u32,
    },
    /// Or resume, where it is paused.
    Pause,
    Hello {
        gateway: Eui64,
        memory: bool,
        known: u8,
        places: u32,
    },
    Gone(Eui64),
    Report {
        stream: u8,
        offer: usize,
        report: Report,
    },
    Nonsense {
        owner: u64,
        session: u64,
        attempt: u16,
        report: Report,
    },
    /// The clock is behind.
    Back(Micros),
    /// Nothing happens for so long, and nobody wakes the engine.
    Jump(Micros),
    Pass(Micros),
    Crash,
    CrashWith {
        capacity: u32,
    },
    CrashTrusting(TrustTerms),
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(), 1..80)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => of_user(),
        4 => of_block_log(),
        20 => of_gateway(),
        10 => of_time(),
        12 => agree().prop_map(Step::Agree),
    ]
}

fn of_user() -> impl Strategy<Value = Step> {
    let number = 1_u64..6;
    let cancel = (user(), number, request_id()).prop_map(|(user, number, id)| Cancel {
        user,
        number,
        id,
        validate_only: false,
    });
    let ahead = proptest::option::weighted(0.3, -1..4);
    prop_oneof![
        2 => opening().prop_map(|asked| Step::Ask(Request::OpenTransfer(asked))),
        14 => (batch(), ahead).prop_map(|(asked, ahead)| Step::Submit(asked, ahead)),
        1 => cancel.clone().prop_map(|asked| Step::Ask(Request::CancelTransfer(asked))),
        2 => cancel.prop_map(|asked| Step::Ask(Request::CancelBatch(asked))),
        1 => Just(Step::Pause),
        1 => import().prop_map(|asked| Step::Ask(Request::ImportDevices(asked))),
        2 => import_products().prop_map(|asked| Step::Ask(Request::ImportProducts(asked))),
    ]
}

fn of_block_log() -> impl Strategy<Value = Step> {
    prop_oneof![
        (any::<u8>(), 0_u32..5).prop_map(|(owner, index)| Step::Block { owner, index }),
        (any::<u8>(), verdict()).prop_map(|(owner, verdict)| Step::Verified { owner, verdict }),
        (any::<u8>(), 0_u32..5).prop_map(|(owner, index)| Step::Damaged { owner, index }),
    ]
}

fn of_gateway() -> impl Strategy<Value = Step> {
    let memory = proptest::bool::weighted(0.1);
    let hello = (gateway(), memory, any::<u8>(), 0_u32..4);
    let nonsense = (any::<u64>(), any::<u64>(), any::<u16>(), report());
    prop_oneof![
        5 => hello.prop_map(|(gateway, memory, known, places)| Step::Hello {
            gateway,
            memory,
            known,
            places
        }),
        1 => gateway().prop_map(Step::Gone),
        12 => (any::<u8>(), 0_usize..4, report()).prop_map(|(stream, offer, report)| Step::Report {
            stream,
            offer,
            report
        }),
        1 => nonsense.prop_map(|(owner, session, attempt, report)| Step::Nonsense {
            owner,
            session,
            attempt,
            report
        }),
    ]
}

fn of_time() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => span().prop_map(Step::Back),
        1 => span().prop_map(Step::Jump),
        6 => span().prop_map(Step::Pass),
        1 => Just(Step::Crash),
        1 => (0_u32..7).prop_map(|capacity| Step::CrashWith { capacity }),
        1 => trust().prop_map(Step::CrashTrusting),
    ]
}

fn span() -> impl Strategy<Value = Micros> {
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
}

fn user() -> impl Strategy<Value = Eui64> + Clone {
    prop_oneof![Just(ANN), Just(BOB)]
}

fn gateway() -> impl Strategy<Value = Eui64> {
    prop_oneof![Just(NORTH), Just(SOUTH)]
}

fn request_id() -> impl Strategy<Value = RequestId> + Clone {
    any::<u8>().prop_map(|id| RequestId([id; 16]))
}

fn image() -> impl Strategy<Value = Arc<Manifest>> {
    prop_oneof![4 => Just(0), 3 => Just(1), 1 => Just(2)].prop_map(|it| Arc::clone(&IMAGES[it]))
}

/// A User with some of its Devices, seldom with one that is not its own.
fn user_with_devices() -> impl Strategy<Value = (Eui64, Vec<Eui64>)> {
    let devices = proptest::collection::vec(proptest::bool::ANY, 4);
    (user(), devices, proptest::bool::weighted(0.05)).prop_map(|(user, chosen, wrong)| {
        let first = if user == ANN { 0 } else { 4 };
        let chosen = (first..).zip(chosen).filter(|(_, chosen)| *chosen);
        let wrong = wrong.then(|| device((first + 4) % 9));
        let devices = chosen.map(|(number, _)| device(number)).chain(wrong);
        (user, devices.collect())
    })
}

fn opening() -> impl Strategy<Value = OpenTransfer> {
    let parts = (user_with_devices(), image(), request_id());
    parts.prop_map(|((user, devices), manifest, id)| OpenTransfer {
        user,
        id,
        validate_only: id.0[0] > 240,
        manifest,
        devices,
        signed_request: Bytes::new(),
        originator_counter: None,
    })
}

fn batch() -> impl Strategy<Value = SubmitBatch> {
    let parts = (user_with_devices(), image(), request_id());
    parts.prop_map(|((user, devices), manifest, id)| SubmitBatch {
        user,
        id,
        validate_only: id.0[0] > 240,
        manufacturer_image_hash: manifest.manufacturer_image_hash(),
        devices,
        execute_us: None,
        canary: None,
        service_date: None,
        signed_request: Bytes::new(),
        originator_counter: None,
    })
}

fn import() -> impl Strategy<Value = ImportDevices> {
    let parts = (0_u64..9, user(), gateway(), request_id());
    parts.prop_map(|(number, user, gateway, id)| ImportDevices {
        by: OPERATOR,
        id,
        validate_only: false,
        why: dco_engine::SaidWhy::default(),
        devices: vec![entry(device(number), user, gateway)],
    })
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
        1 => Just(Report::Scheduled),
        5 => ended,
    ]
}

impl World {
    pub(crate) fn step(&mut self, step: &Step) {
        match step.clone() {
            Step::Ask(request) => {
                self.send(request);
            }
            Step::Agree(step) => self.step_of_agreeing(&step),
            Step::Submit(asked, ahead) => self.send_for(asked, ahead),
            Step::Block { owner, index } => self.block(self.newest_owner(owner), index),
            Step::Verified { owner, verdict } => self.verified(self.newest_owner(owner), verdict),
            Step::Damaged { owner, index } => self.damage_some(owner, index),
            Step::Pause => {
                if self.pause("INC-1").is_err() {
                    self.resume("INC-1").expect("it is paused");
                }
            }
            Step::Gone(gateway) => self.disconnect(gateway),
            Step::Back(by_us) => self.engine.handle(Event::Tick, self.now_us - by_us),
            Step::Jump(by_us) => {
                self.now_us += by_us;
                self.handle(Event::Tick);
            }
            Step::Pass(by_us) => self.pass(by_us),
            Step::Crash => self.crash(),
            Step::CrashWith { capacity } => {
                let terms = Terms {
                    capacity_per_day: capacity,
                    ..self.terms.clone()
                };
                self.restart_with(terms);
            }
            Step::CrashTrusting(trust) => {
                let terms = Terms {
                    trust,
                    ..self.terms.clone()
                };
                self.restart_with(terms);
            }
            of_gateway => self.step_of_gateway(of_gateway),
        }
        self.pump();
    }

    fn send_for(&mut self, asked: SubmitBatch, ahead: Option<i32>) {
        let today = Calendar::london().day_at(self.now_us).date.days();
        self.send(Request::SubmitBatch(SubmitBatch {
            service_date: ahead.map(|ahead| ServiceDate::from_days(today + ahead)),
            // Now and then at a time of its own.
            execute_us: (asked.id.0[1] > 200)
                .then(|| self.now_us + i64::from(asked.id.0[1]) * HOUR_US / 8),
            ..asked
        }));
    }

    /// A block that is held, often of an image that is stored.
    fn damage_some(&mut self, owner: u8, index: u32) {
        let owners: Vec<_> = self.blocks.iter().map(|(owner, _)| *owner).collect();
        let owner = owners.get(usize::from(owner) % owners.len().max(1));
        self.damaged(owner.copied().unwrap_or(1), index);
    }

    /// The record of one of the newest transfers, often.
    fn newest_owner(&self, number: u8) -> u64 {
        let last = u64::try_from(self.journal.len()).expect("short");
        last.saturating_sub(u64::from(number % 8))
    }

    /// Whatever holds activations until somebody does something about it is dealt with.
    pub(super) fn set_right(&mut self) {
        // It is no matter whether it was paused.
        let _not_paused = self.resume("INC-1");
        for (user, of_user) in [(ANN, device(20)), (BOB, device(21))] {
            self.register(&[of_user], user, NORTH);
            for image in IMAGES.iter() {
                let opened = self
                    .open(user, image, &[of_user])
                    .expect("within the limits");
                let (number, state) = (opened.number.expect("open"), opened.state);
                if state == TransferState::Receiving {
                    let owner = self.owner(user, number);
                    (0..image.block_count()).for_each(|index| self.block(owner, index));
                    self.verified(owner, Verdict::Good);
                }
            }
        }
    }

    fn step_of_gateway(&mut self, step: Step) {
        match step {
            Step::Hello {
                gateway,
                memory,
                known,
                places,
            } => {
                let hello = self.hello_knowing(known, places, memory);
                self.hello(gateway, hello);
            }
            Step::Report {
                stream,
                offer,
                report,
            } => {
                let newest = self.offered.iter().rev().nth(offer);
                let Some((session, offer)) = newest.cloned() else {
                    return;
                };
                let wrong = stream < 20;
                let session = if wrong {
                    Session(stream.into())
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
            } => self.nonsense((owner, Session(session)), attempt, report),
            other => unreachable!("{other:?} is dealt with before"),
        }
    }

    /// A hello that knows some of the newest offers: one half in hand, one half done.
    fn hello_knowing(&self, known: u8, concurrency: u32, other_memory: bool) -> Hello {
        let newest = self.offered.iter().rev().take(8).enumerate();
        let known = newest.filter(|(bit, _)| (known >> bit) & 1 == 1);
        let known: Vec<_> = known.map(|(_, (_, offer))| offer.attempt).collect();
        let (attempts, done) = known.split_at(known.len() / 2);
        let outcomes = done.iter().map(|it| (*it, ended(Outcome::Success)));
        Hello {
            memory_id: format!("memory {other_memory}"),
            attempts: attempts.to_vec(),
            outcomes: outcomes.collect(),
            concurrency,
        }
    }

    fn nonsense(&mut self, (owner, session): (u64, Session), attempt: u16, report: Report) {
        let activation = ActivationName {
            user: ANN,
            batch: owner % 4,
            device: device(owner % 9),
        };
        self.report(
            session,
            AttemptRef {
                activation,
                attempt,
            },
            report,
        );
        self.handle(Event::GatewayGone { session });
        let index = u32::MAX;
        self.engine
            .handle(Event::BlockHeld { owner, index }, self.now_us);
        self.verified(owner, Verdict::Good);
    }
}
