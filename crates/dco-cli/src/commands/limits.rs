//! `dco limits`.

use clap::Args;
use dco_client::NoticesClient;

use crate::connect::AsUser;
use crate::exit::{Answer, Failure};
use crate::show::{limits_json, limits_text};

/// Show what you may send, and what of it is sent
#[derive(Debug, Args)]
#[command(long_about = "\
Show what a User may send: the allowance without a delivery schedule and what of it is sent, when
it resets, the quota of each service day under each schedule, and what is counted against
thresholds and when that resets.

Examples:
  dco limits --as pki/user1
  dco limits --user 90-B3-D5-1F-30-01-00-01 --as pki/desk1")]
pub(crate) struct Limits {
    #[command(flatten)]
    caller: AsUser,
}

impl Limits {
    pub(crate) async fn run(self) -> Result<Answer, Failure> {
        let client = NoticesClient::new(&self.caller.connection.link().await?);
        let limits = client.limits(self.caller.user).await?;
        Ok(Answer::new(limits_text(&limits), limits_json(&limits)))
    }
}
