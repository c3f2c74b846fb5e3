//! The decision log, as it is asked for and as it goes out.

use bytes::Bytes;
use dco_engine::{Decision, DecisionKind, READING};
use dco_proto::v1 as pb;
use dco_schedule::Micros;
use pb::decision::Kind;

use super::instant;
use super::schedules::read::at_us;
use crate::checkpoint::LogKey;
use crate::decision_log::{NEWEST_MAX, Span, Told, Wanted};
use crate::status::Fault;

/// Bytes of a record in one message.
const PIECE_BYTES_MAX: usize = 1024 * 1024;

/// Which decisions are wanted.
pub(crate) fn wanted(message: &pb::GetDecisionLogRequest) -> Result<Wanted, Fault> {
    if message.newest > NEWEST_MAX {
        let text = format!("newest is {}; at most {NEWEST_MAX}", message.newest);
        return Err(Fault::argument("PAGE_SIZE_INVALID", "newest", text));
    }
    let by = (!message.by.is_empty()).then(|| message.by.parse());
    let by = by
        .transpose()
        .map_err(|error| Fault::argument("EUI64_INVALID", "by", error))?;
    let wanted = Wanted {
        first_seq: message.first_seq,
        newest: (message.newest > 0).then_some(message.newest as usize),
        kinds: kinds(&message.kinds)?,
        by,
        from_us: message
            .from_time
            .map_or(Micros::MIN, |time| at_us(Some(time))),
        to_us: message
            .to_time
            .map_or(Micros::MAX, |time| at_us(Some(time))),
        with_records: message.with_records,
    };
    if wanted.with_records && !wanted.is_whole() {
        return Err(Fault::argument(
            "FILTER_INVALID",
            "with_records",
            "with_records asks for every record from first_seq on, because the hash chain is over all of them; \
             leave the other fields out",
        ));
    }
    Ok(wanted)
}

fn kinds(numbers: &[i32]) -> Result<Vec<DecisionKind>, Fault> {
    let read = |(index, number): (usize, &i32)| {
        let known = DecisionKind::ALL
            .into_iter()
            .find(|kind| i32::from(kind.number()) == *number);
        let message = format!("there is no kind {number}");
        known.ok_or_else(|| Fault::element("FILTER_INVALID", "kinds", index, message))
    };
    numbers.iter().enumerate().map(read).collect()
}

/// The first message.
pub(crate) fn start(span: &Span) -> pb::DecisionLogStart {
    pb::DecisionLogStart {
        oldest_seq: span.oldest_seq,
        first_seq: span.first_seq,
        chain_before: octets(&span.chain_before),
        last_seq: span.head.seq,
        time: Some(instant(span.at_us)),
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        reading: READING,
    }
}

/// One record in words.
pub(crate) fn decision(told: &Told) -> pb::Decision {
    let Decision {
        at_us,
        kind,
        by,
        second,
        what,
        subject,
        text,
        reason,
        ticket,
        request_id,
    } = told.decision.clone();
    pb::Decision {
        seq: told.seq,
        time: Some(instant(at_us)),
        kind: kind_on_the_wire(kind).into(),
        by: by.map(|by| by.to_string()).unwrap_or_default(),
        second: second.map(|by| by.to_string()).unwrap_or_default(),
        what: what.to_owned(),
        subject,
        text,
        reason,
        ticket,
        request_id,
        chain: octets(&told.chain),
    }
}

/// The bytes of a record, in pieces.
pub(crate) fn pieces(record: &Bytes) -> impl Iterator<Item = pb::RecordPiece> {
    let count = record.len().div_ceil(PIECE_BYTES_MAX).max(1);
    (0..count).map(move |index| {
        let from = index * PIECE_BYTES_MAX;
        let to = record.len().min(from + PIECE_BYTES_MAX);
        pb::RecordPiece {
            data: record.slice(from..to),
            more: index + 1 < count,
        }
    })
}

/// The last message.
pub(crate) fn end(span: &Span, count: u64, key: Option<&LogKey>) -> pb::DecisionLogEnd {
    let signature = key.map(|key| key.export(span.at_us, span.head));
    pb::DecisionLogEnd {
        count,
        last_seq: span.head.seq,
        chain: octets(&span.head.chain),
        time: Some(instant(span.at_us)),
        signature: signature.unwrap_or_default(),
        public_key: key.map(LogKey::public_key).unwrap_or_default(),
    }
}

fn kind_on_the_wire(kind: DecisionKind) -> Kind {
    match kind {
        DecisionKind::Admission => Kind::Admission,
        DecisionKind::Refusal => Kind::Refusal,
        DecisionKind::Agreement => Kind::Agreement,
        DecisionKind::Release => Kind::Release,
        DecisionKind::Outcome => Kind::Outcome,
        DecisionKind::Cancellation => Kind::Cancellation,
        DecisionKind::Pause => Kind::Pause,
        DecisionKind::Override => Kind::Override,
        DecisionKind::Import => Kind::Import,
        DecisionKind::Checkpoint => Kind::Checkpoint,
        DecisionKind::Event => Kind::Event,
    }
}

fn octets(octets: &[u8; 32]) -> Bytes {
    Bytes::copy_from_slice(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_number_on_the_wire() {
        for kind in DecisionKind::ALL {
            let wire = i32::from(kind_on_the_wire(kind));
            assert_eq!(wire, i32::from(kind.number()), "{kind:?}");
            assert_eq!(kinds(&[wire]), Ok(vec![kind]));
        }
        assert!(kinds(&[0]).is_err());
    }

    #[test]
    fn a_record_goes_out_whole_in_pieces_of_a_mebibyte() {
        for bytes in [
            0,
            1,
            PIECE_BYTES_MAX,
            PIECE_BYTES_MAX + 1,
            3 * PIECE_BYTES_MAX,
        ] {
            let record = Bytes::from(vec![7; bytes]);
            let sent: Vec<_> = pieces(&record).collect();
            let (last, others) = sent.split_last().unwrap();
            assert!(!last.more && others.iter().all(|piece| piece.more));
            let sent = sent.iter().map(|piece| piece.data.len()).sum::<usize>();
            assert_eq!(sent, bytes);
        }
    }

    #[test]
    fn records_are_asked_for_with_all_of_them() {
        let whole = pb::GetDecisionLogRequest {
            with_records: true,
            first_seq: 7,
            ..Default::default()
        };
        assert!(wanted(&whole).is_ok());
        let some = pb::GetDecisionLogRequest {
            kinds: vec![Kind::Pause.into()],
            ..whole
        };
        assert_eq!(wanted(&some).unwrap_err().reason(), "FILTER_INVALID");
        let many = pb::GetDecisionLogRequest {
            newest: NEWEST_MAX + 1,
            ..Default::default()
        };
        assert_eq!(wanted(&many).unwrap_err().reason(), "PAGE_SIZE_INVALID");
    }
}
