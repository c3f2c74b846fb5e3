//! The decision log reads every record, and says who, what and why.

use std::collections::BTreeMap;

use dco_engine::record::{
    Asked, CapacitySet, Change, DayOpened, Deal, LateSuccess, Near, PauseChanged, PauseScope,
    Quota, Record, Repaid, ScheduleAct, ScheduleStepped, TransferEnd, TransferEnded, TransferId,
    TransferOpened, Warned,
};
use dco_engine::{Decision, DecisionKind, Outcome};
use prost::Message;

use crate::replay::busy;
use crate::sample::{ANN, NORTH};

/// What was done to releases says why, whoever did it, and nothing is done to what has no number.
pub(crate) fn all_in_words(journal: &[Vec<u8>]) {
    for record in journal {
        let decision = Decision::read(record).expect("it can be read");
        let is_pause = decision.kind == DecisionKind::Pause;
        assert!(!is_pause || !decision.reason.is_empty(), "{decision:?}");
        assert!(!decision.subject.ends_with("/0"), "{decision:?}");
    }
}

fn read() -> Vec<(Record, Decision)> {
    let journal = busy().journal.clone();
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
    let numbers = DecisionKind::ALL.map(DecisionKind::number);
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    assert!(Decision::read(&[0xFF]).is_err());
    assert!(Decision::read(&[]).is_err());
}

fn said(change: Change) -> (String, String) {
    let record = Record {
        at_us: 7,
        change: Some(change),
    };
    let decision = Decision::read(&record.encode_to_vec()).expect("it can be read");
    (decision.subject, decision.text)
}

fn quota(dates: &[i32]) -> Quota {
    Quota {
        dates: dates.to_vec(),
        units: vec![10; dates.len()],
    }
}

fn says(change: Change, subject: &str, text: &str) {
    assert_eq!(said(change), (subject.to_owned(), text.to_owned()));
}

#[test]
fn a_step_of_a_schedule_says_what_is_asked_and_what_is_dealt() {
    let stepped = |dates: &[i32], asked| {
        let deal = Deal {
            quota: Some(quota(dates)),
            ..Deal::default()
        };
        let act = ScheduleAct {
            deal: Some(deal),
            asked,
            end_date: Some(13),
            beyond_request: true,
            ..ScheduleAct::default()
        };
        Change::ScheduleStepped(ScheduleStepped {
            user: ANN.bits(),
            number: 3,
            act: Some(act),
            ..ScheduleStepped::default()
        })
    };
    let asked = Asked {
        devices: 40,
        earliest: 10,
        latest: 12,
        per_day_max: 20,
        ..Asked::default()
    };
    let schedule = format!("users/{ANN}/schedules/3");
    let end = "ends on 1970-01-14; beyond what its User asked for";
    let days = "1970-01-11 to 1970-01-13";
    let both = format!("40 Devices, {days}, 20 a day at most; 20 units, {days}; {end}");
    says(stepped(&[10, 12], Some(asked)), &schedule, &both);
    says(stepped(&[], None), &schedule, &format!("no units; {end}"));
}

#[test]
fn a_setting_of_capacity_says_for_which_days_and_what_follows() {
    let set = |it: CapacitySet| Change::CapacitySet(CapacitySet { first: 10, ..it });
    let with_profile = CapacitySet {
        capacity: Some(5),
        profile: vec![1; 24],
        ..CapacitySet::default()
    };
    let of_one_day = CapacitySet {
        capacity: Some(5),
        one_day: true,
        follows: Some(6),
        ..CapacitySet::default()
    };
    let cleared = CapacitySet {
        clear: true,
        over: Some(quota(&[10])),
        crowded: Some(quota(&[10, 11])),
        ..of_one_day.clone()
    };
    let profile = "from 1970-01-11: capacity 5, another hour profile";
    let day = "serviceDays/1970-01-11";
    says(set(with_profile), day, profile);
    says(set(of_one_day), day, "on 1970-01-11: capacity 5");
    says(
        set(cleared),
        day,
        "on 1970-01-11: what was set for it alone is taken back, capacity 6; 1 day is OVER_AGREED; \
         on 2 days windows have more agreed than their hours carry",
    );
    let repaid = Repaid {
        user: ANN.bits(),
        date: 9,
        units: 2,
    };
    let opened = DayOpened {
        date: 10,
        capacity: 5,
        repaid: vec![repaid],
        ..DayOpened::default()
    };
    let text = format!("capacity 5; users/{ANN} repaid 2 units of 1970-01-10");
    says(Change::DayOpened(opened), day, &text);
}

#[test]
fn a_warning_an_outcome_and_a_pause_name_what_they_are_about() {
    let warned = |near: Near| {
        Change::Warned(Warned {
            near: near.into(),
            user: ANN.bits(),
            batch: 4,
            limit: 9,
            used: 8,
            date: 10,
            ..Warned::default()
        })
    };
    let user = format!("users/{ANN}");
    let batch = format!("{user}/batches/4");
    says(warned(Near::Trt), &batch, "8 activations have not ended");
    says(warned(Near::StoredBytes), &user, "8 of 9 used");
    says(
        warned(Near::Capacity),
        "serviceDays/1970-01-11",
        "8 of 9 used",
    );
    let late = LateSuccess {
        activation: 5,
        attempt: 2,
        outcome: Outcome::Success.number(),
        ..LateSuccess::default()
    };
    says(
        Change::LateSuccess(late),
        "activation 5",
        "attempt 2: success",
    );
    let paused = PauseChanged {
        scope: PauseScope::Gateway.into(),
        gateway: NORTH.bits(),
        ..PauseChanged::default()
    };
    says(Change::Paused(paused), &format!("gateways/{NORTH}"), "");
}

#[test]
fn a_transfer_says_what_was_not_accepted_and_who_cancelled_it() {
    let opened = TransferOpened {
        invalid: vec![1, 2],
        not_applicable_firmware: vec![3],
        devices: vec![4],
        ..TransferOpened::default()
    };
    let (_, text) = said(Change::TransferOpened(opened));
    assert!(text.ends_with("for 1 Devices; 3 not accepted"), "{text}");
    for (end, by) in [
        (TransferEnd::Cancelled, Some(ANN)),
        (TransferEnd::Expired, None),
    ] {
        let ended = TransferEnded {
            end: end.into(),
            id: Some(TransferId {
                user: ANN.bits(),
                number: 2,
            }),
            ..TransferEnded::default()
        };
        let record = Record {
            at_us: 7,
            change: Some(Change::TransferEnded(ended)),
        };
        let decision = Decision::read(&record.encode_to_vec()).expect("it can be read");
        assert_eq!(decision.by, by, "{end:?}");
    }
}
