//! What the Service Desk can offer, and whom it can move.

use clap::Args;

use super::One;
use super::act::Window;
use super::carried::{self, Why};
use crate::connect::Connection;
use crate::exit::{Answer, Failure};
use crate::show::{fits_json, fits_text, replan_json, replan_text};

/// Find three ways to meet a request
#[derive(Debug, Args)]
#[command(long_about = "\
Find three ways to meet the request of a schedule: the earliest end (others may have to be moved
first), the flattest, and the earliest end that moves nobody. For each service day it says what is
free, when the day's batch is due, and whether too much may be under way. It says for which hours
it plans: in a window no day gets more than its hours can take at the day's pace. The commands that
carry each of them out are printed, for an officer to run under a ticket. For the Service Desk,
operators and auditors.

Example:
  dco schedule fit schedules/1 --user 90-B3-D5-1F-30-01-00-01 --as pki/desk1")]
pub(super) struct Fit {
    #[command(flatten)]
    one: One,
    /// Local hours in which it would be released, like 22-24, or none for the whole day; those that are
    /// agreed or put forward when not given
    #[arg(long, value_name = "HOUR-HOUR|none", value_parser = super::act::parse_window_or_none)]
    window: Option<Window>,
}

/// Find whom to move when a service day has too much agreed
#[derive(Debug, Args)]
#[command(long_about = "\
Find whom to move, and where to, so that no service day has more agreed than it has room for, with
the least harm. Nothing is changed: propose each amendment with the `dco schedule amend` that is
printed, under your ticket. What is proposed already and waits for its User is named where days are
left over. For the Service Desk, operators and auditors.

Example:
  dco schedule replan --as pki/desk1")]
pub(super) struct Replan {
    #[command(flatten)]
    connection: Connection,
}

impl Fit {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let (client, name) = self.one.reach().await?;
        let schedule = client.schedule(name).await?;
        let window = match self.window {
            Some(Window(window)) => window,
            None => carried::window_of(&schedule),
        };
        let fits = client.fit(name, window).await?;
        let commands = carried::fits_text(&client, (&schedule, name, window), &fits).await?;
        let text = [Some(fits_text(&fits, window)), commands];
        let text = text.into_iter().flatten().collect::<Vec<_>>();
        Ok(Answer::new(text.join("\n\n"), fits_json(&fits, window)))
    }
}

impl Replan {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let client = super::client(&self.connection).await?;
        let replan = client.replan().await?;
        let commands = carried::replan_text(&client, &replan, Why::OverAgreed).await?;
        let waiting = if replan.left.is_empty() {
            None
        } else {
            carried::waiting_text(&client).await?
        };
        let text = [Some(replan_text(&replan)), waiting, commands];
        let text = text.into_iter().flatten().collect::<Vec<_>>();
        Ok(Answer::new(text.join("\n\n"), replan_json(&replan)))
    }
}
