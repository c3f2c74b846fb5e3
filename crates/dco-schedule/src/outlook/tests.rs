use proptest::prelude::*;

use super::*;
use crate::testing::{Desk, date};
use crate::{HourProfile, Setting, Span};

const HOUR_US: Micros = 3_600_000_000;

fn pacing() -> Pacing<u8> {
    Pacing {
        today: None,
        burst: 1,
        weights: BTreeMap::new(),
    }
}

fn waiting(user: u8, days: i32, units: u32) -> Waiting<u8> {
    Waiting {
        user,
        date: date(days),
        units,
        window: None,
        run_ahead: false,
    }
}

fn within(user: u8, days: i32, units: u32, (from, to): (u8, u8)) -> Waiting<u8> {
    Waiting {
        window: Some(HourWindow::new(from, to).unwrap()),
        ..waiting(user, days, units)
    }
}

/// When the last of each leaves: hours and whole minutes after the start of which day.
fn releases(desk: &Desk, work: &[Waiting<u8>], pacing: &Pacing<u8>) -> Vec<(i32, i64, i64)> {
    let mut outlook = desk.book.outlook(work.to_vec(), pacing, desk.at());
    for _ in 0..30 {
        outlook.next_day();
    }
    assert!(outlook.is_done());
    let days = outlook.releases().map(|(_, last)| {
        let (date, at_us) = last.unwrap();
        let minutes = (at_us - desk.calendar.day(date).start_us) / 60_000_000;
        (date.days(), minutes / 60, minutes % 60)
    });
    days.collect()
}

fn set_profile(desk: &mut Desk, weights: [u16; 24]) {
    let set = crate::CapacitySet {
        span: Span::From(date(10)),
        setting: Setting::Profile(HourProfile::new(weights).unwrap()),
        signed: crate::testing::by_desk(1, desk.now_us),
    };
    let change = desk.book.decide_capacity(set, &desk.at()).unwrap();
    desk.take(change);
}

/// 96 units a day: one in a quarter of an hour.
fn quarters() -> Desk {
    let mut desk = Desk::new();
    desk.set_capacity(Span::From(date(10)), 96);
    desk
}

#[test]
fn a_flat_day_lets_go_an_even_row() {
    let desk = quarters();
    let work = [waiting(1, 10, 1), waiting(1, 10, 48), waiting(1, 10, 95)];
    let expected = [(10, 0, 0), (10, 12, 0), (11, 11, 45)];
    assert_eq!(releases(&desk, &work, &pacing()), expected);
}

/// From 16 to 20 nothing, from 0 to 6 twice as much.
#[test]
fn the_hours_of_a_profile_let_go_their_part() {
    let mut desk = quarters();
    let mut weights = [1; 24];
    weights[..6].fill(2);
    weights[16..20].fill(0);
    set_profile(&mut desk, weights);
    desk.set_capacity(Span::From(date(10)), 26 * 4);
    let work = [12, 36, 8 + 32, 1, 15].map(|units| waiting(1, 10, units));
    let expected = [
        (10, 1, 22),
        (10, 5, 52),
        (10, 15, 45),
        (10, 20, 0),
        (10, 23, 45),
    ];
    assert_eq!(releases(&desk, &work[..], &pacing()), expected);
}

/// What nobody could use before the window opened is spread over what is left of the day, so its hours carry more than their part: 16
/// of 96 in two of twelve hours.
#[test]
fn a_window_has_what_is_left_of_the_day() {
    let desk = quarters();
    let work = [16, 3].map(|units| within(1, 10, units, (12, 14)));
    let expected = [(10, 13, 52), (11, 12, 15)];
    assert_eq!(releases(&desk, &work, &pacing()), expected);
}

#[test]
fn in_the_hours_of_a_window_others_have_their_share() {
    let desk = quarters();
    let work = [within(1, 10, 8, (0, 2)), waiting(2, 10, 8)];
    let expected = [(11, 0, 45), (10, 2, 45)];
    assert_eq!(releases(&desk, &work, &pacing()), expected);
    // Nine in ten are user 1's: 7 of the 8 in these hours.
    let weights = BTreeMap::from([(1, 9), (2, 1)]);
    let shared = Pacing {
        weights,
        ..pacing()
    };
    let expected = [(11, 0, 0), (10, 3, 30)];
    assert_eq!(releases(&desk, &work, &shared), expected);
}

#[test]
fn what_nobody_has_ready_work_for_goes_to_what_may_run_ahead() {
    let desk = quarters();
    let ahead = Waiting {
        run_ahead: true,
        ..waiting(1, 12, 50)
    };
    let work = [ahead, waiting(2, 10, 60)];
    let expected = [(11, 3, 15), (10, 14, 45)];
    assert_eq!(releases(&desk, &work, &pacing()), expected);
    let in_its_hours = Waiting {
        run_ahead: true,
        ..within(1, 12, 10, (22, 24))
    };
    let work = [in_its_hours, waiting(2, 10, 60)];
    assert_eq!(releases(&desk, &work, &pacing())[0].0, 10);
}

/// Half of the day's units left in its first hour: the others are spread over the other 23.
#[test]
fn today_goes_on_where_its_bucket_stands() {
    let mut desk = quarters();
    let start_us = desk.calendar.day(date(10)).start_us;
    desk.ledger.open_day(date(10), 96);
    let pace = Pace::new(vec![(start_us, 1)], start_us + 24 * HOUR_US).unwrap();
    let mut bucket = Bucket::new(pace, 50);
    for unit in 0..49 {
        bucket.take(start_us + HOUR_US, 96 - unit);
        desk.ledger.charge(date(10), 1).unwrap();
    }
    desk.now_us = start_us + HOUR_US;
    let next_us = bucket.ready_at(desk.now_us, 47);
    let pacing = Pacing {
        today: Some(bucket),
        ..pacing()
    };
    let work = [waiting(1, 10, 1), waiting(1, 10, 46), waiting(1, 10, 1)];
    let mut outlook = desk.book.outlook(work.to_vec(), &pacing, desk.at());
    assert_eq!(outlook.next_day().available, 47);
    assert_eq!(outlook.released_us(0), Some(next_us));
    assert_eq!(outlook.released_us(2), None);
    outlook.next_day();
    assert_eq!(outlook.released_us(2), Some(start_us + 24 * HOUR_US));
}

#[test]
fn hours_without_weight_and_days_without_capacity_let_nothing_go() {
    let mut desk = quarters();
    let mut weights = [0; 24];
    weights[5] = 1;
    set_profile(&mut desk, weights);
    desk.now_us = desk.calendar.day(date(10)).start_us + 6 * HOUR_US;
    desk.set_capacity(Span::On(date(11)), 0);
    let work = [waiting(1, 10, 96)];
    let pacing = pacing();
    let mut outlook = desk.book.outlook(work.to_vec(), &pacing, desk.at());
    let days = [0; 3].map(|_| outlook.next_day());
    let available = days.each_ref().map(|day| (day.available, day.carried));
    assert_eq!(available, [(0, 96), (0, 96), (96, 0)]);
}

fn some_work() -> impl Strategy<Value = Vec<Waiting<u8>>> {
    let window = proptest::option::of((0..=20_u8, 2..10_u8));
    let one = (1..4_u8, 9..14_i32, 1..120_u32, window, any::<bool>());
    let work = one.prop_map(|(user, days, units, window, run_ahead)| Waiting {
        window: window.map(|(from, long)| HourWindow::new(from, (from + long).min(24)).unwrap()),
        run_ahead,
        ..waiting(user, days, units)
    });
    proptest::collection::vec(work, 1..8)
}

proptest! {
    /// Nothing is lost, no day lets go more than it has, and all leaves in its hours and not before its day unless it may.
    #[test]
    fn all_leaves_once_and_when_it_may(
        work in some_work(), weights in proptest::collection::vec(0..4_u16, 24), hour in 0..24_i64,
    ) {
        let mut desk = quarters();
        let mut by_hour: [u16; 24] = weights.try_into().unwrap();
        by_hour[23] = 1;
        by_hour[8] = 1;
        set_profile(&mut desk, by_hour);
        desk.now_us = desk.calendar.day(date(10)).start_us + hour * HOUR_US;
        let pacing = pacing();
        let mut outlook = desk.book.outlook(work.clone(), &pacing, desk.at());
        let mut left: u64 = 0;
        for _ in 0..60 {
            let day = outlook.next_day();
            let released: u64 = day.released.values().sum();
            prop_assert!(released <= day.available && day.available <= 96);
            prop_assert!(day.released.values().all(|units| *units > 0), "only Users that something leaves of");
            left += released;
        }
        let hours_have_weight = |it: &Waiting<u8>| it.window.is_none_or(|window| {
            (0..24).any(|hour| window.has(hour) && by_hour[usize::from(hour)] > 0)
        });
        let all: u64 = work.iter().map(|it| u64::from(it.units)).sum();
        prop_assert!(left <= all);
        prop_assert_eq!(outlook.is_done(), left == all);
        for (waiting, last) in outlook.releases() {
            let Some((day, at_us)) = last else {
                prop_assert!(!hours_have_weight(&waiting), "{:?} never leaves", waiting);
                continue;
            };
            let day = desk.calendar.day(day);
            prop_assert!(day.contains(at_us) && at_us >= desk.now_us);
            prop_assert!(waiting.run_ahead || day.date >= waiting.date.max(date(10)));
            if let Some(window) = waiting.window {
                let (opens_us, closes_us) = window.on(&day, &desk.calendar.hours(&day));
                prop_assert!(opens_us <= at_us && at_us < closes_us);
            }
        }
    }

    /// Whatever the profile and the clocks do, up to the last date that there is.
    #[test]
    fn a_whole_day_lets_go_its_capacity(
        mut weights in proptest::collection::vec(prop::sample::select(vec![0, 1, u16::MAX]), 24),
        hour in 0..24_usize,
        day in prop::sample::select(vec!["2026-03-29", "2026-06-01", "2026-10-25", "9998-12-31"]),
    ) {
        let mut desk = quarters();
        weights[hour] = 1;
        set_profile(&mut desk, weights.try_into().unwrap());
        desk.today = day.parse().unwrap();
        desk.now_us = desk.calendar.day(desk.today).start_us;
        let pacing = pacing();
        let work = vec![waiting(1, desk.today.days(), 97)];
        let mut outlook = desk.book.outlook(work, &pacing, desk.at());
        let passed = outlook.next_day();
        prop_assert_eq!((passed.available, passed.carried), (96, 1));
    }

    /// Lines are only where somebody asks: cut or whole, what leaves is the same.
    #[test]
    fn a_cut_changes_nothing(work in some_work(), cut in 1..120_u32) {
        let desk = quarters();
        let pacing = pacing();
        let parts = work.iter().flat_map(|it| {
            let first = it.units.min(cut);
            [first, it.units - first].map(|units| Waiting { units, ..*it })
        });
        let mut whole = desk.book.outlook(work.clone(), &pacing, desk.at());
        let mut cut = desk.book.outlook(parts.collect(), &pacing, desk.at());
        for _ in 0..40 {
            prop_assert_eq!(whole.next_day(), cut.next_day());
        }
        let last = |outlook: &Outlook<'_, u8>| outlook.releases().map(|(_, last)| last).max();
        prop_assert_eq!(last(&whole), last(&cut));
    }
}
