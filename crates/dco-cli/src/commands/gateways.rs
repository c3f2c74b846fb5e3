//! `dco gateways`.

use clap::Args;
use dco_client::OperationsClient;
use serde_json::json;

use crate::connect::Connection;
use crate::exit::{Answer, Failure};
use crate::show::{gateway_json, gateways_text};

/// Show the gateways and what they have in hand
#[derive(Debug, Args)]
#[command(long_about = "\
Show the gateways: whether they are connected, since when, and how many attempts they have in
hand. For operators, the Service Desk and auditors.

Example:
  dco gateways --as pki/operator1")]
pub(crate) struct Gateways {
    #[command(flatten)]
    connection: Connection,
}

impl Gateways {
    pub(crate) async fn run(self) -> Result<Answer, Failure> {
        let gateways = OperationsClient::new(&self.connection.link().await?)
            .gateways()
            .await?;
        let json = gateways.iter().map(gateway_json).collect::<Vec<_>>();
        Ok(Answer::new(
            gateways_text(&gateways),
            json!({ "gateways": json }),
        ))
    }
}
