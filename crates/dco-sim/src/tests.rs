//! Whole worlds.

use crate::{Figures, Options, run, run_twice};

/// Runs seeds and shows all that fail.
fn all_kept(seeds: impl IntoIterator<Item = u64>) {
    let outcomes = seeds.into_iter().map(|seed| run(seed, &Options::default()));
    let failed: Vec<String> = outcomes
        .filter(|outcome| outcome.failure.is_some())
        .map(|outcome| outcome.to_string())
        .collect();
    assert!(failed.is_empty(), "\n{}", failed.join("\n\n"));
}

// A hundred seeds in four tests, so that they run side by side.

#[test]
fn seeds_0_to_24_keep_every_promise() {
    all_kept(0..25);
}

#[test]
fn seeds_25_to_49_keep_every_promise() {
    all_kept(25..50);
}

#[test]
fn seeds_50_to_74_keep_every_promise() {
    all_kept(50..75);
}

#[test]
fn seeds_75_to_99_keep_every_promise() {
    all_kept(75..100);
}

/// Each line of the list begins with a seed, and says what it found.
#[test]
fn seeds_that_once_failed_keep_every_promise() {
    let list = include_str!("../seeds.txt");
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    let seeds = lines.filter_map(|line| line.split_whitespace().next());
    all_kept(seeds.map(|seed| seed.parse().expect("a line begins with a seed")));
}

#[test]
fn a_seed_gives_the_same_run_each_time_and_another_seed_another() {
    let options = Options::default();
    let hashes = [100, 101, 102, 103, 104].map(|seed| {
        let outcome = run_twice(seed, &options);
        assert_eq!(outcome.failure, None, "{outcome}");
        outcome.trace_hash
    });
    let different: std::collections::BTreeSet<_> = hashes.into_iter().collect();
    assert_eq!(different.len(), hashes.len());
}

/// A simulator in which nothing happens keeps every promise too.
#[test]
fn much_happens_in_worlds() {
    let worlds: Vec<Figures> = (1..=40)
        .map(|seed| run(seed, &Options::default()).figures)
        .collect();
    let sum = |of: fn(&Figures) -> u64| worlds.iter().map(of).sum::<u64>();
    assert!(sum(|it| it.starts) > 20, "{worlds:?}");
    assert!(sum(|it| it.records) > 2_000, "{worlds:?}");
    assert!(sum(|it| it.blocks_acknowledged) > 200, "{worlds:?}");
    assert!(sum(|it| it.activated) > 100, "{worlds:?}");
    assert!(sum(|it| it.agreed) > 10, "{worlds:?}");
    assert!(sum(|it| it.imposed) > 0, "{worlds:?}");
    assert!(sum(|it| it.lent) > 0, "{worlds:?}");
    assert!(sum(|it| it.through_security_lane) > 0, "{worlds:?}");
    assert!(sum(|it| it.paused) > 3, "{worlds:?}");
    assert!(sum(|it| it.stopped) > 0, "{worlds:?}");
    assert!(sum(|it| it.breakers_opened) > 0, "{worlds:?}");
    assert!(sum(|it| it.restored) > 0, "{worlds:?}");
    assert!(sum(|it| it.capacities_set) > 10, "{worlds:?}");
}

/// In any seven months and a week the clocks change twice.
#[test]
fn a_quiet_world_passes_both_changes_of_the_clocks() {
    let options = Options {
        faulty_steps: 12_000,
        ..Options::default()
    };
    let outcome = run(5, &options);
    assert_eq!(outcome.failure, None, "{outcome}");
    assert!(outcome.figures.days > 220, "{outcome}");
}

#[test]
fn a_world_that_gets_no_time_to_end_fails_and_says_how_to_run_it_again() {
    let options = Options {
        faulty_steps: 200,
        steps_to_end: 1,
    };
    let outcome = run(3, &options);
    let failure = outcome.failure.as_ref().expect("nothing can have ended");
    assert_eq!(failure.promise, "everything comes to its end");
    assert!(!failure.last.is_empty());
    assert!(outcome.to_string().contains("dco sim --seed 3"));
}
