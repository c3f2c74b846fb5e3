//! What a side does to a schedule that is there.

use clap::{Args, ValueEnum};
use dco_client::{
    Acted, DayUnits, Fit, Fits, Micros, MoveCause, NoFit, Proposed, ScheduleAct, ScheduleDeal,
    ScheduleName, SchedulesClient,
};
use dco_schedule::{Calendar, ServiceDate};
use dco_server::Clock;

use super::One;
use crate::exit::{Answer, Failure};
use crate::names;
use crate::quota::QuotaArgs;
use crate::show::acted_answer;
use crate::signing::SigningArgs;
use crate::when;

/// What every act needs.
#[derive(Debug, Clone, Args)]
struct Acting {
    #[command(flatten)]
    one: One,
    /// The etag that the act is decided on; that of the schedule as it is now when not given
    #[arg(long, value_name = "ETAG")]
    etag: Option<String>,
    #[command(flatten)]
    signing: SigningArgs,
}

/// How work of a schedule is released.
#[derive(Debug, Clone, Args)]
struct TermsArgs {
    /// Local hours in which it is released, like 22-24; the whole day when not given
    #[arg(long, value_name = "HOUR-HOUR", value_parser = parse_window)]
    window: Option<(u32, u32)>,
    /// Devices that go first and must succeed before the others follow
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    canary: u32,
    /// Let work of later days use capacity that nobody else has ready work for
    #[arg(long)]
    run_ahead: bool,
    /// Let it go before others in the security lane; needs a second officer
    #[arg(long)]
    security: bool,
}

/// Until when the other side may answer.
#[derive(Debug, Clone, Args)]
struct AnswerBy {
    /// Until when the other side may answer: a service day's start, or an instant; 7 days when
    /// not given, or the end of the last day of the quota where that is sooner
    #[arg(long, value_name = "YYYY-MM-DD|TIME", value_parser = when::parse_instant)]
    answer_by: Option<Micros>,
}

/// Offer a schedule to the User who asked for it
#[derive(Debug, Args)]
#[command(long_about = "\
Offer a schedule to the User who asked for it. For officers of the Service Desk.

Give the days, or let the service find them (`dco schedule fit` shows what it would find). An
offer holds no capacity: it is taken when the User accepts.

Examples:
  dco schedule offer schedules/1 --user 90-B3-D5-1F-30-01-00-01 --quota \\
    2026-12-01..2026-12-20=2000 --ticket INC-7 --reason \"as asked\" --as pki/desk1
  dco schedule offer schedules/1 --user 90-B3-D5-1F-30-01-00-01 --fit flattest \\
    --ticket INC-7 --reason \"as asked\" --as pki/desk1")]
pub(super) struct Offer {
    #[command(flatten)]
    acting: Acting,
    #[command(flatten)]
    quota: QuotaArgs,
    /// Take the days from what fits
    #[arg(long, value_enum, conflicts_with_all = ["days", "quota_file"])]
    fit: Option<Way>,
    #[command(flatten)]
    terms: TermsArgs,
    #[command(flatten)]
    answer_by: AnswerBy,
}

/// A way to meet a request.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Way {
    /// The earliest end; others may have to be moved first
    EarliestEnd,
    /// The lowest peak, with nobody moved
    Flattest,
    /// The earliest end with nobody moved
    MovesNobody,
}

/// Answer with other days or terms
#[derive(Debug, Args)]
#[command(long_about = "\
Answer an offer, a counter-offer or a proposed amendment with other days or terms.

Example:
  dco schedule counter schedules/1 --quota 2026-12-01..2026-12-10=4000 \\
    --reason \"sooner if there is room\" --as pki/user1")]
pub(super) struct Counter {
    #[command(flatten)]
    acting: Acting,
    #[command(flatten)]
    quota: QuotaArgs,
    #[command(flatten)]
    terms: TermsArgs,
    #[command(flatten)]
    answer_by: AnswerBy,
}

/// Agree to what the other side has put forward
#[derive(Debug, Args)]
#[command(long_about = "\
Agree to what the other side has put forward. All days fit, or it is refused with each that does
not and what is free on it.

Example:
  dco schedule accept schedules/1 --reason \"as offered\" --as pki/user1")]
pub(super) struct Accept {
    #[command(flatten)]
    acting: Acting,
}

/// Say no to what the other side has put forward
#[derive(Debug, Args)]
#[command(long_about = "\
Say no to what the other side has put forward. What was agreed before stays agreed.

Example:
  dco schedule decline schedules/1 --reason \"too late for us\" --as pki/user1")]
pub(super) struct Decline {
    #[command(flatten)]
    acting: Acting,
}

/// Take back what you have asked for or put forward
#[derive(Debug, Args)]
#[command(long_about = "\
Take back what you have asked for or put forward, before the other side has agreed to it.

Example:
  dco schedule withdraw schedules/1 --reason \"not needed any more\" --as pki/user1")]
pub(super) struct Withdraw {
    #[command(flatten)]
    acting: Acting,
}

/// Propose to change what is agreed, or impose it
#[derive(Debug, Args)]
#[command(long_about = "\
Propose to change what is agreed; the other side accepts, counters or declines, and silence
changes nothing. When the Service Desk takes units of a day, a second officer and a cause are
needed; with --impose the User is not asked.

Examples:
  dco schedule amend schedules/1 --quota 2026-12-01..2026-12-25=1600 \\
    --reason \"fewer a day, longer\" --as pki/user1
  dco schedule amend schedules/1 --user 90-B3-D5-1F-30-01-00-01 --quota-file plan.csv \\
    --makes-room-for users/90-B3-D5-1F-30-01-00-02/schedules/1 \\
    --ticket INC-8 --reason \"a second User has come\" --as pki/desk1")]
pub(super) struct Amend {
    #[command(flatten)]
    acting: Acting,
    #[command(flatten)]
    quota: QuotaArgs,
    #[command(flatten)]
    terms: TermsArgs,
    #[command(flatten)]
    answer_by: AnswerBy,
    /// The User is moved because capacity dropped below what is agreed
    #[arg(long)]
    over_agreed: bool,
    /// The User is moved because this schedule needs room
    #[arg(long, value_name = "SCHEDULE", conflicts_with = "over_agreed")]
    makes_room_for: Option<String>,
    /// Change it without the User's word; needs a second officer and one of the two causes
    #[arg(long, conflicts_with = "answer_by")]
    impose: bool,
}

/// End an agreement
#[derive(Debug, Args)]
#[command(long_about = "\
End an agreement: nothing is sent under it for a service day or any later one. The days before it
stay agreed and can still be amended or ended sooner. A User can do this alone; the Service Desk
needs a second officer.

Example:
  dco schedule end schedules/1 --from 2026-12-11 --reason \"all Devices have it\" --as pki/user1")]
pub(super) struct End {
    #[command(flatten)]
    acting: Acting,
    /// The first service day without it
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = when::parse_date)]
    from: ServiceDate,
}

impl Offer {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let (client, name) = self.acting.one.reach().await?;
        let quota = match self.fit {
            None => self.quota.load()?,
            Some(way) => fitting(way, client.fit(name, self.terms.window).await?)?,
        };
        let act = ScheduleAct::Offer(self.answer_by.proposed(self.terms.deal(quota)));
        self.acting.act(&client, name, act).await
    }
}

impl Counter {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let deal = self.terms.deal(self.quota.load()?);
        let act = ScheduleAct::Counter(self.answer_by.proposed(deal));
        self.acting.run(act).await
    }
}

impl Accept {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        self.acting.run(ScheduleAct::Accept).await
    }
}

impl Decline {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        self.acting.run(ScheduleAct::Decline).await
    }
}

impl Withdraw {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        self.acting.run(ScheduleAct::Withdraw).await
    }
}

impl Amend {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let deal = self.terms.deal(self.quota.load()?);
        let act = match (self.impose, self.cause()?) {
            (false, cause) => ScheduleAct::Amend(self.answer_by.proposed(deal), cause),
            (true, Some(cause)) => ScheduleAct::Impose(deal, cause),
            (true, None) => {
                return Err(Failure::usage(
                    "--impose needs a cause; give --over-agreed or --makes-room-for SCHEDULE",
                ));
            }
        };
        self.acting.run(act).await
    }

    fn cause(&self) -> Result<Option<MoveCause>, Failure> {
        let over_agreed = self.over_agreed.then_some(MoveCause::OverAgreed);
        let Some(other) = &self.makes_room_for else {
            return Ok(over_agreed);
        };
        let other = names::parse(other, self.acting.one.caller.user()?)?;
        Ok(Some(MoveCause::MakesRoom(Some(other))))
    }
}

impl End {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let act = ScheduleAct::End(self.from.to_string());
        self.acting.run(act).await
    }
}

impl Acting {
    async fn run(&self, act: ScheduleAct) -> Result<Answer, Failure> {
        let (client, name) = self.one.reach().await?;
        self.act(&client, name, act).await
    }

    async fn act(
        &self,
        client: &SchedulesClient,
        name: ScheduleName,
        act: ScheduleAct,
    ) -> Result<Answer, Failure> {
        let etag = match &self.etag {
            Some(etag) => etag.clone(),
            None => client.schedule(name).await?.etag,
        };
        let acted: Acted = client.act(name, etag, act, self.signing.signing()).await?;
        Ok(acted_answer(&acted))
    }
}

impl TermsArgs {
    fn deal(&self, quota: Vec<DayUnits>) -> ScheduleDeal {
        ScheduleDeal {
            quota,
            window_hours: self.window,
            canary_device_count: self.canary,
            run_ahead: self.run_ahead,
            security: self.security,
        }
    }
}

/// How long the other side has to answer when nothing else is said.
const ANSWER_US: Micros = 7 * 24 * 3_600 * 1_000_000;
/// How long at least, where the quota ends sooner.
const ANSWER_US_MIN: Micros = 36 * 3_600 * 1_000_000;

impl AnswerBy {
    fn proposed(&self, deal: ScheduleDeal) -> Proposed {
        let answer_by_us = self.answer_by;
        let in_time = || answer_by(&deal, Clock::wall().now_us());
        Proposed {
            answer_by_us: answer_by_us.unwrap_or_else(in_time),
            deal,
        }
    }
}

/// A week, but not beyond the last day of the quota; a day and a half where that is sooner.
fn answer_by(deal: &ScheduleDeal, now_us: Micros) -> Micros {
    let dates = deal.quota.iter();
    let dates = dates.filter_map(|day| day.service_date.parse::<ServiceDate>().ok());
    let end_us = dates.max().map(|date| Calendar::london().day(date).end_us);
    let in_time_us = now_us.saturating_add(ANSWER_US);
    let soonest_us = now_us.saturating_add(ANSWER_US_MIN);
    in_time_us.min(end_us.unwrap_or(in_time_us)).max(soonest_us)
}

fn fitting(way: Way, fits: Fits) -> Result<Vec<DayUnits>, Failure> {
    let fit: Result<Fit, NoFit> = match way {
        Way::EarliestEnd => fits.earliest_end,
        Way::Flattest => fits.flattest,
        Way::MovesNobody => fits.moves_nobody,
    };
    let fit = fit.map_err(|why| Failure::failed(why.message))?;
    let days = fit.days.into_iter().map(|day| DayUnits {
        service_date: day.service_date,
        units: day.units,
    });
    Ok(days.collect())
}

pub(super) fn parse_window(text: &str) -> Result<(u32, u32), String> {
    let hours = text.split_once('-');
    let hours = hours.and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
    hours.ok_or_else(|| "write the hours like 22-24".to_owned())
}
