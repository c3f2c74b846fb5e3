//! What a side does to a schedule that is there.

use clap::{Args, ValueEnum};
use dco_client::{
    Acted, DayUnits, Fit, Fits, Imposed, Micros, MoveCause, NoFit, Proposed, Schedule, ScheduleAct,
    ScheduleDeal, ScheduleName, SchedulesClient,
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
    /// Local hours in which it is released, like 22-24, or none for the whole day
    #[arg(long, value_name = "HOUR-HOUR|none", value_parser = parse_window_or_none)]
    window: Option<Window>,
    /// Devices that go first and must succeed before the others follow; 0 for none
    #[arg(long, value_name = "N")]
    canary: Option<u32>,
    /// Let work of later days use capacity that nobody else has ready work for
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    run_ahead: Option<bool>,
    /// Let it go before others in the security lane; needs a second officer
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    security: Option<bool>,
}

/// The whole day, or some of its hours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window(pub(super) Option<(u32, u32)>);

/// How far the Service Desk goes.
#[derive(Debug, Clone, Args)]
struct Beyond {
    /// For officers: go beyond the days and the daily maximum that the User asked for; kept in the history
    #[arg(long)]
    beyond_request: bool,
}

/// Until when the other side may answer.
#[derive(Debug, Clone, Args)]
struct AnswerBy {
    /// Until when the other side may answer: a service day's start, or an instant; 7 days from the
    /// last full hour when not given, or the end of the last day of the quota where that is sooner
    #[arg(long, value_name = "YYYY-MM-DD|TIME", value_parser = when::parse_instant)]
    answer_by: Option<Micros>,
}

/// Offer a schedule to the User who asked for it
#[derive(Debug, Args)]
#[command(long_about = "\
Offer a schedule to the User who asked for it. For officers of the Service Desk.

Give the days, or let the service find them (`dco schedule fit` shows what it would find). An
offer holds no capacity: it is taken when the User accepts. One with days before or after those
that the User asked for, or with more a day than it can take, needs --beyond-request. Another offer
takes the place of one that waits, and answers a counter-offer: terms that are not given stay as
they were put forward.

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
    beyond: Beyond,
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
Answer an offer, or a proposed amendment, with other days or terms. Terms that are not given stay as
they were put forward. The Service Desk answers a counter-offer to its offer with another
`dco schedule offer`. It takes no more agreed units so than the User offers to give up: for more it
uses `dco schedule amend` with a cause.

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
    beyond: Beyond,
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
changes nothing. Terms that are not given stay as they are agreed. When the Service Desk takes
units of a day, a second officer and a cause are needed, and no more is taken than the cause
allows; what the User proposes gives way to it. With --impose the User is not asked, and only days
are changed.

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
    beyond: Beyond,
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
End an agreement: nothing is sent under it for a service day or any later one, of which at least one
is agreed. The days before it stay agreed and can still be amended or ended sooner. A User can do this alone; the Service Desk
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
        let schedule = client.schedule(name).await?;
        let before = schedule.proposal.as_ref().map(|it| &it.deal.deal);
        let mut deal = self.terms.deal(Vec::new(), before);
        deal.quota = match self.fit {
            None => self.quota.load()?,
            Some(way) => fitting(way, client.fit(name, deal.window_hours).await?)?,
        };
        let act = ScheduleAct::Offer(self.answer_by.proposed(deal, &self.beyond));
        let etag = self.acting.etag_of(schedule);
        self.acting.act(&client, (name, etag), act).await
    }
}

impl Counter {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let quota = self.quota.load()?;
        let (client, name) = self.acting.one.reach().await?;
        let schedule = client.schedule(name).await?;
        if self.acting.signing.is_by_officer() && schedule.state == "COUNTERED" {
            return Err(Failure::usage(
                "the User's counter-offer is answered with another offer; give the same to `dco schedule offer`",
            ));
        }
        let answered = schedule.proposal.as_ref().map(|it| &it.deal.deal);
        let deal = self.terms.deal(quota, answered);
        let act = ScheduleAct::Counter(self.answer_by.proposed(deal, &self.beyond));
        let etag = self.acting.etag_of(schedule);
        self.acting.act(&client, (name, etag), act).await
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
        let (quota, cause) = (self.quota.load()?, self.cause()?);
        if self.impose && cause.is_none() {
            return Err(Failure::usage(
                "--impose needs a cause; give --over-agreed or --makes-room-for SCHEDULE",
            ));
        }
        let (client, name) = self.acting.one.reach().await?;
        let schedule = client.schedule(name).await?;
        let agreed = schedule.agreed.as_ref().map(|it| &it.deal);
        let deal = self.terms.deal(quota, agreed);
        let act = match cause.filter(|_| self.impose) {
            Some(cause) => ScheduleAct::Impose(Imposed {
                deal,
                cause,
                beyond_request: self.beyond.beyond_request,
            }),
            None => ScheduleAct::Amend(self.answer_by.proposed(deal, &self.beyond), cause),
        };
        let etag = self.acting.etag_of(schedule);
        self.acting.act(&client, (name, etag), act).await
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
        let etag = self.etag(&client, name).await?;
        self.act(&client, (name, etag), act).await
    }

    /// The etag that was given, or that of the schedule as it is now.
    async fn etag(&self, client: &SchedulesClient, name: ScheduleName) -> Result<String, Failure> {
        match &self.etag {
            Some(etag) => Ok(etag.clone()),
            None => Ok(client.schedule(name).await?.etag),
        }
    }

    /// The same of a schedule that was just read.
    fn etag_of(&self, schedule: Schedule) -> String {
        self.etag.clone().unwrap_or(schedule.etag)
    }

    async fn act(
        &self,
        client: &SchedulesClient,
        (name, etag): (ScheduleName, String),
        act: ScheduleAct,
    ) -> Result<Answer, Failure> {
        let acted: Acted = client.act(name, etag, act, self.signing.signing()).await?;
        Ok(acted_answer(&acted))
    }
}

impl TermsArgs {
    /// A deal with these days; what is not given is as in the deal before, where there is one.
    fn deal(&self, quota: Vec<DayUnits>, before: Option<&ScheduleDeal>) -> ScheduleDeal {
        let before = before.cloned().unwrap_or_default();
        ScheduleDeal {
            quota,
            window_hours: self.window.map_or(before.window_hours, |window| window.0),
            canary_device_count: self.canary.unwrap_or(before.canary_device_count),
            run_ahead: self.run_ahead.unwrap_or(before.run_ahead),
            security: self.security.unwrap_or(before.security),
        }
    }
}

const HOUR_US: Micros = 3_600 * 1_000_000;
/// How long the other side has to answer when nothing else is said.
const ANSWER_US: Micros = 7 * 24 * HOUR_US;
/// How long at least, where the quota ends sooner.
const ANSWER_US_MIN: Micros = 36 * HOUR_US;

impl AnswerBy {
    fn proposed(&self, deal: ScheduleDeal, beyond: &Beyond) -> Proposed {
        let answer_by_us = self.answer_by;
        // From the full hour on: who repeats a request soon asks the same again.
        let now_us = Clock::wall().now_us();
        let in_time = || answer_by(&deal, now_us - now_us.rem_euclid(HOUR_US));
        Proposed {
            answer_by_us: answer_by_us.unwrap_or_else(in_time),
            beyond_request: beyond.beyond_request,
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

pub(super) fn parse_window_or_none(text: &str) -> Result<Window, String> {
    if text == "none" {
        return Ok(Window(None));
    }
    let window = parse_window(text).map(|hours| Window(Some(hours)));
    window.map_err(|why| format!("{why}, or none"))
}

fn parse_window(text: &str) -> Result<(u32, u32), String> {
    let hours = text.split_once('-');
    let hours = hours.and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
    hours.ok_or_else(|| "write the hours like 22-24".to_owned())
}
