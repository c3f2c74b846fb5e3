//! From what was written to what is run on.

mod front;
mod schedules;
mod stops;
mod trust;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use dco_block::{Eui64, limits};
use dco_engine::{
    AttemptTerms, HOUR_US, LimitTerms, RetentionTerms, RetryRule, RetryTerms, SECOND_US, Terms,
    TransferTerms,
};
use dco_schedule::{HourProfile, Micros};

use super::file::{
    AttemptSection, CapacitySection, ConfigFile, IntakeSection, LimitsSection, PartySection,
    RetentionSection, RetryRuleSection, RetrySection, StoreSection, TransferSection,
};
use super::{Config, ConfigError, Intake, Party};

const MINUTE_US: Micros = 60 * SECOND_US;
/// Ten years: what is longer is a slip of the pen, and would come near the end of the numbers.
const HOURS_MAX: u32 = 87_600;
const MINUTES_MAX: u32 = HOURS_MAX * 60;
/// A hundred years.
const DAYS_MAX: u32 = 36_525;
const MEBIBYTE: u32 = 1024 * 1024;
const GIBIBYTE: u32 = 1024 * MEBIBYTE;
/// A million gibibytes: more than any folder holds, and far from the end of the numbers.
const STORED_BYTES_MAX: u64 = 1_000_000 * GIBIBYTE as u64;
const NAME_CHARS_MAX: usize = 100;

impl ConfigFile {
    /// Checks every value; relative paths start at `base_dir`.
    pub fn check(self, base_dir: &Path) -> Result<Config, ConfigError> {
        let terms = self.terms()?;
        let http_listen = address("http_listen", &self.http_listen)?;
        if !http_listen.ip().is_loopback() {
            return Err(invalid(
                "http_listen",
                http_listen,
                "it is served without TLS and must be a loopback address, like 127.0.0.1:7480",
            ));
        }
        let intake = self.intake.check(self.transfer.room_again()?)?;
        Ok(Config {
            file: None,
            data_dir: base_dir.join(&self.data_dir),
            listen: address("listen", &self.listen)?,
            http_listen,
            service_desk_url: url(self.service_desk_url)?,
            drain: seconds("drain_seconds", self.drain_seconds, 0..=3_600)?,
            tls: self.tls.check(base_dir)?,
            connections: self.connections.check()?,
            intake,
            journal_kept: self.retention.journal()?,
            clock_jump_max_us: minutes(
                "activation.clock_jump_minutes_max",
                self.activation.clock_jump_minutes_max,
                1..=24 * 60,
            )?,
            terms,
            store: self.store.check(intake)?,
            scrub_bytes_per_second: within(
                "scrub.bytes_per_second",
                self.scrub.bytes_per_second,
                0..=u64::from(GIBIBYTE) * 16,
            )?,
            signing: self.trust.signing(base_dir)?,
            log_key: self.log.checkpoint_key.map(|file| base_dir.join(file)),
            parties: parties(self.party)?,
        })
    }

    fn terms(&self) -> Result<Terms, ConfigError> {
        let capacity = &self.capacity;
        let activation = &self.activation;
        Ok(Terms {
            capacity_per_day: within("capacity.per_day", capacity.per_day, 0..=10_000_000)?,
            allowance_per_day: within(
                "capacity.allowance_per_day",
                capacity.allowance_per_day,
                0..=10_000_000,
            )?,
            hour_profile: capacity.hour_profile()?,
            burst: within("capacity.burst", capacity.burst, 1..=10_000)?,
            trt_us: hours("activation.trt_hours", activation.trt_hours, 1..=HOURS_MAX)?,
            trt_warn_before_us: hours(
                "activation.trt_warn_before_hours",
                activation.trt_warn_before_hours,
                1..=HOURS_MAX,
            )?,
            days_ahead_max: within(
                "activation.days_ahead_max",
                activation.days_ahead_max,
                0..=3_660,
            )?,
            limits: self.limits.check()?,
            retention: self.retention.terms()?,
            trust: self.trust.terms()?,
            thresholds: self.thresholds.check()?,
            schedules: self.schedules.check()?,
            notices: self.notices.check()?,
            transfer: self.transfer.check()?,
            attempt: self.attempt.check()?,
            gateway_rate: self.gateway.check()?,
            retry: self.retry.check()?,
            stop: self.stop.check()?,
            breaker: self.breaker.check()?,
            checkpoints: self.log.checkpoint_key.is_some(),
        })
    }
}

impl CapacitySection {
    fn hour_profile(&self) -> Result<HourProfile, ConfigError> {
        let field = "capacity.hour_profile";
        let weights = <[u16; 24]>::try_from(self.hour_profile.as_slice()).map_err(|_| {
            let found = format!("a list of {} numbers", self.hour_profile.len());
            invalid(
                field,
                found,
                "it must have 24, one for each hour from midnight",
            )
        })?;
        HourProfile::new(weights).map_err(|_| {
            invalid(
                field,
                "all zero",
                "at least one hour needs a weight above 0",
            )
        })
    }
}

impl LimitsSection {
    fn check(&self) -> Result<LimitTerms, ConfigError> {
        Ok(LimitTerms {
            open_transfers_per_user_max: within(
                "limits.open_transfers_per_user_max",
                self.open_transfers_per_user_max,
                1..=1_000_000,
            )?,
            // Below the longest image a User could never send it.
            stored_bytes_per_user_max: within(
                "limits.stored_bytes_per_user_max",
                self.stored_bytes_per_user_max,
                u64::from(limits::IMAGE_BYTES_MAX)..=STORED_BYTES_MAX,
            )?,
        })
    }
}

impl RetentionSection {
    fn terms(&self) -> Result<RetentionTerms, ConfigError> {
        let kept = |field: &str, value| hours(&format!("retention.{field}"), value, 0..=HOURS_MAX);
        let stored = within("retention.stored_days", self.stored_days, 1..=DAYS_MAX)?;
        Ok(RetentionTerms {
            stored_us: 24 * HOUR_US * Micros::from(stored),
            rejected_us: kept("rejected_hours", self.rejected_hours)?,
            cancelled_us: kept("cancelled_hours", self.cancelled_hours)?,
            expired_us: kept("expired_hours", self.expired_hours)?,
        })
    }

    /// How long sealed files of the journal are kept.
    fn journal(&self) -> Result<Duration, ConfigError> {
        // Reports are asked for a quarter at the least.
        let days = within("retention.journal_days", self.journal_days, 100..=DAYS_MAX)?;
        Ok(Duration::from_secs(u64::from(days) * 86_400))
    }
}

impl TransferSection {
    fn room_again(&self) -> Result<Duration, ConfigError> {
        let field = "transfer.room_again_seconds";
        seconds(field, self.room_again_seconds, 1..=3_600)
    }

    fn check(&self) -> Result<TransferTerms, ConfigError> {
        let expire = self.expire_after_hours;
        Ok(TransferTerms {
            expire_after_us: hours("transfer.expire_after_hours", expire, 1..=HOURS_MAX)?,
            warn_before_us: hours(
                "transfer.warn_before_hours",
                self.warn_before_hours,
                0..=expire,
            )?,
            room_again_us: SECOND_US * Micros::from(self.room_again_seconds),
            verify_again_us: SECOND_US
                * Micros::from(within(
                    "transfer.verify_again_seconds",
                    self.verify_again_seconds,
                    1..=86_400,
                )?),
        })
    }
}

impl AttemptSection {
    fn check(&self) -> Result<AttemptTerms, ConfigError> {
        let all = 1..=MINUTES_MAX;
        Ok(AttemptTerms {
            answer_within_us: minutes(
                "attempt.answer_within_minutes",
                self.answer_within_minutes,
                all.clone(),
            )?,
            no_progress_us: minutes(
                "attempt.no_progress_minutes",
                self.no_progress_minutes,
                all.clone(),
            )?,
            hello_within_us: minutes(
                "attempt.hello_within_minutes",
                self.hello_within_minutes,
                all.clone(),
            )?,
            expected_us: minutes("attempt.expected_minutes", self.expected_minutes, all)?,
            per_gateway_max: within(
                "attempt.per_gateway_max",
                self.per_gateway_max,
                1..=crate::GATEWAY_ATTEMPTS_MAX,
            )?,
        })
    }
}

impl RetrySection {
    fn check(&self) -> Result<RetryTerms, ConfigError> {
        Ok(RetryTerms {
            transfer: self.transfer.check("transfer")?,
            activation: self.activation.check("activation")?,
            unknown: self.unknown.check("unknown")?,
            jitter_percent: within("retry.jitter_percent", self.jitter_percent, 0..=100)?,
        })
    }
}

impl RetryRuleSection {
    fn check(&self, class: &str) -> Result<RetryRule, ConfigError> {
        Ok(RetryRule {
            attempts_max: within(
                &format!("retry.{class}.attempts_max"),
                self.attempts_max,
                1..=100,
            )?,
            backoff_us: minutes(
                &format!("retry.{class}.backoff_minutes"),
                self.backoff_minutes,
                0..=MINUTES_MAX,
            )?,
        })
    }
}

impl IntakeSection {
    fn check(&self, room_again: Duration) -> Result<Intake, ConfigError> {
        // Below one block of the largest size a sender could wait for ever.
        let all = within(
            "intake.bytes_in_flight_max",
            self.bytes_in_flight_max,
            limits::BLOCK_BYTES_MAX..=GIBIBYTE,
        )?;
        let streams = within("intake.streams_max", self.streams_max, 1..=100_000)?;
        Ok(Intake {
            bytes_in_flight_max: all,
            bytes_in_flight_per_user_max: within(
                "intake.bytes_in_flight_per_user_max",
                self.bytes_in_flight_per_user_max,
                limits::BLOCK_BYTES_MAX..=all,
            )?,
            room_again,
            streams_max: streams,
            streams_per_user_max: within(
                "intake.streams_per_user_max",
                self.streams_per_user_max,
                1..=streams,
            )?,
            stream_idle_within: seconds(
                "intake.stream_idle_seconds",
                self.stream_idle_seconds,
                1..=86_400,
            )?,
        })
    }
}

impl StoreSection {
    fn check(&self, intake: Intake) -> Result<dco_store::Options, ConfigError> {
        let segment_bytes_max = u64::from(GIBIBYTE) * 4;
        let default = dco_store::Options::default();
        let commit = within(
            "store.commit_bytes_max",
            self.commit_bytes_max,
            4_096..=GIBIBYTE,
        )?;
        Ok(dco_store::Options {
            block_segment_bytes: within(
                "store.block_segment_bytes",
                self.block_segment_bytes,
                u64::from(MEBIBYTE)..=segment_bytes_max,
            )?,
            journal_segment_bytes: within(
                "store.journal_segment_bytes",
                self.journal_segment_bytes,
                // The longest record need not fit: it gets a segment of its own length.
                65_536..=segment_bytes_max,
            )?,
            reserve_bytes: within(
                "store.reserve_bytes",
                self.reserve_bytes,
                0..=u64::from(GIBIBYTE) * 1_024 * 1_024,
            )?,
            commit_bytes_max: commit as usize,
            // The permits of the intake bound what waits: bytes, and with the least that a block counts also how
            // many blocks. What the queue counts for a block beside its bytes is far less than that, so twice
            // the permits is more than can wait. The queue itself must never be the one to hold a sender up,
            // because that would hold up a thread and not a stream.
            queue_bytes_max: default
                .queue_bytes_max
                .max(intake.bytes_in_flight_max as usize * 2),
            ..default
        })
    }
}

fn parties(sections: Vec<PartySection>) -> Result<BTreeMap<Eui64, Party>, ConfigError> {
    let mut parties = BTreeMap::new();
    for (at, section) in sections.into_iter().enumerate() {
        // People count from one.
        let field = |key: &str| format!("party {}: {key}", at + 1);
        let (eui64, party) = section.check(field)?;
        if parties.insert(eui64, party).is_some() {
            return Err(invalid(
                &field("eui64"),
                eui64,
                "it is registered before; name each party once, with all of its roles",
            ));
        }
    }
    Ok(parties)
}

impl PartySection {
    fn check(self, field: impl Fn(&str) -> String) -> Result<(Eui64, Party), ConfigError> {
        let Self {
            name,
            eui64,
            mut roles,
        } = self;
        let chars = name.chars().count();
        if !(1..=NAME_CHARS_MAX).contains(&chars) {
            let found = format!("{chars} characters long");
            let expected = format!("it must have 1 to {NAME_CHARS_MAX}");
            return Err(invalid(&field("name"), found, &expected));
        }
        if roles.is_empty() {
            return Err(invalid(
                &field("roles"),
                "empty",
                "give at least one of user, service_desk, operator, auditor, gateway",
            ));
        }
        roles.sort();
        roles.dedup();
        let key = eui64
            .parse()
            .map_err(|error| invalid(&field("eui64"), format!("{eui64:?}"), &format!("{error}")))?;
        Ok((key, Party { name, roles }))
    }
}

fn within<T: PartialOrd + Display>(
    field: &str,
    value: T,
    allowed: RangeInclusive<T>,
) -> Result<T, ConfigError> {
    if allowed.contains(&value) {
        return Ok(value);
    }
    let expected = format!("it must be from {} to {}", allowed.start(), allowed.end());
    Err(invalid(field, value, &expected))
}

fn hours(field: &str, value: u32, allowed: RangeInclusive<u32>) -> Result<Micros, ConfigError> {
    Ok(HOUR_US * Micros::from(within(field, value, allowed)?))
}

fn minutes(field: &str, value: u32, allowed: RangeInclusive<u32>) -> Result<Micros, ConfigError> {
    Ok(MINUTE_US * Micros::from(within(field, value, allowed)?))
}

fn seconds(field: &str, value: u32, allowed: RangeInclusive<u32>) -> Result<Duration, ConfigError> {
    Ok(Duration::from_secs(within(field, value, allowed)?.into()))
}

fn address(field: &str, text: &str) -> Result<SocketAddr, ConfigError> {
    text.parse().map_err(|_| {
        let expected = "it must be an IP address and a port, like 127.0.0.1:7443";
        invalid(field, format!("{text:?}"), expected)
    })
}

fn url(text: String) -> Result<String, ConfigError> {
    let known = ["https://", "http://", "mailto:", "tel:"];
    if known.iter().any(|scheme| text.starts_with(scheme)) && text.len() <= 1_000 {
        return Ok(text);
    }
    let expected = "it must start with https://, http://, mailto: or tel:";
    Err(invalid("service_desk_url", format!("{text:?}"), expected))
}

fn invalid(field: &str, found: impl Display, expected: &str) -> ConfigError {
    ConfigError::Invalid {
        field: field.to_owned(),
        found: found.to_string(),
        expected: expected.to_owned(),
    }
}
