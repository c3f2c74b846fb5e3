//! What was, from disk: the journal first, then the blocks of what is still open.

use std::collections::BTreeSet;
use std::sync::Arc;

use dco_engine::{Engine, Event, Terms};
use dco_schedule::Micros;
use dco_store::{BlockLog, Disk, HeldBlock, Journal, Opened, Start, StoreError};
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
    /// A block of each stored image that lacks some, by owner and index.
    pub(super) lost: Vec<(u64, u32)>,
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
    let opened = dco_store::open(Arc::clone(&disk), options, &mut replayed)?;
    opened.expect_records()?;
    let Opened {
        journal,
        blocks,
        start,
    } = opened;
    let mut engine = replayed.into_engine();
    if now_us < engine.last_time_us() {
        tracing::warn!("the clock is behind the journal; time stands still until it has caught up");
    }
    let held: Vec<_> = blocks.held().collect();
    let unwanted = enter_blocks(&mut engine, &held, now_us);
    let lost = lost_blocks(&engine, &held);
    engine.on_durable(journal.last_seq());
    tell(&start, &journal, &unwanted);
    Ok(Recovered {
        engine,
        terms,
        disk,
        journal,
        blocks,
        unwanted,
        lost,
        start,
        watch,
    })
}

/// Tells the engine of the blocks that are held, and gives the owners whose blocks it does not want. It is asked once
/// for each owner: they come one after the other.
fn enter_blocks(engine: &mut Engine, held: &[HeldBlock], now_us: Micros) -> BTreeSet<u64> {
    let mut unwanted = BTreeSet::new();
    let mut last = None;
    for held in held {
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

/// The first block that is not there of each stored image that should be whole. Nobody reads what is not there, so
/// neither a scrub nor a read-back would ever find it.
fn lost_blocks(engine: &Engine, held: &[HeldBlock]) -> Vec<(u64, u32)> {
    let whole = engine.stored_copies().filter(|copy| !copy.is_quarantined);
    let lost = whole.filter_map(|copy| {
        let first = held.partition_point(|held| held.owner < copy.owner);
        let theirs = held[first..]
            .iter()
            .take_while(|held| held.owner == copy.owner);
        let index = (0..)
            .zip(theirs)
            .take_while(|(index, held)| *index == held.index)
            .count();
        let index = u32::try_from(index)
            .ok()
            .filter(|index| *index < copy.manifest.block_count())?;
        tracing::error!(
            image = %copy.manifest.image_id(),
            owner = copy.owner,
            block.index = index,
            "a stored image lacks a block; it is to be sent again"
        );
        Some((copy.owner, index))
    });
    lost.collect()
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
