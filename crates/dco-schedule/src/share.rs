//! Weighted max-min: how Users share what a day may release.

use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Users served side by side, each in proportion to its weight until it has what it wants.
#[derive(Debug)]
pub struct Share<U> {
    users: Vec<Wish<U>>,
}

#[derive(Debug, Clone, Copy)]
struct Wish<U> {
    user: U,
    units: u128,
    weight: u128,
}

/// How far each User has been served: `units` for every `weight`.
#[derive(Debug, Clone, Copy)]
struct Level {
    units: u128,
    weight: u128,
}

impl<U> Wish<U> {
    /// Whole units at a level, and the part of a unit beyond them, in parts of the level's weight.
    fn got(&self, level: &Level) -> (u128, u128) {
        let parts = level.units * self.weight;
        let whole = parts / level.weight;
        if whole < self.units {
            (whole, parts % level.weight)
        } else {
            (self.units, 0)
        }
    }
}

impl<U: Ord + Copy> Share<U> {
    /// Users with what they want, in units, and their weights; 1 where none is given, or 0.
    pub fn of(wants: &BTreeMap<U, u64>, weights: &BTreeMap<U, u64>) -> Self {
        let weight = |user: &U| u128::from(weights.get(user).copied().unwrap_or(1).max(1));
        let users = wants.iter().map(|(user, want)| Wish {
            user: *user,
            units: u128::from(*want),
            weight: weight(user),
        });
        Self {
            users: users.collect(),
        }
    }

    /// How many units have left, over all Users, when this one has got its `place`th.
    pub fn released_when(&self, user: U, place: u64) -> u64 {
        let Some(mine) = self.users.iter().find(|it| it.user == user) else {
            return 0;
        };
        let level = Level {
            units: u128::from(place),
            weight: mine.weight,
        };
        let released: u128 = self.users.iter().map(|it| it.got(&level).0).sum();
        u64::try_from(released).unwrap_or(u64::MAX)
    }

    /// The level at which a capacity is used up: Users that want least by their weight are full first.
    /// `None` when it suffices for all.
    fn level(&self, capacity: u64) -> Option<Level> {
        let mut by_fullness = self.users.clone();
        by_fullness.sort_by(|a, b| (a.units * b.weight).cmp(&(b.units * a.weight)));
        let mut units = u128::from(capacity);
        let mut weight: u128 = by_fullness.iter().map(|it| it.weight).sum();
        for wish in by_fullness {
            if wish.units * weight > units * wish.weight {
                return Some(Level { units, weight });
            }
            units -= wish.units;
            weight -= wish.weight;
        }
        None
    }

    /// What each gets of a capacity, in whole units: none is left over while anyone wants it. What the level
    /// leaves in parts goes to the largest of them.
    pub fn served(&self, capacity: u64) -> BTreeMap<U, u64> {
        let Some(level) = self.level(capacity) else {
            return self
                .users
                .iter()
                .map(|it| (it.user, whole(it.units)))
                .collect();
        };
        let mut parts = Vec::new();
        let mut served = BTreeMap::new();
        for wish in &self.users {
            let (units, part) = wish.got(&level);
            served.insert(wish.user, whole(units));
            parts.push((Reverse(part), wish.user));
        }
        parts.sort_unstable();
        let left = capacity - served.values().sum::<u64>();
        for (_, user) in parts.into_iter().take(usize::try_from(left).unwrap_or(0)) {
            *served.entry(user).or_default() += 1;
        }
        served
    }
}

fn whole(units: u128) -> u64 {
    u64::try_from(units).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
