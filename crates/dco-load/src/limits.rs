//! What the machine itself can do, so that every figure comes with its ratio to it.

use std::path::Path;

use dco_store::FileDisk;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::figures::{mb_s, median};
use crate::journal::{JournalPlan, measure_journal};
use crate::limit::{sync_times, write_bare};
use crate::stopwatch::Stopwatch;
use crate::store::{StorePlan, measure_store};
use crate::tls_limit::{TlsFiles, tls_throughput};
use crate::{LoadError, Progress, positive};

const MEBIBYTE: usize = 1024 * 1024;
const DISK_BYTES: u64 = 256 * MEBIBYTE as u64;
const HASHED_BYTES: usize = 64 * MEBIBYTE;
/// Octets that one small sync makes durable.
const SYNC_BYTES: usize = 4_096;
const SYNCS: u32 = 50;
/// Of the store in one round; enough for a few segments.
const STORE_BLOCKS: u64 = 2_048;
const JOURNAL_COMMITS: u32 = 100;

/// The machine's own, medians of the rounds.
#[derive(Debug, Clone, Serialize)]
pub struct Limits {
    /// One writer, 1 MiB writes, a sync every 8 MiB.
    pub disk_mb_s: f64,
    /// A write of 4 KiB and its fdatasync.
    pub sync_us: f64,
    /// The block log with sixteen senders in this process, without TLS and service.
    pub store_mb_s: f64,
    /// Records of 64 octets that the journal makes durable in a second, a thousand in a commit.
    pub journal_records_per_s: f64,
    /// One TLS 1.3 connection on loopback, both ends in this process, each with a thread.
    pub tls_mb_s: f64,
    /// One thread.
    pub sha256_mb_s: f64,
}

/// What was measured in each round.
#[derive(Debug, Default)]
pub struct LimitRounds {
    disk_mb_s: Vec<f64>,
    sync_us: Vec<f64>,
    store_mb_s: Vec<f64>,
    journal_records_per_s: Vec<f64>,
    tls_mb_s: Vec<f64>,
    sha256_mb_s: Vec<f64>,
}

impl LimitRounds {
    /// Measures once more, in a new folder inside `folder`. Takes a second or two, and the thread.
    ///
    /// # Errors
    /// When disk, store or TLS fail.
    pub fn measure(&mut self, folder: &Path, tls: &TlsFiles) -> Result<(), LoadError> {
        let place = folder.join(format!("limits-{}", self.disk_mb_s.len()));
        let disk = FileDisk::open(place.join("disk"))?;
        let took = write_bare(&disk, "limit", DISK_BYTES)?;
        self.disk_mb_s.push(mb_s(DISK_BYTES, took));
        self.sync_us
            .extend(sync_times(&disk, "sync", SYNC_BYTES, SYNCS)?);
        let plan = StorePlan {
            rounds: 1,
            blocks: STORE_BLOCKS,
        };
        let store = measure_store(&place, plan, &mut |_, _| ())?;
        self.store_mb_s.push(store.senders_16.intake_mb_s);
        let plan = JournalPlan {
            rounds: 1,
            commits: JOURNAL_COMMITS,
            open_records: 1,
        };
        let journal = measure_journal(&place, plan, &mut |_, _| ())?;
        self.journal_records_per_s.push(journal.records_per_s_1000);
        self.tls_mb_s.push(tls_throughput(tls)?);
        self.sha256_mb_s.push(hashed());
        Ok(())
    }

    /// The medians of what was measured.
    pub fn medians(&self) -> Limits {
        Limits {
            disk_mb_s: median(&self.disk_mb_s),
            sync_us: median(&self.sync_us),
            store_mb_s: median(&self.store_mb_s),
            journal_records_per_s: median(&self.journal_records_per_s),
            tls_mb_s: median(&self.tls_mb_s),
            sha256_mb_s: median(&self.sha256_mb_s),
        }
    }
}

/// Measures the machine so many times.
///
/// # Errors
/// As [`LimitRounds::measure`], and when the rounds are none.
pub fn measure_limits(
    folder: &Path,
    tls: &TlsFiles,
    rounds: u32,
    progress: Progress<'_>,
) -> Result<Limits, LoadError> {
    positive("rounds", rounds)?;
    let mut measured = LimitRounds::default();
    for round in 0..rounds {
        measured.measure(folder, tls)?;
        progress(round + 1, rounds);
    }
    Ok(measured.medians())
}

fn hashed() -> f64 {
    let part = vec![0x5A; MEBIBYTE];
    let mut digest = Sha256::new();
    let stopwatch = Stopwatch::start();
    for _ in 0..HASHED_BYTES / MEBIBYTE {
        digest.update(&part);
    }
    // Used, so that it is not left out.
    let digest = std::hint::black_box(digest.finalize());
    let took = stopwatch.elapsed();
    debug_assert_eq!(digest.len(), 32);
    mb_s(HASHED_BYTES as u64, took)
}
