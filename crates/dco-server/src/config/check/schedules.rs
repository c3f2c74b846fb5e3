//! The rules of delivery schedules.

use dco_engine::{HOUR_US, NoticeTerms, ScheduleTerms};
use dco_schedule::{Micros, Reserve};

use super::{DAYS_MAX, HOURS_MAX, hours, within};
use crate::config::ConfigError;
use crate::config::file::{NoticesSection, SchedulesSection};

impl NoticesSection {
    pub(super) fn check(&self) -> Result<NoticeTerms, ConfigError> {
        let days = within("notices.kept_days", self.kept_days, 1..=DAYS_MAX)?;
        let most = self.kept_per_party_max;
        Ok(NoticeTerms {
            keep_us: 24 * HOUR_US * Micros::from(days),
            per_party_max: within("notices.kept_per_party_max", most, 100..=10_000_000)?,
        })
    }
}

impl SchedulesSection {
    pub(super) fn check(&self) -> Result<ScheduleTerms, ConfigError> {
        let permille = self.reserve_retry_permille;
        let units = |field, units| within(field, units, 0..=10_000_000);
        Ok(ScheduleTerms {
            reserve: Reserve {
                allowance: units("schedules.reserve_allowance", self.reserve_allowance)?,
                security: units("schedules.reserve_security", self.reserve_security)?,
                retry_permille: within("schedules.reserve_retry_permille", permille, 0..=1_000)?,
            },
            answer_us_min: hours(
                "schedules.answer_hours_min",
                self.answer_hours_min,
                0..=HOURS_MAX,
            )?,
            pending_us: hours(
                "schedules.approve_within_hours",
                self.approve_within_hours,
                1..=HOURS_MAX,
            )?,
            moves_max: within("schedules.moves_max", self.moves_max, 0..=1_000)?,
            open_max: within(
                "schedules.open_per_user_max",
                self.open_per_user_max,
                1..=10_000,
            )?,
            in_flight_max: units("schedules.in_flight_max", self.in_flight_max)?,
            days_ahead_max: within("schedules.days_ahead_max", self.days_ahead_max, 1..=3_660)?,
            small_uses_allowance: self.small_uses_allowance,
        })
    }
}
