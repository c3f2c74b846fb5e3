use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::samples::{NEW, attempt, device, offer, success};

fn memory(concurrency: u32) -> Memory {
    Memory::new("first".to_owned(), concurrency)
}

const STARTED: Offered = Offered::Start { replaces: None };

#[test]
fn an_offer_is_started_once_and_goes_on_when_it_comes_again() {
    let mut memory = memory(10);
    assert_eq!(memory.offer(offer(1, 1)), STARTED);
    assert_eq!(memory.offer(offer(1, 1)), Offered::InHand);
    assert_eq!(memory.hello().attempts, [attempt(1, 1)]);
    assert_eq!(memory.hello().memory_id, "first");
    assert_eq!(memory.hello().concurrency, 10);
}

#[test]
fn an_outcome_is_said_until_it_is_noted_and_known_even_after() {
    let mut memory = memory(10);
    memory.offer(offer(1, 1));
    let outcome = success(attempt(1, 1));
    assert!(memory.end(outcome.clone()));
    assert!(!memory.end(outcome.clone()));
    assert_eq!(memory.hello().attempts, []);
    assert_eq!(memory.hello().outcomes, std::slice::from_ref(&outcome));
    assert_eq!(memory.offer(offer(1, 1)), Offered::Ended(outcome.clone()));
    assert!(memory.noted(attempt(1, 1)));
    assert!(!memory.noted(attempt(1, 1)));
    assert_eq!(memory.hello().outcomes, []);
    assert_eq!(memory.offer(offer(1, 1)), Offered::Ended(outcome));
    assert_eq!(memory.running()[&device(1)].firmware_version, NEW);
}

#[test]
fn a_newer_attempt_replaces_the_older_and_an_older_one_changes_nothing() {
    let mut memory = memory(1);
    memory.offer(offer(1, 1));
    let replaced = memory.offer(offer(1, 2));
    assert_eq!(
        replaced,
        Offered::Start {
            replaces: Some(attempt(1, 1))
        }
    );
    assert_eq!(memory.in_hand_count(), 1);
    assert!(!memory.end(success(attempt(1, 1))));
    assert_eq!(memory.offer(offer(1, 1)), Offered::Over);
    assert!(!memory.noted(attempt(1, 1)));
    assert!(!memory.withdraw(attempt(1, 1)));
    assert!(memory.end(success(attempt(1, 2))));
}

#[test]
fn a_withdrawn_attempt_is_over() {
    let mut memory = memory(10);
    memory.offer(offer(1, 1));
    assert!(memory.withdraw(attempt(1, 1)));
    assert!(!memory.end(success(attempt(1, 1))));
    assert_eq!(memory.offer(offer(1, 1)), Offered::Over);
    assert_eq!(memory.in_hand_count(), 0);

    memory.offer(offer(2, 1));
    memory.end(success(attempt(2, 1)));
    assert!(
        !memory.withdraw(attempt(2, 1)),
        "nothing is left to be stopped"
    );
    assert_eq!(memory.hello().outcomes, []);
    assert!(!memory.withdraw(attempt(3, 1)));
}

#[test]
fn no_more_is_taken_than_the_gateway_takes_at_one_time() {
    let mut memory = memory(2);
    memory.offer(offer(1, 1));
    memory.offer(offer(2, 1));
    assert_eq!(memory.offer(offer(3, 1)), Offered::Full { concurrency: 2 });
    memory.end(success(attempt(1, 1)));
    assert_eq!(memory.offer(offer(3, 1)), STARTED);
}

#[test]
fn what_was_settled_long_ago_is_forgotten() {
    let mut memory = memory(10);
    let settled = u64::try_from(SETTLED_MAX).unwrap() + 1;
    for number in 0..settled {
        memory.apply(Change::Withdrawn(attempt(number, 1)));
    }
    assert_eq!(memory.known.len(), SETTLED_MAX);
    assert_eq!(memory.offer(offer(1, 1)), Offered::Over);
    assert_eq!(memory.offer(offer(0, 1)), STARTED);
}

#[test]
fn forgetting_spares_a_newer_attempt_of_the_same_activation() {
    let mut memory = memory(10);
    memory.apply(Change::Withdrawn(attempt(0, 1)));
    memory.offer(offer(0, 2));
    for number in 1..=u64::try_from(SETTLED_MAX).unwrap() {
        memory.apply(Change::Withdrawn(attempt(number, 1)));
    }
    assert_eq!(memory.offer(offer(0, 2)), Offered::InHand);
}

/// One thing that happens to a memory.
#[derive(Clone, Copy, Debug)]
enum Step {
    Offer(u64, u32),
    End(u64, u32),
    Noted(u64, u32),
    Withdraw(u64, u32),
    /// The program starts again with what was saved.
    Restart,
    /// The same after the file was written anew.
    RestartCondensed,
}

fn step() -> impl Strategy<Value = Step> {
    let which = || (0..4_u64, 1..4_u32);
    prop_oneof![
        4 => which().prop_map(|(device, attempt)| Step::Offer(device, attempt)),
        2 => which().prop_map(|(device, attempt)| Step::End(device, attempt)),
        2 => which().prop_map(|(device, attempt)| Step::Noted(device, attempt)),
        1 => which().prop_map(|(device, attempt)| Step::Withdraw(device, attempt)),
        1 => Just(Step::Restart),
        1 => Just(Step::RestartCondensed),
    ]
}

fn again(changes: &[Change]) -> Memory {
    let mut memory = memory(3);
    changes
        .iter()
        .cloned()
        .for_each(|change| memory.apply(change));
    memory
}

fn count_in_hand(memory: &Memory) -> usize {
    memory.in_hand().count()
}

proptest! {
    #[test]
    fn no_attempt_is_ever_started_twice(steps in prop::collection::vec(step(), 0..80)) {
        let mut memory = memory(3);
        let mut saved = Vec::new();
        let mut started = BTreeSet::new();
        for step in steps {
            match step {
                Step::Offer(device, number) => {
                    if let Offered::Start { replaces } = memory.offer(offer(device, number)) {
                        prop_assert!(started.insert(attempt(device, number)));
                        prop_assert!(replaces.is_none_or(|older| older.attempt < number));
                    }
                }
                Step::End(device, number) => {
                    let ended = memory.end(success(attempt(device, number)));
                    prop_assert!(!ended || started.contains(&attempt(device, number)));
                }
                Step::Noted(device, number) => drop(memory.noted(attempt(device, number))),
                Step::Withdraw(device, number) => drop(memory.withdraw(attempt(device, number))),
                Step::Restart => memory = again(&saved),
                Step::RestartCondensed => {
                    saved = memory.condensed();
                    memory = again(&saved);
                }
            }
            saved.extend(memory.take_unsaved());
            prop_assert_eq!(count_in_hand(&memory), memory.in_hand_count() as usize);
            prop_assert!(memory.in_hand_count() <= 3);
            let recalled = again(&saved);
            prop_assert_eq!(recalled.hello(), memory.hello());
            prop_assert_eq!(recalled.running(), memory.running());
        }
    }
}
