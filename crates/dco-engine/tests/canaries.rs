//! Canaries: the first Devices under a schedule must succeed before the rest is released.

use std::num::NonZeroU32;

use dco_engine::record::{AttemptEnded, Change, PauseChanged, StopFigures};
use dco_engine::{CanaryView, HOUR_US, Hold, NoticeParty, NoticeSubject, Outcome, Refusal, Scope};
use dco_schedule::ScheduleId;

use crate::sample::{ANN, BOB, LARGE, NORTH, date, device, devices, manifest, noon};
use crate::schedules::all_agreeable;
use crate::world::schedules::{deal, first_of};
use crate::world::{World, succeed};

/// Ann has agreed 60 units of each of two days, of which the first two Devices must succeed; the first of the days has begun.
pub(crate) fn ready() -> World {
    let mut world = agreed();
    world
        .submit_for(
            (ANN, &manifest(2, LARGE)),
            &devices(0..8),
            date("2026-06-04"),
        )
        .expect("agreed");
    world.connect(NORTH);
    world.until(noon("2026-06-04") - 11 * HOUR_US);
    world
}

/// The same before anything is sent.
fn agreed() -> World {
    agreed_with(false)
}

fn agreed_with(run_ahead: bool) -> World {
    let mut world = World::new(all_agreeable());
    world.register(&devices(0..40), ANN, NORTH);
    world.register(&devices(40..50), BOB, NORTH);
    for (user, of) in [(ANN, 0..40), (BOB, 40..50)] {
        world.store(user, &manifest(2, LARGE), &devices(of));
    }
    let mut agreed = deal(&[("2026-06-04", 60), ("2026-06-05", 60)]);
    agreed.terms.canary = NonZeroU32::new(2);
    agreed.terms.run_ahead = run_ahead;
    world.agreed(ANN, agreed);
    world
}

pub(crate) fn view(succeeded: u32, failed: u32, passed: bool) -> CanaryView {
    CanaryView {
        wanted: 2,
        succeeded,
        failed,
        passed,
    }
}

#[test]
fn the_rest_is_released_when_the_first_have_succeeded_and_not_before() {
    let mut world = ready();
    assert_eq!(world.offered.len(), 2, "two go first");
    let held = world.explain(ANN, 1, device(2));
    assert_eq!(held.holds[0], Hold::Canary(view(0, 0, false)));
    assert_eq!((held.earliest_us, held.predicted_release_us), (None, None));
    for (at, expected) in [(0, false), (1, true)] {
        let (session, offer) = world.offered[at].clone();
        world.end(session, offer.attempt, Outcome::Success);
        world.habit = Some(succeed);
        world.pass(HOUR_US / 4);
        let went_on = world.offered.len() > 2;
        assert_eq!(went_on, expected, "after {} succeeded", at + 1);
    }
    world.pass(6 * HOUR_US);
    assert_eq!(world.batch(ANN, 1).counts.succeeded, 8);
    assert_eq!(world.batch(ANN, 1).canary, Some(view(2, 0, true)));
    let later = date("2026-06-05");
    world
        .submit_for((ANN, &manifest(2, LARGE)), &devices(10..14), later)
        .expect("agreed");
    world.until(noon("2026-06-05"));
    assert_eq!(
        world.batch(ANN, 2).counts.succeeded,
        4,
        "the image is proven"
    );
}

#[test]
fn a_restart_keeps_who_goes_first() {
    let mut world = ready();
    world.crash();
    world.connect(NORTH);
    world.offered.clear();
    world.pass(HOUR_US);
    assert!(
        world.offered.is_empty(),
        "the two are under way, the rest waits"
    );
    assert_eq!(world.batch(ANN, 1).counts.queued, 6);
}

#[test]
fn a_later_batch_waits_for_the_same_canaries_and_other_work_does_not() {
    let mut world = ready();
    world
        .submit(ANN, &manifest(2, LARGE), &devices(20..24))
        .expect("agreed");
    world
        .submit(BOB, &manifest(2, LARGE), &devices(40..44))
        .expect("within the allowance");
    world.pass(HOUR_US);
    assert_eq!(world.batch(ANN, 2).counts.queued, 4);
    assert!(world.batch(BOB, 1).counts.released >= 3);
    assert_eq!(world.batch(BOB, 1).canary, None);
}

#[test]
fn another_takes_the_place_of_a_canary_that_is_cancelled() {
    let mut world = ready();
    let lost = world.offered[0].1.attempt.activation.device;
    world.register(&[lost], BOB, NORTH);
    let (session, offer) = world.offered[0].clone();
    world.end(session, offer.attempt, Outcome::FileTransferFailure);
    world.pass(HOUR_US / 2);
    assert_eq!(
        world.batch(ANN, 1).counts.cancelled,
        1,
        "its Device has gone to Bob"
    );
    assert_eq!(world.offered.len(), 3, "the next goes in its place");
    assert_eq!(world.batch(ANN, 1).canary, Some(view(0, 0, false)));
}

/// Otherwise what is sent for an earlier day would wait for a later one, with its TRT running.
#[test]
fn what_is_sent_for_an_earlier_day_goes_first() {
    for (from_snapshot, sent_first) in [(false, 4), (true, 4), (false, 1)] {
        let mut world = agreed();
        let image = manifest(2, LARGE);
        for (of, day) in [(0..8, "2026-06-05"), (20..20 + sent_first, "2026-06-04")] {
            world
                .submit_for((ANN, &image), &devices(of), date(day))
                .expect("agreed");
        }
        world.start_from = from_snapshot.then_some(world.journal.len());
        world.crash();
        world.habit = Some(succeed);
        world.connect(NORTH);
        world.until(noon("2026-06-04"));
        let succeeded = world.batch(ANN, 2).counts.succeeded;
        assert_eq!(u64::from(succeeded), sent_first, "on its own day");
        assert_eq!(world.batch(ANN, 1).counts.parked, 8);
        let passed = sent_first > 1;
        let seen = succeeded.min(2);
        assert_eq!(world.batch(ANN, 1).canary, Some(view(seen, 0, passed)));
        world.until(noon("2026-06-05"));
        assert_eq!(world.batch(ANN, 1).counts.succeeded, 8);
    }
}

/// What may run ahead goes before its day only while it is a canary, or once they have succeeded.
#[test]
fn who_has_left_its_place_to_an_earlier_day_waits_as_the_rest() {
    let mut world = agreed_with(true);
    let image = manifest(2, LARGE);
    for (of, day) in [(0..8, "2026-06-05"), (20..24, "2026-06-04")] {
        world
            .submit_for((ANN, &image), &devices(of), date(day))
            .expect("agreed");
    }
    world.connect(NORTH);
    world.pass(HOUR_US);
    let first = world.offered.iter().map(|(_, it)| it.attempt.activation);
    let first: Vec<_> = first.map(|it| it.device).collect();
    assert_eq!(first, [device(20), device(21)]);
}

#[test]
fn of_a_batch_that_is_cancelled_no_canary_counts_as_given_up() {
    let mut world = ready();
    world
        .submit(ANN, &manifest(2, LARGE), &devices(20..24))
        .expect("agreed");
    world.cancel_batch(ANN, 1);
    let (session, offer) = world.offered[0].clone();
    world.end(session, offer.attempt, Outcome::HardwareVersionMismatch);
    world.pass(HOUR_US);
    assert_eq!(world.batch(ANN, 1).counts.failed, 1);
    assert_eq!(world.batch(ANN, 2).canary, Some(view(0, 0, false)));
    assert_eq!(world.engine.stats().stopped, 0);
    let first: Vec<_> = world.offered.iter().map(|(_, it)| it.attempt).collect();
    let devices: Vec<_> = first.iter().map(|it| it.activation.device).collect();
    assert_eq!(devices[2..], [device(20)], "the next goes in its place");
}

#[test]
fn a_canary_that_is_given_up_pauses_its_schedule_until_an_officer_resumes_it() {
    let mut world = ready();
    let (session, offer) = world.offered[0].clone();
    world.end(session, offer.attempt, Outcome::HardwareVersionMismatch);
    let scope = Scope::Schedule(first_of(ANN));
    assert_eq!(world.engine.stats().stopped, 1);
    assert_eq!(world.batch(ANN, 1).canary, Some(view(0, 1, false)));
    for party in [
        NoticeParty::User(ANN),
        NoticeParty::Desk,
        NoticeParty::Operators,
    ] {
        let told = world.notices_after(party, 0).into_iter();
        let told = told.filter(|it| {
            matches!(it.subject, NoticeSubject::PauseChanged { scope: of, paused: true, .. } if of == scope)
        });
        assert_eq!(told.count(), 1, "{party:?}");
    }
    world.crash();
    world.connect(NORTH);
    world.pass(HOUR_US);
    assert_eq!(
        world.batch(ANN, 1).counts.queued,
        7,
        "the other canary is called back"
    );
    let other = Scope::Schedule(ScheduleId {
        user: BOB,
        number: 1,
    });
    let refused = world.resume_of_part(other);
    assert_eq!(refused, Err(Refusal::DispatchNotPaused { scope: other }));
    world.resume_of_part(scope).expect("resumed");
    world.pass(HOUR_US);
    assert_eq!(
        world.batch(ANN, 1).counts.queued,
        0,
        "an officer answers for it"
    );
    assert_eq!(world.batch(ANN, 1).canary, Some(view(0, 1, true)));
}

/// Journals have pauses for canaries of cancelled batches, which count no more: their figures stand in the record.
#[test]
fn what_a_pause_says_of_canaries_holds_whatever_is_counted_today() {
    for is_resumed_before in [true, false] {
        for from_snapshot in [false, true] {
            let mut world = ready();
            world
                .submit(ANN, &manifest(2, LARGE), &devices(20..24))
                .expect("agreed");
            world.cancel_batch(ANN, 1);
            world.disconnect(NORTH);
            let (user, number) = (ANN, 1);
            let scope = Scope::Schedule(ScheduleId { user, number });
            world.wrote(Change::AttemptEnded(AttemptEnded {
                activation: 0,
                attempt: 1,
                outcome: Outcome::HardwareVersionMismatch.number(),
                ..AttemptEnded::default()
            }));
            let (attempts, failed) = (1, 1);
            let by_rule = PauseChanged {
                reason: "the canary".to_owned(),
                ..PauseChanged::of(scope)
            };
            world.wrote(Change::Paused(PauseChanged {
                stop: Some(StopFigures { attempts, failed }),
                ..by_rule.clone()
            }));
            if is_resumed_before {
                world.wrote(Change::Resumed(by_rule));
                assert_eq!(world.replayed().stats().stopped, 0);
            }
            world.start_from = from_snapshot.then_some(world.journal.len());
            world.crash();
            let passed = is_resumed_before;
            assert_eq!(world.batch(ANN, 2).canary, Some(view(0, 1, passed)));
            world.connect(NORTH);
            world.pass(HOUR_US);
            let released = if is_resumed_before { 4 } else { 0 };
            assert_eq!(world.batch(ANN, 2).counts.released, released);
            if !is_resumed_before {
                world.resume_of_part(scope).expect("an officer answers");
                world.pass(HOUR_US);
            }
            assert_eq!(world.batch(ANN, 2).counts.released, 4, "nothing is held");
        }
    }
}

mod of_a_batch {
    use dco_engine::{Reply, Request, SubmitBatch};

    use super::*;
    use crate::sample::{SMALL, capacity};

    /// Ann has Devices and two images; what she sends has so many canaries.
    fn sent(image_bytes: u32, canary: u32, of: std::ops::Range<u64>) -> World {
        let mut world = World::new(capacity(1_000));
        world.register(&devices(0..40), ANN, NORTH);
        world.store(ANN, &manifest(2, image_bytes), &devices(0..40));
        world.connect(NORTH);
        let asked = asking(&mut world, image_bytes, (canary, of));
        world.submit_this(&asked).expect("admitted");
        world
    }

    fn asking(
        world: &mut World,
        image_bytes: u32,
        (canary, of): (u32, std::ops::Range<u64>),
    ) -> SubmitBatch {
        SubmitBatch {
            canary: NonZeroU32::new(canary),
            ..world.batch_of(ANN, &manifest(2, image_bytes), &devices(of))
        }
    }

    #[test]
    fn its_first_devices_must_succeed_before_the_rest_whatever_the_image() {
        for image_bytes in [LARGE, SMALL] {
            let mut world = sent(image_bytes, 2, 0..8);
            world.pass(HOUR_US);
            assert_eq!(world.offered.len(), 2, "two go first");
            let first = |at: usize| world.offered[at].1.attempt.activation.device;
            assert_eq!([first(0), first(1)], [device(0), device(1)]);
            let held = world.explain(ANN, 1, device(2));
            assert_eq!(held.holds[0], Hold::Canary(view(0, 0, false)));
            // Another batch of the same image waits for nothing.
            world
                .submit(ANN, &manifest(2, image_bytes), &devices(20..22))
                .expect("admitted");
            world.pass(HOUR_US);
            assert_eq!(world.batch(ANN, 2).counts.released, 2);
            assert_eq!(world.batch(ANN, 2).canary, None);
            world.habit = Some(succeed);
            for at in [0, 1] {
                let (session, offer) = world.offered[at].clone();
                world.end(session, offer.attempt, Outcome::Success);
            }
            world.pass(HOUR_US);
            assert_eq!(world.batch(ANN, 1).counts.succeeded, 8);
            assert_eq!(world.batch(ANN, 1).canary, Some(view(2, 0, true)));
        }
    }

    #[test]
    fn one_that_is_given_up_pauses_the_batch_and_nothing_else() {
        for from_snapshot in [false, true] {
            let mut world = sent(SMALL, 2, 0..8);
            let (session, offer) = world.offered[0].clone();
            world.end(session, offer.attempt, Outcome::HardwareVersionMismatch);
            let (user, number) = (ANN, 1);
            let scope = Scope::Batch { user, number };
            let Ok(Reply::Pauses(pauses)) = world.ask(Request::ListPauses) else {
                panic!("no pauses");
            };
            assert_eq!(
                pauses.iter().map(|it| it.scope).collect::<Vec<_>>(),
                [scope]
            );
            let told = world.notices_after(NoticeParty::User(ANN), 0).into_iter();
            let told = told.filter(|it| {
                matches!(it.subject, NoticeSubject::PauseChanged { scope: of, paused: true, .. } if of == scope)
            });
            assert_eq!(told.count(), 1);
            world.start_from = from_snapshot.then_some(world.journal.len());
            world.crash();
            world.connect(NORTH);
            world
                .submit(ANN, &manifest(2, SMALL), &devices(20..22))
                .expect("admitted");
            world.pass(HOUR_US);
            assert_eq!(
                world.batch(ANN, 2).counts.released,
                2,
                "it is no part of it"
            );
            assert_eq!(world.batch(ANN, 1).counts.queued, 7, "off is off");
            world.habit = Some(succeed);
            world.resume_of_part(scope).expect("resumed");
            assert_eq!(world.batch(ANN, 1).counts.succeeded, 7);
            assert_eq!(world.batch(ANN, 1).canary, Some(view(0, 1, true)));
            let unknown = Scope::Batch { user, number: 9 };
            let kind = "batch";
            let refused = world.pause_of_part(unknown);
            assert_eq!(refused, Err(Refusal::NotFound { kind }));
        }
    }

    #[test]
    fn a_pause_for_a_canary_ends_with_its_batch_and_on_record() {
        for is_cancelled in [true, false] {
            let mut world = sent(SMALL, 2, 0..if is_cancelled { 8 } else { 2 });
            let (session, offer) = world.offered[0].clone();
            world.end(session, offer.attempt, Outcome::HardwareVersionMismatch);
            assert_eq!(world.engine.stats().stopped, 1);
            let at = world.journal.len();
            if is_cancelled {
                world.cancel_batch(ANN, 1);
            } else {
                let (session, offer) = world.offered[1].clone();
                world.end(session, offer.attempt, Outcome::Success);
            }
            assert_eq!(world.engine.stats().stopped, 0);
            assert_eq!(world.journal.len(), at + 2, "also the end of its pause");
            world.crash();
            assert_eq!(world.engine.stats().stopped, 0);
            let pauses = world.ask(Request::ListPauses);
            assert!(matches!(pauses, Ok(Reply::Pauses(none)) if none.is_empty()));
        }
    }

    #[test]
    fn of_very_many_that_are_stopped_only_their_user_is_told_after_some() {
        // Who was told of the stop is told that it is over, whatever else was told in the meantime.
        for (per_user_max, told_of) in [(1, 2), (0, 0)] {
            let mut world = sent(SMALL, 2, 0..8);
            let (_, offer) = world.offered[0].clone();
            let mut terms = world.terms.clone();
            terms.thresholds.warnings.per_user_max = per_user_max;
            world.restart_with(terms);
            let session = world.connect(NORTH);
            world.end(session, offer.attempt, Outcome::HardwareVersionMismatch);
            world.crash();
            world.cancel_batch(ANN, 1);
            let told = |world: &mut World, party| {
                let notices = world.notices_after(party, 0).into_iter();
                let changes =
                    notices.filter(|it| matches!(it.subject, NoticeSubject::PauseChanged { .. }));
                changes.count()
            };
            for is_replayed in [false, true] {
                assert_eq!(world.engine.stats().stopped, 0);
                assert_eq!(told(&mut world, NoticeParty::User(ANN)), 2);
                assert_eq!(told(&mut world, NoticeParty::Desk), told_of);
                assert_eq!(told(&mut world, NoticeParty::Operators), told_of);
                if !is_replayed {
                    world.crash();
                }
            }
        }
    }

    #[test]
    fn a_batch_that_ends_with_its_canaries_is_not_paused() {
        let mut world = sent(SMALL, 1, 0..1);
        let (session, offer) = world.offered[0].clone();
        world.end(session, offer.attempt, Outcome::HardwareVersionMismatch);
        assert_eq!(world.engine.stats().stopped, 0);
        let mut world = sent(SMALL, 1, 0..4);
        world.cancel_batch(ANN, 1);
        let (session, offer) = world.offered[0].clone();
        world.end(session, offer.attempt, Outcome::HardwareVersionMismatch);
        assert_eq!(world.engine.stats().stopped, 0);
    }

    #[test]
    fn what_an_officer_has_paused_of_a_batch_stays_paused() {
        let mut world = sent(SMALL, 2, 0..8);
        let (user, number) = (ANN, 1);
        let scope = Scope::Batch { user, number };
        world.pause_of_part(scope).expect("paused");
        world.cancel_batch(ANN, 1);
        world.resume_of_part(scope).expect("an officer ends it");
    }

    #[test]
    fn more_than_it_has_devices_or_besides_those_of_its_schedule_are_refused() {
        let mut world = sent(SMALL, 2, 0..8);
        let asked = asking(&mut world, SMALL, (5, 20..24));
        let (canary, devices) = (5, 4);
        let refused = world.submit_this(&asked);
        assert_eq!(refused, Err(Refusal::CanaryTooLarge { canary, devices }));
        let asked = asking(&mut world, SMALL, (4, 20..24));
        world.submit_this(&asked).expect("as many as Devices");
        let other = SubmitBatch {
            canary: None,
            ..asked
        };
        assert_eq!(world.submit_this(&other), Err(Refusal::RequestIdReused));
        let mut world = ready();
        let asked = asking(&mut world, LARGE, (1, 20..24));
        let schedule = 1;
        let refused = world.submit_this(&asked);
        assert_eq!(refused, Err(Refusal::CanaryOfSchedule { schedule }));
    }
}

fn first_of_own(world: &mut World, of: std::ops::Range<u64>) {
    let asked = dco_engine::SubmitBatch {
        canary: NonZeroU32::new(1),
        ..world.batch_of(BOB, &manifest(2, LARGE), &devices(of))
    };
    world.submit_this(&asked).expect("within the allowance");
}

fn is_passed(world: &mut World, user: dco_block::Eui64, batch: u64) -> bool {
    let canary = world.batch(user, batch).canary;
    canary.expect("it has one").passed
}

#[test]
fn each_batch_has_its_own_canaries_and_its_own_officer_s_word() {
    let mut world = agreed();
    first_of_own(&mut world, 40..43);
    first_of_own(&mut world, 44..47);
    let session = world.connect(NORTH);
    world.pass(HOUR_US);
    let offers = world.offers();
    let gone = offers.iter().map(|offer| offer.attempt.activation.device);
    assert_eq!(gone.collect::<Vec<_>>(), [device(40), device(44)]);
    for offer in offers {
        world.end(session, offer.attempt, Outcome::HardwareVersionMismatch);
    }
    let of = |number| Scope::Batch { user: BOB, number };
    world.resume_of_part(of(1)).expect("a rule paused it");
    let passed = [1, 2].map(|batch| is_passed(&mut world, BOB, batch));
    assert_eq!(passed, [true, false]);
    world.resume_of_part(of(2)).expect("a rule paused it too");
    assert!(is_passed(&mut world, BOB, 2));
}

#[test]
fn who_resumes_a_schedule_answers_for_the_image_that_failed_and_no_other() {
    let mut world = agreed();
    world.store(ANN, &manifest(3, LARGE), &devices(0..40));
    for (version, of) in [(2, 0..4), (3, 10..14)] {
        let image = manifest(version, LARGE);
        world
            .submit_for((ANN, &image), &devices(of), date("2026-06-04"))
            .expect("agreed");
    }
    let session = world.connect(NORTH);
    world.until(noon("2026-06-04") - 11 * HOUR_US);
    let failed = world.offers().swap_remove(0);
    assert_eq!(failed.attempt.activation.batch, 1);
    world.end(session, failed.attempt, Outcome::HardwareVersionMismatch);
    world
        .resume_of_part(Scope::Schedule(first_of(ANN)))
        .expect("a rule paused it");
    let passed = [1, 2].map(|batch| is_passed(&mut world, ANN, batch));
    assert_eq!(passed, [true, false]);
}

#[test]
fn of_two_batches_for_one_day_the_first_sent_goes_first() {
    let mut world = agreed();
    for of in [0..4, 10..14] {
        world
            .submit_for((ANN, &manifest(2, LARGE)), &devices(of), date("2026-06-04"))
            .expect("agreed");
    }
    world.connect(NORTH);
    world.until(noon("2026-06-04") - 11 * HOUR_US);
    let gone = world.offered.iter();
    let gone: Vec<_> = gone.map(|(_, it)| it.attempt.activation.device).collect();
    assert_eq!(gone, devices(0..2));
}
