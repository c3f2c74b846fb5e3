//! `dco capacity`: what each service day has, and what is left of it.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use dco_block::Eui64;
use dco_client::{
    CapacityDay, CapacityEffect, DayUnits, OperationsClient, SchedulesClient, SetCapacity,
};
use dco_schedule::{Calendar, ServiceDate};
use dco_server::Clock;
use serde_json::json;

use crate::connect::Connection;
use crate::exit::{Answer, Failure};
use crate::quota::DAYS_MAX;
use crate::show::{
    capacity_csv, capacity_day_json, capacity_days_text, capacity_ics, crowded_json, crowded_text,
    units_json,
};
use crate::signing::SigningArgs;
use crate::table::{counted, grouped, table};
use crate::{files, when};

/// Show, set, take back or export the capacity of service days
#[derive(Debug, Args)]
pub(crate) struct Capacity {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Show(Show),
    Set(Set),
    Clear(Clear),
    Export(Export),
}

/// Which service days, and as whom they are read.
#[derive(Debug, Clone, Args)]
struct Range {
    /// The first service day; today when not given
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = when::parse_date)]
    first: Option<ServiceDate>,
    /// The last service day, at most 3,660 in all; 55 days after the first when not given
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = when::parse_date)]
    last: Option<ServiceDate>,
    /// As this User reads it: its own, and all others as a sum
    #[arg(long, value_name = "EUI-64")]
    user: Option<Eui64>,
    #[command(flatten)]
    connection: Connection,
}

/// Show what each service day has, and what is left of it
#[derive(Debug, Args)]
#[command(long_about = "\
Show what each service day can carry, what is agreed, reserved, used and lent, and what is free. A
User sees its own and all others as a sum.

Example:
  dco capacity show --first 2026-12-01 --last 2026-12-31 --as pki/user1")]
struct Show {
    #[command(flatten)]
    range: Range,
}

/// Set capacity or hour profile
#[derive(Debug, Args)]
#[command(long_about = "\
Set how many large images the system may release on a service day, how they are spread over its
hours, or both. In force at once. Nothing that is agreed is taken back: days on which more is
agreed than there is room for are named, and `dco schedule replan` says whom to move. What is set
for a day alone (--on) stands whatever is set from a day on (--from), before or after: such days are
named, and --on that day changes them; `dco capacity clear` takes it back. For officers of the Service Desk.

Examples:
  dco capacity set --on 2026-12-25 --capacity 6000 --ticket INC-9 --reason holiday --as pki/desk1
  dco capacity set --from 2027-01-01 --hour-profile 3,3,3,3,3,3,1,1,1,1,1,1,1,1,1,1,0,0,0,1,1,3,3,3 \\
    --ticket INC-9 --reason \"peak hours\" --as pki/desk1")]
struct Set {
    /// This service day and all after it, up to the next setting; not days that were set with --on
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = when::parse_date)]
    #[arg(required_unless_present = "on", conflicts_with = "on")]
    from: Option<ServiceDate>,
    /// This service day alone, whatever is set from a day on
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = when::parse_date)]
    on: Option<ServiceDate>,
    /// Large images that may be released on a service day
    #[arg(
        long = "capacity",
        value_name = "UNITS",
        required_unless_present = "hour_profile"
    )]
    units: Option<u32>,
    /// 24 weights, one for each hour from midnight on
    #[arg(long, value_name = "W,W,...", value_delimiter = ',')]
    hour_profile: Vec<u32>,
    #[command(flatten)]
    signing: SigningArgs,
    #[command(flatten)]
    connection: Connection,
}

/// Take back what was set for one service day
#[derive(Debug, Args)]
#[command(long_about = "\
Take back what was set for one service day alone (`dco capacity set --on`), capacity and hour
profile: what holds from a day on holds for it again. In force at once. Nothing that is agreed is
taken back: if more is agreed on the day than it has room for then, it is named. Refused where
nothing was set for the day alone. For officers of the Service Desk.

Example:
  dco capacity clear --on 2026-12-25 --ticket INC-9 --reason \"no holiday after all\" --as pki/desk1")]
struct Clear {
    /// The service day
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = when::parse_date)]
    on: ServiceDate,
    #[command(flatten)]
    signing: SigningArgs,
    #[command(flatten)]
    connection: Connection,
}

/// Export it as CSV or as a calendar
#[derive(Debug, Args)]
#[command(long_about = "\
Export what each service day has as CSV for a spreadsheet, or as iCalendar for a calendar.

Examples:
  dco capacity export --format csv --out capacity.csv --as pki/desk1
  dco capacity export --format ics --out capacity.ics --as pki/user1")]
struct Export {
    /// As what
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,
    /// Into this file
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    range: Range,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// One line for each service day
    Csv,
    /// One event for each service day (iCalendar)
    Ics,
}

impl Capacity {
    pub(crate) async fn run(self) -> Result<Answer, Failure> {
        match self.command {
            Command::Show(show) => show.run().await,
            Command::Set(set) => set.run().await,
            Command::Clear(clear) => clear.run().await,
            Command::Export(export) => export.run().await,
        }
    }
}

impl Range {
    async fn days(&self) -> Result<Vec<CapacityDay>, Failure> {
        self.check(|| Calendar::london().day_at(Clock::wall().now_us()).date)?;
        let client = SchedulesClient::new(&self.connection.link().await?);
        let [first, last] = [self.first, self.last].map(|date| date.map(|date| date.to_string()));
        let days = client.capacity(self.user, first.as_deref(), last.as_deref());
        Ok(days.await?)
    }

    /// Days on which nothing can be agreed yet are not worth the service's time.
    fn check(&self, today: impl FnOnce() -> ServiceDate) -> Result<(), Failure> {
        let Some(last) = self.last else {
            return Ok(());
        };
        let first = self.first.unwrap_or_else(today);
        let days = last.days() - first.days() + 1;
        if days <= DAYS_MAX {
            return Ok(());
        }
        let until = ServiceDate::from_days(first.days() + DAYS_MAX - 1);
        Err(Failure::usage(format!(
            "{first} to {last} are {days} service days, and at most {DAYS_MAX} are shown at once; give a --last up to {until}"
        )))
    }
}

impl Show {
    async fn run(self) -> Result<Answer, Failure> {
        let days = self.range.days().await?;
        let json = days.iter().map(capacity_day_json).collect::<Vec<_>>();
        Ok(Answer::new(
            capacity_days_text(&days),
            json!({ "days": json }),
        ))
    }
}

impl Set {
    async fn run(self) -> Result<Answer, Failure> {
        let client = OperationsClient::new(&self.connection.link().await?);
        let first = self
            .from
            .or(self.on)
            .ok_or_else(|| Failure::usage("give the service days: --from or --on"))?;
        let set = SetCapacity {
            signing: self.signing.signing(),
            first_date: first.to_string(),
            one_day: self.on.is_some(),
            capacity: self.units,
            hour_profile: self.hour_profile,
            clear: false,
        };
        apply(&client, set, "set").await
    }
}

impl Clear {
    async fn run(self) -> Result<Answer, Failure> {
        let client = OperationsClient::new(&self.connection.link().await?);
        let set = SetCapacity {
            signing: self.signing.signing(),
            first_date: self.on.to_string(),
            one_day: true,
            capacity: None,
            hour_profile: Vec::new(),
            clear: true,
        };
        apply(&client, set, "taken back").await
    }
}

/// Has it set, and says what follows.
async fn apply(client: &OperationsClient, set: SetCapacity, done: &str) -> Result<Answer, Failure> {
    let validated_only = set.signing.validate_only;
    let CapacityEffect {
        over_agreed: over,
        crowded_windows: crowded,
        kept_dates: kept,
    } = client.set_capacity(set).await?;
    let done = if validated_only {
        format!("would be {done}")
    } else {
        done.to_owned()
    };
    let text = over_text(&done, &over);
    let parts = [Some(text), kept_text(&kept), crowded_text(&crowded)];
    let text = parts.into_iter().flatten();
    Ok(Answer::new(
        text.collect::<Vec<_>>().join("\n\n"),
        json!({
            "over_agreed": units_json(&over),
            "crowded_windows": crowded_json(&crowded),
            "kept_dates": kept,
            "validated_only": validated_only,
        }),
    ))
}

/// What was done, and on which days it leaves too much agreed.
fn over_text(done: &str, over: &[DayUnits]) -> String {
    if over.is_empty() {
        return format!("{done}; no service day is OVER_AGREED by it");
    }
    let rows = over
        .iter()
        .map(|day| vec![day.service_date.clone(), grouped(day.units)]);
    format!(
        "{done}; by it these service days are OVER_AGREED, `dco schedule replan` says whom to move\n\n{}",
        table(&["SERVICE DAY", ">UNITS TOO MANY"], rows)
    )
}

/// Which days stay as they are; nothing where there are none.
fn kept_text(kept: &[String]) -> Option<String> {
    (!kept.is_empty()).then(|| {
        format!(
            "these service days keep what was set for them alone, set them anew with --on to change them, or take it back with `dco capacity clear --on`: {}",
            kept.join(", ")
        )
    })
}

impl Export {
    async fn run(self) -> Result<Answer, Failure> {
        let days = self.range.days().await?;
        let text = match self.format {
            Format::Csv => capacity_csv(&days),
            Format::Ics => capacity_ics(&days, Clock::wall().now_us()),
        };
        files::write(&self.out, &text)?;
        let path = self.out.display().to_string();
        let count = days.len();
        Ok(Answer::new(
            format!("{} in {path}", counted(count as u64, "service day")),
            json!({ "file": path, "day_count": count }),
        ))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Shown {
        #[command(flatten)]
        range: Range,
    }

    #[test]
    fn days_that_keep_their_own_are_named() {
        assert_eq!(kept_text(&[]), None);
        let told = kept_text(&["2026-12-25", "2026-12-26"].map(str::to_owned)).unwrap();
        assert!(
            told.ends_with("clear --on`: 2026-12-25, 2026-12-26"),
            "{told}"
        );
    }

    fn checked(args: &[&str]) -> Result<(), Failure> {
        let args = ["capacity"].iter().chain(args);
        let shown = Shown::try_parse_from(args).unwrap();
        shown.range.check(|| "2026-12-01".parse().unwrap())
    }

    #[test]
    fn so_many_days_as_a_quota_may_have_are_shown_and_not_one_more() {
        checked(&[]).unwrap();
        checked(&["--first", "9998-12-31"]).unwrap();
        checked(&["--last", "2036-12-07"]).unwrap();
        checked(&["--first", "2026-12-02", "--last", "2036-12-08"]).unwrap();
        for args in [&["--last", "2036-12-08"][..], &["--last", "9998-12-31"]] {
            let refused = checked(args).unwrap_err().message;
            assert!(
                refused.contains("at most 3660 are shown at once; give a --last up to 2036-12-07"),
                "{refused}"
            );
        }
    }
}
