//! Deficit round robin: whose turn it is, and how many units a turn is worth.
//!
//! Each User has a turn; the lowest comes first. When its turn comes a User is granted its quantum,
//! `weight / price` units, where the price is the mean weight in the ring, rounded up; when no whole
//! unit of credit is left it goes to the back. So a round of `n` Users is worth at most `n` units,
//! equal weights take strict turns, a heavy User goes several units in a row and a light one only
//! every so many rounds. Whoever is held back leaves the ring but keeps turn and credit; whoever has
//! no entries left loses both.

use std::collections::BTreeSet;

/// One unit of credit. 32 bits after the point keep light Users' parts of a unit.
const UNIT: u64 = 1 << 32;

#[derive(Clone, Debug)]
pub(crate) struct Ring {
    shares: Vec<Share>,
    turns: BTreeSet<(u64, u32)>,
    next_turn: u64,
    weight_sum: u64,
}

#[derive(Clone, Debug)]
struct Share {
    weight: u32,
    credit: u64,
    /// The lower, the earlier; `None` while nothing is queued.
    turn: Option<u64>,
    /// It has had its quantum for this turn.
    is_granted: bool,
    is_in: bool,
}

impl Ring {
    pub(crate) const fn new() -> Self {
        Self {
            shares: Vec::new(),
            turns: BTreeSet::new(),
            next_turn: 0,
            weight_sum: 0,
        }
    }

    /// Adds a User with weight 1, outside the ring. Users are numbered from 0 in order of adding.
    pub(crate) fn add_user(&mut self) {
        self.shares.push(Share {
            weight: 1,
            credit: 0,
            turn: None,
            is_granted: false,
            is_in: false,
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
    pub(crate) fn front(&self) -> Option<u32> {
        self.turns.first().map(|&(_, user)| user)
    }

    /// Lets `user` take part: at the turn it had, or at the back.
    pub(crate) fn join(&mut self, user: u32) {
        let share = &mut self.shares[user as usize];
        if std::mem::replace(&mut share.is_in, true) {
            return;
        }
        self.weight_sum += u64::from(share.weight);
        match share.turn {
            Some(turn) => {
                self.turns.insert((turn, user));
            }
            None => self.go_to_the_back(user),
        }
    }

    /// Takes `user` out for as long as it is held back.
    pub(crate) fn leave(&mut self, user: u32) {
        let share = &mut self.shares[user as usize];
        if std::mem::replace(&mut share.is_in, false) {
            self.weight_sum -= u64::from(share.weight);
            if let Some(turn) = share.turn {
                self.turns.remove(&(turn, user));
            }
        }
    }

    /// Takes `user` out because it has nothing queued any more.
    pub(crate) fn forget(&mut self, user: u32) {
        self.leave(user);
        let share = &mut self.shares[user as usize];
        share.turn = None;
        share.credit = 0;
    }

    /// Whether `user`, whose turn it is, has a unit to spend. If not, its turn is over.
    pub(crate) fn turn_goes_on(&mut self, user: u32) -> bool {
        let price = self.price();
        let share = &mut self.shares[user as usize];
        if !std::mem::replace(&mut share.is_granted, true) {
            // Rounded up, so that `price / weight` grants always make a whole unit.
            share.credit += (u64::from(share.weight) << 32).div_ceil(price);
        }
        let goes_on = share.credit >= UNIT;
        if !goes_on {
            self.end_turn(user);
        }
        goes_on
    }

    pub(crate) fn spend_unit(&mut self, user: u32) {
        self.shares[user as usize].credit -= UNIT;
    }

    fn price(&self) -> u64 {
        self.weight_sum.div_ceil(self.turns.len() as u64)
    }

    fn end_turn(&mut self, user: u32) {
        if let Some(turn) = self.shares[user as usize].turn {
            self.turns.remove(&(turn, user));
        }
        self.go_to_the_back(user);
    }

    fn go_to_the_back(&mut self, user: u32) {
        let turn = self.next_turn;
        self.next_turn += 1;
        self.turns.insert((turn, user));
        let share = &mut self.shares[user as usize];
        share.turn = Some(turn);
        share.is_granted = false;
    }
}
