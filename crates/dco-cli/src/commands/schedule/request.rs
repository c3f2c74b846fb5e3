//! `dco schedule request`: a User asks for a schedule.

use clap::Args;
use dco_client::ScheduleRequest;
use dco_schedule::ServiceDate;

use crate::commands::activate::image_hash;
use crate::connect::AsUser;
use crate::exit::{Answer, Failure};
use crate::show::acted_answer;
use crate::signing::SigningArgs;
use crate::{paging, when};

/// Ask the Service Desk for a delivery schedule
#[derive(Debug, Args)]
#[command(long_about = "\
Ask the Service Desk for a delivery schedule: an image, or every large image, for so many Devices
from one service day to another. The Service Desk answers with an offer.

An image that a schedule names is kept until the last day agreed for it; a schedule for every large
image names none, so an image that is not used for long may be RETIRED and has to be sent again.

Example:
  dco schedule request --devices 40000 --earliest 2026-12-01 --latest 2026-12-31 \\
    --per-day-max 2000 --reason \"firmware 0102000A for all E470\" --as pki/user1")]
pub(super) struct Request {
    /// The image: its Manufacturer Image Hash or its file; every large image when not given
    #[arg(long, value_name = "HASH|FILE")]
    image: Option<String>,
    /// Devices that are to get it
    #[arg(long = "devices", value_name = "N")]
    device_count: u32,
    /// The first service day on which you can send
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = when::parse_date)]
    earliest: ServiceDate,
    /// The service day by which you want to be done
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = when::parse_date)]
    latest: ServiceDate,
    /// The most you can take on one service day; no limit when not given
    #[arg(long, value_name = "UNITS", value_parser = paging::at_least_one)]
    per_day_max: Option<u32>,
    #[command(flatten)]
    signing: SigningArgs,
    #[command(flatten)]
    caller: AsUser,
}

impl Request {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let user = self.caller.user()?;
        let request = self.wanted()?;
        let client = super::client(&self.caller.connection).await?;
        let acted = client
            .request(user, request, self.signing.signing())
            .await?;
        Ok(acted_answer(&acted))
    }

    fn wanted(&self) -> Result<ScheduleRequest, Failure> {
        Ok(ScheduleRequest {
            manufacturer_image_hash: self.image.as_deref().map(image_hash).transpose()?,
            device_count: self.device_count,
            earliest_date: self.earliest.to_string(),
            latest_date: self.latest.to_string(),
            // 0 on the wire is no limit.
            per_day_max: self.per_day_max.unwrap_or(0),
        })
    }
}
