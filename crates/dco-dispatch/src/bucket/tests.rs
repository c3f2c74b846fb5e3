use super::*;
use proptest::prelude::*;

const HOUR_US: Micros = 3_600_000_000;

/// A day from instant 0 with these hourly weights.
fn pace(weights: &[u32]) -> Pace {
    let hours = (0..)
        .map(|hour| hour * HOUR_US)
        .zip(weights.iter().copied())
        .collect::<Vec<_>>();
    Pace::new(hours, end_us(weights)).unwrap()
}

fn end_us(weights: &[u32]) -> Micros {
    Micros::try_from(weights.len()).unwrap() * HOUR_US
}

/// A day with work always waiting.
struct Day {
    bucket: Bucket,
    end_us: Micros,
    now_us: Micros,
    capacity: u32,
    released_us: Vec<Micros>,
}

impl Day {
    fn new(weights: &[u32], burst: u32, capacity: u32) -> Self {
        Self {
            bucket: Bucket::new(pace(weights), burst),
            end_us: end_us(weights),
            now_us: 0,
            capacity,
            released_us: Vec::new(),
        }
    }

    fn released(&self) -> u32 {
        u32::try_from(self.released_us.len()).unwrap()
    }

    fn remaining(&self) -> u32 {
        self.capacity.saturating_sub(self.released())
    }

    /// Releases all that becomes ready up to, not including, `until_us`.
    fn run_until(&mut self, until_us: Micros) -> &mut Self {
        loop {
            let ready_us = self.bucket.ready_at(self.now_us, self.remaining());
            assert!(ready_us >= self.now_us);
            if ready_us >= until_us {
                self.now_us = self.now_us.max(until_us);
                return self;
            }
            self.now_us = ready_us;
            assert_eq!(self.bucket.ready_at(ready_us, self.remaining()), ready_us);
            self.bucket.take(ready_us, self.remaining());
            self.released_us.push(ready_us);
        }
    }

    fn run_to_the_end(&mut self) -> &mut Self {
        let end_us = self.end_us;
        self.run_until(end_us);
        let after_the_end = self.bucket.ready_at(end_us, self.remaining().max(1));
        assert_eq!(after_the_end, UNTIL_TOLD);
        self
    }

    fn skip_to(&mut self, now_us: Micros) -> &mut Self {
        self.now_us = self.now_us.max(now_us);
        self
    }

    fn most_at_one_instant(&self) -> usize {
        self.released_us
            .chunk_by(|a, b| a == b)
            .map(<[_]>::len)
            .max()
            .unwrap_or(0)
    }

    fn released_in_hour(&self, hour: Micros) -> usize {
        self.released_us
            .iter()
            .filter(|&&at| at / HOUR_US == hour)
            .count()
    }
}

/// Hourly weights of a day of 23 to 25 hours, at least one of them above 0, some of them 0.
fn weights() -> impl Strategy<Value = Vec<u32>> {
    let weight = prop_oneof![1 => Just(0_u32), 3 => 1..10_u32, 1 => 1..=65_535_u32];
    proptest::collection::vec(weight, 23..=25).prop_filter("needs a weight", |weights| {
        weights.iter().any(|&weight| weight > 0)
    })
}

fn capacity() -> impl Strategy<Value = u32> {
    prop_oneof![Just(1), Just(7), Just(100), Just(12_000), 1..2_000_u32]
}

#[test]
fn a_flat_day_is_an_even_row() {
    let mut day = Day::new(&[1; 24], 1, 12_000);
    day.run_to_the_end();
    assert_eq!(day.released(), 12_000);
    assert_eq!(day.released_us[..3], [0, 7_200_000, 14_400_000]);
    assert_eq!(day.released_us[11_999], 24 * HOUR_US - 7_200_000);
    assert!((0..24).all(|hour| day.released_in_hour(hour) == 500));
}

#[test]
fn hours_get_their_share_and_hours_without_weight_nothing() {
    let mut day = Day::new(&[3, 0, 1, 0], 5, 400);
    day.run_to_the_end();
    let by_hour = [0, 1, 2, 3].map(|hour| day.released_in_hour(hour));
    assert_eq!(by_hour, [300, 0, 100, 0]);
}

#[test]
fn a_start_at_noon_spreads_over_the_afternoon() {
    let mut day = Day::new(&[1; 24], 10, 12_000);
    day.skip_to(12 * HOUR_US).run_to_the_end();
    assert_eq!((day.released(), day.most_at_one_instant()), (12_000, 10));
    assert!((12..24).all(|hour| day.released_in_hour(hour).abs_diff(1_000) <= 10));
}

#[test]
fn a_raised_capacity_spreads_over_the_rest() {
    let mut day = Day::new(&[1; 24], 1, 1);
    day.run_until(12 * HOUR_US);
    assert_eq!(day.released_us, [0]);
    assert_eq!(day.bucket.ready_at(day.now_us, 0), UNTIL_TOLD);
    day.capacity = 12_001;
    day.run_to_the_end();
    assert_eq!((day.released(), day.most_at_one_instant()), (12_001, 1));
    assert!((12..24).all(|hour| day.released_in_hour(hour).abs_diff(1_000) <= 1));
}

#[test]
fn a_lowered_capacity_spreads_what_is_left_of_it() {
    let mut day = Day::new(&[1; 24], 1, 12_000);
    day.run_until(12 * HOUR_US);
    assert_eq!(day.released(), 6_000);
    day.capacity = 6_120;
    day.run_to_the_end();
    assert!((12..24).all(|hour| day.released_in_hour(hour).abs_diff(10) <= 1));
    day.capacity = 6_000;
    assert_eq!(day.remaining(), 0);
}

#[test]
#[should_panic(expected = "none remained")]
fn taking_what_is_not_there_is_a_fault() {
    Bucket::new(pace(&[1]), 1).take(0, 0);
}

proptest! {
    #[test]
    fn a_full_day_releases_everything_along_its_curve(
        weights in weights(), capacity in capacity(), burst in 1..50_u32,
    ) {
        let mut day = Day::new(&weights, burst, capacity);
        day.run_to_the_end();
        prop_assert_eq!(day.released(), capacity);
        let total = u128::from(day.bucket.pace.total());
        let heaviest = u128::from(*weights.iter().max().unwrap());
        for (unit, &at_us) in (0_u128..).zip(&day.released_us) {
            let hour = usize::try_from(at_us / HOUR_US).unwrap();
            prop_assert!(weights[hour] > 0, "released in an hour of weight 0");
            let by_curve = total * unit / u128::from(capacity);
            let passed = u128::from(day.bucket.pace.passed_at(at_us));
            prop_assert!(passed <= by_curve);
            // A step is over a hundred thousand times this, so nothing adds up over the day.
            prop_assert!(by_curve - passed <= u128::from(capacity) + heaviest);
        }
    }

    #[test]
    fn whatever_happens_the_rest_is_spread_over_the_rest(
        weights in weights(),
        changes in proptest::collection::vec((0..25 * HOUR_US, 0..3_000_u32, any::<bool>()), 0..6),
        burst in 1..20_u32,
    ) {
        let mut changes = changes;
        changes.sort_unstable();
        let mut day = Day::new(&weights, burst, 1_000);
        let mut over_at_change = 0;
        for (at_us, capacity, idle) in changes {
            if idle { day.skip_to(at_us) } else { day.run_until(at_us) };
            day.capacity = capacity;
            over_at_change = day.released();
        }
        let can_go = day.bucket.ready_at(day.now_us, 1) != UNTIL_TOLD;
        day.run_to_the_end();
        if can_go {
            prop_assert_eq!(day.released(), day.capacity.max(over_at_change));
        }
        prop_assert!(day.released() <= day.capacity.max(over_at_change));
        prop_assert!(day.released_us.iter().all(|&at| at < day.end_us));
    }

    #[test]
    fn at_most_a_burst_at_one_instant(
        weights in weights(), capacity in capacity(), burst in 1..20_u32,
        pauses in proptest::collection::vec((0..25 * HOUR_US, 0..5 * HOUR_US), 0..6),
    ) {
        let mut pauses = pauses;
        pauses.sort_unstable();
        let mut day = Day::new(&weights, burst, capacity);
        let heaviest = u64::from(*weights.iter().max().unwrap());
        for (from_us, length_us) in pauses {
            day.run_until(from_us).skip_to(from_us + length_us);
            let passed = day.bucket.pace.passed_at(day.now_us);
            let left = day.bucket.pace.total() - passed;
            // With less than a microsecond a unit left, nothing can be spread.
            prop_assume!(left / u64::from(day.remaining().max(1)) > heaviest);
        }
        day.run_to_the_end();
        prop_assert!(day.most_at_one_instant() <= usize::try_from(burst).unwrap());
    }

    #[test]
    fn a_replay_ends_in_the_same_state(
        weights in weights(), capacity in 1..500_u32, burst in 1..20_u32, start_us in 0..20 * HOUR_US,
        extra in 0..100_u32,
    ) {
        let mut day = Day::new(&weights, burst, capacity);
        day.skip_to(start_us).run_until(start_us + 2 * HOUR_US);
        let half = day.released();
        day.capacity += extra;
        day.run_to_the_end();
        let mut replayed = Bucket::new(pace(&weights), burst);
        for (unit, &at_us) in (0..).zip(&day.released_us) {
            let in_force = if unit < half { capacity } else { capacity + extra };
            replayed.take(at_us, in_force - unit);
        }
        prop_assert_eq!(replayed, day.bucket);
    }
}

proptest! {
    /// Another pace in mid-day spreads what is left over the rest: none is lost, none comes in a heap.
    #[test]
    fn another_pace_is_followed_from_its_moment_on(
        before in proptest::collection::vec(1_u32..5, 24),
        mut after in proptest::collection::vec(0_u32..5, 24),
        change_us in 1..(23 * HOUR_US),
        capacity in 24_u32..2_000,
    ) {
        after[23] = 1;
        let mut day = Day::new(&before, 1, capacity);
        day.run_until(change_us);
        let released = day.released();
        day.bucket.follow(pace(&after));
        day.run_until(end_us(&after));
        prop_assert_eq!(day.released(), capacity, "{} before", released);
        let after_it = &day.released_us[usize::try_from(released).unwrap()..];
        prop_assert!(after_it.iter().all(|at_us| *at_us >= change_us));
        let weight = |at_us: Micros| after[usize::try_from(at_us / HOUR_US).unwrap()];
        prop_assert!(after_it.iter().all(|at_us| weight(*at_us) > 0));
        prop_assert!(after_it.windows(2).all(|pair| pair[0] < pair[1]), "one at an instant");
    }

    /// Whatever hours the other pace leaves out, what was not used of them is not lost with it.
    #[test]
    fn a_pace_that_is_set_and_set_back_stops_nothing(
        mut weights in proptest::collection::vec(0_u32..5, 24),
        mut other in proptest::collection::vec(0_u32..2, 24),
        change_us in 1..(23 * HOUR_US),
        capacity in 24_u32..2_000,
    ) {
        weights[23] = 1;
        other[0] = 1;
        let mut day = Day::new(&weights, 1, capacity);
        day.run_until(change_us);
        day.bucket.follow(pace(&other));
        day.bucket.follow(pace(&weights));
        day.run_until(end_us(&weights));
        prop_assert_eq!(day.released(), capacity);
    }

    /// A row foresees what leaves, and when, from any state of the day on; taken as a whole it leaves the same state.
    #[test]
    fn a_row_is_what_leaves_while_there_is_always_work(
        weights in weights(), capacity in capacity(), burst in 1..20_u32,
        idle in (0..25 * HOUR_US, 0..10 * HOUR_US), until_us in 0..25 * HOUR_US, more in 0..50_u32,
    ) {
        let mut day = Day::new(&weights, burst, capacity);
        day.run_until(idle.0).skip_to(idle.0 + idle.1);
        day.capacity += more;
        let (from_us, remaining, before) = (day.now_us, day.remaining(), day.released());
        let mut foreseen = day.bucket.clone();
        let until_us = until_us.max(from_us);
        day.run_until(until_us);
        let left = &day.released_us[usize::try_from(before).unwrap()..];
        let row = foreseen.row(from_us, remaining);
        // Each step is rounded down by itself, and the row once.
        let near = |a: Micros, b: Micros| a.abs_diff(b) <= 2 * u64::from(capacity + more) + 2
            || weights[usize::try_from(a.min(b) / HOUR_US).unwrap()] == 0;
        for (index, at_us) in (0..).zip(left) {
            prop_assert!(near(row.leaves_at(index), *at_us), "{} leaves at {} and not {}", index, at_us, row.leaves_at(index));
        }
        let count = row.before(until_us);
        let counted = u32::try_from(left.len()).unwrap();
        prop_assert!(count.abs_diff(counted) <= 1, "{} and not {}", counted, count);
        prop_assert_eq!(row.leaves_at(remaining), UNTIL_TOLD);
        foreseen.take_row((from_us, remaining), counted);
        let next = |bucket: &Bucket| bucket.ready_at(until_us, day.remaining());
        prop_assert!(near(next(&foreseen).min(25 * HOUR_US - 1), next(&day.bucket).min(25 * HOUR_US - 1)));
    }

    #[test]
    fn the_same_pace_again_changes_nothing(
        weights in proptest::collection::vec(1_u32..5, 24),
        change_us in 0..(24 * HOUR_US),
    ) {
        let mut day = Day::new(&weights, 3, 500);
        day.run_until(change_us);
        let mut same = day.bucket.clone();
        same.follow(pace(&weights));
        prop_assert_eq!(same, day.bucket);
    }
}

#[test]
fn a_bucket_is_taken_up_where_it_was_left() {
    let pace = Pace::new(vec![(0, 1)], 100).unwrap();
    let mut bucket = Bucket::new(pace.clone(), 2);
    for remaining in [9, 8] {
        let spent = bucket.spent();
        let again = Bucket::resume(bucket.pace().clone(), 2, spent);
        assert_eq!(again, Some(bucket.clone()));
        bucket.take(30, remaining);
    }
    assert_eq!(Bucket::resume(pace, 2, Some(101)), None);
}
