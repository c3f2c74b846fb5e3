//! `dco report`: what happened.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use dco_block::Eui64;
use dco_client::{ReportQuery, ReportsClient, SuccessGroup};
use dco_schedule::ServiceDate;

use crate::chart::svg_file;
use crate::connect::Connection;
use crate::exit::{Answer, Failure};
use crate::show::reports::{self, Shown};
use crate::{files, when};

/// Show what happened: capacity, fairness, Target Response Time, success
#[derive(Debug, Args)]
#[command(long_about = "\
Show what happened, counted from the records of the journal: the same records give the same
report. A User sees its own figures, and of others what cannot be told apart; the Service Desk,
operators and auditors see all.

Each report is a table; --csv gives the same rows for a spreadsheet, --json for a program, and
--chart draws them.")]
pub(crate) struct Report {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Debug, Subcommand)]
enum Kind {
    Capacity(Capacity),
    Fairness(Fairness),
    Success(Success),
    Trt(Trt),
}

/// What each service day was agreed, sent and used for, and what was lost of it
#[derive(Debug, Args)]
#[command(long_about = "\
Show for each service day, over all Users and by User:

  AGREED    units agreed in delivery schedules
  SENT      activations sent for the day under a schedule or the allowance
  RELEASED  units used: attempts that left, those given back taken off
  LENT      those of them that went to work of a later day, because nobody had any ready
  REFUNDED  units given back because nothing went to the Device
  RETRIES   units used for another attempt
  LOST      capacity that was over at the end of the day. IDLE is as much of it as the hours of the
            day would have let go while nobody had ready work; HELD is the rest: somebody's work was
            ready, and a pause, its gateway, the hours of its schedule or the service being down
            held it

A User sees itself and all others as one sum.

Examples:
  dco report capacity --first 2026-03-28 --last 2026-03-30 --as pki/desk1
  dco report capacity --csv --as pki/auditor1 > capacity.csv
  dco report capacity --chart capacity.svg --as pki/desk1")]
struct Capacity {
    #[command(flatten)]
    asked: Asked,
}

/// What each User received of what it was entitled to
#[derive(Debug, Args)]
#[command(long_about = "\
Show for each service day what each User received of what it was entitled to.

  ENTITLED   its part of each unit that left, as long as it had ready work: by weighted max-min among
             the Users with ready work, by what each has sent for the day and carried over. It is
             worked out apart from what chooses whom to serve
  RECEIVED   units that left for it; what was lent to it is not in here
  RATIO      received by entitled. The worst off stands first
  JAIN       Jain's index of the ratios: 1 is even, 1/n is all for one of n
  CONTENDED  two Users or more had ready work from the start of the day to its end, and nobody else
             any. Only then does a low ratio say that somebody was served less than others

Work whose gateway was away is ready as far as records say, so an absent gateway shows as a low ratio
of its Users. A User sees itself, and of each other one only the ratio, without a name.

Examples:
  dco report fairness --first 2026-03-28 --as pki/desk1
  dco report fairness --as pki/user1")]
struct Fairness {
    #[command(flatten)]
    asked: Asked,
}

/// Activations against their Target Response Time
#[derive(Debug, Args)]
#[command(long_about = "\
Show activations against their Target Response Time, by User and month of the service day they
were sent for. In TRT counts what ended in time, however it ended; success is a figure apart, and
`dco report success` has more of it.

Examples:
  dco report trt --as pki/desk1
  dco report trt --first 2026-03-01 --last 2026-03-31 --csv --as pki/desk1")]
struct Trt {
    #[command(flatten)]
    asked: Asked,
}

/// How activations ended, by User, image, Device Model or gateway
#[derive(Debug, Args)]
#[command(long_about = "\
Show how activations ended, by User and image, or by what --by names: several of `user`, `image`,
`model` and `gateway`. OUTCOMES is how the last attempt of each ended, in the field's terms
(success, noImageHeld, FileTransferFailure, noAnswer, ..). IN TRT is a figure apart: the part of what
has ended, or is late, that ended in time, however it ended.

Model and gateway are those that the inventory has now; the period is that of the service days that
batches were sent for.

Examples:
  dco report success --by gateway --first 2026-03-28 --as pki/operator1
  dco report success --by image --by model --as pki/desk1
  dco report success --user 90-B3-D5-1F-30-01-00-01 --as pki/desk1")]
struct Success {
    /// What activations of one row have in common; may be given several times
    #[arg(long, value_name = "WHAT")]
    by: Vec<By>,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    User,
    Image,
    Model,
    Gateway,
}

/// Of what, and in which form.
#[derive(Debug, Args)]
struct Asked {
    /// The first service day; from the first that there is when not given
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = when::parse_date)]
    first: Option<ServiceDate>,
    /// The last service day, included
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = when::parse_date)]
    last: Option<ServiceDate>,
    /// As this User sees it
    #[arg(long, value_name = "EUI-64")]
    user: Option<Eui64>,
    /// Print comma-separated values instead of a table
    #[arg(long)]
    csv: bool,
    /// Draw it into this SVG file
    #[arg(long, value_name = "FILE.svg", value_parser = svg_file)]
    chart: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
}

impl Report {
    pub(crate) async fn run(self) -> Result<Answer, Failure> {
        match self.kind {
            Kind::Capacity(Capacity { asked }) => {
                let (client, query) = asked.client().await?;
                let report = client.capacity_days(&query).await?;
                asked.answer(reports::capacity(&report))
            }
            Kind::Fairness(Fairness { asked }) => {
                let (client, query) = asked.client().await?;
                let report = client.fairness(&query).await?;
                asked.answer(reports::fairness(&report))
            }
            Kind::Success(Success { by, asked }) => {
                let by: Vec<_> = by.into_iter().map(SuccessGroup::from).collect();
                let (client, query) = asked.client().await?;
                let rows = client.outcomes(&query, &by).await?;
                asked.answer(reports::success(&rows))
            }
            Kind::Trt(Trt { asked }) => {
                let (client, query) = asked.client().await?;
                let rows = client.trt_of(&query).await?;
                asked.answer(reports::trt(&rows))
            }
        }
    }
}

impl Asked {
    /// The way to the reports, and what to ask there.
    async fn client(&self) -> Result<(ReportsClient, ReportQuery), Failure> {
        if let (Some(first), Some(last)) = (self.first, self.last)
            && last < first
        {
            return Err(Failure::usage(format!(
                "--last {last} is before --first {first}; give the earlier day as --first"
            )));
        }
        let query = ReportQuery {
            user: self.user,
            first: self.first.map(|date| date.to_string()),
            last: self.last.map(|date| date.to_string()),
        };
        let link = self.connection.link().await?;
        Ok((ReportsClient::new(&link), query))
    }

    fn answer(&self, shown: Shown) -> Result<Answer, Failure> {
        let mut text = if self.csv { shown.csv() } else { shown.text };
        if let Some(path) = &self.chart {
            files::write(path, &shown.chart.svg())?;
            if !self.csv {
                text = format!("{text}\n\ndrawn into {}", path.display());
            }
        }
        Ok(Answer::new(text, shown.json))
    }
}

impl From<By> for SuccessGroup {
    fn from(by: By) -> Self {
        match by {
            By::User => Self::User,
            By::Image => Self::Image,
            By::Model => Self::Model,
            By::Gateway => Self::Gateway,
        }
    }
}
