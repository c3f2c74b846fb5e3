//! What was, from disk: the journal first, then the blocks of what is still open.

use std::collections::BTreeSet;
use std::sync::Arc;

use dco_engine::{Engine, Event, Terms};
use dco_schedule::Micros;
use dco_store::{BlockLog, Disk, Journal, Opened, StoreError, records_only};
use uuid::Uuid;

/// The state as it was left, and both logs behind it.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(super) engine: Engine,
    pub(super) journal: Journal,
    pub(super) blocks: BlockLog,
    /// Owners in the block log that nothing needs.
    pub(super) unwanted: BTreeSet<u64>,
}

/// Opens what is on the disk and brings the engine to where it was. Takes the thread until it is done.
pub(crate) fn recover(
    disk: Arc<dyn Disk>,
    terms: Terms,
    options: dco_store::Options,
    now_us: Micros,
) -> Result<Recovered, StoreError> {
    let options = dco_store::Options {
        salt: salt(),
        ..options
    };
    let mut engine = Engine::new(terms);
    let mut replay = records_only(|seq, record| Ok(engine.replay(seq, record)?));
    let opened = dco_store::open(disk, options, &mut replay)?;
    drop(replay);
    let Opened {
        journal, blocks, ..
    } = opened;
    if now_us < engine.last_time_us() {
        tracing::warn!("the clock is behind the journal; time stands still until it has caught up");
    }
    let mut unwanted = BTreeSet::new();
    for held in blocks.held() {
        if engine.wants_blocks_of(held.owner) {
            let (owner, index) = (held.owner, held.index);
            engine.handle(Event::BlockHeld { owner, index }, now_us);
        } else {
            unwanted.insert(held.owner);
        }
    }
    engine.on_durable(journal.last_seq());
    tracing::info!(
        records = journal.last_seq(),
        owners.unwanted = unwanted.len(),
        "recovered"
    );
    Ok(Recovered {
        engine,
        journal,
        blocks,
        unwanted,
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "senders of blocks must not be able to guess it, so it is drawn here, at the edge"
)]
fn salt() -> u64 {
    Uuid::new_v4().as_u64_pair().1
}
