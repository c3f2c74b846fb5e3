use std::num::NonZeroU32;

use proptest::prelude::*;

use super::*;
use crate::testing::{ANSWER_BY_US, CAPACITY, Desk, date, deal, offer, quota, request};
use crate::{Act, Calendar, Cause, Deal, Span};

const DAY_US: Micros = 86_400_000_000;

fn wants(devices: u32, per_day_max: u32, days: (i32, i32)) -> Request {
    Request {
        devices: NonZeroU32::new(devices).unwrap(),
        per_day_max: NonZeroU32::new(per_day_max).unwrap(),
        earliest: date(days.0),
        latest: date(days.1),
        ..request(1)
    }
}

fn fits(desk: &Desk, request: &Request) -> Fits<u8> {
    let terms = FitTerms {
        window: None,
        trt_us: 5 * DAY_US,
        in_flight_days: 5,
        in_flight_max: 300,
    };
    desk.book.fits(9, request, &terms, &desk.at())
}

fn quotas(fits: &Fits<u8>) -> [Option<Quota>; 3] {
    let each = [&fits.earliest_end, &fits.flattest, &fits.moves_nobody];
    each.map(|fit| fit.as_ref().ok().map(|fit| fit.quota.clone()))
}

#[test]
fn in_an_empty_book_nobody_is_moved() {
    let fits = fits(&Desk::new(), &wants(200, 90, (11, 20)));
    let early = Some(quota(&[(11, 80), (12, 80), (13, 40)]));
    let flat = (11..21).map(|day| (date(day), 20)).collect();
    assert_eq!(quotas(&fits), [early.clone(), Some(flat), early]);
    assert!(fits.earliest_end.unwrap().replan.amendments.is_empty());
}

#[test]
fn the_earliest_end_moves_whom_it_must_and_the_others_nobody() {
    let mut desk = Desk::new();
    let first = desk.agreed(1, &[(11, 80), (12, 80)]);
    let fits = fits(&desk, &wants(100, 90, (11, 14)));
    let moving = quota(&[(11, 80), (12, 20)]);
    let flat = quota(&[(13, 50), (14, 50)]);
    let early = quota(&[(13, 80), (14, 20)]);
    assert_eq!(quotas(&fits), [Some(moving), Some(flat), Some(early)]);
    let plan = fits.earliest_end.unwrap().replan;
    assert_eq!(plan.amendments.len(), 1);
    let it = &plan.amendments[0];
    assert_eq!((it.id, &it.taken), (first, &quota(&[(11, 80), (12, 20)])));
    assert_eq!(it.given, quota(&[(13, 80), (14, 20)]));
    assert!(plan.left.is_empty());
}

#[test]
fn the_plan_of_the_earliest_end_can_be_agreed_and_then_the_offer() {
    let mut desk = Desk::new();
    desk.agreed(1, &[(11, 80), (12, 80)]);
    desk.agreed(2, &[(13, 50)]);
    let asked = wants(100, 90, (11, 14));
    let newcomer = desk.requested(9, asked);
    let fit = fits(&desk, &asked).earliest_end.unwrap();
    for it in fit.replan.amendments {
        let amend = Act::Amend {
            deal: Deal {
                quota: it.quota,
                terms: deal(&[]).terms,
            },
            answer_by_us: ANSWER_BY_US,
            cause: Some(Cause::MakesRoomFor(newcomer)),
        };
        desk.desk(it.id, amend).unwrap();
        desk.approve(102).unwrap();
        desk.user(it.id, Act::Accept).unwrap();
    }
    let terms = deal(&[]).terms;
    desk.desk(
        newcomer,
        offer(Deal {
            quota: fit.quota,
            terms,
        }),
    )
    .unwrap();
    desk.user(newcomer, Act::Accept).unwrap();
}

#[test]
fn where_nobody_can_be_moved_in_time_the_end_is_later() {
    let mut desk = Desk::new();
    let first = desk.agreed(1, &[(11, 80), (12, 80)]);
    desk.send(first, 11, 75);
    desk.send(first, 12, 60);
    let fits = fits(&desk, &wants(40, 90, (11, 12)));
    let early = fits.earliest_end.unwrap();
    assert_eq!(early.quota, quota(&[(13, 40)]));
    assert!(early.ends_late && early.replan.amendments.is_empty());
    let none = NoFit {
        wanted: 40,
        room: 0,
        from: date(11),
        to: date(12),
    };
    assert_eq!(fits.flattest, Err(none));
    assert!(fits.moves_nobody.unwrap().ends_late);
    let just_in_time = self::fits(&desk, &wants(40, 90, (11, 13)));
    let fit = just_in_time.moves_nobody.unwrap();
    assert_eq!((fit.quota.last(), fit.ends_late), (Some(date(13)), false));
}

#[test]
fn days_of_users_that_cannot_be_moved_are_passed_over() {
    let mut desk = Desk::new();
    let stays = desk.agreed(1, &[(11, 80)]);
    desk.send(stays, 11, 80);
    let goes = desk.agreed(2, &[(12, 80)]);
    let early = fits(&desk, &wants(40, 90, (11, 12))).earliest_end.unwrap();
    assert_eq!(early.quota, quota(&[(12, 40)]));
    assert_eq!(early.replan.amendments[0].id, goes);
}

#[test]
fn what_never_fits_says_how_much_would() {
    let desk = Desk::new();
    let fits = fits(&desk, &wants(1_000, 10, (9, 50)));
    let none = NoFit {
        wanted: 1_000,
        room: 310,
        from: date(10),
        to: date(40),
    };
    assert_eq!(
        (&fits.moves_nobody, &fits.flattest),
        (&Err(none), &Err(none))
    );
    assert_eq!(fits.earliest_end, Err(none));
    assert_eq!(
        none.to_string(),
        "1000 units are wanted from 1970-01-11 to 1970-02-10 and 310 fit; ask for fewer Devices, a higher daily \
         maximum or other days"
    );
}

#[test]
fn each_day_says_what_is_free_when_it_is_due_and_what_is_under_way() {
    let mut desk = Desk::new();
    desk.agreed(1, &[(10, 40), (11, 30), (12, 50)]);
    let fits = fits(&desk, &wants(60, 40, (11, 20)));
    let days = fits.moves_nobody.unwrap().days;
    let start_us = Calendar::london().day(date(11)).start_us;
    let first = FitDay {
        date: date(11),
        free_before: 50,
        quota: 40,
        free_after: 10,
        due_us: start_us + 5 * DAY_US,
        // Days 7 to 11: 20 reserved on each, 40 and 30 agreed, 40 offered.
        in_flight: 100 + 70 + 40,
        in_flight_ok: true,
    };
    assert_eq!(days[0], first);
    assert_eq!(
        (days[1].date, days[1].in_flight),
        (date(12), 100 + 120 + 60)
    );
}

#[test]
fn too_much_under_way_is_said() {
    let mut desk = Desk::new();
    desk.agreed(1, &[(11, 80), (12, 80)]);
    let days = fits(&desk, &wants(160, 80, (13, 20)))
        .moves_nobody
        .unwrap()
        .days;
    let said: Vec<_> = days
        .iter()
        .map(|day| (day.in_flight, day.in_flight_ok))
        .collect();
    assert_eq!(said, [(340, false), (420, false)]);
}

/// TRT is five times 24 hours: across a clock change it falls on another hour of the day.
#[test]
fn a_due_time_is_120_hours_after_the_day_starts() {
    let mut desk = Desk::new();
    let march: ServiceDate = "2026-03-27".parse().unwrap();
    desk.today = march;
    let asked = Request {
        earliest: march,
        latest: march,
        ..request(5)
    };
    let day = fits(&desk, &asked).flattest.unwrap().days[0];
    let calendar = Calendar::london();
    let due = calendar.day_at(day.due_us);
    assert_eq!(due.date.to_string(), "2026-04-01");
    assert_eq!(
        day.due_us - due.start_us,
        3_600_000_000,
        "an hour after midnight"
    );
}

fn is_enough(quota: &Quota, rooms: &[(ServiceDate, u32)], devices: u32) -> bool {
    quota.total() == u64::from(devices)
        && quota.days().all(|(date, units)| {
            rooms
                .iter()
                .any(|(day, room)| *day == date && units <= *room)
        })
}

proptest! {
    /// Against looking at every last day, and every peak.
    #[test]
    fn offers_are_the_earliest_and_the_flattest_there_are(
        capacities in proptest::collection::vec(0..130_u32, 31),
        (devices, most) in (1..600_u32, 1..100_u32),
        (first, length) in (10..20_i32, 0..20_i32),
    ) {
        let mut desk = Desk::new();
        for (day, capacity) in (10..).zip(&capacities) {
            desk.set_capacity(Span::On(date(day)), *capacity);
        }
        let asked = wants(devices, most, (first, first + length));
        let rooms: Vec<_> = (first..=40).map(|day| {
            (date(day), u32::try_from(desk.book.free(date(day))).unwrap().min(most))
        }).collect();
        let held = |until: i32, peak: u32| -> u32 {
            rooms.iter().filter(|(day, _)| *day <= date(until)).map(|(_, room)| (*room).min(peak)).sum()
        };
        let fits = fits(&desk, &asked);
        let earliest = (first..=40).find(|day| held(*day, most) >= devices).map(date);
        prop_assert_eq!(fits.moves_nobody.as_ref().ok().and_then(|fit| fit.quota.last()), earliest);
        prop_assert_eq!(&fits.earliest_end, &fits.moves_nobody, "nobody is there to be moved");
        let lowest = (1..=most).find(|peak| held(first + length, *peak) >= devices);
        prop_assert_eq!(fits.flattest.as_ref().ok().map(|fit| fit.quota.peak()), lowest);
        for fit in [fits.earliest_end, fits.flattest, fits.moves_nobody].into_iter().flatten() {
            prop_assert!(is_enough(&fit.quota, &rooms, devices));
        }
    }

    /// Against trying every last day in turn.
    #[test]
    fn no_earlier_end_can_be_had_by_moving_others(
        agreed in proptest::collection::vec((1..4_u8, 11..16_i32, 1..60_u32), 0..6),
        (devices, most) in (1..250_u32, 1..90_u32),
    ) {
        let mut desk = Desk::new();
        for (user, day, units) in agreed {
            let room = u32::try_from(desk.book.free(date(day))).unwrap();
            if units <= room {
                desk.agreed(user, &[(day, units)]);
            }
        }
        desk.set_capacity(Span::From(date(19)), 0);
        let asked = wants(devices, most, (11, 18));
        let mut rooms = desk.book.rooms(&asked, &desk.at(), &Quota::new());
        for room in &mut rooms {
            let agreed = u32::try_from(desk.book.agreed_on(room.date)).unwrap();
            room.others = agreed.min(most - room.free);
        }
        let can = |days: &usize| with_others(&asked, &rooms[..*days]).is_some_and(|(held, units)| {
            let need = Need { units, held, held_in: None, newcomer: Some(9) };
            desk.book.replan(&need, &desk.at()).left.is_empty()
        });
        let earliest = (0..=rooms.len()).find(can).map(|days| date(10 + i32::try_from(days).unwrap()));
        let found = fits(&desk, &asked).earliest_end;
        prop_assert_eq!(found.as_ref().ok().and_then(|fit| fit.quota.last()), earliest);
        if let Ok(fit) = found {
            prop_assert!(fit.replan.left.is_empty());
            prop_assert_eq!(fit.quota.total(), u64::from(devices));
        }
    }
}

#[test]
fn a_day_never_carries_more_than_its_capacity() {
    let mut desk = Desk::new();
    desk.agreed(1, &[(11, 80)]);
    desk.set_capacity(Span::On(date(11)), 30);
    let on_it = quota(&[(11, 5)]);
    assert_eq!(desk.book.may_be_released(date(11), &on_it), 30);
    assert_eq!(
        desk.book.may_be_released(date(12), &on_it),
        u64::from(CAPACITY) / 5
    );
}

/// Two hours of a flat day carry 8 of a hundred; with a window each way keeps to that, and can be agreed as it is.
#[test]
fn what_is_found_for_a_window_fits_its_hours() {
    let mut desk = Desk::new();
    let first = desk.requested(1, request(1_000));
    let window = HourWindow::new(20, 22).unwrap();
    let within = |quota: Quota| {
        let mut deal = deal(&[]);
        (deal.quota, deal.terms.window) = (quota, Some(window));
        deal
    };
    desk.desk(first, offer(within(quota(&[(11, 5), (13, 8)]))))
        .unwrap();
    desk.user(first, Act::Accept).unwrap();
    let asked = wants(20, 90, (11, 20));
    let newcomer = desk.requested(9, asked);
    let terms = FitTerms {
        window: Some(window),
        trt_us: 5 * DAY_US,
        in_flight_days: 5,
        in_flight_max: 300,
    };
    let fits = desk.book.fits(9, &asked, &terms, &desk.at());
    let early = quota(&[(11, 3), (12, 8), (14, 8), (15, 1)]);
    let free = fits.moves_nobody.unwrap();
    assert_eq!(free.quota, early);
    let room: Vec<_> = free.days.iter().map(|day| day.free_before).collect();
    assert_eq!(room, [3, 8, 8, 8]);
    let start_us = desk.calendar.day(date(11)).start_us;
    let due_us = start_us + 20 * DAY_US / 24 + 5 * DAY_US;
    assert_eq!(free.days[0].due_us, due_us, "it begins with the window");
    for found in [free.quota, fits.flattest.unwrap().quota] {
        let mut desk = desk.clone();
        desk.desk(newcomer, offer(within(found))).unwrap();
        desk.user(newcomer, Act::Accept).unwrap();
    }
}

/// Who is moved with a window goes to days on which its hours have room.
#[test]
fn who_is_moved_with_a_window_fits_its_hours_there() {
    let mut desk = Desk::new();
    let window = HourWindow::new(20, 22).unwrap();
    let within = |quota: Quota| {
        let mut deal = deal(&[]);
        (deal.quota, deal.terms.window) = (quota, Some(window));
        deal
    };
    let ids = [1, 2].map(|user| desk.requested(user, request(1_000)));
    let quotas = [quota(&[(11, 8)]), quota(&[(12, 5), (13, 8)])];
    for (id, quota) in ids.into_iter().zip(quotas) {
        desk.desk(id, offer(within(quota))).unwrap();
        desk.user(id, Act::Accept).unwrap();
    }
    desk.set_capacity(Span::On(date(11)), 0);
    let need = Need {
        units: desk.book.over_agreed(desk.today),
        ..Need::default()
    };
    let plan = desk.book.replan(&need, &desk.at());
    assert!(plan.left.is_empty());
    let it = &plan.amendments[0];
    assert_eq!((it.id, it.given.total()), (ids[0], 8));
    assert!(it.given.on(date(12)) <= 3 && it.given.on(date(13)) == 0);
    let amended = Act::Amend {
        deal: within(it.quota.clone()),
        answer_by_us: ANSWER_BY_US,
        cause: Some(Cause::OverAgreed),
    };
    desk.desk(it.id, amended).unwrap();
    desk.approve(102).unwrap();
    desk.user(it.id, Act::Accept).unwrap();
}

#[test]
fn what_is_agreed_already_is_not_planned_again() {
    let mut desk = Desk::new();
    let asked = wants(120, 40, (11, 20));
    let id = desk.requested(9, asked);
    desk.desk(id, offer(deal(&[(11, 40), (12, 30)]))).unwrap();
    let terms = FitTerms {
        window: None,
        trt_us: 5 * DAY_US,
        in_flight_days: 5,
        in_flight_max: 300,
    };
    let more = |desk: &Desk| desk.book.fits_more(id, &terms, &desk.at());
    let whole = Some(quota(&[(11, 40), (12, 40), (13, 40)]));
    assert_eq!(quotas(&more(&desk).unwrap())[2], whole, "not agreed yet");
    desk.user(id, Act::Accept).unwrap();
    let rest = Some(quota(&[(12, 10), (13, 40)]));
    let found = more(&desk).unwrap();
    assert_eq!(quotas(&found)[0], rest);
    assert_eq!(quotas(&found)[2], rest);
    let most = found.flattest.unwrap().quota;
    assert_eq!((most.total(), most.on(date(11))), (50, 0));
    // What was agreed for a day that is over and not sent is wanted again.
    desk.today = date(12);
    let again = Some(quota(&[(12, 10), (13, 40), (14, 40)]));
    assert_eq!(quotas(&more(&desk).unwrap())[2], again);

    let amended = deal(&[(11, 40), (12, 40), (13, 40), (14, 40)]);
    desk.desk(id, crate::testing::amend(amended, None)).unwrap();
    desk.user(id, Act::Accept).unwrap();
    let in_full = Refusal::AgreedInFull { devices: 120 };
    assert_eq!(more(&desk).unwrap_err(), in_full);
}

/// A schedule has one window: what is agreed without one, or in another, leaves in it as well once more is agreed in it.
#[test]
fn more_in_a_window_leaves_room_in_it_for_what_is_agreed() {
    let windows = [None, Some((0, 6)), Some((6, 18))];
    for agreed_in in windows.map(|it| it.map(|(from, to)| HourWindow::new(from, to).unwrap())) {
        let mut desk = Desk::new();
        let id = desk.requested(9, wants(60, 90, (11, 20)));
        let mut some = deal(&[(11, 20)]);
        some.terms.window = agreed_in;
        desk.desk(id, offer(some)).unwrap();
        desk.user(id, Act::Accept).unwrap();
        // A fourth of 100 units.
        let window = HourWindow::new(0, 6).unwrap();
        let terms = FitTerms {
            window: Some(window),
            trt_us: 5 * DAY_US,
            in_flight_days: 5,
            in_flight_max: 300,
        };
        let found = desk.book.fits_more(id, &terms, &desk.at()).unwrap();
        let found = found.moves_nobody.unwrap();
        assert_eq!(found.quota, quota(&[(11, 5), (12, 25), (13, 10)]));
        assert_eq!(
            (found.days[0].free_before, found.days[0].free_after),
            (5, 0)
        );
        let mut whole = deal(&[(11, 25), (12, 25), (13, 10)]);
        whole.terms.window = Some(window);
        desk.desk(id, crate::testing::amend(whole, None)).unwrap();
        desk.user(id, Act::Accept).unwrap();
    }
}
