//! Fairness on contended days: what each User received, held against what it is entitled to, which is computed here from what was
//! sent and from the moments at which units left, and from nothing that the scheduler keeps.

use std::collections::BTreeMap;

use dco_block::Eui64;
use dco_engine::{BreakerTerms, HOUR_US, Offer, Outcome, Report, SECOND_US, Terms};
use dco_schedule::{HourProfile, Micros};

use crate::sample::{ANN, LARGE, NORTH, SOUTH, capacity, date, devices, manifest, start};
use crate::schedules::all_agreeable;
use crate::world::schedules::deal;
use crate::world::{Habit, World, ended, succeed};

const DAY: &str = "2026-06-04";
/// Devices that each User has; every other one is behind the southern gateway.
const DEVICES_EACH: u64 = 500;

/// One contended day.
struct Contended {
    name: &'static str,
    /// What each User sends at the start of the day.
    sent: &'static [u64],
    /// What some send at noon: User and count.
    at_noon: &'static [(usize, u64)],
    capacity: u32,
    habit: Habit,
    /// The first User has parked work that may run ahead.
    run_ahead: bool,
    /// The service starts again so often.
    restart_every_us: Option<Micros>,
}

const PLAIN: Contended = Contended {
    name: "equal weights",
    sent: &[400, 400, 400, 400],
    at_noon: &[],
    capacity: 1_000,
    habit: succeed,
    run_ahead: false,
    restart_every_us: None,
};

const DAYS: &[Contended] = &[
    PLAIN,
    Contended {
        name: "weights from 60 to 500",
        sent: &[500, 400, 300, 130, 60],
        ..PLAIN
    },
    Contended {
        name: "one heavy User and many light ones",
        sent: &[500, 50, 50, 50, 50, 50, 50, 50],
        capacity: 700,
        ..PLAIN
    },
    Contended {
        name: "two send more at noon",
        sent: &[300, 300, 300, 300],
        at_noon: &[(0, 200), (2, 100)],
        ..PLAIN
    },
    Contended {
        name: "a third fails at the first attempt",
        sent: &[500, 400, 300, 200, 100],
        habit: a_third_fails_once,
        ..PLAIN
    },
    Contended {
        name: "the southern gateway fails",
        sent: &[500, 400, 300, 200, 100],
        capacity: 600,
        habit: the_south_fails,
        ..PLAIN
    },
    Contended {
        name: "parked work may run ahead",
        sent: &[400, 300, 200, 200],
        run_ahead: true,
        ..PLAIN
    },
    Contended {
        name: "the service starts again every three hours",
        sent: &[500, 400, 300, 130, 60],
        restart_every_us: Some(3 * HOUR_US),
        ..PLAIN
    },
];

fn number_of(offer: &Offer) -> u64 {
    offer.attempt.activation.device.bits() & 0xFFFF
}

fn a_third_fails_once(offer: &Offer) -> Option<Report> {
    let fails = number_of(offer).is_multiple_of(3) && offer.attempt.attempt == 1;
    let outcome = [Outcome::Success, Outcome::FileTransferFailure][usize::from(fails)];
    Some(Report::Ended(ended(outcome)))
}

fn the_south_fails(offer: &Offer) -> Option<Report> {
    let fails = number_of(offer) % 2 == 1;
    let outcome = [Outcome::Success, Outcome::NoProgress][usize::from(fails)];
    Some(Report::Ended(ended(outcome)))
}

fn user(at: usize) -> Eui64 {
    Eui64::from_bits(ANN.bits() + 0x1_0000 * u64::try_from(at).expect("few"))
}

fn devices_of(at: usize, from: u64, count: u64) -> Vec<Eui64> {
    let first = u64::try_from(at).expect("few") * 1_000 + from;
    devices(first..first + count)
}

fn terms(capacity_per_day: u32) -> Terms {
    Terms {
        capacity_per_day,
        stop: None,
        hour_profile: HourProfile::new([1; 24]).expect("it has some"),
        breaker: Some(BreakerTerms {
            failures: 3,
            probe_after_us: 600 * SECOND_US,
        }),
        ..all_agreeable()
    }
}

/// All Users have Devices and an image; the day has begun, and nothing is sent.
fn ready(terms: Terms, users: usize, first: &str) -> World {
    let mut world = World::at(start(first) - 12 * HOUR_US, terms);
    for at in 0..users {
        let all = devices_of(at, 0, DEVICES_EACH);
        for (gateway, south) in [(NORTH, 0), (SOUTH, 1)] {
            let behind: Vec<_> = all
                .iter()
                .copied()
                .filter(|it| it.bits() % 2 == south)
                .collect();
            world.register(&behind, user(at), gateway);
        }
        world.store(user(at), &manifest(2, LARGE), &all);
    }
    world
}

fn connect(world: &mut World) {
    world.connect(NORTH);
    world.connect(SOUTH);
}

fn send(world: &mut World, at: usize, from: u64, count: u64) {
    world
        .submit(user(at), &manifest(2, LARGE), &devices_of(at, from, count))
        .expect("within the allowance");
}

/// Time passes, and the service starts again so often.
fn live(world: &mut World, until_us: Micros, restart_every_us: Option<Micros>) {
    while let Some(every_us) = restart_every_us.filter(|it| world.now_us + it < until_us) {
        world.pass(every_us);
        world.crash();
        connect(world);
    }
    world.until(until_us);
}

/// Units that left: when, and whose.
type Left = Vec<(Micros, Eui64)>;

fn lived(day: &Contended) -> (World, Left) {
    let mut world = ready(terms(day.capacity), day.sent.len(), DAY);
    if day.run_ahead {
        let mut agreed = deal(&[("2026-06-05", 90)]);
        agreed.terms.run_ahead = true;
        world.agreed(user(0), agreed);
        let ahead = devices_of(0, DEVICES_EACH - 90, 90);
        world
            .submit_for((user(0), &manifest(2, LARGE)), &ahead, date("2026-06-05"))
            .expect("agreed");
    }
    world.until(start(DAY));
    for (at, count) in day.sent.iter().enumerate() {
        send(&mut world, at, 0, *count);
    }
    world.habit = Some(day.habit);
    connect(&mut world);
    live(&mut world, start(DAY) + 12 * HOUR_US, day.restart_every_us);
    for (at, count) in day.at_noon {
        send(&mut world, *at, day.sent[*at], *count);
    }
    live(&mut world, start("2026-06-05") - 1, day.restart_every_us);
    let within_us = world.terms.attempt.answer_within_us;
    let left = world.offered.iter().map(|(_, offer)| {
        let at_us = offer.answer_by_us - within_us;
        (at_us, offer.attempt.activation.user)
    });
    let left = left.collect();
    (world, left)
}

/// Fluid weighted max-min over Users that all have ready work: of each unit that left, to each its part by what it had sent by then.
fn entitled(day: &Contended, left: &Left) -> BTreeMap<Eui64, f64> {
    let noon_us = start(DAY) + 12 * HOUR_US;
    let mut entitled = BTreeMap::new();
    for (at_us, _) in left {
        let mut weights: Vec<u64> = day.sent.to_vec();
        for (at, count) in day.at_noon.iter().filter(|_| *at_us >= noon_us) {
            weights[*at] += count;
        }
        let sum = real(weights.iter().sum());
        for (at, weight) in weights.into_iter().enumerate() {
            *entitled.entry(user(at)).or_insert(0.0) += real(weight) / sum;
        }
    }
    entitled
}

fn real(count: u64) -> f64 {
    f64::from(u32::try_from(count).expect("few"))
}

/// Jain's index: 1 when all are treated alike, down to one over their number.
fn jain(ratios: &[f64]) -> f64 {
    let sum: f64 = ratios.iter().sum();
    let squares: f64 = ratios.iter().map(|it| it * it).sum();
    sum * sum / (real(ratios.len() as u64) * squares)
}

#[test]
fn each_user_receives_what_it_is_entitled_to_on_a_contended_day() {
    for day in DAYS {
        let (mut world, left) = lived(day);
        let name = day.name;
        assert_eq!(world.released_today(), day.capacity, "{name}");
        let mut received: BTreeMap<Eui64, u64> = BTreeMap::new();
        for (_, user) in &left {
            *received.entry(*user).or_default() += 1;
        }
        let mut ratios = Vec::new();
        for (user, entitled) in entitled(day, &left) {
            let received = real(received.get(&user).copied().unwrap_or(0));
            let short = entitled - received;
            let allowed = (entitled / 100.0).max(1.0);
            assert!(short <= allowed, "{name}: {user} {received} of {entitled}");
            ratios.push(received / entitled);
        }
        let index = jain(&ratios);
        assert!(index >= 0.999, "{name}: {index} of {ratios:?}");
    }
}

#[test]
fn the_measure_finds_a_day_that_is_not_fair() {
    assert!((jain(&[1.0, 1.0, 1.0]) - 1.0).abs() < 1e-9);
    assert!(jain(&[1.1, 1.0, 0.9]) < 0.999);
}

/// Of the day's weights: for how many releases a User with ready work waits at most.
fn wait_max(weights: &[u64], weight: u64) -> u64 {
    let users = weights.len() as u64;
    let mean = weights.iter().sum::<u64>().div_ceil(users);
    users * (mean.div_ceil(weight) + 1)
}

#[test]
fn no_user_with_ready_work_waits_longer_than_the_bound() {
    let steady = DAYS.iter().filter(|day| day.at_noon.is_empty());
    for day in steady {
        let (_, left) = lived(day);
        let spacing_us = 24 * HOUR_US / Micros::from(day.capacity);
        for (at, weight) in day.sent.iter().enumerate() {
            let bound = wait_max(day.sent, *weight);
            let bound_us = Micros::try_from(bound + 1).expect("few") * spacing_us;
            let (mut waited, mut since_us) = (0, start(DAY));
            for (at_us, of) in &left {
                waited += 1;
                if *of == user(at) {
                    (waited, since_us) = (0, *at_us);
                }
                assert!(
                    waited <= bound,
                    "{}: User {at}: {waited} releases",
                    day.name
                );
                let waited_us = at_us - since_us;
                assert!(
                    waited_us <= bound_us,
                    "{}: User {at}: {waited_us} us",
                    day.name
                );
            }
        }
    }
}

/// Days of 23, 24 and 25 hours.
const LENGTHS: [(&str, &str); 3] = [
    ("2026-03-29", "2026-03-30"),
    ("2026-06-04", "2026-06-05"),
    ("2026-10-25", "2026-10-26"),
];

/// With backlog a day of 600 units ends with all that its capacity allows, whatever happens at noon and however often it starts again.
#[test]
fn with_backlog_a_day_ends_at_its_capacity_and_never_over_it() {
    let at_noon = [None, Some(900), Some(500), Some(100)];
    for (first, next) in LENGTHS {
        for changed in at_noon {
            for restart_every_us in [None, Some(5 * HOUR_US)] {
                let mut world = ready(capacity(600), 3, first);
                world.until(start(first));
                (0..3).for_each(|at| send(&mut world, at, 0, 400));
                world.habit = Some(succeed);
                connect(&mut world);
                live(&mut world, start(first) + 12 * HOUR_US, restart_every_us);
                let before = world.released_today();
                if let Some(changed) = changed {
                    world.restart_with(capacity(changed));
                    connect(&mut world);
                }
                live(&mut world, start(next) - 1, restart_every_us);
                let expected = changed.unwrap_or(600).max(before);
                assert_eq!(
                    world.released_today(),
                    expected,
                    "{first}, {changed:?} at noon, a start each {restart_every_us:?}"
                );
            }
        }
    }
}
