//! Entitlement: what each User would have been served if units could be divided at will.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

/// Parts of a unit in which shares are counted.
const PARTS: u64 = 1 << 32;
/// How finely people read it.
const MILLIUNITS: u128 = 1_000;

/// A server that divides each unit among all Users that wait, in proportion to their weights, and never gives a User more than it
/// waits for: fluid weighted max-min, followed from arrival to arrival.
///
/// It knows only arrivals, weights and how many units were served, and not to whom: what a scheduler gave each User can be held
/// against it. Nothing is lost to rounding: parts that do not divide wait for the next unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fluid<U> {
    /// Parts served for each weight, since the start, to a User that waited all the time.
    level: u64,
    /// The weights of those that are served now.
    weight: u64,
    /// Units that were served and are not yet divided.
    due: u64,
    /// Parts that did not divide.
    spare: u64,
    users: BTreeMap<U, Flow>,
    /// At which level those that are served now have all they wait for.
    full_at: BTreeSet<(u64, U)>,
}

/// One User.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Flow {
    weight: u64,
    /// Parts that it waits for. Below zero when it has taken back what it was entitled to.
    waiting: i64,
    entitled: u64,
    /// Up to which level it has been served.
    level: u64,
    paused: bool,
}

/// One User as [`Fluid::kept`] gives it and [`Fluid::resume`] takes it; parts are of 2^-32 units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FluidUse<U> {
    /// Whose.
    pub user: U,
    /// Its weight; 0 counts as 1.
    pub weight: u32,
    /// Parts that it waits for, less what it took back after it was entitled to it.
    pub waiting: i64,
    /// Parts that it was entitled to up to `level`.
    pub entitled: u64,
    /// Up to where in the [`FluidKept::level`] it was served.
    pub level: u64,
    /// Whether it is left out of service.
    pub paused: bool,
}

/// All of a [`Fluid`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FluidKept<U> {
    /// Parts served for each weight.
    pub level: u64,
    /// Units not yet divided.
    pub due: u64,
    /// Parts that did not divide.
    pub spare: u64,
    /// In order of the Users.
    pub users: Vec<FluidUse<U>>,
}

/// What was kept is not what a [`Fluid`] keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an entitlement says that a User was served more than there was, or names it twice")]
pub struct InvalidFluid;

impl<U: Ord + Copy> Default for Fluid<U> {
    fn default() -> Self {
        Self {
            level: 0,
            weight: 0,
            due: 0,
            spare: 0,
            users: BTreeMap::new(),
            full_at: BTreeSet::new(),
        }
    }
}

impl<U: Ord + Copy> Fluid<U> {
    /// So many more units of a User's work are ready.
    pub fn arrive(&mut self, user: U, units: u32) {
        self.change(user, |flow| {
            flow.waiting = flow.waiting.saturating_add(parts(units));
        });
    }

    /// So many units of a User's work are ready no more, without having been served. What it was entitled to by then it keeps; it
    /// waits for so much less if they come back.
    pub fn leave(&mut self, user: U, units: u32) {
        self.change(user, |flow| {
            flow.waiting = flow.waiting.saturating_sub(parts(units));
        });
    }

    /// A User's weight from now on; 0 counts as 1.
    pub fn set_weight(&mut self, user: U, weight: u32) {
        self.change(user, |flow| flow.weight = u64::from(weight.max(1)));
    }

    /// Whether a User is left out of service from now on, though it waits.
    pub fn set_paused(&mut self, user: U, paused: bool) {
        self.change(user, |flow| flow.paused = paused);
    }

    /// One unit was served to somebody. Where nobody waits here, it is nobody's.
    pub const fn serve(&mut self) {
        self.due = self.due.saturating_add(1);
    }

    /// What each User is entitled to so far, in thousandths of a unit, to the nearest.
    pub fn entitled(&self) -> impl Iterator<Item = (U, u64)> {
        let mut settled = self.clone();
        settled.settle();
        let level = settled.level;
        settled.users.into_iter().map(move |(user, flow)| {
            let parts = flow.served_at(level).entitled;
            let milliunits =
                (u128::from(parts) * MILLIUNITS + u128::from(PARTS / 2)) / u128::from(PARTS);
            (user, u64::try_from(milliunits).unwrap_or(u64::MAX))
        })
    }

    /// All that it keeps.
    pub fn kept(&self) -> FluidKept<U> {
        let users = self.users.iter().map(|(user, flow)| FluidUse {
            user: *user,
            weight: u32::try_from(flow.weight).unwrap_or(u32::MAX),
            waiting: flow.waiting,
            entitled: flow.entitled,
            level: flow.level,
            paused: flow.paused,
        });
        FluidKept {
            level: self.level,
            due: self.due,
            spare: self.spare,
            users: users.collect(),
        }
    }

    /// The one that kept this.
    ///
    /// # Errors
    /// When it says what cannot have come about.
    pub fn resume(kept: FluidKept<U>) -> Result<Self, InvalidFluid> {
        let mut fluid = Self {
            level: kept.level,
            due: kept.due,
            spare: kept.spare,
            ..Self::default()
        };
        for it in kept.users {
            let flow = Flow {
                weight: u64::from(it.weight.max(1)),
                waiting: it.waiting,
                entitled: it.entitled,
                level: it.level,
                paused: it.paused,
            };
            if it.level > kept.level || fluid.users.insert(it.user, flow).is_some() {
                return Err(InvalidFluid);
            }
            fluid.take_in(it.user, flow);
        }
        Ok(fluid)
    }

    fn change(&mut self, user: U, change: impl FnOnce(&mut Flow)) {
        self.settle();
        let before = self.users.get(&user).copied();
        if let Some(flow) = before {
            self.take_out(user, flow);
        }
        let before = before.unwrap_or(Flow {
            weight: 1,
            waiting: 0,
            entitled: 0,
            level: self.level,
            paused: false,
        });
        let mut flow = before.served_at(self.level);
        change(&mut flow);
        self.users.insert(user, flow);
        self.take_in(user, flow);
    }

    /// Divides what is due. Those that have least to wait for by their weight are full first, and out of it from then on.
    fn settle(&mut self) {
        let due = std::mem::take(&mut self.due);
        let mut left = u128::from(due) * u128::from(PARTS) + u128::from(self.spare);
        self.spare = 0;
        while let Some((full_at, user)) = self.full_at.first().copied() {
            let weight = u128::from(self.weight);
            let step = u64::try_from(left / weight).unwrap_or(u64::MAX);
            let to_full = full_at.saturating_sub(self.level);
            if step < to_full {
                self.level += step;
                self.spare = u64::try_from(left % weight).unwrap_or(0);
                return;
            }
            left -= u128::from(to_full) * weight;
            self.level = self.level.max(full_at);
            left += self.fill(user);
        }
    }

    /// A User has all it waits for. Answers the parts by which the level went beyond that.
    fn fill(&mut self, user: U) -> u128 {
        let Some(flow) = self.users.get(&user).copied() else {
            return 0;
        };
        self.take_out(user, flow);
        let full = flow.served_at(self.level);
        self.users.insert(user, full);
        let taken = full.entitled - flow.entitled;
        let passed = u128::from(self.level - flow.level) * u128::from(flow.weight);
        passed.saturating_sub(u128::from(taken))
    }

    fn take_in(&mut self, user: U, flow: Flow) {
        if flow.is_served() {
            self.weight = self.weight.saturating_add(flow.weight);
            self.full_at.insert((flow.full_at(), user));
        }
    }

    fn take_out(&mut self, user: U, flow: Flow) {
        if flow.is_served() {
            self.weight = self.weight.saturating_sub(flow.weight);
            self.full_at.remove(&(flow.full_at(), user));
        }
    }
}

impl Flow {
    const fn is_served(&self) -> bool {
        self.waiting > 0 && !self.paused
    }

    /// The first level at which it has all it waits for.
    fn full_at(&self) -> u64 {
        let waiting = self.waiting.unsigned_abs();
        self.level.saturating_add(waiting.div_ceil(self.weight))
    }

    /// The same at a level that it was served up to.
    fn served_at(self, level: u64) -> Self {
        if !self.is_served() {
            return Self { level, ..self };
        }
        let gained = (level - self.level).saturating_mul(self.weight);
        let gained = gained.min(self.waiting.unsigned_abs());
        Self {
            level,
            waiting: self.waiting.saturating_sub_unsigned(gained),
            entitled: self.entitled.saturating_add(gained),
            ..self
        }
    }
}

fn parts(units: u32) -> i64 {
    i64::try_from(u64::from(units) * PARTS).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
