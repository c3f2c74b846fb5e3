//! `dco cancel`.

use clap::Args;
use dco_client::{Activation, BatchName, RequestId, UserClient};
use serde_json::json;

use crate::connect::AsUser;
use crate::exit::{Answer, Failure};
use crate::show::{activation_json, activations_text, batch_json, batch_text};
use crate::{names, paging};

/// Cancel a batch (SRV 11.3) as far as that can still be done
#[derive(Debug, Args)]
#[command(long_about = "\
Cancel a batch (SRV 11.3) as far as that can still be done.

What was not released is cancelled at once. What is under way goes on to its outcome; with an
execution time it is asked back from its gateway and ends as cancelled where that comes in time.
The answer lists the Devices that may have the image, or some of it, and are not known to run it.

Examples:
  dco cancel batches/7 --as pki/user1
  dco cancel batches/7 --validate-only --as pki/user1")]
pub(crate) struct Cancel {
    /// batches/N or the full name
    name: String,
    /// The same id cancels once; a new one when not given
    #[arg(long, value_name = "UUID")]
    request_id: Option<RequestId>,
    /// Have everything checked and change nothing
    #[arg(long)]
    validate_only: bool,
    #[command(flatten)]
    caller: AsUser,
}

impl Cancel {
    pub(crate) async fn run(self) -> Result<Answer, Failure> {
        let client = self.caller.client().await?;
        let name: BatchName = names::parse(&self.name, client.user())?;
        let id = self.request_id.unwrap_or_else(RequestId::fresh);
        let batch = client.cancel_batch(name, id, self.validate_only).await?;
        let with_image = match batch.may_have_image_count {
            0 => Vec::new(),
            _ => with_image(&client, name).await?,
        };
        let mut text = batch_text(&batch);
        if !with_image.is_empty() {
            text = format!("{text}\n\n{}", activations_text(&with_image));
        }
        let mut json = batch_json(&batch);
        json["may_have_image"] = json!(with_image.iter().map(activation_json).collect::<Vec<_>>());
        Ok(Answer::new(text, json))
    }
}

/// Devices that may have the image and are not known to run it.
async fn with_image(client: &UserClient, name: BatchName) -> Result<Vec<Activation>, Failure> {
    let get = |page| async move { client.activations(name, &page).await };
    let mut all = paging::up_to(u32::MAX, get).await?;
    all.retain(|it| it.may_have_image && it.state != dco_client::ActivationState::Succeeded);
    Ok(all)
}
