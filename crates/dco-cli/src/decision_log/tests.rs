use dco_client::{DecisionLogEnd, DecisionLogStart};
use dco_engine::record::{Change, PauseChanged, Record};
use dco_store::Head;
use prost::Message as _;

use super::verify::{Against, Verified, VerifyError};
use super::write::Writer;

fn verify(from: &[u8]) -> Result<Verified, VerifyError> {
    super::verify(from, &Against::default())
}

fn record(seq: u64) -> Vec<u8> {
    let paused = PauseChanged {
        by: 0x90B3_D51F_3001_0000 + seq,
        ticket: format!("INC-{seq}"),
        reason: "because".to_owned(),
        ..PauseChanged::default()
    };
    let record = Record {
        at_us: i64::try_from(seq).unwrap(),
        change: Some(Change::Paused(paused)),
    };
    record.encode_to_vec()
}

/// An export of records 1 to `last`, from `first` on.
fn export(first: u64, last: u64) -> Vec<String> {
    let mut head = Head {
        seq: 0,
        chain: [0; 32],
    };
    for seq in 1..first {
        head = head.after(&record(seq));
    }
    let start = DecisionLogStart {
        oldest_seq: first,
        first_seq: first,
        chain_before: head.chain,
        last_seq: last,
        at_us: Some(0),
        program_version: "0".to_owned(),
    };
    let mut file = Vec::new();
    let mut writer = Writer::begin(&mut file, &start).unwrap();
    for seq in first..=last {
        head = head.after(&record(seq));
        writer.record(seq, &record(seq), &head.chain).unwrap();
    }
    let end = DecisionLogEnd {
        count: last + 1 - first,
        last_seq: last,
        chain: head.chain,
        at_us: Some(0),
        signature: bytes::Bytes::new(),
        public_key: bytes::Bytes::new(),
    };
    writer.end(&end).unwrap();
    let text = String::from_utf8(file).unwrap();
    text.lines().map(|line| format!("{line}\n")).collect()
}

fn damage(lines: &[String]) -> String {
    match verify(lines.concat().as_bytes()) {
        Err(error @ VerifyError::Damage { .. }) => error.to_string(),
        other => panic!("no damage: {other:?}"),
    }
}

#[test]
fn what_was_exported_is_verified_from_any_record_on() {
    for first in 1..5 {
        let verified = verify(export(first, 6).concat().as_bytes()).unwrap();
        assert_eq!((verified.first_seq, verified.last_seq), (first, 6));
        assert_eq!(verified.records, 7 - first);
    }
    assert_eq!(verify(export(1, 0).concat().as_bytes()).unwrap().records, 0);
}

#[test]
fn whatever_is_done_to_a_line_is_found_where_it_was_done() {
    let good = export(1, 6);
    for line in 1..good.len() - 1 {
        let at = format!("line {}, record {line}:", line + 1);
        let mut removed = good.clone();
        removed.remove(line);
        assert!(damage(&removed).starts_with(&format!("line {}", line + 1)));
        let mut swapped = good.clone();
        swapped.swap(line, line + 1);
        assert!(damage(&swapped).starts_with(&format!("line {}", line + 1)));
        let mut twice = good.clone();
        twice.insert(line, good[line].clone());
        assert!(damage(&twice).starts_with(&format!("line {}", line + 2)));
        for (from, to) in [("INC-", "INT-"), ("because", "becomes"), ("pause", "event")] {
            let mut changed = good.clone();
            changed[line] = changed[line].replace(from, to);
            let found = damage(&changed);
            assert!(found.starts_with(&at) && found.contains("words"), "{found}");
        }
    }
}

#[test]
fn every_changed_octet_of_a_file_is_found() {
    let good = export(1, 3).concat().into_bytes();
    let header = good.iter().position(|byte| *byte == b'\n').unwrap();
    // The time of an end that nobody signed is as good as any other.
    let time = good
        .windows(10)
        .position(|it| it == b"\"time_us\":")
        .unwrap()
        + 10;
    for at in (header + 1..good.len()).filter(|at| *at != time) {
        let mut changed = good.clone();
        changed[at] ^= 1;
        assert!(verify(changed.as_slice()).is_err(), "octet {at}");
    }
}

#[test]
fn a_file_that_was_cut_anywhere_is_found() {
    let good = export(1, 3).concat().into_bytes();
    for bytes in 1..good.len() {
        assert!(verify(&good[..bytes]).is_err(), "{bytes} octets");
    }
}

#[test]
fn a_record_exchanged_with_its_chain_breaks_the_next() {
    let mut lines = export(1, 6);
    let other = export(1, 6)[3].replace("INC-3", "INC-9");
    lines[3] = other;
    assert!(damage(&lines).contains("record 3"));
    // The chain recomputed for one record alone.
    let forged = export(3, 6);
    let mut lines = export(1, 6);
    lines[3].clone_from(&forged[2]);
    assert!(damage(&lines).contains("record 3"));
}

#[test]
fn what_is_no_export_is_told_apart_from_damage() {
    for text in ["", "hello\n", "{}\n", "{\"dco_decision_log\":9}\n"] {
        let error = verify(text.as_bytes()).unwrap_err();
        assert!(
            matches!(error, VerifyError::Unreadable(_)),
            "{text}: {error}"
        );
    }
}
