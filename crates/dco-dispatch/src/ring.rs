//! Deficit round robin: whose turn it is, and how many units a turn is worth.
//!
//! Each User has a turn; the lowest comes first. When its turn comes a User is granted its quantum,
//! `weight / price` units, where the price is the mean weight in the ring, rounded up; when no whole
//! unit of credit is left it goes to the back. So a round of `n` Users is worth at most `n` units,
//! equal weights take strict turns, a heavy User goes several units in a row and a light one only
//! every so many rounds. Whoever is held back leaves the ring but keeps turn and credit, so that
//! being held often costs nobody its share; whoever has no entries left loses its credit.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::turns::{InvalidTurns, Turn, UserTurn};

/// One unit of credit. 32 bits after the point keep light Users' parts of a unit.
const UNIT: u64 = 1 << 32;

/// No turn's number and no credit comes near it; both may still be added to.
const NUMBER_MAX: u64 = 1 << 62;

#[derive(Clone, Debug)]
pub(crate) struct Ring {
    shares: Vec<Share>,
    /// Turn and User, in order of turns. May name Users that take no part any more.
    row: VecDeque<(u64, u32)>,
    /// Those who came back to a turn that they had before, in order of turns.
    returned: BTreeSet<(u64, u32)>,
    next_turn: u64,
    members: u64,
    weight_sum: u64,
}

#[derive(Clone, Debug)]
struct Share {
    credit: u64,
    weight: u32,
    /// It takes part: it has entries and is not held back.
    is_in: bool,
    /// It has had its quantum for this turn. Only whoever came to the front has.
    is_granted: bool,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// No turn.
    None,
    /// This turn stands in the row.
    Row(u64),
    /// Held back; it keeps this turn.
    Away(u64),
    /// Its turn stands among the returned.
    Returned(u64),
}

impl Share {
    fn kept<U>(&self, name: U) -> UserTurn<U> {
        let Self {
            credit,
            weight,
            is_in: _,
            is_granted,
            place,
        } = *self;
        let turn = match place {
            Place::None => None,
            Place::Row(turn) => Some(Turn::InRow(turn)),
            Place::Returned(turn) => Some(Turn::Returned(turn)),
            Place::Away(_) => panic!("a turn is kept for somebody who is held back"),
        };
        UserTurn {
            name,
            weight,
            credit,
            is_granted,
            turn,
        }
    }

    fn resume<U>(kept: &UserTurn<U>, has_entries: bool) -> Result<Self, InvalidTurns> {
        let place = match kept.turn {
            None if has_entries => return Err(InvalidTurns("a User with entries has no turn")),
            Some(Turn::Returned(_)) if !has_entries => {
                return Err(InvalidTurns("a User without entries came back to its turn"));
            }
            None => Place::None,
            Some(Turn::InRow(turn)) => Place::Row(turn),
            Some(Turn::Returned(turn)) => Place::Returned(turn),
        };
        if kept.weight == 0 || kept.credit > NUMBER_MAX {
            return Err(InvalidTurns(
                "a User has no weight, or more credit than can be",
            ));
        }
        Ok(Self {
            credit: kept.credit,
            weight: kept.weight,
            is_in: has_entries,
            is_granted: kept.is_granted,
            place,
        })
    }
}

impl Ring {
    pub(crate) const fn new() -> Self {
        Self {
            shares: Vec::new(),
            row: VecDeque::new(),
            returned: BTreeSet::new(),
            next_turn: 0,
            members: 0,
            weight_sum: 0,
        }
    }

    /// Each User's part, in the order of their numbers, under these names.
    ///
    /// # Panics
    /// If a turn is kept for somebody who is held back.
    pub(crate) fn kept<U>(&self, names: impl Iterator<Item = U>) -> Vec<UserTurn<U>> {
        let Self {
            shares,
            row: _,
            returned: _,
            next_turn: _,
            members: _,
            weight_sum: _,
        } = self;
        names
            .zip(shares)
            .map(|(name, share)| share.kept(name))
            .collect()
    }

    /// The number of the next turn that is given.
    pub(crate) fn next_turn(&self) -> u64 {
        self.next_turn
    }

    /// The ring that kept these parts; who has entries takes part.
    pub(crate) fn resume<'a, U: 'a>(
        kept: impl Iterator<Item = (&'a UserTurn<U>, bool)>,
        next_turn: u64,
    ) -> Result<Self, InvalidTurns> {
        let mut ring = Self {
            next_turn,
            ..Self::new()
        };
        let mut row = BTreeMap::new();
        let mut turns = 0_usize;
        for ((user, has_entries), number) in kept.zip(0..) {
            ring.shares.push(Share::resume(user, has_entries)?);
            if has_entries {
                ring.members += 1;
                ring.weight_sum += u64::from(user.weight);
            }
            match user.turn {
                Some(Turn::InRow(turn)) => drop(row.insert(turn, number)),
                Some(Turn::Returned(turn)) => drop(ring.returned.insert((turn, number))),
                None => continue,
            }
            turns += 1;
        }
        let given = row.keys().chain(ring.returned.iter().map(|(turn, _)| turn));
        let given: BTreeSet<u64> = given.copied().collect();
        if given.len() != turns || given.last().is_some_and(|last| *last >= next_turn) {
            return Err(InvalidTurns("a turn is given twice, or was never given"));
        }
        if next_turn > NUMBER_MAX {
            return Err(InvalidTurns("more turns were given than can be"));
        }
        ring.row = row.into_iter().collect();
        Ok(ring)
    }

    /// Adds a User with weight 1, outside the ring. Users are numbered from 0 in order of adding.
    pub(crate) fn add_user(&mut self) {
        let place = Place::None;
        self.shares.push(Share {
            credit: 0,
            weight: 1,
            is_in: false,
            is_granted: false,
            place,
        });
    }

    pub(crate) fn set_weight(&mut self, user: u32, weight: u32) {
        let share = &mut self.shares[user as usize];
        let before = std::mem::replace(&mut share.weight, weight.max(1));
        if share.is_in {
            self.weight_sum = self.weight_sum - u64::from(before) + u64::from(share.weight);
        }
    }

    /// The User whose turn it is.
    pub(crate) fn front(&mut self) -> Option<u32> {
        while let Some(&(turn, user)) = self.row.front() {
            if let Some(&(_, returned)) = self.returned.first().filter(|first| first.0 < turn) {
                return Some(returned);
            }
            if self.shares[user as usize].is_in {
                return Some(user);
            }
            self.row.pop_front();
            self.shares[user as usize].place = Place::None;
        }
        self.returned.first().map(|&(_, user)| user)
    }

    /// Lets `user` take part: at the turn it had, or at the back.
    pub(crate) fn join(&mut self, user: u32) {
        let share = &mut self.shares[user as usize];
        if std::mem::replace(&mut share.is_in, true) {
            return;
        }
        self.members += 1;
        self.weight_sum += u64::from(share.weight);
        match share.place {
            Place::Away(turn) => {
                share.place = Place::Returned(turn);
                self.returned.insert((turn, user));
            }
            Place::None => self.go_to_the_back(user),
            Place::Row(_) | Place::Returned(_) => {}
        }
    }

    /// Takes out `user`, whose turn it is, for as long as it is held back.
    pub(crate) fn leave(&mut self, user: u32) {
        self.take_no_part(user);
        if let Some(turn) = self.give_up_turn(user) {
            self.shares[user as usize].place = Place::Away(turn);
        }
    }

    /// Takes `user` out because it has nothing queued any more. In the middle of the row its place
    /// stays, without credit, should it come back before that turn.
    pub(crate) fn forget(&mut self, user: u32) {
        self.take_no_part(user);
        self.give_up_turn(user);
        let share = &mut self.shares[user as usize];
        share.credit = 0;
        share.is_granted = false;
    }

    /// Whether `user`, whose turn it is, has a unit to spend. If not, its turn is over.
    pub(crate) fn turn_goes_on(&mut self, user: u32) -> bool {
        let share = &mut self.shares[user as usize];
        if !std::mem::replace(&mut share.is_granted, true) {
            let price = self.weight_sum.div_ceil(self.members);
            // Rounded up, so that `price / weight` grants always make a whole unit.
            share.credit += (u64::from(share.weight) << 32).div_ceil(price);
        }
        let goes_on = share.credit >= UNIT;
        if !goes_on {
            self.give_up_turn(user);
            self.go_to_the_back(user);
        }
        goes_on
    }

    pub(crate) fn spend_unit(&mut self, user: u32) {
        self.shares[user as usize].credit -= UNIT;
    }

    /// Spends a unit of `user` whoever's turn it is. Those before it that had one to spend must have been held back,
    /// so they keep their turns; the turns of the others are over.
    pub(crate) fn spend_out_of_turn(&mut self, user: u32) {
        let mut held_back = Vec::new();
        while self.shares[user as usize].is_in {
            let Some(front) = self.front() else { break };
            if !self.turn_goes_on(front) {
                continue;
            }
            if front == user {
                break;
            }
            self.leave(front);
            held_back.push(front);
        }
        for other in held_back {
            self.join(other);
        }
        let share = &mut self.shares[user as usize];
        // One that is held back now may have none: it was free when it was picked.
        share.credit = share.credit.saturating_sub(UNIT);
    }

    fn take_no_part(&mut self, user: u32) {
        let share = &mut self.shares[user as usize];
        if std::mem::replace(&mut share.is_in, false) {
            self.members -= 1;
            self.weight_sum -= u64::from(share.weight);
        }
    }

    /// Takes the turn of `user` away and says which it was, unless it stands in the middle of the
    /// row.
    fn give_up_turn(&mut self, user: u32) -> Option<u64> {
        let place = &mut self.shares[user as usize].place;
        let turn = match *place {
            Place::Row(_) => {
                let (turn, _) = self.row.pop_front_if(|&mut (_, front)| front == user)?;
                turn
            }
            Place::Returned(turn) => {
                self.returned.remove(&(turn, user));
                turn
            }
            Place::Away(turn) => turn,
            Place::None => return None,
        };
        *place = Place::None;
        Some(turn)
    }

    fn go_to_the_back(&mut self, user: u32) {
        let turn = self.next_turn;
        self.row.push_back((turn, user));
        self.next_turn += 1;
        let share = &mut self.shares[user as usize];
        share.place = Place::Row(turn);
        share.is_granted = false;
    }
}
