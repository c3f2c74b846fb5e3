//! `dco devices import`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use dco_client::{OperationsClient, RequestId};
use serde_json::json;

use crate::connect::Connection;
use crate::exit::{Answer, Failure};
use crate::output::{Output, Unit};
use crate::signing::WhyArgs;
use crate::table::counted;
use crate::{files, inventory};

/// Import the inventory of Devices
#[derive(Debug, Args)]
pub(crate) struct Devices {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Import(Import),
}

/// Read a CSV file and replace the inventory entries of the Devices in it
#[derive(Debug, Args)]
#[command(long_about = "\
Read a CSV file and replace the inventory entries of the Devices in it. For operators.

The first line must be
  device,user,gateway,manufacturer,model,hardware_version,firmware_version
and every other line one Device: three EUI-64s, two texts of 1 to 30 characters, four hex digits
and eight hex digits. A Device that stands twice is a bad line. When any line is bad, all bad
lines are named and nothing is imported (exit code 65).

Example:
  dco devices import devices.csv --as pki/operator1
  dco devices import devices.csv --ticket INC-7 --reason weekly --as pki/operator1")]
struct Import {
    /// The inventory
    file: PathBuf,
    /// Have everything checked and import nothing
    #[arg(long)]
    validate_only: bool,
    #[command(flatten)]
    why: WhyArgs,
    #[command(flatten)]
    connection: Connection,
}

/// A million Devices have about a hundred megabytes.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

impl Devices {
    pub(crate) async fn run(self, output: Output) -> Result<Answer, Failure> {
        let Command::Import(import) = self.command;
        import.run(output).await
    }
}

impl Import {
    async fn run(self, output: Output) -> Result<Answer, Failure> {
        let text = files::read_text(&self.file, FILE_BYTES_MAX)?;
        let entries = inventory::parse(&text).map_err(|mut failure| {
            failure.message = format!("{}: {}", self.file.display(), failure.message);
            failure
        })?;
        let operations = OperationsClient::new(&self.connection.link().await?);
        let bar = output.bar("sent", entries.len() as u64, Unit::Devices);
        let sending = bar.clone();
        let entries = entries.into_iter().inspect(move |_| sending.inc(1));
        let imported = operations
            .import_devices_because(
                RequestId::fresh(),
                self.validate_only,
                self.why.said(),
                entries,
            )
            .await;
        bar.finish_and_clear();
        let count = imported?;
        let done = if self.validate_only {
            "can be imported"
        } else {
            "imported"
        };
        Ok(Answer::new(
            format!("{} {done}", counted(count, "Device")),
            json!({ "device_count": count, "validate_only": self.validate_only }),
        ))
    }
}
