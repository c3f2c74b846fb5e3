use dco_client::{DecisionLogEnd, DecisionLogStart};
use dco_engine::record::{
    Change, CheckpointMade, DayOpened, PauseChanged, Record, Restored, StopFigures, TrustSet,
};
use dco_engine::{Engine, Event, Terms, checkpoint_text, export_text};
use dco_schedule::ServiceDate;
use dco_store::Head;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::EncodePublicKey;
use prost::Message as _;
use serde_json::Value;

use super::days::Unsigned;
use super::verify::{Against, Verified, VerifyError};
use super::write::Writer;

const NONE: Head = Head {
    seq: 0,
    chain: [0; 32],
};

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

/// The start of an export that begins after a record.
fn start(before: Head, last_seq: u64) -> DecisionLogStart {
    DecisionLogStart {
        oldest_seq: before.seq + 1,
        first_seq: before.seq + 1,
        chain_before: before.chain,
        last_seq,
        at_us: Some(0),
        program_version: "0".to_owned(),
    }
}

fn lines_of(file: Vec<u8>) -> Vec<String> {
    let text = String::from_utf8(file).unwrap();
    text.lines().map(|line| format!("{line}\n")).collect()
}

fn sign(key: &SigningKey, text: &str) -> bytes::Bytes {
    let signature: Signature = key.sign(text.as_bytes());
    signature.to_der().as_bytes().to_vec().into()
}

fn public(key: &SigningKey) -> bytes::Bytes {
    let public = key.verifying_key().to_public_key_der().unwrap();
    public.as_bytes().to_vec().into()
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
    let mut file = Vec::new();
    let mut writer = Writer::begin(&mut file, &start(head, last)).unwrap();
    for seq in first..=last {
        head = head.after(&record(seq));
        writer.record(seq, &record(seq), &head.chain).unwrap();
    }
    writer.end(&unsigned(last + 1 - first, head)).unwrap();
    lines_of(file)
}

/// The end of an export of so many records, of which `head` is the last.
fn unsigned(count: u64, head: Head) -> DecisionLogEnd {
    DecisionLogEnd {
        count,
        last_seq: head.seq,
        chain: head.chain,
        at_us: Some(0),
        signature: bytes::Bytes::new(),
        public_key: bytes::Bytes::new(),
    }
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

/// A log of three records and a checkpoint of the second, signed with this key for this chain.
fn signed(key: &SigningKey, change: impl FnOnce(&mut CheckpointMade)) -> Vec<String> {
    let (mut file, mut head) = (Vec::new(), NONE);
    let mut writer = Writer::begin(&mut file, &start(NONE, 4)).unwrap();
    let public_key = public(key);
    let second = NONE.after(&record(1)).after(&record(2));
    let date = ServiceDate::from_days(20_000);
    let mut made = CheckpointMade {
        date: 20_000,
        seq: 2,
        chain: bytes::Bytes::copy_from_slice(&second.chain),
        signature: sign(key, &checkpoint_text(date, 2, &second.chain)),
        public_key: public_key.clone(),
    };
    change(&mut made);
    let checkpoint = Record {
        at_us: 9,
        change: Some(Change::CheckpointMade(made)),
    };
    let records = [record(1), record(2), record(3), checkpoint.encode_to_vec()];
    for (seq, record) in (1..).zip(&records) {
        head = head.after(record);
        writer.record(seq, record, &head.chain).unwrap();
    }
    let end = DecisionLogEnd {
        count: 4,
        last_seq: 4,
        chain: head.chain,
        at_us: Some(7),
        signature: sign(key, &export_text(7, 4, &head.chain)),
        public_key,
    };
    writer.end(&end).unwrap();
    lines_of(file)
}

#[test]
fn what_was_signed_is_verified_and_a_forged_history_has_no_signature() {
    let key = SigningKey::from_slice(&[7; 32]).unwrap();
    let good = signed(&key, |_| {});
    let verified = verify(good.concat().as_bytes()).unwrap();
    assert_eq!((verified.checkpoints, verified.end_signed_us), (1, Some(7)));
    assert_eq!(verified.last_checkpoint.unwrap().1, 2);
    assert_eq!(verified.keys.len(), 1);

    // Each forgery has a whole hash chain and a good end: only the signature of the checkpoint shows it.
    let found = damage(&signed(&key, |made| made.seq = 1));
    assert!(found.contains("record 4: its signature"), "{found}");
    let found = damage(&signed(&key, |made| made.chain = vec![1; 32].into()));
    assert!(found.contains("record 4: its signature"), "{found}");
    let found = damage(&signed(&key, |made| made.date += 1));
    assert!(found.contains("record 4: its signature"), "{found}");
    let found = damage(&signed(&key, |made| {
        let date = ServiceDate::from_days(20_000);
        made.chain = vec![1; 32].into();
        made.signature = sign(&key, &checkpoint_text(date, 2, &[1; 32]));
    }));
    assert!(found.contains("another hash chain"), "{found}");

    let mut unsigned = good;
    let at = unsigned.len() - 1;
    let mut end: Value = serde_json::from_str(&unsigned[at]).unwrap();
    end["signature"] = "".into();
    unsigned[at] = format!("{end}\n");
    assert!(damage(&unsigned).contains("not signed"));
}

fn unreadable(lines: &[String], against: &Against) -> String {
    match super::verify(lines.concat().as_bytes(), against) {
        Err(VerifyError::Unreadable(why)) => why,
        other => panic!("it was read: {other:?}"),
    }
}

/// The same lines, and one of them with this field set.
fn with_field(lines: &[String], line: usize, field: &str, value: impl Into<Value>) -> Vec<String> {
    let mut lines = lines.to_vec();
    let mut fields: Value = serde_json::from_str(&lines[line]).unwrap();
    fields[field] = value.into();
    lines[line] = format!("{fields}\n");
    lines
}

/// What an export of records 1 to `last` keeps of the log.
fn kept(last: u64) -> Against {
    Against {
        heads: super::kept_heads(export(1, last).concat().as_bytes()).unwrap(),
        ..Against::default()
    }
}

#[test]
fn words_of_another_reading_are_not_called_good_whether_forged_or_not() {
    let good = export(1, 3);
    for reading in [0_u64, 2, 1 << 32] {
        let mut other = with_field(&good, 0, "reading", reading);
        let why = unreadable(&other, &Against::default());
        let says = format!("reading {reading}, and this program knows reading 1");
        assert!(why.contains(&says), "{why}");
        assert!(why.contains("version \"0\""), "{why}");
        other[2] = other[2].replace("because", "becomes");
        unreadable(&other, &Against::default());
    }
    for reading in [
        Value::Null,
        Value::from("1"),
        Value::from(-1_i32),
        Value::from(1.5_f64),
    ] {
        let other = with_field(&good, 0, "reading", reading);
        unreadable(&other, &Against::default());
    }
    let mut twice = good;
    twice[0] = twice[0].replace("\"reading\":1", "\"reading\":2,\"reading\":1");
    unreadable(&twice, &Against::default());
}

#[test]
fn a_field_that_no_record_has_is_found_in_every_line() {
    let good = export(1, 3);
    for line in 0..good.len() {
        let at = format!("line {}", line + 1);
        for field in ["approved_by", "third", "\u{1b}[2J"] {
            let found = damage(&with_field(&good, line, field, "somebody"));
            assert!(found.starts_with(&at), "{found}");
            assert!(found.contains(&format!("field {field:?}")), "{found}");
            assert!(!found.contains('\u{1b}'), "{found}");
        }
    }
    // Empty words are left out by who writes them.
    let found = damage(&with_field(&good, 2, "second", ""));
    assert!(found.contains("field \"second\""), "{found}");
    // A record that looks like an end is neither.
    let end: Value = serde_json::from_str(&good[4]).unwrap();
    let mut both = good.clone();
    for (field, value) in end.as_object().unwrap() {
        both = with_field(&both, 1, field, value.clone());
    }
    assert!(damage(&both).starts_with("line 2"));
    // The order of the fields says nothing.
    let sorted = with_field(&good, 2, "seq", 2);
    assert_ne!(sorted, good);
    assert_eq!(verify(sorted.concat().as_bytes()).unwrap().records, 3);
}

#[test]
fn digits_of_a_chain_are_read_only_as_they_are_written() {
    let good = export(2, 3);
    for (line, text) in good.iter().enumerate() {
        let field = if line == 0 { "chain_before" } else { "chain" };
        let fields: Value = serde_json::from_str(text).unwrap();
        let chain = fields[field].as_str().unwrap().to_uppercase();
        damage(&with_field(&good, line, field, chain));
    }
}

#[test]
fn what_the_first_line_says_is_no_fact() {
    let (exported, when) = ("1999-12-31T00:00:00Z", "1970-01-01T00:00:00.000007Z");
    let key = SigningKey::from_slice(&[7; 32]).unwrap();
    let lines = with_field(&signed(&key, |_| {}), 0, "exported", exported);
    let text = verify(lines.concat().as_bytes()).unwrap().end_text();
    assert!(text.contains(when) && !text.contains(exported), "{text}");

    let lines = with_field(&export(1, 3), 0, "exported", exported);
    let verified = verify(lines.concat().as_bytes()).unwrap();
    assert_eq!(verified.end_signed_us, None);
    let text = verified.end_text();
    let word = format!("own word, which nothing signs, it was exported at {exported:?}");
    assert!(text.contains(&word), "{text}");

    // The time of a signed end is signed as well.
    let lines = signed(&key, |_| {});
    let found = damage(&with_field(&lines, lines.len() - 1, "time_us", 8));
    assert!(found.contains("signature"), "{found}");
}

#[test]
fn what_was_before_the_first_record_is_not_claimed() {
    let whole = verify(export(1, 6).concat().as_bytes()).unwrap();
    assert_eq!(whole.beginning_text(), None);
    // A head that was cut off looks like one that is kept no more.
    let cut = export(4, 6);
    let verified = verify(cut.concat().as_bytes()).unwrap();
    let text = verified.beginning_text().unwrap();
    assert!(text.contains("begins with record 4"), "{text}");
    assert!(text.contains("cannot show"), "{text}");
    assert!(text.contains("--kept"), "{text}");
    let lower = with_field(&cut, 0, "oldest_seq", 2);
    let verified = verify(lower.concat().as_bytes()).unwrap();
    assert!(verified.beginning_text().is_some());
}

#[test]
fn a_kept_export_must_reach_up_to_where_the_file_begins() {
    let file = export(4, 6);
    for last in 3..=6 {
        super::verify(file.concat().as_bytes(), &kept(last)).unwrap();
    }
    let why = unreadable(&file, &kept(2));
    assert!(why.contains("goes up to record 2"), "{why}");
    assert!(why.contains("begins with 4"), "{why}");
    let mut other = kept(3);
    other.heads.insert(3, [1; 32]);
    let found = super::verify(file.concat().as_bytes(), &other).unwrap_err();
    assert!(found.to_string().contains("another hash chain"), "{found}");
}

const DAY_US: i64 = 86_400_000_000;

fn opening(date: i32) -> DayOpened {
    DayOpened {
        date,
        start_us: i64::from(date) * DAY_US,
        end_us: i64::from(date + 1) * DAY_US,
        ..DayOpened::default()
    }
}

/// A log in which these service days were opened, each with so much time of decisions after it, and signed for or not.
fn days(key: &SigningKey, days: &[(i32, i64, bool)]) -> Vec<String> {
    days_with(key, days, &[])
}

/// The same, and after it what else was recorded, with its time.
fn days_with(key: &SigningKey, days: &[(i32, i64, bool)], more: &[(i64, Change)]) -> Vec<String> {
    let (mut file, mut head) = (Vec::new(), NONE);
    let mut writer = Writer::begin(&mut file, &start(NONE, 0)).unwrap();
    let public_key = public(key);
    let mut put = |at_us, change| {
        let record = Record {
            at_us,
            change: Some(change),
        };
        let record = record.encode_to_vec();
        head = head.after(&record);
        writer.record(head.seq, &record, &head.chain).unwrap();
        head
    };
    for (date, decided_us, is_signed) in days {
        let opened_us = i64::from(*date) * DAY_US;
        let opened = put(opened_us, Change::DayOpened(opening(*date)));
        if *is_signed {
            let text = checkpoint_text(ServiceDate::from_days(date - 1), opened.seq, &opened.chain);
            let made = CheckpointMade {
                date: date - 1,
                seq: opened.seq,
                chain: bytes::Bytes::copy_from_slice(&opened.chain),
                signature: sign(key, &text),
                public_key: public_key.clone(),
            };
            put(opened_us, Change::CheckpointMade(made));
        }
        let last = Change::Paused(PauseChanged::default());
        put(opened_us + decided_us, last);
    }
    for (at_us, change) in more {
        put(*at_us, change.clone());
    }
    let end = DecisionLogEnd {
        count: head.seq,
        last_seq: head.seq,
        chain: head.chain,
        at_us: Some(7),
        signature: sign(key, &export_text(7, head.seq, &head.chain)),
        public_key,
    };
    writer.end(&end).unwrap();
    lines_of(file)
}

#[test]
fn a_service_day_without_its_checkpoint_is_named_and_is_damage_only_if_the_service_was_running() {
    const HOUR: i64 = 3_600_000_000;
    let key = SigningKey::from_slice(&[7; 32]).unwrap();
    let found = |story: &[(i32, i64, bool)]| {
        let verified = verify(days(&key, story).concat().as_bytes());
        verified.map(|it| {
            it.unsigned
                .iter()
                .map(Unsigned::to_string)
                .collect::<Vec<_>>()
        })
    };
    let (whole, begun) = (20 * HOUR, 1_000_000);
    let signed = [(20_000, whole, true), (20_001, whole, true)];
    assert_eq!(found(&signed), Ok(vec![]));

    // It ran through the second day, and nobody signed the first.
    let gap = [
        (20_000, whole, true),
        (20_001, whole, false),
        (20_002, whole, true),
    ];
    let error = found(&gap).unwrap_err().to_string();
    assert!(
        error.contains("record 6: service day 2024-10-04 has no checkpoint"),
        "{error}"
    );
    assert!(
        error.contains("record 4") && error.contains("record 5"),
        "{error}"
    );
    let error = found(&gap[..2]).unwrap_err().to_string();
    assert!(
        error.contains("service day 2024-10-04 has no checkpoint"),
        "{error}"
    );
    // An export of the first moments of a day is no gap yet.
    assert_eq!(found(&[gap[0], (20_001, begun, false)]), Ok(vec![]));

    let down = [(20_000, whole, true), (20_004, whole, true)];
    let named = found(&down).unwrap();
    assert_eq!(named.len(), 1, "{named:?}");
    assert!(named[0].starts_with("service days 2024-10-04 to 2024-10-06 have no checkpoint"));
    assert!(named[0].contains("not running"), "{named:?}");

    // Killed as the day began, and started again on a later one, with something to record before that was opened.
    let trust = (20_002 * DAY_US + 5, Change::TrustSet(TrustSet::default()));
    let reopened = (trust.0, Change::DayOpened(opening(20_002)));
    let killed = days_with(
        &key,
        &[(20_000, whole, true), (20_001, begun, false)],
        &[trust, reopened],
    );
    let named = verify(killed.concat().as_bytes()).unwrap().unsigned;
    assert_eq!(named.len(), 1, "{named:?}");

    // Killed as the day began, and started again on a later one.
    let killed = [
        (20_000, whole, true),
        (20_001, begun, false),
        (20_002, whole, true),
    ];
    let named = found(&killed).unwrap();
    assert_eq!(named.len(), 1, "{named:?}");
    assert!(named[0].starts_with("service day 2024-10-04 has no checkpoint: the service was not"));

    let late = [
        (20_000, whole, false),
        (20_001, whole, false),
        (20_003, whole, true),
    ];
    let named = found(&late).unwrap();
    assert_eq!(named.len(), 1, "{named:?}");
    assert!(named[0].starts_with("service days 2024-10-03 to 2024-10-05 have no checkpoint"));
    assert!(named[0].contains("no key yet"), "{named:?}");
}

#[test]
fn a_record_of_a_service_day_that_was_not_opened_is_damage() {
    let key = SigningKey::from_slice(&[7; 32]).unwrap();
    let day = [(20_000, DAY_US - 1, true)];
    let next_us = 20_001 * DAY_US;
    let file = |more: &[(i64, Change)]| days_with(&key, &day, more);
    let paused = |at_us| (at_us, Change::Paused(PauseChanged::default()));
    let opened = |at_us, date| (at_us, Change::DayOpened(opening(date)));
    // What a start finds is recorded at the moment at which it opens the day, and before.
    let start = [
        (next_us + 3, Change::Restored(Restored { epoch: 1 })),
        paused(next_us + 5),
        paused(next_us + 5),
        opened(next_us + 5, 20_001),
        paused(next_us + 6),
    ];
    verify(file(&start).concat().as_bytes()).unwrap();

    // The power went after any of the records that only a start makes, more than once, on days of their own.
    let own = [
        Change::TrustSet(TrustSet::default()),
        Change::Paused(PauseChanged {
            stop: Some(StopFigures::default()),
            ..PauseChanged::default()
        }),
        Change::Resumed(PauseChanged::default()),
    ];
    for cut in 1..=own.len() {
        let mut more: Vec<_> = own[..cut]
            .iter()
            .map(|it| (next_us + 3, it.clone()))
            .collect();
        verify(file(&more).concat().as_bytes()).unwrap();
        more.push((next_us + DAY_US, own[0].clone()));
        more.push((
            next_us + DAY_US + 1,
            Change::Restored(Restored { epoch: 1 }),
        ));
        more.push((next_us + DAY_US + 2, own[0].clone()));
        more.push(opened(next_us + DAY_US + 2, 20_002));
        more.push(paused(next_us + DAY_US + 3));
        verify(file(&more).concat().as_bytes()).unwrap();
    }

    let started = || (next_us, own[0].clone());
    for more in [
        vec![started(), paused(next_us)],
        vec![started(), paused(next_us), opened(next_us + 1, 20_001)],
        vec![paused(next_us)],
        vec![paused(next_us), paused(next_us)],
        vec![paused(next_us), opened(next_us + 1, 20_001)],
        vec![paused(next_us), opened(next_us + DAY_US, 20_002)],
    ] {
        let found = damage(&file(&more));
        assert!(
            found.contains(
                "record 4 was decided at 2024-10-05T00:00:00Z, after service day 2024-10-04"
            ),
            "{found}"
        );
    }
}

/// What an engine with these checks of images records when it starts at `at_us` on what is there.
fn started(journal: &[Vec<u8>], products_list: bool, at_us: i64) -> Vec<Vec<u8>> {
    let mut terms = Terms::default();
    terms.trust.products_list = products_list;
    let mut engine = Engine::new(terms);
    for (seq, record) in (1..).zip(journal) {
        engine.replay(seq, record).unwrap();
    }
    engine.handle(Event::Tick, at_us);
    std::iter::from_fn(|| engine.poll_record().map(|(_, record)| record)).collect()
}

/// An export of these records, all of which are kept.
fn exported(journal: &[Vec<u8>]) -> Vec<String> {
    let (mut file, mut head) = (Vec::new(), NONE);
    let mut writer = Writer::begin(&mut file, &start(NONE, 0)).unwrap();
    for record in journal {
        head = head.after(record);
        writer.record(head.seq, record, &head.chain).unwrap();
    }
    writer.end(&unsigned(head.seq, head)).unwrap();
    lines_of(file)
}

#[test]
fn a_start_that_the_power_cut_short_between_any_of_its_records_is_no_damage() {
    let (first_us, next_us) = (20_000 * DAY_US, 20_001 * DAY_US + 7);
    let before = started(&[], true, first_us);
    let start = started(&before, false, next_us);
    assert!(start.len() > 1, "something is recorded before the day");
    for kept in 0..=start.len() {
        let cut = [&before[..], &start[..kept]].concat();
        verify(exported(&cut).concat().as_bytes()).unwrap();
        // And when it starts again, the same day or later, with the checks as they were or changed once more.
        for (again_us, products_list) in [
            (next_us, false),
            (next_us + 1, false),
            (next_us + 1, true),
            (next_us + DAY_US, true),
        ] {
            let again = started(&cut, products_list, again_us);
            let whole = [cut.clone(), again].concat();
            verify(exported(&whole).concat().as_bytes()).unwrap();
        }
    }
}
