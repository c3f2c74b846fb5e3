//! Rows of the reports.

use dco_block::Eui64;
use dco_proto::v1 as pb;

use super::{BadAnswer, all, digest, parsed, required};
use crate::types::{
    CapacityReportDay, DayCounts, FairnessDay, FairnessRow, OutcomeRow, SuccessGroup, SuccessRow,
    TrtRow,
};

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

impl TryFrom<pb::CapacityReportDay> for CapacityReportDay {
    type Error = BadAnswer;

    fn try_from(wire: pb::CapacityReportDay) -> Result<Self, BadAnswer> {
        Ok(Self {
            service_date: wire.service_date,
            capacity: wire.capacity,
            open: wire.open,
            all: required("day.all", wire.all)?.try_into()?,
            users: all(wire.users)?,
            others: wire.others.map(DayCounts::try_from).transpose()?,
            lost_without_work: wire.lost_without_work,
            lost_with_work: wire.lost_with_work,
        })
    }
}

impl TryFrom<pb::DayCounts> for DayCounts {
    type Error = BadAnswer;

    fn try_from(wire: pb::DayCounts) -> Result<Self, BadAnswer> {
        Ok(Self {
            user: optional_user(&wire.user)?,
            agreed: wire.agreed,
            sent: wire.sent,
            sent_without_schedule: wire.sent_without_schedule,
            released: wire.released,
            lent: wire.lent,
            security: wire.security,
            refunded: wire.refunded,
            retries: wire.retries,
        })
    }
}

impl TryFrom<pb::FairnessDay> for FairnessDay {
    type Error = BadAnswer;

    fn try_from(wire: pb::FairnessDay) -> Result<Self, BadAnswer> {
        Ok(Self {
            service_date: wire.service_date,
            open: wire.open,
            contended: wire.contended,
            jain_index_ppm: wire.jain_index_ppm,
            users: all(wire.users)?,
        })
    }
}

impl TryFrom<pb::FairnessRow> for FairnessRow {
    type Error = BadAnswer;

    fn try_from(wire: pb::FairnessRow) -> Result<Self, BadAnswer> {
        Ok(Self {
            user: optional_user(&wire.user)?,
            entitled_milliunits: wire.entitled_milliunits,
            received: wire.received,
            ratio_ppm: wire.ratio_ppm,
        })
    }
}

impl From<SuccessGroup> for pb::SuccessGroup {
    fn from(group: SuccessGroup) -> Self {
        match group {
            SuccessGroup::User => Self::User,
            SuccessGroup::Image => Self::Image,
            SuccessGroup::Model => Self::Model,
            SuccessGroup::Gateway => Self::Gateway,
        }
    }
}

impl TryFrom<pb::SuccessRow> for OutcomeRow {
    type Error = BadAnswer;

    fn try_from(wire: pb::SuccessRow) -> Result<Self, BadAnswer> {
        let hash = &wire.manufacturer_image_hash;
        let hash = (!hash.is_empty()).then(|| digest("row.manufacturer_image_hash", hash));
        let gateway = (!wire.gateway.is_empty()).then(|| parsed("row.gateway", &wire.gateway));
        let text = |text: String| Some(text).filter(|it| !it.is_empty());
        let outcomes = wire.outcomes.into_iter();
        Ok(Self {
            user: optional_user(&wire.user)?,
            manufacturer_image_hash: hash.transpose()?,
            manufacturer: text(wire.manufacturer),
            model: text(wire.model),
            hardware_version: text(wire.hardware_version),
            gateway: gateway.transpose()?,
            succeeded: wire.succeeded,
            failed: wire.failed,
            cancelled: wire.cancelled,
            open: wire.open,
            attempt_count: wire.attempt_count,
            outcomes: outcomes.map(|it| (it.outcome, it.count)).collect(),
            ended_within_trt: wire.ended_within_trt,
            ended_late: wire.ended_late,
            open_late: wire.open_late,
        })
    }
}

fn optional_user(text: &str) -> Result<Option<Eui64>, BadAnswer> {
    (!text.is_empty()).then(|| user(text)).transpose()
}
