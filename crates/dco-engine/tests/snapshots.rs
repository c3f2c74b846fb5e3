//! A start from a snapshot is a start from the records before it.

use std::sync::LazyLock;

use dco_block::crc32;
use dco_engine::{Engine, Event, ReplayError, Report, ScheduleTerms, Seq, Terms};
use proptest::prelude::*;

use crate::anything::steps::{Step, steps};
use crate::anything::{after, check, ready};
use crate::dump::dump;
use crate::replay::busy;
use crate::sample::{ANN, DAY_US, LARGE, NORTH, SOUTH, capacity, device, manifest};
use crate::world::World;

/// The state as text, without what another order of the same pushes changes: where queues keep their entries.
/// What they are is seen by [`dump`] and by what follows.
fn bare(engine: &Engine) -> String {
    let text = format!("{engine:#?}");
    let mut in_queue = false;
    let lines = text.lines().filter(|line| {
        in_queue |= line.ends_with(": FairQueue {");
        let is_kept = !in_queue && !line.contains("node: ") && !line.contains("push: ");
        in_queue &= *line != "    },";
        is_kept
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What an engine that took this snapshot makes of it.
fn taken(terms: &Terms, seq: usize, snapshot: &[u8]) -> Result<Engine, ReplayError> {
    let seq = Seq::try_from(seq).expect("short");
    Engine::from_snapshot(terms.clone(), seq, snapshot)
}

/// Records of a test, and a snapshot of them: both give the same engine. Answers whether they give one: records that follow a snapshot,
/// or that a test has forged, do not.
pub(crate) fn same_as_replayed(journal: &[Vec<u8>], terms: &Terms) -> bool {
    let mut replayed = Engine::new(terms.clone());
    for (seq, record) in (1..).zip(journal) {
        if replayed.replay(seq, record).is_err() {
            return false;
        }
    }
    let snapshot = replayed.snapshot();
    let again = taken(terms, journal.len(), &snapshot).expect("its own");
    assert_eq!(again.snapshot(), snapshot);
    assert_eq!(again.next_wakeup(), replayed.next_wakeup());
    for (again, replayed) in bare(&again).lines().zip(bare(&replayed).lines()) {
        assert_eq!(again, replayed);
    }
    true
}

/// One engine replays all records; another one takes its snapshot after each, and is the same.
fn same_at_every_cut(journal: &[Vec<u8>], terms: &Terms) {
    let mut replayed = Engine::new(terms.clone());
    for (cut, record) in journal.iter().enumerate() {
        let snapshot = replayed.snapshot();
        let mut again = taken(terms, cut, &snapshot).expect("its own");
        assert_eq!(again.snapshot(), snapshot, "after {cut}");
        assert_eq!(again.last_time_us(), replayed.last_time_us());
        assert_eq!(again.next_wakeup(), replayed.next_wakeup());
        if cut % 8 == 0 {
            for (again, replayed) in bare(&again).lines().zip(bare(&replayed).lines()) {
                assert_eq!(again, replayed, "after {cut}");
            }
        }
        let seq = Seq::try_from(cut + 1).expect("short");
        replayed.replay(seq, record).expect("its own");
        again.replay(seq, record).expect("its own");
        assert_eq!(again.snapshot(), replayed.snapshot(), "{cut} and one more");
    }
}

/// After these steps it starts anew, from a snapshot after so many records or from none; then the others follow.
fn lived(before: &[Step], cut: Option<usize>, then: &[Step]) -> World {
    let mut world = after(before);
    world.start_from = cut;
    world.crash();
    for step in then {
        world.step(step);
    }
    world.pass(DAY_US);
    world.connect(NORTH);
    world.connect(SOUTH);
    world.pass(10 * DAY_US);
    world
}

#[test]
fn a_snapshot_has_each_kind_of_state_and_is_the_same_at_every_cut() {
    let world = busy();
    same_at_every_cut(&world.journal, &world.terms);
}

#[test]
fn an_engine_without_history_has_a_snapshot() {
    let terms = capacity(3);
    let engine = Engine::new(terms.clone());
    let again = taken(&terms, 0, &engine.snapshot()).expect("its own");
    assert_eq!(bare(&again), bare(&engine));
    assert_eq!(again.last_seq(), 0);
}

#[test]
fn a_change_of_the_configuration_holds_for_a_snapshot_as_it_does_for_its_records() {
    let world = busy();
    let mut changed = world.terms.clone();
    changed.burst = 1;
    changed.retention.expired_us = 30 * DAY_US;
    changed.allowance_per_day += 1;
    changed.capacity_per_day += 1;
    changed.schedules = ScheduleTerms::default();
    let mut before = Engine::new(world.terms.clone());
    let mut replayed = Engine::new(changed.clone());
    let mut paced_otherwise = 0;
    for (seq, record) in (1..).zip(&world.journal) {
        for engine in [&mut before, &mut replayed] {
            engine.replay(seq, record).expect("its own");
        }
        let snapshot = before.snapshot();
        assert!(replayed.agrees_with(&snapshot), "after {seq}");
        paced_otherwise += usize::from(replayed.snapshot() != snapshot);
    }
    assert!(paced_otherwise > 0, "the burst makes a difference");
    let taken = taken(&changed, world.journal.len(), &before.snapshot()).expect("its own");
    let wanted = |engine: &Engine| -> Vec<Seq> {
        let owners = 1..=engine.last_seq();
        owners.filter(|it| engine.wants_blocks_of(*it)).collect()
    };
    assert_eq!(wanted(&taken), wanted(&replayed));
    assert_ne!(wanted(&taken), wanted(&before), "one has expired");
}

#[test]
fn a_snapshot_that_says_something_else_or_nothing_does_not_agree() {
    let replayed = busy().replayed();
    let nothing = Engine::new(Terms::default()).snapshot();
    assert!(!replayed.agrees_with(&nothing));
    assert!(!replayed.agrees_with(&replayed.snapshot()[1..]));
}

#[test]
#[should_panic(expected = "replayed records only")]
fn a_living_engine_makes_none() {
    let mut engine = Engine::new(Terms::default());
    engine.handle(Event::Tick, 0);
    engine.snapshot();
}

#[test]
fn a_snapshot_of_a_newer_program_is_refused() {
    let mut snapshot = Engine::new(Terms::default()).snapshot();
    assert_eq!(&snapshot[..2], [8, 5], "the format stands first");
    snapshot[1] = 6;
    sign(&mut snapshot);
    let error = taken(&Terms::default(), 0, &snapshot).expect_err("newer");
    let expected = "the snapshot after journal record 0 cannot be applied: its format is 6";
    assert!(error.to_string().starts_with(expected), "{error}");
}

/// Gives changed bytes their CRC-32.
fn sign(snapshot: &mut [u8]) {
    let (bytes, crc) = snapshot.split_last_chunk_mut::<4>().expect("it has a CRC");
    *crc = crc32(bytes).to_le_bytes();
}

/// Terms, number of records, and snapshot of a busy engine.
static BUSY: LazyLock<(Terms, usize, Vec<u8>)> = LazyLock::new(|| {
    let world = busy();
    let snapshot = world.replayed().snapshot();
    (world.terms.clone(), world.journal.len(), snapshot)
});

#[test]
fn no_flipped_bit_and_no_missing_end_passes() {
    let (terms, seq, snapshot) = &*BUSY;
    assert!(taken(terms, *seq, snapshot).is_ok());
    for at in 0..snapshot.len() {
        assert!(taken(terms, *seq, &snapshot[..at]).is_err(), "cut at {at}");
    }
    for bit in (0..snapshot.len() * 8).step_by(3) {
        let mut damaged = snapshot.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(taken(terms, *seq, &damaged).is_err(), "bit {bit}");
    }
}

/// An engine of a snapshot that is not its own lives through some days without falling over.
fn lives(terms: &Terms, engine: Engine) {
    let mut world = World::new(terms.clone());
    world.take_over(engine);
    world.connect(NORTH);
    world.connect(SOUTH);
    dump(&mut world.engine, world.now_us);
    for _ in 0..3 {
        world.now_us += DAY_US;
        world.handle(Event::Tick);
    }
    dump(&mut world.engine, world.now_us);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn at_every_cut_a_snapshot_is_the_records_before_it(steps in steps()) {
        let world = after(&steps);
        same_at_every_cut(&world.journal, &world.terms);
    }

    #[test]
    fn what_follows_is_the_same(
        before in steps(),
        cut in any::<prop::sample::Index>(),
        then in steps(),
    ) {
        let mut plain = lived(&before, None, &then);
        let journal = after(&before).journal.len();
        let mut again = lived(&before, Some(cut.index(journal + 1)), &then);
        prop_assert_eq!(&plain.journal, &again.journal);
        prop_assert_eq!(plain.effects(), again.effects());
        let now_us = plain.now_us;
        prop_assert_eq!(dump(&mut plain.engine, now_us), dump(&mut again.engine, now_us));
        check(&mut again);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Bytes changed, lost, doubled or made up, with their right CRC-32: refused, or taken and never a panic.
    #[test]
    fn no_bytes_make_it_fall_over(
        at in any::<prop::sample::Index>(),
        len in 0_usize..20,
        how in 0..4,
        bytes in proptest::collection::vec(any::<u8>(), 0..12),
    ) {
        let (terms, seq, snapshot) = &*BUSY;
        let mut damaged = snapshot[..snapshot.len() - 4].to_vec();
        let at = at.index(damaged.len());
        let to = (at + len).min(damaged.len());
        match how {
            0 => drop(damaged.splice(at..to, bytes)),
            1 => drop(damaged.splice(at..at, snapshot[at..to].to_vec())),
            2 => damaged[at] = damaged[at].wrapping_add(1),
            _ => {
                let same = at..(at + bytes.len()).min(damaged.len());
                let len = same.len();
                damaged.splice(same, bytes[..len].to_vec());
            }
        }
        damaged.extend([0; 4]);
        sign(&mut damaged);
        if let Ok(engine) = taken(terms, *seq, &damaged) {
            lives(terms, engine);
        }
    }
}

#[test]
fn an_engine_that_starts_from_a_snapshot_has_told_what_is_in_it() {
    let mut world = ready();
    world.start_from = Some(world.journal.len());
    world.crash();
    check(&mut world);
}

#[test]
fn a_unit_that_was_never_lent_is_not_given_back_as_lent() {
    let mut world = World::new(capacity(10));
    world.register(&[device(0)], ANN, NORTH);
    world.store(ANN, &manifest(2, LARGE), &[device(0)]);
    world
        .submit(ANN, &manifest(2, LARGE), &[device(0)])
        .expect("admitted");
    world.connect(NORTH);
    assert_eq!(world.offers().len(), 1, "one unit is charged");
    let (seq, snapshot) = (world.journal.len(), world.replayed().snapshot());
    let mut refused = 0;
    for at in 0..snapshot.len() - 4 {
        for bit in 0..8 {
            let mut forged = snapshot.clone();
            forged[at] ^= 1 << bit;
            sign(&mut forged);
            match taken(&world.terms, seq, &forged) {
                Ok(engine) => declines_all(&world, engine),
                Err(error) => refused += usize::from(error.to_string().contains("are lent")),
            }
        }
    }
    assert!(refused > 0, "the mark of what is lent was among them");
}

/// What was on offer goes back, on the day on which it was charged.
fn declines_all(of: &World, engine: Engine) {
    let mut world = World::new(of.terms.clone());
    world.now_us = of.now_us;
    world.take_over(engine);
    let session = world.connect(NORTH);
    for offer in world.offers() {
        let message = String::new();
        world.report(session, offer.attempt, Report::Declined { message });
    }
}
