//! `dco log`: what was decided, by whom, when and why.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use dco_block::Eui64;
use dco_client::{DecisionKind, DecisionLogQuery, Micros, OperationsClient};
use serde_json::{Value, json};

use crate::connect::Connection;
use crate::decision_log::{
    self, Against, Key, NotSigned, Unsigned, Verified, VerifyError, Writer, kept_heads,
};
use crate::exit::{Answer, Failure};
use crate::output::{Output, Unit};
use crate::show::{decision_json, decisions_text};
use crate::table::counted;
use crate::{files, when};

/// Show, export or verify the decision log
#[derive(Debug, Args)]
pub(crate) struct Log {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Show(Show),
    Export(Export),
    Verify(Verify),
}

/// Show what was decided, by whom, when and why
#[derive(Debug, Args)]
#[command(long_about = "\
Show what was decided, by whom, when and why: admissions, refusals, agreements, releases, outcomes,
cancellations, pauses, overrides, imports, checkpoints and what they rest on. The newest that are
asked for, oldest first. For the Service Desk, operators and auditors.

Examples:
  dco log show --as pki/auditor1
  dco log show --kind pause --kind override --from 2026-12-01 --as pki/auditor1
  dco log show --by 90-B3-D5-1F-30-02-00-00 --newest 20 --as pki/auditor1")]
struct Show {
    /// Only this kind; may be given several times
    #[arg(long, value_name = "KIND")]
    kind: Vec<DecisionKind>,
    /// Only what this party did
    #[arg(long, value_name = "EUI-64")]
    by: Option<Eui64>,
    /// Only from this service day or instant on
    #[arg(long, value_name = "DAY|INSTANT", value_parser = when::parse_instant)]
    from: Option<Micros>,
    /// Only before this service day or instant
    #[arg(long, value_name = "DAY|INSTANT", value_parser = when::parse_instant)]
    to: Option<Micros>,
    /// Only from this record on
    #[arg(long, value_name = "N", default_value_t = 0)]
    first: u64,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    newest: u32,
    #[command(flatten)]
    connection: Connection,
}

/// Write all of it into a file that can be verified offline
#[derive(Debug, Args)]
#[command(long_about = "\
Write the log into a file, one line of JSON for each record of the journal: what it says in words,
its bytes in base64, and the hash chain after it. `dco log verify` holds the file against itself
without asking any service. For the Service Desk, operators and auditors.

Examples:
  dco log export log.jsonl --as pki/auditor1
  dco log export later.jsonl --first 120001 --as pki/auditor1")]
struct Export {
    /// The file, which must not be there yet
    file: PathBuf,
    /// From this record on; the oldest that is kept when not given
    #[arg(long, value_name = "N", default_value_t = 0)]
    first: u64,
    #[command(flatten)]
    connection: Connection,
}

/// Verify a file that was exported: nothing changed, moved or left out
#[derive(Debug, Args)]
#[command(long_about = "\
Verify a file of `dco log export` by itself, without any service: every record follows the one
before, the hash chain over their bytes holds, each line is what this program writes for its bytes,
the checkpoint of each service day and the end are signed for this very chain. Give the service's
public key with --key, as you know it from elsewhere: without it the keys are those that the file
names. A service day without a checkpoint is named: damage when the service was running as it was due,
else whether it was not running or had no key yet. An earlier export, given with --kept, must be of the same log, and reach up to where this
one begins: only so is it known that no beginning was cut off.

Examples:
  dco log verify log.jsonl --key log.public.pem
  dco log verify log.jsonl --kept last-month.jsonl

Exit code 0 when the file is good, 1 when it was damaged, with the place, 2 when it cannot be read,
is no such file, or has its words in a reading that this version of the program does not know.")]
struct Verify {
    /// The file
    file: PathBuf,
    /// A public key that may have signed, PEM; may be given several times
    #[arg(long, value_name = "PEM")]
    key: Vec<PathBuf>,
    /// An earlier export of the same log
    #[arg(long, value_name = "FILE")]
    kept: Option<PathBuf>,
}

impl Log {
    pub(crate) async fn run(self, output: Output) -> Result<Answer, Failure> {
        match self.command {
            Command::Show(show) => show.run().await,
            Command::Export(export) => export.run(output).await,
            Command::Verify(verify) => verify.run(),
        }
    }
}

impl Show {
    async fn run(self) -> Result<Answer, Failure> {
        let client = OperationsClient::new(&self.connection.link().await?);
        let query = DecisionLogQuery {
            first_seq: self.first,
            newest: self.newest,
            kinds: self.kind,
            by: self.by,
            from_us: self.from,
            to_us: self.to,
            with_records: false,
        };
        let (start, mut stream) = client.decision_log(query).await?;
        let mut decisions = Vec::new();
        while let Some(decision) = stream.next().await? {
            decisions.push(decision);
        }
        let listed: Vec<_> = decisions.iter().map(decision_json).collect();
        let json = json!({
            "decisions": listed,
            "oldest_seq": start.oldest_seq,
            "last_seq": start.last_seq,
        });
        Ok(Answer::new(decisions_text(&start, &decisions), json))
    }
}

impl Export {
    async fn run(self, output: Output) -> Result<Answer, Failure> {
        let client = OperationsClient::new(&self.connection.link().await?);
        let query = DecisionLogQuery {
            first_seq: self.first,
            with_records: true,
            ..DecisionLogQuery::default()
        };
        let (start, mut stream) = client.decision_log(query).await?;
        let failed = |error: std::io::Error| files::cannot("write", &self.file, &error);
        let file = files::create_new(&self.file)?;
        let mut writer = Writer::begin(file, &start).map_err(failed)?;
        let total = (start.last_seq + 1).saturating_sub(start.first_seq);
        let bar = output.bar("exported", total, Unit::Records);
        while let Some(decision) = stream.next().await? {
            writer
                .record(decision.seq, &decision.record, &decision.chain)
                .map_err(|error| Failure::data(format!("cannot export: {error}")))?;
            bar.inc(1);
        }
        let end = stream.end().expect("a stream ends with its end").clone();
        let count = writer.end(&end).map_err(failed)?;
        bar.finish_and_clear();
        let text = format!(
            "{} exported, {} to {}, into {}",
            counted(count, "record"),
            start.first_seq,
            end.last_seq,
            self.file.display()
        );
        let json = json!({
            "records": count,
            "oldest_seq": start.oldest_seq,
            "first_seq": start.first_seq,
            "last_seq": end.last_seq,
            "chain": hex(&end.chain),
        });
        Ok(Answer::new(text, json))
    }
}

impl Verify {
    fn run(self) -> Result<Answer, Failure> {
        let file =
            files::open(&self.file).map_err(|failure| Failure::unreadable(failure.message))?;
        match decision_log::verify(file, &self.against()?) {
            Ok(verified) => Ok(Answer::new(text(&verified), verified_json(&verified))),
            Err(error @ VerifyError::Damage { .. }) => {
                let text = format!("DAMAGED: {error}");
                Ok(Answer::new(text, damage_json(&error)).failed_if(true))
            }
            Err(VerifyError::Unreadable(why)) => {
                let path = self.file.display();
                Err(Failure::unreadable(format!("{path}: {why}")))
            }
        }
    }

    fn against(&self) -> Result<Against, Failure> {
        let unreadable =
            |path: &Path, why: String| Failure::unreadable(format!("{}: {why}", path.display()));
        let mut against = Against::default();
        for path in &self.key {
            let pem = files::read_text(path, KEY_BYTES_MAX);
            let pem = pem.map_err(|failure| Failure::unreadable(failure.message))?;
            let key = Key::from_pem(&pem).map_err(|why| unreadable(path, why))?;
            against.keys.push(key);
        }
        if let Some(path) = &self.kept {
            let file = files::open(path).map_err(|it| Failure::unreadable(it.message))?;
            against.heads = kept_heads(file).map_err(|why| unreadable(path, why))?;
        }
        Ok(against)
    }
}

const KEY_BYTES_MAX: u64 = 64 * 1024;

fn text(it: &Verified) -> String {
    let mut lines = vec![format!(
        "good: {}, {} to {}",
        counted(it.records, "record"),
        it.first_seq,
        it.last_seq
    )];
    lines.extend(it.beginning_text());
    lines.push(match it.last_checkpoint {
        Some((date, seq)) => format!(
            "{}, the last of service day {date}, up to record {seq}",
            counted(it.checkpoints, "signed checkpoint")
        ),
        None => "no signed checkpoints".to_owned(),
    });
    lines.extend(it.unsigned.iter().map(Unsigned::to_string));
    lines.push(it.end_text());
    let keys = it.keys.iter();
    lines.extend(keys.map(|key| format!("signed with the key of SHA-256 {}", key.fingerprint())));
    lines.push(format!(
        "hash chain after record {}: {}",
        it.last_seq,
        hex(&it.chain)
    ));
    lines.join("\n")
}

fn verified_json(it: &Verified) -> Value {
    json!({
        "good": true,
        "records": it.records,
        "first_seq": it.first_seq,
        "last_seq": it.last_seq,
        "checkpoints": it.checkpoints,
        "last_checkpoint": it.last_checkpoint.map(|(date, seq)| json!({
            "service_date": date.to_string(),
            "seq": seq,
        })),
        "days_without_checkpoint": it.unsigned.iter().map(unsigned_json).collect::<Vec<_>>(),
        "end_is_signed": it.end_signed_us.is_some(),
        "end_signed_at": it.end_signed_us.map(when::rfc3339),
        // Its own word, which nothing signs.
        "file_says": { "oldest_seq": it.oldest_seq, "exported": it.exported },
        "keys": it.keys.iter().map(Key::fingerprint).collect::<Vec<_>>(),
        "chain": hex(&it.chain),
    })
}

fn unsigned_json(days: &Unsigned) -> Value {
    json!({
        "first_service_date": days.first.to_string(),
        "last_service_date": days.last.to_string(),
        "why": match days.why {
            NotSigned::NotYet => "no_key_yet",
            NotSigned::NotRunning => "service_not_running",
        },
    })
}

fn damage_json(error: &VerifyError) -> Value {
    match error {
        VerifyError::Damage { line, record, what } => json!({
            "good": false,
            "damage": { "line": line, "record": record, "what": what },
        }),
        VerifyError::Unreadable(why) => json!({ "good": Value::Null, "message": why }),
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
