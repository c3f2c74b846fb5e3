//! `dco transfers`.

use clap::Args;
use serde_json::json;

use crate::connect::AsUser;
use crate::exit::{Answer, Failure};
use crate::show::{transfer_json, transfer_text, transfers_text};
use crate::{names, paging};

/// Show one's transfers (SRV 11.1), or one of them
#[derive(Debug, Args)]
#[command(long_about = "\
Show one's transfers (SRV 11.1), newest first, or one of them with its 11.1 Response.

Examples:
  dco transfers --as pki/user1
  dco transfers transfers/4 --as pki/user1
  dco transfers --user 90-B3-D5-1F-30-01-00-01 --as pki/desk1")]
pub(crate) struct Transfers {
    /// transfers/N or the full name; all of them when not given
    name: Option<String>,
    /// How many to show
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = paging::at_least_one)]
    limit: u32,
    #[command(flatten)]
    caller: AsUser,
}

impl Transfers {
    pub(crate) async fn run(self) -> Result<Answer, Failure> {
        let client = self.caller.client().await?;
        if let Some(name) = self.name {
            let transfer = client.transfer(names::parse(&name, client.user())?).await?;
            return Ok(Answer::new(
                transfer_text(&transfer),
                transfer_json(&transfer),
            ));
        }
        let client = &client;
        let transfers = paging::up_to(
            self.limit,
            |page| async move { client.transfers(&page).await },
        )
        .await?;
        let json = transfers.iter().map(transfer_json).collect::<Vec<_>>();
        Ok(Answer::new(
            transfers_text(&transfers),
            json!({ "transfers": json }),
        ))
    }
}
