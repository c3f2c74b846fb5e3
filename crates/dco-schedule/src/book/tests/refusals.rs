use super::*;
use crate::{Refusal, Side};

fn wrong(state: &str, act: &str, side: Side) -> Refusal {
    Refusal::WrongState {
        state: state.to_owned(),
        act: act.to_owned(),
        side,
    }
}

#[test]
fn an_act_without_place_names_state_act_and_side() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 5)]);
    assert_eq!(
        desk.user(id, Act::Accept),
        Err(wrong("AGREED", "ACCEPT", Side::User))
    );
    assert_eq!(
        desk.desk(id, Act::Decline),
        Err(wrong("AGREED", "DECLINE", Side::Desk))
    );
    assert_eq!(
        desk.user(id, Act::Lapse),
        Err(wrong("AGREED", "LAPSE", Side::User))
    );
    let again = Act::Request(request(5));
    assert_eq!(
        desk.user(id, again.clone()),
        Err(wrong("AGREED", "REQUEST", Side::User))
    );
    let next = desk.book.next_id(1);
    assert_eq!(
        desk.desk(next, again),
        Err(wrong("not there", "REQUEST", Side::Desk))
    );
    assert_eq!(
        desk.user(id, impose(deal(&[(11, 4)]))),
        Err(wrong("AGREED", "IMPOSE", Side::User))
    );
    let moved_by_user = amend(deal(&[(11, 4)]), Some(Cause::MakesRoomFor(NEWCOMER)));
    assert_eq!(
        desk.user(id, moved_by_user),
        Err(wrong("AGREED", "AMEND", Side::User))
    );
}

#[test]
fn what_is_not_there_is_not_found() {
    let mut desk = Desk::new();
    let id = ScheduleId { user: 1, number: 7 };
    let refused = Refusal::NotFound { number: 7, next: 1 };
    assert_eq!(desk.user(id, Act::Accept), Err(refused.clone()));
    assert_eq!(
        desk.user(id, Act::Request(request(1))),
        Err(refused),
        "not the next one"
    );
}

#[test]
fn who_has_seen_an_older_revision_is_refused() {
    let mut desk = Desk::new();
    let id = desk.requested(1, request(9));
    let first = desk.ask(id, one_officer(1), offer(deal(&[(11, 5)])));
    let second = desk.ask(id, one_officer(2), offer(deal(&[(11, 7)])));
    desk.try_ask(&first).unwrap();
    let refused = Refusal::RevisionMismatch {
        given: 1,
        current: 2,
    };
    assert_eq!(desk.try_ask(&second), Err(refused));
}

#[test]
fn a_user_has_only_so_many_schedules_at_once() {
    let mut desk = Desk::new();
    for _ in 0..12 {
        desk.requested(1, request(9));
    }
    let next = desk.book.next_id(1);
    let refused = Refusal::TooManyOpen { limit: 12 };
    assert_eq!(desk.user(next, Act::Request(request(9))), Err(refused));
    desk.requested(2, request(9));
    desk.user(ScheduleId { user: 1, number: 3 }, Act::Withdraw)
        .unwrap();
    assert_eq!(desk.user(next, Act::Request(request(9))), Ok(()));
}

#[test]
fn a_request_ends_when_it_starts_or_later() {
    let mut desk = Desk::new();
    let reversed = Request {
        earliest: date(12),
        latest: date(11),
        ..request(9)
    };
    let refused = Refusal::RequestReversed {
        earliest: date(12),
        latest: date(11),
    };
    assert_eq!(
        desk.user(desk.book.next_id(1), Act::Request(reversed)),
        Err(refused)
    );
}

#[test]
fn a_request_whose_days_are_over_is_refused() {
    let mut desk = Desk::new();
    let past = |latest| Request {
        earliest: date(2),
        latest: date(latest),
        ..request(9)
    };
    let refused = Refusal::RequestOver {
        latest: date(9),
        today: date(10),
    };
    let next = desk.book.next_id(1);
    assert_eq!(desk.user(next, Act::Request(past(9))), Err(refused));
    assert_eq!(desk.user(next, Act::Request(past(10))), Ok(()));
}

#[test]
fn quotas_are_refused_with_the_day_and_its_figures() {
    let mut desk = Desk::new();
    let id = desk.requested(1, request(100));
    let mut offered = |days: &[(i32, u32)]| desk.desk(id, offer(deal(days))).unwrap_err();
    assert_eq!(offered(&[]), Refusal::QuotaEmpty);
    let over = Refusal::DayOver {
        date: date(9),
        today: date(10),
        agreed: 0,
        wanted: 3,
    };
    assert_eq!(offered(&[(9, 3), (10, 1)]), over);
    let far = Refusal::DayTooFar {
        date: date(41),
        latest: date(40),
    };
    assert_eq!(offered(&[(40, 1), (41, 1)]), far);
    let more = Refusal::MoreThanRequested {
        devices: 100,
        wanted: 101,
    };
    assert_eq!(offered(&[(11, 51), (12, 50)]), more);
    let days = vec![DayShort {
        date: date(12),
        capacity: 100,
        agreed: 0,
        reserved: 20,
        free: 80,
        wanted: 81,
    }];
    let refused = offered(&[(11, 3), (12, 81)]);
    assert_eq!(refused, Refusal::DoesNotFit { days });
    assert_eq!(
        refused.to_string(),
        "the quota does not fit on 1 service day: 1970-01-13 wants 81 of 80 free (capacity 100, agreed 0, \
         reserved 20); take less on these days or use others"
    );
}

/// Request for days 10 to 20 and 30 units a day; the desk goes beyond that only where it says so.
#[test]
fn the_desk_goes_beyond_what_its_user_asked_for_only_if_it_says_so() {
    let mut desk = Desk::new();
    let most = std::num::NonZeroU32::new(30).unwrap();
    let asked = Request {
        earliest: date(11),
        per_day_max: most,
        ..request(300)
    };
    let id = desk.requested(1, asked);
    let refused = |days: &[(i32, u32)]| {
        Err(Refusal::BeyondRequest {
            days: quota(days),
            earliest: date(11),
            latest: date(20),
            per_day_max: 30,
        })
    };
    let beyond = [(10, 1), (12, 31), (21, 2)];
    let all = [(10, 1), (11, 30), (12, 31), (20, 30), (21, 2)];
    assert_eq!(desk.desk(id, offer(deal(&all))), refused(&beyond));
    desk.desk_beyond(id, offer(deal(&all))).unwrap();
    let step = desk.book.get(id).unwrap().history().last().unwrap();
    assert!(step.beyond_request, "it is kept");

    // What its User says itself needs no such word, not when the desk takes it up either.
    desk.user(id, counter(deal(&[(12, 40), (21, 5)]))).unwrap();
    assert_eq!(
        desk.desk(id, offer(deal(&[(12, 41), (21, 5)]))),
        refused(&[(12, 41)])
    );
    assert_eq!(
        desk.clone().desk(id, offer(deal(&[(12, 40), (21, 4)]))),
        Ok(())
    );
    desk.desk(id, Act::Accept).unwrap();

    // What is agreed is not asked about again; a change of it is.
    assert_eq!(
        desk.clone()
            .desk(id, amend(deal(&[(12, 40), (13, 9), (21, 5)]), None)),
        Ok(())
    );
    assert_eq!(
        desk.desk(id, amend(deal(&[(12, 40), (21, 6)]), None)),
        refused(&[(21, 6)])
    );
    let imposed = impose(deal(&[(12, 30), (22, 10), (21, 5)]));
    assert_eq!(desk.desk(id, imposed.clone()), refused(&[(22, 10)]));
    desk.desk_beyond(id, imposed).unwrap();
    assert_eq!(desk.approve(102), Ok(()));
    let text = refused(&beyond).unwrap_err().to_string();
    assert!(
        text.contains("1970-01-12 to 1970-01-21 and at most 30 units on each, and 3 service days"),
        "{text}"
    );
}

#[test]
fn past_days_and_what_was_sent_stay() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(10, 20), (11, 20), (12, 20)]);
    desk.today = date(11);
    desk.send(id, 12, 7);
    let past = Refusal::DayOver {
        date: date(10),
        today: date(11),
        agreed: 20,
        wanted: 0,
    };
    assert_eq!(
        desk.user(id, amend(deal(&[(11, 20), (12, 20)]), None)),
        Err(past)
    );
    let ended = Refusal::EndOver {
        from: date(10),
        today: date(11),
    };
    assert_eq!(desk.user(id, Act::End { from: date(10) }), Err(ended));
    let sent = |wanted| Refusal::BelowSent {
        date: date(12),
        sent: 7,
        wanted,
    };
    let less = amend(deal(&[(10, 20), (11, 20), (12, 6)]), None);
    assert_eq!(desk.user(id, less), Err(sent(6)));
    assert_eq!(desk.user(id, Act::End { from: date(11) }), Err(sent(0)));
    let nothing = Refusal::EndsNothing {
        from: date(13),
        last: date(12),
    };
    assert_eq!(desk.user(id, Act::End { from: date(13) }), Err(nothing));
}

#[test]
fn what_makes_no_sense_is_refused_with_what_is_expected() {
    let mut desk = Desk::new();
    let id = desk.requested(1, request(100));
    let mut with_canary = deal(&[(11, 5), (12, 5)]);
    with_canary.terms.canary = std::num::NonZeroU32::new(11);
    let canary = Refusal::CanaryTooLarge {
        canary: 11,
        units: 10,
    };
    assert_eq!(desk.desk(id, offer(with_canary)), Err(canary));
    let end_us = desk.calendar.day(date(11)).end_us;
    let until = |answer_by_us| Act::Offer {
        deal: deal(&[(11, 5)]),
        answer_by_us,
    };
    let late = Refusal::AnswerAfterDays {
        given_us: end_us + 1,
        date: date(11),
        latest_us: end_us,
    };
    assert_eq!(desk.desk(id, until(end_us + 1)), Err(late));
    assert_eq!(desk.desk(id, until(end_us)), Ok(()));
    let far = Request {
        latest: date(41),
        ..request(9)
    };
    let too_far = Refusal::RequestTooFar {
        date: date(41),
        latest: date(40),
    };
    let next = desk.book.next_id(2);
    assert_eq!(desk.user(next, Act::Request(far)), Err(too_far));
    let just = Request {
        latest: date(40),
        ..far
    };
    assert_eq!(desk.user(next, Act::Request(just)), Ok(()));
    desk.set_capacity(Span::From(date(11)), crate::CAPACITY_MAX);
    let set = CapacitySet {
        span: Span::From(date(11)),
        setting: Setting::Capacity(crate::CAPACITY_MAX + 1),
        signed: by_desk(1, 100),
    };
    let refused = Refusal::CapacityTooLarge {
        given: crate::CAPACITY_MAX + 1,
        limit: crate::CAPACITY_MAX,
    };
    assert_eq!(desk.book.decide_capacity(set, &desk.at()), Err(refused));
}

#[test]
fn all_users_together_have_no_more_security_priority_than_the_lane_carries() {
    let mut desk = Desk::new();
    let one = desk.requested(1, request(100));
    desk.desk(one, offer(secure(&[(11, 6), (12, 10)]))).unwrap();
    desk.approve(102).unwrap();
    desk.user(one, Act::Accept).unwrap();
    let two = desk.requested(2, request(100));
    let full = Refusal::SecurityLaneFull {
        date: date(11),
        lane: 10,
        agreed: 6,
        wanted: 5,
    };
    assert_eq!(desk.desk(two, offer(secure(&[(11, 5)]))), Err(full));
    assert_eq!(desk.desk(two, offer(secure(&[(11, 4)]))), Ok(()));
    assert_eq!(desk.desk(two, offer(deal(&[(11, 5)]))), Ok(()));
}

#[test]
fn what_has_no_more_security_priority_than_before_fits_a_lane_that_carries_less() {
    let mut desk = Desk::new();
    let id = desk.requested(1, request(100));
    desk.desk(id, offer(secure(&[(11, 10), (12, 5)]))).unwrap();
    desk.approve(102).unwrap();
    desk.user(id, Act::Accept).unwrap();
    let reserve = Reserve {
        security: 6,
        ..TERMS.reserve
    };
    let mut smaller = Desk::with(BookTerms { reserve, ..TERMS });
    let steps = desk.changes.into_iter();
    steps.for_each(|change| smaller.take(change));
    for (days, fits) in [
        ([(11, 10), (12, 6)], true),
        ([(11, 9), (12, 6)], true),
        ([(11, 10), (12, 7)], false),
        ([(11, 11), (12, 5)], false),
    ] {
        let mut desk = smaller.clone();
        let asked = desk.user(id, amend(secure(&days), None));
        assert_eq!(asked.is_ok(), fits, "{days:?}: {asked:?}");
    }
}

#[test]
fn an_offer_whose_first_day_is_over_is_not_accepted() {
    let mut desk = Desk::new();
    let id = desk.offered(1, &[(10, 5), (12, 5)]);
    desk.today = date(11);
    let refused = Refusal::DayOver {
        date: date(10),
        today: date(11),
        agreed: 0,
        wanted: 5,
    };
    assert_eq!(desk.user(id, Act::Accept), Err(refused));
}

#[test]
fn the_other_side_has_time_to_answer_and_no_more() {
    let mut desk = Desk::new();
    let id = desk.requested(1, request(9));
    let offer_until = |answer_by_us| Act::Offer {
        deal: deal(&[(11, 5)]),
        answer_by_us,
    };
    let refused = Refusal::AnswerTooSoon {
        given_us: 109,
        earliest_us: 110,
    };
    assert_eq!(desk.desk(id, offer_until(109)), Err(refused));
    let long_ago = desk.desk(id, offer_until(Micros::MIN)).unwrap_err();
    assert!(
        long_ago.to_string().ends_with(" 2562047789 hours more"),
        "{long_ago}"
    );
    desk.desk(id, offer_until(110)).unwrap();
    desk.now_us = 110;
    let refused = Refusal::AnswerTooLate { answer_by_us: 110 };
    assert_eq!(desk.user(id, Act::Accept), Err(refused.clone()));
    assert_eq!(desk.user(id, counter(deal(&[(11, 5)]))), Err(refused));
    assert_eq!(desk.user(id, Act::Withdraw), Ok(()), "no answer");
}

#[test]
fn a_schedule_is_moved_so_often_and_then_only_imposed() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 20)]);
    for left in [19, 18] {
        let moved = amend(deal(&[(11, left)]), Some(Cause::MakesRoomFor(NEWCOMER)));
        desk.desk(id, moved).unwrap();
        desk.approve(102).unwrap();
        desk.user(id, Act::Accept).unwrap();
    }
    let refused = Refusal::MovedTooOften { moves: 2, limit: 2 };
    let moved = amend(deal(&[(11, 17)]), Some(Cause::MakesRoomFor(NEWCOMER)));
    assert_eq!(desk.desk(id, moved), Err(refused));
    desk.desk(id, impose(deal(&[(11, 17)]))).unwrap();
    desk.approve(102).unwrap();
    assert!(desk.book.get(id).unwrap().moves()[2].imposed);
}

#[test]
fn the_capacity_of_a_day_that_is_over_stays() {
    let desk = Desk::new();
    let set = CapacitySet {
        span: Span::From(date(9)),
        setting: Setting::Capacity(5),
        signed: by_desk(1, 100),
    };
    let refused = Refusal::CapacityOfPast {
        date: date(9),
        today: date(10),
        capacity: CAPACITY,
    };
    assert_eq!(desk.book.decide_capacity(set, &desk.at()), Err(refused));
}

#[test]
fn a_change_that_was_not_decided_here_changes_nothing() {
    let mut desk = Desk::new();
    desk.agreed(1, &[(11, 5)]);
    let mut other = Desk::new();
    let id = other.agreed(1, &[(11, 5)]);
    other.desk(id, impose(deal(&[(11, 4)]))).unwrap();
    other.approve(102).unwrap();
    let before = desk.book.clone();
    for change in &other.changes {
        let is_new = matches!(change, Change::Pended(_));
        assert!(is_new || desk.book.apply(change).is_none(), "{change:?}");
    }
    assert_eq!(desk.book, before);
}

#[test]
fn an_amendment_changes_something() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 20)]);
    let same = || deal(&[(11, 20)]);
    let nothing = Err(Refusal::AmendsNothing);
    assert_eq!(desk.user(id, amend(same(), None)), nothing);
    assert_eq!(desk.desk(id, amend(same(), None)), nothing);
    let mut ahead = same();
    ahead.terms.run_ahead = true;
    assert_eq!(desk.clone().user(id, amend(ahead, None)), Ok(()));
    desk.user(id, amend(deal(&[(11, 21)]), None)).unwrap();
    assert_eq!(desk.desk(id, counter(same())), nothing);
    assert_eq!(desk.desk(id, Act::Decline), Ok(()));
}

#[test]
fn what_is_taken_back_was_set_for_the_day_alone() {
    let mut desk = Desk::new();
    desk.set_capacity(Span::From(date(11)), 50);
    desk.set_capacity(Span::On(date(12)), CAPACITY);
    let id = desk.agreed(1, &[(12, 80)]);
    let clear = |span| CapacitySet {
        span,
        setting: Setting::Clear,
        signed: by_desk(1, 100),
    };
    for (span, day) in [
        (Span::On(date(11)), 11),
        (Span::From(date(12)), 12),
        (Span::From(date(11)), 11),
    ] {
        let refused = Refusal::NothingSetAlone { date: date(day) };
        let decided = desk.book.decide_capacity(clear(span), &desk.at());
        assert_eq!(decided, Err(refused));
    }
    let past = desk
        .book
        .decide_capacity(clear(Span::On(date(9))), &desk.at());
    assert!(matches!(past, Err(Refusal::CapacityOfPast { .. })));
    assert!(desk.book.over_agreed(desk.today).is_empty());
    let change = desk
        .book
        .decide_capacity(clear(Span::On(date(12))), &desk.at());
    desk.take(change.unwrap());
    assert_eq!(desk.book.over_agreed(desk.today), quota(&[(12, 46)]));
    assert_eq!(desk.state(id), "AGREED", "what is agreed stays");
}
