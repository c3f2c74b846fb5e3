//! The decision log reads every record, and says who, what and why.

use std::collections::BTreeMap;

use dco_engine::record::{Change, Record};
use dco_engine::{Decision, DecisionKind};
use prost::Message;

use crate::replay::busy;

fn read() -> Vec<(Record, Decision)> {
    let journal = busy().journal;
    let each = journal.iter().map(|bytes| {
        let record = Record::decode(bytes.as_slice()).expect("its own");
        (record, Decision::read(bytes).expect("it can be read"))
    });
    each.collect()
}

#[test]
fn each_kind_of_record_is_read_and_nothing_of_its_time_is_lost() {
    let mut words: BTreeMap<DecisionKind, Vec<&str>> = BTreeMap::new();
    for (record, decision) in read() {
        assert_eq!(decision.at_us, record.at_us);
        let of_kind = words.entry(decision.kind).or_default();
        if !of_kind.contains(&decision.what) {
            of_kind.push(decision.what);
        }
    }
    let said = |kind, what| words.get(&kind).is_some_and(|it| it.contains(&what));
    for (kind, what) in [
        (DecisionKind::Admission, "transfer opened"),
        (DecisionKind::Admission, "image stored"),
        (DecisionKind::Admission, "batch accepted"),
        (DecisionKind::Refusal, "threshold breached"),
        (DecisionKind::Agreement, "schedule agreed"),
        (DecisionKind::Agreement, "act waits for a second officer"),
        (DecisionKind::Agreement, "second officer did not approve"),
        (DecisionKind::Release, "attempt released"),
        (DecisionKind::Outcome, "attempt ended"),
        (DecisionKind::Cancellation, "batch cancelled"),
        (DecisionKind::Cancellation, "activation cancelled"),
        (DecisionKind::Pause, "releases paused"),
        (DecisionKind::Pause, "releases resumed"),
        (DecisionKind::Pause, "clock jumped ahead"),
        (DecisionKind::Override, "capacity set"),
        (DecisionKind::Override, "checks of images set"),
        (DecisionKind::Import, "Devices imported"),
        (DecisionKind::Import, "Central Products List imported"),
        (DecisionKind::Refusal, "calls refused"),
        (DecisionKind::Checkpoint, "checkpoint signed"),
        (DecisionKind::Event, "image quarantined"),
    ] {
        assert!(said(kind, what), "{kind:?} {what}: {words:#?}");
    }
}

#[test]
fn what_a_party_did_says_which_and_why() {
    for (record, decision) in read() {
        let by = decision.by.map(dco_block::Eui64::bits);
        match record.change.expect("it says something") {
            Change::BatchAccepted(it) => {
                assert_eq!(by, Some(it.user));
                assert_eq!(decision.request_id.len(), 36);
            }
            // A rule paused: nobody did, and there is no ticket.
            Change::Paused(it) if it.by == 0 => assert_eq!(by, None),
            Change::Paused(it) | Change::Resumed(it) => {
                assert_eq!(by, Some(it.by));
                assert_eq!(decision.ticket, "INC-1");
                assert!(!decision.reason.is_empty());
            }
            Change::CapacitySet(it) => {
                let signature = it.signature.expect("somebody signed");
                assert_eq!(by, Some(signature.officer));
                assert_eq!(decision.ticket, signature.ticket);
            }
            _ => {}
        }
    }
}

#[test]
fn a_record_names_its_activation_or_transfer_by_itself() {
    let mut named = 0;
    for (record, decision) in read() {
        let part = match record.change.expect("it says something") {
            Change::Released(_) | Change::AttemptEnded(_) | Change::ActivationCancelled(_) => {
                "/activations/"
            }
            Change::TransferEnded(_) | Change::TransferWarned(_) => "/transfers/",
            _ => continue,
        };
        named += 1;
        let subject = &decision.subject;
        assert!(
            subject.starts_with("users/") && subject.contains(part),
            "{decision:?}"
        );
    }
    assert!(named > 10);
}

#[test]
fn words_and_kinds_go_both_ways_and_bytes_that_are_no_record_are_refused() {
    for kind in DecisionKind::ALL {
        assert_eq!(DecisionKind::of_word(kind.word()), Some(kind));
    }
    assert!(Decision::read(&[0xFF]).is_err());
    assert!(Decision::read(&[]).is_err());
}
