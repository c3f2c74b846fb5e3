//! `dco products`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use dco_client::{OperationsClient, RequestId, parse_products};
use serde_json::json;

use crate::connect::Connection;
use crate::exit::{Answer, Failure};
use crate::output::{Output, Unit};
use crate::show::{product_json, products_text};
use crate::signing::WhyArgs;
use crate::table::counted;
use crate::{files, paging};

/// Import and show the Central Products List
#[derive(Debug, Args)]
pub(crate) struct Products {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Import(Import),
    List(List),
}

/// Read a file and replace what the Central Products List says of the products in it
#[derive(Debug, Args)]
#[command(long_about = "\
Read a file and replace what the Central Products List says of the products in it. For operators.

A CSV file has this first line
  manufacturer,model,hardware_version_min,hardware_version_max,firmware_version,\\
  manufacturer_image_hash,status,upgrade_from
(on one line) and every other line one entry: two texts of 1 to 30 characters as in the inventory,
two times four hex digits, eight hex digits, 64 hex digits, Active, Cancelled, Expired or
Withdrawn, and the versions from which a Device may go to it, with spaces between; from any when
empty. A JSON file is an array of objects with these names, upgrade_from an array.

What the file says of a manufacturer, model and firmware version takes the place of all that the
list said of it; what it does not name stays. To take a product out, import it with another status.
An image that is not Active any more is not released from that moment on, and goes on when it is
Active again. When any line is bad, all bad lines are named and nothing is imported (exit code 65).

Examples:
  dco products import cpl.csv --as pki/operator1
  dco products import cpl.csv --ticket INC-7 --reason weekly --as pki/operator1
  dco products import cpl.json --validate-only --as pki/operator1")]
struct Import {
    /// The list, CSV or JSON
    file: PathBuf,
    /// Have everything checked and import nothing
    #[arg(long)]
    validate_only: bool,
    #[command(flatten)]
    why: WhyArgs,
    #[command(flatten)]
    connection: Connection,
}

/// Show the Central Products List
#[derive(Debug, Args)]
#[command(long_about = "\
Show the Central Products List: which image may go to which Devices, how it stands, and from which
versions a Device may go to it. For operators, the Service Desk and auditors.

Example:
  dco products list --as pki/operator1")]
struct List {
    /// How many to show
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = paging::at_least_one)]
    limit: u32,
    #[command(flatten)]
    connection: Connection,
}

/// Twenty thousand entries have a few megabytes.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

impl Products {
    pub(crate) async fn run(self, output: Output) -> Result<Answer, Failure> {
        match self.command {
            Command::Import(import) => import.run(output).await,
            Command::List(list) => list.run().await,
        }
    }
}

impl Import {
    async fn run(self, output: Output) -> Result<Answer, Failure> {
        let text = files::read_text(&self.file, FILE_BYTES_MAX)?;
        let entries = parse_products(&text).map_err(|invalid| {
            let mut failure = Failure::from(invalid);
            failure.message = format!("{}: {}", self.file.display(), failure.message);
            failure
        })?;
        let operations = OperationsClient::new(&self.connection.link().await?);
        let bar = output.bar("sent", entries.len() as u64, Unit::Products);
        let sending = bar.clone();
        let entries = entries.into_iter().inspect(move |_| sending.inc(1));
        let imported = operations
            .import_products_because(
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
            format!("{} {done}", counted(count, "product")),
            json!({ "product_count": count, "validate_only": self.validate_only }),
        ))
    }
}

impl List {
    async fn run(self) -> Result<Answer, Failure> {
        let operations = &OperationsClient::new(&self.connection.link().await?);
        let get = |page| async move { operations.products(&page).await };
        let products = paging::up_to(self.limit, get).await?;
        let json = products.iter().map(product_json).collect::<Vec<_>>();
        Ok(Answer::new(
            products_text(&products),
            json!({ "products": json }),
        ))
    }
}
