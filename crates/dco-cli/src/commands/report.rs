//! `dco report`: what happened.

use clap::{Args, Subcommand};
use dco_block::Eui64;
use dco_client::ReportsClient;
use dco_schedule::ServiceDate;
use serde_json::json;

use crate::connect::Connection;
use crate::exit::{Answer, Failure};
use crate::show::{capacity_text, day_json, success_json, success_text, trt_json, trt_text};
use crate::when;

/// Show what happened: capacity, Target Response Time, success
#[derive(Debug, Args)]
pub(crate) struct Report {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Debug, Subcommand)]
enum Kind {
    Capacity(Capacity),
    Trt(OfUsers),
    Success(Success),
}

/// Large images released on each service day, and capacity
#[derive(Debug, Args)]
#[command(long_about = "\
Show the large images released on each service day, and its capacity. A User sees its own
releases; the Service Desk, operators and auditors see all.

Example:
  dco report capacity --first 2026-03-28 --last 2026-03-30 --as pki/desk1")]
struct Capacity {
    /// The first service day; from the first that there is when not given
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = when::parse_date)]
    first: Option<ServiceDate>,
    /// The last service day
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = when::parse_date)]
    last: Option<ServiceDate>,
    #[command(flatten)]
    connection: Connection,
}

/// Activations against their Target Response Time
#[derive(Debug, Args)]
#[command(long_about = "\
Show activations against their Target Response Time, by User and month of the service day they
were sent for. In TRT counts what ended in time, however it ended; success is a figure apart, and
`dco report success` has more of it.

Example:
  dco report trt --as pki/desk1")]
struct OfUsers {
    /// Only this User's
    #[arg(long, value_name = "EUI-64")]
    user: Option<Eui64>,
    #[command(flatten)]
    connection: Connection,
}

/// How activations ended, by User and image
#[derive(Debug, Args)]
#[command(long_about = "\
Show how activations ended, by User and image.

Example:
  dco report success --user 90-B3-D5-1F-30-01-00-01 --as pki/desk1")]
struct Success {
    #[command(flatten)]
    of: OfUsers,
}

impl Report {
    pub(crate) async fn run(self) -> Result<Answer, Failure> {
        match self.kind {
            Kind::Capacity(capacity) => capacity.run().await,
            Kind::Trt(of) => {
                let rows = reports(&of.connection).await?.trt(of.user).await?;
                let json = rows.iter().map(trt_json).collect::<Vec<_>>();
                Ok(Answer::new(trt_text(&rows), json!({ "rows": json })))
            }
            Kind::Success(Success { of }) => {
                let rows = reports(&of.connection).await?.success(of.user).await?;
                let json = rows.iter().map(success_json).collect::<Vec<_>>();
                Ok(Answer::new(success_text(&rows), json!({ "rows": json })))
            }
        }
    }
}

impl Capacity {
    async fn run(self) -> Result<Answer, Failure> {
        let [first, last] = [self.first, self.last].map(|date| date.map(|date| date.to_string()));
        let days = reports(&self.connection)
            .await?
            .capacity(first.as_deref(), last.as_deref())
            .await?;
        let json = days.iter().map(day_json).collect::<Vec<_>>();
        Ok(Answer::new(
            capacity_text(&days),
            json!({ "service_days": json }),
        ))
    }
}

async fn reports(connection: &Connection) -> Result<ReportsClient, Failure> {
    Ok(ReportsClient::new(&connection.link().await?))
}
