//! Whatever is asked in whatever order: the promises of the book hold after each step.

use proptest::prelude::*;

use super::*;
use crate::{HourWindow, Side};

#[derive(Clone, Debug)]
enum Op {
    Request {
        user: u8,
        devices: u32,
    },
    Act {
        which: usize,
        asker: u8,
        act: Act<u8>,
        stale: bool,
    },
    /// Units are taken of what is agreed, and the terms stay.
    Take {
        which: usize,
        days: i32,
        units: u32,
        cause: Cause<u8>,
        imposed: bool,
    },
    Approve {
        which: usize,
        officer: u8,
    },
    Decline {
        which: usize,
    },
    Capacity {
        days: i32,
        on: bool,
        capacity: u32,
    },
    Clear {
        days: i32,
    },
    Send {
        which: usize,
        days: i32,
        count: u32,
    },
    Pass {
        us: Micros,
        days: i32,
    },
}

fn days() -> impl Strategy<Value = Quota> {
    let day = (11..18_i32, 0..50_u32).prop_map(|(days, units)| (date(days), units));
    proptest::collection::vec(day, 0..5).prop_map(Quota::from_iter)
}

fn deals() -> impl Strategy<Value = Deal> {
    let quarters = (0..3_u8, 2..=4_u8).prop_map(|(from, to)| (6 * from, 6 * to.max(from + 1)));
    let window = prop::option::weighted(0.15, quarters);
    (days(), prop::bool::weighted(0.1), window).prop_map(|(quota, security, window)| {
        let mut deal = deal(&[]);
        (deal.quota, deal.terms.security) = (quota, security);
        deal.terms.window = window.map(|(from, to)| HourWindow::new(from, to).unwrap());
        deal
    })
}

/// Stretches of hours with more agreed in windows inside them than they carry, and how much more.
fn crowded(desk: &Desk) -> BTreeMap<(i32, u8, u8), u64> {
    let mut crowded = BTreeMap::new();
    for days in 10..18 {
        let day = desk.book.window_day(date(days), None, &desk.calendar);
        for (from, to) in (0..4).flat_map(|from| (from + 1..=4).map(move |to| (6 * from, 6 * to))) {
            let hours = HourWindow::new(from, to).unwrap();
            let over = day.taken_in(hours).saturating_sub(day.carries(hours));
            crowded.insert((days, from, to), over);
        }
    }
    crowded
}

fn causes() -> impl Strategy<Value = Cause<u8>> {
    prop_oneof![Just(Cause::OverAgreed), Just(Cause::MakesRoomFor(NEWCOMER))]
}

fn acts() -> impl Strategy<Value = Act<u8>> {
    let cause = prop::option::of(causes());
    prop_oneof![
        4 => (deals(), 110..400_i64).prop_map(|(deal, answer_by_us)| Act::Offer { deal, answer_by_us }),
        2 => (deals(), 110..400_i64).prop_map(|(deal, answer_by_us)| Act::Counter { deal, answer_by_us }),
        6 => Just(Act::Accept),
        1 => Just(Act::Decline),
        1 => Just(Act::Withdraw),
        6 => (deals(), 110..400_i64, cause)
            .prop_map(|(deal, answer_by_us, cause)| Act::Amend { deal, answer_by_us, cause }),
        2 => deals().prop_map(impose),
        1 => (10..18_i32).prop_map(|days| Act::End { from: date(days) }),
        1 => Just(Act::Lapse),
    ]
}

fn ops() -> impl Strategy<Value = Op> {
    let which = || 0..4_usize;
    let act = (
        which(),
        prop::sample::select(vec![0, 1, 4, 5]),
        acts(),
        prop::bool::weighted(0.05),
    );
    let take = (which(), 11..18_i32, 1..9_u32, causes(), any::<bool>());
    prop_oneof![
        3 => take.prop_map(|(which, days, units, cause, imposed)| Op::Take { which, days, units, cause, imposed }),
        1 => (1..4_u8, 1..300_u32).prop_map(|(user, devices)| Op::Request { user, devices }),
        20 => act.prop_map(|(which, asker, act, stale)| Op::Act { which, asker, act, stale }),
        6 => (0..2_usize, 1..6_u8).prop_map(|(which, officer)| Op::Approve { which, officer }),
        1 => which().prop_map(|which| Op::Decline { which }),
        2 => (10..18_i32, any::<bool>(), 0..130_u32)
            .prop_map(|(days, on, capacity)| Op::Capacity { days, on, capacity }),
        1 => (10..18_i32).prop_map(|days| Op::Clear { days }),
        4 => (which(), 10..18_i32, 0..30_u32)
            .prop_map(|(which, days, count)| Op::Send { which, days, count }),
        1 => (0..40_i64, 0..2_i32).prop_map(|(us, days)| Op::Pass { us, days }),
    ]
}

impl Desk {
    fn pick(&self, which: usize) -> Option<ScheduleId<u8>> {
        let count = self.book.schedules().count();
        let (id, _) = self.book.schedules().nth(which.checked_rem(count - 1)?)?;
        Some(id)
    }

    /// What was decided; `None` for a refusal or where there is nothing to do it to.
    fn decided(&self, op: &Op) -> Option<Change<u8>> {
        match op {
            Op::Request { user, devices } => {
                let id = self.book.next_id(*user);
                let ask = self.ask(id, Asker::User, Act::Request(request(*devices)));
                self.book.decide(&ask, &self.at()).ok()
            }
            Op::Act {
                which,
                asker,
                act,
                stale,
            } => {
                let by = if *asker < 2 {
                    Asker::User
                } else {
                    one_officer(*asker)
                };
                let mut ask = self.ask(self.pick(*which)?, by, act.clone());
                ask.revision -= u32::from(*stale);
                let decided = self.book.decide(&ask, &self.at());
                assert!(
                    !stale || decided.is_err(),
                    "an older revision decided something"
                );
                decided.ok()
            }
            Op::Take {
                which,
                days,
                units,
                cause,
                imposed,
            } => {
                let ask = self.taking((*which, *days, *units), *cause, *imposed)?;
                self.book.decide(&ask, &self.at()).ok()
            }
            Op::Approve { which, officer } => {
                let (action, _) = self.book.pending().nth(*which)?;
                let officer = approval(*officer);
                self.book.approve(action, officer, &self.at()).ok()
            }
            Op::Decline { which } => {
                let (action, _) = self.book.pending().nth(*which)?;
                let crate::Party::Desk(officer) = by_desk(3, 0).by else {
                    return None;
                };
                self.book
                    .decline(action, officer, (reason(), &self.at()))
                    .ok()
            }
            Op::Capacity { days, on, capacity } => {
                let days = date(*days);
                let span = if *on {
                    Span::On(days)
                } else {
                    Span::From(days)
                };
                self.set(span, Setting::Capacity(*capacity))
            }
            Op::Clear { days } => self.set(Span::On(date(*days)), Setting::Clear),
            Op::Send { .. } | Op::Pass { .. } => None,
        }
    }

    fn set(&self, span: Span, setting: Setting) -> Option<Change<u8>> {
        let signed = by_desk(1, self.now_us);
        let set = CapacitySet {
            span,
            setting,
            signed,
        };
        self.book.decide_capacity(set, &self.at()).ok()
    }

    fn taking(
        &self,
        (which, days, units): (usize, i32, u32),
        cause: Cause<u8>,
        imposed: bool,
    ) -> Option<Ask<u8>> {
        let id = self.pick(which)?;
        let agreed = &self.book.get(id)?.state().agreement()?.deal;
        let deal = Deal {
            quota: agreed.quota.over(&quota(&[(days, units)])),
            terms: agreed.terms,
        };
        let act = if imposed {
            Act::Impose { deal, cause }
        } else {
            amend(deal, Some(cause))
        };
        Some(self.ask(id, one_officer(4), act))
    }

    fn run(&mut self, op: &Op) {
        match op {
            Op::Send { which, days, count } => self.send_some(*which, *days, *count),
            Op::Pass { us, days } => {
                self.now_us += us;
                self.today = date(self.today.days() + days);
                let before = self.clone();
                self.pass_time();
                holds_after_time(&before, self);
            }
            _ => {
                if let Some(change) = self.decided(op) {
                    let before = self.clone();
                    self.take(change);
                    holds_after(&before, self);
                }
            }
        }
    }

    fn send_some(&mut self, which: usize, days: i32, count: u32) {
        let Some(id) = self.pick(which).filter(|_| date(days) >= self.today) else {
            return;
        };
        let asked = BatchAsked {
            user: id.user,
            image: [1; 32],
            large: true,
            date: date(days),
            count,
        };
        if let Ok(Some(source)) = self.book.admit(&asked, &self.at()) {
            self.ledger.add_sent(id.user, date(days), source, count);
        }
    }
}

/// A change made no day more over-agreed, unless it set a capacity; and no agreement without consent.
fn holds_after(before: &Desk, after: &Desk) {
    let change = after.changes.last().unwrap();
    if !matches!(change, Change::Capacity(_)) {
        let worse = after
            .book
            .over_agreed(date(0))
            .over(&before.book.over_agreed(date(0)));
        assert!(worse.is_empty(), "{change:?} made {worse:?} over-agreed");
        let was = crowded(before);
        for (stretch, over) in crowded(after) {
            assert!(over <= was[&stretch], "{change:?} crowded {stretch:?}");
        }
    }
    for (id, schedule) in before
        .book
        .schedules()
        .filter(|(_, it)| it.quota().is_some())
    {
        let now = after.book.get(id).unwrap();
        if now.quota() != schedule.quota() {
            assert!(is_consented(schedule, now), "{change:?} changed {id:?}");
        }
    }
}

fn is_consented(before: &Schedule<u8>, after: &Schedule<u8>) -> bool {
    let step = after.history().last().unwrap();
    let by = &step.signed.by;
    let proposed_by = before.state().proposal().map(|proposal| proposal.by);
    let user_signed = by.side() == Some(Side::User);
    let accepts_the_users = matches!(step.act, Act::Accept) && proposed_by == Some(Side::User);
    let imposed = matches!(step.act, Act::Impose { .. } | Act::End { .. }) && by.has_second();
    user_signed || accepts_the_users || imposed
}

fn holds_after_time(before: &Desk, after: &Desk) {
    for (id, schedule) in before.book.schedules() {
        assert_eq!(
            after.book.get(id).unwrap().quota(),
            schedule.quota(),
            "time changes no quota"
        );
    }
    assert!(after.book.due(&after.at()).is_empty());
    assert!(
        after
            .book
            .next_due_us()
            .is_none_or(|due_us| due_us > after.now_us)
    );
}

fn holds_always(desk: &Desk) {
    let mut sums = BTreeMap::new();
    for (id, schedule) in desk.book.schedules() {
        for (date, units) in schedule.quota().into_iter().flat_map(Quota::days) {
            *sums.entry(date).or_default() += u64::from(units);
            let sent = desk.ledger.sent(id.user, date, Source::Schedule(id.number));
            assert!(sent <= units, "{id:?} {date} sent {sent} of {units}");
        }
        let mut steps = schedule.history().iter().cloned();
        let mut again = Schedule::begin(steps.next().unwrap()).unwrap();
        steps.for_each(|step| again.apply(step).unwrap());
        assert_eq!(&again, schedule, "its history makes it again");
        let proposed = schedule
            .moves()
            .iter()
            .filter(|moved| !moved.imposed)
            .count();
        assert!(proposed <= 2, "moved {proposed} times by proposal");
    }
    assert_eq!(desk.book.agreed, sums);
    let mut again = Desk::new();
    desk.changes
        .iter()
        .for_each(|change| again.take(change.clone()));
    assert_eq!(again.book, desk.book, "the changes make it again");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_promises_hold_whatever_is_asked(ops in proptest::collection::vec(ops(), 0..150)) {
        let mut desk = Desk::new();
        for op in &ops {
            desk.run(op);
        }
        holds_always(&desk);
    }
}

/// Random steps reach every state, every kind of change and both ways of being moved: the property is about something.
#[test]
fn random_steps_reach_everything() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut met = std::collections::BTreeSet::new();
    let mut runner = TestRunner::deterministic();
    let many = proptest::collection::vec(ops(), 150);
    for _ in 0..200 {
        let mut desk = Desk::new();
        for op in many.new_tree(&mut runner).unwrap().current() {
            desk.run(&op);
            met.extend(
                desk.book
                    .schedules()
                    .map(|(_, schedule)| schedule.state().to_string()),
            );
            // Only capacity makes it so.
            let is_crowded =
                matches!(op, Op::Capacity { .. }) && crowded(&desk).values().any(|over| *over > 0);
            met.extend(is_crowded.then(|| "CROWDED".to_owned()));
            met.extend((!desk.book.over_agreed(desk.today).is_empty()).then(|| "OVER".to_owned()));
        }
        let moves = desk
            .book
            .schedules()
            .flat_map(|(_, schedule)| schedule.moves());
        met.extend(moves.map(|moved| format!("moved, imposed {}", moved.imposed)));
        met.extend(desk.changes.iter().map(|change| match change {
            Change::Step { .. } => "step".to_owned(),
            Change::Pended(_) => "pended".to_owned(),
            Change::Approved { .. } => "approved".to_owned(),
            Change::Closed { .. } => "closed".to_owned(),
            Change::Capacity(_) => "capacity".to_owned(),
        }));
    }
    let states = [
        "REQUESTED",
        "OFFERED",
        "COUNTERED",
        "AGREED",
        "AMENDING",
        "AMENDED",
        "ENDED",
    ];
    let ends = ["WITHDRAWN", "DECLINED", "LAPSED", "OVER", "CROWDED"];
    let changes = ["step", "pended", "approved", "closed", "capacity"];
    let moves = ["moved, imposed false", "moved, imposed true"];
    let all = states.iter().chain(&ends).chain(&changes).chain(&moves);
    let missed: Vec<_> = all.filter(|name| !met.contains(**name)).collect();
    assert_eq!(missed, Vec::<&&str>::new());
}
