//! The same request id gives the same answer; with another body it is refused.

use std::collections::BTreeMap;

use bytes::Bytes;
use dco_block::Eui64;
use dco_schedule::{Asker, ScheduleId};
use prost::Message;
use sha2::{Digest, Sha256};

use crate::event::{
    ActOnSchedule, AnswerAction, Cancel, ChangePause, ImportDevices, ImportProducts, OpenTransfer,
    RequestId, SaidWhy, Scope, SetCapacity, SubmitBatch,
};
use crate::record::{CapacitySet, PauseChanged, RequestKey, ScheduleAct};
use crate::refusal::Refusal;
use crate::state::products;

/// What a request made or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    /// A transfer, by its owner number.
    Transfer(u64),
    /// A batch, by its index.
    Batch(u32),
    /// A batch cancelled, by its index.
    CancelledBatch(u32),
    /// Devices, or products, imported.
    Imported(u32),
    /// Releases paused.
    Paused,
    /// Releases resumed.
    Resumed,
    /// A schedule, or a step of it.
    Schedule(ScheduleId<Eui64>),
    /// An act that waits for a second officer, or the end of its waiting.
    Action(u64),
    /// Capacity or profile.
    Capacity,
}

/// Requests that changed something, by User and id. Kept for ever: they are few beside what they made.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    pub(crate) done: BTreeMap<(Eui64, [u8; 16]), ([u8; 32], Made)>,
}

impl Requests {
    /// What an earlier request of this id made, if there was one.
    pub(crate) fn find(
        &self,
        user: Eui64,
        id: RequestId,
        digest: &[u8; 32],
    ) -> Result<Option<Made>, Refusal> {
        self.find_any(user, id, &[*digest])
    }

    /// Likewise, where the same request may have been kept with any of these digests.
    pub(crate) fn find_any(
        &self,
        user: Eui64,
        id: RequestId,
        digests: &[[u8; 32]],
    ) -> Result<Option<Made>, Refusal> {
        match self.done.get(&(user, id.0)) {
            None => Ok(None),
            Some((before, made)) if digests.contains(before) => Ok(Some(*made)),
            Some(_) => Err(Refusal::RequestIdReused),
        }
    }

    /// Remembers a request, where one made the record.
    ///
    /// # Errors
    /// When the journal's id or digest has not the length of one.
    pub(crate) fn remember(
        &mut self,
        user: Eui64,
        key: Option<&RequestKey>,
        made: Made,
    ) -> Result<(), &'static str> {
        let Some(key) = key else { return Ok(()) };
        let id = key.id.as_ref().try_into();
        let digest = key.digest.as_ref().try_into();
        let id = id.map_err(|_| "its request id is not 16 octets")?;
        let digest = digest.map_err(|_| "its request digest is not 32 octets")?;
        self.done.insert((user, id), (digest, made));
        Ok(())
    }
}

/// The record's form of an id and a digest.
pub(crate) fn key(id: RequestId, digest: &[u8; 32]) -> Option<RequestKey> {
    Some(RequestKey {
        id: Bytes::copy_from_slice(&id.0),
        digest: Bytes::copy_from_slice(digest),
    })
}

/// What a request asks, as a digest: two requests ask the same exactly when these are equal.
pub(crate) trait Asked {
    /// SHA-256 over kind and fields, each preceded by its length.
    fn digest(&self) -> [u8; 32];
}

impl Asked for OpenTransfer {
    fn digest(&self) -> [u8; 32] {
        let parts = self.manifest.parts();
        let mut hash = FieldHash::new("OpenTransfer");
        hash.field(parts.image_id.as_bytes());
        hash.field(&parts.image_bytes.to_le_bytes());
        hash.field(&parts.block_bytes.to_le_bytes());
        hash.field(parts.manufacturer_image_hash.as_bytes());
        hash.field(&parts.firmware_version.get().to_le_bytes());
        hash.field(&parts.ota_header);
        hash.devices(&self.devices);
        hash.field(&self.signed_request);
        hash.counter(self.originator_counter);
        hash.finish()
    }
}

impl Asked for SubmitBatch {
    fn digest(&self) -> [u8; 32] {
        let mut hash = FieldHash::new("SubmitBatch");
        hash.field(self.manufacturer_image_hash.as_bytes());
        hash.devices(&self.devices);
        let date = self
            .service_date
            .map(|date| date.days().to_le_bytes().to_vec());
        hash.field(&date.unwrap_or_default());
        hash.field(&self.signed_request);
        hash.counter(self.originator_counter);
        if let Some(execute_us) = self.execute_us {
            hash.field(b"execute");
            hash.field(&execute_us.to_le_bytes());
        }
        if let Some(canary) = self.canary {
            hash.field(b"canary");
            hash.field(&canary.get().to_le_bytes());
        }
        hash.finish()
    }
}

impl Asked for Cancel {
    fn digest(&self) -> [u8; 32] {
        let mut hash = FieldHash::new("Cancel");
        hash.field(&self.number.to_le_bytes());
        hash.finish()
    }
}

impl Asked for ActOnSchedule {
    /// What the caller had read is not what is asked: who repeats a request has read its effect.
    fn digest(&self) -> [u8; 32] {
        self.digest_of("ActOnSchedule whatever was read", None)
    }
}

impl ActOnSchedule {
    /// The same in journals from before the revision was left out.
    pub(crate) fn digest_with_revision(&self) -> [u8; 32] {
        self.digest_of("ActOnSchedule", Some(self.revision))
    }

    fn digest_of(&self, kind: &str, revision: Option<u32>) -> [u8; 32] {
        let mut hash = FieldHash::new(kind);
        hash.devices(&[self.schedule.user]);
        hash.field(&self.schedule.number.to_le_bytes());
        if let Some(revision) = revision {
            hash.field(&revision.to_le_bytes());
        }
        match &self.by {
            Asker::User => hash.field(&[]),
            Asker::Officer { officer, ticket } => {
                hash.devices(&[*officer]);
                hash.field(ticket.as_str().as_bytes());
            }
        }
        hash.field(self.reason.as_str().as_bytes());
        hash.field(&ScheduleAct::of(&self.act, self.beyond_request).encode_to_vec());
        hash.finish()
    }
}

impl Asked for SetCapacity {
    fn digest(&self) -> [u8; 32] {
        let set = CapacitySet::of(self.span, &self.settings());
        let mut hash = FieldHash::new("SetCapacity");
        hash.field(&set.encode_to_vec());
        hash.field(self.ticket.as_str().as_bytes());
        hash.field(self.reason.as_str().as_bytes());
        hash.finish()
    }
}

impl AnswerAction {
    /// As [`Asked::digest`]; the same answer can be a yes or a no.
    pub(crate) fn digest_as(&self, kind: &str) -> [u8; 32] {
        let mut hash = FieldHash::new(kind);
        hash.field(&self.action.to_le_bytes());
        hash.field(self.ticket.as_str().as_bytes());
        hash.field(self.reason.as_str().as_bytes());
        hash.finish()
    }
}

impl Asked for ImportDevices {
    fn digest(&self) -> [u8; 32] {
        let mut hash = FieldHash::new("ImportDevices");
        for entry in &self.devices {
            hash.devices(&[entry.device, entry.user, entry.gateway]);
            hash.field(entry.manufacturer.as_bytes());
            hash.field(entry.model.as_bytes());
            hash.field(&entry.hardware_version.to_le_bytes());
            hash.field(&entry.firmware_version.get().to_le_bytes());
        }
        hash.why(&self.why);
        hash.finish()
    }
}

impl Asked for ImportProducts {
    fn digest(&self) -> [u8; 32] {
        let mut hash = FieldHash::new("ImportProducts");
        for entry in &self.products {
            hash.field(&products::to_record(entry).encode_to_vec());
        }
        hash.why(&self.why);
        hash.finish()
    }
}

impl Asked for ChangePause {
    fn digest(&self) -> [u8; 32] {
        let mut hash = FieldHash::new("ChangePause");
        if self.scope != Scope::All {
            hash.field(&PauseChanged::of(self.scope).encode_to_vec());
        }
        hash.field(self.ticket.as_bytes());
        hash.field(self.reason.as_bytes());
        hash.finish()
    }
}

struct FieldHash(Sha256);

impl FieldHash {
    fn new(kind: &str) -> Self {
        let mut hash = Self(Sha256::new());
        hash.field(kind.as_bytes());
        hash
    }

    fn field(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    fn devices(&mut self, devices: &[Eui64]) {
        self.0.update((devices.len() as u64).to_le_bytes());
        for device in devices {
            self.0.update(device.bits().to_le_bytes());
        }
    }

    /// Without one the digest is as it was before there were any.
    fn counter(&mut self, counter: Option<u64>) {
        if let Some(counter) = counter {
            self.field(&counter.to_le_bytes());
        }
    }

    /// The same, of what is said besides.
    fn why(&mut self, why: &SaidWhy) {
        if *why != SaidWhy::default() {
            self.field(why.ticket.as_bytes());
            self.field(why.reason.as_bytes());
        }
    }

    fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use dco_schedule::{Act, ServiceDate, Span, Text};

    use super::*;

    const PARTY: Eui64 = Eui64::from_bits(7);
    const ID: RequestId = RequestId([1; 16]);

    fn text(text: &str) -> Text {
        Text::new(text).expect("a line")
    }

    fn act() -> ActOnSchedule {
        ActOnSchedule {
            schedule: ScheduleId {
                user: PARTY,
                number: 3,
            },
            id: ID,
            validate_only: false,
            by: Asker::User,
            reason: text("why"),
            revision: 2,
            beyond_request: false,
            act: Act::Accept,
        }
    }

    fn answer() -> AnswerAction {
        AnswerAction {
            action: 5,
            officer: PARTY,
            id: ID,
            validate_only: false,
            ticket: text("INC-1"),
            reason: text("why"),
        }
    }

    fn capacity() -> SetCapacity {
        SetCapacity {
            officer: PARTY,
            id: ID,
            validate_only: false,
            ticket: text("INC-1"),
            reason: text("why"),
            span: Span::On(ServiceDate::from_days(10)),
            capacity: Some(5),
            profile: None,
            clear: false,
        }
    }

    fn pause(scope: Scope) -> ChangePause {
        ChangePause {
            by: PARTY,
            id: ID,
            validate_only: false,
            scope,
            ticket: "INC-1".to_owned(),
            reason: "why".to_owned(),
        }
    }

    fn cancel(number: u64) -> Cancel {
        Cancel {
            user: PARTY,
            number,
            id: ID,
            validate_only: false,
        }
    }

    /// Journals keep them: who repeats a request after an upgrade gets the same answer.
    #[test]
    fn digests_of_requests_stay_as_they_were() {
        let digests = [
            cancel(4).digest(),
            act().digest(),
            act().digest_with_revision(),
            capacity().digest(),
            answer().digest_as("ApproveAction"),
            pause(Scope::All).digest(),
            pause(Scope::User(PARTY)).digest(),
        ];
        let begin = digests.map(|[a, b, c, d, ..]| [a, b, c, d]);
        let kept = [
            [0x44, 0x39, 0xe4, 0x8f],
            [0xb2, 0x3c, 0x2a, 0xb9],
            [0x40, 0xa7, 0x21, 0x8f],
            [0xa5, 0xb9, 0x14, 0xfd],
            [0x92, 0xdc, 0x3d, 0x5d],
            [0x89, 0x5a, 0xab, 0x54],
            [0x71, 0xee, 0xf5, 0x79],
        ];
        assert_eq!(begin, kept);
    }

    #[test]
    fn what_asks_for_something_else_has_another_digest() {
        let by_officer = Asker::Officer {
            officer: PARTY,
            ticket: text("INC-1"),
        };
        let ending = Act::End {
            from: ServiceDate::from_days(9),
        };
        let digests = [
            cancel(4).digest(),
            cancel(5).digest(),
            act().digest(),
            ActOnSchedule {
                act: ending,
                ..act()
            }
            .digest(),
            ActOnSchedule {
                by: by_officer,
                ..act()
            }
            .digest(),
            SetCapacity {
                capacity: None,
                clear: true,
                ..capacity()
            }
            .digest(),
            capacity().digest(),
            answer().digest_as("ApproveAction"),
            answer().digest_as("DeclineAction"),
            AnswerAction {
                action: 6,
                ..answer()
            }
            .digest_as("ApproveAction"),
            pause(Scope::All).digest(),
            pause(Scope::User(PARTY)).digest(),
            pause(Scope::Gateway(PARTY)).digest(),
        ];
        for (at, digest) in digests.iter().enumerate() {
            assert!(!digests[..at].contains(digest), "the digest of {at}");
        }
        let read = ActOnSchedule {
            revision: 9,
            ..act()
        };
        assert_eq!(read.digest(), act().digest());
        assert_ne!(read.digest_with_revision(), act().digest_with_revision());
    }
}
