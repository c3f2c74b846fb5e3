//! A gRPC status with its google.rpc details, taken apart.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::{self, Display, Formatter, Write};
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// A call that the server refused, with all that it said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: Code,
    /// For people; its words may change.
    pub message: String,
    /// Stable (ErrorInfo); with `domain` it says what happened.
    pub reason: Option<String>,
    /// Who defines the reason: `dco`.
    pub domain: Option<String>,
    /// The numbers behind the reason; keys carry units.
    pub metadata: BTreeMap<String, String>,
    /// How long to wait before a new try can succeed (RetryInfo).
    pub retry_delay: Option<Duration>,
    /// What was violated (QuotaFailure, PreconditionFailure, BadRequest).
    pub violations: Vec<Violation>,
    /// Where to turn to (Help).
    pub help: Vec<HelpLink>,
}

/// One limit, condition or field that the request did not meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub kind: ViolationKind,
    /// Whose limit, which thing or which field.
    pub subject: String,
    pub description: String,
}

/// What kind of demand was not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ViolationKind {
    /// A limit is used up.
    Quota,
    /// The state of a thing forbids it; the text is the kind of condition.
    Precondition(String),
    /// A field of the request is wrong.
    Field,
}

/// Where to turn to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelpLink {
    pub description: String,
    pub url: String,
}

impl Error for Refusal {}

impl From<&Status> for Refusal {
    fn from(status: &Status) -> Self {
        let details = status.get_error_details();
        let info = details.error_info();
        Self {
            code: status.code(),
            message: status.message().to_owned(),
            reason: info.map(|info| info.reason.clone()),
            domain: info.map(|info| info.domain.clone()),
            metadata: info
                .into_iter()
                .flat_map(|info| info.metadata.clone())
                .collect(),
            retry_delay: details.retry_info().and_then(|retry| retry.retry_delay),
            violations: violations(&details),
            help: help(&details),
        }
    }
}

impl Display for Refusal {
    /// One line: `message [CODE REASON; key value, ..; field: what is wrong; retry in 12 s; help: description url]`. Control
    /// characters become spaces, because the line may go to a terminal.
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let mut line = String::new();
        self.write_line(&mut line)?;
        for character in line.chars() {
            out.write_char(if character.is_control() {
                ' '
            } else {
                character
            })?;
        }
        Ok(())
    }
}

impl Refusal {
    fn write_line(&self, line: &mut String) -> fmt::Result {
        write!(line, "{} [{}", self.message, code_name(self.code))?;
        if let Some(reason) = &self.reason {
            write!(line, " {reason}")?;
        }
        for (at, (key, value)) in self.metadata.iter().enumerate() {
            write!(line, "{} {key} {value}", if at == 0 { ";" } else { "," })?;
        }
        for violation in &self.violations {
            // Most say of their field what the message says already.
            if violation.description == self.message {
                write!(line, "; {}", violation.subject)?;
            } else {
                write!(line, "; {}: {}", violation.subject, violation.description)?;
            }
        }
        if let Some(delay) = self.retry_delay {
            write!(line, "; retry in {} s", delay.as_secs_f64().ceil())?;
        }
        for link in &self.help {
            write!(line, "; help: {} {}", link.description, link.url)?;
        }
        line.write_char(']')
    }
}

fn violations(details: &ErrorDetails) -> Vec<Violation> {
    let quota = details.quota_failure().into_iter().flat_map(|failure| {
        failure.violations.iter().map(|violation| Violation {
            kind: ViolationKind::Quota,
            subject: violation.subject.clone(),
            description: violation.description.clone(),
        })
    });
    let conditions = details
        .precondition_failure()
        .into_iter()
        .flat_map(|failure| {
            failure.violations.iter().map(|violation| Violation {
                kind: ViolationKind::Precondition(violation.r#type.clone()),
                subject: violation.subject.clone(),
                description: violation.description.clone(),
            })
        });
    let fields = details.bad_request().into_iter().flat_map(|request| {
        request.field_violations.iter().map(|violation| Violation {
            kind: ViolationKind::Field,
            subject: violation.field.clone(),
            description: violation.description.clone(),
        })
    });
    quota.chain(conditions).chain(fields).collect()
}

fn help(details: &ErrorDetails) -> Vec<HelpLink> {
    let links = details.help().into_iter().flat_map(|help| &help.links);
    links
        .map(|link| HelpLink {
            description: link.description.clone(),
            url: link.url.clone(),
        })
        .collect()
}

/// The code as the gRPC specification writes it.
fn code_name(code: Code) -> &'static str {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn over_allowance() -> Status {
        let mut details = ErrorDetails::new();
        let metadata = [("limitPerServiceDay", "500"), ("used", "480")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()));
        details
            .set_error_info("UNSCHEDULED_DAILY_ALLOWANCE_USED", "dco", metadata)
            .add_quota_failure_violation("users/90-B3-D5-1F-30-01-00-00", "500 a service day")
            .set_retry_info(Some(Duration::from_millis(7_199_500)))
            .add_help_link(
                "agree a delivery schedule with the Service Desk",
                "mailto:desk@example.com",
            );
        Status::with_error_details(Code::ResourceExhausted, "21 more do not fit", details)
    }

    #[test]
    fn every_detail_of_a_status_is_read() {
        let refusal = Refusal::from(&over_allowance());
        assert_eq!(refusal.code, Code::ResourceExhausted);
        assert_eq!(
            refusal.reason.as_deref(),
            Some("UNSCHEDULED_DAILY_ALLOWANCE_USED")
        );
        assert_eq!(refusal.domain.as_deref(), Some("dco"));
        assert_eq!(refusal.metadata["used"], "480");
        assert_eq!(refusal.retry_delay, Some(Duration::from_millis(7_199_500)));
        assert_eq!(refusal.violations[0].kind, ViolationKind::Quota);
        assert_eq!(refusal.help[0].url, "mailto:desk@example.com");
    }

    #[test]
    fn a_refusal_reads_as_one_line() {
        assert_eq!(
            Refusal::from(&over_allowance()).to_string(),
            "21 more do not fit [RESOURCE_EXHAUSTED UNSCHEDULED_DAILY_ALLOWANCE_USED; \
             limitPerServiceDay 500, used 480; users/90-B3-D5-1F-30-01-00-00: 500 a service day; \
             retry in 7200 s; help: agree a delivery schedule with the Service Desk \
             mailto:desk@example.com]"
        );
        let hostile = Status::internal("one\nline \u{1b}[31m only");
        assert_eq!(
            Refusal::from(&hostile).to_string(),
            "one line  [31m only [INTERNAL]"
        );
    }

    #[test]
    fn conditions_and_fields_say_what_they_are_about() {
        let mut details = ErrorDetails::new();
        details
            .add_precondition_failure_violation("STATE", "users/a/transfers/1", "is RECEIVING")
            .add_bad_request_violation("devices[3]", "stands twice");
        let status = Status::with_error_details(Code::InvalidArgument, "refused", details);
        let violations = Refusal::from(&status).violations;
        assert_eq!(
            violations[0].kind,
            ViolationKind::Precondition("STATE".to_owned())
        );
        assert_eq!(violations[1].kind, ViolationKind::Field);
        assert_eq!(violations[1].subject, "devices[3]");
    }

    #[test]
    fn details_that_cannot_be_read_do_not_hide_the_status() {
        let status = Status::with_details(Code::Aborted, "fenced", vec![0xFF; 5].into());
        let refusal = Refusal::from(&status);
        assert_eq!(
            (refusal.code, refusal.message.as_str()),
            (Code::Aborted, "fenced")
        );
        assert_eq!(refusal.reason, None);
    }
}
