//! Each reason for which an activation can wait: what brings it about, what is said of it, and what ends it.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use dco_block::Eui64;
use dco_engine::{
    BreakerTerms, Distrust, HOUR_US, Hold, Outcome, ProductStatus, Rate, SECOND_US, Scope, Terms,
};
use dco_schedule::{HourProfile, Micros};

use crate::sample::{
    ANN, DAY_US, LARGE, NORTH, capacity, date, device, devices, manifest, noon, start,
};
use crate::schedules::all_agreeable;
use crate::world::schedules::deal;
use crate::world::{World, hello, succeed};
use crate::{canaries, dated, products, quotas, security};

const PROBE_AFTER_US: Micros = 600 * SECOND_US;

/// What is to be said of a Device of Ann's first batch, or of another.
struct Held {
    batch: u64,
    device: Eui64,
    hold: Hold,
    ahead_count: Option<u64>,
    earliest_us: Option<Micros>,
}

impl Held {
    /// By something that somebody must end; of Ann's first Device, in no line.
    fn by_event(hold: Hold) -> Self {
        Self {
            batch: 1,
            device: device(0),
            hold,
            ahead_count: None,
            earliest_us: None,
        }
    }

    /// By time alone.
    fn until(until_us: Micros, hold: Hold) -> Self {
        Self {
            earliest_us: Some(until_us),
            ..Self::by_event(hold)
        }
    }

    /// With so many of its User before it in line.
    fn behind(self, count: u64) -> Self {
        Self {
            ahead_count: Some(count),
            ..self
        }
    }

    /// It is not the first Device.
    fn of(self, number: u64) -> Self {
        Self {
            device: device(number),
            ..self
        }
    }
}

/// One reason.
struct Case {
    kind: &'static str,
    bring_about: fn() -> (World, Held),
    end: fn(&mut World),
}

const CASES: &[Case] = &[
    Case {
        kind: "DispatchPaused",
        bring_about: paused,
        end: |world| assert_eq!(world.resume("INC-1"), Ok(None)),
    },
    Case {
        kind: "ImageQuarantined",
        bring_about: quarantined,
        end: |world| {
            world.store(ANN, &manifest(2, LARGE), &[device(0)]);
        },
    },
    Case {
        kind: "NotAllowed",
        bring_about: withdrawn,
        end: |world| world.list(&manifest(2, LARGE), ProductStatus::Active),
    },
    Case {
        kind: "Canary",
        bring_about: behind_canaries,
        end: |world| {
            end_last(world, Outcome::Success);
            world.offered.pop();
            end_last(world, Outcome::Success);
        },
    },
    Case {
        kind: "ServiceDayNotStarted",
        bring_about: parked,
        end: World::next_day,
    },
    Case {
        kind: "SystemDailyCapacityUsed",
        bring_about: on_a_used_day,
        end: World::next_day,
    },
    Case {
        kind: "OutsideWindow",
        bring_about: before_its_hours,
        end: |world| world.until(start("2026-06-02") + 20 * HOUR_US),
    },
    Case {
        kind: "SecurityLaneUsed",
        bring_about: beyond_the_lane,
        end: |world| world.restart_with(security::terms(1)),
    },
    Case {
        kind: "Paced",
        bring_about: paced,
        end: wake_once,
    },
    Case {
        kind: "BehindOthers",
        bring_about: behind_others,
        end: |world| world.pass(DAY_US),
    },
    Case {
        kind: "GatewayNotConnected",
        bring_about: not_connected,
        end: |world| {
            world.connect(NORTH);
        },
    },
    Case {
        kind: "GatewayFailing",
        bring_about: through_a_failing_gateway,
        end: |world| {
            world.pass(PROBE_AFTER_US);
            end_last(world, Outcome::Success);
        },
    },
    Case {
        kind: "GatewayRateReached",
        bring_about: beyond_the_rate,
        end: |world| world.pass(HOUR_US),
    },
    Case {
        kind: "GatewayBusy",
        bring_about: through_a_busy_gateway,
        end: |world| end_last(world, Outcome::Success),
    },
    Case {
        kind: "RetryBackoff",
        bring_about: backing_off,
        end: |world| world.pass(HOUR_US / 4),
    },
    Case {
        kind: "ExecutionTimeNotReached",
        bring_about: at_its_device,
        end: |world| end_last(world, Outcome::Success),
    },
    Case {
        kind: "AttemptUnderWay",
        bring_about: under_way,
        end: |world| end_last(world, Outcome::Success),
    },
];

/// What holds as many as it holds wherever they stand.
const FREED_BY_PEOPLE: &[&str] = &["DispatchPaused", "ImageQuarantined", "NotAllowed", "Canary"];

/// Every reason there is, so that a new one is missed here.
fn kind(hold: &Hold) -> &'static str {
    match hold {
        Hold::DispatchPaused { .. } => "DispatchPaused",
        Hold::ImageQuarantined { .. } => "ImageQuarantined",
        Hold::NotAllowed(_) => "NotAllowed",
        Hold::Canary(_) => "Canary",
        Hold::ServiceDayNotStarted { .. } => "ServiceDayNotStarted",
        Hold::SystemDailyCapacityUsed { .. } => "SystemDailyCapacityUsed",
        Hold::OutsideWindow { .. } => "OutsideWindow",
        Hold::SecurityLaneUsed { .. } => "SecurityLaneUsed",
        Hold::Paced { .. } => "Paced",
        Hold::BehindOthers { .. } => "BehindOthers",
        Hold::GatewayNotConnected { .. } => "GatewayNotConnected",
        Hold::GatewayFailing { .. } => "GatewayFailing",
        Hold::GatewayRateReached { .. } => "GatewayRateReached",
        Hold::GatewayBusy { .. } => "GatewayBusy",
        Hold::RetryBackoff { .. } => "RetryBackoff",
        Hold::ExecutionTimeNotReached { .. } => "ExecutionTimeNotReached",
        Hold::AttemptUnderWay { .. } => "AttemptUnderWay",
    }
}

#[test]
fn each_reason_is_given_with_its_figures_and_goes_when_it_is_ended() {
    for case in CASES {
        let (mut world, held) = (case.bring_about)();
        assert_eq!(kind(&held.hold), case.kind);
        let said = world.explain(ANN, held.batch, held.device);
        assert!(said.holds.contains(&held.hold), "{}: {said:?}", case.kind);
        assert_eq!(said.ahead_count, held.ahead_count, "{}", case.kind);
        assert_eq!(said.earliest_us, held.earliest_us, "{}", case.kind);
        if let (Some(earliest_us), Some(predicted_us)) =
            (said.earliest_us, said.predicted_release_us)
        {
            assert!(predicted_us >= earliest_us, "{}: {said:?}", case.kind);
        }
        if FREED_BY_PEOPLE.contains(&case.kind) {
            let behind = said.holds.iter().any(|it| kind(it) == "BehindOthers");
            assert!(!behind, "{}: {said:?}", case.kind);
        }
        (case.end)(&mut world);
        let after = world.explain(ANN, held.batch, held.device).holds;
        let is_left = after.iter().any(|it| kind(it) == case.kind);
        assert!(!is_left, "{}: {after:?}", case.kind);
    }
    let kinds: BTreeSet<_> = CASES.iter().map(|case| case.kind).collect();
    assert_eq!(kinds.len(), 17, "one case for each reason");
}

#[test]
fn of_a_day_the_earliest_release_is_in_the_first_hour_in_which_any_may_leave() {
    let mut weights = [1; 24];
    weights[0] = 0;
    let mut world = ready(Terms {
        hour_profile: HourProfile::new(weights).expect("it has weight"),
        ..capacity(2)
    });
    world.habit = Some(succeed);
    world.connect(NORTH);
    send(&mut world, 0..4);
    world
        .submit_for((ANN, &manifest(2, LARGE)), &[device(9)], date("2026-06-03"))
        .expect("parked");
    world.rest_of_day();
    let earliest_us = |world: &mut World, batch, device| {
        let said = world.explain(ANN, batch, device);
        assert!(said.predicted_release_us >= said.earliest_us);
        said.earliest_us
    };
    let hour_1_us = |day| Some(start(day) + HOUR_US);
    assert_eq!(
        earliest_us(&mut world, 1, device(3)),
        hour_1_us("2026-06-02")
    );
    assert_eq!(
        earliest_us(&mut world, 2, device(9)),
        hour_1_us("2026-06-03")
    );
}

/// Ann's Devices 0 to 9 have an image; it is noon.
fn ready(terms: Terms) -> World {
    let mut world = World::new(terms);
    world.register(&devices(0..10), ANN, NORTH);
    world.store(ANN, &manifest(2, LARGE), &devices(0..10));
    world
}

fn send(world: &mut World, numbers: std::ops::Range<u64>) {
    world
        .submit(ANN, &manifest(2, LARGE), &devices(numbers))
        .expect("admitted");
}

/// Ends the newest attempt so.
fn end_last(world: &mut World, outcome: Outcome) {
    let (session, offer) = world.offered.last().cloned().expect("something is offered");
    world.end(session, offer.attempt, outcome);
}

fn wake_once(world: &mut World) {
    let at_us = world.engine.next_wakeup().expect("something is due");
    world.until(at_us);
}

fn paused() -> (World, Held) {
    let mut world = ready(capacity(100));
    send(&mut world, 0..1);
    world.pause("INC-1").expect("paused");
    let hold = Hold::DispatchPaused {
        scope: Scope::All,
        since_us: world.now_us,
        ticket: "INC-1".to_owned(),
        reason: String::new(),
    };
    (world, Held::by_event(hold).behind(0))
}

fn quarantined() -> (World, Held) {
    let mut world = World::new(capacity(100));
    world.register(&devices(0..10), ANN, NORTH);
    let owner = world.store(ANN, &manifest(2, LARGE), &devices(0..10));
    send(&mut world, 0..1);
    world.damaged(owner, 1);
    let since_us = world.now_us;
    (world, Held::by_event(Hold::ImageQuarantined { since_us }))
}

fn withdrawn() -> (World, Held) {
    let mut world = products::ready();
    let image = manifest(2, LARGE);
    world.list(&image, ProductStatus::Active);
    world.store(ANN, &image, &devices(0..10));
    send(&mut world, 0..1);
    world.list(&image, ProductStatus::Withdrawn);
    let distrust = Distrust::NotActive {
        status: ProductStatus::Withdrawn,
        since_us: world.now_us,
    };
    (world, Held::by_event(Hold::NotAllowed(distrust)))
}

fn behind_canaries() -> (World, Held) {
    let world = canaries::ready();
    let hold = Hold::Canary(canaries::view(0, 0, false));
    (world, Held::by_event(hold).of(7))
}

fn parked() -> (World, Held) {
    let mut world = ready(capacity(100));
    world
        .submit_for((ANN, &manifest(2, LARGE)), &[device(0)], date("2026-06-02"))
        .expect("parked");
    let until_us = start("2026-06-02");
    let hold = Hold::ServiceDayNotStarted { until_us };
    (world, Held::until(until_us, hold))
}

fn on_a_used_day() -> (World, Held) {
    let mut world = ready(capacity(2));
    world.habit = Some(succeed);
    world.connect(NORTH);
    send(&mut world, 0..4);
    world.rest_of_day();
    let until_us = start("2026-06-02");
    let hold = Hold::SystemDailyCapacityUsed { until_us };
    (world, Held::until(until_us, hold).of(3).behind(1))
}

fn before_its_hours() -> (World, Held) {
    let mut world = ready(all_agreeable());
    world.connect(NORTH);
    world.agreed(ANN, quotas::in_the_evening());
    world
        .submit_for(
            (ANN, &manifest(2, LARGE)),
            &devices(0..8),
            date("2026-06-02"),
        )
        .expect("agreed");
    world.until(noon("2026-06-02"));
    let until_us = start("2026-06-02") + 20 * HOUR_US;
    let hold = Hold::OutsideWindow { until_us };
    (world, Held::until(until_us, hold).behind(0))
}

/// What the burst lets go is gone; the next one waits for its moment.
fn paced() -> (World, Held) {
    let mut world = ready(capacity(24));
    world.habit = Some(succeed);
    world.connect(NORTH);
    send(&mut world, 0..10);
    let next = world.offered.len() as u64;
    let until_us = world.engine.next_wakeup().expect("more is to go");
    let hold = Hold::Paced { until_us };
    (world, Held::until(until_us, hold).of(next).behind(0))
}

fn behind_others() -> (World, Held) {
    let (world, next) = paced();
    let ahead_count = 9 - world.offered.len() as u64;
    let held = Held {
        earliest_us: next.earliest_us,
        ..Held::by_event(Hold::BehindOthers { ahead_count })
    };
    (world, held.of(9).behind(ahead_count))
}

fn not_connected() -> (World, Held) {
    let mut world = ready(capacity(100));
    send(&mut world, 0..1);
    let gateway = NORTH;
    let hold = Hold::GatewayNotConnected { gateway };
    (world, Held::by_event(hold).behind(0))
}

fn through_a_failing_gateway() -> (World, Held) {
    let terms = Terms {
        breaker: Some(BreakerTerms {
            failures: 1,
            probe_after_us: PROBE_AFTER_US,
        }),
        ..capacity(100_000)
    };
    let mut world = ready(terms);
    world.connect(NORTH);
    send(&mut world, 0..1);
    end_last(&mut world, Outcome::NoProgress);
    send(&mut world, 1..2);
    let until_us = world.now_us + PROBE_AFTER_US;
    let hold = Hold::GatewayFailing {
        gateway: NORTH,
        until_us: Some(until_us),
    };
    let held = Held::until(until_us, hold).of(1).behind(0);
    (world, Held { batch: 2, ..held })
}

fn through_a_busy_gateway() -> (World, Held) {
    let mut world = ready(capacity(1_000_000));
    let mut few = hello("first");
    few.concurrency = 4;
    world.hello(NORTH, few);
    send(&mut world, 0..10);
    world.pass(SECOND_US);
    let busy = world.offered.len();
    let hold = Hold::GatewayBusy {
        gateway: NORTH,
        attempt_count: u32::try_from(busy).expect("few"),
    };
    let next = busy as u64;
    (world, Held::by_event(hold).of(next).behind(0))
}

/// What the lane could release when it was agreed is more than it may release now.
fn beyond_the_lane() -> (World, Held) {
    let mut world = ready(security::terms(1));
    world.agreed_with_priority(ANN, deal(&[("2026-06-02", 1)]));
    world.until(noon("2026-06-02"));
    send(&mut world, 0..1);
    world.restart_with(security::terms(0));
    let (limit, until_us) = (0, start("2026-06-03"));
    let hold = Hold::SecurityLaneUsed { limit, until_us };
    (world, Held::by_event(hold).behind(0))
}

fn beyond_the_rate() -> (World, Held) {
    let one = NonZeroU32::MIN;
    let mut world = ready(Terms {
        gateway_rate: Rate::new(one, HOUR_US, one),
        ..capacity(1_000_000)
    });
    let until_us = world.now_us + HOUR_US;
    world.connect(NORTH);
    send(&mut world, 0..1);
    let gateway = NORTH;
    let hold = Hold::GatewayRateReached { gateway, until_us };
    (world, Held::until(until_us, hold).behind(0))
}

fn backing_off() -> (World, Held) {
    let (mut world, _) = under_way();
    end_last(&mut world, Outcome::FileTransferFailure);
    let until_us = world.now_us + HOUR_US / 4;
    let hold = Hold::RetryBackoff { until_us };
    (world, Held::until(until_us, hold))
}

fn at_its_device() -> (World, Held) {
    let (world, _, _, until_us) = dated::scheduled();
    let hold = Hold::ExecutionTimeNotReached { until_us };
    (world, Held::by_event(hold))
}

fn under_way() -> (World, Held) {
    let mut world = ready(capacity(100));
    world.connect(NORTH);
    send(&mut world, 0..1);
    let until_us = world.offer().answer_by_us;
    (world, Held::by_event(Hold::AttemptUnderWay { until_us }))
}
