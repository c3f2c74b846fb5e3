//! Why a User is moved: the cause is there, and holds for all that is taken.

use proptest::prelude::*;

use super::*;
use crate::{DayTaken, HourWindow, MoveRefusal, Refusal};

fn refused(refusal: MoveRefusal) -> Result<(), Refusal> {
    Err(Refusal::Move(refusal))
}

fn taken(days: i32, taken: u32, at_most: u64) -> DayTaken {
    DayTaken {
        date: date(days),
        taken,
        at_most,
    }
}

fn for_none(number: u32, state: &str) -> Result<(), Refusal> {
    refused(MoveRefusal::RoomForNone {
        number,
        state: state.to_owned(),
    })
}

impl Desk {
    /// What the desk is answered that proposes this, and that imposes it: the same.
    fn moves(
        &self,
        id: ScheduleId<u8>,
        days: &[(i32, u32)],
        cause: Cause<u8>,
    ) -> Result<(), Refusal> {
        let proposed = self.clone().desk(id, amend(deal(days), Some(cause)));
        let deal = deal(days);
        let imposed = self.clone().desk(id, Act::Impose { deal, cause });
        assert_eq!(proposed, imposed, "{days:?} {cause:?}");
        proposed
    }
}

#[test]
fn what_is_taken_is_taken_for_a_cause() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 20), (12, 20)]);
    let (date, units) = (date(11), 1);
    let missing = MoveRefusal::CauseMissing { date, units };
    let less = amend(deal(&[(11, 19), (12, 20)]), None);
    assert_eq!(desk.desk(id, less), refused(missing));
    assert_eq!(
        desk.desk(id, amend(deal(&[(11, 20), (12, 21)]), None)),
        Ok(())
    );
}

/// A cause is no pretext for other terms, and none for more units.
#[test]
fn a_cause_is_for_units_that_are_taken_and_two_officers_impose_days_alone() {
    let mut desk = Desk::new();
    let mut before = deal(&[(11, 20), (12, 20)]);
    before.terms.canary = std::num::NonZeroU32::new(30);
    let id = desk.requested(1, request(100));
    desk.desk(id, offer(before.clone())).unwrap();
    desk.user(id, Act::Accept).unwrap();
    desk.set_capacity(Span::From(date(11)), 0);
    let cause = Cause::OverAgreed;
    let mut terms_only = before.clone();
    terms_only.terms.run_ahead = true;
    let agreed = before.terms;
    for act in [
        amend(terms_only.clone(), Some(cause)),
        amend(before.clone(), Some(cause)),
        Act::Impose {
            deal: before,
            cause,
        },
    ] {
        assert_eq!(desk.desk(id, act), refused(MoveRefusal::NothingTaken));
    }
    let imposed = |days: &[(i32, u32)], canary: u32| {
        let mut deal = deal(days);
        deal.terms.canary = std::num::NonZeroU32::new(canary);
        Act::Impose { deal, cause }
    };
    let changes = refused(MoveRefusal::TermsImposed { agreed });
    for act in [
        Act::Impose {
            deal: terms_only,
            cause,
        },
        imposed(&[(11, 20), (12, 15)], 29),
        imposed(&[(11, 20), (12, 5)], 24),
    ] {
        assert_eq!(desk.desk(id, act), changes);
    }
    assert_eq!(
        changes.unwrap_err().to_string(),
        "the terms would change without the User's word, and only days are imposed; leave the terms as they are agreed: \
         no window, canary 30, no run ahead, no security priority"
    );
    assert_eq!(desk.desk(id, imposed(&[(11, 20), (12, 15)], 30)), Ok(()));
    assert_eq!(
        desk.desk(id, imposed(&[(11, 20), (12, 5)], 25)),
        Ok(()),
        "as many as are left"
    );
}

#[test]
fn for_a_drop_of_capacity_no_more_is_taken_than_is_over() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 20), (12, 20), (13, 20)]);
    let more_than = |days, over: &[(i32, u32)]| {
        let over = quota(over);
        refused(MoveRefusal::MoreThanOver { days, over })
    };
    let cause = Cause::OverAgreed;
    let none = more_than(vec![taken(11, 1, 0)], &[]);
    assert_eq!(desk.moves(id, &[(11, 19), (12, 20), (13, 20)], cause), none);
    // 30 less 12 + 3 leaves 15.
    desk.set_capacity(Span::On(date(12)), 30);
    assert_eq!(
        desk.moves(id, &[(11, 20), (12, 15), (13, 20)], cause),
        Ok(())
    );
    let too_much = desk.moves(id, &[(11, 20), (12, 14), (13, 11)], cause);
    let days = vec![taken(12, 6, 5), taken(13, 9, 0)];
    assert_eq!(too_much, more_than(days, &[(12, 5)]));
    assert_eq!(
        too_much.unwrap_err().to_string(),
        "because capacity dropped at most what is OVER_AGREED may be taken, and of 2 service days more would be: 6 of \
         1970-01-13, where 5 may be; 9 of 1970-01-14, where 0 may be; OVER_AGREED are 1970-01-13 by 5, 1 service day in \
         all; take no more than that, or name the schedule that room is made for"
    );
}

#[test]
fn room_is_made_for_another_user_s_schedule_that_is_under_way() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 20), (12, 20)]);
    let own = desk.requested(1, request(500));
    let withdrawn = desk.requested(2, request(9));
    desk.user(withdrawn, Act::Withdraw).unwrap();
    let full = desk.requested(3, request(9));
    desk.desk(full, offer(deal(&[(11, 9)]))).unwrap();
    desk.user(full, Act::Accept).unwrap();
    let absent = ScheduleId { user: 2, number: 7 };
    for (other, expected) in [
        (id, for_none(1, "the one that is moved")),
        (own, for_none(2, "of the User that is moved")),
        (absent, for_none(7, "not there")),
        (withdrawn, for_none(1, "WITHDRAWN")),
        (full, for_none(1, "agreed in full")),
        (NEWCOMER, Ok(())),
    ] {
        let cause = Cause::MakesRoomFor(other);
        assert_eq!(desk.moves(id, &[(11, 19), (12, 20)], cause), expected);
    }
}

/// 80 can be agreed a day. The other User asks for days 11 to 13 and can take 50 on each.
#[test]
fn no_more_room_is_made_than_the_other_schedule_needs() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 60), (12, 70), (13, 80), (14, 80)]);
    let asked = |devices| Request {
        earliest: date(11),
        latest: date(13),
        per_day_max: 50.try_into().unwrap(),
        ..request(devices)
    };
    let other = desk.requested(2, asked(100));
    let cause = Cause::MakesRoomFor(other);
    let needed = |days| refused(MoveRefusal::MoreThanNeeded { number: 1, days });
    let all = [(11, 60), (12, 70), (13, 80), (14, 80)];
    let less = |of: usize, by: u32| {
        let mut days = all;
        days[of].1 -= by;
        days
    };
    assert_eq!(
        desk.moves(id, &less(0, 30), cause),
        Ok(()),
        "20 of its 50 are free"
    );
    assert_eq!(
        desk.moves(id, &less(0, 31), cause),
        needed(vec![taken(11, 31, 30)])
    );
    let too_much = desk.moves(id, &less(2, 51), cause);
    let told = "schedule 1 needs less room on 1 service day: ";
    let text = too_much.clone().unwrap_err().to_string();
    assert!(
        text.contains(told) && text.contains("take no more than that"),
        "{text}"
    );
    assert_eq!(too_much, needed(vec![taken(13, 51, 50)]));
    let mut both = less(1, 40);
    both[2].1 -= 30;
    assert_eq!(
        desk.moves(id, &both, cause),
        Ok(()),
        "20 and 10 are free of 100"
    );
    both[2].1 -= 1;
    let enough = |by, taken, wanted, free| {
        refused(MoveRefusal::RoomEnough {
            number: 1,
            taken,
            by: date(by),
            wanted,
            free,
        })
    };
    assert_eq!(desk.moves(id, &both, cause), enough(13, 71, 100, 30));
    let early = desk.agreed(3, &[(10, 40)]);
    let before = desk.moves(early, &[(10, 30)], cause);
    assert_eq!(before, needed(vec![taken(10, 10, 0)]), "before it can send");

    // What is agreed with it in the meantime it does not need any more.
    desk.desk(other, offer(deal(&[(11, 20), (12, 10)])))
        .unwrap();
    desk.user(other, Act::Accept).unwrap();
    assert_eq!(
        desk.moves(id, &less(0, 31), cause),
        needed(vec![taken(11, 31, 30)])
    );
    assert_eq!(desk.moves(id, &less(2, 50), cause), Ok(()));
}

#[test]
fn room_is_made_in_the_window_that_is_talked_about() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 20), (12, 80)]);
    let asked = Request {
        earliest: date(11),
        ..request(12)
    };
    let other = desk.requested(2, asked);
    let cause = Cause::MakesRoomFor(other);
    let days = [(11, 20), (12, 75)];
    let enough = MoveRefusal::RoomEnough {
        number: 1,
        taken: 5,
        by: date(12),
        wanted: 12,
        free: 12,
    };
    assert_eq!(desk.moves(id, &days, cause), refused(enough));
    // Two hours of a flat day carry 8 of its 100.
    let mut at_night = deal(&[(11, 6)]);
    at_night.terms.window = Some(HourWindow::new(22, 24).unwrap());
    desk.desk(other, offer(at_night)).unwrap();
    assert_eq!(desk.moves(id, &[(11, 20), (12, 76)], cause), Ok(()));
    let enough = MoveRefusal::RoomEnough {
        number: 1,
        taken: 5,
        by: date(12),
        wanted: 12,
        free: 8,
    };
    assert_eq!(desk.moves(id, &days, cause), refused(enough));
}

/// Two hours of a flat day carry 8 of its 100: of the 12, 8 leave on day 11 and 4 on day 12, which another has in full.
#[test]
fn room_is_made_for_a_plan_in_a_window_before_any_is_offered() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(12, 80)]);
    let asked = Request {
        earliest: date(11),
        ..request(12)
    };
    let newcomer = desk.requested(2, asked);
    let cause = Cause::MakesRoomFor(newcomer);
    let terms = crate::FitTerms {
        window: HourWindow::new(22, 24).ok(),
        trt_us: 1,
        in_flight_days: 5,
        in_flight_max: 1,
    };
    let fits = desk.book.fits(2, &asked, &terms, &desk.at());
    let plan = fits.earliest_end.unwrap();
    assert_eq!(plan.quota, quota(&[(11, 8), (12, 4)]));
    assert_eq!(plan.replan.amendments[0].quota.on(date(12)), 76);
    assert_eq!(desk.moves(id, &[(12, 76)], cause), Ok(()));
    let enough = |taken| MoveRefusal::RoomEnough {
        number: 1,
        taken,
        by: date(12),
        wanted: 12,
        free: 12,
    };
    let too_much = desk.moves(id, &[(12, 75)], cause);
    assert_eq!(too_much, refused(enough(5)), "in no window so much");
    desk.desk(newcomer, offer(deal(&[(11, 12)]))).unwrap();
    let talked_about = desk.moves(id, &[(12, 76)], cause);
    assert_eq!(talked_about, refused(enough(4)), "one without a window");
}

#[test]
fn the_desk_takes_no_more_in_a_counter_than_the_user_gives_up_and_amends_instead() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 20), (12, 20)]);
    desk.user(id, amend(deal(&[(11, 15), (12, 20)]), None))
        .unwrap();
    let (date, units) = (date(12), 3);
    let takes = MoveRefusal::CounterTakes { date, units };
    let less = deal(&[(11, 15), (12, 17)]);
    assert_eq!(desk.desk(id, counter(less.clone())), refused(takes));
    let countered = desk.clone().desk(id, counter(deal(&[(11, 16), (12, 20)])));
    assert_eq!(countered, Ok(()));
    let cause = Some(Cause::MakesRoomFor(NEWCOMER));
    desk.desk(id, amend(less.clone(), cause)).unwrap();
    desk.approve(102).unwrap();
    let proposal = desk.book.get(id).unwrap().state().proposal().unwrap();
    assert_eq!((&proposal.deal, proposal.cause), (&less, cause));
    desk.user(id, Act::Accept).unwrap();
    assert_eq!(desk.book.get(id).unwrap().moves().len(), 1);
}

#[test]
fn a_user_may_counter_a_move_whose_cause_has_gone() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 20)]);
    let newcomer = desk.requested(2, request(1_000));
    let moved = amend(deal(&[(11, 10)]), Some(Cause::MakesRoomFor(newcomer)));
    desk.desk(id, moved).unwrap();
    desk.approve(102).unwrap();
    desk.user(newcomer, Act::Withdraw).unwrap();
    assert_eq!(desk.user(id, counter(deal(&[(11, 15)]))), Ok(()));
    let none = for_none(1, "WITHDRAWN");
    assert_eq!(desk.desk(id, counter(deal(&[(11, 14)]))), none);
    assert_eq!(desk.desk(id, counter(deal(&[(11, 16)]))), Ok(()));
}

/// What the User offers is a part of what the cause holds for, and not something beside it.
#[test]
fn a_counter_takes_no_more_in_all_than_its_cause_holds_for() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 80), (12, 80)]);
    desk.set_capacity(Span::On(date(11)), 90);
    let over = desk.book.over_agreed(desk.today).on(date(11));
    assert!(over > 0);
    let leaves = |by: u32| deal(&[(11, 80 - by), (12, 80)]);
    let moved = |by| amend(leaves(by), Some(Cause::OverAgreed));
    desk.desk(id, moved(over)).unwrap();
    desk.approve(102).unwrap();
    let mut offers_more = desk.clone();
    desk.user(id, counter(leaves(over))).unwrap();
    let twice = desk.clone().desk(id, counter(leaves(2 * over)));
    let days = vec![taken(11, 2 * over, over.into())];
    let too_much = MoveRefusal::MoreThanOver {
        days,
        over: quota(&[(11, over)]),
    };
    assert_eq!(twice, refused(too_much));
    offers_more.user(id, counter(leaves(over + 3))).unwrap();
    assert_eq!(
        offers_more.clone().desk(id, counter(leaves(over + 3))),
        Ok(()),
        "what the User offers may be taken"
    );
    let refused = offers_more.desk(id, counter(leaves(over + 4)));
    assert!(matches!(refused, Err(Refusal::Move(_))), "{refused:?}");
}

#[test]
fn a_counter_makes_no_more_room_in_all_than_the_newcomer_needs() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(10, 80), (11, 80), (12, 80)]);
    let newcomer = desk.requested(3, request(10));
    let cause = Some(Cause::MakesRoomFor(newcomer));
    desk.desk(id, amend(deal(&[(10, 80), (11, 70), (12, 80)]), cause))
        .unwrap();
    desk.approve(102).unwrap();
    let less = |first: u32, second| counter(deal(&[(10, 80), (11, first), (12, second)]));
    desk.user(id, less(70, 80)).unwrap();
    assert_eq!(desk.clone().desk(id, less(75, 75)), Ok(()), "10 in all");
    let enough = MoveRefusal::RoomEnough {
        number: 1,
        taken: 20,
        by: date(12),
        wanted: 10,
        free: 0,
    };
    assert_eq!(desk.desk(id, less(70, 70)), refused(enough));
}

/// Units of each User for days 11, 12, .., and what the newcomer asks for: Devices, a day at most, first day, days.
type Crowd = (Vec<Vec<u32>>, (u32, u32, i32, i32));

fn crowd() -> impl Strategy<Value = Crowd> {
    let quotas = proptest::collection::vec(proptest::collection::vec(0..60_u32, 1..5), 1..4);
    (quotas, (1..200_u32, 1..90_u32, 11..14_i32, 0..4_i32))
}

fn windows() -> impl Strategy<Value = Option<HourWindow>> {
    (0..24_u8, 0..25_u8).prop_map(|(from, to)| HourWindow::new(from, to).ok())
}

proptest! {
    /// What `fit` proposes can be proposed: the two count the same room.
    #[test]
    fn every_plan_that_makes_room_has_a_cause_that_holds((quotas, asked) in crowd(), window in windows()) {
        let mut desk = Desk::new();
        for (user, units) in (1..).zip(&quotas) {
            let days: Vec<_> = (11..).zip(units.iter().copied()).filter(|(_, units)| *units > 0).collect();
            let free = |(day, units): &(i32, u32)| desk.book.free(date(*day)) >= u64::from(*units);
            if !days.is_empty() && days.iter().all(free) {
                desk.agreed(user, &days);
            }
        }
        let (devices, per_day_max, first, days) = asked;
        let asked = Request {
            earliest: date(first),
            latest: date(first + days),
            per_day_max: per_day_max.try_into().unwrap(),
            ..request(devices)
        };
        let newcomer = desk.requested(9, asked);
        let terms = crate::FitTerms { window, trt_us: 1, in_flight_days: 5, in_flight_max: 1 };
        let Ok(fit) = desk.book.fits(9, &asked, &terms, &desk.at()).earliest_end else {
            return Ok(());
        };
        for it in fit.replan.amendments {
            let moved = Deal { quota: it.quota, ..Deal::default() };
            let cause = Some(Cause::MakesRoomFor(newcomer));
            prop_assert_eq!(desk.desk_beyond(it.id, amend(moved, cause)), Ok(()));
            desk.approve(102).unwrap();
            desk.user(it.id, Act::Accept).unwrap();
        }
    }
}
