//! A window whose hours cannot take the quota at the day's pace is refused, with what they can take.

use proptest::prelude::*;

use super::*;
use crate::{BookTerms, Calendar, FullHours, HourProfile, HourWindow, Reserve, WindowShort};

fn window(from: u8, to: u8) -> HourWindow {
    HourWindow::new(from, to).unwrap()
}

fn within(days: &[(i32, u32)], from: u8, to: u8) -> Deal {
    let mut deal = deal(days);
    deal.terms.window = Some(window(from, to));
    deal
}

/// A capacity of 2,400 a day, a hundred an hour, and nothing in reserve.
fn hundred_an_hour() -> Desk {
    let mut desk = Desk::with(BookTerms {
        reserve: Reserve {
            allowance: 0,
            security: 0,
            retry_permille: 0,
        },
        ..TERMS
    });
    desk.set_capacity(Span::From(date(10)), 2_400);
    desk
}

fn set_profile(desk: &mut Desk, profile: HourProfile) {
    let set = CapacitySet {
        span: Span::From(date(10)),
        setting: Setting::Profile(profile),
        signed: by_desk(1, desk.now_us),
    };
    let change = desk.book.decide_capacity(set, &desk.at()).unwrap();
    desk.take(change);
}

fn short(refused: Result<(), Refusal>) -> Vec<WindowShort> {
    match refused {
        Err(Refusal::WindowTooShort { days }) => days,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_offer_whose_window_cannot_carry_its_quota_is_refused_with_what_its_hours_carry() {
    let mut desk = hundred_an_hour();
    let id = desk.requested(1, request(10_000));
    let refused = desk.desk(id, offer(within(&[(11, 400), (12, 401)], 20, 24)));
    let text = refused.clone().unwrap_err().to_string();
    assert_eq!(
        text,
        "the hours of the window cannot take the quota on 1 service day: 1970-01-13 wants 401 of 400 free from 20:00 to \
         24:00 (the pace of the day carries 400, agreed 0); take less on these days, more hours, or no window"
    );
    let expected = WindowShort {
        date: date(12),
        window: window(20, 24),
        wanted: 401,
        free: 400,
        full: Some(FullHours {
            hours: window(20, 24),
            carries: 400,
            agreed: 0,
        }),
    };
    assert_eq!(short(refused), [expected]);
    desk.desk(id, offer(within(&[(11, 400), (12, 400)], 20, 24)))
        .unwrap();
    let refused = desk.user(id, counter(within(&[(11, 201)], 20, 22)));
    assert_eq!(short(refused)[0].free, 200);
    desk.user(id, counter(within(&[(11, 200)], 20, 22)))
        .unwrap();
    desk.desk(id, Act::Accept).unwrap();
}

#[test]
fn windows_of_others_count_where_they_overlap_and_work_without_one_does_not() {
    let mut desk = hundred_an_hour();
    let whole = desk.requested(1, request(10_000));
    desk.desk(whole, offer(deal(&[(11, 900)]))).unwrap();
    desk.user(whole, Act::Accept).unwrap();
    for (user, units, from, to) in [(2, 300, 20, 24), (3, 150, 18, 22)] {
        let id = desk.requested(user, request(10_000));
        desk.desk(id, offer(within(&[(11, units)], from, to)))
            .unwrap();
        desk.user(id, Act::Accept).unwrap();
    }
    let id = desk.requested(4, request(10_000));
    // From 18 to 24 there are 600, of which 450 are taken: 150 are left for whoever is inside, wherever.
    for (units, from, to, fits) in [
        (100, 22, 24, true),
        (101, 22, 24, false),
        (150, 18, 20, true),
        (151, 18, 20, false),
        (150, 18, 24, true),
        (151, 18, 24, false),
        (1_000, 8, 18, true),
        (1_001, 8, 18, false),
    ] {
        let mut desk = desk.clone();
        let asked = desk.desk(id, offer(within(&[(11, units)], from, to)));
        assert_eq!(
            asked.is_ok(),
            fits,
            "{units} from {from} to {to}: {asked:?}"
        );
    }
}

#[test]
fn two_offers_that_fit_a_window_alone_are_not_both_accepted() {
    let mut desk = hundred_an_hour();
    let ids = [1, 2].map(|user| {
        let id = desk.requested(user, request(10_000));
        desk.desk(id, offer(within(&[(11, 300)], 20, 24))).unwrap();
        id
    });
    desk.user(ids[0], Act::Accept).unwrap();
    let refused = short(desk.user(ids[1], Act::Accept));
    assert_eq!(refused[0].free, 100);
}

#[test]
fn a_user_is_told_what_is_free_in_its_window_and_nothing_of_the_windows_of_others() {
    let mut desk = hundred_an_hour();
    let [first, second] = [1, 2].map(|user| desk.requested(user, request(10_000)));
    let offered = |from| offer(within(&[(11, 150)], from, 24));
    desk.desk(second, offered(22)).unwrap();
    desk.desk(first, offer(within(&[(11, 300)], 20, 24)))
        .unwrap();
    desk.user(first, Act::Accept).unwrap();
    let refused = desk.user(second, Act::Accept);
    let text = refused.clone().unwrap_err().to_string();
    assert!(
        text.contains("1970-01-12 wants 150 of 100 free from 22:00 to 24:00; take less"),
        "{text}"
    );
    assert_eq!(short(refused)[0].full, None);
    let full = short(desk.desk(second, offered(22)))[0].full;
    let expected = FullHours {
        hours: window(20, 24),
        carries: 400,
        agreed: 300,
    };
    assert_eq!(full, Some(expected), "the Service Desk sees whose hours");
}

#[test]
fn a_change_of_the_window_alone_is_looked_at_when_it_is_accepted() {
    let mut desk = hundred_an_hour();
    let ids = [1, 2].map(|user| {
        let id = desk.requested(user, request(10_000));
        desk.desk(id, offer(within(&[(11, 300)], 16, 24))).unwrap();
        desk.user(id, Act::Accept).unwrap();
        desk.user(id, amend(within(&[(11, 300)], 20, 24), None))
            .unwrap();
        id
    });
    desk.desk(ids[0], Act::Accept).unwrap();
    let refused = short(desk.desk(ids[1], Act::Accept));
    assert_eq!(refused[0].free, 100);
}

#[test]
fn what_is_no_more_than_before_is_never_refused_for_its_window() {
    let mut desk = hundred_an_hour();
    let id = desk.requested(1, request(10_000));
    desk.desk(id, offer(within(&[(11, 400), (12, 400)], 20, 24)))
        .unwrap();
    desk.user(id, Act::Accept).unwrap();
    desk.set_capacity(Span::From(date(11)), 1_200);
    for (deal, fits) in [
        (within(&[(11, 300), (12, 400)], 20, 24), true),
        (within(&[(11, 400), (12, 400)], 16, 24), true),
        (within(&[(11, 400), (12, 400)], 20, 22), false),
        (within(&[(11, 401), (12, 400)], 20, 24), false),
    ] {
        let mut desk = desk.clone();
        let asked = desk.user(id, amend(deal.clone(), None));
        assert_eq!(asked.is_ok(), fits, "{deal:?}: {asked:?}");
    }
    desk.user(id, Act::End { from: date(12) }).unwrap();
}

/// The day's profile, and the hours that the clocks skip or show twice.
#[test]
fn the_hours_carry_what_the_profile_and_the_clocks_of_the_day_give_them() {
    let mut night = [0; 24];
    (night[0], night[1], night[2], night[22], night[23]) = (1, 1, 1, 1, 1);
    for (day, profile, from, to, carries) in [
        ("2026-06-01", HourProfile::flat(), 20, 24, 400),
        ("2026-06-01", HourProfile::flat(), 0, 24, 2_400),
        // 2 of 23 hours, 1 of 23 hours, 3 of 25 hours.
        ("2026-03-29", HourProfile::flat(), 20, 22, 208),
        ("2026-03-29", HourProfile::flat(), 0, 2, 104),
        ("2026-10-25", HourProfile::flat(), 0, 2, 288),
        ("2028-02-29", HourProfile::flat(), 0, 2, 200),
        ("2026-06-01", HourProfile::new(night).unwrap(), 22, 24, 960),
        ("2026-06-01", HourProfile::new(night).unwrap(), 3, 22, 0),
        ("2026-03-29", HourProfile::new(night).unwrap(), 0, 2, 600),
        ("2026-10-25", HourProfile::new(night).unwrap(), 0, 2, 1_200),
    ] {
        let mut desk = hundred_an_hour();
        let day: ServiceDate = day.parse().unwrap();
        set_profile(&mut desk, profile);
        desk.today = day;
        let calendar = Calendar::london();
        let room = desk
            .book
            .window_day(day, None, &calendar)
            .room(window(from, to));
        assert_eq!(room, carries, "{day} from {from} to {to}");
    }
}

/// Units agreed in windows leave hour by hour, whoever ends first before the others: whether all do.
fn leaves_all(mut windows: Vec<(u8, u8, u32)>, hours: &[u8], an_hour: u32) -> bool {
    windows.sort_by_key(|(_, to, _)| *to);
    for hour in hours {
        let mut left = an_hour;
        for (from, to, units) in &mut windows {
            if *from <= *hour && *hour < *to {
                let now = left.min(*units);
                left -= now;
                *units -= now;
            }
        }
    }
    windows.iter().all(|(_, _, units)| *units == 0)
}

proptest! {
    /// What is agreed in windows is so much as can leave in them hour by hour, and not less: on days of 23, 24 and 25
    /// hours, and on the leap day.
    #[test]
    fn what_is_agreed_in_windows_can_leave_in_them(
        asked in proptest::collection::vec((0..=22_u8, 2..8_u8, 1..400_u32), 1..10),
        day in prop::sample::select(vec!["2026-03-29", "2026-06-01", "2026-10-25", "2028-02-29"]),
    ) {
        let mut desk = hundred_an_hour();
        let date: ServiceDate = day.parse().unwrap();
        let hours: Vec<u8> = {
            let calendar = &desk.calendar;
            calendar.hours(&calendar.day(date)).iter().map(|hour| hour.hour).collect()
        };
        let capacity = 100 * u32::try_from(hours.len()).unwrap();
        desk.set_capacity(Span::On(date), capacity);
        desk.today = date;
        let day = date.days();
        let mut agreed: Vec<(u8, u8, u32)> = Vec::new();
        for (user, (from, hours_long, units)) in (1..).zip(asked) {
            let to = (from + hours_long).min(24);
            let id = desk.requested(user, lasting(day, 10_000));
            let fits = desk.desk(id, offer(within(&[(day, units)], from, to))).is_ok();
            let with: Vec<_> = agreed.iter().copied().chain([(from, to, units)]).collect();
            let total: u32 = with.iter().map(|(_, _, units)| units).sum();
            if total <= capacity {
                prop_assert_eq!(fits, leaves_all(with.clone(), &hours, 100), "{:?}", with);
            }
            if fits {
                desk.user(id, Act::Accept).unwrap();
                agreed = with;
            }
        }
    }
}

/// A request for that day.
fn lasting(day: i32, devices: u32) -> Request {
    Request {
        earliest: date(day),
        latest: date(day),
        ..request(devices)
    }
}

/// Ten hours of the day are over: of a window up to noon two are left, of one up to ten none.
#[test]
fn of_today_only_the_hours_that_are_left_can_take_a_quota() {
    let mut desk = Desk::new();
    desk.now_us = desk.calendar.day(date(10)).start_us + 10 * 3_600_000_000;
    for (hours, days, fits) in [((6, 10), 10, 0), ((6, 12), 10, 8), ((6, 12), 11, 25)] {
        let window = HourWindow::new(hours.0, hours.1).unwrap();
        let id = desk.requested(1, request(100));
        let until_us = desk.now_us + 20;
        let mut offered = |units| {
            let mut deal = deal(&[(days, units)]);
            deal.terms.window = Some(window);
            let answer_by_us = until_us;
            desk.desk(id, Act::Offer { deal, answer_by_us })
        };
        let refused = offered(fits + 1);
        assert!(
            matches!(&refused, Err(Refusal::WindowTooShort { days }) if days[0].free == u64::from(fits)),
            "{hours:?} on {days}: {refused:?}"
        );
        if fits > 0 {
            assert_eq!(offered(fits), Ok(()), "{hours:?} on {days}");
        }
    }
}

/// Day 10 at ten o'clock, with 100 units: of the hours up to noon two are left, and carry 8.
fn at_ten() -> Desk {
    let mut desk = Desk::new();
    desk.now_us = desk.calendar.day(date(10)).start_us + 10 * 3_600_000_000;
    desk
}

fn offered_today(desk: &mut Desk, id: ScheduleId<u8>, units: u32) -> Result<(), Refusal> {
    let deal = within(&[(10, units)], 6, 12);
    let answer_by_us = desk.now_us + 20;
    desk.desk(id, Act::Offer { deal, answer_by_us })
}

#[test]
fn the_hours_that_are_left_of_today_are_there_once_and_not_for_each_schedule() {
    let mut desk = at_ten();
    let [first, second] = [1, 2].map(|user| desk.requested(user, request(100)));
    for id in [first, second] {
        offered_today(&mut desk, id, 5).unwrap();
    }
    desk.user(first, Act::Accept).unwrap();
    let refused = short(desk.user(second, Act::Accept));
    assert_eq!(refused[0].free, 3);
    let third = desk.requested(3, request(100));
    assert_eq!(short(offered_today(&mut desk, third, 4))[0].free, 3);
    offered_today(&mut desk, third, 3).unwrap();
    let terms = crate::FitTerms {
        window: Some(window(6, 12)),
        trt_us: 1,
        in_flight_days: 5,
        in_flight_max: 1_000,
    };
    let asked = lasting(10, 3);
    let fits = desk.book.fits(4, &asked, &terms, &desk.at());
    assert_eq!(fits.moves_nobody.unwrap().days[0].free_before, 3);
}

#[test]
fn what_has_left_today_needs_no_hours() {
    for (sent, unreleased, free) in [(0, 0, 0), (6, 0, 0), (16, 0, 4), (16, 3, 1), (20, 0, 8)] {
        let mut desk = at_ten();
        let now_us = std::mem::replace(&mut desk.now_us, 100);
        let first = desk.requested(1, request(100));
        offered_today(&mut desk, first, 20).unwrap();
        desk.user(first, Act::Accept).unwrap();
        desk.now_us = now_us;
        desk.send(first, 10, sent);
        desk.unreleased.insert((first, date(10)), unreleased);
        let second = desk.requested(2, request(100));
        let refused = short(offered_today(&mut desk, second, free + 1));
        assert_eq!(refused[0].free, u64::from(free), "{sent} {unreleased}");
        if free > 0 {
            offered_today(&mut desk, second, free).unwrap();
        }
        // Its own has the hours that others leave it, for what has not left of it.
        let left = 20 - sent + unreleased;
        let deal = within(&[(10, 21)], 6, 12);
        let answer_by_us = desk.now_us + 20;
        let cause = None;
        let more = desk.user(
            first,
            Act::Amend {
                deal,
                answer_by_us,
                cause,
            },
        );
        assert_eq!(more.is_ok(), left < 8, "{sent} {unreleased}");
    }
}

/// What was agreed before ten has left: from six to twelve there is as little room as from ten, and nobody else is there.
#[test]
fn of_hours_that_are_equally_full_the_nearest_are_told() {
    let mut desk = hundred_an_hour();
    let [first, second] = [1, 2].map(|user| desk.requested(user, lasting(10, 1_000)));
    desk.desk(first, offer(within(&[(10, 300)], 6, 10)))
        .unwrap();
    desk.user(first, Act::Accept).unwrap();
    desk.send(first, 10, 300);
    desk.now_us = at_ten().now_us;
    let deal = within(&[(10, 201)], 10, 12);
    let answer_by_us = desk.now_us + 20;
    let refused = desk.desk(second, Act::Offer { deal, answer_by_us });
    let expected = FullHours {
        hours: window(10, 12),
        carries: 200,
        agreed: 0,
    };
    assert_eq!(short(refused)[0].full, Some(expected));
}

#[test]
fn crowded_windows_are_those_that_cannot_take_their_quota_beside_the_others() {
    let mut desk = hundred_an_hour();
    let whole = [(1, 300, 20, 24), (2, 80, 20, 22), (3, 900, 0, 10)];
    let whole = whole.map(|(user, units, from, to)| (user, 11, units, from, to));
    let on_another_day = (4, 13, 10, 20, 24);
    for (user, day, units, from, to) in whole.into_iter().chain([on_another_day]) {
        let id = desk.requested(user, request(10_000));
        desk.desk(id, offer(within(&[(day, units)], from, to)))
            .unwrap();
        desk.user(id, Act::Accept).unwrap();
    }
    let days = || [date(11), date(12)].into_iter();
    assert_eq!(desk.book.crowded_windows(days(), &desk.at()), []);
    desk.set_capacity(Span::From(date(11)), 2_160);
    let crowded = desk.book.crowded_windows(days(), &desk.at());
    let told: Vec<_> = crowded
        .iter()
        .map(|it| (it.id.user, it.fits, it.agreed, it.over()))
        .collect();
    // 90 an hour: 360 from 20 to 24 where 380 are agreed; 900 from 0 to 10.
    assert_eq!(told, [(1, 280, 300, 20), (2, 60, 80, 20)]);
    assert_eq!(desk.book.crowded(&desk.at()), quota(&[(11, 20)]));
}
