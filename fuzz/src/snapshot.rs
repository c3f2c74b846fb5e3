//! Any bytes as a snapshot: an engine takes it or says why not, and what it took is a state that goes on.
//!
//! The first four octets are the record it is after; the CRC-32 is put right.

use dco_block::crc32;
use dco_engine::{Engine, Event};

use crate::samples::golden_terms;

/// One input.
pub fn run(bytes: &[u8]) {
    let Some((seq, body)) = bytes.split_first_chunk::<4>() else {
        return;
    };
    let seq = u64::from(u32::from_le_bytes(*seq));
    let sealed = [body, &crc32(body).to_le_bytes()].concat();
    let Ok(mut engine) = Engine::from_snapshot(golden_terms(), seq, &sealed) else {
        return;
    };
    let snapshot = engine.snapshot();
    let again = Engine::from_snapshot(golden_terms(), seq, &snapshot).expect("it is its own");
    assert_eq!(again.snapshot(), snapshot);
    let now_us = engine.last_time_us();
    engine.handle(Event::Tick, now_us);
    engine.on_durable(engine.last_seq());
    while engine.poll_effect().is_some() {}
}
