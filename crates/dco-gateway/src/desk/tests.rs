use dco_client::AttemptResult;

use super::*;
use crate::samples::{attempt, device, offer, success};

fn desk(concurrency: u32) -> Desk {
    Desk::new(Memory::new("first".to_owned(), concurrency))
}

fn hear(desk: &mut Desk, message: DcoMessage) -> Vec<Act> {
    desk.hear(message);
    desk.take_acts()
}

fn see(desk: &mut Desk, event: AttemptEvent) -> Vec<Act> {
    desk.see(event);
    desk.take_acts()
}

fn offered(desk: &mut Desk, device: u64, number: u32) -> Vec<Act> {
    hear(desk, DcoMessage::Offer(offer(device, number)))
}

fn progress(number: u32, blocks_done: u32) -> AttemptEvent {
    AttemptEvent::Progress {
        attempt: attempt(1, number),
        blocks_done,
    }
}

#[test]
fn an_offer_is_kept_accepted_and_started() {
    let mut desk = desk(10);
    let acts = offered(&mut desk, 1, 1);
    assert_eq!(
        acts,
        [
            Act::Say(GatewayMessage::Accept(attempt(1, 1))),
            Act::Start(offer(1, 1))
        ]
    );
    assert_eq!(desk.take_unsaved(), [Change::Accepted(offer(1, 1))]);
    let acts = offered(&mut desk, 1, 1);
    assert_eq!(acts, [Act::Say(GatewayMessage::Accept(attempt(1, 1)))]);
    assert_eq!(desk.take_unsaved(), []);
    let shown = desk.watch().borrow().clone();
    assert_eq!((shown.stats.offers, shown.stats.started), (2, 1));
    assert_eq!((shown.stats.repeated_offers, shown.in_hand), (1, 1));
}

#[test]
fn an_outcome_is_said_again_when_its_offer_comes_again() {
    let mut desk = desk(10);
    offered(&mut desk, 1, 1);
    let outcome = success(attempt(1, 1));
    let said = [Act::Say(GatewayMessage::Outcome(outcome.clone()))];
    assert_eq!(see(&mut desk, AttemptEvent::Ended(outcome)), said);
    assert_eq!(offered(&mut desk, 1, 1), said);
    hear(&mut desk, DcoMessage::Noted(attempt(1, 1)));
    hear(&mut desk, DcoMessage::Noted(attempt(1, 1)));
    let shown = desk.watch().borrow().clone();
    assert_eq!((shown.stats.noted, shown.in_hand), (1, 0));
    assert_eq!(shown.stats.count(AttemptResult::Success), 1);
    assert_eq!((shown.stats.successes(), shown.stats.failures()), (1, 0));
    assert_eq!(
        shown.devices.keys().copied().collect::<Vec<_>>(),
        [device(1)]
    );
}

#[test]
fn a_newer_attempt_stops_the_older_and_nothing_more_is_told_of_that() {
    let mut desk = desk(10);
    offered(&mut desk, 1, 1);
    let acts = offered(&mut desk, 1, 2);
    assert_eq!(
        acts,
        [
            Act::Stop(attempt(1, 1)),
            Act::Say(GatewayMessage::Accept(attempt(1, 2))),
            Act::Start(offer(1, 2)),
        ]
    );
    assert_eq!(see(&mut desk, AttemptEvent::Delivered(attempt(1, 1))), []);
    assert_eq!(
        see(&mut desk, AttemptEvent::Ended(success(attempt(1, 1)))),
        []
    );
    assert_eq!(see(&mut desk, progress(1, 5)), []);
    assert_eq!(desk.take_progress(), None);
}

#[test]
fn a_withdrawn_attempt_is_stopped_and_an_ended_one_only_forgotten() {
    let mut desk = desk(10);
    offered(&mut desk, 1, 1);
    let acts = hear(&mut desk, DcoMessage::Withdrawn(attempt(1, 1)));
    assert_eq!(acts, [Act::Stop(attempt(1, 1))]);
    assert_eq!(offered(&mut desk, 1, 1), []);
    offered(&mut desk, 2, 1);
    see(&mut desk, AttemptEvent::Ended(success(attempt(2, 1))));
    assert_eq!(hear(&mut desk, DcoMessage::Withdrawn(attempt(2, 1))), []);
    assert_eq!(desk.hello().outcomes, []);
}

#[test]
fn too_many_are_declined() {
    let mut desk = desk(1);
    offered(&mut desk, 1, 1);
    let acts = offered(&mut desk, 2, 1);
    let [
        Act::Say(GatewayMessage::Decline {
            attempt: declined,
            message,
        }),
    ] = &acts[..]
    else {
        panic!("{acts:?}")
    };
    assert_eq!(*declined, attempt(2, 1));
    assert_eq!(message, "this gateway takes 1 attempts at one time");
    assert_eq!(desk.watch().borrow().stats.declined, 1);
}

#[test]
fn only_the_newest_progress_is_told_and_none_after_the_delivery() {
    let mut desk = desk(10);
    offered(&mut desk, 1, 1);
    see(&mut desk, progress(1, 3));
    see(&mut desk, progress(1, 4));
    let told = GatewayMessage::Progress {
        attempt: attempt(1, 1),
        blocks_done: 4,
    };
    assert_eq!(desk.take_progress(), Some(told));
    assert_eq!(desk.take_progress(), None);
    see(&mut desk, progress(1, 10));
    let acts = see(&mut desk, AttemptEvent::Delivered(attempt(1, 1)));
    assert_eq!(acts, [Act::Say(GatewayMessage::Delivered(attempt(1, 1)))]);
    assert_eq!(desk.take_progress(), None);
}

#[test]
fn attempts_of_an_earlier_run_go_on_once_the_dco_has_answered() {
    let mut memory = Memory::new("first".to_owned(), 10);
    for number in 1..=3 {
        memory.apply(Change::Accepted(offer(number, 1)));
    }
    let mut desk = Desk::new(memory);
    desk.opened();
    assert_eq!(desk.hello().attempts.len(), 3);
    hear(&mut desk, DcoMessage::Withdrawn(attempt(2, 1)));
    let acts = hear(&mut desk, DcoMessage::Welcome { now_us: 0 });
    assert_eq!(acts, [Act::Start(offer(1, 1)), Act::Start(offer(3, 1))]);
    assert_eq!(hear(&mut desk, DcoMessage::Welcome { now_us: 0 }), []);
    assert!(desk.watch().borrow().connected);
    desk.broken();
    assert!(!desk.watch().borrow().connected);
}
