//! One signature for each service day that is over, and what was refused on record.

use dco_engine::record::{Change, CheckpointMade, Record, Refused};
use dco_engine::{Event, Reply, Request, SignedCheckpoint, Terms};
use prost::Message;

use crate::replay::refused;
use crate::sample::{ANN, DAY_US, SOUTH};
use crate::world::World;

fn signing() -> World {
    World::new(Terms {
        checkpoints: true,
        ..Terms::default()
    })
}

fn changes(world: &World) -> Vec<Change> {
    let each = world.journal.iter().map(|record| {
        let record = Record::decode(record.as_slice()).expect("its own");
        record.change.expect("it says something")
    });
    each.collect()
}

fn checkpoints(world: &World) -> Vec<CheckpointMade> {
    let made = changes(world)
        .into_iter()
        .filter_map(|change| match change {
            Change::CheckpointMade(it) => Some(it),
            _ => None,
        });
    made.collect()
}

#[test]
fn each_service_day_that_is_over_is_signed_once() {
    let mut world = signing();
    for _ in 0..12 {
        world.pass(DAY_US / 3);
    }
    let dates: Vec<i32> = checkpoints(&world).iter().map(|it| it.date).collect();
    assert!(dates.len() >= 4, "{dates:?}");
    assert!(
        dates.is_sorted_by(|one, next| one + 1 == *next),
        "{dates:?}"
    );
}

#[test]
fn a_restart_signs_no_day_again_and_after_days_of_silence_only_the_last() {
    let mut world = signing();
    world.pass(2 * DAY_US);
    let before = checkpoints(&world).len();
    world.crash();
    world.pass(0);
    assert_eq!(checkpoints(&world).len(), before);
    let late = world.now_us + 5 * DAY_US;
    world.now_us = late;
    world.handle(Event::Tick);
    let after = checkpoints(&world);
    assert_eq!(after.len(), before + 1);
    assert_eq!(after[before].date, after[before - 1].date + 5);
}

#[test]
fn a_signature_nobody_waits_for_changes_nothing() {
    let mut world = signing();
    world.pass(DAY_US);
    let records = world.journal.len();
    let made = checkpoints(&world).pop().expect("a day is over");
    let signed = |days, seq| {
        Event::CheckpointSigned(SignedCheckpoint {
            date: dco_schedule::ServiceDate::from_days(made.date + days),
            seq,
            chain: [1; 32],
            signature: made.signature.clone(),
            public_key: made.public_key.clone(),
        })
    };
    world.handle(signed(0, 1));
    world.handle(signed(9, 1_000_000));
    assert_eq!(world.journal.len(), records);
}

#[test]
fn nothing_is_signed_that_the_configuration_does_not_ask_for() {
    let mut world = World::new(Terms::default());
    world.pass(3 * DAY_US);
    assert_eq!(checkpoints(&world), []);
}

#[test]
fn refusals_are_one_record_for_each_caller_and_minute_and_change_no_state() {
    let mut world = World::new(Terms::default());
    world.pass(0);
    let (before, records) = (world.engine.stats(), world.journal.len());
    let asked = vec![refused(ANN, 60), refused(SOUTH, 60)];
    let reply = world.ask(Request::NoteRefusals(asked));
    assert!(matches!(reply, Ok(Reply::Noted)));
    let made: Vec<Refused> = changes(&world)
        .into_iter()
        .skip(records)
        .filter_map(|change| match change {
            Change::Refused(it) => Some(it),
            _ => None,
        })
        .collect();
    let by: Vec<u64> = made.iter().map(|it| it.by).collect();
    assert_eq!(by, [ANN.bits(), SOUTH.bits()]);
    assert_eq!(made[0].calls[0].count, 3);
    let after = world.engine.stats();
    let besides = dco_engine::EngineStats {
        records: before.records,
        ..after
    };
    assert_eq!(format!("{besides:?}"), format!("{before:?}"));
    let none = world.ask(Request::NoteRefusals(Vec::new()));
    assert!(matches!(none, Ok(Reply::Noted)));
}
