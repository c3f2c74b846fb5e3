//! The security lane: what goes before the ordinary line, and whom that displaces.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use dco_block::Eui64;
use dco_dispatch::Slot;

use crate::engine::Queue;

/// Parts of a unit in which displaced Users' shares are counted.
const PARTS: u64 = 1 << 32;

/// Queued activations of schedules with security priority. Each stands in the ordinary line as well: whichever has it first takes
/// it, and once the lane has had its bound it competes there as everyone's does. In the lane Users share alike.
#[derive(Debug, Default)]
pub(crate) struct SecurityLane {
    pub(crate) queue: Queue,
    pub(crate) slots: BTreeMap<u32, Slot>,
    pub(crate) displaced: Displacement,
}

/// What went through the lane on the open service day, held against what would have become of it in the ordinary line.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Displacement {
    pub(crate) users: BTreeMap<Eui64, LaneShare>,
}

/// One User's.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LaneShare {
    /// Units that went to it through the lane; those given back later included.
    pub(crate) received: u32,
    /// What it would have had of all units of the lane, in parts of 2^-32 units.
    pub(crate) due_parts: u64,
}

impl Displacement {
    /// One unit goes to `user`, which otherwise these, with ready work, would have shared by their weights.
    pub(crate) fn serve(&mut self, user: Eui64, ready: &[(Eui64, u32)]) {
        let mine = self.users.entry(user).or_default();
        mine.received = mine.received.saturating_add(1);
        let weight_of = |weight: u32| u64::from(weight.max(1));
        let sum: u64 = ready.iter().map(|(_, weight)| weight_of(*weight)).sum();
        for (other, weight) in ready {
            let parts = u128::from(PARTS) * u128::from(weight_of(*weight)) / u128::from(sum);
            let share = self.users.entry(*other).or_default();
            let parts = u64::try_from(parts).unwrap_or(PARTS);
            share.due_parts = share.due_parts.saturating_add(parts);
        }
    }

    /// How many units each User was displaced by: what it would have had, less what it had through the lane. Parts of units
    /// go to the largest of them, so that in all it is what was taken, rounded up; and nobody was displaced by more than
    /// still waits of its work.
    pub(crate) fn units(&self, waiting: &BTreeMap<Eui64, u32>) -> Vec<(Eui64, u32)> {
        let short = |share: &LaneShare| {
            let had = u64::from(share.received).saturating_mul(PARTS);
            share.due_parts.saturating_sub(had)
        };
        let short: Vec<(Eui64, u64)> = self
            .users
            .iter()
            .map(|(user, share)| (*user, short(share)))
            .filter(|(_, parts)| *parts > 0)
            .collect();
        let total: u64 = short.iter().map(|(_, parts)| *parts).sum();
        let whole: u64 = short.iter().map(|(_, parts)| parts / PARTS).sum();
        let left = usize::try_from(total.div_ceil(PARTS) - whole).unwrap_or(usize::MAX);
        let mut by_rest = short.clone();
        by_rest.sort_by_key(|(user, parts)| (Reverse(parts % PARTS), *user));
        let rounded_up: Vec<Eui64> = by_rest.iter().take(left).map(|(user, _)| *user).collect();
        let units = short.into_iter().map(|(user, parts)| {
            let units = parts / PARTS + u64::from(rounded_up.contains(&user));
            let waits = waiting.get(&user).copied().unwrap_or(0);
            (user, u32::try_from(units).unwrap_or(u32::MAX).min(waits))
        });
        units.filter(|(_, units)| *units > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Eui64 = Eui64::from_bits(1);
    const B: Eui64 = Eui64::from_bits(2);
    const C: Eui64 = Eui64::from_bits(3);

    fn displaced(served: &[(Eui64, &[(Eui64, u32)])], waiting: u32) -> Vec<(Eui64, u32)> {
        let mut displacement = Displacement::default();
        for (user, ready) in served {
            displacement.serve(*user, ready);
        }
        displacement.units(&[A, B, C].map(|user| (user, waiting)).into())
    }

    #[test]
    fn nobody_is_displaced_where_nobody_else_had_ready_work() {
        let alone: &[(Eui64, u32)] = &[(A, 300)];
        assert_eq!(displaced(&[(A, alone); 5], 9), []);
    }

    #[test]
    fn who_would_have_had_the_units_by_weight_is_displaced_by_them() {
        let ready: &[(Eui64, u32)] = &[(A, 100), (B, 200), (C, 100)];
        assert_eq!(displaced(&[(A, ready); 8], 9), [(B, 4), (C, 2)]);
    }

    #[test]
    fn parts_of_units_go_to_the_largest_and_then_to_the_lower_name() {
        let ready: &[(Eui64, u32)] = &[(A, 1), (B, 2), (C, 2)];
        // Of one unit 0.4 each, which is 0.8 in all: one whole one.
        assert_eq!(displaced(&[(A, ready)], 9), [(B, 1)]);
        // Of four 1.6 each, 3.2 in all.
        assert_eq!(displaced(&[(A, ready); 4], 9), [(B, 2), (C, 2)]);
        let ready: &[(Eui64, u32)] = &[(A, 1), (B, 2), (C, 3)];
        // 2/3 and 1: 1.67 in all.
        assert_eq!(displaced(&[(A, ready); 2], 9), [(B, 1), (C, 1)]);
    }

    #[test]
    fn what_a_user_had_through_the_lane_itself_counts_against_it() {
        let ready: &[(Eui64, u32)] = &[(A, 1), (B, 1), (C, 2)];
        let served: &[(Eui64, &[(Eui64, u32)])] = &[(A, ready), (B, ready), (A, ready), (B, ready)];
        assert_eq!(displaced(served, 9), [(C, 2)], "A and B had two each");
    }

    #[test]
    fn nobody_is_displaced_by_more_than_still_waits() {
        let ready: &[(Eui64, u32)] = &[(A, 1), (B, 1)];
        assert_eq!(displaced(&[(A, ready); 8], 3), [(B, 3)]);
        assert_eq!(displaced(&[(A, ready); 8], 0), []);
    }

    #[test]
    fn whoever_has_no_weight_shares_as_with_the_least() {
        let ready: &[(Eui64, u32)] = &[(A, 0), (B, 1)];
        assert_eq!(displaced(&[(A, ready); 2], 9), [(B, 1)]);
    }
}
