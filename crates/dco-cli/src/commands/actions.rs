//! `dco actions`: four eyes.

use clap::{Args, Subcommand};
use dco_client::OperationsClient;
use serde_json::json;

use crate::connect::Connection;
use crate::exit::{Answer, Failure};
use crate::paging;
use crate::show::{action_json, action_text, actions_text, schedule_json, schedule_text};
use crate::signing::SigningArgs;

/// List, show, approve or decline what waits for a second officer
#[derive(Debug, Args)]
pub(crate) struct Actions {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(List),
    Show(Show),
    Approve(Approve),
    Decline(Decline),
}

/// List what waits for a second officer
#[derive(Debug, Args)]
#[command(long_about = "\
List what officers of the Service Desk have asked for and what waits for a second one: security
priority, and whatever takes from a User what is agreed. What does not wait any more is left out
unless --all is given, which says of each what became of it and why; none is ever forgotten. An act
is OVERTAKEN where its schedule was changed by others in the meantime, or too little time was left
to answer it; it cannot be approved any more. Service days that a User has ended since are left out
of what an act is about.

Examples:
  dco actions list --as pki/desk2
  dco actions list --all --as pki/auditor1")]
struct List {
    /// Those as well that were approved, declined or overtaken, or have expired
    #[arg(long)]
    all: bool,
    /// How many to show
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = paging::at_least_one)]
    limit: u32,
    #[command(flatten)]
    connection: Connection,
}

/// Show one, with its days
#[derive(Debug, Args)]
#[command(long_about = "\
Show what waits for a second officer as that one has to look at it: terms, and each service day that
changes, without those that were ended since. Of an act that does not wait any more it shows what
became of it and why; its days are in the history of the schedule.

Example:
  dco actions show 3 --as pki/desk2")]
struct Show {
    /// The number, as `dco actions list` shows it
    number: u64,
    #[command(flatten)]
    connection: Connection,
}

/// Approve it: it is done now, if it still can be
#[derive(Debug, Args)]
#[command(long_about = "\
Approve what another officer has asked for. It is checked again on what holds now, and done.

Example:
  dco actions approve 3 --ticket INC-8 --reason \"checked with the User\" --as pki/desk2")]
struct Approve {
    #[command(flatten)]
    answer: AnswerArgs,
}

/// Decline it: it is not done
#[derive(Debug, Args)]
#[command(long_about = "\
Decline what an officer has asked for; who asked for it may take it back so.

Example:
  dco actions decline 3 --ticket INC-8 --reason \"the User was not asked\" --as pki/desk2")]
struct Decline {
    #[command(flatten)]
    answer: AnswerArgs,
}

#[derive(Debug, Args)]
struct AnswerArgs {
    /// The number, as `dco actions list` shows it
    number: u64,
    #[command(flatten)]
    signing: SigningArgs,
    #[command(flatten)]
    connection: Connection,
}

impl Actions {
    pub(crate) async fn run(self) -> Result<Answer, Failure> {
        match self.command {
            Command::List(list) => list.run().await,
            Command::Show(show) => show.run().await,
            Command::Approve(approve) => approve.answer.approve().await,
            Command::Decline(decline) => decline.answer.decline().await,
        }
    }
}

impl List {
    async fn run(self) -> Result<Answer, Failure> {
        let client = client(&self.connection).await?;
        let client = &client;
        let all = self.all;
        let get = |page| async move { client.pending_actions(all, &page).await };
        let part = paging::part(self.limit, get).await?;
        let json = part.items.iter().map(action_json).collect::<Vec<_>>();
        Ok(Answer::new(
            part.told(actions_text(&part.items, all)),
            json!({ "actions": json, "complete": part.complete }),
        ))
    }
}

impl Show {
    async fn run(self) -> Result<Answer, Failure> {
        let client = client(&self.connection).await?;
        let client = &client;
        let number = self.number;
        let find = |settled| async move {
            let get = |page| async move { client.pending_actions(settled, &page).await };
            let all = paging::up_to(u32::MAX, get).await?;
            let action = all.into_iter().find(|it| it.number == Some(number));
            Ok::<_, Failure>(action)
        };
        // Few wait; of those that do not, there are ever more.
        let action = match find(false).await? {
            Some(waiting) => Some(waiting),
            None => find(true).await?,
        };
        let action = action.ok_or_else(|| {
            Failure::failed(format!(
                "there is no act {number}; `dco actions list --all` shows all there are"
            ))
        })?;
        let action = &action;
        let json = json!({ "action": action_json(action) });
        Ok(Answer::new(action_text(action), json))
    }
}

impl AnswerArgs {
    async fn approve(&self) -> Result<Answer, Failure> {
        let client = client(&self.connection).await?;
        let answered = client.approve_action(self.number, self.signing.signing());
        let schedule = answered.await?;
        let json = json!({ "schedule": schedule_json(&schedule) });
        Ok(Answer::new(schedule_text(&schedule), json))
    }

    async fn decline(&self) -> Result<Answer, Failure> {
        let client = client(&self.connection).await?;
        let answered = client.decline_action(self.number, self.signing.signing());
        let action = answered.await?;
        let json = json!({ "action": action_json(&action) });
        Ok(Answer::new(action_text(&action), json))
    }
}

async fn client(connection: &Connection) -> Result<OperationsClient, Failure> {
    Ok(OperationsClient::new(&connection.link().await?))
}
