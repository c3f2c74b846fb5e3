//! Holding back: Users and lanes set aside with their time, and freed again.
//!
//! A time is noted only while entries wait for it, so that nobody is woken for nothing.

use std::fmt::Debug;

use super::{FairQueue, Held};
use crate::{Micros, UNTIL_TOLD};

impl<U: Ord + Copy + Debug, L: Ord + Copy + Debug, K: Copy + Debug> FairQueue<U, L, K> {
    pub(super) fn join_unless_held(&mut self, user: u32) {
        if self.users[user as usize].held_until_us.is_none() {
            self.ring.join(user);
        }
    }

    pub(super) fn set_aside(&mut self, line: u32, lane: u32) {
        self.lines.line_mut(line).is_aside = true;
        let state = &mut self.lanes[lane as usize];
        state.aside.insert(line);
        if let Some(until_us) = state.held_until_us {
            self.wait_until(until_us, Held::Lane(lane));
        }
    }

    /// A line set aside has lost its last entry: nothing of it waits for the lane any more.
    pub(super) fn unset_aside(&mut self, line: u32, lane: u32) {
        self.lines.line_mut(line).is_aside = false;
        let state = &mut self.lanes[lane as usize];
        state.aside.remove(&line);
        if let (true, Some(until_us)) = (state.aside.is_empty(), state.held_until_us) {
            self.waits.remove(&(until_us, Held::Lane(lane)));
        }
    }

    pub(super) fn hold_lane(&mut self, lane: u32, until_us: Micros) {
        self.lanes[lane as usize].held_until_us = Some(until_us);
    }

    pub(super) fn hold_user(&mut self, user: u32, until_us: Micros) {
        self.users[user as usize].held_until_us = Some(until_us);
        self.ring.leave(user);
        self.wait_for_user(user);
    }

    pub(super) fn free_what_is_due(&mut self, now_us: Micros) {
        while let Some(&(at_us, held)) = self.waits.first().filter(|(at_us, _)| *at_us <= now_us) {
            self.waits.remove(&(at_us, held));
            match held {
                Held::User(user) => self.free_user(user),
                Held::Lane(lane) => self.free_lane(lane),
            }
        }
    }

    pub(super) fn free_user(&mut self, user: u32) {
        self.wait_no_more_for_user(user);
        let state = &mut self.users[user as usize];
        state.held_until_us = None;
        if !state.ready.is_empty() {
            self.ring.join(user);
        }
    }

    pub(super) fn free_lane(&mut self, lane: u32) {
        let state = &mut self.lanes[lane as usize];
        if let Some(until_us) = state.held_until_us.take() {
            self.waits.remove(&(until_us, Held::Lane(lane)));
        }
        for line in std::mem::take(&mut state.aside) {
            self.lines.line_mut(line).is_aside = false;
            self.renew_head(line, None);
        }
    }

    pub(super) fn wait_for_user(&mut self, user: u32) {
        if let Some(until_us) = self.users[user as usize].held_until_us {
            self.wait_until(until_us, Held::User(user));
        }
    }

    pub(super) fn wait_no_more_for_user(&mut self, user: u32) {
        if let Some(until_us) = self.users[user as usize].held_until_us {
            self.waits.remove(&(until_us, Held::User(user)));
        }
    }

    pub(super) fn wait_until(&mut self, until_us: Micros, held: Held) {
        if until_us != UNTIL_TOLD {
            self.waits.insert((until_us, held));
        }
    }
}
