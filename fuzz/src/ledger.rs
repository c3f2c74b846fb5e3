//! The ledger against a list of every unit that was charged and every one that was sent.
//!
//! Each four octets are one step: what, which day, which User, how much.

use dco_schedule::{Ledger, LedgerTerms, ServiceDate, Source};

const ALLOWANCE: u32 = 500;
const DAYS: i32 = 5;
const USERS: u8 = 3;

/// One input.
pub fn run(bytes: &[u8]) {
    let mut ledger = Ledger::new(LedgerTerms {
        allowance_per_day: ALLOWANCE,
    });
    let mut model = Model::default();
    for step in bytes.chunks_exact(4) {
        let day = i32::from(step[1]) % DAYS;
        let one = One {
            day,
            user: step[2] % USERS,
        };
        model.step(&mut ledger, step[0], one, u32::from(step[3]));
        model.agrees_with(&ledger);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct One {
    day: i32,
    user: u8,
}

#[derive(Debug, Default)]
struct Model {
    /// The open day and its capacity.
    open: Option<(i32, u32)>,
    charged: Vec<One>,
    lent: Vec<One>,
    security: Vec<One>,
    sent: Vec<One>,
}

impl Model {
    fn step(&mut self, ledger: &mut Ledger<u8>, what: u8, one: One, many: u32) {
        let date = ServiceDate::from_days(one.day);
        match what % 9 {
            0 => self.open_day(ledger, one.day, many),
            1 => {
                let is_open = self.is_open(one.day);
                if is_open {
                    self.open = Some((one.day, many));
                }
                assert_eq!(ledger.set_capacity(date, many), is_open);
            }
            2 | 3 => self.charge(ledger, one),
            4 => self.charge_lent(ledger, one),
            8 => self.charge_security(ledger, one, many),
            5 => self.give_back(ledger, one),
            6 => {
                let fits = count(&self.sent, one) + many <= ALLOWANCE;
                assert_eq!(ledger.admit(one.user, date, many).is_ok(), fits);
                if fits {
                    self.sent.extend((0..many).map(|_| one));
                    ledger.add_sent(one.user, date, Source::Allowance, many);
                }
            }
            _ => {
                let many = many.min(count(&self.sent, one));
                (0..many).for_each(|_| assert!(take(&mut self.sent, one)));
                ledger.take_back_sent(one.user, date, Source::Allowance, many);
            }
        }
    }

    fn open_day(&mut self, ledger: &mut Ledger<u8>, day: i32, capacity: u32) {
        let is_later = self.open.is_none_or(|(open, _)| open < day);
        if is_later {
            self.open = Some((day, capacity));
        }
        assert_eq!(
            ledger.open_day(ServiceDate::from_days(day), capacity),
            is_later
        );
    }

    fn charge(&mut self, ledger: &mut Ledger<u8>, one: One) {
        let may = self.remaining(one.day) > 0;
        let charged = ledger.charge(ServiceDate::from_days(one.day), one.user);
        assert_eq!(charged.is_ok(), may);
        if may {
            self.charged.push(one);
        }
    }

    fn charge_lent(&mut self, ledger: &mut Ledger<u8>, one: One) {
        let may = self.remaining(one.day) > 0;
        let charged = ledger.charge_lent(ServiceDate::from_days(one.day), one.user);
        assert_eq!(charged.is_ok(), may);
        if may {
            self.lent.push(one);
        }
    }

    fn charge_security(&mut self, ledger: &mut Ledger<u8>, one: One, limit: u32) {
        let may = self.security_remaining(one.day, limit) > 0;
        let date = ServiceDate::from_days(one.day);
        assert_eq!(ledger.security_remaining(date, limit) > 0, may);
        let charged = ledger.charge_security(date, one.user, limit);
        assert_eq!(charged.is_ok(), may);
        if may {
            self.security.push(one);
        }
    }

    fn security_remaining(&self, day: i32, limit: u32) -> u32 {
        let of_users = (0..USERS).map(|user| count(&self.security, One { day, user }));
        let of_lane = limit.saturating_sub(of_users.sum());
        of_lane.min(self.remaining(day))
    }

    fn give_back(&mut self, ledger: &mut Ledger<u8>, one: One) {
        let date = ServiceDate::from_days(one.day);
        if take(&mut self.charged, one) {
            ledger.refund(date, one.user);
        } else if take(&mut self.lent, one) {
            ledger.refund_lent(date, one.user);
        } else if take(&mut self.security, one) {
            ledger.refund_security(date, one.user);
        }
    }

    fn is_open(&self, day: i32) -> bool {
        self.open.is_some_and(|(open, _)| open == day)
    }

    fn released(&self, day: i32) -> u32 {
        (0..USERS)
            .map(|user| self.released_by(One { day, user }))
            .sum()
    }

    fn released_by(&self, one: One) -> u32 {
        let lines = [&self.charged, &self.lent, &self.security];
        lines.into_iter().map(|list| count(list, one)).sum()
    }

    fn remaining(&self, day: i32) -> u32 {
        let capacity = self.open.filter(|(open, _)| *open == day);
        let capacity = capacity.map_or(0, |(_, capacity)| capacity);
        capacity.saturating_sub(self.released(day))
    }

    fn agrees_with(&self, ledger: &Ledger<u8>) {
        for day in 0..DAYS {
            let date = ServiceDate::from_days(day);
            assert_eq!(ledger.released(date), self.released(day));
            assert_eq!(ledger.remaining(date), self.remaining(day));
            assert_eq!(ledger.is_open(date), self.is_open(day));
            for user in 0..USERS {
                let one = One { day, user };
                assert_eq!(ledger.released_by(user, date), self.released_by(one));
                let sent = ledger.sent(user, date, Source::Allowance);
                assert_eq!(sent, count(&self.sent, one));
            }
        }
        let again = Ledger::resume(ledger.terms(), ledger.kept()).expect("it kept them itself");
        assert_eq!(format!("{again:?}"), format!("{ledger:?}"));
    }
}

fn count(list: &[One], one: One) -> u32 {
    let same = list.iter().filter(|it| **it == one).count();
    u32::try_from(same).expect("inputs are small")
}

fn take(list: &mut Vec<One>, one: One) -> bool {
    let at = list.iter().position(|it| *it == one);
    at.map(|at| list.swap_remove(at)).is_some()
}
