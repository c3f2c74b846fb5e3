//! `dco fsck`: is a data folder as it was written?

use std::path::PathBuf;

use clap::Args;
use dco_server::{Finding, FsckPlan, FsckReport};
use serde_json::{Value, json};

use crate::exit::{Answer, Failure};
use crate::output::{Output, Unit};
use crate::table::{counted, grouped, table};

/// Look through a data folder for damage, without changing anything
#[derive(Debug, Args)]
#[command(long_about = "\
Look through a data folder for damage, without changing anything in it: every byte of the journal,
its snapshots and the blocks, the hash chain over all records, what the records and snapshots
say, and for each stored image that all its blocks are there and have its SHA-256. No service may
be running on the folder. It may be mounted read-only, and it may be a backup.

Each damage is listed with its file and offset. An end that a power cut tore, and files that do
not belong there, are notes and not damage.

Examples:
  dco fsck data
  dco fsck data --no-images --json

Exit code 0 when the folder is clean, 1 when there is damage, 2 when it cannot be judged: there is
no such folder, it is no data folder or was never finished being copied, a service runs on it, it
may not be read, or a newer program wrote it.")]
pub(crate) struct Fsck {
    /// The data folder
    folder: PathBuf,
    /// Do not compute the SHA-256 of each stored image: half the reading
    #[arg(long)]
    no_images: bool,
}

impl Fsck {
    pub(crate) fn run(self, output: Output) -> Result<Answer, Failure> {
        let plan = FsckPlan {
            images: !self.no_images,
        };
        let bar = output.bar("read", 0, Unit::Bytes);
        let moving = bar.clone();
        let looked = dco_server::fsck(&self.folder, plan, move |bytes, total_bytes| {
            moving.set_length(total_bytes);
            moving.inc(bytes);
        });
        bar.finish_and_clear();
        let report = looked.map_err(Failure::unreadable)?;
        let damaged = !report.damage.is_empty();
        Ok(Answer::new(text(&report), json(&report)).failed_if(damaged))
    }
}

fn text(report: &FsckReport) -> String {
    let mut parts = Vec::new();
    if !report.damage.is_empty() {
        parts.push(findings(&["DAMAGED", ">OFFSET", "WHAT"], &report.damage));
    }
    if !report.notes.is_empty() {
        parts.push(findings(&["NOTE", ">OFFSET", "WHAT"], &report.notes));
    }
    let found = format!(
        "{} up to {}, {}, {} of {} bytes, {} whole",
        counted(report.records, "record"),
        report
            .head_seq
            .map_or_else(|| "an unknown end".to_owned(), grouped),
        counted(report.snapshots, "snapshot"),
        counted(report.blocks, "block"),
        grouped(report.block_bytes),
        counted(report.images, "image"),
    );
    let verdict = match report.damage.len() {
        0 => "clean".to_owned(),
        count => format!(
            "{}; keep the folder as it is and restore a backup, or have damaged images sent again",
            counted(count as u64, "damage").replace("damages", "damaged places")
        ),
    };
    parts.push(format!("{found}\n{verdict}"));
    parts.join("\n\n")
}

fn findings(head: &[&str], findings: &[Finding]) -> String {
    table(
        head,
        findings.iter().map(|finding| {
            vec![
                finding.file.clone(),
                finding.offset.to_string(),
                finding.what.clone(),
            ]
        }),
    )
}

fn json(report: &FsckReport) -> Value {
    let list = |findings: &[Finding]| {
        let each = findings.iter().map(|finding| {
            json!({
                "file": finding.file,
                "offset": finding.offset,
                "what": finding.what,
            })
        });
        each.collect::<Vec<_>>()
    };
    json!({
        "clean": report.damage.is_empty(),
        "damage": list(&report.damage),
        "notes": list(&report.notes),
        "head_seq": report.head_seq,
        "records": report.records,
        "snapshots": report.snapshots,
        "blocks": report.blocks,
        "block_bytes": report.block_bytes,
        "images": report.images,
    })
}
