use super::*;
use crate::testing::{by_desk, by_user, deal, quota, request, two_officers};
use crate::{Party, Side, Signed};

fn step(act: Act<u8>, by: Party<u8>) -> Step<u8> {
    let signed = Signed { by, ..by_user(7) };
    Step {
        act,
        beyond_request: false,
        signed,
    }
}

fn agreed() -> Schedule<u8> {
    let mut schedule = Schedule::begin(step(Act::Request(request(25)), Party::User)).unwrap();
    let offer = Act::Offer {
        deal: deal(&[(10, 20), (11, 5)]),
        answer_by_us: 100,
    };
    schedule.apply(step(offer, by_desk(1, 7).by)).unwrap();
    schedule.apply(step(Act::Accept, Party::User)).unwrap();
    schedule
}

fn amend(cause: Option<Cause<u8>>) -> Act<u8> {
    Act::Amend {
        deal: deal(&[(10, 15), (12, 10)]),
        answer_by_us: 100,
        cause,
    }
}

#[test]
fn it_begins_with_its_users_request_only() {
    assert_eq!(Schedule::begin(step(Act::Accept, Party::User)), None);
    assert_eq!(
        Schedule::begin(step(Act::Request(request(1)), Party::Time)),
        None
    );
    let begun = Schedule::begin(step(Act::Request(request(1)), Party::User)).unwrap();
    assert_eq!((begun.revision(), begun.state()), (1, &State::Requested));
    assert_eq!((begun.quota(), begun.request()), (None, &request(1)));
}

#[test]
fn each_step_makes_a_revision_and_one_without_place_changes_nothing() {
    let mut schedule = agreed();
    assert_eq!(
        (
            schedule.revision(),
            schedule.agreed_on(quota(&[(10, 1)]).first().unwrap())
        ),
        (3, 20)
    );
    let before = schedule.clone();
    assert_eq!(schedule.apply(step(Act::Accept, Party::User)), None);
    assert_eq!(schedule, before);
}

#[test]
fn a_move_says_what_was_taken_and_what_came_back() {
    let mut schedule = agreed();
    let cause = Cause::MakesRoomFor(ScheduleId { user: 2, number: 1 });
    schedule
        .apply(step(amend(Some(cause)), by_desk(1, 7).by))
        .unwrap();
    assert_eq!(schedule.moves(), [], "only proposed");
    schedule.apply(step(Act::Accept, Party::User)).unwrap();
    let moved = Move {
        at_us: 7,
        cause,
        taken: quota(&[(10, 5), (11, 5)]),
        given: quota(&[(12, 10)]),
        imposed: false,
    };
    assert_eq!(schedule.moves(), [moved]);
    let impose = Act::Impose {
        deal: deal(&[(10, 15)]),
        cause: Cause::OverAgreed,
    };
    schedule.apply(step(impose, two_officers(1, 2))).unwrap();
    let last = schedule.moves().last().unwrap();
    assert!(last.imposed);
    assert_eq!(
        (&last.taken, &last.given),
        (&quota(&[(12, 10)]), &quota(&[]))
    );
}

#[test]
fn a_move_that_takes_nothing_is_none() {
    let mut schedule = agreed();
    let more = Act::Impose {
        deal: deal(&[(10, 20), (11, 5), (12, 1)]),
        cause: Cause::OverAgreed,
    };
    schedule.apply(step(more, two_officers(1, 2))).unwrap();
    assert_eq!(schedule.moves(), []);
}

#[test]
fn a_change_for_no_others_sake_is_no_move() {
    let mut schedule = agreed();
    schedule.apply(step(amend(None), Party::User)).unwrap();
    schedule.apply(step(Act::Accept, by_desk(1, 7).by)).unwrap();
    assert_eq!(schedule.moves(), []);
    assert_eq!(schedule.state().to_string(), "AMENDED");
    assert_eq!(schedule.quota(), Some(&quota(&[(10, 15), (12, 10)])));
}

#[test]
fn its_history_alone_makes_it_again() {
    let mut schedule = agreed();
    schedule
        .apply(step(amend(Some(Cause::OverAgreed)), by_desk(1, 7).by))
        .unwrap();
    schedule.apply(step(Act::Accept, Party::User)).unwrap();
    let mut steps = schedule.history().iter().cloned();
    let mut again = Schedule::begin(steps.next().unwrap()).unwrap();
    for step in steps {
        again.apply(step).unwrap();
    }
    assert_eq!(again, schedule);
    assert_eq!(again.history()[1].signed.by.side(), Some(Side::Desk));
}

#[test]
fn its_user_reads_everything_but_the_names_of_others() {
    let other = Cause::MakesRoomFor(ScheduleId { user: 2, number: 1 });
    let deal = deal(&[(10, 15), (12, 10)]);
    let impose = Act::Impose { deal, cause: other };
    let mut schedule = agreed();
    schedule
        .apply(step(amend(Some(other)), by_desk(1, 7).by))
        .unwrap();
    assert_eq!(
        schedule.for_its_user().state().proposal().unwrap().cause,
        Some(Cause::MakesRoom)
    );
    schedule.apply(step(impose, two_officers(1, 2))).unwrap();
    let own = schedule.for_its_user();
    let named = |schedule: &Schedule<u8>| format!("{schedule:?}").contains("MakesRoomFor");
    assert!(named(&schedule) && !named(&own));
    assert_eq!(own.moves()[0].cause, Cause::MakesRoom);
    assert_eq!(own.for_its_user(), own);
    assert_eq!(
        (own.revision(), own.quota(), own.request()),
        (schedule.revision(), schedule.quota(), schedule.request())
    );
    assert_eq!(agreed().for_its_user(), agreed(), "nobody is named in it");
}
