//! What can go wrong on the way to the server and back.

mod refusal;

use std::error::Error;
use std::time::Duration;

use dco_block::ImageId;
use tonic::{Code, Status};

use crate::convert::BadAnswer;
use crate::tls::InvalidIdentity;
use crate::types::BlockRefusal;

pub use refusal::{HelpLink, Refusal, Violation, ViolationKind};

/// TLS alerts about our certificate, as rustls names them.
const CERTIFICATE_ALERTS: [&str; 9] = [
    "BadCertificate",
    "UnsupportedCertificate",
    "CertificateRevoked",
    "CertificateExpired",
    "CertificateUnknown",
    "UnknownCA",
    "AccessDenied",
    "DecryptError",
    "CertificateRequired",
];

/// Why a call did not give what was asked for. Each reads as one line.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error(transparent)]
    Identity(#[from] InvalidIdentity),
    /// No connection: nobody listens there, or who does is no server of ours.
    #[error("cannot connect to {address}: {reason}")]
    Unreachable { address: String, reason: String },
    /// One side does not accept the other's certificate.
    #[error(
        "no trust between this side and the server: {reason}; both certificates must be valid and \
         come from the CA that the other side trusts, and this side's must be for signatures on P-256"
    )]
    Untrusted { reason: String },
    /// The connection ended in the middle; what was asked may or may not have been done.
    #[error("the link to the server broke: {reason}")]
    Broken { reason: String },
    /// The server answered with a gRPC status.
    #[error(transparent)]
    Refused(#[from] Box<Refusal>),
    /// The server did not store a block; the transfer is as it was.
    #[error(transparent)]
    BlockRefused(#[from] Box<BlockRefusal>),
    /// The bytes given are not those that the transfer was opened for; nothing was sent.
    #[error(
        "the image at hand is {given} and the transfer is for {expected}; send the image it was opened for"
    )]
    WrongImage { given: ImageId, expected: ImageId },
    /// The image at hand was cut in another way than the transfer was opened for; nothing was sent.
    #[error(
        "the image at hand is in blocks of {given_bytes} bytes and the transfer takes {expected_bytes}; cut it anew"
    )]
    WrongBlocks {
        given_bytes: u32,
        expected_bytes: u32,
    },
    #[error(transparent)]
    BadAnswer(#[from] BadAnswer),
    /// Temporary failures did not end.
    #[error("gave up after {tries} tries in a row without progress: {last}")]
    GaveUp { tries: u32, last: Box<Self> },
}

impl ClientError {
    /// The gRPC code the server answered with, where it answered.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Refused(refusal) => Some(refusal.code),
            Self::BlockRefused(refusal) => Some(Code::from_i32(refusal.code)),
            Self::GaveUp { last, .. } => last.code(),
            Self::Identity(_)
            | Self::Unreachable { .. }
            | Self::Untrusted { .. }
            | Self::Broken { .. }
            | Self::WrongImage { .. }
            | Self::WrongBlocks { .. }
            | Self::BadAnswer(_) => None,
        }
    }

    /// The stable reason of the refusal (`google.rpc.ErrorInfo`), where there is one.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => refusal.reason.as_deref(),
            Self::BlockRefused(refusal) => Some(&refusal.reason),
            Self::GaveUp { last, .. } => last.reason(),
            _ => None,
        }
    }

    /// The whole refusal, where the server answered with a gRPC status.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::GaveUp { last, .. } => last.refusal(),
            _ => None,
        }
    }

    /// Whether it may pass by itself: a broken link, a service that is UNAVAILABLE for the moment, or a block for which the
    /// service's disk had no room. A limit that is used up is
    /// not temporary, even though the refusal says when it resets.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Broken { .. } => true,
            Self::Refused(refusal) => refusal.code == Code::Unavailable,
            Self::BlockRefused(refusal) => refusal.is_for_room(),
            _ => false,
        }
    }

    /// The pause that the server asks for before a new try.
    pub fn retry_delay(&self) -> Option<Duration> {
        match self {
            Self::BlockRefused(refusal) => refusal.retry_delay(),
            _ => self.refusal().and_then(|refusal| refusal.retry_delay),
        }
    }

    /// Whether a link failed for lack of trust. TLS 1.3 lets a client finish before the server has looked at its certificate, so
    /// the server's verdict may come with the first call, and HTTP/2 hands it on as text only.
    pub(crate) fn distrust(reason: &str) -> Option<Self> {
        let verdict = reason.strip_prefix("received fatal alert: ");
        let found = reason.starts_with("invalid peer certificate: ")
            || verdict.is_some_and(|alert| CERTIFICATE_ALERTS.contains(&alert));
        found.then(|| Self::Untrusted {
            reason: reason.to_owned(),
        })
    }

    pub(crate) fn broken(reason: impl Into<String>) -> Self {
        Self::Broken {
            reason: reason.into(),
        }
    }
}

impl From<Status> for ClientError {
    fn from(status: Status) -> Self {
        // A status that came over the wire has no source; one that has was made on this side because the link failed.
        match status.source() {
            Some(fault) => {
                let reason = innermost(fault);
                Self::distrust(&reason).unwrap_or(Self::Broken { reason })
            }
            None => Self::Refused(Box::new(Refusal::from(&status))),
        }
    }
}

/// What the last error in a chain says; those around it only say that something went wrong.
pub(crate) fn innermost(fault: &(dyn Error + 'static)) -> String {
    let mut last = fault;
    while let Some(inner) = last.source() {
        last = inner;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn a_status_made_by_a_failed_link_is_a_broken_link() {
        let fault = io::Error::new(io::ErrorKind::ConnectionReset, "connection reset by peer");
        let error = ClientError::from(Status::from_error(Box::new(fault)));
        assert!(matches!(error, ClientError::Broken { .. }), "{error:?}");
        assert!(error.is_temporary());
        assert_eq!(error.code(), None);
        assert_eq!(
            error.to_string(),
            "the link to the server broke: connection reset by peer"
        );
    }

    #[test]
    fn a_status_of_the_server_is_a_refusal() {
        let error = ClientError::from(Status::not_found("no such transfer"));
        assert_eq!(error.code(), Some(Code::NotFound));
        assert_eq!(error.reason(), None);
        assert!(!error.is_temporary());
        assert_eq!(error.to_string(), "no such transfer [NOT_FOUND]");
    }

    #[test]
    fn a_refused_block_is_named() {
        let error = ClientError::from(Box::new(BlockRefusal {
            index: 7,
            code: Code::AlreadyExists.into(),
            reason: "BLOCK_CONTENT_CONFLICT".to_owned(),
            message: "another block 7 is stored".to_owned(),
            metadata: [("storedCrc32".to_owned(), "0badcafe".to_owned())].into(),
        }));
        assert_eq!(error.code(), Some(Code::AlreadyExists));
        assert_eq!(error.reason(), Some("BLOCK_CONTENT_CONFLICT"));
        assert_eq!(
            error.to_string(),
            "block 7 was refused, BLOCK_CONTENT_CONFLICT: another block 7 is stored"
        );
    }

    #[test]
    fn what_gave_up_still_says_why() {
        let error = ClientError::GaveUp {
            tries: 3,
            last: Box::new(Status::unavailable("draining").into()),
        };
        assert_eq!(error.code(), Some(Code::Unavailable));
        assert!(!error.is_temporary());
        assert_eq!(
            error.to_string(),
            "gave up after 3 tries in a row without progress: draining [UNAVAILABLE]"
        );
    }
}
