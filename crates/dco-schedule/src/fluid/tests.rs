use proptest::prelude::*;

use super::*;

/// What is divided, written down as slowly as it is defined: each unit by itself, from one User that is full to the next.
#[derive(Default)]
struct Model {
    users: BTreeMap<u8, Wish>,
}

#[derive(Clone, Copy, Default)]
struct Wish {
    weight: f64,
    waiting: f64,
    entitled: f64,
    paused: bool,
}

impl Model {
    fn of(&mut self, user: u8) -> &mut Wish {
        self.users.entry(user).or_insert_with(|| Wish {
            weight: 1.0,
            ..Wish::default()
        })
    }

    fn serve(&mut self) {
        let mut left = 1.0;
        while left > 1e-12 {
            let open = |it: &&mut Wish| it.waiting > 1e-9 && !it.paused;
            let weight: f64 = self
                .users
                .values_mut()
                .filter(open)
                .map(|it| it.weight)
                .sum();
            let lowest = self.users.values_mut().filter(open);
            let lowest = lowest.map(|it| it.waiting / it.weight).reduce(f64::min);
            let Some(lowest) = lowest else { return };
            let step = lowest.min(left / weight);
            for it in self.users.values_mut().filter(open) {
                it.waiting -= step * it.weight;
                it.entitled += step * it.weight;
            }
            left -= step * weight;
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Arrive(u8, u32),
    Leave(u8, u32),
    Weight(u8, u32),
    Pause(u8, bool),
    Serve(u16),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let user = 0..5_u8;
    let step = prop_oneof![
        3 => (user.clone(), 0..40_u32).prop_map(|(user, units)| Step::Arrive(user, units)),
        1 => (user.clone(), 0..20_u32).prop_map(|(user, units)| Step::Leave(user, units)),
        1 => (user.clone(), 0..600_u32).prop_map(|(user, weight)| Step::Weight(user, weight)),
        1 => (user, any::<bool>()).prop_map(|(user, paused)| Step::Pause(user, paused)),
        3 => (0..50_u16).prop_map(Step::Serve),
    ];
    prop::collection::vec(step, 0..60)
}

fn take(fluid: &mut Fluid<u8>, step: Step) {
    match step {
        Step::Arrive(user, units) => fluid.arrive(user, units),
        Step::Leave(user, units) => fluid.leave(user, units),
        Step::Weight(user, weight) => fluid.set_weight(user, weight),
        Step::Pause(user, paused) => fluid.set_paused(user, paused),
        Step::Serve(units) => (0..units).for_each(|_| fluid.serve()),
    }
}

proptest! {
    #[test]
    fn what_users_are_entitled_to_is_what_the_definition_gives(steps in steps()) {
        let (mut fluid, mut model) = (Fluid::default(), Model::default());
        for step in steps {
            take(&mut fluid, step);
            match step {
                Step::Arrive(user, units) => model.of(user).waiting += f64::from(units),
                Step::Leave(user, units) => model.of(user).waiting -= f64::from(units),
                Step::Weight(user, weight) => model.of(user).weight = f64::from(weight.max(1)),
                Step::Pause(user, paused) => model.of(user).paused = paused,
                Step::Serve(units) => (0..units).for_each(|_| model.serve()),
            }
        }
        for (user, milliunits) in fluid.entitled() {
            let expected = model.of(user).entitled * 1_000.0;
            let off = u32::try_from(milliunits).map(f64::from).unwrap() - expected;
            prop_assert!(off.abs() < 1.0, "{user}: {milliunits} for {expected}");
        }
    }

    #[test]
    fn nothing_is_lost_or_made(steps in steps()) {
        let mut fluid = Fluid::default();
        // Nobody leaves, nobody is paused, and one User always waits: then all that is served is somebody's.
        fluid.arrive(9, u32::MAX >> 2);
        let mut served = 0;
        for step in steps {
            if let Step::Serve(units) = step {
                served += u64::from(units);
            }
            if !matches!(step, Step::Leave(..) | Step::Pause(..)) {
                take(&mut fluid, step);
            }
        }
        fluid.settle();
        let settled = fluid.kept();
        let entitled: u64 = fluid.users.values().map(|it| it.served_at(fluid.level).entitled).sum();
        prop_assert_eq!(entitled + settled.spare, served * PARTS);
    }

    #[test]
    fn what_is_kept_goes_on_the_same(before in steps(), after in steps()) {
        let mut fluid = Fluid::default();
        before.into_iter().for_each(|step| take(&mut fluid, step));
        let mut resumed = Fluid::resume(fluid.kept()).unwrap();
        prop_assert_eq!(&resumed, &fluid);
        for step in after {
            take(&mut fluid, step);
            take(&mut resumed, step);
        }
        prop_assert_eq!(resumed, fluid);
    }
}

fn entitled(fluid: &Fluid<u8>) -> Vec<(u8, u64)> {
    fluid.entitled().collect()
}

#[test]
fn two_that_wait_share_by_weight_and_what_one_cannot_use_goes_to_the_other() {
    let mut fluid = Fluid::default();
    for (user, units) in [(1, 30), (2, 5)] {
        fluid.arrive(user, units);
        fluid.set_weight(user, units);
    }
    (0..7).for_each(|_| fluid.serve());
    assert_eq!(entitled(&fluid), [(1, 6_000), (2, 1_000)]);
    fluid.set_weight(2, 300);
    (0..10).for_each(|_| fluid.serve());
    assert_eq!(entitled(&fluid), [(1, 12_000), (2, 5_000)]);
    (0..100).for_each(|_| fluid.serve());
    assert_eq!(entitled(&fluid), [(1, 30_000), (2, 5_000)], "nobody waits");
}

#[test]
fn who_takes_back_what_it_was_entitled_to_is_not_entitled_to_it_twice() {
    let mut fluid = Fluid::default();
    for user in [1, 2] {
        fluid.arrive(user, 10);
    }
    (0..10).for_each(|_| fluid.serve());
    fluid.leave(1, 10);
    fluid.arrive(1, 10);
    (0..10).for_each(|_| fluid.serve());
    assert_eq!(entitled(&fluid), [(1, 10_000), (2, 10_000)]);
}

#[test]
fn what_cannot_have_come_about_is_refused() {
    let mut fluid = Fluid::default();
    fluid.arrive(1, 1);
    let mut kept = fluid.kept();
    kept.users[0].level = 1;
    assert_eq!(Fluid::resume(kept), Err(InvalidFluid));
    let mut kept = fluid.kept();
    kept.users.push(kept.users[0]);
    assert_eq!(Fluid::resume(kept), Err(InvalidFluid));
}
