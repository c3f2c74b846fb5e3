//! The decision log.

use dco_proto::v1 as pb;
use pb::decision::Kind;

use super::{BadAnswer, instant, meaning, parsed_if_any, timestamp};
use crate::types::{Decision, DecisionKind, DecisionLogEnd, DecisionLogQuery, DecisionLogStart};

impl From<DecisionLogQuery> for pb::GetDecisionLogRequest {
    fn from(query: DecisionLogQuery) -> Self {
        let kinds = query.kinds.into_iter();
        Self {
            first_seq: query.first_seq,
            newest: query.newest,
            kinds: kinds.map(|kind| kind_to_wire(kind).into()).collect(),
            by: query.by.map(|by| by.to_string()).unwrap_or_default(),
            from_time: query.from_us.map(timestamp),
            to_time: query.to_us.map(timestamp),
            with_records: query.with_records,
        }
    }
}

impl TryFrom<pb::DecisionLogStart> for DecisionLogStart {
    type Error = BadAnswer;

    fn try_from(wire: pb::DecisionLogStart) -> Result<Self, BadAnswer> {
        Ok(Self {
            oldest_seq: wire.oldest_seq,
            first_seq: wire.first_seq,
            chain_before: chain("start.chain_before", &wire.chain_before)?,
            last_seq: wire.last_seq,
            at_us: instant("start.time", wire.time)?,
            program_version: wire.program_version,
        })
    }
}

impl TryFrom<pb::Decision> for Decision {
    type Error = BadAnswer;

    fn try_from(wire: pb::Decision) -> Result<Self, BadAnswer> {
        Ok(Self {
            seq: wire.seq,
            at_us: instant("decision.time", wire.time)?,
            kind: meaning("decision.kind", wire.kind, kind_of_wire)?,
            by: parsed_if_any("decision.by", &wire.by)?,
            second: parsed_if_any("decision.second", &wire.second)?,
            what: wire.what,
            subject: wire.subject,
            text: wire.text,
            reason: wire.reason,
            ticket: wire.ticket,
            request_id: wire.request_id,
            chain: chain("decision.chain", &wire.chain)?,
            record: bytes::Bytes::new(),
        })
    }
}

impl TryFrom<pb::DecisionLogEnd> for DecisionLogEnd {
    type Error = BadAnswer;

    fn try_from(wire: pb::DecisionLogEnd) -> Result<Self, BadAnswer> {
        Ok(Self {
            count: wire.count,
            last_seq: wire.last_seq,
            chain: chain("end.chain", &wire.chain)?,
            at_us: instant("end.time", wire.time)?,
            signature: wire.signature,
            public_key: wire.public_key,
        })
    }
}

fn chain(field: &'static str, octets: &[u8]) -> Result<[u8; 32], BadAnswer> {
    let problem = || BadAnswer::new(field, format!("has {} octets, not 32", octets.len()));
    octets.try_into().map_err(|_| problem())
}

fn kind_to_wire(kind: DecisionKind) -> Kind {
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

fn kind_of_wire(kind: Kind) -> Option<DecisionKind> {
    DecisionKind::ALL
        .into_iter()
        .find(|known| kind_to_wire(*known) == kind)
}
