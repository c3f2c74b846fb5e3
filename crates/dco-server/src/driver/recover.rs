//! What was, from disk: the journal first, then the blocks of what is still open.

use std::collections::BTreeSet;
use std::sync::Arc;

use dco_engine::{Engine, Event, Terms};
use dco_schedule::Micros;
use dco_store::{BlockLog, Disk, Journal, Opened, Start, StoreError};
use uuid::Uuid;

use super::replayed::Replayed;
use crate::clock::Stopwatch;

/// The state as it was left, and both logs behind it.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(super) engine: Engine,
    pub(super) terms: Terms,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) journal: Journal,
    pub(super) blocks: BlockLog,
    /// Owners in the block log that nothing needs.
    pub(super) unwanted: BTreeSet<u64>,
    /// What it rests on.
    pub(super) start: Start,
    /// Since when.
    pub(super) watch: Stopwatch,
}

/// Opens what is on the disk and brings the engine to where it was. Takes the thread until it is done.
pub(crate) fn recover(
    disk: Arc<dyn Disk>,
    terms: Terms,
    options: dco_store::Options,
    now_us: Micros,
) -> Result<Recovered, StoreError> {
    let watch = Stopwatch::start();
    let options = dco_store::Options {
        salt: salt(),
        record_format: dco_engine::record::RECORD_FORMAT,
        ..options
    };
    let mut replayed = Replayed::new(terms.clone());
    let Opened {
        journal,
        blocks,
        start,
    } = dco_store::open_at_once(Arc::clone(&disk), options, &mut replayed)?;
    let mut engine = replayed.into_engine();
    if now_us < engine.last_time_us() {
        tracing::warn!("the clock is behind the journal; time stands still until it has caught up");
    }
    let unwanted = enter_blocks(&mut engine, &blocks, now_us);
    engine.on_durable(journal.last_seq());
    tell(&start, &journal, &unwanted);
    Ok(Recovered {
        engine,
        terms,
        disk,
        journal,
        blocks,
        unwanted,
        start,
        watch,
    })
}

/// Tells the engine of the blocks that are held, and gives the owners whose blocks it does not want. It is asked once
/// for each owner: they come one after the other.
fn enter_blocks(engine: &mut Engine, blocks: &BlockLog, now_us: Micros) -> BTreeSet<u64> {
    let mut unwanted = BTreeSet::new();
    let mut last = None;
    for held in blocks.held() {
        let (owner, index) = (held.owner, held.index);
        let is_wanted = match last {
            Some((same, is_wanted)) if same == owner => is_wanted,
            _ => engine.wants_blocks_of(owner),
        };
        last = Some((owner, is_wanted));
        if is_wanted {
            engine.handle(Event::BlockHeld { owner, index }, now_us);
        } else {
            unwanted.insert(owner);
        }
    }
    unwanted
}

fn tell(start: &Start, journal: &Journal, unwanted: &BTreeSet<u64>) {
    for (file, why) in &start.refused {
        tracing::warn!(
            file,
            why,
            "a snapshot was not used; the records before it were read instead"
        );
    }
    tracing::info!(
        record = journal.last_seq(),
        snapshot = start.snapshot.unwrap_or(0),
        records.replayed = start.records,
        snapshots.refused = start.refused.len(),
        owners.unwanted = unwanted.len(),
        "recovered"
    );
}

/// See [`dco_store::Options::salt`].
#[expect(
    clippy::disallowed_methods,
    reason = "senders of blocks must not be able to guess it, so it is drawn here, at the edge"
)]
pub(crate) fn salt() -> u64 {
    Uuid::new_v4().as_u64_pair().1
}
