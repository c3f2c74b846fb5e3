//! The decision log: what a record of the journal says was decided, in words.
//!
//! It is a reading and no second store: the same bytes give the same words wherever they are read, in the service and
//! offline, so what an export says of a record can be held against the record itself. A record says by itself who and what it is about;
//! only what older programs wrote names an activation by its number alone.

mod agreed;
mod pauses;
mod work;

use dco_block::Eui64;
use dco_schedule::Micros;
use prost::Message;

use crate::record::{
    Change, CheckpointMade, Counted, DayOpened, DevicesImported, GatewaySeen, ProductsImported,
    Record, Refused, RequestKey, Restored, ThresholdBreached, TrustSet,
};

/// The form of [`Decision`]s, counted up whenever the same record would be read in other words: an export of another
/// form is verified by its bytes, and its words are not compared.
pub const READING: u32 = 1;

/// What kind of thing was decided. The numbers are on the wire and the words in exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum DecisionKind {
    /// A transfer or batch was taken, or an image stored.
    Admission = 1,
    /// Something was refused or rejected.
    Refusal = 2,
    /// A step of a delivery schedule, and what two officers have to do with it.
    Agreement = 3,
    /// An attempt left for its gateway.
    Release = 4,
    /// An attempt ended.
    Outcome = 5,
    /// Something was cancelled, or ended without success by time.
    Cancellation = 6,
    /// Releases were paused, or resumed, or were paused already when the clock jumped.
    Pause = 7,
    /// Somebody set what the rules would otherwise say: capacity, checks, a restored backup, a schedule imposed.
    Override = 8,
    /// The inventory or the Central Products List changed.
    Import = 9,
    /// The service signed how far its log had come.
    Checkpoint = 10,
    /// What the rules rest on besides: a day opened, a gateway's memory, an image retired.
    Event = 11,
}

/// One line of the decision log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// When.
    pub at_us: Micros,
    /// Which kind of thing.
    pub kind: DecisionKind,
    /// Who: the EUI-64 of a certificate; `None` when it was the rules, or time.
    pub by: Option<Eui64>,
    /// The second officer, where there were two.
    pub second: Option<Eui64>,
    /// What was done, in a few words that are always the same.
    pub what: &'static str,
    /// What it was done to, by its resource name; empty when there is none.
    pub subject: String,
    /// The numbers behind it.
    pub text: String,
    /// Why, as whoever did it said, or a reason of the error table.
    pub reason: String,
    /// Where it is written down.
    pub ticket: String,
    /// The request that asked for it, a UUID; empty when none did.
    pub request_id: String,
}

/// Why bytes are no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are no record that this program knows: {0}")]
pub struct NoRecord(pub String);

impl DecisionKind {
    /// All of them, by number.
    pub const ALL: [Self; 11] = [
        Self::Admission,
        Self::Refusal,
        Self::Agreement,
        Self::Release,
        Self::Outcome,
        Self::Cancellation,
        Self::Pause,
        Self::Override,
        Self::Import,
        Self::Checkpoint,
        Self::Event,
    ];

    /// The number on the wire.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The word in exports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Admission => "admission",
            Self::Refusal => "refusal",
            Self::Agreement => "agreement",
            Self::Release => "release",
            Self::Outcome => "outcome",
            Self::Cancellation => "cancellation",
            Self::Pause => "pause",
            Self::Override => "override",
            Self::Import => "import",
            Self::Checkpoint => "checkpoint",
            Self::Event => "event",
        }
    }

    /// The kind of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

impl Decision {
    /// What a record of the journal says.
    ///
    /// # Errors
    /// When the bytes are no record, or one of a newer program.
    pub fn read(record: &[u8]) -> Result<Self, NoRecord> {
        let record = Record::decode(record).map_err(|error| NoRecord(error.to_string()))?;
        Self::of(&record)
    }

    /// The same, of a record that was decoded.
    ///
    /// # Errors
    /// When it is one of a newer program.
    pub fn of(record: &Record) -> Result<Self, NoRecord> {
        let change = record.change.as_ref();
        let change =
            change.ok_or_else(|| NoRecord("it says nothing that this program knows".to_owned()))?;
        let decision = told(change);
        Ok(Self {
            at_us: record.at_us,
            ..decision
        })
    }

    fn new(kind: DecisionKind, what: &'static str) -> Self {
        Self {
            at_us: 0,
            kind,
            by: None,
            second: None,
            what,
            subject: String::new(),
            text: String::new(),
            reason: String::new(),
            ticket: String::new(),
            request_id: String::new(),
        }
    }

    fn by(mut self, eui64: u64) -> Self {
        self.by = Some(Eui64::from_bits(eui64));
        self
    }

    fn on(mut self, subject: impl Into<String>) -> Self {
        self.subject = subject.into();
        self
    }

    fn saying(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    fn because(mut self, reason: &str) -> Self {
        reason.clone_into(&mut self.reason);
        self
    }

    fn ticket(mut self, ticket: &str) -> Self {
        ticket.clone_into(&mut self.ticket);
        self
    }

    fn asked_by(mut self, request: Option<&RequestKey>) -> Self {
        self.request_id = request.map_or_else(String::new, |request| uuid(&request.id));
        self
    }
}

fn told(change: &Change) -> Decision {
    match change {
        Change::DayOpened(it) => day_opened(it),
        Change::DevicesImported(it) => devices_imported(it),
        Change::ProductsImported(it) => products_imported(it),
        Change::TrustSet(it) => trust_set(*it),
        Change::ThresholdBreached(it) => threshold_breached(*it),
        Change::TransferOpened(it) => work::transfer_opened(it),
        Change::TransferWarned(it) => work::transfer_warned(it),
        Change::TransferEnded(it) => work::transfer_ended(it),
        Change::BatchAccepted(it) => work::batch_accepted(it),
        Change::BatchCancelled(it) => work::batch_cancelled(it),
        Change::Released(it) => work::released(it),
        Change::AttemptEnded(it) => work::attempt_ended(it),
        Change::AttemptScheduled(it) => work::attempt_scheduled(it),
        Change::LateSuccess(it) => work::late_success(it),
        Change::Warned(it) => work::warned(*it),
        Change::ActivationCancelled(it) => work::activation_cancelled(it),
        Change::ImageRetired(it) => work::image_retired(it),
        Change::ImageQuarantined(it) => work::image_quarantined(it),
        Change::GatewaySeen(it) => gateway_seen(it),
        Change::Paused(it) => pauses::changed("releases paused", it),
        Change::Resumed(it) => pauses::changed("releases resumed", it),
        Change::BreakerChanged(it) => pauses::breaker_changed(*it),
        Change::Restored(it) => restored(it),
        Change::ScheduleStepped(it) => agreed::schedule_stepped(it),
        Change::ActionPended(it) => agreed::action_pended(it),
        Change::ActionClosed(it) => agreed::action_closed(it),
        Change::Refused(it) => refused(it),
        Change::CheckpointMade(it) => checkpoint_made(it),
        Change::ClockJumped(it) => pauses::clock_jumped(*it),
        Change::CapacitySet(it) => agreed::capacity_set(it),
        Change::NoticesForgotten(it) => agreed::notices_forgotten(it),
    }
}

fn day_opened(it: &DayOpened) -> Decision {
    let date = agreed::date(it.date);
    let over = match it.over_agreed {
        0 => String::new(),
        units => format!("; OVER_AGREED by {units}"),
    };
    let crowded = agreed::crowded(it.crowded.as_ref());
    Decision::new(DecisionKind::Event, "service day opened")
        .on(format!("serviceDays/{date}"))
        .saying(format!(
            "capacity {}{over}{crowded}{}",
            it.capacity,
            repaid(it)
        ))
}

/// Whom the security lane displaced on the day before.
fn repaid(it: &DayOpened) -> String {
    let each = it.repaid.iter().map(|repaid| {
        let (user, date) = (Eui64::from_bits(repaid.user), agreed::date(repaid.date));
        format!("; users/{user} repaid {} units of {date}", repaid.units)
    });
    each.collect()
}

fn devices_imported(it: &DevicesImported) -> Decision {
    Decision::new(DecisionKind::Import, "Devices imported")
        .by(it.by)
        .saying(format!("{} Devices", it.devices.len()))
        .because(&it.reason)
        .ticket(&it.ticket)
        .asked_by(it.request.as_ref())
}

fn products_imported(it: &ProductsImported) -> Decision {
    Decision::new(DecisionKind::Import, "Central Products List imported")
        .by(it.by)
        .saying(format!("{} entries", it.products.len()))
        .because(&it.reason)
        .ticket(&it.ticket)
        .asked_by(it.request.as_ref())
}

fn trust_set(it: TrustSet) -> Decision {
    let on = |is_on| if is_on { "on" } else { "off" };
    Decision::new(DecisionKind::Override, "checks of images set")
        .saying(format!(
            "Central Products List {}, upgrade pathway {}",
            on(it.products_list),
            on(it.upgrade_pathway)
        ))
        .because("the configuration says so")
}

fn threshold_breached(it: ThresholdBreached) -> Decision {
    let counted = it.counted().plural();
    if it.counted() == Counted::Warnings {
        return Decision::new(DecisionKind::Event, "warnings are too many to be told")
            .by(it.user)
            .saying(format!(
                "the Service Desk was warned {} times of batches of this User in the period",
                it.used
            ));
    }
    let scope = if it.of_all {
        "over all Users"
    } else {
        "of this User"
    };
    Decision::new(DecisionKind::Refusal, "threshold breached")
        .by(it.user)
        .saying(format!(
            "{} {counted} asked for, {} used {scope} in the period, threshold {}",
            it.requested, it.used, it.limit
        ))
        .because("ANOMALY_THRESHOLD_EXCEEDED")
}

fn gateway_seen(it: &GatewaySeen) -> Decision {
    Decision::new(DecisionKind::Event, "gateway came with a memory")
        .by(it.gateway)
        .on(format!("gateways/{}", Eui64::from_bits(it.gateway)))
        .saying(format!("memory {}", it.memory_id))
}

fn restored(it: &Restored) -> Decision {
    Decision::new(DecisionKind::Override, "data restored from a backup")
        .saying(format!("epoch {}; releases are paused", it.epoch))
}

fn refused(it: &Refused) -> Decision {
    let count: u64 = it.calls.iter().map(|call| u64::from(call.count)).sum();
    let what = if count == 1 {
        "call refused"
    } else {
        "calls refused"
    };
    let calls = it.calls.iter().map(|call| {
        let name = call.call.rsplit('/').next().unwrap_or_default();
        format!("{} x {name} {}: {}", call.count, call.reason, call.message)
    });
    let mut reasons: Vec<&str> = it.calls.iter().map(|call| call.reason.as_str()).collect();
    reasons.dedup();
    Decision::new(DecisionKind::Refusal, what)
        .by(it.by)
        .saying(calls.collect::<Vec<_>>().join("; "))
        .because(&reasons.join(", "))
}

fn checkpoint_made(it: &CheckpointMade) -> Decision {
    Decision::new(DecisionKind::Checkpoint, "checkpoint signed")
        .on(format!("serviceDays/{}", agreed::date(it.date)))
        .saying(format!(
            "up to record {}, hash chain {}",
            it.seq,
            hex(&it.chain)
        ))
}

/// As UUIDs are written; other octets as they are.
fn uuid(octets: &[u8]) -> String {
    let hex = hex(octets);
    if hex.len() != 32 {
        return hex;
    }
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    parts.join("-")
}

fn hex(octets: &[u8]) -> String {
    let each = octets.iter().map(|octet| format!("{octet:02x}"));
    each.collect()
}
