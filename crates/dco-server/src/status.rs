//! The one table from faults to the wire: gRPC code, stable reason, details.
//!
//! Code and reason belong together and never change their meaning; clients act on the reason and
//! never read the message. No other file names a gRPC code.

mod edge;
mod refusal;
mod schedules;
mod trust;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{fmt, iter};

use dco_schedule::Micros;
use tonic::{Code, Status};
use tonic_types::{
    BadRequest, ErrorDetail, ErrorInfo, Help, PreconditionFailure, QuotaFailure, RetryInfo,
    StatusExt,
};

pub(crate) use refusal::{Concern, fault_of};

/// The domain of every `google.rpc.ErrorInfo` of this service.
const DOMAIN: &str = "dco";

/// What a caller sent may stand in a fault, and a fault travels in a header, whose length has a limit.
const MESSAGE_CHARS_MAX: usize = 600;
const METADATA_CHARS_MAX: usize = 200;

/// Something that ends a call, or refuses a block: what the caller is told, in one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault(Box<Facts>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Facts {
    code: Code,
    reason: &'static str,
    message: String,
    /// Keys carry their units.
    metadata: BTreeMap<&'static str, String>,
    details: Vec<Detail>,
}

/// One of the details that `google.rpc` knows.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Detail {
    /// BadRequest: the field at fault.
    Field(&'static str),
    /// QuotaFailure: whose quota.
    Quota { subject: String },
    /// PreconditionFailure: what must hold, of what.
    Precondition { kind: &'static str, subject: String },
    /// RetryInfo.
    RetryIn(Duration),
    /// RetryInfo, in a moment that is another one for each caller.
    RetrySoon,
    /// Help.
    Help {
        description: &'static str,
        url: String,
    },
}

/// A text that can be shown: not too long, and nothing in it that moves the cursor.
fn told(what: &impl fmt::Display, chars_max: usize) -> String {
    let text = what.to_string();
    let mut shown: String = text
        .chars()
        .map(|it| if it.is_control() { ' ' } else { it })
        .take(chars_max)
        .collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

impl Fault {
    fn new(code: Code, reason: &'static str, message: impl fmt::Display) -> Self {
        Self(Box::new(Facts {
            code,
            reason,
            message: told(&message, MESSAGE_CHARS_MAX),
            metadata: BTreeMap::new(),
            details: Vec::new(),
        }))
    }

    fn with(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        self.0
            .metadata
            .insert(key, told(&value, METADATA_CHARS_MAX));
        self
    }

    fn detail(mut self, detail: Detail) -> Self {
        self.0.details.push(detail);
        self
    }

    fn field(self, field: &'static str) -> Self {
        self.detail(Detail::Field(field))
    }

    /// The number of the gRPC code, for a refusal that is a message and not the end of a call.
    pub(crate) fn code_number(&self) -> i32 {
        self.0.code.into()
    }

    /// The stable reason.
    pub(crate) fn reason(&self) -> &'static str {
        self.0.reason
    }

    /// One sentence for a person.
    pub(crate) fn message(&self) -> &str {
        &self.0.message
    }

    /// The numbers behind it.
    pub(crate) fn metadata(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0
            .metadata
            .iter()
            .map(|(key, value)| (*key, value.as_str()))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason(), self.message())
    }
}

impl From<Fault> for Status {
    fn from(Fault(facts): Fault) -> Self {
        let metadata = facts.metadata.into_iter();
        let info = ErrorInfo {
            reason: facts.reason.to_owned(),
            domain: DOMAIN.to_owned(),
            metadata: metadata
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        };
        let details = facts
            .details
            .into_iter()
            .map(|detail| detail.on_the_wire(&facts.message));
        let details: Vec<_> = iter::once(info.into()).chain(details).collect();
        Self::with_error_details_vec(facts.code, facts.message, details)
    }
}

impl Detail {
    fn on_the_wire(self, message: &str) -> ErrorDetail {
        match self {
            Self::Field(field) => BadRequest::with_violation(field, message).into(),
            Self::Quota { subject } => QuotaFailure::with_violation(subject, message).into(),
            Self::Precondition { kind, subject } => {
                PreconditionFailure::with_violation(kind, subject, message).into()
            }
            Self::RetryIn(delay) => RetryInfo::new(Some(delay)).into(),
            Self::RetrySoon => RetryInfo::new(Some(soon())).into(),
            Self::Help { description, url } => Help::with_link(description, url).into(),
        }
    }
}

/// The name of a status as metrics and logs write it, like `PERMISSION_DENIED`.
pub(crate) fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// Whether a code says that the service is at fault and somebody should look.
pub(crate) fn is_ours(code: Code) -> bool {
    matches!(code, Code::Internal | Code::DataLoss | Code::Unknown)
}

/// What is suggested to a caller that is told to come back, and by how much that is spread: when all are sent
/// away at one time they must not come back at one time.
const RETRY_SOON: Duration = Duration::from_secs(1);
const RETRY_SPREAD_MS: u64 = 2_000;

/// The pause for one more caller. Multiples of the golden ratio, taken modulo one, leave no large gap and come
/// close to none before: this spreads better than chance, and needs none.
fn soon() -> Duration {
    const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
    static CALLERS: AtomicU64 = AtomicU64::new(0);
    let turn = CALLERS.fetch_add(1, Ordering::Relaxed).wrapping_mul(GOLDEN);
    RETRY_SOON + Duration::from_millis(((turn >> 32) * RETRY_SPREAD_MS) >> 32)
}

fn span(span_us: Micros) -> Duration {
    Duration::from_micros(u64::try_from(span_us).unwrap_or(0))
}

#[cfg(test)]
mod tests;
