//! How an attempt ends, in the field's terms.

use std::fmt;

use crate::terms::{RetryRule, RetryTerms};

/// How an attempt ended. The numbers are in the journal: never reuse one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Outcome {
    /// The Device runs the image (`ActivateImageResponseCode` 0).
    Success = 1,
    /// The Device ran it before; a repeated 11.3 is a success.
    AlreadyAtVersion = 2,
    /// `ActivateImageResponseCode` 1.
    NoImageHeld = 3,
    /// `ActivateImageResponseCode` 2.
    HashMismatch = 4,
    /// `ActivateImageResponseCode` 3.
    ActivationFailure = 5,
    /// `FirmwareTransferAlert`.
    FirmwareImageDiscarded = 6,
    /// `FirmwareTransferAlert`.
    HardwareVersionMismatch = 7,
    /// `FirmwareTransferAlert`.
    FileTransferFailure = 8,
    /// The Device did not answer its gateway.
    NoAnswer = 9,
    /// The gateway does not reach this Device.
    DeviceNotReachable = 10,
    /// The gateway would not take the offer.
    Declined = 11,
    /// No sign of progress for too long.
    NoProgress = 12,
    /// No outcome by the attempt's deadline.
    AttemptTimeout = 13,
    /// The gateway lost its memory, or stayed away.
    Unknown = 14,
    /// Given up because its User cancelled it before its execution time.
    Cancelled = 25,
}

/// Whose doing a failed attempt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The Device had the image offered and does not run it. One that does not answer any more may be one that the
    /// image has put out of order.
    Image,
    /// Nothing, or nothing whole, came through the gateway.
    Gateway,
    /// Its User's, who called it back.
    User,
}

impl Outcome {
    const ALL: [Self; 15] = [
        Self::Success,
        Self::AlreadyAtVersion,
        Self::NoImageHeld,
        Self::HashMismatch,
        Self::ActivationFailure,
        Self::FirmwareImageDiscarded,
        Self::HardwareVersionMismatch,
        Self::FileTransferFailure,
        Self::NoAnswer,
        Self::DeviceNotReachable,
        Self::Declined,
        Self::NoProgress,
        Self::AttemptTimeout,
        Self::Unknown,
        Self::Cancelled,
    ];

    /// The number in the journal.
    pub fn number(self) -> u32 {
        u32::from(self as u8)
    }

    /// The outcome of a number, if there is one.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.number() == number)
    }

    /// Whether the Device runs the image now.
    pub fn is_success(self) -> bool {
        matches!(self, Self::Success | Self::AlreadyAtVersion)
    }

    /// Whether the Device may have got the image, though nobody says so.
    pub fn is_unknown(self) -> bool {
        matches!(
            self,
            Self::NoAnswer | Self::NoProgress | Self::AttemptTimeout | Self::Unknown
        )
    }

    /// Whether there is no such end unless the image was sent: activation comes after it, and only what has come
    /// can be discarded.
    pub(crate) fn means_sent(self) -> bool {
        matches!(
            self,
            Self::Success
                | Self::NoImageHeld
                | Self::HashMismatch
                | Self::ActivationFailure
                | Self::FirmwareImageDiscarded
        )
    }

    /// Whose doing it is, as the rules take it that stop what fails.
    pub(crate) fn fault(self) -> Option<Fault> {
        match self {
            Self::Success | Self::AlreadyAtVersion => None,
            Self::NoImageHeld
            | Self::HashMismatch
            | Self::ActivationFailure
            | Self::FirmwareImageDiscarded
            | Self::HardwareVersionMismatch
            | Self::FileTransferFailure
            | Self::NoAnswer => Some(Fault::Image),
            Self::DeviceNotReachable
            | Self::Declined
            | Self::NoProgress
            | Self::AttemptTimeout
            | Self::Unknown => Some(Fault::Gateway),
            Self::Cancelled => Some(Fault::User),
        }
    }

    /// Which rule says whether another attempt follows; `None` when none would help.
    pub(crate) fn retry_rule(self, terms: &RetryTerms) -> Option<RetryRule> {
        match self {
            Self::Success | Self::AlreadyAtVersion | Self::HardwareVersionMismatch => None,
            Self::NoImageHeld | Self::HashMismatch | Self::ActivationFailure => {
                Some(terms.activation)
            }
            Self::FirmwareImageDiscarded
            | Self::FileTransferFailure
            | Self::DeviceNotReachable
            | Self::Declined
            | Self::Cancelled => Some(terms.transfer),
            Self::NoAnswer | Self::NoProgress | Self::AttemptTimeout | Self::Unknown => {
                Some(terms.unknown)
            }
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Success => "success",
            Self::AlreadyAtVersion => "alreadyAtVersion",
            Self::NoImageHeld => "noImageHeld",
            Self::HashMismatch => "hashMismatch",
            Self::ActivationFailure => "activationFailure",
            Self::FirmwareImageDiscarded => "FirmwareImageDiscarded",
            Self::HardwareVersionMismatch => "HardwareVersionMismatch",
            Self::FileTransferFailure => "FileTransferFailure",
            Self::NoAnswer => "noAnswer",
            Self::DeviceNotReachable => "deviceNotReachable",
            Self::Declined => "declined",
            Self::NoProgress => "noProgress",
            Self::AttemptTimeout => "attemptTimeout",
            Self::Unknown => "unknown",
            Self::Cancelled => "cancelled",
        })
    }
}
