use super::*;
use crate::Officer;

fn waits(desk: &Desk) -> usize {
    desk.book.pending().count()
}

/// What an officer alone may do, and what waits for a second one.
#[test]
fn security_and_taking_need_a_second_officer() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 10), (12, 10)]);
    let for_newcomer = Some(Cause::MakesRoomFor(NEWCOMER));
    let fresh = desk.requested(2, request(9));
    let countered = desk.offered(3, &[(11, 5)]);
    desk.user(countered, counter(secure(&[(11, 5)]))).unwrap();
    for (id, act, expected) in [
        (fresh, offer(deal(&[(11, 5)])), false),
        (fresh, offer(secure(&[(11, 5)])), true),
        (countered, Act::Accept, true),
        (countered, Act::Decline, false),
        (id, amend(deal(&[(11, 15), (12, 10)]), None), false),
        (id, amend(deal(&[(11, 9), (12, 11)]), for_newcomer), true),
        (id, amend(secure(&[(11, 10), (12, 10)]), None), true),
        (id, impose(deal(&[(11, 9), (12, 11)])), true),
        (id, Act::End { from: date(12) }, true),
    ] {
        let mut desk = desk.clone();
        let before = desk.state(id);
        desk.desk(id, act.clone()).unwrap();
        assert_eq!(waits(&desk) == 1, expected, "{act}");
        assert_eq!(desk.state(id) == before, expected, "{act} waits");
    }
}

#[test]
fn what_a_user_does_needs_no_second_officer() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 20)]);
    desk.user(id, amend(secure(&[(11, 10)]), None)).unwrap();
    assert_eq!((desk.state(id), waits(&desk)), ("AMENDING".into(), 0));
    desk.desk(id, Act::Accept).unwrap();
    assert_eq!(
        (desk.state(id), waits(&desk)),
        ("AMENDING".into(), 1),
        "it has security"
    );
    desk.approve(2).unwrap();
    assert_eq!(desk.state(id), "AMENDED");
}

#[test]
fn the_second_officer_is_another_one_and_signs_too() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 20)]);
    desk.desk(id, impose(deal(&[(11, 10)]))).unwrap();
    assert_eq!(desk.approve(OFFICER), Err(Refusal::SameOfficer));
    assert_eq!(desk.state(id), "AGREED");
    desk.now_us += 7;
    desk.approve(2).unwrap();
    assert_eq!((waits(&desk), desk.book.agreed_on(date(11))), (0, 10));
    let schedule = desk.book.get(id).unwrap();
    let signed = &schedule.history().last().unwrap().signed;
    let expected = Officer {
        officer: OFFICER,
        ticket: Text::new("INC-1").unwrap(),
        second: Some(approval(2)),
    };
    assert_eq!(
        (&signed.by, signed.at_us),
        (&crate::Party::Desk(expected), 107)
    );
}

/// A party may be registered as a User and as the Service Desk.
#[test]
fn who_the_act_is_for_is_no_second_officer() {
    let mut desk = Desk::new();
    let countered = desk.offered(3, &[(11, 5)]);
    desk.user(countered, counter(secure(&[(11, 5)]))).unwrap();
    desk.desk(countered, Act::Accept).unwrap();
    assert_eq!(desk.approve(3), Err(Refusal::OfficerGains));
    desk.approve(2).unwrap();

    let moved = desk.agreed(4, &[(11, 20)]);
    for act in [
        impose(deal(&[(11, 10)])),
        amend(deal(&[(11, 10)]), Some(Cause::MakesRoomFor(NEWCOMER))),
    ] {
        let mut desk = desk.clone();
        desk.desk(moved, act).unwrap();
        for gains in [4, NEWCOMER.user] {
            assert_eq!(desk.approve(gains), Err(Refusal::OfficerGains), "{gains}");
        }
        desk.approve(3).unwrap();
        assert_eq!(waits(&desk), 0);
    }
}

#[test]
fn the_newcomer_does_not_approve_that_a_counter_to_its_move_is_accepted() {
    let mut desk = Desk::new();
    let moved = desk.agreed(4, &[(11, 20)]);
    let cause = Some(Cause::MakesRoomFor(NEWCOMER));
    desk.desk(moved, amend(deal(&[(11, 10)]), cause)).unwrap();
    desk.approve(2).unwrap();
    desk.user(moved, counter(secure(&[(11, 10)]))).unwrap();
    desk.desk(moved, Act::Accept).unwrap();
    assert_eq!(desk.approve(NEWCOMER.user), Err(Refusal::OfficerGains));
    desk.approve(2).unwrap();
    assert_eq!(desk.state(moved), "AMENDED");
}

/// Otherwise one officer without an interest would be enough.
#[test]
fn who_the_act_is_for_is_no_first_officer_either() {
    let mut desk = Desk::new();
    let moved = desk.agreed(4, &[(11, 20)]);
    let acts = [
        impose(deal(&[(11, 10)])),
        amend(deal(&[(11, 10)]), Some(Cause::MakesRoomFor(NEWCOMER))),
    ];
    for act in acts {
        for (first, gains) in [(4, true), (NEWCOMER.user, true), (3, false)] {
            let mut desk = desk.clone();
            let ask = desk.ask(moved, one_officer(first), act.clone());
            let refused = desk.try_ask(&ask) == Err(Refusal::OfficerGains);
            assert_eq!((refused, waits(&desk) == 0), (gains, gains), "{first}");
        }
    }
}

/// Journals have some.
#[test]
fn what_the_one_that_gains_has_asked_for_is_not_approved() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 20)]);
    let ask = desk.ask(id, one_officer(NEWCOMER.user), impose(deal(&[(11, 10)])));
    let pending = desk.book.pend(&ask, &desk.at()).unwrap();
    desk.take(Change::Pended(pending));
    assert_eq!(desk.approve(2), Err(Refusal::OfficerGains));
}

#[test]
fn of_equal_acts_one_waits() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 20), (12, 20)]);
    let countered = desk.offered(3, &[(11, 5)]);
    desk.user(countered, counter(secure(&[(11, 5)]))).unwrap();
    let fresh = desk.requested(2, request(9));
    let later = |act: &Act<u8>| match act.clone() {
        Act::Offer { deal, answer_by_us } => Act::Offer {
            deal,
            answer_by_us: answer_by_us + 1,
        },
        act => act,
    };
    let acts = [
        (countered, Act::Accept),
        (fresh, offer(secure(&[(11, 5)]))),
        (id, impose(deal(&[(11, 10), (12, 20)]))),
        (id, Act::End { from: date(12) }),
    ];
    for (number, (id, act)) in (1..).zip(acts) {
        desk.desk(id, act.clone()).unwrap();
        let refused = Refusal::WaitsAlready { action: number };
        for officer in [OFFICER, 102] {
            let ask = desk.ask(id, one_officer(officer), later(&act));
            assert_eq!(desk.try_ask(&ask), Err(refused.clone()), "{act}");
        }
    }
    desk.desk(id, Act::End { from: date(11) }).unwrap();
    desk.desk(id, impose(deal(&[(11, 9), (12, 20)]))).unwrap();
    assert_eq!(waits(&desk), 6, "others may wait beside them");
}

#[test]
fn what_waited_too_long_is_asked_for_again() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 20)]);
    desk.desk(id, Act::End { from: date(11) }).unwrap();
    desk.now_us += TERMS.pending_us;
    desk.desk(id, Act::End { from: date(11) }).unwrap();
    assert_eq!(waits(&desk), 2, "time has not closed the first one yet");
    desk.approve(2).unwrap();
}

#[test]
fn what_cannot_be_done_is_refused_before_anybody_is_asked_to_approve_it() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 20), (12, 10)]);
    let refused = desk.desk(id, impose(deal(&[(11, 81)])));
    assert!(matches!(refused, Err(Refusal::DoesNotFit { .. })));
    assert_eq!(waits(&desk), 0);
}

#[test]
fn an_approval_decides_on_what_holds_then() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 20), (12, 1)]);
    desk.desk(id, impose(deal(&[(11, 10)]))).unwrap();
    desk.send(id, 11, 11);
    let refused = Refusal::BelowSent {
        date: date(11),
        sent: 11,
        wanted: 10,
    };
    assert_eq!(desk.approve(2), Err(refused));
    let other = impose(deal(&[(11, 20)]));
    desk.desk(id, other).unwrap();
    desk.approve(2).unwrap();
    let refused = Refusal::ActionOvertaken {
        action: 1,
        number: 1,
    };
    assert_eq!(desk.approve(2), Err(refused));
    desk.pass_time();
    let Some(Change::Closed { action: 1, signed }) = desk.changes.last() else {
        panic!("it waits though it can never be approved");
    };
    assert_eq!(
        (&signed.by, signed.reason.as_str()),
        (
            &crate::Party::Time,
            "its schedule is not as it was when it was asked for: step 4 was IMPOSE by the Service Desk"
        )
    );
}

/// Whatever a User proposes and takes back, what two officers do to the agreement waits for the second one.
#[test]
fn a_user_cannot_keep_two_officers_from_acting() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 20), (12, 20)]);
    let acts = [
        impose(deal(&[(11, 10), (12, 20)])),
        Act::End { from: date(12) },
        amend(deal(&[(11, 10)]), Some(Cause::MakesRoomFor(NEWCOMER))),
    ];
    for act in acts {
        let mut desk = desk.clone();
        desk.desk(id, act.clone()).unwrap();
        desk.user(id, amend(deal(&[(11, 21), (12, 20)]), None))
            .unwrap();
        desk.pass_time();
        desk.approve(2).unwrap();
        assert_eq!(waits(&desk), 0, "{act}");
        let waits = desk.book.get(id).unwrap().state().proposal();
        let by = waits.map(|proposal| proposal.by);
        let moves = matches!(act, Act::Amend { .. }).then_some(crate::Side::Desk);
        assert_eq!(by, moves, "in the place of what the User proposed");
    }
}

/// Whatever days a User ends, the others are moved as two officers want: the ended ones are left out.
#[test]
fn an_end_holds_off_nothing_but_what_is_about_its_days() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 20), (12, 20), (13, 1), (14, 1)]);
    let taken = deal(&[(11, 10), (12, 20), (13, 1), (14, 1), (15, 5)]);
    let acts = [
        impose(taken.clone()),
        amend(taken, Some(Cause::MakesRoomFor(NEWCOMER))),
        Act::End { from: date(12) },
    ];
    for act in acts {
        let mut desk = desk.clone();
        desk.desk(id, act.clone()).unwrap();
        for from in [14, 13] {
            desk.user(id, Act::End { from: date(from) }).unwrap();
            desk.pass_time();
        }
        let (_, pending) = desk.book.pending().last().unwrap();
        let (agreed, shown) = desk.book.looked_at(pending);
        assert_eq!(agreed, Some(deal(&[(11, 20), (12, 20)])), "{act}");
        desk.approve(2).unwrap();
        let schedule = desk.book.get(id).unwrap();
        let left = if matches!(act, Act::End { .. }) {
            deal(&[(11, 20)])
        } else {
            deal(&[(11, 10), (12, 20)])
        };
        let agreement = schedule.state().agreement().unwrap();
        let waits = schedule.state().proposal();
        let done = waits.map_or(&agreement.deal, |it| &it.deal);
        assert_eq!((done, shown.as_ref()), (&left, Some(&left)), "{act}");
        assert!(!agreement.reaches(date(13)), "the User's end holds: {act}");
    }
}

#[test]
fn an_act_about_days_that_are_ended_waits_no_longer() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 20), (12, 20), (13, 20)]);
    for act in [
        impose(deal(&[(11, 20), (12, 10), (13, 20)])),
        Act::End { from: date(13) },
    ] {
        let mut desk = desk.clone();
        desk.desk(id, act.clone()).unwrap();
        desk.user(id, Act::End { from: date(12) }).unwrap();
        let refused = Refusal::ActionOvertaken {
            action: 1,
            number: 1,
        };
        assert_eq!(desk.approve(2), Err(refused), "{act}");
        desk.user(id, amend(deal(&[(11, 19)]), None)).unwrap();
        desk.pass_time();
        assert_eq!(waits(&desk), 0, "{act}");
        let Some(Change::Closed { signed, .. }) = desk.changes.last() else {
            panic!("{act} waits though it can never be approved");
        };
        let why = signed.reason.as_str();
        assert!(why.ends_with(": step 4 was END by the User"), "{why}");
    }
}

/// An end leaves nothing of what is about later days, of what only gives on days that are left, or of the same end.
#[test]
fn what_an_end_leaves_nothing_of_is_overtaken() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 20), (12, 20), (13, 20)]);
    for (act, end) in [
        (impose(deal(&[(13, 10)])), 12),
        (impose(deal(&[(11, 25), (12, 20), (13, 10)])), 13),
        (Act::End { from: date(13) }, 13),
    ] {
        let mut desk = desk.clone();
        desk.desk(id, act.clone()).unwrap();
        desk.user(id, Act::End { from: date(end) }).unwrap();
        let refused = Refusal::ActionOvertaken {
            action: 1,
            number: 1,
        };
        assert_eq!(desk.approve(2), Err(refused), "{act}");
    }
}

/// What two officers want is done on what an end leaves, and not on another agreement that was ended.
#[test]
fn an_act_is_overtaken_by_another_agreement_though_that_was_ended_too() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 20), (12, 20), (13, 1)]);
    let mut with_canary = deal(&[(11, 20), (12, 20), (13, 1)]);
    with_canary.terms.canary = std::num::NonZeroU32::new(1);
    for amended in [deal(&[(11, 19), (12, 20), (13, 1)]), with_canary] {
        let mut desk = desk.clone();
        let taking = impose(deal(&[(11, 10), (12, 20), (13, 1)]));
        desk.desk(id, taking).unwrap();
        desk.user(id, amend(amended.clone(), None)).unwrap();
        desk.desk(id, Act::Accept).unwrap();
        desk.user(id, Act::End { from: date(13) }).unwrap();
        let refused = Refusal::ActionOvertaken {
            action: 1,
            number: 1,
        };
        assert_eq!(desk.approve(2), Err(refused), "{amended:?}");
    }
}

#[test]
fn the_canary_of_an_imposed_deal_is_no_more_than_an_end_leaves() {
    let mut desk = Desk::new();
    let id = desk.requested(1, request(100));
    let with_canary = |days: &[(i32, u32)], canary| {
        let mut deal = deal(days);
        deal.terms.canary = std::num::NonZeroU32::new(canary);
        deal
    };
    let before = with_canary(&[(11, 20), (12, 20)], 25);
    desk.desk(id, offer(before)).unwrap();
    desk.user(id, Act::Accept).unwrap();
    let imposed = with_canary(&[(11, 10), (12, 20)], 25);
    desk.desk(id, impose(imposed)).unwrap();
    desk.user(id, Act::End { from: date(12) }).unwrap();
    desk.approve(2).unwrap();
    let agreement = desk.book.get(id).unwrap().state().agreement();
    assert_eq!(agreement.unwrap().deal, with_canary(&[(11, 10)], 10));
}

#[test]
fn an_offer_that_waits_is_overtaken_by_what_its_user_does() {
    let mut desk = Desk::new();
    let id = desk.requested(1, request(9));
    desk.desk(id, offer(secure(&[(11, 5)]))).unwrap();
    desk.desk(id, offer(deal(&[(11, 5)]))).unwrap();
    desk.desk(id, Act::Withdraw).unwrap();
    desk.pass_time();
    assert_eq!(waits(&desk), 1, "it stands where it stood");
    desk.user(id, Act::Withdraw).unwrap();
    desk.pass_time();
    assert_eq!(waits(&desk), 0);
}

#[test]
fn an_act_is_declined_or_waits_too_long() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 20)]);
    desk.desk(id, impose(deal(&[(11, 10)]))).unwrap();
    let officer = Officer {
        officer: 2,
        ticket: Text::new("INC-2").unwrap(),
        second: None,
    };
    let declined = desk
        .book
        .decline(1, officer.clone(), (reason(), &desk.at()));
    desk.take(declined.unwrap());
    let gone = Refusal::ActionNotFound { action: 1 };
    assert_eq!(
        desk.book.approve(1, approval(2), &desk.at()),
        Err(gone.clone())
    );
    assert_eq!(
        desk.book.decline(1, officer, (reason(), &desk.at())),
        Err(gone)
    );

    desk.desk(id, impose(deal(&[(11, 10)]))).unwrap();
    assert_eq!(desk.book.next_due_us(), Some(150));
    desk.now_us = 150;
    let refused = Refusal::ActionExpired { expires_us: 150 };
    assert_eq!(desk.approve(2), Err(refused));
    desk.pass_time();
    assert_eq!((waits(&desk), desk.state(id)), (0, "AGREED".into()));
}

/// Who has to answer has 10 microseconds at least.
#[test]
fn a_proposal_that_waits_for_an_officer_is_closed_when_nobody_would_have_time_to_answer_it() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 20)]);
    let moved = Act::Amend {
        deal: deal(&[(11, 10)]),
        answer_by_us: 115,
        cause: Some(Cause::MakesRoomFor(NEWCOMER)),
    };
    desk.desk(id, moved).unwrap();
    desk.now_us = 105;
    desk.pass_time();
    desk.clone().approve(2).unwrap();
    assert_eq!(desk.book.next_due_us(), Some(106));
    desk.now_us = 106;
    desk.pass_time();
    let Some(Change::Closed { action: 1, signed }) = desk.changes.last() else {
        panic!("it waits though it can never be approved");
    };
    let why = "too little time is left to answer it";
    assert_eq!(signed.reason.as_str(), why);
    assert_eq!(waits(&desk), 0);
}

/// Such an end is refused now, and journals have some.
#[test]
fn an_end_that_takes_no_day_holds_nothing_off() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 20), (12, 1)]);
    desk.desk(id, impose(deal(&[(11, 10), (12, 1)]))).unwrap();
    for from in [99, 13] {
        let end = Act::End { from: date(from) };
        let refused = Refusal::EndsNothing {
            from: date(from),
            last: date(12),
        };
        assert_eq!(desk.user(id, end.clone()), Err(refused));
        let step = desk.ask(id, Asker::User, end).step(&desk.at(), None);
        desk.take(Change::Step { id, step });
    }
    desk.approve(2).unwrap();
    assert_eq!(desk.state(id), "AMENDED");
    assert_eq!(waits(&desk), 0);
}
