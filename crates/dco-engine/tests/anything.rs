//! Any events in any order: nothing panics, nothing is promised that does not hold, and a start on the
//! journal gives the same engine.

pub(crate) mod agreeing;
pub(crate) mod steps;
pub(crate) mod trusting;

use std::collections::BTreeSet;

use dco_engine::record::ActKind;
use dco_engine::{HOUR_US, RetentionTerms, Terms, Threshold, ThresholdTerms, TrustTerms};
use dco_schedule::{Calendar, ServiceDate, Span};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::audit::audit;
use crate::dump::dump;
use crate::sample::{ANN, BOB, DAY_US, NORTH, SOUTH, device, devices, entry, noon};
use crate::schedules::all_agreeable;
use crate::world::{World, succeed};
use agreeing::{
    kinds_of_steps, no_agreement_over_agrees, no_image_agreed_for_is_retired, notices_are_complete,
    quotas_hold,
};
use steps::{IMAGES, Step, steps};
use trusting::only_what_is_allowed_goes;

/// So many of one User, and one and a half times as many of both.
fn few(per_user_max: u32) -> Threshold {
    Threshold {
        per_user_max,
        total_max: per_user_max + per_user_max.div_ceil(2),
    }
}

/// Ann has Devices 0 to 3, Bob 4 to 7, half of each in the south; two images are stored, the third is not.
pub(crate) fn ready() -> World {
    let terms = Terms {
        allowance_per_day: 5,
        retention: RetentionTerms {
            stored_us: 6 * DAY_US,
            rejected_us: HOUR_US,
            cancelled_us: 3 * HOUR_US,
            expired_us: 0,
        },
        thresholds: ThresholdTerms {
            request_bytes: few(40_000),
            schedule_steps: few(20),
            warnings: few(1),
            ..ThresholdTerms::default()
        },
        ..all_agreeable()
    };
    let mut terms = Terms {
        capacity_per_day: 4,
        ..terms
    };
    terms.schedules.reserve.security = 1;
    let mut world = World::at(noon("2026-03-27"), terms);
    let all = (0..8).map(|it| {
        let user = if it < 4 { ANN } else { BOB };
        let gateway = if it % 2 == 0 { NORTH } else { SOUTH };
        entry(device(it), user, gateway)
    });
    world.import(all.collect());
    for image in &IMAGES[..2] {
        world.store(ANN, image, &devices(0..4));
        world.store(BOB, image, &devices(4..8));
    }
    world
}

pub(crate) fn after(steps: &[Step]) -> World {
    let mut world = ready();
    for step in steps {
        world.step(step);
    }
    world
}

/// Everything that must hold between any two steps.
pub(crate) fn check(world: &mut World) {
    audit(world);
    only_what_is_allowed_goes(world);
    quotas_hold(world);
    notices_are_complete(world);
    no_image_agreed_for_is_retired(world);
    if let Some(wakeup_us) = world.engine.next_wakeup() {
        assert!(wakeup_us >= world.now_us, "woken for the past");
    }
    let mut recovered = world.recovered();
    let (last, again) = (world.engine.last_seq(), recovered.last_seq());
    assert_eq!(last, again, "a start decides nothing new");
    let alive = dump(&mut world.engine, world.now_us);
    let again = dump(&mut recovered, world.now_us);
    for (alive, again) in alive.lines().zip(again.lines()) {
        assert_eq!(alive, again);
    }
    assert_eq!(alive.len(), again.len());
}

/// Records, and everything that was wanted, as text.
fn trace(steps: &[Step]) -> (Vec<Vec<u8>>, String) {
    let world = after(steps);
    let effects = world.effects();
    (world.journal.clone(), effects)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_happens_a_start_gives_the_same_engine(steps in steps()) {
        let mut world = ready();
        check(&mut world);
        let mut before = world.agreed_days();
        for step in &steps {
            world.step(step);
            check(&mut world);
            let after = world.agreed_days();
            no_agreement_over_agrees(&before, &after);
            before = after;
        }
    }

    #[test]
    fn the_same_events_give_the_same_records_and_effects(steps in steps()) {
        prop_assert_eq!(trace(&steps), trace(&steps));
    }

    /// The power may go between any two records: what is left is an engine that goes on.
    #[test]
    fn every_part_of_a_journal_is_a_journal(steps in steps(), cut in any::<prop::sample::Index>()) {
        let mut world = after(&steps);
        let always = ready().journal.len();
        world.durable = always + cut.index(world.journal.len() - always + 1);
        world.crash();
        check(&mut world);
        world.connect(NORTH);
        world.connect(SOUTH);
        world.pass(30 * DAY_US);
        check(&mut world);
        prop_assert_eq!(world.engine.stats().attempts_under_way, 0);
    }

    /// With gateways that answer, all of it ends, within its caps and without a person.
    #[test]
    fn in_the_end_everything_has_ended(steps in steps()) {
        let mut world = after(&steps);
        let trust = TrustTerms::default();
        let terms = Terms { capacity_per_day: 50, trust, ..world.terms.clone() };
        world.restart_with(terms);
        world.set_right();
        let today = Calendar::london().day_at(world.now_us).date.days();
        for date in (today..today + 4).map(ServiceDate::from_days) {
            world.set_capacity(Span::From(date), 50).expect("it may");
            world.set_capacity(Span::On(date), 50).expect("it may");
        }
        world.habit = Some(succeed);
        world.connect(NORTH);
        world.connect(SOUTH);
        world.pass(10 * DAY_US);
        check(&mut world);
        let stats = world.engine.stats();
        prop_assert_eq!(stats.attempts_under_way, 0);
        prop_assert_eq!(stats.activations_queued_large + stats.activations_queued_small, 0);
        prop_assert_eq!(stats.activations_parked + stats.transfers_receiving, 0);
    }
}

/// What the stories are made of is not only refused.
#[test]
fn the_stories_reach_every_kind_of_step() {
    let mut runner = TestRunner::deterministic();
    let mut reached = BTreeSet::new();
    for _ in 0..400 {
        let story = steps().new_tree(&mut runner).expect("steps").current();
        reached.extend(kinds_of_steps(&after(&story)));
    }
    use ActKind::*;
    for kind in [
        Request, Offer, Counter, Accept, Decline, Withdraw, Amend, Impose, End, Lapse,
    ] {
        assert!(
            reached.contains(&format!("{kind:?}")),
            "{kind:?}: {reached:?}"
        );
    }
    for kind in ["pended", "closed", "capacity", "under a schedule"] {
        assert!(reached.contains(kind), "{kind}: {reached:?}");
    }
}
