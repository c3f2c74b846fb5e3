//! What can happen to a batch with canaries, in every order: nothing is left hanging, and a restart changes nothing.

use std::num::NonZeroU32;

use dco_engine::{AttemptRef, HOUR_US, Outcome, Reply, Request, Scope, Session, SubmitBatch};

use crate::canaries;
use crate::dump::dump;
use crate::sample::{ANN, DAY_US, LARGE, NORTH, capacity, devices, manifest};
use crate::world::schedules::first_of;
use crate::world::{World, succeed};

/// One thing that happens, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    GiveUp,
    Succeed,
    Pause,
    Resume,
    Cancel,
    Crash,
    Late,
}

const STEPS: [Step; 7] = [
    Step::GiveUp,
    Step::Succeed,
    Step::Pause,
    Step::Resume,
    Step::Cancel,
    Step::Crash,
    Step::Late,
];

/// All 5,040 orders take minutes: so many of them are left out each time, and each step still comes in each place.
const EVERY: usize = 41;

/// A world with a batch of which two Devices go first, and what is paused of it.
struct Story {
    world: World,
    scope: Scope,
    given_up: Option<AttemptRef>,
}

impl Story {
    fn of_schedule() -> Self {
        let scope = Scope::Schedule(first_of(ANN));
        Self::of(canaries::ready(), scope)
    }

    fn of_batch() -> Self {
        let mut world = World::new(capacity(1_000));
        world.register(&devices(0..40), ANN, NORTH);
        world.store(ANN, &manifest(2, LARGE), &devices(0..40));
        world.connect(NORTH);
        let asked = SubmitBatch {
            canary: NonZeroU32::new(2),
            ..world.batch_of(ANN, &manifest(2, LARGE), &devices(0..8))
        };
        world.submit_this(&asked).expect("admitted");
        let (user, number) = (ANN, 1);
        Self::of(world, Scope::Batch { user, number })
    }

    fn of(mut world: World, scope: Scope) -> Self {
        world
            .submit(ANN, &manifest(2, LARGE), &devices(20..24))
            .expect("admitted");
        Self {
            world,
            scope,
            given_up: None,
        }
    }

    /// The next attempt of the first batch that has not ended.
    fn next(&mut self) -> Option<(Session, AttemptRef)> {
        let of_first = |it: &(Session, dco_engine::Offer)| it.1.attempt.activation.batch == 1;
        let place = self.world.offered.iter().position(of_first)?;
        let (_, offer) = self.world.offered.remove(place);
        Some((self.world.stream(NORTH)?, offer.attempt))
    }

    fn step(&mut self, step: Step) {
        let scope = self.scope;
        match step {
            Step::GiveUp => {
                let next = self.next();
                if let Some((session, attempt)) = next {
                    let outcome = Outcome::HardwareVersionMismatch;
                    self.world.end(session, attempt, outcome);
                }
                self.given_up = self.given_up.or_else(|| next.map(|it| it.1));
            }
            Step::Succeed => {
                if let Some((session, attempt)) = self.next() {
                    self.world.end(session, attempt, Outcome::Success);
                }
            }
            // Either may be so already.
            Step::Pause => drop(self.world.pause_of_part(scope)),
            Step::Resume => drop(self.world.resume_of_part(scope)),
            Step::Cancel => drop(self.world.cancel_batch(ANN, 1)),
            Step::Crash => {
                self.world.crash();
                self.world.connect(NORTH);
            }
            Step::Late => {
                if let (Some(attempt), Some(session)) = (self.given_up, self.world.stream(NORTH)) {
                    self.world.end(session, attempt, Outcome::Success);
                }
            }
        }
    }

    /// What is asked of it afterwards, whatever has happened.
    fn finish(&mut self, steps: &[Step]) {
        let world = &mut self.world;
        let recovered = dump(&mut world.replayed(), world.now_us);
        assert_eq!(
            dump(&mut world.engine, world.now_us),
            recovered,
            "{steps:?}"
        );
        world.habit = Some(succeed);
        world.crash();
        world.connect(NORTH);
        for _ in 0..2 {
            let Ok(Reply::Pauses(pauses)) = world.ask(Request::ListPauses) else {
                panic!("no pauses");
            };
            for pause in pauses {
                world.resume_of_part(pause.scope).expect("it is paused");
            }
            world.pass(HOUR_US);
        }
        world.pass(DAY_US);
        assert_eq!(world.batch(ANN, 1).counts.open(), 0, "{steps:?}");
        assert_eq!(world.batch(ANN, 2).counts.succeeded, 4, "{steps:?}");
        let pauses = world.ask(Request::ListPauses);
        let none = matches!(&pauses, Ok(Reply::Pauses(pauses)) if pauses.is_empty());
        assert!(none, "{steps:?}: {pauses:?}");
    }
}

fn orders(of: &[Step]) -> Vec<Vec<Step>> {
    if of.is_empty() {
        return vec![Vec::new()];
    }
    let with_first = |first: &Step| {
        let rest: Vec<Step> = of.iter().copied().filter(|it| it != first).collect();
        let first = *first;
        orders(&rest).into_iter().map(move |mut order| {
            order.insert(0, first);
            order
        })
    };
    of.iter().flat_map(with_first).collect()
}

#[test]
fn canaries_pauses_ends_and_cancellation_come_in_any_order() {
    for tell in [Story::of_schedule, Story::of_batch] {
        for steps in orders(&STEPS).into_iter().step_by(EVERY) {
            let mut story = tell();
            for step in &steps {
                story.step(*step);
            }
            story.finish(&steps);
        }
    }
}
