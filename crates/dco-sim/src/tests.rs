//! Whole worlds.

use crate::{Options, run};

/// Runs seeds and shows all that fail.
fn all_kept(seeds: impl IntoIterator<Item = u64>) {
    let outcomes = seeds.into_iter().map(|seed| run(seed, &Options::default())).inspect(|o| eprintln!("{} {:?} {:?}", o.seed, o.figures, o.failure.as_ref().map(|f| (f.promise, f.what.chars().take(600).collect::<String>()))));
    let failed: Vec<String> = outcomes
        .filter(|outcome| outcome.failure.is_some())
        .map(|outcome| outcome.to_string())
        .collect();
    assert!(failed.is_empty(), "\n{}", failed.join("\n\n"));
}

#[test]
fn a_hundred_seeds_keep_every_promise() {
    all_kept(0..100);
}

/// Seeds once failed: each line of the list begins with one, and says why.
#[test]
fn seeds_that_once_failed_keep_every_promise() {
    let list = include_str!("../seeds.txt");
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    let seeds = lines.filter_map(|line| line.split_whitespace().next());
    all_kept(seeds.map(|seed| seed.parse().expect("a line begins with a seed")));
}

#[test]
fn a_seed_gives_the_same_trace_each_time() {
    for seed in [0, 1, 2, 3, 4] {
        let options = Options::default();
        let first = run(seed, &options);
        assert_eq!(run(seed, &options), first);
        assert_ne!(run(seed + 1, &options).trace_hash, first.trace_hash);
    }
}

/// `DCO_SIM_SEEDS=17` or `DCO_SIM_SEEDS=0..5000`.
#[test]
#[ignore = "runs the seeds named in DCO_SIM_SEEDS"]
fn seeds_of_the_environment() {
    let named = std::env::var("DCO_SIM_SEEDS").expect("DCO_SIM_SEEDS names a seed or a range");
    let number = |text: &str| text.parse::<u64>().expect("a seed is a number");
    match named.split_once("..") {
        Some((first, end)) => all_kept(number(first)..number(end)),
        None => all_kept([number(&named)]),
    }
}
