//! `dco gateways`.

use clap::Args;
use dco_client::OperationsClient;
use serde_json::json;

use crate::connect::Connection;
use crate::exit::{Answer, Failure};
use crate::paging;
use crate::show::{gateway_json, gateways_text};

/// Show the gateways and what they have in hand
#[derive(Debug, Args)]
#[command(long_about = "\
Show the gateways: whether they are connected, since when, and how many attempts they have in
hand. For operators, the Service Desk and auditors.

Example:
  dco gateways --as pki/operator1")]
pub(crate) struct Gateways {
    /// How many to show
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = paging::at_least_one)]
    limit: u32,
    #[command(flatten)]
    connection: Connection,
}

impl Gateways {
    pub(crate) async fn run(self) -> Result<Answer, Failure> {
        let operations = &OperationsClient::new(&self.connection.link().await?);
        let get = |page| async move { operations.gateways(&page).await };
        let gateways = paging::up_to(self.limit, get).await?;
        let json = gateways.iter().map(gateway_json).collect::<Vec<_>>();
        Ok(Answer::new(
            gateways_text(&gateways),
            json!({ "gateways": json }),
        ))
    }
}
