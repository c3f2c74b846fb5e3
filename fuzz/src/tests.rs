//! What is kept in `corpus/`, through the body of each target.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use dco_engine::record::{Change, Record};
use prost::Message;

use super::{TARGETS, engine, seeds};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let name = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry.expect("it can be listed");
        entry.file_name().into_string().expect("a plain name")
    };
    entries.map(name).collect()
}

#[test]
fn whatever_is_kept_is_taken_by_its_target() {
    for (target, run) in TARGETS {
        let folder = corpus().join(target);
        for name in names_in(&folder) {
            // The last line before a panic says which input it was.
            println!("{target}/{name}");
            run(&fs::read(folder.join(name)).expect("a plain file"));
        }
    }
}

#[test]
fn every_target_has_a_binary_and_a_corpus_and_no_corpus_is_left_over() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names_in(&corpus()), targets);
    let files = names_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz_targets"));
    let expected: BTreeSet<String> = targets.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(files, expected);
}

#[test]
fn seeds_are_for_targets_and_go_through_them() {
    for seed in seeds::all() {
        let target = TARGETS.iter().find(|(name, _)| *name == seed.target);
        let (name, run) = target.expect("a seed is for a target");
        println!("{name}/{}", seed.name);
        run(&seed.bytes);
    }
}

/// A target that is refused everything finds nothing.
#[test]
fn the_stories_that_fuzzing_begins_with_reach_what_matters() {
    let seeds = seeds::all()
        .into_iter()
        .filter(|seed| seed.target == "engine");
    let (mut succeeded, mut failed, mut steps, mut charged) = (0, 0, 0, 0);
    for seed in seeds {
        let world = engine::lived(&seed.bytes);
        let stats = world.engine.stats();
        succeeded += stats.activations_succeeded;
        failed += stats.activations_failed;
        for record in &world.journal {
            let record = Record::decode(record.as_slice()).expect("the engine wrote it");
            match record.change {
                Some(Change::ScheduleStepped(_)) => steps += 1,
                Some(Change::Released(it)) if it.charged_date.is_some() => charged += 1,
                _ => {}
            }
        }
    }
    let reached = (succeeded, failed, steps, charged);
    assert!(
        succeeded > 0 && failed > 0 && steps > 4 && charged > 3,
        "{reached:?}"
    );
}
