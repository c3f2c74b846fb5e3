//! What the engine runs on: every limit and every duration, as data.

use dco_dispatch::Rate;
use dco_schedule::{HourProfile, Micros, Reserve};

use crate::record::{Counted, StopFigures};
use crate::view::TransferState;

/// One second in microseconds.
pub const SECOND_US: Micros = 1_000_000;
/// One minute in microseconds.
pub(crate) const MINUTE_US: Micros = 60 * SECOND_US;
/// One hour in microseconds.
pub const HOUR_US: Micros = 3_600 * SECOND_US;

/// The rules' numbers. All come from the configuration; the defaults are those of the scheme.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Large images that may be released on a service day, over all Users.
    pub capacity_per_day: u32,
    /// Large activations a User may send for a service day without a delivery schedule.
    pub allowance_per_day: u32,
    /// How the day's capacity is spread over its hours.
    pub hour_profile: HourProfile,
    /// Releases that may leave at one instant.
    pub burst: u32,
    /// Target Response Time of a batch, from its `trt_start_time`.
    pub trt_us: Micros,
    /// How long before the end of a TRT the User and the Service Desk are warned; half of the TRT where that is shorter.
    pub trt_warn_before_us: Micros,
    /// How far ahead a batch may be sent, in service days.
    pub days_ahead_max: u16,
    /// What one User may have in the store.
    pub limits: LimitTerms,
    /// How long what is not needed any more is kept.
    pub retention: RetentionTerms,
    /// Which checks an image must pass.
    pub trust: TrustTerms,
    /// Beyond what counts of a period Users' requests are refused.
    pub thresholds: ThresholdTerms,
    /// The rules of delivery schedules.
    pub schedules: ScheduleTerms,
    /// How long parties can read what they were told.
    pub notices: NoticeTerms,
    /// The timers of transfers.
    pub transfer: TransferTerms,
    /// The timers of attempts.
    pub attempt: AttemptTerms,
    /// How fast attempts are released to one gateway; as fast as may be if absent.
    pub gateway_rate: Option<Rate>,
    /// How often, and how soon, a failed attempt is followed by another.
    pub retry: RetryTerms,
    /// When a gateway is left alone because attempts through it fail; never if absent.
    pub breaker: Option<BreakerTerms>,
    /// When an image is stopped because attempts with it fail; never if absent.
    pub stop: Option<StopTerms>,
    /// Whether a signature of the decision log is asked for when a service day is over.
    pub checkpoints: bool,
}

/// The circuit breaker of gateways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerTerms {
    /// It opens after so many attempts in a row that failed by the gateway; at least 1.
    pub failures: u32,
    /// So long after that, one attempt tries the gateway; at least a microsecond.
    pub probe_after_us: Micros,
}

/// The stop rule of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StopTerms {
    /// The minimum sample, 1 to [`STOP_ATTEMPTS_MAX`]. Looked at are the first attempts with an image that came through to the last
    /// thousand Devices, over all Users, since it was last resumed.
    pub attempts: u32,
    /// It is stopped when so many in a hundred of them failed, or more: 1 to 100.
    pub failed_percent: u32,
}

/// Attempts that a stop rule can look at.
pub const STOP_ATTEMPTS_MAX: u32 = 1_000;

impl StopTerms {
    pub(crate) fn is_met(&self, found: StopFigures) -> bool {
        let failed = u64::from(found.failed) * 100;
        failed >= u64::from(found.attempts) * u64::from(self.failed_percent)
    }
}

/// What one User may have in the store at one time.
#[derive(Debug, Clone, Copy)]
pub struct LimitTerms {
    /// Transfers that are RECEIVING or VERIFYING.
    pub open_transfers_per_user_max: u32,
    /// The bytes that those declare, the bytes of the images STORED, each once, and the bytes that transfers declared
    /// whose blocks are kept for a while though they ended without an image.
    pub stored_bytes_per_user_max: u64,
}

/// How long notices are kept, and how many. What is beyond either goes when a service day begins.
#[derive(Debug, Clone, Copy)]
pub struct NoticeTerms {
    /// For how long.
    pub keep_us: Micros,
    /// The newest of each party.
    pub per_party_max: u32,
}

impl Default for NoticeTerms {
    fn default() -> Self {
        Self {
            keep_us: 400 * 24 * HOUR_US,
            per_party_max: 100_000,
        }
    }
}

/// Which checks against the Central Products List an image must pass. The configuration asks for all of them unless it says
/// otherwise; terms that come of no configuration ask for none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TrustTerms {
    /// That it is on the list for the Device, and Active.
    pub products_list: bool,
    /// That the Device runs a version from which it may go to it. Asked only where the list is.
    pub upgrade_pathway: bool,
}

/// Anomaly detection: what is far from usual is refused. Without a configuration there are no thresholds.
#[derive(Debug, Clone, Copy)]
pub struct ThresholdTerms {
    /// How long is counted before counting begins anew; periods follow each other from 1970 on.
    pub period_us: Micros,
    /// Of transfers opened.
    pub transfers: Threshold,
    /// Of activations sent.
    pub activations: Threshold,
    /// Of octets that requests of SRV 11.1 and 11.3 leave behind: [`crate::request_bytes`].
    pub request_bytes: Threshold,
    /// Of steps of delivery schedules by which Users put something forward or end one.
    pub schedule_steps: Threshold,
    /// Of warnings about one User's batches that Service Desk and operators are told: what is over it is told to the User alone.
    pub warnings: Threshold,
    /// How far an originator counter may be above the last one of its User; above the nanoseconds since 1970 where it has none.
    pub originator_counter_leap_max: u64,
}

/// The highest counts that are no anomaly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold {
    /// Of one User.
    pub per_user_max: u32,
    /// Over all Users.
    pub total_max: u32,
}

impl Threshold {
    /// Nothing is too much.
    pub const NONE: Self = Self {
        per_user_max: u32::MAX,
        total_max: u32::MAX,
    };
}

impl ThresholdTerms {
    /// When the period began that it is at a moment, and when the next one begins.
    pub(crate) fn period(&self, now_us: Micros) -> (Micros, Micros) {
        let period_us = self.period_us.max(1);
        let start_us = now_us.saturating_sub(now_us.rem_euclid(period_us));
        (start_us, start_us.saturating_add(period_us))
    }

    pub(crate) fn of(&self, counted: Counted) -> Threshold {
        match counted {
            Counted::Unspecified => Threshold::NONE,
            Counted::Transfers => self.transfers,
            Counted::Activations => self.activations,
            Counted::RequestBytes => self.request_bytes,
            Counted::ScheduleSteps => self.schedule_steps,
            Counted::Warnings => self.warnings,
        }
    }
}

impl Default for ThresholdTerms {
    fn default() -> Self {
        Self {
            period_us: 24 * HOUR_US,
            transfers: Threshold::NONE,
            activations: Threshold::NONE,
            request_bytes: Threshold::NONE,
            schedule_steps: Threshold::NONE,
            warnings: Threshold::NONE,
            originator_counter_leap_max: u64::MAX,
        }
    }
}

/// How long blocks are kept that nothing needs.
#[derive(Debug, Clone, Copy)]
pub struct RetentionTerms {
    /// Of an image, after it was stored, given more Devices, or sent for, whichever was last.
    pub stored_us: Micros,
    /// Of a transfer that was REJECTED.
    pub rejected_us: Micros,
    /// Of one that was CANCELLED.
    pub cancelled_us: Micros,
    /// Of one that has EXPIRED.
    pub expired_us: Micros,
}

impl RetentionTerms {
    /// Until when blocks are kept of a transfer that ended so and is no image.
    pub(crate) fn free_us(&self, state: TransferState, ended_us: Micros) -> Micros {
        let kept_us = match state {
            TransferState::Rejected => self.rejected_us,
            TransferState::Cancelled => self.cancelled_us,
            TransferState::Expired => self.expired_us,
            TransferState::Receiving
            | TransferState::Verifying
            | TransferState::Stored
            | TransferState::Retired
            | TransferState::Quarantined => 0,
        };
        ended_us.saturating_add(kept_us)
    }
}

/// The rules of delivery schedules.
#[derive(Debug, Clone, Copy)]
pub struct ScheduleTerms {
    /// What agreements must leave free on every service day.
    pub reserve: Reserve,
    /// The shortest time that the other side must have to answer.
    pub answer_us_min: Micros,
    /// How long an act waits for a second officer.
    pub pending_us: Micros,
    /// How often the Service Desk may propose to move one schedule.
    pub moves_max: u32,
    /// How many schedules of one User may be under way or agreed at once.
    pub open_max: u32,
    /// Large images that may be under way at once over all Users, for offers to be held against.
    pub in_flight_max: u32,
    /// How many service days ahead a quota may reach.
    pub days_ahead_max: u16,
    /// Whether images that are not large use up allowance. They are never refused.
    pub small_uses_allowance: bool,
}

/// The timers of SRV 11.1.
#[derive(Debug, Clone, Copy)]
pub struct TransferTerms {
    /// A transfer that is RECEIVING for longer expires.
    pub expire_after_us: Micros,
    /// How long before that its User is warned.
    pub warn_before_us: Micros,
    /// After a failed read-back, when it is tried again.
    pub verify_again_us: Micros,
    /// After the disk was full, when a sender may look whether there is room.
    pub room_again_us: Micros,
}

/// The timers of one attempt.
#[derive(Debug, Clone, Copy)]
pub struct AttemptTerms {
    /// From release to the outcome.
    pub answer_within_us: Micros,
    /// From one sign of progress to the next, while its gateway is connected.
    pub no_progress_us: Micros,
    /// How long a gateway may be away before its attempts are UNKNOWN.
    pub hello_within_us: Micros,
    /// What one attempt takes, for predictions made before any was seen.
    pub expected_us: Micros,
    /// Attempts under way at one gateway, whatever its hello asks for.
    pub per_gateway_max: u32,
}

/// Retries by class of failure.
#[derive(Debug, Clone, Copy)]
pub struct RetryTerms {
    /// The image did not reach the Device whole.
    pub transfer: RetryRule,
    /// The Device has the image and did not activate it.
    pub activation: RetryRule,
    /// Nobody knows: no answer, a timer, a gateway that lost its memory.
    pub unknown: RetryRule,
    /// By up to how many hundredths each wait is longer, so that what failed together does not come back together. Terms
    /// that come of no configuration have none.
    pub jitter_percent: u8,
}

/// One class's rule.
#[derive(Debug, Clone, Copy)]
pub struct RetryRule {
    /// Attempts in all, the first included; at least 1.
    pub attempts_max: u16,
    /// Wait before the second attempt, at least a microsecond; doubled for each one after.
    pub backoff_us: Micros,
}

impl RetryRule {
    /// When the next attempt may be made after `attempt` of them failed at `now_us`, every wait lengthened by `jitter`;
    /// `None` when there is no next one.
    pub(crate) fn next_us(&self, attempt: u16, now_us: Micros, jitter: Jitter) -> Option<Micros> {
        (attempt < self.attempts_max).then(|| {
            let doublings = u32::from(attempt.saturating_sub(1)).min(16);
            let wait_us = jitter.lengthened(self.backoff_us.saturating_mul(1 << doublings));
            // Never at the same instant: what time does by itself has its place before the records of that instant,
            // and in replay it would come between them.
            now_us.saturating_add(wait_us.max(1))
        })
    }
}

/// By how much a wait is longer than its rule says. It follows from what waits, not from chance, so that the same events
/// give the same records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Jitter {
    pub(crate) percent: u8,
    /// Another one for each wait.
    pub(crate) of: u64,
}

impl Jitter {
    fn lengthened(self, wait_us: Micros) -> Micros {
        const PARTS: i128 = 1 << 16;
        let part = i128::from(mixed(self.of) % (1 << 16));
        let more = i128::from(wait_us) * i128::from(self.percent) * part / (100 * PARTS);
        wait_us.saturating_add(Micros::try_from(more).unwrap_or(Micros::MAX))
    }
}

/// The finalizer of `SplitMix64`: neighbours end far apart.
fn mixed(number: u64) -> u64 {
    let one = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let two = (one ^ (one >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    two ^ (two >> 31)
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            capacity_per_day: 12_000,
            allowance_per_day: 500,
            hour_profile: HourProfile::flat(),
            burst: 4,
            trt_us: 120 * HOUR_US,
            trt_warn_before_us: 24 * HOUR_US,
            days_ahead_max: 92,
            limits: LimitTerms {
                open_transfers_per_user_max: 100,
                stored_bytes_per_user_max: 64 * 1024 * 1024 * 1024,
            },
            retention: RetentionTerms {
                stored_us: 400 * 24 * HOUR_US,
                rejected_us: 24 * HOUR_US,
                cancelled_us: 0,
                expired_us: 0,
            },
            trust: TrustTerms::default(),
            thresholds: ThresholdTerms::default(),
            schedules: ScheduleTerms::default(),
            notices: NoticeTerms::default(),
            transfer: TransferTerms {
                expire_after_us: 7 * 24 * HOUR_US,
                warn_before_us: 24 * HOUR_US,
                verify_again_us: 60 * SECOND_US,
                room_again_us: 10 * SECOND_US,
            },
            attempt: AttemptTerms {
                answer_within_us: 24 * HOUR_US,
                no_progress_us: 2 * HOUR_US,
                hello_within_us: HOUR_US,
                expected_us: HOUR_US,
                per_gateway_max: 1_000,
            },
            retry: RetryTerms {
                transfer: RetryRule {
                    attempts_max: 5,
                    backoff_us: 15 * 60 * SECOND_US,
                },
                activation: RetryRule {
                    attempts_max: 3,
                    backoff_us: HOUR_US,
                },
                unknown: RetryRule {
                    attempts_max: 4,
                    backoff_us: HOUR_US,
                },
                jitter_percent: 0,
            },
            gateway_rate: None,
            breaker: None,
            stop: None,
            checkpoints: false,
        }
    }
}

impl Default for ScheduleTerms {
    fn default() -> Self {
        Self {
            reserve: Reserve::default(),
            answer_us_min: 24 * HOUR_US,
            pending_us: 72 * HOUR_US,
            moves_max: 2,
            open_max: 32,
            in_flight_max: 60_000,
            days_ahead_max: 366,
            small_uses_allowance: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVEN: Jitter = Jitter { percent: 0, of: 1 };

    fn waits(rule: RetryRule) -> Vec<Option<Micros>> {
        (0..6)
            .map(|attempt| rule.next_us(attempt, 100, EVEN))
            .collect()
    }

    /// The first number that `SplitMix64` gives for the seed 0.
    #[test]
    fn the_finalizer_is_that_of_splitmix64() {
        assert_eq!(mixed(0x9e37_79b9_7f4a_7c15), 0xe220_a839_7b1d_cdaf);
    }

    #[test]
    fn the_wait_doubles_up_to_the_last_attempt() {
        let rule = RetryRule {
            attempts_max: 4,
            backoff_us: 10,
        };
        let expected = [Some(110), Some(110), Some(120), Some(140), None, None];
        assert_eq!(waits(rule), expected);
    }

    #[test]
    fn one_attempt_or_none_is_never_followed_by_another() {
        for attempts_max in [0, 1] {
            let rule = RetryRule {
                attempts_max,
                backoff_us: 10,
            };
            assert_eq!(rule.next_us(1, 100, EVEN), None);
        }
    }

    #[test]
    fn no_attempt_follows_at_the_same_instant() {
        let rule = RetryRule {
            attempts_max: 2,
            backoff_us: 0,
        };
        assert_eq!(rule.next_us(1, 100, EVEN), Some(101));
    }

    #[test]
    fn no_wait_overflows() {
        let rule = RetryRule {
            attempts_max: u16::MAX,
            backoff_us: Micros::MAX,
        };
        for attempt in [1, 2, 16, 17, 18, u16::MAX - 1] {
            assert_eq!(rule.next_us(attempt, Micros::MAX, EVEN), Some(Micros::MAX));
            assert_eq!(rule.next_us(attempt, 0, EVEN), Some(Micros::MAX));
        }
        let short = RetryRule {
            backoff_us: 1,
            ..rule
        };
        assert_eq!(short.next_us(u16::MAX - 1, 0, EVEN), Some(1 << 16));
    }

    #[test]
    fn jitter_only_lengthens_a_wait_up_to_its_share_and_spreads_what_failed_together() {
        let rule = RetryRule {
            attempts_max: 4,
            backoff_us: HOUR_US,
        };
        let waits: std::collections::BTreeSet<Micros> = (0..1_000)
            .filter_map(|of| rule.next_us(1, 0, Jitter { percent: 20, of }))
            .collect();
        assert!(waits.len() > 900, "they spread");
        let (first, last) = (waits.first().copied(), waits.last().copied());
        assert!(first >= Some(HOUR_US) && last < Some(HOUR_US + HOUR_US / 5));
        assert!(last > Some(HOUR_US + HOUR_US / 6), "over the whole share");
    }
}
