//! `dco schedule`: what a User and the Service Desk agree.

mod act;
mod carried;
mod plan;
mod read;
mod request;
mod simulate;

use clap::{Args, Subcommand};
use dco_block::Eui64;
use dco_client::{ScheduleName, SchedulesClient};

use crate::connect::{AsUser, Connection};
use crate::exit::{Answer, Failure};
use crate::names;

/// Agree delivery schedules: request, offer, counter, accept, amend, end
#[derive(Debug, Args)]
pub(crate) struct Schedule {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Request(request::Request),
    Offer(act::Offer),
    Counter(act::Counter),
    Accept(act::Accept),
    Decline(act::Decline),
    Amend(act::Amend),
    Withdraw(act::Withdraw),
    End(act::End),
    Show(read::Show),
    List(read::List),
    Fit(plan::Fit),
    Replan(plan::Replan),
    Simulate(simulate::Simulate),
}

impl Schedule {
    pub(crate) async fn run(self) -> Result<Answer, Failure> {
        match self.command {
            Command::Request(it) => it.run().await,
            Command::Offer(it) => it.run().await,
            Command::Counter(it) => it.run().await,
            Command::Accept(it) => it.run().await,
            Command::Decline(it) => it.run().await,
            Command::Amend(it) => it.run().await,
            Command::Withdraw(it) => it.run().await,
            Command::End(it) => it.run().await,
            Command::Show(it) => it.run().await,
            Command::List(it) => it.run().await,
            Command::Fit(it) => it.run().await,
            Command::Replan(it) => it.run().await,
            Command::Simulate(it) => it.run().await,
        }
    }
}

/// One schedule and the way to it.
#[derive(Debug, Clone, Args)]
struct One {
    /// schedules/N of one's own or of --user, or the full name
    name: String,
    #[command(flatten)]
    caller: AsUser,
}

impl One {
    async fn reach(&self) -> Result<(SchedulesClient, ScheduleName), Failure> {
        let name = names::parse(&self.name, self.caller.user()?)?;
        Ok((client(&self.caller.connection).await?, name))
    }
}

async fn client(connection: &Connection) -> Result<SchedulesClient, Failure> {
    Ok(SchedulesClient::new(&connection.link().await?))
}

/// Reads a User's EUI-64 from a part of a text.
fn eui64(text: &str) -> Result<Eui64, String> {
    text.trim()
        .parse()
        .map_err(|why| format!("`{text}`: {why}"))
}
