//! What is predicted, what the Service Desk is told would happen, and what is released are the same.

use dco_block::Eui64;
use dco_engine::{HOUR_US, Reply, Request, ScheduleRequest, Terms};
use dco_schedule::{
    Act, Asker, Calendar, Deal, HourProfile, HourWindow, Micros, ServiceDate, Simulation, Span,
};

use crate::sample::{ANN, BOB, DAY_US, LARGE, NORTH, SOUTH, date, device, devices, manifest};
use crate::schedules::all_agreeable;
use crate::world::schedules::{IDA, asking, first_of, officer, schedule_of};
use crate::world::{World, succeed};

/// Units released on a day of these worlds.
const PER_DAY: u32 = 480;
/// So many releases a prediction may be off: the burst of four, and as often again Users pass each other over.
const RELEASES_OFF: u32 = 8;

/// What one User sends at the start.
struct Sent {
    user: Eui64,
    /// So many Devices.
    count: u32,
    /// So many days after the first one.
    days: i32,
    window: Option<(u8, u8)>,
    run_ahead: bool,
}

const fn sent(user: Eui64, count: u32, days: i32) -> Sent {
    Sent {
        user,
        count,
        days,
        window: None,
        run_ahead: false,
    }
}

const fn within(user: Eui64, count: u32, days: i32, hours: (u8, u8)) -> Sent {
    Sent {
        window: Some(hours),
        ..sent(user, count, days)
    }
}

/// What is sent in each story, with its name.
fn stories() -> Vec<(&'static str, Vec<Sent>)> {
    let ahead = Sent {
        run_ahead: true,
        ..sent(ANN, 200, 1)
    };
    vec![
        (
            "any hour",
            vec![
                sent(ANN, 400, 0),
                sent(BOB, 150, 0),
                sent(ANN, 60, 1),
                sent(BOB, 300, 1),
            ],
        ),
        (
            "a window in the evening",
            vec![within(ANN, 120, 0, (20, 24)), sent(BOB, 300, 0)],
        ),
        (
            "a window alone, and too short",
            vec![within(ANN, 90, 0, (1, 3)), within(ANN, 30, 1, (1, 3))],
        ),
        (
            "windows that overlap",
            vec![
                within(ANN, 150, 0, (9, 15)),
                within(BOB, 100, 0, (12, 18)),
                sent(BOB, 200, 1),
            ],
        ),
        ("ahead of its day", vec![sent(BOB, 390, 0), ahead]),
    ]
}

fn profiles() -> [(&'static str, HourProfile); 3] {
    let mut evening_low = [4; 24];
    evening_low[16..20].fill(1);
    let mut night = [1; 24];
    night[..6].fill(3);
    night[10..12].fill(0);
    let profile = |weights| HourProfile::new(weights).expect("it has weight");
    [
        ("flat", HourProfile::flat()),
        ("low in the evening", profile(evening_low)),
        ("mostly at night", profile(night)),
    ]
}

/// The time that so many releases take where the day is slowest.
fn slowest_us(profile: &HourProfile) -> Micros {
    let weights = (0..24).map(|hour| Micros::from(profile.weight(hour)));
    let least = weights.clone().filter(|weight| *weight > 0).min();
    // The longest day has an hour of the greatest weight more.
    let most = weights.clone().max().expect("24 hours");
    let all = weights.sum::<Micros>() + most;
    let of_one = all * HOUR_US / Micros::from(PER_DAY) / least.expect("it has weight");
    of_one * Micros::from(RELEASES_OFF)
}

struct Story {
    world: World,
    first: ServiceDate,
    batches: Vec<(Eui64, u64, Vec<Eui64>)>,
}

impl Story {
    fn begin(first: ServiceDate, profile: HourProfile, sent: &[Sent]) -> Self {
        let terms = Terms {
            capacity_per_day: PER_DAY,
            allowance_per_day: 10_000,
            hour_profile: profile,
            ..all_agreeable()
        };
        let start_us = Calendar::london().day(first).start_us;
        let mut world = World::at(start_us, terms);
        for (user, gateway, range) in [(ANN, NORTH, 0..600), (BOB, SOUTH, 1_000..1_600)] {
            world.register(&devices(range.clone()), user, gateway);
            world.store(user, &manifest(2, LARGE), &devices(range));
        }
        let mut story = Self {
            world,
            first,
            batches: Vec::new(),
        };
        story.set_capacity(100 * PER_DAY);
        for batch in sent.iter().filter(|it| it.window.is_some() || it.run_ahead) {
            let day = story.day(batch.days);
            story.agree(batch, day);
        }
        story.set_capacity(PER_DAY);
        for batch in sent {
            story.send(batch);
        }
        story.world.habit = Some(succeed);
        story.world.connect(NORTH);
        story.world.connect(SOUTH);
        story
    }

    fn day(&self, days: i32) -> ServiceDate {
        ServiceDate::from_days(self.first.days() + days)
    }

    fn set_capacity(&mut self, capacity: u32) {
        let set = self.world.set_capacity(Span::From(self.first), capacity);
        set.expect("it may be set");
    }

    /// Under a schedule of its own where it has terms.
    fn send(&mut self, sent: &Sent) {
        let day = self.day(sent.days);
        let before = self.batches.iter().filter(|(user, ..)| *user == sent.user);
        let from: usize = before.clone().map(|(.., devices)| devices.len()).sum();
        let number = u64::try_from(before.count()).expect("few") + 1;
        let from = u64::try_from(from).expect("few") + if sent.user == ANN { 0 } else { 1_000 };
        let part = devices(from..from + u64::from(sent.count));
        self.world
            .submit_for((sent.user, &manifest(2, LARGE)), &part, day)
            .expect("admitted");
        self.batches.push((sent.user, number, part));
    }

    /// Agreed while there was more capacity: so windows may have more in them than their hours carry.
    fn agree(&mut self, sent: &Sent, day: ServiceDate) {
        let mut deal = Deal {
            quota: [(day, sent.count)].into_iter().collect(),
            ..Deal::default()
        };
        deal.terms.window = sent
            .window
            .map(|(from, to)| HourWindow::new(from, to).expect("a window"));
        deal.terms.run_ahead = sent.run_ahead;
        let world = &mut self.world;
        let request = dco_schedule::Request {
            earliest: day,
            latest: day,
            ..asking(sent.count)
        };
        let asked = world.act(Asker::User, first_of(sent.user), Act::Request(request));
        let id = schedule_of(asked.expect("the request is right")).id;
        let answer_by_us = world.in_two_days();
        world
            .act(officer(IDA), id, Act::Offer { deal, answer_by_us })
            .expect("it fits");
        world.act(Asker::User, id, Act::Accept).expect("it fits");
    }

    /// When the last of each batch is predicted to be released, of those of which anything waits.
    fn predicted(&mut self) -> Vec<Option<Micros>> {
        let batches = self.batches.clone();
        let predicted = batches.iter().map(|(user, number, _)| {
            let view = self.world.batch(*user, *number);
            let waits = view.counts.parked + view.counts.queued + view.counts.retry_wait > 0;
            let said = view.predicted.map(|it| it.release_us);
            assert_eq!(said.is_some(), waits, "nothing is under way for long");
            said
        });
        predicted.collect()
    }

    fn simulated(&mut self) -> Simulation<Eui64> {
        let requests = Vec::new();
        let asked = ScheduleRequest::Simulate { requests };
        match self.world.ask(Request::Schedules(asked)) {
            Ok(Reply::Simulation(simulation)) => *simulation,
            other => panic!("no simulation: {other:?}"),
        }
    }

    fn released_us(&mut self, user: Eui64, batch: u64, device: Eui64) -> Micros {
        let activation = self.world.activation(user, batch, device);
        activation.released_us.expect("it was released")
    }

    /// A simulation names the days that predictions name.
    fn check_simulated(&mut self, predicted: &[Option<Micros>], story: &str) {
        let calendar = Calendar::london();
        let simulation = self.simulated();
        for user in [ANN, BOB] {
            let batches = self.batches.iter().zip(predicted);
            let own = batches.filter(|((of, ..), _)| *of == user);
            let last = own.filter_map(|(_, said)| *said).max();
            let day = last.map(|at_us| calendar.day_at(at_us).date);
            let finish = simulation.users.get(&user).and_then(|it| it.finish);
            assert_eq!(finish, day, "{story}: {user}");
        }
    }
}

#[test]
fn predictions_and_simulations_are_what_is_released() {
    for (profile_name, profile) in profiles() {
        for first in ["2026-06-01", "2026-03-29", "2026-10-25"] {
            for (name, sent) in stories() {
                let name = format!("{name}, {profile_name}, {first}");
                tell(
                    &name,
                    Story::begin(date(first), profile, &sent),
                    slowest_us(&profile),
                );
            }
        }
    }
}

fn tell(name: &str, mut story: Story, off_max_us: Micros) {
    let mut said = Vec::new();
    let simulation = story.simulated();
    for _ in 0..10 {
        let predicted = story.predicted();
        story.check_simulated(&predicted, name);
        said.push((story.world.now_us, predicted));
        story.world.pass(5 * HOUR_US);
    }
    story.world.pass(4 * DAY_US);
    for (place, (user, number, devices)) in story.batches.clone().into_iter().enumerate() {
        let released = devices
            .iter()
            .map(|it| story.released_us(user, number, *it));
        let was_us = released.max().expect("it has Devices");
        for (at_us, predicted) in &said {
            let Some(said_us) = predicted[place] else {
                continue;
            };
            let off_us = (said_us - was_us) / 1_000_000;
            assert!(
                said_us.abs_diff(was_us) <= off_max_us.unsigned_abs(),
                "{name}: batch {number} of {user}, said at {at_us}: {off_us} s off, {} allowed",
                off_max_us / 1_000_000
            );
        }
    }
    for day in &simulation.days {
        for user in [ANN, BOB] {
            let days = story.world.days(Some(user));
            let was = days
                .iter()
                .find(|it| it.day.date == day.date)
                .map_or(0, |it| it.released);
            let said = day.released.get(&user).copied().unwrap_or(0);
            let off = said.abs_diff(u64::from(was));
            assert!(
                off <= RELEASES_OFF.into(),
                "{name}: {user} on {}: {said}, not {was}",
                day.date
            );
        }
    }
}

/// One activation in the middle of a batch is explained by the same model.
#[test]
fn what_is_explained_is_what_is_released() {
    let [_, (_, profile), _] = profiles();
    let sent = [sent(ANN, 400, 0), sent(BOB, 150, 0)];
    let mut story = Story::begin(date("2026-06-01"), profile, &sent);
    story.world.pass(HOUR_US);
    let asked = [100, 200, 399].map(device);
    let said = asked.map(|device| story.world.explain(ANN, 1, device).predicted_release_us);
    story.world.pass(3 * DAY_US);
    for (device, said_us) in asked.into_iter().zip(said) {
        let was_us = story.released_us(ANN, 1, device);
        let off_us = said_us.expect("it waits").abs_diff(was_us);
        assert!(
            off_us <= slowest_us(&profile).unsigned_abs(),
            "{device}: {off_us} us"
        );
    }
}
