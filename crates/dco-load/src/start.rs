//! How long a start takes, from opening the data folder to serving.

mod estate;

use std::path::Path;
use std::sync::Arc;

use dco_block::{Block, FirmwareVersion, Manifest, OtaHeader, split, wrap};
use dco_engine::{Engine, Event, Terms};
use dco_store::{
    BlockLog, FileDisk, Opened, Options, Replay, ReplayError, Second, Seq, SnapshotMaker,
    StoreError, records_only,
};
use serde::Serialize;

use crate::figures::{median, to_f64};
use crate::memory::resident_bytes;
use crate::stopwatch::Stopwatch;
use crate::{LoadError, Progress};
use estate::Estate;

/// Blocks of an image, at most.
const BLOCKS: u32 = 24;
/// Records in a commit while the folder is made.
const COMMIT: usize = 10_000;
/// Octets of a journal segment while those before the tail are made: small, so that the snapshot stands for nearly all
/// of them.
const BEFORE_TAIL_BYTES: u64 = 256 * 1024;

/// What is started.
#[derive(Debug, Clone, Copy)]
pub struct StartPlan {
    /// Rounds; each is a start of the same folder.
    pub rounds: u32,
    /// Activations of which the engine knows.
    pub activations: u64,
    /// Images whose blocks are in the block log.
    pub images: u64,
    /// Octets of an image, in 24 blocks. Images of up to 750,000 are not large, and so charged to no service day.
    pub image_bytes: u32,
    /// Octets of records after the snapshot. The worst is a whole segment, just before it is sealed.
    pub tail_bytes: u64,
}

impl Default for StartPlan {
    fn default() -> Self {
        Self {
            rounds: 5,
            activations: 1_000_000,
            images: 10_000,
            image_bytes: 24 * 1024,
            tail_bytes: Options::default().journal_segment_bytes,
        }
    }
}

/// What was measured; medians over the rounds.
#[derive(Debug, Clone, Serialize)]
pub struct StartFigures {
    /// Seconds from opening the folder to an engine that serves.
    pub open_s: f64,
    /// Of these, seconds in which both logs were opened and the engine took in what they keep.
    pub store_s: f64,
    /// Resident memory that a start adds, by the activations of which the engine then knows; images, Devices and the
    /// places of blocks included.
    pub bytes_per_activation: f64,
    /// Activations of which it knows.
    pub activations: u64,
    /// Images that are stored.
    pub images: u64,
    /// Blocks in the block log.
    pub blocks: u64,
    /// Octets of an image.
    pub image_bytes: u32,
    /// Octets of the snapshot that was taken in.
    pub snapshot_bytes: u64,
    /// Octets of the records after it, which were replayed.
    pub journal_bytes_replayed: u64,
    /// How many these were.
    pub records_replayed: u64,
}

/// Makes a data folder in a new folder inside `folder`, and starts from it.
///
/// # Errors
/// When disk or store fail, or the plan is empty.
pub fn measure_start(
    folder: &Path,
    plan: StartPlan,
    progress: Progress<'_>,
) -> Result<StartFigures, LoadError> {
    let numbers = [
        (plan.rounds.into(), "rounds"),
        (plan.images, "images"),
        (
            plan.activations / plan.images.max(1),
            "activations of an image",
        ),
    ];
    if let Some((_, what)) = numbers.into_iter().find(|(number, _)| *number == 0) {
        return Err(LoadError::Nothing { what });
    }
    let folder = folder.join("data");
    let snapshot_bytes = make(&folder, plan)?;
    let (mut opens, mut stores, mut sizes) = (Vec::new(), Vec::new(), Vec::new());
    // Every engine is kept to the end: so each takes fresh memory, as in a new process.
    let mut kept = Vec::new();
    let mut figures = StartFigures {
        open_s: 0.0,
        store_s: 0.0,
        bytes_per_activation: 0.0,
        activations: plan.images * (plan.activations / plan.images),
        images: plan.images,
        blocks: 0,
        image_bytes: plan.image_bytes,
        snapshot_bytes,
        journal_bytes_replayed: 0,
        records_replayed: 0,
    };
    for round in 0..plan.rounds {
        let before_bytes = resident_bytes()?;
        let stopwatch = Stopwatch::start();
        let (started, blocks) = open(&folder)?;
        stores.push(stopwatch.elapsed().as_secs_f64());
        let started = started.serve(&blocks);
        opens.push(stopwatch.elapsed().as_secs_f64());
        let added_bytes = resident_bytes()?.saturating_sub(before_bytes);
        sizes.push(to_f64(added_bytes) / to_f64(figures.activations));
        assert_eq!(
            started.engine.stats().devices,
            figures.activations,
            "every Device has one activation"
        );
        figures.blocks = started.blocks;
        figures.journal_bytes_replayed = started.bytes;
        figures.records_replayed = started.records;
        kept.push(started);
        progress(round + 1, plan.rounds);
    }
    (figures.open_s, figures.store_s) = (median(&opens), median(&stores));
    figures.bytes_per_activation = median(&sizes);
    Ok(figures)
}

/// The data folder: blocks, records, and a snapshot of those before the tail. Answers the snapshot's length.
fn make(folder: &Path, plan: StartPlan) -> Result<u64, LoadError> {
    let disk = Arc::new(FileDisk::open(folder)?);
    let small = Options {
        journal_segment_bytes: BEFORE_TAIL_BYTES,
        ..Options::default()
    };
    let Opened {
        mut journal,
        mut blocks,
        ..
    } = dco_store::open(disk, small, &mut records_only(|_, _| Ok(())))?;
    let estate = Estate::new((plan.activations, plan.images), |image, owner| {
        put_image(&mut blocks, image, owner, plan.image_bytes)
    })?;
    blocks.close()?;
    let (before, tail) = estate.journal.split_at(tail_from(&estate, plan.tail_bytes));
    for part in before.chunks(COMMIT) {
        journal.commit(part)?;
    }
    let second = || Box::new(Started::new()) as Box<dyn Second>;
    let made = SnapshotMaker::new(&journal, second, |_| false).step()?;
    journal.close()?;
    write_tail(folder, tail)?;
    Ok(made.map_or(0, |made| made.bytes))
}

/// The index of the first record of the tail: at least one comes before it.
fn tail_from(estate: &Estate, tail_bytes: u64) -> usize {
    let mut left_bytes = tail_bytes;
    let records = estate.journal.iter().skip(1).rev();
    let tail = records.take_while(|record| {
        let fits = left_bytes.checked_sub(record.len() as u64);
        left_bytes = fits.unwrap_or(0);
        fits.is_some()
    });
    estate.journal.len() - tail.count()
}

fn write_tail(folder: &Path, tail: &[Vec<u8>]) -> Result<(), LoadError> {
    let disk = Arc::new(FileDisk::open(folder)?);
    let mut nothing = records_only(|_, _| Ok(()));
    let Opened {
        mut journal,
        blocks,
        ..
    } = dco_store::open(disk, Options::default(), &mut nothing)?;
    for part in tail.chunks(COMMIT) {
        journal.commit(part)?;
    }
    journal.close()?;
    Ok(blocks.close()?)
}

/// An image of its own, whose blocks all go into the block log.
fn put_image(
    blocks: &mut BlockLog,
    image: u64,
    owner: u64,
    image_bytes: u32,
) -> Result<Manifest, LoadError> {
    let header = OtaHeader {
        manufacturer_code: 1,
        image_type: 1,
        file_version: FirmwareVersion::new(2),
        stack_version: 2,
        header_string: [0; 32],
        total_image_bytes: 0,
        security_credential_version: None,
        upgrade_file_destination: None,
        hardware_versions: None,
    };
    let around = wrap(header, &[], &[0; 64]).len();
    let inside = usize::try_from(image_bytes).unwrap_or(usize::MAX);
    let mut inside = vec![0x5A; inside.saturating_sub(around).max(8)];
    inside[..8].copy_from_slice(&image.to_le_bytes());
    let image = wrap(header, &inside, &[0; 64]);
    let block_bytes = image_bytes.div_ceil(BLOCKS).max(1_024);
    let manifest = Manifest::of_image(&image, block_bytes)?;
    let cut = split(&image, block_bytes).map(|raw| raw.verify(&manifest).map(|it| (owner, it)));
    let cut = cut.collect::<Result<Vec<(u64, Block)>, _>>();
    let cut = cut.expect("a block that was cut just now is of its image");
    for put in blocks.commit(&cut)? {
        put?;
    }
    Ok(manifest)
}

/// An engine that has been given what the journal keeps.
struct Started {
    engine: Engine,
    blocks: u64,
    bytes: u64,
    records: u64,
}

impl Started {
    fn new() -> Self {
        Self {
            engine: Engine::new(Terms::default()),
            blocks: 0,
            bytes: 0,
            records: 0,
        }
    }

    /// The blocks enter, and time begins: the next request would be answered.
    fn serve(mut self, blocks: &BlockLog) -> Self {
        let now_us = self.engine.last_time_us();
        let mut last = None;
        for held in blocks.held() {
            self.blocks += 1;
            let (owner, index) = (held.owner, held.index);
            // As the service does: asked once for each owner.
            let is_wanted = match last {
                Some((same, is_wanted)) if same == owner => is_wanted,
                _ => self.engine.wants_blocks_of(owner),
            };
            last = Some((owner, is_wanted));
            if is_wanted {
                self.engine
                    .handle(Event::BlockHeld { owner, index }, now_us);
            }
        }
        self.engine.on_durable(self.engine.last_seq());
        self.engine.handle(Event::Tick, now_us);
        self
    }
}

impl Replay for Started {
    fn load(&mut self, seq: Seq, snapshot: &[u8]) -> Result<(), ReplayError> {
        self.engine = Engine::from_snapshot(Terms::default(), seq, snapshot)?;
        Ok(())
    }

    fn replay(&mut self, seq: Seq, record: &[u8]) -> Result<(), ReplayError> {
        self.bytes += record.len() as u64;
        self.records += 1;
        Ok(self.engine.replay(seq, record)?)
    }
}

impl Second for Started {
    fn snapshot(&self) -> Vec<u8> {
        self.engine.snapshot()
    }
}

fn open(folder: &Path) -> Result<(Started, BlockLog), StoreError> {
    let disk = Arc::new(FileDisk::open(folder)?);
    let mut started = Started::new();
    let Opened { blocks, .. } = dco_store::open(disk, Options::default(), &mut started)?;
    Ok((started, blocks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_start_rests_on_a_snapshot_and_the_records_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let plan = StartPlan {
            rounds: 2,
            activations: 150_000,
            images: 10,
            image_bytes: 24 * 1024,
            tail_bytes: 100_000,
        };
        let figures = measure_start(folder.path(), plan, &mut |_, _| ()).unwrap();
        assert_eq!((figures.activations, figures.blocks), (150_000, 240));
        assert!(figures.open_s >= figures.store_s && figures.store_s > 0.0);
        assert!(figures.snapshot_bytes > 0 && figures.records_replayed > 0);
        let replayed = 99_000..100_000 + BEFORE_TAIL_BYTES;
        assert!(replayed.contains(&figures.journal_bytes_replayed));
    }

    #[test]
    fn a_start_of_nothing_is_no_measurement() {
        let folder = tempfile::tempdir().unwrap();
        let plan = StartPlan {
            images: 20,
            activations: 19,
            ..StartPlan::default()
        };
        let refused = measure_start(folder.path(), plan, &mut |_, _| ());
        assert!(refused.unwrap_err().to_string().contains("is zero"));
    }
}
