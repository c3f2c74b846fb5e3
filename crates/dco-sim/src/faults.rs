//! What may go wrong, and how often.

use dco_engine::{HOUR_US, SECOND_US};
use dco_schedule::Micros;

use crate::dice::Dice;

/// How many of a thousand cases go wrong in each way, and how long things then take.
///
/// A seed draws each on its own, and leaves many out: a run in which only one thing fails finds other
/// faults than one in which everything does.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    /// A User's request that never arrives.
    pub(crate) request_lost: u32,
    /// One that arrives twice.
    pub(crate) request_repeated: u32,
    /// An answer or acknowledgement that never arrives.
    pub(crate) reply_lost: u32,
    /// A block that never arrives.
    pub(crate) block_lost: u32,
    /// One that arrives twice.
    pub(crate) block_repeated: u32,
    /// One whose bytes were wrong before its CRC-32 was computed.
    pub(crate) block_wrong: u32,
    /// A gateway's stream that ends with a message.
    pub(crate) stream_breaks: u32,
    /// A gateway that comes back without its memory.
    pub(crate) memory_lost: u32,
    /// A gateway that stays away for hours.
    pub(crate) away: u32,
    /// A User that forgets what it was about, at each look at it.
    pub(crate) abandoned: u32,
    /// The service stops after a step, of a thousand steps.
    pub(crate) crash: u32,
    /// The power goes inside a commit, of a thousand commits.
    pub(crate) power_in_commit: u32,
    /// The data come from a backup, made when the service had ended, of a thousand starts.
    pub(crate) restored: u32,
    /// A sync that fails, of a thousand starts.
    pub(crate) sync_fails: u32,
    /// A disk that has room for little more, of a thousand starts.
    pub(crate) disk_full: u32,
    /// What was not synced reaches the disk nevertheless.
    pub(crate) unsynced_kept: u32,
    /// A part of it does.
    pub(crate) unsynced_torn: u32,
    /// The service's clock jumps, at each look at it.
    pub(crate) clock_jumps: u32,
    /// Each start brings another capacity.
    pub(crate) capacity_changes: u32,
    /// A read-back that the disk does not give.
    pub(crate) unread: u32,
    /// A User that gives a transfer or a batch up, at each look at it.
    pub(crate) cancel: u32,
    /// An attempt that goes wrong somewhere between gateway and Device.
    pub(crate) attempt_fails: u32,
    /// A gateway that declines an offer.
    pub(crate) declined: u32,
    /// A User or gateway that does what it must not, at each new wish of a User.
    pub(crate) mistakes: u32,
    /// A Device that changes its gateway or its User, at each look at the inventory.
    pub(crate) moves: u32,
    /// Somebody acts on a schedule, at each look at it.
    pub(crate) agreeing: u32,
    /// An officer sets a capacity in mid-day or ahead, likewise.
    pub(crate) capacity_set: u32,
    /// An officer pauses something or resumes it, likewise.
    pub(crate) pauses: u32,
    /// How many microseconds the service's clock gains in a second.
    pub(crate) drift_ppm: i64,
    /// The longest way of a message.
    pub(crate) delay_max_us: Micros,
    /// The longest time that the service is down.
    pub(crate) down_max_us: Micros,
}

impl Faults {
    /// What a seed draws.
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        let mut rate = |at_most: u32| {
            if dice.chance(400) {
                0
            } else {
                dice.small(1..=at_most)
            }
        };
        Self {
            request_lost: rate(300),
            request_repeated: rate(300),
            reply_lost: rate(300),
            block_lost: rate(500),
            block_repeated: rate(300),
            block_wrong: rate(60),
            stream_breaks: rate(80),
            memory_lost: rate(400),
            away: rate(200),
            abandoned: rate(100),
            crash: rate(10),
            power_in_commit: rate(20),
            restored: rate(400),
            sync_fails: rate(200),
            disk_full: rate(300),
            unsynced_kept: rate(1000),
            unsynced_torn: rate(500),
            clock_jumps: rate(400),
            capacity_changes: rate(500),
            unread: rate(500),
            cancel: rate(200),
            attempt_fails: rate(500),
            declined: rate(200),
            mistakes: rate(500),
            moves: rate(700),
            agreeing: 300 + rate(700),
            capacity_set: rate(300),
            pauses: rate(300),
            drift_ppm: i64::from(rate(400)) - i64::from(rate(400)),
            delay_max_us: Micros::from(rate(600)) * SECOND_US,
            down_max_us: Micros::from(rate(8)) * HOUR_US,
        }
    }

    /// Nothing goes wrong any more.
    pub(crate) fn none() -> Self {
        Self::default()
    }
}
