//! `dco explain`: why is this waiting, and until when?

use clap::Args;
use dco_client::UserClient;

use crate::connect::AsUser;
use crate::exit::{Answer, Failure};
use crate::names::Name;
use crate::show::{explanation_json, explanation_text};

/// Say why an activation waits, and until when
#[derive(Debug, Args)]
#[command(long_about = "\
Say why an activation waits, until when, and what would free it.

Example:
  dco explain batches/7/activations/00-DB-12-34-00-00-00-01 --as pki/user1")]
pub(crate) struct Explain {
    /// batches/N/activations/EUI-64, or the full name
    name: String,
    #[command(flatten)]
    caller: AsUser,
}

impl Explain {
    pub(crate) async fn run(self) -> Result<Answer, Failure> {
        let Name::Activation(name) = Name::parse(&self.name, self.caller.user()?)? else {
            return Err(Failure::usage(format!(
                "`{}` is no activation; write it like batches/7/activations/00-DB-12-34-00-00-00-01",
                self.name
            )));
        };
        let link = self.caller.connection.link().await?;
        let explanation = UserClient::new(&link, name.batch.user)
            .explain(name)
            .await?;
        Ok(Answer::new(
            explanation_text(&explanation),
            explanation_json(&explanation),
        ))
    }
}
