//! Rows of the reports.

use dco_block::Eui64;
use dco_proto::v1 as pb;

use super::{BadAnswer, digest, parsed};
use crate::types::{SuccessRow, TrtRow};

impl TryFrom<pb::TrtRow> for TrtRow {
    type Error = BadAnswer;

    fn try_from(wire: pb::TrtRow) -> Result<Self, BadAnswer> {
        Ok(Self {
            user: user(&wire.user)?,
            activation_count: wire.activation_count,
            ended_within_trt: wire.ended_within_trt,
            ended_late: wire.ended_late,
            open_within_trt: wire.open_within_trt,
            open_late: wire.open_late,
            month: wire.month,
            succeeded: wire.succeeded,
            failed: wire.failed,
            cancelled: wire.cancelled,
        })
    }
}

impl TryFrom<pb::SuccessRow> for SuccessRow {
    type Error = BadAnswer;

    fn try_from(wire: pb::SuccessRow) -> Result<Self, BadAnswer> {
        Ok(Self {
            user: user(&wire.user)?,
            manufacturer_image_hash: digest(
                "row.manufacturer_image_hash",
                &wire.manufacturer_image_hash,
            )?,
            succeeded: wire.succeeded,
            failed: wire.failed,
            cancelled: wire.cancelled,
            open: wire.open,
            attempt_count: wire.attempt_count,
        })
    }
}

/// A User as an EUI-64 or as the resource `users/{EUI-64}`; the wire definition leaves both open.
fn user(text: &str) -> Result<Eui64, BadAnswer> {
    parsed("row.user", text.strip_prefix("users/").unwrap_or(text))
}
