//! Schedules as they are.

use clap::Args;
use dco_block::Eui64;
use serde_json::json;

use super::One;
use crate::connect::Connection;
use crate::exit::{Answer, Failure};
use crate::paging;
use crate::show::{schedule_json, schedule_text, schedules_text};

/// Show one schedule with its days and its history
#[derive(Debug, Args)]
#[command(long_about = "\
Show one schedule: what was asked for, what is agreed for each service day, what waits for an
answer, how its User was moved, and everything that was done to it.

Example:
  dco schedule show schedules/1 --as pki/user1")]
pub(super) struct Show {
    #[command(flatten)]
    one: One,
}

/// List schedules
#[derive(Debug, Args)]
#[command(long_about = "\
List schedules. A User sees its own; the Service Desk, operators and auditors see all, or those of
one User.

Example:
  dco schedule list --open --as pki/desk1")]
pub(super) struct List {
    /// Only those that can still change
    #[arg(long)]
    open: bool,
    /// Only this User's
    #[arg(long, value_name = "EUI-64")]
    user: Option<Eui64>,
    /// How many to show
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = paging::at_least_one)]
    limit: u32,
    #[command(flatten)]
    connection: Connection,
}

impl Show {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let (client, name) = self.one.reach().await?;
        let schedule = client.schedule(name).await?;
        let json = json!({ "schedule": schedule_json(&schedule) });
        Ok(Answer::new(schedule_text(&schedule), json))
    }
}

impl List {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let client = super::client(&self.connection).await?;
        let (client, user, open) = (&client, self.user, self.open);
        let get = |page| async move { client.schedules(user, open, &page).await };
        let part = paging::part(self.limit, get).await?;
        let json = part.items.iter().map(schedule_json).collect::<Vec<_>>();
        let text = part.told(schedules_text(&part.items));
        let json = json!({ "schedules": json, "complete": part.complete });
        Ok(Answer::new(text, json))
    }
}
