//! How a day's work is spread over its hours.

use thiserror::Error;

use crate::{Hour, Micros};

/// A weight for each local hour of the day: twice the weight, twice the releases in that hour.
///
/// Weight 0 means that nothing is released in that hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HourProfile([u16; 24]);

/// All 24 weights are zero: nothing could ever be released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "all 24 hour weights are 0, so nothing could be released; give at least one hour a weight above 0"
)]
pub struct InvalidHourProfile;

impl HourProfile {
    /// A profile of the 24 weights, the one for the hour from midnight first. At least one must be
    /// above 0.
    pub fn new(weights: [u16; 24]) -> Result<Self, InvalidHourProfile> {
        if weights.iter().all(|&weight| weight == 0) {
            return Err(InvalidHourProfile);
        }
        Ok(Self(weights))
    }

    /// Every hour alike.
    pub const fn flat() -> Self {
        Self([1; 24])
    }

    /// The weight of the local hour `hour`, 0 to 23; 0 for a number that is no hour.
    pub fn weight(&self, hour: u8) -> u16 {
        self.0.get(usize::from(hour)).copied().unwrap_or(0)
    }

    /// The profile laid over the hours of one service day: start and weight of each.
    ///
    /// A profile whose whole weight lies in the hour that the clocks skip in March would leave that
    /// day without any: then the day is flat.
    pub fn over(&self, hours: &[Hour]) -> Vec<(Micros, u32)> {
        let skipped = hours.iter().all(|hour| self.weight(hour.hour) == 0);
        let weight = |hour| {
            if skipped {
                1
            } else {
                u32::from(self.weight(hour))
            }
        };
        hours
            .iter()
            .map(|hour| (hour.start_us, weight(hour.hour)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Calendar;

    fn weights(date: &str, profile: HourProfile) -> Vec<u32> {
        let calendar = Calendar::london();
        let hours = calendar.hours(&calendar.day(date.parse().unwrap()));
        let laid = profile.over(&hours);
        assert!(
            laid.iter()
                .zip(&hours)
                .all(|(laid, hour)| laid.0 == hour.start_us)
        );
        laid.into_iter().map(|(_, weight)| weight).collect()
    }

    #[test]
    fn a_profile_without_any_weight_is_refused() {
        assert_eq!(HourProfile::new([0; 24]), Err(InvalidHourProfile));
    }

    #[test]
    fn weights_belong_to_local_hours() {
        let profile =
            HourProfile::new(std::array::from_fn(|hour| u16::try_from(hour).unwrap())).unwrap();
        assert_eq!(
            (profile.weight(0), profile.weight(23), profile.weight(24)),
            (0, 23, 0)
        );
        assert_eq!(weights("2026-06-01", profile), (0..24).collect::<Vec<_>>());
        assert_eq!(weights("2026-03-29", profile)[..3], [0, 2, 3]);
        assert_eq!(weights("2026-10-25", profile)[..4], [0, 1, 1, 2]);
        assert_eq!(weights("2026-10-25", HourProfile::flat()), [1; 25]);
    }

    #[test]
    fn a_day_that_skips_the_only_hour_is_flat() {
        let mut only_one = [0; 24];
        only_one[1] = 7;
        let profile = HourProfile::new(only_one).unwrap();
        assert_eq!(weights("2026-03-29", profile), [1; 23]);
        assert_eq!(weights("2026-03-30", profile)[..3], [0, 7, 0]);
    }
}
