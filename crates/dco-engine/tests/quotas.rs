//! Batches under schedules: which source covers one, what it uses up, in which hours it leaves.

use dco_engine::{
    BatchView, HOUR_US, Hold, NoticeParty, NoticeSubject, Refusal, Reply, Request, Terms,
};
use dco_schedule::{Act, Asker, Calendar, Deal, ExceedsAgreed, HourWindow, ServiceDate, Source};

use crate::sample::{
    ANN, BOB, DAY_US, LARGE, NORTH, SMALL, date, device, devices, manifest, start,
};
use crate::schedules::all_agreeable;
use crate::world::schedules::{deal, schedule_of};
use crate::world::{World, succeed};

/// Ann has Devices 0 to 199 and Bob 200 to 399, each a large image and a small one; the allowance is 10.
fn ready_with(terms: Terms) -> World {
    let mut world = World::new(Terms {
        allowance_per_day: 10,
        ..terms
    });
    world.register(&devices(0..200), ANN, NORTH);
    world.register(&devices(200..400), BOB, NORTH);
    for image in [manifest(2, LARGE), manifest(3, SMALL)] {
        world.store(ANN, &image, &devices(0..200));
        world.store(BOB, &image, &devices(200..400));
    }
    world
}

fn ready() -> World {
    ready_with(all_agreeable())
}

fn send(world: &mut World, range: std::ops::Range<u64>, day: &str) -> Result<BatchView, Refusal> {
    let image = manifest(2, LARGE);
    world.submit_for((ANN, &image), &devices(range), date(day))
}

#[test]
fn a_quota_is_exact_in_any_split_and_the_refusal_says_what_would_fit() {
    for split in [vec![60], vec![1; 60], vec![20, 39, 1]] {
        let mut world = ready();
        world.agreed(ANN, deal(&[("2026-06-02", 60), ("2026-06-04", 50)]));
        let mut next = 0;
        for count in split {
            let batch = send(&mut world, next..next + count, "2026-06-02").expect("agreed");
            assert_eq!(batch.source, Some(Source::Schedule(1)));
            next += count;
        }
        let refused = send(&mut world, 60..61, "2026-06-02");
        let exceeds = ExceedsAgreed {
            number: 1,
            date: date("2026-06-02"),
            agreed: 60,
            used: 60,
            requested: 1,
            earliest_fit: Some(date("2026-06-04")),
        };
        assert_eq!(refused, Err(Refusal::ExceedsAgreed(exceeds)));
    }
}

#[test]
fn where_no_schedule_covers_the_allowance_does_and_the_two_never_mix() {
    let mut world = ready();
    world.agreed(ANN, deal(&[("2026-06-02", 60)]));
    let today = send(&mut world, 0..10, "2026-06-01").expect("within the allowance");
    assert_eq!(today.source, Some(Source::Allowance));
    let refused = send(&mut world, 10..11, "2026-06-01");
    assert!(matches!(
        refused,
        Err(Refusal::AllowanceUsed { used: 10, .. })
    ));
    send(&mut world, 10..70, "2026-06-02").expect("the quota is whole");
    let image = manifest(2, LARGE);
    let bobs = world.submit_for((BOB, &image), &devices(200..210), date("2026-06-02"));
    assert_eq!(bobs.expect("his allowance").source, Some(Source::Allowance));
}

#[test]
fn what_is_cancelled_in_time_comes_back_to_what_covered_it() {
    let mut world = ready();
    let id = world.agreed(ANN, deal(&[("2026-06-02", 60)]));
    send(&mut world, 0..10, "2026-06-01").expect("allowance");
    send(&mut world, 10..70, "2026-06-02").expect("quota");
    let from = date("2026-06-01");
    let end = world.act(Asker::User, id, Act::End { from });
    assert!(end.is_err(), "60 are sent for a day that would be gone");
    world.cancel_batch(ANN, 2);
    world.crash();
    assert!(
        send(&mut world, 70..80, "2026-06-01").is_err(),
        "not to the allowance"
    );
    let again = send(&mut world, 10..70, "2026-06-02").expect("to the quota");
    assert_eq!(again.source, Some(Source::Schedule(1)));
    world.cancel_batch(ANN, 1);
    send(&mut world, 70..80, "2026-06-01").expect("to the allowance");
    let limits = world.limits(ANN);
    assert_eq!((limits.allowance, limits.allowance_used), (10, 10));
    let quotas: Vec<_> = limits
        .quotas
        .iter()
        .map(|it| (it.agreed, it.used))
        .collect();
    assert_eq!(quotas, [(60, 60)]);
    assert_eq!(world.limits(BOB).quotas, []);
}

#[test]
fn images_that_are_not_large_use_up_allowance_only_where_it_is_set() {
    let small = manifest(3, SMALL);
    for small_uses_allowance in [false, true] {
        let mut terms = all_agreeable();
        terms.schedules.small_uses_allowance = small_uses_allowance;
        let mut world = ready_with(terms);
        let many = world.submit(ANN, &small, &devices(0..50));
        let source = small_uses_allowance.then_some(Source::Allowance);
        assert_eq!(many.expect("never refused").source, source);
        let used = if small_uses_allowance { 50 } else { 0 };
        assert_eq!(world.limits(ANN).allowance_used, used);
        let large = send(&mut world, 50..51, "2026-06-01");
        assert_eq!(large.is_err(), small_uses_allowance);
        world.cancel_batch(ANN, 1);
        assert!(world.limits(ANN).allowance_used <= 1);
    }
}

/// Eight on 2 June, from 20:00 to 22:00 local time: what these hours carry of a hundred.
pub(crate) fn in_the_evening() -> Deal {
    let mut deal = deal(&[("2026-06-02", 8)]);
    deal.terms.window = Some(HourWindow::new(20, 22).expect("two hours"));
    deal
}

/// When each offer was made, in hours from the start of a day.
fn released_hours(world: &mut World, day: &str) -> Vec<i64> {
    let views = (0..200).filter_map(|number| {
        let name = dco_engine::ActivationName {
            user: ANN,
            batch: 1,
            device: device(number),
        };
        match world.ask(Request::GetActivation(name)) {
            Ok(Reply::Activation(view)) => view.released_us,
            _ => None,
        }
    });
    views
        .map(|at_us| (at_us - start(day)).div_euclid(HOUR_US))
        .collect()
}

#[test]
fn work_of_a_window_leaves_in_it_and_its_target_response_time_starts_with_it() {
    let mut world = ready();
    world.habit = Some(succeed);
    world.connect(NORTH);
    world.agreed(ANN, in_the_evening());
    let opens_us = start("2026-06-02") + 20 * HOUR_US;
    let batch = send(&mut world, 0..8, "2026-06-02").expect("agreed");
    assert_eq!(batch.trt_start_us, opens_us);
    assert_eq!(batch.due_us, opens_us + 5 * DAY_US);
    assert!(batch.predicted.expect("it says").release_us >= opens_us);
    world.until(start("2026-06-02") + 19 * HOUR_US);
    let name = dco_engine::ActivationName {
        user: ANN,
        batch: 1,
        device: device(0),
    };
    let Ok(Reply::Explanation(why)) = world.ask(Request::ExplainActivation(name)) else {
        panic!("no explanation");
    };
    let outside = Hold::OutsideWindow { until_us: opens_us };
    assert!(why.holds.contains(&outside), "{:?}", why.holds);
    world.next_day();
    let hours = released_hours(&mut world, "2026-06-02");
    assert_eq!(hours.len(), 8, "all in its hours");
    assert!(
        hours.iter().all(|hour| (20..22).contains(hour)),
        "{hours:?}"
    );
}

#[test]
fn what_did_not_leave_in_its_hours_waits_for_the_same_hours_of_the_next_day() {
    let mut world = ready();
    world.habit = Some(succeed);
    world.agreed(ANN, in_the_evening());
    send(&mut world, 0..8, "2026-06-02").expect("agreed");
    let image = manifest(2, LARGE);
    world
        .submit_for((BOB, &image), &devices(200..210), date("2026-06-03"))
        .expect("allowance");
    world.until(start("2026-06-02") + 23 * HOUR_US);
    world.connect(NORTH);
    world.next_day();
    world.next_day();
    let hours = released_hours(&mut world, "2026-06-03");
    assert_eq!(hours.len(), 8);
    assert!(
        hours.iter().all(|hour| (20..22).contains(hour)),
        "{hours:?}"
    );
    assert_eq!(
        world.batch(BOB, 1).counts.succeeded,
        10,
        "it holds up nobody else"
    );
}

#[test]
fn a_batch_accepted_after_its_hours_starts_at_once_and_leaves_the_next_day() {
    let mut world = ready();
    world.agreed(ANN, in_the_evening());
    let now_us = start("2026-06-02") + 23 * HOUR_US;
    world.until(now_us);
    let batch = send(&mut world, 0..8, "2026-06-02").expect("it is still that day");
    assert_eq!(batch.trt_start_us, now_us);
    let predicted_us = batch.predicted.expect("it waits").release_us;
    let opens_us = start("2026-06-03") + 20 * HOUR_US;
    assert!(predicted_us > opens_us, "at the pace of its hours");
    world.habit = Some(succeed);
    world.connect(NORTH);
    world.until(opens_us + 4 * HOUR_US);
    let last = world.activation(ANN, 1, device(7)).released_us;
    let off_us = last.expect("its hours are open").abs_diff(predicted_us);
    // Each step of the pace is rounded down by itself.
    assert!(off_us <= 8, "{off_us} us");
}

#[test]
fn a_user_is_told_once_when_four_fifths_are_sent() {
    let mut world = ready();
    world.agreed(ANN, deal(&[("2026-06-02", 60)]));
    let told = |world: &mut World| -> Vec<(Source, ServiceDate, u32, u32)> {
        let notices = world.notices_after(NoticeParty::User(ANN), 0);
        let near = notices.into_iter().filter_map(|it| match it.subject {
            NoticeSubject::NearlyUsed {
                source,
                date,
                limit,
                used,
            } => Some((source, date, limit, used)),
            _ => None,
        });
        near.collect()
    };
    send(&mut world, 0..7, "2026-06-01").expect("allowance");
    send(&mut world, 10..57, "2026-06-02").expect("quota");
    assert_eq!(told(&mut world), []);
    send(&mut world, 7..8, "2026-06-01").expect("allowance");
    send(&mut world, 8..9, "2026-06-01").expect("allowance");
    send(&mut world, 57..58, "2026-06-02").expect("quota");
    let today = Calendar::london().day_at(world.now_us).date;
    let expected = [
        (Source::Allowance, today, 10, 8),
        (Source::Schedule(1), date("2026-06-02"), 60, 48),
    ];
    assert_eq!(told(&mut world), expected);
    world.restart_with(Terms {
        allowance_per_day: 3,
        ..world.terms.clone()
    });
    assert_eq!(told(&mut world), expected, "whatever the terms are now");
}

#[test]
fn what_a_user_has_sent_under_a_schedule_is_its_weight_of_the_day() {
    let mut world = ready();
    world.agreed(ANN, deal(&[("2026-06-02", 60)]));
    let agreed = world.agreed(BOB, deal(&[("2026-06-02", 30)]));
    assert_eq!(world.read_schedule(agreed).map(|it| it.id), Ok(agreed));
    let image = manifest(2, LARGE);
    send(&mut world, 0..60, "2026-06-02").expect("quota");
    world
        .submit_for((BOB, &image), &devices(200..230), date("2026-06-02"))
        .expect("quota");
    world.habit = Some(succeed);
    world.connect(NORTH);
    world.until(start("2026-06-02") + 12 * HOUR_US);
    let done = [(ANN, 1), (BOB, 1)].map(|(user, batch)| world.batch(user, batch).counts.succeeded);
    assert!(done[1] > 5, "{done:?}");
    assert!(done[0].abs_diff(2 * done[1]) <= 4, "two to one: {done:?}");
}

#[test]
fn the_engine_says_which_schedule_a_preview_would_use() {
    let mut world = ready();
    world.agreed(ANN, deal(&[("2026-06-02", 60)]));
    let image = manifest(2, LARGE);
    let mut asked = world.batch_of(ANN, &image, &devices(0..5));
    asked.service_date = Some(date("2026-06-02"));
    asked.validate_only = true;
    let shown = world.submit_this(&asked).expect("it would be");
    assert_eq!(
        (shown.number, shown.source),
        (None, Some(Source::Schedule(1)))
    );
    let get = dco_engine::ScheduleRequest::Get {
        id: dco_schedule::ScheduleId {
            user: ANN,
            number: 1,
        },
        reader: dco_engine::Reader::User,
    };
    let view = schedule_of(world.ask(Request::Schedules(get)).expect("hers"));
    assert_eq!(view.revision, 3, "nothing was done to it");
}
