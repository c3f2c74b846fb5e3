//! The security lane: what has security priority leaves before the line of the day, up to the lane's bound, and whom it displaces
//! is told and repaid.

use dco_block::Eui64;
use dco_engine::record::{Change, Record, Released, Repaid};
use dco_engine::{
    AttemptEnd, HOUR_US, Hold, NoticeParty, NoticeSubject, Outcome, Reply, Report, Request,
    ScheduleRequest, Scope, Terms,
};
use dco_schedule::{Act, Asker, Deal, ScheduleId, Span};
use prost::Message;

use crate::audit::audit;
use crate::dump::dump;
use crate::sample::{ANN, BOB, LARGE, NORTH, SOUTH, date, device, devices, manifest, start};
use crate::schedules::all_agreeable;
use crate::world::schedules::{IDA, JOE, asking, deal, first_of, officer, schedule_of};
use crate::world::{World, ended, succeed};

const DAY: &str = "2026-06-04";
/// What the lane may release of a day, and Ann has agreed with security priority.
const LANE: u32 = 20;

pub(crate) fn terms(security: u32) -> Terms {
    let mut terms = all_agreeable();
    terms.schedules.reserve.security = security;
    terms
}

impl World {
    /// As any agreement, and two officers for its priority.
    pub(crate) fn agreed_with_priority(
        &mut self,
        user: Eui64,
        mut deal: Deal,
    ) -> ScheduleId<Eui64> {
        deal.terms.security = true;
        let devices = u32::try_from(deal.quota.total()).expect("few");
        let asked = self.act(Asker::User, first_of(user), Act::Request(asking(devices)));
        let id = schedule_of(asked.expect("the request is right")).id;
        let answer_by_us = self.in_two_days();
        let offer = Act::Offer { deal, answer_by_us };
        let Ok(Reply::Action(pended)) = self.act(officer(IDA), id, offer) else {
            panic!("it waits for a second officer");
        };
        self.approve(JOE, pended.number.expect("it waits"))
            .expect("another one");
        self.act(Asker::User, id, Act::Accept).expect("it fits");
        id
    }

    fn lane_used(&mut self, day: &str) -> (u32, u32) {
        let (first, last) = (Some(date(day)), Some(date(day)));
        let request = ScheduleRequest::GetCapacity {
            user: None,
            first,
            last,
        };
        match self.ask(Request::Schedules(request)) {
            Ok(Reply::Capacity(days)) => (days[0].used_security, days[0].used),
            other => panic!("no capacity: {other:?}"),
        }
    }

    /// Every release, oldest first.
    fn releases(&self) -> Vec<Released> {
        let records = self.journal.iter();
        let changes = records.map(|it| Record::decode(it.as_slice()).expect("its own").change);
        let released = changes.filter_map(|change| match change {
            Some(Change::Released(it)) => Some(it),
            _ => None,
        });
        released.collect()
    }

    /// Whom days that were opened say that the lane displaced before.
    fn repaid(&self) -> Vec<Repaid> {
        let records = self.journal.iter();
        let changes = records.map(|it| Record::decode(it.as_slice()).expect("its own").change);
        let repaid = changes.filter_map(|change| match change {
            Some(Change::DayOpened(it)) => Some(it.repaid),
            _ => None,
        });
        repaid.flatten().collect()
    }

    fn displacements(&mut self, user: Eui64) -> Vec<NoticeSubject> {
        let told = self.notices_after(NoticeParty::User(user), 0).into_iter();
        let told = told.map(|it| it.subject);
        told.filter(|it| matches!(it, NoticeSubject::Displaced { .. }))
            .collect()
    }
}

/// Ann has agreed and sent twenty with priority for a day of 100 units, Bob has sent so many under his allowance; the day has begun and
/// all Devices can be reached.
fn ready(bobs: u64) -> World {
    let mut world = World::at(start("2026-06-01"), terms(LANE));
    world.register(&devices(0..40), ANN, NORTH);
    world.register(&devices(100..600), BOB, SOUTH);
    for (user, of) in [(ANN, 0..40), (BOB, 100..600)] {
        world.store(user, &manifest(2, LARGE), &devices(of));
    }
    world.agreed_with_priority(ANN, deal(&[(DAY, LANE), ("2026-06-05", LANE)]));
    world.until(start(DAY) - HOUR_US);
    let image = manifest(2, LARGE);
    for (user, of) in [(ANN, 0..u64::from(LANE)), (BOB, 100..100 + bobs)] {
        world
            .submit_for((user, &image), &devices(of), date(DAY))
            .expect("agreed, or within the allowance");
    }
    world.habit = Some(succeed);
    world.connect(NORTH);
    world.connect(SOUTH);
    world.next_day();
    world
}

fn lines(world: &World) -> Vec<bool> {
    world.releases().iter().map(|it| it.security).collect()
}

#[test]
fn what_has_priority_leaves_before_the_line_and_is_counted_apart() {
    let mut world = ready(60);
    world.pass(HOUR_US);
    let waits = world.explain(ANN, 1, device(19));
    let gone = u64::from(world.lane_used(DAY).0);
    assert_eq!(
        (waits.in_security_lane, waits.ahead_count),
        (true, Some(19 - gone))
    );
    world.rest_of_day();
    let mut expected = vec![true; 20];
    expected.extend([false; 60]);
    assert_eq!(lines(&world), expected);
    assert_eq!(world.lane_used(DAY), (20, 80));
    assert_eq!(world.batch(ANN, 1).counts.succeeded, 20);
    let report = world.capacity_of(DAY);
    assert_eq!((report.all.security, report.users[&ANN].security), (20, 20));
    assert_eq!((report.all.lent, report.users[&BOB].security), (0, 0));
    let fairness = world.fairness_of(DAY);
    let row = |user| fairness.users.iter().find(|it| it.user == Some(user));
    assert_eq!(row(BOB).map(|it| it.received), Some(Some(60)));
    assert_eq!(row(BOB).map(|it| it.ratio_ppm), Some(Some(1_000_000)));
    assert!(row(ANN).is_none_or(|it| it.received == Some(0)));
    audit(&world);
}

#[test]
fn beyond_its_bound_it_waits_in_line_as_others_do() {
    let mut world = ready(60);
    // From now on the lane may release less than is agreed for it.
    world.restart_with(terms(8));
    world.connect(NORTH);
    world.connect(SOUTH);
    world.until(start(DAY) + 7 * HOUR_US);
    let before = world.releases();
    let of_lane = before.iter().filter(|it| it.security).count();
    assert_eq!((of_lane, world.lane_used(DAY).0), (8, 8));
    let of_ann = |it: &&Released| it.id.is_some_and(|id| id.user == ANN.bits());
    let ordinary = before.iter().filter(|it| !it.security).filter(of_ann);
    let ordinary = ordinary.count();
    assert!(
        (3..12).contains(&ordinary),
        "she takes her turns: {ordinary}"
    );
    let last = world.explain(ANN, 1, device(19));
    assert!(!last.in_security_lane);
    let until_us = start("2026-06-05");
    let limit = 8;
    assert!(
        last.holds
            .contains(&Hold::SecurityLaneUsed { limit, until_us }),
        "{:?}",
        last.holds
    );
    assert!(last.ahead_count.is_some_and(|ahead| ahead > 0));
    assert!(last.earliest_us < Some(until_us), "it may leave before");
    let bobs = world.explain(BOB, 1, device(159)).holds;
    assert!(
        !bobs
            .iter()
            .any(|it| matches!(it, Hold::SecurityLaneUsed { .. }))
    );
    world.rest_of_day();
    assert_eq!(world.batch(ANN, 1).counts.succeeded, 20);
    assert_eq!(world.lane_used(DAY), (8, 80));
    audit(&world);
}

#[test]
fn a_retry_takes_another_unit_of_the_lane_and_never_one_over() {
    let mut world = ready(60);
    // Half of Ann's have left when every further attempt begins to fail.
    world.pass(3 * HOUR_US);
    let gone = world.lane_used(DAY).0;
    assert!((8..20).contains(&gone), "{gone}");
    world.habit = Some(|_| Some(Report::Ended(ended(Outcome::DeviceNotReachable))));
    world.rest_of_day();
    assert_eq!(world.lane_used(DAY).0, LANE, "all of it, and no more");
    let again = world.releases().into_iter();
    let again: Vec<_> = again.filter(|it| it.attempt > 1).collect();
    assert!(again.iter().any(|it| !it.security), "the rest is in line");
    audit(&world);
}

#[test]
fn a_unit_that_is_given_back_is_the_lane_s_again() {
    let mut world = ready(60);
    world.pass(HOUR_US);
    let (before, _) = world.lane_used(DAY);
    world.habit = Some(|_| {
        Some(Report::Ended(AttemptEnd {
            nothing_sent: true,
            ..ended(Outcome::DeviceNotReachable)
        }))
    });
    world.pass(HOUR_US);
    assert_eq!(world.lane_used(DAY).0, before);
    assert!(world.batch(ANN, 1).counts.retry_wait > 0);
    world.habit = Some(succeed);
    world.rest_of_day();
    assert_eq!(world.lane_used(DAY).0, LANE);
    assert_eq!(world.batch(ANN, 1).counts.succeeded, 20);
    audit(&world);
}

/// Of a day of 100 units Ann's twenty leave first. In line they would have had 20 of 220 parts of them, and Bob 200.
#[test]
fn whom_it_displaces_is_told_and_repaid_on_the_next_day() {
    let mut world = ready(200);
    world.rest_of_day();
    assert_eq!(world.lane_used(DAY), (20, 100));
    assert_eq!(world.displacements(BOB), [], "the day is not over");
    // Somebody else comes, with as much as Bob has left.
    let other = Eui64::from_bits(0x90B3_D51F_3004_0000);
    world.register(&devices(700..900), other, SOUTH);
    let image = manifest(2, LARGE);
    world.store(other, &image, &devices(700..900));
    let next = date("2026-06-05");
    world
        .submit_for((other, &image), &devices(700..820), next)
        .expect("within the allowance");
    world.next_day();
    // 20 × 200 / 220 = 18.2, and a part of a unit is a whole one.
    let units = 19;
    let repaid = Repaid {
        user: BOB.bits(),
        date: date(DAY).days(),
        units,
    };
    assert_eq!(world.repaid(), [repaid]);
    let date = date(DAY);
    assert_eq!(
        world.displacements(BOB),
        [NoticeSubject::Displaced { date, units }]
    );
    assert_eq!(world.displacements(ANN), []);
    for from_snapshot in [false, true] {
        world.start_from = from_snapshot.then_some(world.journal.len());
        let alive = dump(&mut world.engine, world.now_us);
        assert_eq!(alive, dump(&mut world.recovered(), world.now_us));
    }
    world.rest_of_day();
    // Weights of 120 + 19 against 120 in a day of 100.
    let bobs = world.days(Some(BOB)).last().map(|day| day.released);
    assert!((53..=54).contains(&bobs.unwrap_or(0)), "{bobs:?}");
    assert_eq!(world.repaid().len(), 1, "once");
    audit(&world);
}

#[test]
fn nobody_is_displaced_where_all_work_left_on_its_day() {
    let mut world = ready(60);
    world.rest_of_day();
    world.next_day();
    assert_eq!(world.repaid(), []);
    assert_eq!(world.displacements(BOB), []);
}

#[test]
fn a_restart_and_a_snapshot_know_what_the_lane_has_released() {
    for from_snapshot in [false, true] {
        let mut world = ready(200);
        world.pass(2 * HOUR_US);
        let before = world.lane_used(DAY);
        assert!((3..20).contains(&before.0), "{before:?}");
        world.start_from = from_snapshot.then_some(world.journal.len());
        world.crash();
        assert_eq!(world.lane_used(DAY), before);
        world.connect(NORTH);
        world.connect(SOUTH);
        world.rest_of_day();
        assert_eq!(world.lane_used(DAY), (20, 100));
        world.next_day();
        assert_eq!(world.displacements(BOB).len(), 1);
        audit(&world);
    }
}

#[test]
fn the_day_s_capacity_holds_for_the_lane_as_well() {
    let mut world = ready(60);
    world.pass(HOUR_US);
    let (lane, used) = world.lane_used(DAY);
    world
        .set_capacity(Span::On(date(DAY)), used)
        .expect("it may be set");
    world.rest_of_day();
    assert_eq!(world.lane_used(DAY), (lane, used), "nothing more goes");
    let held = world.explain(ANN, 1, device(19)).holds;
    let until_us = start("2026-06-05");
    assert_eq!(held[0], Hold::SystemDailyCapacityUsed { until_us });
}

#[test]
fn what_cannot_go_holds_up_nobody() {
    let mut world = ready(60);
    let image = Scope::Image(manifest(2, LARGE).manufacturer_image_hash());
    for scope in [Scope::User(ANN), Scope::Gateway(NORTH)] {
        world.pause_of_part(scope).expect("paused");
        let before = world.lane_used(DAY);
        world.pass(HOUR_US);
        let after = world.lane_used(DAY);
        assert_eq!(after.0, before.0, "{scope}");
        assert!(after.1 > before.1, "{scope}: Bob's goes on");
        world.resume_of_part(scope).expect("resumed");
    }
    world.pause_of_part(image).expect("paused");
    let before = world.lane_used(DAY);
    world.pass(HOUR_US);
    assert_eq!(world.lane_used(DAY), before);
    world.disconnect(NORTH);
    world.resume_of_part(image).expect("resumed");
    world.pass(HOUR_US);
    assert_eq!(world.lane_used(DAY).0, before.0);
    world.register(&devices(0..20), ANN, SOUTH);
    world.rest_of_day();
    assert_eq!(
        world.lane_used(DAY).0,
        LANE,
        "it goes through another gateway"
    );
    audit(&world);
}

#[test]
fn what_is_cancelled_leaves_both_lines() {
    let mut world = ready(60);
    world.pass(HOUR_US);
    let before = world.lane_used(DAY).0;
    world.cancel_batch(ANN, 1);
    assert_eq!(world.engine.stats().activations_queued_security, 0);
    world.rest_of_day();
    assert_eq!(world.lane_used(DAY), (before, before + 60));
    audit(&world);
}
