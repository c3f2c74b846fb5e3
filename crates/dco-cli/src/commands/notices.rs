//! `dco notices`.

use clap::{Args, ValueEnum};
use dco_client::{NoticeParty, NoticesClient, RetryPolicy};
use serde_json::json;

use crate::connect::AsUser;
use crate::exit::{Answer, Failure};
use crate::output::Output;
use crate::paging;
use crate::show::{notice_json, notice_line, notices_text};
use crate::stop;

/// Show what you are told: steps of schedules, moves, warnings
#[derive(Debug, Args)]
#[command(long_about = "\
Show what you are told: steps of schedules, moves, capacity that was set, acts that wait for a
second officer, transfers about to expire. --position goes on after the last one you have seen;
it is refused where what follows is not kept any more ([notices] of the configuration). With --follow, new ones are shown as they come, until Ctrl-C.

Examples:
  dco notices --as pki/user1
  dco notices --follow --position 17 --as pki/desk1
  dco notices --of service-desk --as pki/auditor1")]
pub(crate) struct Notices {
    /// Only notices after this position
    #[arg(long, value_name = "N", default_value_t = 0)]
    position: u64,
    /// How many to show
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100,
        value_parser = paging::at_least_one,
        conflicts_with = "follow"
    )]
    limit: u32,
    /// Go on showing new ones as they come
    #[arg(long)]
    follow: bool,
    /// Those of the staff, for other staff
    #[arg(long, value_enum, conflicts_with = "user")]
    of: Option<Staff>,
    #[command(flatten)]
    caller: AsUser,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Staff {
    /// Told to the Service Desk
    ServiceDesk,
    /// Told to operators
    Operators,
}

impl Notices {
    pub(crate) async fn run(self, output: Output) -> Result<Answer, Failure> {
        let client = NoticesClient::new(&self.caller.connection.link().await?);
        if self.follow {
            return self.follow(&client, output).await;
        }
        let told = client
            .notices(self.party(), self.position, self.limit)
            .await?;
        let json = told.notices.iter().map(notice_json).collect::<Vec<_>>();
        Ok(Answer::new(
            notices_text(&told),
            json!({
                "notices": json,
                "position": told.position,
                "complete": told.complete,
            }),
        ))
    }

    /// One line for each notice; for programs one object for each.
    async fn follow(&self, client: &NoticesClient, output: Output) -> Result<Answer, Failure> {
        let stop = stop::asked()?;
        let mut watch = client.watch(self.party(), self.position, RetryPolicy::default());
        tokio::pin!(stop);
        loop {
            let told = tokio::select! {
                told = watch.next() => told?,
                () = &mut stop => break,
            };
            for notice in &told {
                output.say(notice_line(notice));
                output.object(&json!({ "notice": notice_json(notice) }));
            }
        }
        let position = watch.position();
        Ok(Answer::new("", json!({ "position": position })))
    }

    fn party(&self) -> NoticeParty {
        match (self.of, self.caller.user) {
            (Some(Staff::ServiceDesk), _) => NoticeParty::ServiceDesk,
            (Some(Staff::Operators), _) => NoticeParty::Operators,
            (None, Some(user)) => NoticeParty::User(user),
            (None, None) => NoticeParty::Own,
        }
    }
}
