//! Reports equal what happened, and the same records give the same reports.

use std::collections::{BTreeMap, BTreeSet};

use dco_block::Eui64;
use dco_engine::record::{Change, Record};
use dco_engine::{
    ActivationState, AttemptEnd, CapacityReportDay, DayCounts, Engine, FairnessDay, Grouping,
    HOUR_US, LostUnits, Outcome, OutcomeRow, Reply, Report, ReportDays, ReportKind, ReportRequest,
    Request, Scope,
};
use dco_schedule::ServiceDate;
use proptest::prelude::*;
use prost::Message;

use crate::anything::after;
use crate::anything::steps::steps;
use crate::dump::ask;
use crate::replay::busy;
use crate::sample::{
    ANN, BOB, DAY_US, LARGE, NORTH, SMALL, SOUTH, capacity, date, device, devices, manifest, noon,
};
use crate::world::{World, ended, succeed};

const ALL: [Grouping; 4] = [
    Grouping::User,
    Grouping::Image,
    Grouping::Model,
    Grouping::Gateway,
];

fn request(user: Option<Eui64>, kind: ReportKind) -> Request {
    let (first, last) = (None, None);
    Request::Report(ReportRequest {
        user,
        first,
        last,
        kind,
    })
}

/// Every report, as everyone may read it, as text.
fn all_reports(engine: &mut Engine, now_us: i64) -> Vec<String> {
    let mut reports = Vec::new();
    for user in [None, Some(ANN), Some(BOB)] {
        for kind in [
            ReportKind::Capacity,
            ReportKind::Fairness,
            ReportKind::Trt,
            ReportKind::Success(BTreeSet::from(ALL)),
        ] {
            reports.push(format!("{:?}", ask(engine, now_us, request(user, kind))));
        }
    }
    reports
}

impl World {
    fn report_days(&mut self, user: Option<Eui64>) -> Vec<CapacityReportDay> {
        match self.ask(request(user, ReportKind::Capacity)) {
            Ok(Reply::CapacityReport(ReportDays { days, .. })) => days,
            other => panic!("no capacity report: {other:?}"),
        }
    }

    fn fairness(&mut self, user: Option<Eui64>) -> Vec<FairnessDay> {
        match self.ask(request(user, ReportKind::Fairness)) {
            Ok(Reply::FairnessReport(ReportDays { days, .. })) => days,
            other => panic!("no fairness report: {other:?}"),
        }
    }

    fn outcomes(&mut self, user: Option<Eui64>, by: &[Grouping]) -> Vec<OutcomeRow> {
        let by = by.iter().copied().collect();
        match self.ask(request(user, ReportKind::Success(by))) {
            Ok(Reply::SuccessReport(rows)) => rows,
            other => panic!("no success report: {other:?}"),
        }
    }

    pub(crate) fn fairness_of(&mut self, day: &str) -> FairnessDay {
        let mut days = self.fairness(None).into_iter();
        days.find(|it| it.date == date(day)).expect("tallied")
    }

    pub(crate) fn capacity_of(&mut self, day: &str) -> CapacityReportDay {
        let mut days = self.report_days(None).into_iter();
        days.find(|it| it.day.date == date(day)).expect("opened")
    }
}

/// Units released, lent, given back and released again, counted one record after the other.
fn counted(journal: &[Vec<u8>]) -> BTreeMap<(ServiceDate, u64), DayCounts> {
    let mut days: BTreeMap<(ServiceDate, u64), DayCounts> = BTreeMap::new();
    let mut newest = BTreeMap::new();
    let mut released_before = BTreeSet::new();
    for record in journal {
        let record = Record::decode(record.as_slice()).expect("a record");
        let more = |it: &mut Option<u64>| *it = Some(it.unwrap_or(0) + 1);
        match record.change {
            Some(Change::Released(it)) => {
                let user = it.id.expect("named").user;
                newest.insert(it.activation, (user, it.lent, it.security));
                let again = !released_before.insert(it.activation);
                let Some(date) = it.charged_date else {
                    continue;
                };
                let day = days
                    .entry((ServiceDate::from_days(date), user))
                    .or_default();
                day.released += 1;
                day.lent += u64::from(it.lent);
                day.security += u64::from(it.security);
                if again {
                    more(&mut day.retries);
                }
            }
            Some(Change::AttemptEnded(it)) => {
                let (user, lent, security) = newest[&it.activation];
                let Some(date) = it.refunded_date else {
                    continue;
                };
                let day = days
                    .entry((ServiceDate::from_days(date), user))
                    .or_default();
                day.released -= 1;
                day.lent -= u64::from(lent);
                day.security -= u64::from(security);
                more(&mut day.refunded);
            }
            _ => {}
        }
    }
    days
}

fn capacity_is_what_happened(world: &mut World) {
    let counted = counted(&world.journal);
    let days = world.report_days(None);
    let mut seen = 0;
    for day in &days {
        let mut sum = DayCounts::default();
        for (user, counts) in &day.users {
            let happened = counted.get(&(day.day.date, user.bits())).copied();
            let happened = happened.unwrap_or_default();
            assert_eq!(
                (
                    counts.released,
                    counts.lent,
                    counts.security,
                    counts.refunded,
                    counts.retries
                ),
                (
                    happened.released,
                    happened.lent,
                    happened.security,
                    Some(happened.refunded.unwrap_or(0)),
                    Some(happened.retries.unwrap_or(0))
                ),
                "{user} on {}",
                day.day.date
            );
            seen += usize::from(counted.contains_key(&(day.day.date, user.bits())));
            sum.agreed += counts.agreed;
            sum.sent += counts.sent;
            sum.released += counts.released;
        }
        let all = day.all;
        assert_eq!(
            (all.agreed, all.sent, all.released),
            (sum.agreed, sum.sent, sum.released)
        );
        let used = day
            .lost
            .map(|it| u64::from(it.with_work + it.without_work) + all.released);
        assert!(day.is_open || used.is_some_and(|used| used >= u64::from(day.capacity)));
    }
    assert_eq!(seen, counted.len(), "nobody is left out");
    for user in [ANN, BOB] {
        for (own, whole) in world.report_days(Some(user)).into_iter().zip(&days) {
            let none = DayCounts::default();
            let mine = whole.users.get(&user).unwrap_or(&none);
            assert_eq!(own.users.keys().collect::<Vec<_>>(), [&user]);
            assert_eq!((own.users[&user].sent, own.all), (mine.sent, whole.all));
            let others = own.others.expect("others");
            assert_eq!(
                others.released + own.users[&user].released,
                whole.all.released
            );
            assert_eq!(others.agreed + own.users[&user].agreed, whole.all.agreed);
        }
    }
}

/// Every activation, one after the other, as its batch lists it.
fn outcomes_are_what_happened(world: &mut World) {
    let mut expected: BTreeMap<Eui64, OutcomeRow> = BTreeMap::new();
    for user in [ANN, BOB] {
        for number in 1.. {
            let Ok(Reply::Batch(batch)) = world.ask(Request::GetBatch { user, number }) else {
                break;
            };
            let (skip, limit) = (0, u32::MAX);
            let asked = Request::ListActivations {
                user,
                number,
                skip,
                limit,
            };
            let Ok(Reply::Activations { activations, .. }) = world.ask(asked) else {
                panic!("no activations");
            };
            for it in activations {
                let row = expected.entry(user).or_default();
                row.group.user = Some(user);
                match it.state {
                    ActivationState::Succeeded => row.succeeded += 1,
                    ActivationState::Failed => row.failed += 1,
                    ActivationState::Cancelled => row.cancelled += 1,
                    _ => row.open += 1,
                }
                if let Some(outcome) = it.outcome {
                    *row.outcomes.entry(outcome).or_default() += 1;
                }
                match it.ended_us {
                    Some(at_us) if at_us <= batch.due_us => row.ended_within_trt += 1,
                    Some(_) => row.ended_late += 1,
                    None => row.open_late += u64::from(world.now_us > batch.due_us),
                }
            }
        }
    }
    let rows = world.outcomes(None, &[Grouping::User]);
    let bare = rows
        .into_iter()
        .map(|row| OutcomeRow { attempts: 0, ..row });
    assert_eq!(
        bare.collect::<Vec<_>>(),
        expected.into_values().collect::<Vec<_>>()
    );
    let sum = |rows: Vec<OutcomeRow>| {
        let rows = rows.iter();
        rows.map(|it| [it.succeeded, it.failed, it.cancelled, it.open, it.attempts])
            .fold([0; 5], |sum, row| {
                std::array::from_fn(|at| sum[at] + row[at])
            })
    };
    let whole = sum(world.outcomes(None, &[]));
    for by in [&ALL[1..2], &ALL[2..3], &ALL[3..4], &ALL[1..]] {
        assert_eq!(
            sum(world.outcomes(None, by)),
            whole,
            "however it is grouped: {by:?}"
        );
    }
}

fn the_same_records_give_the_same_reports(world: &mut World) {
    let alive = all_reports(&mut world.engine, world.now_us);
    let again = all_reports(&mut world.recovered(), world.now_us);
    for (alive, again) in alive.iter().zip(&again) {
        assert_eq!(alive, again);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_happens_the_reports_say_it(steps in steps()) {
        let mut world = after(&steps);
        the_same_records_give_the_same_reports(&mut world);
        world.habit = Some(succeed);
        world.connect(NORTH);
        world.connect(SOUTH);
        world.pass(3 * DAY_US);
        capacity_is_what_happened(&mut world);
        outcomes_are_what_happened(&mut world);
        the_same_records_give_the_same_reports(&mut world);
    }
}

#[test]
fn a_busy_week_is_reported_as_it_was_whichever_snapshot_it_started_from() {
    let mut world = busy();
    capacity_is_what_happened(&mut world);
    outcomes_are_what_happened(&mut world);
    let alive = all_reports(&mut world.engine, world.now_us);
    for cut in [
        None,
        Some(world.journal.len() / 3),
        Some(world.journal.len()),
    ] {
        world.start_from = cut;
        assert_eq!(
            all_reports(&mut world.recovered(), world.now_us),
            alive,
            "{cut:?}"
        );
    }
}

/// Ann has 150 Devices in the north, Bob 150 in the south, with an image for all of them; the capacity of a day is 100.
fn two_users() -> World {
    let mut world = World::at(noon("2026-06-01"), capacity(100));
    for (user, from, gateway) in [(ANN, 0, NORTH), (BOB, 200, SOUTH)] {
        let all = devices(from..from + 150);
        world.register(&all, user, gateway);
        world.store(user, &manifest(2, LARGE), &all);
    }
    world.habit = Some(succeed);
    world.connect(NORTH);
    world.connect(SOUTH);
    world
}

impl World {
    fn sends(&mut self, user: Eui64, of: std::ops::Range<u64>, day: &str) {
        let image = manifest(2, LARGE);
        let sent = self.submit_for((user, &image), &devices(of), date(day));
        sent.expect("within the allowance");
    }
}

#[test]
fn on_a_contended_day_each_receives_what_it_is_entitled_to() {
    let mut world = two_users();
    world.sends(ANN, 0..150, "2026-06-02");
    world.sends(BOB, 200..250, "2026-06-02");
    world.next_day();
    world.rest_of_day();
    assert!(world.fairness_of("2026-06-02").is_open);
    world.next_day();
    let day = world.fairness_of("2026-06-02");
    assert!(day.contended && !day.is_open, "{day:?}");
    assert!(day.jain_ppm.expect("shared") >= 999_000, "{day:?}");
    let entitled: BTreeMap<_, _> = day
        .users
        .iter()
        .map(|it| (it.user, it.entitled_milliunits))
        .collect();
    assert_eq!(
        entitled[&Some(ANN)],
        Some(75_000),
        "by what each has sent for the day"
    );
    assert_eq!(entitled[&Some(BOB)], Some(25_000));
    for row in &day.users {
        let received = 1_000 * u64::from(row.received.expect("told"));
        let off = received.abs_diff(row.entitled_milliunits.expect("told"));
        assert!(off <= 1_000, "within one release: {row:?}");
    }
    let lost = world.capacity_of("2026-06-02").lost;
    assert_eq!(
        lost,
        Some(LostUnits {
            without_work: 0,
            with_work: 0
        })
    );
}

#[test]
fn who_comes_at_noon_is_entitled_to_a_share_of_what_leaves_from_then_on() {
    let mut world = two_users();
    world.sends(ANN, 0..150, "2026-06-02");
    world.next_day();
    world.until(noon("2026-06-02"));
    let before = world.capacity_of("2026-06-02").all.released;
    world.sends(BOB, 200..350, "2026-06-02");
    world.next_day();
    let day = world.fairness_of("2026-06-02");
    assert!(!day.contended, "Bob had nothing in the morning");
    let bob = day
        .users
        .iter()
        .find(|it| it.user == Some(BOB))
        .expect("Bob");
    let half = (100 - before) * 1_000 / 2;
    assert!(
        bob.entitled_milliunits.expect("told").abs_diff(half) <= 1,
        "{bob:?}, {before}"
    );
}

#[test]
fn a_user_that_could_go_and_did_not_is_seen_in_the_report() {
    let mut world = two_users();
    // In line, and its gateway is away: no record says so, and it is nobody else's doing.
    world.disconnect(SOUTH);
    world.sends(ANN, 0..150, "2026-06-02");
    world.sends(BOB, 200..350, "2026-06-02");
    world.next_day();
    world.next_day();
    let day = world.fairness_of("2026-06-02");
    assert_eq!(day.jain_ppm, Some(500_000));
    assert_eq!(
        (day.users[0].user, day.users[0].ratio_ppm),
        (Some(BOB), Some(0)),
        "worst off first"
    );
    assert_eq!(day.users[1].ratio_ppm, Some(2_000_000));
}

#[test]
fn a_user_that_is_paused_is_entitled_to_nothing_meanwhile() {
    let mut world = two_users();
    world.pause_of_part(Scope::User(BOB)).expect("paused");
    world.sends(ANN, 0..150, "2026-06-02");
    world.sends(BOB, 200..350, "2026-06-02");
    world.next_day();
    world.next_day();
    let day = world.fairness_of("2026-06-02");
    assert_eq!(
        day.users.iter().map(|it| it.user).collect::<Vec<_>>(),
        [Some(ANN)]
    );
    assert_eq!((day.jain_ppm, day.contended), (Some(1_000_000), false));
}

/// Its name, what happens before the day, and what is lost of it.
type Case = (&'static str, fn(&mut World), LostUnits);

#[test]
fn lost_is_what_nobody_used_apart_by_whether_there_was_work() {
    let cases: [Case; 4] = [
        (
            "no work at all",
            |_| (),
            LostUnits {
                without_work: 100,
                with_work: 0,
            },
        ),
        (
            "all was used in good time",
            |world| world.sends(ANN, 0..150, "2026-06-02"),
            LostUnits {
                without_work: 0,
                with_work: 0,
            },
        ),
        (
            "there was work and a gateway was away",
            |world| {
                world.disconnect(NORTH);
                world.sends(ANN, 0..150, "2026-06-02");
            },
            LostUnits {
                without_work: 0,
                with_work: 100,
            },
        ),
        (
            "work came at noon and could not go",
            |world| {
                world.disconnect(NORTH);
                world.next_day();
                world.until(noon("2026-06-02"));
                world.sends(ANN, 0..150, "2026-06-02");
            },
            // Half of the hours of the day, which all weigh the same by default.
            LostUnits {
                without_work: 50,
                with_work: 50,
            },
        ),
    ];
    for (name, happens, lost) in cases {
        let mut world = two_users();
        happens(&mut world);
        world.until(noon("2026-06-03"));
        assert_eq!(world.capacity_of("2026-06-02").lost, Some(lost), "{name}");
        assert_eq!(
            world.capacity_of("2026-06-03").lost,
            None,
            "{name}: today is not over"
        );
    }
}

#[test]
fn what_came_back_and_went_again_is_counted() {
    let mut world = two_users();
    world.habit = Some(|_| {
        Some(Report::Ended(AttemptEnd {
            nothing_sent: true,
            ..ended(Outcome::DeviceNotReachable)
        }))
    });
    world.sends(ANN, 0..3, "2026-06-01");
    world.pass(HOUR_US);
    world.habit = Some(succeed);
    world.pass(4 * HOUR_US);
    world.pass(DAY_US);
    let day = world.capacity_of("2026-06-01");
    let ann = day.users[&ANN];
    assert_eq!(ann.sent, 3);
    assert!(ann.refunded > Some(0), "{ann:?}");
    capacity_is_what_happened(&mut world);
    let gateways = world.outcomes(None, &[Grouping::Gateway]);
    assert_eq!(gateways.len(), 1);
    assert_eq!(
        (gateways[0].group.gateway, gateways[0].succeeded),
        (Some(NORTH), 3)
    );
    assert_eq!(
        gateways[0].outcomes,
        BTreeMap::from([(Outcome::Success, 3)])
    );
    assert!(gateways[0].attempts > 3);
}

#[test]
fn a_report_keeps_to_its_days_and_a_row_to_its_model() {
    let mut world = two_users();
    world.sends(ANN, 0..3, "2026-06-01");
    world.sends(ANN, 3..5, "2026-06-03");
    world.store(ANN, &manifest(3, SMALL), &devices(10..12));
    world
        .submit(ANN, &manifest(3, SMALL), &[device(10)])
        .expect("admitted");
    world.pass(DAY_US * 4);
    let by = BTreeSet::from([Grouping::Model, Grouping::Image]);
    let mut only = |first: Option<&str>, last: Option<&str>| {
        let asked = ReportRequest {
            user: None,
            first: first.map(date),
            last: last.map(date),
            kind: ReportKind::Success(by.clone()),
        };
        match world.ask(Request::Report(asked)) {
            Ok(Reply::SuccessReport(rows)) => rows,
            other => panic!("{other:?}"),
        }
    };
    let rows = only(None, Some("2026-06-02"));
    assert_eq!(
        rows.iter().map(|it| it.succeeded).collect::<BTreeSet<_>>(),
        BTreeSet::from([1, 3])
    );
    assert!(
        rows.iter()
            .all(|it| it.group.model.as_deref() == Some("E470"))
    );
    assert!(
        rows.iter()
            .all(|it| it.group.hardware_version == Some(3) && it.group.gateway.is_none())
    );
    let rows = only(Some("2026-06-02"), None);
    assert_eq!(rows.iter().map(|it| it.succeeded).collect::<Vec<_>>(), [2]);
    assert_eq!(only(Some("2026-06-04"), None), []);
}
