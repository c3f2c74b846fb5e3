//! The journal by commit size, and how long it takes to read a million records back.

use std::path::Path;
use std::sync::Arc;

use dco_store::{FileDisk, Journal, Options, records_only};
use serde::Serialize;

use crate::figures::{median, per_s};
use crate::stopwatch::Stopwatch;
use crate::{LoadError, Progress};

/// Octets of a record: what an activation's change takes.
const RECORD_BYTES: usize = 64;
const COMMITS: [u32; 3] = [1, 64, 1_000];

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct JournalPlan {
    /// Rounds; each measures every commit size.
    pub rounds: u32,
    /// Commits of each size in a round; a commit is one sync.
    pub commits: u32,
    /// Records of the journal that is opened.
    pub open_records: u32,
}

impl Default for JournalPlan {
    fn default() -> Self {
        Self {
            rounds: 5,
            commits: 500,
            open_records: 1_000_000,
        }
    }
}

/// What was measured; medians over the rounds.
#[derive(Debug, Clone, Serialize)]
pub struct JournalFigures {
    /// Records made durable in a second, one in a commit.
    pub records_per_s_1: f64,
    /// Sixty-four in a commit.
    pub records_per_s_64: f64,
    /// A thousand in a commit.
    pub records_per_s_1000: f64,
    /// Seconds from opening the folder to having been given every record.
    pub open_1m_s: f64,
    /// Records of that journal.
    pub open_records: u32,
}

/// Measures in new folders inside `folder`.
///
/// # Errors
/// When disk or store fail, or the plan is empty.
pub fn measure_journal(
    folder: &Path,
    plan: JournalPlan,
    progress: Progress<'_>,
) -> Result<JournalFigures, LoadError> {
    let numbers = [
        (plan.rounds, "rounds"),
        (plan.commits, "commits"),
        (plan.open_records, "records"),
    ];
    if let Some((_, what)) = numbers.into_iter().find(|(number, _)| *number == 0) {
        return Err(LoadError::Nothing { what });
    }
    let mut rates: [Vec<f64>; 3] = Default::default();
    let mut opens = Vec::new();
    let grown = folder.join("grown");
    grow(&grown, plan.open_records)?;
    for round in 0..plan.rounds {
        let mut journal = open(&folder.join(format!("round-{round}")))?.0;
        for (size, rates) in COMMITS.into_iter().zip(&mut rates) {
            rates.push(commit_rate(&mut journal, size, plan.commits)?);
        }
        opens.push(open(&grown)?.1);
        progress(round + 1, plan.rounds);
    }
    let [one, sixty_four, thousand] = rates.map(|rates| median(&rates));
    Ok(JournalFigures {
        records_per_s_1: one,
        records_per_s_64: sixty_four,
        records_per_s_1000: thousand,
        open_1m_s: median(&opens),
        open_records: plan.open_records,
    })
}

/// The journal of a folder, and the seconds it took to read it all.
fn open(folder: &Path) -> Result<(Journal, f64), LoadError> {
    let stopwatch = Stopwatch::start();
    let disk = Arc::new(FileDisk::open(folder)?);
    let mut records: u64 = 0;
    let mut replay = records_only(|_, _| {
        records += 1;
        Ok(())
    });
    let opened = dco_store::open(disk, Options::default(), &mut replay)?;
    drop(replay);
    assert_eq!(
        records,
        opened.journal.last_seq(),
        "every record is given once"
    );
    Ok((opened.journal, stopwatch.elapsed().as_secs_f64()))
}

fn commit_rate(journal: &mut Journal, size: u32, commits: u32) -> Result<f64, LoadError> {
    let records = vec![[0x33; RECORD_BYTES]; usize::try_from(size).unwrap_or(usize::MAX)];
    let stopwatch = Stopwatch::start();
    for _ in 0..commits {
        journal.commit(&records)?;
    }
    Ok(per_s(
        u64::from(size) * u64::from(commits),
        stopwatch.elapsed(),
    ))
}

fn grow(folder: &Path, records: u32) -> Result<(), LoadError> {
    let mut journal = open(folder)?.0;
    let commit = vec![[0x44; RECORD_BYTES]; 10_000];
    let mut left = usize::try_from(records).unwrap_or(usize::MAX);
    while left > 0 {
        let part = &commit[..left.min(commit.len())];
        journal.commit(part)?;
        left -= part.len();
    }
    Ok(journal.close()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_measurement_has_every_figure() {
        let folder = tempfile::tempdir().unwrap();
        let plan = JournalPlan {
            rounds: 1,
            commits: 3,
            open_records: 25_000,
        };
        let figures = measure_journal(folder.path(), plan, &mut |_, _| ()).unwrap();
        let rates = [
            figures.records_per_s_1,
            figures.records_per_s_64,
            figures.records_per_s_1000,
        ];
        assert!(rates.iter().all(|rate| *rate > 0.0) && figures.open_1m_s > 0.0);
        assert_eq!(figures.open_records, 25_000);
    }
}
