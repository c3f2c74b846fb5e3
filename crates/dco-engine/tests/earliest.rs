//! The earliest release that an explanation names is not before anything that is known to keep it.

use std::num::NonZeroU32;

use dco_engine::{
    BreakerTerms, Explanation, HOUR_US, Hold, Outcome, Rate, SECOND_US, Scope, Terms,
};
use dco_schedule::{HourProfile, HourWindow, Micros, Span};
use proptest::prelude::*;

use crate::quotas::in_the_evening;
use crate::sample::{
    ANN, BOB, DAY_US, LARGE, NORTH, SOUTH, capacity, date, device, devices, manifest, noon, start,
};
use crate::schedules::all_agreeable;
use crate::world::schedules::deal;
use crate::world::{World, succeed};

/// Ann's Devices 0 to 9 have an image; it is noon of 2026-06-01.
fn ready(terms: Terms) -> World {
    let mut world = World::new(terms);
    world.register(&devices(0..10), ANN, NORTH);
    world.store(ANN, &manifest(2, LARGE), &devices(0..10));
    world.connect(NORTH);
    world
}

fn send(world: &mut World, numbers: std::ops::Range<u64>, day: &str) {
    let image = manifest(2, LARGE);
    world
        .submit_for((ANN, &image), &devices(numbers), date(day))
        .expect("admitted");
}

/// What is said of Ann's first batch: nothing is expected before the earliest release.
fn said_of(world: &mut World, number: u64) -> Explanation {
    let said = world.explain(ANN, 1, device(number));
    if let Some(earliest_us) = said.earliest_us {
        assert!(said.predicted_release_us >= Some(earliest_us), "{said:?}");
    }
    said
}

#[test]
fn days_without_capacity_are_skipped() {
    let mut world = ready(capacity(2));
    world.habit = Some(succeed);
    send(&mut world, 0..4, "2026-06-01");
    for day in ["2026-06-02", "2026-06-03"] {
        world.set_capacity(Span::On(date(day)), 0).expect("it may");
    }
    world.rest_of_day();
    let said = said_of(&mut world, 3);
    let until_us = start("2026-06-04");
    let used = Hold::SystemDailyCapacityUsed { until_us };
    assert_eq!((said.earliest_us, &said.holds[0]), (Some(until_us), &used));
    world.until(noon("2026-06-03"));
    assert_eq!(said_of(&mut world, 3).earliest_us, Some(until_us));
    world.until(until_us);
    assert_eq!(world.batch(ANN, 1).counts.queued, 1, "and then one leaves");
}

#[test]
fn where_no_day_to_come_has_capacity_nothing_is_promised() {
    let mut world = ready(capacity(2));
    let from = Span::From(date("2026-06-01"));
    world.set_capacity(from, 0).expect("it may");
    send(&mut world, 0..4, "2026-06-01");
    let said = said_of(&mut world, 3);
    assert_eq!((said.earliest_us, said.predicted_release_us), (None, None));
}

#[test]
fn what_is_parked_waits_for_the_hours_of_its_schedule() {
    let mut world = ready(all_agreeable());
    world.agreed(ANN, in_the_evening());
    send(&mut world, 0..8, "2026-06-02");
    let opens_us = start("2026-06-02") + 20 * HOUR_US;
    assert_eq!(said_of(&mut world, 0).earliest_us, Some(opens_us));
    world
        .set_capacity(Span::On(date("2026-06-02")), 0)
        .expect("it may");
    let next_us = start("2026-06-03") + 20 * HOUR_US;
    assert_eq!(said_of(&mut world, 0).earliest_us, Some(next_us));
}

#[test]
fn hours_of_a_schedule_without_weight_let_nothing_go() {
    let mut world = ready(all_agreeable());
    world.agreed(ANN, in_the_evening());
    send(&mut world, 0..8, "2026-06-02");
    let mut weights = [1; 24];
    weights[20] = 0;
    let mut profile = world.setting(Span::From(date("2026-06-02")), 0);
    profile.capacity = None;
    profile.profile = HourProfile::new(weights).ok();
    world.set_this(&profile).expect("it may");
    let hour_us = start("2026-06-02") + 21 * HOUR_US;
    assert_eq!(said_of(&mut world, 0).earliest_us, Some(hour_us), "parked");
    world.until(start("2026-06-02") + 20 * HOUR_US);
    assert_eq!(said_of(&mut world, 0).earliest_us, Some(hour_us), "in line");
}

#[test]
fn another_attempt_waits_for_capacity_too() {
    let mut world = ready(capacity(1));
    send(&mut world, 0..1, "2026-06-01");
    let (session, offer) = world.offered[0].clone();
    world.end(session, offer.attempt, Outcome::FileTransferFailure);
    let next_us = start("2026-06-02");
    let said = said_of(&mut world, 0);
    assert!(matches!(said.holds[0], Hold::RetryBackoff { until_us } if until_us < next_us));
    assert_eq!(said.earliest_us, Some(next_us));
}

#[test]
fn what_may_run_ahead_waits_for_what_could_be_lent_to_it() {
    let ahead = |terms| {
        let mut world = ready(terms);
        let mut agreed = deal(&[("2026-06-03", 8)]);
        agreed.terms.run_ahead = true;
        world.agreed(ANN, agreed);
        world
            .set_capacity(Span::On(date("2026-06-01")), 0)
            .expect("it may");
        send(&mut world, 0..8, "2026-06-03");
        world
    };
    let mut world = ahead(all_agreeable());
    let next_us = start("2026-06-02");
    assert_eq!(said_of(&mut world, 0).earliest_us, Some(next_us));
    // Its gateway may come again at any moment, and not only on its day.
    world.disconnect(NORTH);
    assert_eq!(said_of(&mut world, 0).earliest_us, None);
    world.pause_of_part(Scope::Gateway(NORTH)).expect("paused");
    assert_eq!(said_of(&mut world, 0).earliest_us, None);

    let one = NonZeroU32::MIN;
    let mut world = ahead(Terms {
        gateway_rate: Rate::new(one, 20 * HOUR_US, one),
        ..all_agreeable()
    });
    let rate_us = noon("2026-06-01") + 20 * HOUR_US;
    assert_eq!(said_of(&mut world, 0).earliest_us, Some(rate_us));
}

#[test]
fn while_a_failing_gateway_is_tried_nobody_knows() {
    let mut world = ready(Terms {
        breaker: Some(BreakerTerms {
            failures: 1,
            probe_after_us: 600 * SECOND_US,
        }),
        ..capacity(100_000)
    });
    send(&mut world, 0..1, "2026-06-01");
    let (session, offer) = world.offered[0].clone();
    world.end(session, offer.attempt, Outcome::NoProgress);
    let image = manifest(2, LARGE);
    world.submit(ANN, &image, &devices(1..3)).expect("admitted");
    world.pass(600 * SECOND_US);
    assert_eq!(world.offered.len(), 2, "one tries it");
    let said = world.explain(ANN, 2, device(2));
    let failing = Hold::GatewayFailing {
        gateway: NORTH,
        until_us: None,
    };
    assert_eq!((said.earliest_us, &said.holds[0]), (None, &failing));
    assert_eq!(said.predicted_release_us, None);
}

#[test]
fn of_a_gateway_that_is_away_nothing_is_expected() {
    let mut world = ready(capacity(100_000));
    world.disconnect(NORTH);
    send(&mut world, 0..1, "2026-06-01");
    let said = said_of(&mut world, 0);
    assert_eq!((said.earliest_us, said.predicted_release_us), (None, None));
    world.connect(NORTH);
    assert_eq!(world.offered.len(), 1);
}

#[test]
fn who_is_behind_others_at_a_gateway_waits_for_its_rate_as_often() {
    let few = NonZeroU32::new(2).expect("two");
    let mut world = ready(Terms {
        gateway_rate: Rate::new(NonZeroU32::MIN, HOUR_US, few),
        ..capacity(100_000)
    });
    world.habit = Some(succeed);
    send(&mut world, 0..8, "2026-06-01");
    for number in 0..8 {
        let hours = i64::try_from(number).expect("few") + 1;
        let said = said_of(&mut world, number);
        let earliest_us = noon("2026-06-01") + hours * HOUR_US;
        assert_eq!(said.earliest_us, Some(earliest_us), "Device {number}");
        assert_eq!(said.predicted_release_us, Some(earliest_us));
    }
    world.until(noon("2026-06-01") + 8 * HOUR_US - 1);
    assert_eq!(world.batch(ANN, 1).counts.queued, 1);
    world.pass(1);
    assert_eq!(world.batch(ANN, 1).counts.queued, 0);
}

/// Whatever is configured and agreed, two Users have sent work for two days.
#[derive(Debug, Clone)]
struct Setting {
    capacity: u32,
    burst: u32,
    per_hour: Option<u32>,
    hours_off: Vec<u8>,
    window: Option<(u8, u8)>,
    run_ahead: bool,
    asked_us: Micros,
}

impl Setting {
    fn world(&self) -> World {
        let mut weights = [1; 24];
        for hour in &self.hours_off {
            weights[usize::from(*hour)] = 0;
        }
        let rate = |per_hour| Rate::new(NonZeroU32::new(per_hour)?, HOUR_US, NonZeroU32::MIN);
        let mut world = World::new(Terms {
            capacity_per_day: self.capacity,
            burst: self.burst,
            gateway_rate: self.per_hour.and_then(rate),
            ..all_agreeable()
        });
        let image = manifest(2, LARGE);
        for (user, of, gateway) in [(ANN, 0..30, NORTH), (BOB, 30..50, NORTH)] {
            world.register(&devices(of.clone()), user, gateway);
            world.store(user, &image, &devices(of));
        }
        world.register(&devices(40..50), BOB, SOUTH);
        let mut agreed = deal(&[("2026-06-02", 4)]);
        agreed.terms.run_ahead = self.run_ahead;
        agreed.terms.window = self
            .window
            .and_then(|(from, to)| HourWindow::new(from, to).ok());
        world.agreed(ANN, agreed);
        let mut off = world.setting(Span::From(date("2026-06-01")), 0);
        (off.capacity, off.profile) = (None, HourProfile::new(weights).ok());
        world.set_this(&off).expect("it may");
        for (user, of, day) in [
            (ANN, 0..4, "2026-06-02"),
            (ANN, 12..24, "2026-06-01"),
            (BOB, 30..50, "2026-06-01"),
        ] {
            world
                .submit_for((user, &image), &devices(of), date(day))
                .expect("admitted");
        }
        world.habit = Some(succeed);
        world.connect(NORTH);
        world.connect(SOUTH);
        world
    }
}

fn setting() -> impl Strategy<Value = Setting> {
    (
        (24_u32..80, 1_u32..5, proptest::option::of(1_u32..12)),
        proptest::collection::vec(0_u8..20, 0..8),
        proptest::option::of((10_u8..14, 20_u8..25)),
        any::<bool>(),
        0..DAY_US,
    )
        .prop_map(
            |((capacity, burst, per_hour), hours_off, window, run_ahead, asked_us)| Setting {
                capacity,
                burst,
                per_hour,
                hours_off,
                window,
                run_ahead,
                asked_us,
            },
        )
}

/// All that has been sent: User, batch and Device.
fn sent() -> impl Iterator<Item = (dco_block::Eui64, u64, u64)> {
    let of_ann = (0..4)
        .map(|it| (ANN, 1, it))
        .chain((12..24).map(|it| (ANN, 2, it)));
    of_ann.chain((30..50).map(|it| (BOB, 1, it)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Where nothing happens but what is known, nothing leaves before the earliest release that was named.
    #[test]
    fn nothing_leaves_before_it(setting in setting()) {
        let mut world = setting.world();
        world.pass(setting.asked_us);
        let mut said = Vec::new();
        for (user, batch, number) in sent() {
            let said_of = world.explain(user, batch, device(number));
            let waits = said_of.activation.released_us.is_none();
            prop_assert_eq!(said_of.earliest_us.is_some(), waits, "{:?}", said_of);
            said.extend(said_of.earliest_us.map(|it| ((user, batch, number), it)));
        }
        world.pass(20 * DAY_US);
        for ((user, batch, number), earliest_us) in said {
            let left = world.activation(user, batch, device(number)).released_us;
            prop_assert!(left >= Some(earliest_us), "{number}: {left:?}, {earliest_us}");
        }
    }
}
