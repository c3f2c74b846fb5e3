//! `dco backup`: a copy of all that a service holds, while it runs.

use std::path::{Path, PathBuf};

use clap::Args;
use dco_client::{BackupPlan, BackupStream, OperationsClient};
use serde_json::{Value, json};

use crate::backup::{Backup as OnDisk, Contents, FileFacts, HeadFacts, NewFile, Unfinished, hex};
use crate::connect::Connection;
use crate::exit::{Answer, Failure};
use crate::output::{Output, Unit};
use crate::table::grouped;
use crate::when::{local, rfc3339};

/// Copy all that a running service holds into a new folder
#[derive(Debug, Args)]
#[command(long_about = "\
Copy all that a running service holds into a new folder: journal, snapshots and blocks as they were
at one moment, while Users send and gateways work. For operators; one backup at a time.

The folder gets a list, backup.json, with the SHA-256 of each file. It is written last: a backup
that was interrupted has none and is not taken for a backup. `dco serve` does not serve a backup;
`dco restore` makes a data folder of it. With --check nothing is asked of a service: every file of
a backup is read and held against the list.

Examples:
  dco backup /backups/2026-03-29 --as pki/operator1
  dco backup /backups/2026-03-29 --bytes-per-second 20000000 --as pki/operator1
  dco backup --check /backups/2026-03-29

Exit code 1 when --check finds damage, 65 when the folder is not empty or is no backup.")]
pub(crate) struct Backup {
    /// The folder: a new or an empty one, or with --check a backup
    folder: PathBuf,
    /// Read a backup through and hold it against its list
    #[arg(long, conflicts_with = "bytes_per_second")]
    check: bool,
    /// How fast the service may be read; as fast as can be when not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    bytes_per_second: Option<u64>,
    #[command(flatten)]
    connection: Connection,
}

impl Backup {
    pub(crate) async fn run(self, output: Output) -> Result<Answer, Failure> {
        if self.check {
            return check(&self.folder, output);
        }
        let operations = OperationsClient::new(&self.connection.link().await?);
        let rate = self.bytes_per_second.unwrap_or(0);
        let (plan, stream) = operations.backup(rate).await?;
        let folder = Unfinished::begin(&self.folder)?;
        let received = receive(&folder, &plan, stream, output).await;
        let files = received.map_err(|mut failure| {
            let shown = self.folder.display();
            failure.message += &format!("; {shown} is no backup now, remove it");
            failure
        })?;
        let contents = contents(&plan, files);
        folder.into_backup(&contents)?;
        Ok(Answer::new(
            format!(
                "{}: {}\nCheck it with `dco backup --check {}`.",
                self.folder.display(),
                told(&contents),
                self.folder.display()
            ),
            json!({ "backup": facts(&self.folder, &contents) }),
        ))
    }
}

/// Writes each file as it comes, and syncs it.
async fn receive(
    folder: &Unfinished,
    plan: &BackupPlan,
    mut stream: BackupStream,
    output: Output,
) -> Result<Vec<FileFacts>, Failure> {
    let total = plan.files.iter().map(|file| file.bytes).sum();
    let bar = output.bar("copied", total, Unit::Bytes);
    let mut files = Files::new(folder, plan);
    while let Some(piece) = stream.next().await? {
        files.reach(piece.file_index)?.append(&piece.data)?;
        bar.inc(piece.data.len() as u64);
    }
    bar.finish_and_clear();
    files.finish()
}

/// The files of a backup, one after the other.
struct Files<'a> {
    folder: &'a Unfinished,
    plan: &'a BackupPlan,
    done: Vec<FileFacts>,
    open: Option<NewFile>,
}

impl<'a> Files<'a> {
    fn new(folder: &'a Unfinished, plan: &'a BackupPlan) -> Self {
        Self {
            folder,
            plan,
            done: Vec::new(),
            open: None,
        }
    }

    /// The file that is written now; those before it are ended, those without a byte made.
    fn reach(&mut self, index: usize) -> Result<&mut NewFile, Failure> {
        let open = match self.open.take() {
            Some(open) if self.done.len() == index => open,
            Some(open) => {
                self.done.push(open.finish()?);
                self.begin(index)?
            }
            None => self.begin(index)?,
        };
        Ok(self.open.insert(open))
    }

    fn begin(&mut self, index: usize) -> Result<NewFile, Failure> {
        while self.done.len() < index {
            let empty = self.file()?;
            self.done.push(empty.finish()?);
        }
        self.file()
    }

    fn file(&self) -> Result<NewFile, Failure> {
        self.folder.file(&self.plan.files[self.done.len()].name)
    }

    fn finish(mut self) -> Result<Vec<FileFacts>, Failure> {
        if let Some(open) = self.open.take() {
            self.done.push(open.finish()?);
        }
        while self.done.len() < self.plan.files.len() {
            let empty = self.file()?;
            self.done.push(empty.finish()?);
        }
        Ok(self.done)
    }
}

fn contents(plan: &BackupPlan, files: Vec<FileFacts>) -> Contents {
    let head = HeadFacts {
        seq: plan.head_seq,
        chain: hex(plan.head_chain),
    };
    let time = plan.backup_us.map(rfc3339).unwrap_or_default();
    Contents::new(plan.program_version.clone(), time, head, files)
}

fn check(path: &Path, output: Output) -> Result<Answer, Failure> {
    let backup = OnDisk::open(path)?;
    let bar = output.bar("checked", backup.contents.bytes(), Unit::Bytes);
    let damages = backup.check(|bytes| bar.inc(bytes))?;
    bar.finish_and_clear();
    let damaged = damages.iter().map(|damage| {
        json!({
            "file": damage.file,
            "what": damage.what,
        })
    });
    let json = json!({
        "backup": facts(path, &backup.contents),
        "damage": damaged.collect::<Vec<_>>(),
    });
    if damages.is_empty() {
        let text = format!("whole: {}", told(&backup.contents));
        return Ok(Answer::new(text, json));
    }
    let lines = damages.iter().map(ToString::to_string);
    let text = format!(
        "damaged; take another backup:\n{}",
        lines.collect::<Vec<_>>().join("\n")
    );
    Ok(Answer::new(text, json).failed_if(true))
}

/// For a person.
pub(crate) fn told(contents: &Contents) -> String {
    let time = contents.backup_time.parse::<jiff::Timestamp>();
    let time = time.map_or_else(
        |_| contents.backup_time.clone(),
        |time| local(time.as_microsecond()),
    );
    format!(
        "a backup of {time} up to record {}, {} files of {} bytes",
        grouped(contents.head.seq),
        grouped(contents.files.len() as u64),
        grouped(contents.bytes())
    )
}

/// For a program.
pub(crate) fn facts(path: &Path, contents: &Contents) -> Value {
    json!({
        "folder": path.display().to_string(),
        "files": contents.files.len(),
        "bytes": contents.bytes(),
        "head_seq": contents.head.seq,
        "head_chain": contents.head.chain,
        "backup_time": contents.backup_time,
        "program_version": contents.program_version,
    })
}
