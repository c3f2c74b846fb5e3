//! `dco pause` and `dco resume`.

use clap::Args;
use dco_client::{ChangePause, OperationsClient, Pause as InForce, RequestId};
use serde_json::json;

use crate::connect::Connection;
use crate::exit::{Answer, Failure};
use crate::show::pause_json;

/// Pause all releases, at once
#[derive(Debug, Args)]
#[command(long_about = "\
Pause all releases, at once. For the Service Desk and operators. Batches are still accepted and
wait, attempts under way are finished, and TRT clocks go on.

Example:
  dco pause --ticket INC-1234 --reason \"image withdrawn by its maker\" --as pki/desk1")]
pub(crate) struct Pause {
    #[command(flatten)]
    change: Change,
}

/// Resume all releases, at once
#[derive(Debug, Args)]
#[command(long_about = "\
Resume all releases that `dco pause`, or a restore from a backup, has paused. For the Service Desk
and operators.

Example:
  dco resume --ticket INC-1234 --reason \"its maker has corrected the image\" --as pki/desk1")]
pub(crate) struct Resume {
    #[command(flatten)]
    change: Change,
}

#[derive(Debug, Args)]
struct Change {
    /// Where it is written down
    #[arg(long)]
    ticket: String,
    /// Why
    #[arg(long)]
    reason: String,
    /// The same id gives the same answer; a new one when not given
    #[arg(long, value_name = "UUID")]
    request_id: Option<RequestId>,
    /// Have everything checked and change nothing
    #[arg(long)]
    validate_only: bool,
    #[command(flatten)]
    connection: Connection,
}

impl Pause {
    pub(crate) async fn run(self) -> Result<Answer, Failure> {
        let operations = self.change.operations().await?;
        let asked = self.change.asked();
        let validated = asked.validate_only;
        let pause = operations.pause(asked).await?;
        Ok(answer(pause.as_ref(), validated.then_some("can be paused")))
    }
}

impl Resume {
    pub(crate) async fn run(self) -> Result<Answer, Failure> {
        let operations = self.change.operations().await?;
        let asked = self.change.asked();
        let validated = asked.validate_only;
        let pause = operations.resume(asked).await?;
        Ok(answer(
            pause.as_ref(),
            validated.then_some("can be resumed"),
        ))
    }
}

impl Change {
    async fn operations(&self) -> Result<OperationsClient, Failure> {
        Ok(OperationsClient::new(&self.connection.link().await?))
    }

    fn asked(self) -> ChangePause {
        ChangePause {
            request_id: self.request_id.unwrap_or_else(RequestId::fresh),
            validate_only: self.validate_only,
            ticket: self.ticket,
            reason: self.reason,
        }
    }
}

/// What is in force now, or what could be done.
fn answer(pause: Option<&InForce>, validated: Option<&str>) -> Answer {
    let text = match (pause, validated) {
        (_, Some(could)) => format!("releases {could}"),
        (Some(pause), None) => format!("releases are paused, ticket {}", pause.ticket),
        (None, None) => "releases go on".to_owned(),
    };
    Answer::new(text, json!({ "pause": pause.map(pause_json) }))
}
