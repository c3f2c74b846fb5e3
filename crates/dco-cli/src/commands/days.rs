//! `dco days`.

use clap::Args;
use dco_client::OperationsClient;
use serde_json::json;

use crate::connect::Connection;
use crate::exit::{Answer, Failure};
use crate::paging;
use crate::show::{capacity_text, day_json};

/// Show the service days with capacity and use
#[derive(Debug, Args)]
#[command(long_about = "\
Show the service days, newest first: their length, capacity and what was released of it. For
operators, the Service Desk and auditors; a User asks `dco report capacity`.

Example:
  dco days --limit 7 --as pki/operator1")]
pub(crate) struct Days {
    /// How many to show
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = paging::at_least_one)]
    limit: u32,
    #[command(flatten)]
    connection: Connection,
}

impl Days {
    pub(crate) async fn run(self) -> Result<Answer, Failure> {
        let operations = OperationsClient::new(&self.connection.link().await?);
        let operations = &operations;
        let get = |page| async move { operations.service_days(&page).await };
        let days = paging::up_to(self.limit, get).await?;
        let json = days.iter().map(day_json).collect::<Vec<_>>();
        Ok(Answer::new(
            capacity_text(&days),
            json!({ "service_days": json }),
        ))
    }
}
