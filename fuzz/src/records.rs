//! Any bytes as journal records, after a journal that is good: an engine takes them or says why not, and what it took
//! is in its snapshot.
//!
//! The first octet says after which part of the good journal; the rest are records with their lengths before them.

use dco_engine::{Engine, Event};

use crate::samples::{GOLDEN_RECORDS, golden_terms, split_records};

/// One input.
pub fn run(bytes: &[u8]) {
    let Some((cut, bytes)) = bytes.split_first() else {
        return;
    };
    let mut engine = Engine::new(golden_terms());
    let golden = split_records(GOLDEN_RECORDS);
    for (seq, record) in (1..).zip(golden.iter().take(usize::from(*cut))) {
        engine.replay(seq, record).expect("it is good");
    }
    for record in split_records(bytes) {
        if engine.replay(engine.last_seq() + 1, record).is_err() {
            // Whoever starts it ends here.
            return;
        }
    }
    let snapshot = engine.snapshot();
    let again = Engine::from_snapshot(golden_terms(), engine.last_seq(), &snapshot);
    let again = again.expect("what records say, a snapshot says");
    assert_eq!(again.snapshot(), snapshot);
    let now_us = engine.last_time_us();
    engine.handle(Event::Tick, now_us);
}
