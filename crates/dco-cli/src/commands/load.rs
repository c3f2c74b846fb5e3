//! `dco load`: how much does it bear?

mod chart;
mod driven;
mod limits;
mod shown;
mod soak;
mod world;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use dco_load::{
    IntakeFigures, JournalFigures, JournalPlan, LoadError, StartFigures, StartPlan, StoreFigures,
    StorePlan, measure_journal, measure_start, measure_store,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::exit::{Answer, Failure};
use crate::output::{Output, Unit};
use crate::table::{properties, table};

/// Measure what service and store bear, beside the machine's own limits
#[derive(Debug, Args)]
pub(crate) struct Load {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Debug, Subcommand)]
enum Kind {
    Intake(Box<driven::Intake>),
    Activations(Box<driven::Activations>),
    Mixed(Box<driven::Mixed>),
    Soak(soak::Soak),
    Limits(limits::Limits),
    Store(Store),
    Journal(Journal),
    Start(Start),
}

/// The block log with 1, 16 and 64 senders, beside the disk's own limit
#[derive(Debug, Args)]
#[command(long_about = "\
Measure the block log beside the disk it stands on, alternating, in one run: medians of the
rounds. Each sender has four blocks of 64 KiB in flight, and every block counted was acknowledged
when it was durable. The disk's own limit is the same bytes, written 1 MiB at a time to a
preallocated file with a sync every 8 MiB.

Example:
  dco load store --dir /var/lib/dco --json")]
struct Store {
    #[command(flatten)]
    place: Place,
    /// Blocks of 64 KiB in each measurement
    #[arg(long, value_name = "N", default_value_t = StorePlan::default().blocks)]
    blocks: u64,
}

/// The journal by records in a commit, and how long a million records take to read back
#[derive(Debug, Args)]
#[command(long_about = "\
Measure how many records of 64 bytes the journal makes durable in a second, by how many share a
commit, and how long it takes to open a journal of a million: medians of the rounds.

Example:
  dco load journal --json")]
struct Journal {
    #[command(flatten)]
    place: Place,
    /// Commits of each size in a round
    #[arg(long, value_name = "N", default_value_t = JournalPlan::default().commits)]
    commits: u32,
    /// Records of the journal that is opened
    #[arg(long, value_name = "N", default_value_t = JournalPlan::default().open_records)]
    records: u32,
}

/// How long a start takes, with a snapshot and the records after it
#[derive(Debug, Args)]
#[command(long_about = "\
Make a data folder with activations in every state and the blocks of all images, and measure how
long it takes from opening it to an engine that serves: medians of the rounds.

Example:
  dco load start --json")]
struct Start {
    #[command(flatten)]
    place: Place,
    /// Activations of which the engine knows, the same number for each image
    #[arg(long, value_name = "N", default_value_t = StartPlan::default().activations)]
    activations: u64,
    /// Images whose blocks are in the block log
    #[arg(long, value_name = "N", default_value_t = StartPlan::default().images)]
    images: u64,
    /// Octets of each image, in 24 blocks of at least 1 KiB
    #[arg(long, value_name = "N", default_value_t = StartPlan::default().image_bytes)]
    image_bytes: u32,
    /// Octets of records after the snapshot; by default the worst: a whole segment of the journal
    #[arg(long, value_name = "N", default_value_t = StartPlan::default().tail_bytes)]
    tail_bytes: u64,
}

#[derive(Debug, Args)]
struct Place {
    /// The folder whose disk is measured; what is written there is removed again
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Rounds; the figures are their medians
    #[arg(long, value_name = "N", default_value_t = StorePlan::default().rounds)]
    rounds: u32,
}

impl Load {
    /// What measures the store takes the thread until it is done: nothing else is going on in this program.
    pub(crate) async fn run(self, output: Output) -> Result<Answer, Failure> {
        match self.kind {
            Kind::Intake(intake) => intake.run(output).await,
            Kind::Activations(activations) => activations.run(output).await,
            Kind::Mixed(mixed) => mixed.run(output).await,
            Kind::Soak(soak) => soak.run(output).await,
            Kind::Limits(limits) => limits.run(output),
            Kind::Store(store) => store.run(output),
            Kind::Journal(journal) => journal.run(output),
            Kind::Start(start) => start.run(output),
        }
    }
}

impl Store {
    fn run(self, output: Output) -> Result<Answer, Failure> {
        let folder = self.place.folder()?;
        let bar = output.bar("measuring", self.place.rounds.into(), Unit::Rounds);
        let plan = StorePlan {
            rounds: self.place.rounds,
            blocks: self.blocks,
        };
        let figures = measure_store(folder.path(), plan, &mut |done, _| {
            bar.set_position(done.into())
        });
        let figures = figures.map_err(failure)?;
        Ok(Answer::new(store_text(&figures), to_json(&figures)?))
    }
}

impl Journal {
    fn run(self, output: Output) -> Result<Answer, Failure> {
        let folder = self.place.folder()?;
        let bar = output.bar("measuring", self.place.rounds.into(), Unit::Rounds);
        let plan = JournalPlan {
            rounds: self.place.rounds,
            commits: self.commits,
            open_records: self.records,
        };
        let figures = measure_journal(folder.path(), plan, &mut |done, _| {
            bar.set_position(done.into())
        });
        let figures = figures.map_err(failure)?;
        Ok(Answer::new(journal_text(&figures), to_json(&figures)?))
    }
}

impl Start {
    fn run(self, output: Output) -> Result<Answer, Failure> {
        let folder = self.place.folder()?;
        let bar = output.bar("measuring", self.place.rounds.into(), Unit::Rounds);
        let plan = StartPlan {
            rounds: self.place.rounds,
            activations: self.activations,
            images: self.images,
            image_bytes: self.image_bytes,
            tail_bytes: self.tail_bytes,
        };
        let figures = measure_start(folder.path(), plan, &mut |done, _| {
            bar.set_position(done.into())
        });
        let figures = figures.map_err(failure)?;
        Ok(Answer::new(start_text(&figures), to_json(&figures)?))
    }
}

impl Place {
    fn folder(&self) -> Result<TempDir, Failure> {
        temporary(&self.dir)
    }
}

/// A new folder inside `dir`, removed with the value.
fn temporary(dir: &Path) -> Result<TempDir, Failure> {
    let made = tempfile::Builder::new().prefix("dco-load-").tempdir_in(dir);
    made.map_err(|error| {
        let dir = dir.display();
        Failure::data(format!(
            "{dir}: no folder can be made there: {error}; name another --dir"
        ))
    })
}

fn failure(error: LoadError) -> Failure {
    match error {
        LoadError::Nothing { .. }
        | LoadError::TooMany { .. }
        | LoadError::Address(_)
        | LoadError::Image(_) => Failure::usage(error),
        LoadError::Client(error) => error.into(),
        LoadError::Gateway(error) => error.into(),
        LoadError::Wrong(_) => Failure::internal(error),
        LoadError::Tls(_) => Failure::data(error),
        LoadError::Store(_) | LoadError::Disk(_) | LoadError::Service(_) => Failure::failed(error),
    }
}

fn to_json(figures: &impl serde::Serialize) -> Result<Value, Failure> {
    serde_json::to_value(figures).map_err(Failure::internal)
}

fn store_text(figures: &StoreFigures) -> String {
    let senders = [
        ("1", &figures.senders_1),
        ("16", &figures.senders_16),
        ("64", &figures.senders_64),
    ];
    let head = [
        ">SENDERS",
        ">MB/S",
        ">OF THE LIMIT",
        ">ACK P50 US",
        ">ACK P99 US",
        ">WRITTEN/PAYLOAD",
    ];
    let rows = senders.map(|(count, it)| row(count, it));
    format!(
        "the disk's own limit: {:.0} MB/s; a bare write and sync of 4 MiB: {:.0} us\n\n{}",
        figures.limit_mb_s,
        figures.bare_sync_p50_us,
        table(&head, rows)
    )
}

fn row(count: &str, it: &IntakeFigures) -> Vec<String> {
    vec![
        count.to_owned(),
        format!("{:.0}", it.intake_mb_s),
        format!("{:.2}", it.ratio),
        format!("{:.0}", it.ack_p50_us),
        format!("{:.0}", it.ack_p99_us),
        format!("{:.3}", it.write_amplification),
    ]
}

fn journal_text(figures: &JournalFigures) -> String {
    properties(&[
        (
            "1 record in a commit",
            format!("{:.0} records/s", figures.records_per_s_1),
        ),
        (
            "64 records in a commit",
            format!("{:.0} records/s", figures.records_per_s_64),
        ),
        (
            "1000 records in a commit",
            format!("{:.0} records/s", figures.records_per_s_1000),
        ),
        (
            "open",
            format!(
                "{:.3} s for {} records",
                figures.open_1m_s, figures.open_records
            ),
        ),
    ])
}

fn start_text(figures: &StartFigures) -> String {
    properties(&[
        (
            "open",
            format!(
                "{:.3} s to serving, {:.3} s of it for both logs and the snapshot",
                figures.open_s, figures.store_s
            ),
        ),
        (
            "kept",
            format!(
                "{} activations, {} images in {} blocks",
                figures.activations, figures.images, figures.blocks
            ),
        ),
        ("snapshot", format!("{} octets", figures.snapshot_bytes)),
        (
            "replayed",
            format!(
                "{} records of {} octets",
                figures.records_replayed, figures.journal_bytes_replayed
            ),
        ),
    ])
}
