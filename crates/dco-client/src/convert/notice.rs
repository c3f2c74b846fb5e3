//! Notices and limits.

use dco_proto::v1 as pb;

use super::schedule::{action_number, day_units, word};
use super::{BadAnswer, all, digest_if_any, instant, parsed, parsed_if_any};
use crate::types::{Limits, Notice, Notices, QuotaUse};

impl TryFrom<pb::ListNoticesResponse> for Notices {
    type Error = BadAnswer;

    fn try_from(wire: pb::ListNoticesResponse) -> Result<Self, BadAnswer> {
        Ok(Self {
            notices: all(wire.notices)?,
            position: wire.position,
            complete: wire.complete,
        })
    }
}

impl TryFrom<pb::Notice> for Notice {
    type Error = BadAnswer;

    fn try_from(wire: pb::Notice) -> Result<Self, BadAnswer> {
        let proposal = wire.proposal.iter();
        let proposal =
            proposal.map(|it| Ok((parsed("proposal.schedule", &it.schedule)?, it.units)));
        Ok(Self {
            position: wire.position,
            create_us: instant("notice.create_time", wire.create_time)?,
            kind: word("notice.kind", wire.kind().as_str_name())?,
            schedule: parsed_if_any("notice.schedule", &wire.schedule)?,
            act: word("notice.act", wire.act().as_str_name()).ok(),
            answer_by_us: instant("notice.answer_by_time", wire.answer_by_time)?,
            action: action_number("notice.action", &wire.action)?,
            proposal: proposal.collect::<Result<_, BadAnswer>>()?,
            transfer: parsed_if_any("notice.transfer", &wire.transfer)?,
            summary: wire.summary,
            etag: wire.etag,
            over_agreed: day_units(wire.over_agreed),
        })
    }
}

impl TryFrom<pb::Limits> for Limits {
    type Error = BadAnswer;

    fn try_from(wire: pb::Limits) -> Result<Self, BadAnswer> {
        Ok(Self {
            service_date: wire.service_date,
            reset_us: instant("limits.reset_time", wire.reset_time)?,
            allowance_per_service_day: wire.allowance_per_service_day,
            allowance_used: wire.allowance_used,
            quotas: all(wire.quotas)?,
            days_ahead_max: wire.days_ahead_max,
            devices_max: wire.devices_max,
        })
    }
}

impl TryFrom<pb::QuotaUse> for QuotaUse {
    type Error = BadAnswer;

    fn try_from(wire: pb::QuotaUse) -> Result<Self, BadAnswer> {
        let hash = &wire.manufacturer_image_hash;
        Ok(Self {
            service_date: wire.service_date,
            schedule: parsed("quota.schedule", &wire.schedule)?,
            manufacturer_image_hash: digest_if_any("quota.manufacturer_image_hash", hash)?,
            agreed: wire.agreed,
            used: wire.used,
        })
    }
}
