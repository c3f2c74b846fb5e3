//! The block log with few and many senders, beside the disk's own limit.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use dco_block::{Block, FirmwareVersion, Manifest, OtaHeader, split, wrap};
use dco_store::{BlockWriter, FileDisk, Options, Put, StoreError, records_only};
use serde::Serialize;

use crate::counting::CountingDisk;
use crate::figures::{mb_s, median, percentile_us, to_f64};
use crate::limit::{sync_times, write_bare};
use crate::stopwatch::Stopwatch;
use crate::{LoadError, Progress};

const BLOCK_BYTES: u32 = 64 * 1024;
const IMAGE_BYTES: u32 = 1_600_000;
const IN_FLIGHT: usize = 4;
const SENDERS: [u64; 3] = [1, 16, 64];
/// Bytes of one group in the comparison of the acknowledgement with a bare sync: what 16 senders have in flight.
const GROUP_BYTES: usize = 16 * IN_FLIGHT * 64 * 1024;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct StorePlan {
    /// Rounds; each measures the disk and then each number of senders.
    pub rounds: u32,
    /// 64 KiB blocks written in each measurement, over all senders.
    pub blocks: u64,
}

impl Default for StorePlan {
    fn default() -> Self {
        Self {
            rounds: 5,
            blocks: 6_144,
        }
    }
}

/// The block log with one number of senders; medians over the rounds.
#[derive(Debug, Clone, Serialize)]
pub struct IntakeFigures {
    /// Payload that became durable, in millions of bytes a second.
    pub intake_mb_s: f64,
    /// That, by the disk's own limit of the same round.
    pub ratio: f64,
    /// From handing a block over to its acknowledgement.
    pub ack_p50_us: f64,
    /// Likewise.
    pub ack_p99_us: f64,
    /// Bytes written to the disk for each byte of payload.
    pub write_amplification: f64,
}

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct StoreFigures {
    /// The disk's own limit: the same bytes, 1 MiB writes, a sync every 8 MiB.
    pub limit_mb_s: f64,
    /// A bare write and sync of the bytes that 16 senders have in flight.
    pub bare_sync_p50_us: f64,
    /// Sixteen senders.
    #[serde(flatten)]
    pub senders_16: IntakeFigures,
    /// One sender.
    pub senders_1: IntakeFigures,
    /// Sixty-four senders.
    pub senders_64: IntakeFigures,
    /// Rounds measured.
    pub rounds: u32,
    /// Payload of each measurement.
    pub payload_bytes: u64,
}

/// One measurement.
struct Sample {
    intake_mb_s: f64,
    ratio: f64,
    ack_p50_us: f64,
    ack_p99_us: f64,
    write_amplification: f64,
}

/// Measures in a new folder inside `folder`; what it wrote is removed with that folder by the caller.
///
/// # Errors
/// When disk or store fail, or the plan is empty.
pub fn measure_store(
    folder: &Path,
    plan: StorePlan,
    progress: Progress<'_>,
) -> Result<StoreFigures, LoadError> {
    for (number, what) in [(u64::from(plan.rounds), "rounds"), (plan.blocks, "blocks")] {
        if number == 0 {
            return Err(LoadError::Nothing { what });
        }
    }
    let bare = FileDisk::open(folder.join("bare"))?;
    let disk = CountingDisk::new(FileDisk::open(folder.join("store"))?);
    let options = Options::default();
    let opened = dco_store::open(disk.clone(), options, &mut records_only(|_, _| Ok(())))?;
    let (writer, _reader) = opened.blocks.start(|_| ());
    let run = Run {
        writer,
        disk,
        image: sample_image(),
        next_owner: AtomicU64::new(1),
    };

    let payload_bytes = plan.blocks * u64::from(BLOCK_BYTES);
    let (mut limits, mut syncs) = (Vec::new(), Vec::new());
    let mut samples: [Vec<Sample>; 3] = Default::default();
    // The first pass over new segments and cold pages is not counted.
    run.measure(16, plan.blocks, 1.0)?;
    for round in 0..plan.rounds {
        let limit = mb_s(payload_bytes, write_bare(&bare, "limit", payload_bytes)?);
        limits.push(limit);
        syncs.extend(sync_times(&bare, "sync", GROUP_BYTES, 20)?);
        for (senders, samples) in SENDERS.into_iter().zip(&mut samples) {
            samples.push(run.measure(senders, plan.blocks, limit)?);
        }
        progress(round + 1, plan.rounds);
    }
    run.writer.close()?;
    let [one, sixteen, sixty_four] = samples.map(|samples| summarise(&samples));
    Ok(StoreFigures {
        limit_mb_s: median(&limits),
        bare_sync_p50_us: median(&syncs),
        senders_16: sixteen,
        senders_1: one,
        senders_64: sixty_four,
        rounds: plan.rounds,
        payload_bytes,
    })
}

struct Run {
    writer: BlockWriter,
    disk: Arc<CountingDisk>,
    /// The blocks of one image, sent over and over under new owners.
    image: Vec<Block>,
    next_owner: AtomicU64,
}

impl Run {
    /// So many senders share the blocks between them.
    fn measure(&self, senders: u64, blocks: u64, limit_mb_s: f64) -> Result<Sample, LoadError> {
        let share = blocks.div_ceil(senders);
        let written_before = self.disk.written_bytes();
        let stopwatch = Stopwatch::start();
        let results: Vec<Result<Vec<Duration>, StoreError>> = thread::scope(|scope| {
            let threads: Vec<_> = (0..senders)
                .map(|_| scope.spawn(|| self.send(share)))
                .collect();
            threads
                .into_iter()
                .map(|it| it.join().unwrap_or(Err(StoreError::Closed)))
                .collect()
        });
        let took = stopwatch.elapsed();
        let written = self.disk.written_bytes() - written_before;
        let mut acks = Vec::new();
        for result in results {
            acks.extend(result?);
        }
        acks.sort_unstable();
        let payload = share * senders * u64::from(BLOCK_BYTES);
        let intake_mb_s = mb_s(payload, took);
        Ok(Sample {
            intake_mb_s,
            ratio: intake_mb_s / limit_mb_s,
            ack_p50_us: percentile_us(&acks, 50),
            ack_p99_us: percentile_us(&acks, 99),
            write_amplification: to_f64(written) / to_f64(payload),
        })
    }

    /// One sender: image after image, so many blocks in flight; answers how long each acknowledgement took.
    fn send(&self, blocks: u64) -> Result<Vec<Duration>, StoreError> {
        let (acknowledged, acks) = sync_channel(IN_FLIGHT);
        let mut times = Vec::new();
        let mut owner = 0;
        let indices = (0..self.image.len()).cycle();
        for (index, number) in indices.zip(0..blocks) {
            if index == 0 {
                // Nothing has the number 0, so the first time this frees nothing.
                self.writer.free(owner);
                owner = self.next_owner.fetch_add(1, Ordering::Relaxed);
            }
            if number >= IN_FLIGHT as u64 {
                times.push(next_ack(&acks)?);
            }
            put(
                &self.writer,
                self.image[index].clone(),
                owner,
                acknowledged.clone(),
            );
        }
        drop(acknowledged);
        while let Ok(ack) = acks.recv() {
            times.push(durable(ack)?);
        }
        self.writer.free(owner);
        Ok(times)
    }
}

type Ack = Result<(Put, Duration), StoreError>;

fn put(writer: &BlockWriter, block: Block, owner: u64, acknowledged: SyncSender<Ack>) {
    let stopwatch = Stopwatch::start();
    writer.put(owner, block, move |outcome| {
        // The receiver is gone only when the measurement has failed already.
        let _gone = acknowledged.send(outcome.map(|put| (put, stopwatch.elapsed())));
    });
}

fn next_ack(acks: &Receiver<Ack>) -> Result<Duration, StoreError> {
    durable(acks.recv().unwrap_or(Err(StoreError::Closed)))
}

fn durable(ack: Ack) -> Result<Duration, StoreError> {
    let (put, took) = ack?;
    assert_eq!(
        put,
        Put::Durable,
        "every block of a measurement is a new one"
    );
    Ok(took)
}

fn summarise(samples: &[Sample]) -> IntakeFigures {
    let of = |figure: fn(&Sample) -> f64| median(&samples.iter().map(figure).collect::<Vec<_>>());
    IntakeFigures {
        intake_mb_s: of(|it| it.intake_mb_s),
        ratio: of(|it| it.ratio),
        ack_p50_us: of(|it| it.ack_p50_us),
        ack_p99_us: of(|it| it.ack_p99_us),
        write_amplification: of(|it| it.write_amplification),
    }
}

/// The whole blocks of a 1.5 MB image whose bytes do not repeat soon.
fn sample_image() -> Vec<Block> {
    let octets = (0..IMAGE_BYTES).map(|at: u32| at.wrapping_mul(2_654_435_761).to_le_bytes()[3]);
    let firmware: Vec<u8> = octets.collect();
    let image = wrap(sample_header(), &firmware, &[0; 64]);
    let manifest = Manifest::of_image(&image, BLOCK_BYTES).expect("the sample is a valid image");
    let whole = split(&image, BLOCK_BYTES).filter(|raw| raw.data.len() == BLOCK_BYTES as usize);
    whole
        .map(|raw| {
            raw.verify(&manifest)
                .expect("its blocks were just cut from it")
        })
        .collect()
}

fn sample_header() -> OtaHeader {
    OtaHeader {
        manufacturer_code: 0x1234,
        image_type: 1,
        file_version: FirmwareVersion::new(1),
        stack_version: 2,
        header_string: [b' '; 32],
        total_image_bytes: 0,
        security_credential_version: None,
        upgrade_file_destination: None,
        hardware_versions: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_measurement_has_every_figure() {
        let folder = tempfile::tempdir().unwrap();
        let mut steps = Vec::new();
        let plan = StorePlan {
            rounds: 2,
            blocks: 128,
        };
        let figures = measure_store(folder.path(), plan, &mut |done, all| {
            steps.push((done, all))
        })
        .unwrap();
        assert_eq!(steps, [(1, 2), (2, 2)]);
        assert_eq!(figures.payload_bytes, 128 * 65_536);
        assert!(figures.limit_mb_s > 0.0 && figures.bare_sync_p50_us > 0.0);
        for it in [&figures.senders_1, &figures.senders_16, &figures.senders_64] {
            assert!(it.intake_mb_s > 0.0 && it.ratio > 0.0);
            assert!(it.ack_p50_us <= it.ack_p99_us);
            assert!(
                it.write_amplification >= 1.0,
                "every block is written once at least"
            );
        }
    }

    #[test]
    fn a_plan_that_measures_nothing_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let plan = StorePlan {
            rounds: 0,
            blocks: 1,
        };
        let error = measure_store(folder.path(), plan, &mut |_, _| ()).unwrap_err();
        assert_eq!(error.to_string(), "rounds is zero; give at least 1");
    }
}
