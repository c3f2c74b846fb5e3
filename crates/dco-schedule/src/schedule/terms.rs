//! What is asked for and what is agreed.

use std::fmt;
use std::num::NonZeroU32;

use thiserror::Error;

use crate::{Hour, Micros, Quota, Refusal, ServiceDate, ServiceDay};

/// The SHA-256 by which an image is named. Nothing here looks into it.
pub type ImageHash = [u8; 32];

/// What a schedule is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Covers {
    /// One image.
    Image(ImageHash),
    /// Every large image of the User.
    Portfolio,
}

impl Covers {
    /// Whether it is for one image alone.
    pub const fn is_image(&self) -> bool {
        matches!(self, Self::Image(_))
    }

    /// Whether a batch of this image may be sent under it.
    pub fn covers(&self, image: &ImageHash) -> bool {
        match self {
            Self::Image(hash) => hash == image,
            Self::Portfolio => true,
        }
    }
}

/// What a User asks the Service Desk for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The image, or all of them.
    pub covers: Covers,
    /// Devices that are to get it: the units of the whole schedule.
    pub devices: NonZeroU32,
    /// The first service day on which the User can send.
    pub earliest: ServiceDate,
    /// The service day by which it wants to be done; not before `earliest`.
    pub latest: ServiceDate,
    /// The most it can take on one day, in units.
    pub per_day_max: NonZeroU32,
}

impl Request {
    /// Whether its days are in order and not all over: refused otherwise, also where it is only tried out.
    pub fn check(&self, today: ServiceDate) -> Result<(), Refusal> {
        let Self {
            earliest, latest, ..
        } = *self;
        if latest < earliest {
            return Err(Refusal::RequestReversed { earliest, latest });
        }
        if latest < today {
            return Err(Refusal::RequestOver { latest, today });
        }
        Ok(())
    }
}

/// Local hours of the day in which work of a schedule is released: from the start of one up to the start of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HourWindow {
    from: u8,
    to: u8,
}

/// The hours are no window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "hours {from} to {to} are no window: expected 0 to 24, not over midnight, and at least two hours, so that the \
     hour that the clocks skip in March leaves one; give for example 22 to 24"
)]
pub struct InvalidHourWindow {
    /// The first local hour.
    pub from: u8,
    /// The local hour before which it ends.
    pub to: u8,
}

impl HourWindow {
    /// From the local hour `from`, 0 to 22, up to but not including `to`, at least two later and at most 24.
    pub const fn new(from: u8, to: u8) -> Result<Self, InvalidHourWindow> {
        if to > 24 || from >= to || to - from < 2 {
            return Err(InvalidHourWindow { from, to });
        }
        Ok(Self { from, to })
    }

    /// Every window that there is.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..24).flat_map(|from| (from..=24).filter_map(move |to| Self::new(from, to).ok()))
    }

    /// The first local hour, and the one before which it ends.
    pub const fn hours(&self) -> (u8, u8) {
        (self.from, self.to)
    }

    /// Whether it has this local hour.
    pub const fn has(&self, hour: u8) -> bool {
        self.from <= hour && hour < self.to
    }

    /// Whether another one lies in it.
    pub const fn holds(&self, other: Self) -> bool {
        self.from <= other.from && other.to <= self.to
    }

    /// Start and end on a service day, given its hours ([`Calendar::hours`](crate::Calendar::hours)).
    ///
    /// It is an hour longer when the clocks go back inside it, an hour shorter when they go forward.
    pub fn on(&self, day: &ServiceDay, hours: &[Hour]) -> (Micros, Micros) {
        let mut after = hours.iter().skip_while(|hour| hour.hour < self.from);
        let start_us = after.next().map_or(day.start_us, |hour| hour.start_us);
        let end = after.find(|hour| hour.hour >= self.to);
        (start_us, end.map_or(day.end_us, |hour| hour.start_us))
    }
}

impl fmt::Display for HourWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:00 to {:02}:00", self.from, self.to)
    }
}

/// How the work of a schedule is released.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The hours in which it is released; the whole day if none is given.
    pub window: Option<HourWindow>,
    /// Devices that go first and must succeed before the others follow.
    pub canary: Option<NonZeroU32>,
    /// Whether work of later days may use capacity that nobody else has ready work for.
    pub run_ahead: bool,
    /// Whether it goes before others in the security lane. Needs a second officer.
    pub security: bool,
}

impl fmt::Display for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.window {
            Some(window) => write!(f, "window {window}")?,
            None => f.write_str("no window")?,
        }
        match self.canary {
            Some(canary) => write!(f, ", canary {canary}")?,
            None => f.write_str(", no canary")?,
        }
        let ahead = if self.run_ahead { ", " } else { ", no " };
        let lane = if self.security { ", " } else { ", no " };
        write!(f, "{ahead}run ahead{lane}security priority")
    }
}

/// What one side proposes and both agree: a quota for each service day, and terms. The default has no day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deal {
    /// Units for each service day.
    pub quota: Quota,
    /// How they are released.
    pub terms: Terms,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Calendar;
    use crate::testing::day;
    use proptest::prelude::*;

    const HOUR_US: Micros = 3_600_000_000;

    #[test]
    fn a_window_has_two_hours_of_one_day() {
        for (from, to) in [
            (0, 1),
            (5, 5),
            (7, 6),
            (23, 25),
            (24, 24),
            (0, 25),
            (255, 0),
        ] {
            let refused = HourWindow::new(from, to);
            assert_eq!(refused, Err(InvalidHourWindow { from, to }));
        }
        assert_eq!(HourWindow::new(22, 24).unwrap().hours(), (22, 24));
    }

    /// Window, date, start and length in hours from the day's start.
    #[test]
    fn windows_follow_the_local_clock() {
        let calendar = Calendar::london();
        for (window, date, start, length) in [
            ((0, 24), "2026-06-01", 0, 24),
            ((22, 24), "2026-06-01", 22, 2),
            ((1, 3), "2026-06-01", 1, 2),
            ((0, 24), "2026-03-29", 0, 23),
            ((0, 2), "2026-03-29", 0, 1),
            ((1, 3), "2026-03-29", 1, 1),
            ((22, 24), "2026-03-29", 21, 2),
            ((0, 24), "2026-10-25", 0, 25),
            ((0, 2), "2026-10-25", 0, 3),
            ((1, 3), "2026-10-25", 1, 3),
            ((2, 4), "2026-10-25", 3, 2),
        ] {
            let (from, to) = window;
            let day = calendar.day(day(date));
            let (start_us, end_us) = HourWindow::new(from, to)
                .unwrap()
                .on(&day, &calendar.hours(&day));
            let found = (start_us - day.start_us, end_us - start_us);
            assert_eq!(
                found,
                (start * HOUR_US, length * HOUR_US),
                "{window:?} {date}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_window_is_empty_on_any_day(from in 0..=22_u8, more in 2..=24_u8, days in 18_000..25_000_i32) {
            let window = HourWindow::new(from, (from + more).min(24)).unwrap();
            let calendar = Calendar::london();
            let day = calendar.day(ServiceDate::from_days(days));
            let (start_us, end_us) = window.on(&day, &calendar.hours(&day));
            prop_assert!(day.start_us <= start_us && start_us < end_us && end_us <= day.end_us);
        }
    }

    #[test]
    fn an_image_is_covered_by_itself_and_by_a_portfolio() {
        let one = [1; 32];
        assert!(Covers::Image(one).covers(&one));
        assert!(!Covers::Image(one).covers(&[2; 32]));
        assert!(Covers::Portfolio.covers(&one));
    }
}
