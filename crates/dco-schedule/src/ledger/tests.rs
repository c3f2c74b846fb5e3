use super::*;
use proptest::prelude::*;

const ALLOWANCE: u32 = 5;

fn date(days: i32) -> ServiceDate {
    ServiceDate::from_days(days)
}

fn ledger() -> Ledger<u8> {
    Ledger::new(LedgerTerms {
        allowance_per_day: ALLOWANCE,
    })
}

/// A ledger with day 1 open at `capacity` and `released` units charged to User 0.
fn opened(capacity: u32, released: u32) -> Ledger<u8> {
    let mut ledger = ledger();
    assert!(ledger.open_day(date(1), capacity));
    for _ in 0..released {
        ledger.charge(date(1), 0).unwrap();
    }
    ledger
}

#[test]
fn the_unit_after_the_last_is_refused() {
    let mut ledger = opened(12_000, 12_000);
    let refused = OverCapacity {
        date: date(1),
        capacity: 12_000,
        released: 12_000,
    };
    assert_eq!(ledger.charge(date(1), 1), Err(refused));
    assert_eq!(
        (ledger.released(date(1)), ledger.released_by(1, date(1))),
        (12_000, 0)
    );
}

#[test]
fn only_the_day_opened_last_can_be_charged() {
    let mut ledger = opened(3, 1);
    let refused = OverCapacity {
        date: date(2),
        capacity: 0,
        released: 0,
    };
    assert_eq!(ledger.charge(date(2), 0), Err(refused));
    assert!(ledger.open_day(date(2), 3));
    assert_eq!(
        (ledger.is_open(date(1)), ledger.is_open(date(2))),
        (false, true)
    );
    assert_eq!(
        (ledger.remaining(date(1)), ledger.remaining(date(2))),
        (0, 3)
    );
    let refused = OverCapacity {
        date: date(1),
        capacity: 0,
        released: 1,
    };
    assert_eq!(ledger.charge(date(1), 0), Err(refused));
    assert_eq!(ledger.capacity(date(1)), Some(3));
}

#[test]
fn a_closed_day_never_reopens() {
    let mut ledger = opened(3, 1);
    assert!(!ledger.open_day(date(1), 9), "open already");
    assert!(ledger.open_day(date(5), 3));
    assert!(!ledger.open_day(date(1), 9), "closed");
    assert!(!ledger.open_day(date(4), 9), "before the open day");
    assert!(!ledger.set_capacity(date(1), 9));
    assert_eq!(
        (ledger.capacity(date(1)), ledger.capacity(date(4))),
        (Some(3), None)
    );
}

#[test]
fn capacity_dropped_below_what_is_released_leaves_nothing() {
    let mut ledger = opened(10, 6);
    assert!(ledger.set_capacity(date(1), 4));
    assert_eq!(
        (ledger.remaining(date(1)), ledger.released(date(1))),
        (0, 6)
    );
    ledger.refund(date(1), 0);
    assert_eq!(ledger.remaining(date(1)), 0, "5 released are still over 4");
    assert!(ledger.charge(date(1), 0).is_err());
    assert!(ledger.set_capacity(date(1), 7));
    assert_eq!(ledger.remaining(date(1)), 2);
}

#[test]
fn the_allowance_counts_what_is_sent_for_each_day() {
    let mut ledger = ledger();
    assert_eq!(ledger.admit(0, date(7), ALLOWANCE), Ok(()));
    ledger.add_sent(0, date(7), Source::Allowance, 3);
    assert_eq!(ledger.admit(0, date(7), 2), Ok(()));
    let refused = OverAllowance {
        limit: ALLOWANCE,
        used: 3,
        requested: 3,
    };
    assert_eq!(ledger.admit(0, date(7), 3), Err(refused));
    let refused = OverAllowance {
        limit: ALLOWANCE,
        used: 3,
        requested: u32::MAX,
    };
    assert_eq!(ledger.admit(0, date(7), u32::MAX), Err(refused));
    assert_eq!(ledger.admit(0, date(8), ALLOWANCE), Ok(()), "another day");
    assert_eq!(ledger.admit(1, date(7), ALLOWANCE), Ok(()), "another User");
    ledger.take_back_sent(0, date(7), Source::Allowance, 1);
    assert_eq!(ledger.admit(0, date(7), 3), Ok(()));
    assert_eq!(ledger.capacity(date(7)), None, "sending opens no day");
}

#[test]
fn a_source_names_its_schedule() {
    let schedules = [Source::Allowance, Source::Schedule(7)].map(Source::schedule);
    assert_eq!(schedules, [None, Some(7)]);
}

#[test]
fn each_source_counts_for_itself() {
    let mut ledger = ledger();
    ledger.add_sent(0, date(7), Source::Schedule(1), 900);
    ledger.add_sent(0, date(7), Source::Schedule(2), 30);
    ledger.take_back_sent(0, date(7), Source::Schedule(1), 100);
    let sent = [Source::Allowance, Source::Schedule(1), Source::Schedule(2)]
        .map(|source| ledger.sent(0, date(7), source));
    assert_eq!(sent, [0, 800, 30]);
    assert_eq!(ledger.admit(0, date(7), ALLOWANCE), Ok(()), "untouched");
    assert_eq!(ledger.days().map(|day| day.sent).sum::<u32>(), 0);
}

#[test]
fn what_is_lent_is_released_too() {
    let mut ledger = opened(3, 1);
    ledger.charge_lent(date(1), 2).unwrap();
    ledger.charge_lent(date(1), 2).unwrap();
    assert!(ledger.charge_lent(date(1), 2).is_err(), "full");
    assert_eq!((ledger.released(date(1)), ledger.lent(date(1))), (3, 2));
    ledger.refund_lent(date(1), 2);
    assert_eq!((ledger.released(date(1)), ledger.lent(date(1))), (2, 1));
    assert_eq!(
        (ledger.released_by(2, date(1)), ledger.lent_to(2, date(1))),
        (1, 1)
    );
    assert_eq!(ledger.lent(date(2)), 0);
    assert_eq!(ledger.days().next().unwrap().lent, 1);
}

#[test]
#[should_panic(expected = "refund of a unit never lent")]
fn a_refund_of_what_was_not_lent_is_a_fault() {
    opened(3, 1).refund_lent(date(1), 0);
}

#[test]
fn the_security_lane_has_a_bound_of_its_own_under_the_day_s() {
    let mut ledger = opened(4, 1);
    let closed = ledger.charge_security(date(1), 2, 0);
    let closed = closed.expect_err("it may release none").to_string();
    assert!(closed.contains("may release 0"), "{closed}");
    assert_eq!(ledger.security_remaining(date(1), 2), 2);
    ledger.charge_security(date(1), 2, 2).unwrap();
    ledger.charge_security(date(1), 3, 2).unwrap();
    let full = OverSecurity::Bound {
        date: date(1),
        limit: 2,
        released: 2,
    };
    assert_eq!(ledger.charge_security(date(1), 2, 2), Err(full));
    assert_eq!(ledger.security_remaining(date(1), 1), 0, "lowered");
    assert_eq!((ledger.released(date(1)), ledger.security(date(1))), (3, 2));
    ledger.charge(date(1), 2).unwrap();
    let both = ledger.charge_security(date(1), 2, 2);
    assert!(
        matches!(both, Err(OverSecurity::Capacity(_))),
        "on a full day the lane's bound is not what keeps it: {both:?}"
    );
}

#[test]
fn a_unit_of_the_security_lane_given_back_is_the_lane_s_again_until_the_day_is_full_or_over() {
    let mut ledger = opened(4, 1);
    ledger.charge_security(date(1), 2, 2).unwrap();
    ledger.charge_security(date(1), 3, 2).unwrap();
    ledger
        .charge(date(1), 2)
        .expect("the ordinary line has one");
    ledger.refund_security(date(1), 2);
    assert_eq!(ledger.security_remaining(date(1), 2), 1);
    assert_eq!(
        (
            ledger.released_by(2, date(1)),
            ledger.security_of(2, date(1))
        ),
        (1, 0)
    );
    ledger.charge(date(1), 0).unwrap();
    let full = ledger.charge_security(date(1), 2, 2);
    let full = full.expect_err("the day is full");
    assert!(matches!(full, OverSecurity::Capacity(_)), "{full}");
    assert_eq!(ledger.security_remaining(date(1), 2), 0);
    assert!(ledger.open_day(date(2), 9));
    assert_eq!(ledger.security_remaining(date(1), 9), 0, "it is closed");
    assert_eq!(ledger.security_remaining(date(2), 2), 2, "each day anew");
    assert_eq!(ledger.days().next().unwrap().security, 1);
    let again = Ledger::resume(ledger.terms(), ledger.kept()).expect("its own");
    assert_eq!(format!("{again:?}"), format!("{ledger:?}"));
}

#[test]
#[should_panic(expected = "the security lane never released")]
fn a_refund_of_what_the_security_lane_did_not_release_is_a_fault() {
    opened(3, 1).refund_security(date(1), 0);
}

#[test]
fn messages_say_what_to_do() {
    let over = opened(1, 1).charge(date(1), 0).expect_err("full");
    assert_eq!(
        over.to_string(),
        "service day 1970-01-02 has 1 units released of a capacity of 1; expected at least one \
         left; wait for the next service day or raise the capacity"
    );
    let over = ledger().admit(0, date(1), 6).expect_err("over");
    assert!(
        over.to_string()
            .ends_with("agree a delivery schedule with the Service Desk")
    );
}

#[test]
#[should_panic(expected = "refund of a unit never charged")]
fn a_refund_without_a_charge_is_a_fault() {
    opened(3, 1).refund(date(1), 1);
}

#[test]
#[should_panic(expected = "2 taken back of 1 sent: 0, 1970-01-02, Schedule(3)")]
fn more_taken_back_than_sent_is_a_fault() {
    let mut ledger = ledger();
    ledger.add_sent(0, date(1), Source::Schedule(3), 1);
    ledger.take_back_sent(0, date(1), Source::Schedule(3), 2);
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Open(u32),
    Capacity(i32, u32),
    Charge(i32, u8),
    Refund(i32, u8),
    Send(i32, u8, u32),
    TakeBack(i32, u8, u32),
}

fn op() -> impl Strategy<Value = Op> {
    let days = 0..4_i32;
    let users = 0..3_u8;
    prop_oneof![
        1 => (0..12_u32).prop_map(Op::Open),
        2 => (days.clone(), 0..12_u32).prop_map(|(day, capacity)| Op::Capacity(day, capacity)),
        12 => (days.clone(), users.clone()).prop_map(|(day, user)| Op::Charge(day, user)),
        4 => (days.clone(), users.clone()).prop_map(|(day, user)| Op::Refund(day, user)),
        4 => (days.clone(), users.clone(), 0..7_u32).prop_map(|(d, u, n)| Op::Send(d, u, n)),
        2 => (days, users, 0..7_u32).prop_map(|(d, u, n)| Op::TakeBack(d, u, n)),
    ]
}

/// Keeps every charge and every send as one entry of a list, and counts by looking.
#[derive(Default)]
struct Model {
    opened: Vec<u32>,
    charges: Vec<(i32, u8)>,
    sent: Vec<(i32, u8)>,
}

impl Model {
    fn released(&self, day: i32) -> u32 {
        count(self.charges.iter().filter(|charge| charge.0 == day))
    }

    fn count_of(list: &[(i32, u8)], one: (i32, u8)) -> u32 {
        count(list.iter().filter(|&&entry| entry == one))
    }

    fn open(&self) -> Option<i32> {
        i32::try_from(self.opened.len()).unwrap().checked_sub(1)
    }

    fn remaining(&self, day: i32) -> u32 {
        let open = self.open() == Some(day);
        let capacity = if open {
            *self.opened.last().unwrap()
        } else {
            0
        };
        capacity.saturating_sub(self.released(day))
    }

    fn run(&mut self, op: Op, ledger: &mut Ledger<u8>) {
        match op {
            Op::Open(capacity) => {
                self.opened.push(capacity);
                assert!(ledger.open_day(date(self.open().unwrap()), capacity));
            }
            Op::Capacity(day, capacity) => {
                let is_open = self.open() == Some(day);
                if is_open {
                    *self.opened.last_mut().unwrap() = capacity;
                }
                assert_eq!(ledger.set_capacity(date(day), capacity), is_open);
            }
            Op::Charge(day, user) => {
                let may = self.remaining(day) > 0;
                if may {
                    self.charges.push((day, user));
                }
                assert_eq!(ledger.charge(date(day), user).is_ok(), may);
            }
            Op::Refund(day, user) => self.refund(day, user, ledger),
            Op::Send(day, user, n) => self.send(day, user, n, ledger),
            Op::TakeBack(day, user, n) => self.take_back(day, user, n, ledger),
        }
    }

    fn refund(&mut self, day: i32, user: u8, ledger: &mut Ledger<u8>) {
        if let Some(at) = self
            .charges
            .iter()
            .position(|&charge| charge == (day, user))
        {
            self.charges.remove(at);
            ledger.refund(date(day), user);
        }
    }

    fn send(&mut self, day: i32, user: u8, n: u32, ledger: &mut Ledger<u8>) {
        let fits = Self::count_of(&self.sent, (day, user)) + n <= ALLOWANCE;
        assert_eq!(ledger.admit(user, date(day), n).is_ok(), fits);
        if fits {
            self.sent.extend((0..n).map(|_| (day, user)));
            ledger.add_sent(user, date(day), Source::Allowance, n);
        }
    }

    fn take_back(&mut self, day: i32, user: u8, n: u32, ledger: &mut Ledger<u8>) {
        if Self::count_of(&self.sent, (day, user)) >= n {
            for _ in 0..n {
                let at = self
                    .sent
                    .iter()
                    .position(|&entry| entry == (day, user))
                    .unwrap();
                self.sent.remove(at);
            }
            ledger.take_back_sent(user, date(day), Source::Allowance, n);
        }
    }

    fn agrees_with(&self, ledger: &Ledger<u8>) {
        for day in 0..4 {
            assert_eq!(ledger.released(date(day)), self.released(day));
            assert_eq!(ledger.remaining(date(day)), self.remaining(day));
            for user in 0..3 {
                let one = (day, user);
                assert_eq!(
                    ledger.released_by(user, date(day)),
                    Self::count_of(&self.charges, one)
                );
                assert_eq!(
                    ledger.sent(user, date(day), Source::Allowance),
                    Self::count_of(&self.sent, one)
                );
            }
        }
        for day in ledger.days() {
            assert_eq!(day.released, self.released(day.date.days()));
            let sent = self.sent.iter().filter(|entry| entry.0 == day.date.days());
            assert_eq!(day.sent, count(sent));
        }
        let again = Ledger::resume(ledger.terms(), ledger.kept()).unwrap();
        assert_eq!(format!("{again:?}"), format!("{ledger:?}"));
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> u32 {
    u32::try_from(items.count()).unwrap()
}

fn refused(days: Vec<LedgerDay<u8>>) -> &'static str {
    Ledger::resume(ledger().terms(), days).unwrap_err().why
}

#[test]
fn what_no_ledger_keeps_is_not_taken_up() {
    let one = LedgerUse {
        user: 1,
        released: 1,
        lent: 0,
        security: 0,
        sent: BTreeMap::from([(Source::Schedule(1), 1)]),
    };
    let day = LedgerDay {
        date: date(3),
        capacity: Some(9),
        users: vec![one.clone()],
    };
    assert!(refused(vec![day.clone(), day.clone()]).contains("not after"));
    let with = |users: Vec<LedgerUse<u8>>| {
        refused(vec![LedgerDay {
            users,
            ..day.clone()
        }])
    };
    assert!(with(vec![one.clone(), one.clone()]).contains("not in order"));
    let next = LedgerUse {
        user: 2,
        ..one.clone()
    };
    let released = u32::MAX;
    assert!(
        with(vec![
            one.clone(),
            LedgerUse {
                released,
                ..next.clone()
            }
        ])
        .contains("released on it")
    );
    let sent = BTreeMap::from([(Source::Allowance, u32::MAX)]);
    assert!(with(vec![one.clone(), LedgerUse { sent, ..next }]).contains("sent for it"));
    let lent = LedgerUse {
        lent: 2,
        ..one.clone()
    };
    assert!(with(vec![lent]).contains("lent"));
    let (lent, security) = (1, 1);
    let both = LedgerUse {
        lent,
        security,
        ..one
    };
    assert!(with(vec![both]).contains("security lane"));
    let capacity = None;
    assert!(refused(vec![LedgerDay { capacity, ..day }]).contains("before it was opened"));
}

proptest! {
    #[test]
    fn the_ledger_counts_as_lists_do(ops in proptest::collection::vec(op(), 0..120)) {
        let mut ledger = ledger();
        let mut model = Model::default();
        for op in ops {
            model.run(op, &mut ledger);
            model.agrees_with(&ledger);
        }
    }

    #[test]
    fn never_over_the_highest_capacity_in_force(
        capacities in proptest::collection::vec(0..50_u32, 1..6),
        charges in 0..100_u32,
    ) {
        let mut ledger = opened(0, 0);
        for &capacity in &capacities {
            ledger.set_capacity(date(1), capacity);
            for _ in 0..charges {
                let before = ledger.released(date(1));
                let charged = ledger.charge(date(1), 0).is_ok();
                prop_assert_eq!(charged, before < capacity);
            }
        }
        prop_assert!(ledger.released(date(1)) <= *capacities.iter().max().unwrap());
    }
}
