use super::*;

#[test]
fn from_request_to_end_by_two_users_and_two_officers() {
    let mut desk = Desk::new();
    let one = desk.requested(1, request(300));
    desk.desk(one, offer(deal(&[(11, 80), (12, 80)]))).unwrap();
    desk.user(one, counter(deal(&[(11, 60), (12, 60)])))
        .unwrap();
    assert_eq!(desk.state(one), "COUNTERED");
    desk.desk(one, Act::Accept).unwrap();
    assert_eq!(
        (desk.state(one), desk.book.agreed_on(date(11))),
        ("AGREED".into(), 60)
    );

    let two = desk.agreed(2, &[(11, 20), (13, 80)]);
    let make_room = amend(
        deal(&[(11, 40), (12, 60), (14, 20)]),
        Some(Cause::MakesRoomFor(two)),
    );
    desk.desk(one, make_room).unwrap();
    assert_eq!(desk.state(one), "AGREED", "waits for a second officer");
    desk.approve(102).unwrap();
    assert_eq!(desk.state(one), "AMENDING");
    assert_eq!(
        desk.book.agreed_on(date(11)),
        80,
        "holds until the User answers"
    );
    desk.user(one, Act::Accept).unwrap();
    assert_eq!(
        (desk.state(one), desk.book.agreed_on(date(11))),
        ("AMENDED".into(), 60)
    );
    assert_eq!(desk.book.agreed_on(date(14)), 20);

    desk.user(one, Act::End { from: date(12) }).unwrap();
    assert_eq!(
        (desk.state(one), desk.book.agreed_on(date(12))),
        ("AMENDED".into(), 0)
    );
    assert_eq!(desk.book.agreed_on(date(11)), 60, "its last day");
    desk.today = date(12);
    desk.pass_time();
    assert_eq!(desk.state(one), "ENDED");
    let schedule = desk.book.get(one).unwrap();
    assert_eq!((schedule.moves().len(), schedule.history().len()), (1, 8));
}

#[test]
fn what_ends_later_is_agreed_until_then_and_can_be_moved() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 60), (12, 60), (13, 60)]);
    desk.user(id, Act::End { from: date(13) }).unwrap();
    let schedule = desk.book.get(id).unwrap();
    assert!(!schedule.state().is_final(), "two of its days are agreed");
    let need = crate::Need {
        units: quota(&[(12, 30)]),
        ..crate::Need::default()
    };
    let plan = desk.book.replan(&need, &desk.at());
    let given = &plan.amendments[0].given;
    assert_eq!(
        given,
        &quota(&[(11, 20), (13, 10)]),
        "before its end as far as there is room: an end makes nobody immovable"
    );
    let moved = amend(
        deal(&[(11, 60), (12, 40)]),
        Some(Cause::MakesRoomFor(NEWCOMER)),
    );
    desk.desk(id, moved).unwrap();
    desk.approve(102).unwrap();
    desk.user(id, Act::Accept).unwrap();
    let refused = Refusal::EndsAlready {
        from: date(13),
        ends: date(13),
    };
    assert_eq!(desk.user(id, Act::End { from: date(13) }), Err(refused));
    desk.user(id, Act::End { from: date(12) }).unwrap();
    assert_eq!(
        (desk.state(id), desk.book.agreed_on(date(12))),
        ("AMENDED".into(), 0)
    );
    desk.user(id, Act::End { from: date(11) }).unwrap();
    assert_eq!(desk.state(id), "ENDED", "no day is left");
}

#[test]
fn of_two_offers_that_fit_alone_the_second_to_be_accepted_is_refused() {
    let mut desk = Desk::new();
    let one = desk.offered(1, &[(11, 50), (12, 50), (13, 10)]);
    let two = desk.offered(2, &[(11, 50), (12, 30), (13, 71)]);
    desk.user(two, Act::Accept).unwrap();
    let short = |days, agreed, free, wanted| DayShort {
        date: date(days),
        capacity: CAPACITY,
        agreed,
        reserved: 20,
        free,
        wanted,
    };
    let days = vec![short(11, 50, 30, 50), short(13, 71, 9, 10)];
    assert_eq!(
        desk.user(one, Act::Accept),
        Err(Refusal::DoesNotFit { days })
    );
    assert_eq!(
        (desk.state(one), desk.book.agreed_on(date(12))),
        ("OFFERED".into(), 30)
    );
    desk.desk(one, offer(deal(&[(11, 30), (12, 50), (13, 9)])))
        .unwrap();
    desk.user(one, Act::Accept).unwrap();
    assert_eq!(desk.book.free(date(11)) + desk.book.free(date(13)), 0);
}

#[test]
fn silence_lapses_an_offer_and_leaves_an_agreement_as_it_is() {
    let mut desk = Desk::new();
    let offered = desk.offered(1, &[(11, 5)]);
    let agreed = desk.agreed(2, &[(11, 5), (15, 5)]);
    desk.desk(agreed, amend(deal(&[(11, 6), (15, 5)]), None))
        .unwrap();
    assert_eq!(desk.book.next_due_us(), Some(ANSWER_BY_US));
    desk.now_us = ANSWER_BY_US - 1;
    desk.pass_time();
    assert_eq!(
        (desk.state(offered), desk.state(agreed)),
        ("OFFERED".into(), "AMENDING".into())
    );
    desk.now_us = ANSWER_BY_US;
    desk.pass_time();
    assert_eq!(
        (desk.state(offered), desk.state(agreed)),
        ("LAPSED".into(), "AGREED".into())
    );
    assert_eq!(desk.book.agreed_on(date(11)), 5);
    assert_eq!(desk.book.next_due_us(), None);
}

#[test]
fn days_pass_and_end_what_is_over() {
    let mut desk = Desk::new();
    let requested = desk.requested(1, request(5));
    let agreed = desk.agreed(2, &[(11, 5), (15, 5)]);
    let amending = desk.agreed(3, &[(15, 5)]);
    desk.user(amending, amend(deal(&[(15, 4)]), None)).unwrap();
    desk.today = date(15);
    desk.pass_time();
    assert_eq!(desk.state(agreed), "AGREED", "its last day is today");
    desk.today = date(16);
    desk.pass_time();
    assert_eq!(
        (desk.state(agreed), desk.state(amending)),
        ("ENDED".into(), "AMENDING".into())
    );
    desk.now_us = ANSWER_BY_US;
    desk.pass_time();
    assert_eq!(desk.state(amending), "ENDED", "after its proposal lapsed");
    desk.today = date(20);
    desk.pass_time();
    assert_eq!(
        desk.state(requested),
        "REQUESTED",
        "its latest day is today"
    );
    desk.today = date(21);
    desk.pass_time();
    assert_eq!(desk.state(requested), "LAPSED");
    assert_eq!(
        desk.book.agreed_on(date(15)),
        10,
        "what was agreed stays known"
    );
}

#[test]
fn a_drop_of_capacity_marks_days_and_changes_no_agreement() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 80), (12, 20), (13, 80)]);
    desk.set_capacity(Span::From(date(12)), 50);
    // 50 less 10 + 2 + 4 leaves 34.
    assert_eq!(desk.book.over_agreed(desk.today), quota(&[(13, 46)]));
    assert_eq!(
        desk.book.get(id).unwrap().quota(),
        Some(&quota(&[(11, 80), (12, 20), (13, 80)]))
    );
    let other = desk.requested(2, request(9));
    let refused = desk.desk(other, offer(deal(&[(13, 1)])));
    assert!(
        matches!(refused, Err(Refusal::DoesNotFit { .. })),
        "nothing new on it"
    );
    desk.user(id, amend(deal(&[(11, 80), (12, 20), (13, 60)]), None))
        .unwrap();
    desk.desk(id, Act::Accept).unwrap();
    assert_eq!(
        desk.book.over_agreed(desk.today),
        quota(&[(13, 26)]),
        "less is right"
    );
    desk.set_capacity(Span::On(date(13)), 0);
    assert_eq!(
        desk.book.over_agreed(desk.today),
        quota(&[(13, 60)]),
        "at most what is agreed"
    );
    desk.set_capacity(Span::On(date(13)), CAPACITY);
    assert!(desk.book.over_agreed(desk.today).is_empty());
}

#[test]
fn an_offer_is_taken_back_or_declined_and_the_request_withdrawn() {
    let mut desk = Desk::new();
    let id = desk.offered(1, &[(11, 5)]);
    desk.desk(id, Act::Withdraw).unwrap();
    assert_eq!(desk.state(id), "REQUESTED");
    desk.desk(id, offer(deal(&[(11, 6)]))).unwrap();
    desk.user(id, Act::Decline).unwrap();
    let other = desk.requested(1, request(5));
    assert_eq!(other.number, 2);
    desk.user(other, Act::Withdraw).unwrap();
    assert_eq!(
        (desk.state(id), desk.state(other)),
        ("DECLINED".into(), "WITHDRAWN".into())
    );
}

#[test]
fn what_is_sent_of_today_is_not_asked_for_twice() {
    let mut desk = Desk::new();
    let id = desk.requested(1, request(20));
    desk.desk(id, offer(deal(&[(10, 10), (11, 10)]))).unwrap();
    desk.user(id, Act::Accept).unwrap();
    desk.send(id, 10, 10);
    let later = deal(&[(10, 10), (11, 9), (12, 1)]);
    assert_eq!(desk.user(id, amend(later, None)), Ok(()));
}

#[test]
fn units_that_were_not_sent_may_be_agreed_again() {
    let mut desk = Desk::new();
    let id = desk.requested(1, request(100));
    desk.desk(id, offer(deal(&[(10, 50), (11, 50)]))).unwrap();
    desk.user(id, Act::Accept).unwrap();
    desk.send(id, 10, 30);
    desk.today = date(11);
    let with = |units| amend(deal(&[(10, 50), (11, 50), (12, units)]), None);
    let refused = Refusal::MoreThanRequested {
        devices: 100,
        wanted: 101,
    };
    assert_eq!(desk.user(id, with(21)), Err(refused));
    desk.user(id, with(20)).unwrap();
}
