//! `dco pause`, `dco resume` and `dco pauses`.

use clap::Args;
use dco_block::{Eui64, ManufacturerImageHash};
use dco_client::{
    BatchName, ChangePause, OperationsClient, Pause as InForce, PauseScope, RequestId, ScheduleName,
};
use serde_json::json;

use crate::connect::Connection;
use crate::exit::{Answer, Failure};
use crate::show::{pause_json, pauses_text};

/// Pause releases, at once: all of them, or those of a User, an image, a gateway, a schedule or a batch
#[derive(Debug, Args)]
#[command(long_about = "\
Pause releases, at once: all of them, or those of one User, image, gateway, delivery
schedule or batch. For the Service Desk and operators. Batches are still accepted and wait, attempts under way are finished,
and TRT clocks go on.

Examples:
  dco pause --ticket INC-1234 --reason \"the store is to be moved\" --as pki/desk1
  dco pause --image 1f0e...c3 --ticket INC-1235 --reason \"withdrawn by its maker\" --as pki/desk1")]
pub(crate) struct Pause {
    #[command(flatten)]
    change: Change,
}

/// Resume releases that were paused, at once
#[derive(Debug, Args)]
#[command(long_about = "\
Resume releases that `dco pause`, a restore from a backup or the stop rule has paused: name the same
User, image, gateway, schedule or batch as `dco pauses` does, or none for all releases. What is paused in
another way stays paused. For the Service Desk and operators.

Example:
  dco resume --image 1f0e...c3 --ticket INC-1234 --reason \"its maker has corrected the image\" --as pki/desk1")]
pub(crate) struct Resume {
    #[command(flatten)]
    change: Change,
}

#[derive(Debug, Args)]
struct Change {
    #[command(flatten)]
    scope: Scope,
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

/// Which releases: all of them when none is given.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct Scope {
    /// Those of this User only
    #[arg(long, value_name = "EUI64")]
    user: Option<Eui64>,
    /// Those of the image with this Manufacturer Image Hash only, of all Users
    #[arg(long, value_name = "HASH")]
    image: Option<ManufacturerImageHash>,
    /// Those through this gateway only
    #[arg(long, value_name = "EUI64")]
    gateway: Option<Eui64>,
    /// Those of work sent under this delivery schedule only
    #[arg(long, value_name = "SCHEDULE")]
    schedule: Option<ScheduleName>,
    /// Those of this batch only
    #[arg(long, value_name = "BATCH")]
    batch: Option<BatchName>,
}

impl Scope {
    fn asked(&self) -> PauseScope {
        let user = self.user.map(PauseScope::User);
        let image = self.image.map(PauseScope::Image);
        let gateway = self.gateway.map(PauseScope::Gateway);
        let schedule = self.schedule.map(PauseScope::Schedule);
        let batch = self.batch.map(PauseScope::Batch);
        let given = user.or(image).or(gateway).or(schedule).or(batch);
        given.unwrap_or_default()
    }
}

/// Show what is paused
#[derive(Debug, Args)]
#[command(long_about = "\
Show every pause in force: of all releases, of one User, image, gateway, delivery schedule or batch,
by an officer or by a rule. For the Service Desk, operators and auditors.

Example:
  dco pauses --as pki/desk1")]
pub(crate) struct Pauses {
    #[command(flatten)]
    connection: Connection,
}

impl Pauses {
    pub(crate) async fn run(self) -> Result<Answer, Failure> {
        let link = self.connection.link().await?;
        let pauses = OperationsClient::new(&link).pauses().await?;
        let rows: Vec<_> = pauses.iter().map(pause_json).collect();
        Ok(Answer::new(pauses_text(&pauses), json!({ "pauses": rows })))
    }
}

impl Pause {
    pub(crate) async fn run(self) -> Result<Answer, Failure> {
        let operations = self.change.operations().await?;
        let asked = self.change.asked();
        let (scope, validated) = (asked.scope, asked.validate_only);
        let pause = operations.pause(asked).await?;
        let validated = validated.then_some("can be paused");
        Ok(answer(scope, pause.as_ref(), validated))
    }
}

impl Resume {
    pub(crate) async fn run(self) -> Result<Answer, Failure> {
        let operations = self.change.operations().await?;
        let asked = self.change.asked();
        let (scope, validated) = (asked.scope, asked.validate_only);
        let pause = operations.resume(asked).await?;
        let validated = validated.then_some("can be resumed");
        Ok(answer(scope, pause.as_ref(), validated))
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
            scope: self.scope.asked(),
            ticket: self.ticket,
            reason: self.reason,
        }
    }
}

/// What is in force now, or what could be done.
fn answer(scope: PauseScope, pause: Option<&InForce>, validated: Option<&str>) -> Answer {
    let text = match (pause, validated) {
        (_, Some(could)) => format!("{scope} {could}"),
        (Some(pause), None) => format!("{scope} are paused, ticket {}", pause.ticket),
        (None, None) => format!("{scope} go on"),
    };
    Answer::new(text, json!({ "pause": pause.map(pause_json) }))
}
