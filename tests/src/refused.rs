//! A refusal as it came over the wire.

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// A status taken apart.
#[derive(Clone, Debug)]
pub struct Refused {
    status: Status,
    details: ErrorDetails,
}

/// Demands a refusal with this code and reason, of domain `dco`.
pub fn refused<T: std::fmt::Debug>(result: Result<T, Status>, code: Code, reason: &str) -> Refused {
    let status = result.expect_err("this must be refused");
    let details = status.get_error_details();
    let info = details.error_info();
    let found = info.map(|info| (info.domain.as_str(), info.reason.as_str()));
    let message = status.message();
    assert_eq!(
        (status.code(), found),
        (code, Some(("dco", reason))),
        "{message}"
    );
    assert!(
        !message.is_empty(),
        "a refusal says in words what was wrong"
    );
    Refused { status, details }
}

impl Refused {
    /// A number or name behind the reason.
    pub fn metadata(&self, key: &str) -> &str {
        let info = self.details.error_info().expect("looked at when it came");
        let value = info.metadata.get(key);
        value.unwrap_or_else(|| panic!("no {key} in {:?}", info.metadata))
    }

    /// Demands a BadRequest that names the field.
    pub fn field(self, field: &str) -> Self {
        let request = self
            .details
            .bad_request()
            .expect("details name the field at fault");
        let named = request.field_violations.iter().any(|it| it.field == field);
        assert!(named, "{field} is not in {request:?}");
        self
    }

    /// Demands a PreconditionFailure of this kind about this subject.
    pub fn precondition(self, kind: &str, subject: &str) -> Self {
        let failure = self
            .details
            .precondition_failure()
            .expect("details name the condition");
        let named = failure
            .violations
            .iter()
            .any(|it| it.r#type == kind && it.subject == subject);
        assert!(named, "{kind} of {subject} is not in {failure:?}");
        self
    }

    /// All details.
    pub fn details(&self) -> &ErrorDetails {
        &self.details
    }

    /// Everything that a caller can tell two refusals apart by: code, words, octets of the details, metadata of the call.
    pub fn octets(&self) -> (Code, String, Vec<u8>, String) {
        let status = &self.status;
        let mut trailers = status.metadata().clone();
        // When an answer left is the only thing about it that may differ.
        trailers.remove("date");
        let trailers = format!("{trailers:?}");
        (
            status.code(),
            status.message().to_owned(),
            status.details().to_vec(),
            trailers,
        )
    }
}
