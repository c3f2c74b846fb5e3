//! Faults found before the engine is asked, or on the way back from it.

use std::fmt::Display;
use std::time::Duration;

use dco_block::{Eui64, RejectBlock, RejectManifest, limits};
use tonic::{Code, Status};

use super::{Detail, Fault};

impl Fault {
    /// The only answer about what is not the caller's, whether it exists or not. It has no
    /// metadata, so that it is always the same to the byte.
    pub(crate) fn caller_not_permitted() -> Self {
        Self::new(
            Code::PermissionDenied,
            "CALLER_NOT_PERMITTED",
            "the caller may not do this; check the name in the request, and the role that its \
             certificate's EUI-64 is registered with",
        )
    }

    /// A list of Devices with one that is unknown, or somebody else's: the two are not told apart, so the
    /// words are always these.
    pub(crate) fn device_not_permitted() -> Self {
        Self::new(
            Code::PermissionDenied,
            "CALLER_NOT_PERMITTED",
            "a Device of the request is not in the inventory or not registered to this User; an \
             OpenTransfer that only validates lists such Devices beside those it accepts",
        )
    }

    /// A field that cannot be read as what it should be.
    pub(crate) fn argument(
        reason: &'static str,
        field: &'static str,
        message: impl Display,
    ) -> Self {
        Self::new(Code::InvalidArgument, reason, message).field(field)
    }

    /// An element of a list that cannot be read; `index` counts from zero.
    pub(crate) fn element(
        reason: &'static str,
        field: &'static str,
        index: usize,
        message: impl Display,
    ) -> Self {
        let message = format!("{field}[{index}]: {message}");
        Self::argument(reason, field, message).with("index", index)
    }

    /// A manifest that contradicts itself or the limits.
    pub(crate) fn manifest(reject: &RejectManifest) -> Self {
        Self::argument("MANIFEST_INVALID", "manifest", reject)
    }

    /// A block that is not what it says, or does not belong to its image.
    pub(crate) fn block(reject: &RejectBlock) -> Self {
        let fault = |code, reason, index| Self::new(code, reason, reject).with("blockIndex", index);
        match *reject {
            RejectBlock::OutOfRange { index, block_count } => {
                fault(Code::OutOfRange, "BLOCK_OUT_OF_RANGE", index).with("blockCount", block_count)
            }
            RejectBlock::LengthInvalid {
                index,
                expected_bytes,
                actual_bytes,
            } => fault(Code::InvalidArgument, "BLOCK_LENGTH_INVALID", index)
                .field("block.data")
                .with("expectedBytes", expected_bytes)
                .with("actualBytes", actual_bytes),
            RejectBlock::DigestMismatch {
                index,
                declared_crc32,
                computed_crc32,
            } => fault(Code::InvalidArgument, "BLOCK_DIGEST_MISMATCH", index)
                .field("block.crc32")
                .with("declaredCrc32", format_args!("{declared_crc32:08x}"))
                .with("computedCrc32", format_args!("{computed_crc32:08x}")),
        }
    }

    /// Another block is held under this index.
    pub(crate) fn block_conflict(index: u32, crc32: u32, stored_crc32: u32) -> Self {
        let message = format!(
            "block {index} is held with other bytes (CRC-32 {stored_crc32:08x}); \
             what is held stays: cancel the transfer if the image has changed"
        );
        Self::new(Code::AlreadyExists, "BLOCK_CONTENT_CONFLICT", message)
            .with("blockIndex", index)
            .with("declaredCrc32", format_args!("{crc32:08x}"))
            .with("storedCrc32", format_args!("{stored_crc32:08x}"))
    }

    /// An index past the end of an image that is being read.
    pub(crate) fn no_such_block(index: u32, block_count: u32) -> Self {
        Self::block(&RejectBlock::OutOfRange { index, block_count })
    }

    /// A block on disk is not what was written. Never retried by itself.
    pub(crate) fn stored_block_corrupt(index: u32) -> Self {
        let message = format!("block {index} is damaged on disk; the operator has been told");
        Self::new(Code::DataLoss, "STORED_BLOCK_CORRUPT", message).with("blockIndex", index)
    }

    /// The disk did not give it this time, which says nothing about its bytes.
    pub(crate) fn stored_block_unread(index: u32) -> Self {
        let message = format!("the disk did not give block {index}; ask for it again");
        Self::new(Code::Unavailable, "STORED_BLOCK_UNREAD", message)
            .detail(Detail::RetrySoon)
            .with("blockIndex", index)
    }

    /// The disk has no room for what was to be stored.
    pub(crate) fn store_full(what: impl Display, retry_in: Duration) -> Self {
        Self::new(Code::ResourceExhausted, "STORE_FULL", what)
            .detail(Detail::RetryIn(retry_in))
            .with("retryDelayMs", retry_in.as_millis())
    }

    /// Somebody of whom nothing is known as a User.
    pub(crate) fn unknown_user(user: Eui64) -> Self {
        let message = format!(
            "no User {user} is registered, and none of that EUI-64 has a schedule; look its EUI-64 up and write it again"
        );
        Self::new(Code::NotFound, "RESOURCE_NOT_FOUND", message).with("user", user)
    }

    /// The image was given up while it was being read.
    pub(crate) fn image_gone() -> Self {
        let message = "the image is not held any more; wait for another offer";
        Self::new(Code::NotFound, "IMAGE_NOT_FOUND", message)
    }

    /// A message in a stream that may not stand where it stands.
    pub(crate) fn out_of_turn(message: &str) -> Self {
        Self::new(Code::InvalidArgument, "MESSAGE_OUT_OF_TURN", message)
    }

    /// A newer hello of the same gateway has taken this stream's place.
    pub(crate) fn session_superseded() -> Self {
        let message = "a newer stream of this gateway has taken the place of this one";
        Self::new(Code::Aborted, "SESSION_SUPERSEDED", message)
    }

    /// The gateway does not read what it is told.
    pub(crate) fn session_overrun() -> Self {
        let message = "messages were not read in time; connect again with a new hello";
        Self::new(Code::Aborted, "SESSION_OVERRUN", message)
    }

    /// A stream on which nothing was sent takes the place of one that would.
    pub(crate) fn silent(within: Duration) -> Self {
        let within_seconds = within.as_secs();
        let message = format!(
            "no block came for {within_seconds} s; open the call again when there are some: GetTransfer says which are missing"
        );
        Self::new(Code::DeadlineExceeded, "CALL_ENDED", message)
            .with("withinSeconds", within_seconds)
    }

    /// A stream whose answers nobody reads takes that place, too.
    pub(crate) fn unread(within: Duration) -> Self {
        let within_seconds = within.as_secs();
        let message = format!(
            "what was refused was not read for {within_seconds} s; open the call again, and read what it answers"
        );
        Self::new(Code::DeadlineExceeded, "CALL_ENDED", message)
            .with("withinSeconds", within_seconds)
    }

    /// The service is being stopped.
    pub(crate) fn draining() -> Self {
        let message = "the service is stopping; try again in a moment";
        Self::new(Code::Unavailable, "DRAINING", message).detail(Detail::RetrySoon)
    }

    /// Two backups would hold back twice as much.
    pub(crate) fn backup_under_way() -> Self {
        let message = "another backup is being taken; wait until that one has ended";
        Self::new(Code::FailedPrecondition, "BACKUP_UNDER_WAY", message)
    }

    /// Whoever wanted a backup did not read it.
    pub(crate) fn backup_unread() -> Self {
        let message = "the backup was cut off because nothing of it was read for too long; take \
                       another one, to a disk that is fast enough";
        Self::new(Code::Aborted, "BACKUP_NOT_READ", message)
    }

    /// Whoever wanted the decision log did not read it.
    pub(crate) fn log_unread() -> Self {
        let message = "the decision log was cut off because nothing of it was read for too long; ask \
                       again from the last number that came on";
        Self::new(Code::Aborted, "LOG_NOT_READ", message)
    }

    /// A gateway comes with another memory each time.
    pub(crate) fn too_many_memories(each_minute_max: u32, retry_in: Duration) -> Self {
        let message = format!(
            "the gateway came with {each_minute_max} new memory_ids within a minute; keep the memory_id while the memory is kept, \
             and come again later"
        );
        Self::new(Code::ResourceExhausted, "MEMORIES_LIMIT_REACHED", message)
            .detail(Detail::RetryIn(retry_in))
            .with("eachMinuteMax", each_minute_max)
            .with("retryDelayMs", retry_in.as_millis())
    }

    /// Too much at one time.
    pub(crate) fn overloaded(what: &'static str, limit: u32) -> Self {
        let message = format!("at most {limit} {what} at one time; try again in a moment");
        Self::new(Code::Unavailable, "OVERLOADED", message)
            .detail(Detail::RetrySoon)
            .with("limit", limit)
    }

    /// The disk failed. Whether what was asked was done is decided by recovery.
    pub(crate) fn store_closed() -> Self {
        let message = "the store has closed; ask again when the service is back: \
                       the same request_id gives the same answer";
        Self::new(Code::Unavailable, "STORE_CLOSED", message).detail(Detail::RetrySoon)
    }

    /// The engine answered with something else than what was asked for.
    pub(crate) fn wrong_answer(what: &'static str) -> Self {
        let message = format!("the service answered {what} with something else; please report it");
        Self::new(Code::Internal, "WRONG_ANSWER", message)
    }

    /// A refusal that came to the wrong half of the table.
    pub(super) fn not_in_table(what: impl Display) -> Self {
        Self::new(Code::Internal, "NOT_IN_TABLE", what)
    }

    /// What the transport found wrong with a message: too large, or not what it should be.
    pub(crate) fn transport(status: &Status) -> Self {
        let message = status.message();
        match status.code() {
            Code::OutOfRange => Self::new(Code::OutOfRange, "MESSAGE_TOO_LARGE", message)
                .with("limitBytes", crate::MESSAGE_BYTES_MAX),
            Code::Unimplemented if message.is_empty() => Self::new(
                Code::Unimplemented,
                "METHOD_UNKNOWN",
                "there is no such call",
            ),
            Code::Unimplemented => Self::new(Code::Unimplemented, "ENCODING_UNKNOWN", message),
            Code::Internal => Self::new(Code::InvalidArgument, "MESSAGE_INVALID", message),
            Code::DeadlineExceeded => Self::new(Code::DeadlineExceeded, "CALL_ENDED", message),
            // What the transport says when the other side has gone.
            Code::Cancelled | Code::Unknown => Self::new(Code::Cancelled, "CALL_ENDED", message),
            code => Self::new(code, "TRANSPORT_FAILED", message),
        }
    }
}

const _: () = assert!(
    limits::BLOCK_BYTES_MAX as usize * 2 <= crate::MESSAGE_BYTES_MAX,
    "the largest block fits into a message"
);
