use std::num::NonZeroU32;

use proptest::prelude::*;

use super::*;
use crate::testing::{Desk, TERMS, date, quota, request};
use crate::{
    BookTerms, Calendar, CapacityPlan, HourProfile, HourWindow, Ledger, LedgerTerms, Reserve, Span,
};

fn wants(devices: u32, days: (i32, i32)) -> Request {
    Request {
        devices: NonZeroU32::new(devices).unwrap(),
        earliest: date(days.0),
        latest: date(days.1),
        ..request(1)
    }
}

fn what_if(requests: &[(u8, Request)], waiting: &[(u8, i32, u32)]) -> WhatIf<u8> {
    let waiting = waiting.iter().map(|(user, days, units)| Waiting {
        user: *user,
        date: date(*days),
        units: *units,
        window: None,
        run_ahead: false,
    });
    WhatIf {
        requests: requests.to_vec(),
        waiting: waiting.collect(),
        pacing: Pacing {
            today: None,
            burst: 1,
            weights: BTreeMap::new(),
        },
        trt_days: 5,
    }
}

fn released(simulation: &Simulation<u8>) -> Vec<(i32, Vec<(u8, u64)>)> {
    let days = simulation.days.iter();
    days.map(|day| {
        (
            day.date.days(),
            day.released
                .iter()
                .map(|(user, units)| (*user, *units))
                .collect(),
        )
    })
    .collect()
}

#[test]
fn requests_are_tried_first_come_first_and_change_nothing() {
    let mut desk = Desk::new();
    desk.agreed(1, &[(11, 30)]);
    let before = desk.book.clone();
    let tried = what_if(
        &[
            (2, wants(70, (11, 14))),
            (3, wants(40, (11, 14))),
            (3, wants(9_999, (11, 14))),
        ],
        &[],
    );
    let simulation = desk.book.simulate(&tried, &desk.at());
    assert_eq!(simulation.quotas[0], Ok(quota(&[(11, 50), (12, 20)])));
    assert_eq!(simulation.quotas[1], Ok(quota(&[(12, 40)])));
    assert_eq!(simulation.quotas[2].as_ref().unwrap_err().wanted, 9_999);
    assert_eq!(
        released(&simulation),
        [
            (10, vec![]),
            (11, vec![(1, 30), (2, 50)]),
            (12, vec![(2, 20), (3, 40)])
        ]
    );
    let full: Vec<_> = simulation.days.iter().map(SimulatedDay::is_full).collect();
    assert_eq!(full, [false, true, false]);
    let finish: Vec<_> = simulation.users.values().map(|user| user.finish).collect();
    assert_eq!(finish, [Some(date(11)), Some(date(12)), Some(date(12))]);
    assert_eq!(desk.book, before);
}

#[test]
fn what_was_sent_is_counted_once() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(10, 30), (11, 20)]);
    desk.send(id, 10, 25);
    let simulation = desk
        .book
        .simulate(&what_if(&[], &[(1, 10, 12)]), &desk.at());
    assert_eq!(
        released(&simulation),
        [(10, vec![(1, 17)]), (11, vec![(1, 20)])]
    );
    assert_eq!(simulation.users[&1].units, 37);
}

#[test]
fn what_is_released_already_is_not_there_today() {
    let mut desk = Desk::new();
    desk.ledger.open_day(date(10), 100);
    for _ in 0..70 {
        desk.ledger.charge(date(10), 1).unwrap();
    }
    let simulation = desk
        .book
        .simulate(&what_if(&[], &[(1, 10, 40)]), &desk.at());
    assert_eq!(
        released(&simulation),
        [(10, vec![(1, 30)]), (11, vec![(1, 10)])]
    );
    assert_eq!(simulation.days[0].carried, 10);
}

#[test]
fn after_a_drop_users_share_and_what_comes_late_is_at_risk() {
    let mut desk = Desk::new();
    desk.agreed(1, &[(11, 60)]);
    desk.agreed(2, &[(11, 20), (12, 20)]);
    // Nothing of 12 can be agreed, and all of it is released.
    desk.set_capacity(Span::From(date(11)), 12);
    let simulation = desk.book.simulate(&what_if(&[], &[]), &desk.at());
    let shares = &released(&simulation)[1..3];
    assert_eq!(
        shares[0],
        (11, vec![(1, 9), (2, 3)]),
        "60 to 20, in whole units"
    );
    assert_eq!(shares[1], (12, vec![(1, 7), (2, 5)]), "51 to 37");
    assert_eq!(simulation.days[1].carried, 68);
    for user in [1, 2] {
        let risks = &simulation.users[&user].at_risk;
        assert_eq!((risks[0].date, risks[0].due), (date(11), date(16)));
        assert!(risks[0].released.unwrap() >= date(15));
    }
    assert_eq!(simulation.users[&2].at_risk.len(), 2);
}

#[test]
fn what_is_asked_for_today_makes_the_share_of_today_larger() {
    let mut desk = Desk::new();
    desk.set_capacity(Span::On(date(10)), 90);
    let mut tried = what_if(&[(2, wants(40, (10, 10)))], &[(1, 10, 80), (2, 10, 60)]);
    tried.pacing.weights = [(1, 40), (2, 40)].into();
    let simulation = desk.book.simulate(&tried, &desk.at());
    assert_eq!(released(&simulation)[0], (10, vec![(1, 30), (2, 60)]));
}

/// At ten o'clock 15 of 100 can leave up to noon, shared 40 to 50; on the days after 34 in the six hours of the window, because nobody used
/// the hours before.
#[test]
fn work_of_a_window_leaves_only_so_far_as_its_hours_carry() {
    let mut desk = Desk::new();
    let window = HourWindow::new(6, 12).unwrap();
    let in_window = |user, units| Waiting {
        user,
        date: date(10),
        units,
        window: Some(window),
        run_ahead: false,
    };
    let mut tried = what_if(&[], &[(2, 10, 30)]);
    tried.waiting.extend([in_window(1, 40), in_window(2, 20)]);
    desk.now_us = desk.calendar.day(date(10)).start_us + 10 * 3_600_000_000;
    let simulation = desk.book.simulate(&tried, &desk.at());
    assert_eq!(
        released(&simulation),
        [
            (10, vec![(1, 7), (2, 30)]),
            (11, vec![(1, 21), (2, 13)]),
            (12, vec![(1, 12), (2, 7)]),
        ]
    );
}

#[test]
fn a_trt_is_at_risk_from_the_day_before_it_is_due() {
    let released = |days| at_risk(date(10), Some(date(days)), 5).is_some();
    assert_eq!([13, 14, 15].map(released), [false, true, true]);
    assert!(at_risk(date(10), None, 5).is_some());
}

#[test]
fn what_never_leaves_has_no_finish() {
    let mut desk = Desk::new();
    desk.set_capacity(Span::From(date(10)), 0);
    let simulation = desk.book.simulate(&what_if(&[], &[(1, 9, 3)]), &desk.at());
    assert_eq!(
        simulation.days.len(),
        61,
        "twice as far as quotas reach, and today"
    );
    let user = &simulation.users[&1];
    assert_eq!((user.units, user.finish), (3, None));
    let never = AtRisk {
        date: date(9),
        due: date(14),
        released: None,
    };
    assert_eq!(user.at_risk, [never]);
}

#[test]
fn a_user_is_not_done_while_something_of_it_never_leaves() {
    let mut desk = Desk::new();
    let mut weights = [1; 24];
    weights[3..5].fill(0);
    let set = crate::CapacitySet {
        span: Span::From(date(10)),
        setting: crate::Setting::Profile(HourProfile::new(weights).unwrap()),
        signed: crate::testing::by_desk(1, desk.now_us),
    };
    let change = desk.book.decide_capacity(set, &desk.at()).unwrap();
    desk.take(change);
    let mut tried = what_if(&[], &[(1, 10, 5), (1, 10, 5), (1, 10, 5)]);
    tried.waiting[1].window = Some(HourWindow::new(3, 5).unwrap());
    let simulation = desk.book.simulate(&tried, &desk.at());
    assert_eq!(released(&simulation)[0], (10, vec![(1, 10)]));
    assert_eq!(simulation.users[&1].finish, None);
}

/// A book as in production: 12,000 a day, 8,960 of them for schedules.
fn real_book(reserve: Reserve) -> (Book<u8>, Ledger<u8>) {
    let terms = BookTerms {
        days_ahead_max: 400,
        reserve,
        ..TERMS
    };
    let ledger = Ledger::new(LedgerTerms {
        allowance_per_day: 500,
    });
    (
        Book::new(terms, CapacityPlan::new(12_000, HourProfile::flat())),
        ledger,
    )
}

/// 670,000 Devices of five Users.
fn estate() -> Vec<(u8, Request)> {
    let devices = [270_000, 160_000, 120_000, 80_000, 40_000];
    let per_day_max = NonZeroU32::new(12_000).unwrap();
    let request = |devices| Request {
        per_day_max,
        ..wants(devices, (11, 100))
    };
    (1..).zip(devices.map(request)).collect()
}

#[test]
fn the_whole_estate_takes_56_days_at_full_capacity_and_75_beside_the_reserve() {
    let nothing = Reserve {
        allowance: 0,
        security: 0,
        retry_permille: 0,
    };
    for (reserve, days) in [(nothing, 56), (Reserve::default(), 75)] {
        let (book, ledger) = real_book(reserve);
        let at = At {
            now_us: 0,
            today: date(11),
            ledger: &ledger,
            unreleased: &BTreeMap::new(),
            calendar: &Calendar::london(),
        };
        let simulation = book.simulate(&what_if(&estate(), &[]), &at);
        assert_eq!(simulation.days.len(), days);
        let full = simulation.days.iter().filter(|day| day.is_full()).count();
        assert_eq!(full, days - 1, "all but the last");
        let units: u64 = simulation.users.values().map(|user| user.units).sum();
        assert_eq!(units, 670_000);
        assert!(
            simulation
                .users
                .values()
                .all(|user| user.at_risk.is_empty())
        );
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_and_no_day_gives_more_than_it_has(
        waiting in proptest::collection::vec((1..4_u8, 5..20_i32, 0..200_u32), 0..12),
        devices in proptest::collection::vec((1..6_u8, 1..300_u32), 0..4),
        capacities in proptest::collection::vec(12..130_u32, 10),
    ) {
        let mut desk = Desk::new();
        for (day, capacity) in (10..).zip(capacities) {
            desk.set_capacity(Span::On(date(day)), capacity);
        }
        let requests: Vec<_> = devices.iter().map(|(user, devices)| (*user, wants(*devices, (10, 40)))).collect();
        let simulation = desk.book.simulate(&what_if(&requests, &waiting), &desk.at());
        let placed: u64 = simulation.quotas.iter().flatten().map(Quota::total).sum();
        let asked: u64 = waiting.iter().map(|(.., units)| u64::from(*units)).sum();
        let units: u64 = simulation.users.values().map(|user| user.units).sum();
        prop_assert_eq!(units, placed + asked);
        let mut left = 0;
        for day in &simulation.days {
            let served: u64 = day.released.values().sum();
            prop_assert!(served <= day.available);
            prop_assert!(day.carried == 0 || served == day.available, "no unit is left while anybody waits");
            left += served;
        }
        prop_assert_eq!(left, units, "all of it leaves in the end");
        prop_assert!(simulation.users.values().all(|user| user.finish.is_some() || user.units == 0));
        let last = simulation.users.values().filter_map(|user| user.finish).max();
        prop_assert_eq!(simulation.days.last().map(|day| day.date), last);
    }
}
