//! `dco batches`.

use clap::Args;
use dco_client::{BatchName, UserClient};
use serde_json::json;

use crate::connect::AsUser;
use crate::exit::{Answer, Failure};
use crate::show::{activation_json, activations_text, batch_json, batch_text, batches_text};
use crate::{names, paging};

/// Show one's batches (SRV 11.3), or one of them
#[derive(Debug, Args)]
#[command(long_about = "\
Show one's batches (SRV 11.3), newest first, or one of them.

Examples:
  dco batches --as pki/user1
  dco batches batches/7 --activations --as pki/user1
  dco batches --user 90-B3-D5-1F-30-01-00-01 --as pki/desk1")]
pub(crate) struct Batches {
    /// batches/N or the full name; all of them when not given
    name: Option<String>,
    /// Show every Device of the batch
    #[arg(long, requires = "name")]
    activations: bool,
    /// How many batches, or Devices, to show
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = paging::at_least_one)]
    limit: u32,
    #[command(flatten)]
    caller: AsUser,
}

impl Batches {
    pub(crate) async fn run(self) -> Result<Answer, Failure> {
        let client = self.caller.client().await?;
        match &self.name {
            Some(name) => self.one(&client, names::parse(name, client.user())?).await,
            None => self.all(&client).await,
        }
    }

    async fn all(&self, client: &UserClient) -> Result<Answer, Failure> {
        let batches = paging::up_to(
            self.limit,
            |page| async move { client.batches(&page).await },
        )
        .await?;
        let json = batches.iter().map(batch_json).collect::<Vec<_>>();
        Ok(Answer::new(
            batches_text(&batches),
            json!({ "batches": json }),
        ))
    }

    async fn one(&self, client: &UserClient, name: BatchName) -> Result<Answer, Failure> {
        let batch = client.batch(name).await?;
        let (mut text, mut json) = (batch_text(&batch), batch_json(&batch));
        if self.activations {
            let get = |page| async move { client.activations(name, &page).await };
            let activations = paging::up_to(self.limit, get).await?;
            text = format!("{text}\n\n{}", activations_text(&activations));
            json["activations"] = activations.iter().map(activation_json).collect();
        }
        Ok(Answer::new(text, json))
    }
}
