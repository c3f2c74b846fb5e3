//! Whether a quota can be agreed: past days, what was sent, and what every service day has room for.

use super::windows::still_to_leave;
use crate::{
    Ask, Asker, At, Book, DayShort, Deal, Quota, Refusal, Request, Schedule, ScheduleId,
    ServiceDate, Side, Source, WindowShort,
};

/// A deal that is to take another's place; the one before has no day until something is agreed.
pub(super) struct DealChange<'a, U> {
    pub(super) id: ScheduleId<U>,
    pub(super) before: &'a Deal,
    pub(super) after: &'a Deal,
    pub(super) request: &'a Request,
    /// An end may leave nothing, and lets nobody in.
    pub(super) is_end: bool,
}

impl<U: Copy> DealChange<'_, U> {
    /// Days on which the quotas differ: before and after.
    fn days(&self) -> impl Iterator<Item = (ServiceDate, u32, u32)> + '_ {
        let (before, after) = (&self.before.quota, &self.after.quota);
        let gone = before.days().filter(|(date, _)| after.on(*date) == 0);
        let gone = gone.map(|(date, units)| (date, units, 0));
        let set = after.days();
        let set = set.map(|(date, units)| (date, before.on(date), units));
        gone.chain(set).filter(|(_, before, after)| before != after)
    }
}

impl<U: Ord + Copy + std::fmt::Debug> Book<U> {
    pub(super) fn check_deal(
        &self,
        change: &DealChange<'_, U>,
        at: &At<'_, U>,
    ) -> Result<(), Refusal> {
        if change.after.quota.is_empty() && !change.is_end {
            return Err(Refusal::QuotaEmpty);
        }
        for (date, before, after) in change.days() {
            self.check_day(change.id, date, (before, after), at)?;
        }
        if !change.is_end {
            check_canary(change.after)?;
        }
        check_total(change, at)?;
        self.check_security(change, at)?;
        let days = self.short_days(&change.before.quota, &change.after.quota);
        if !days.is_empty() {
            return Err(Refusal::DoesNotFit { days });
        }
        let days = self.short_windows(change, at);
        if days.is_empty() {
            Ok(())
        } else {
            Err(Refusal::WindowTooShort { days })
        }
    }

    /// Days to come on which the hours of the window cannot take the quota beside what is agreed with others in
    /// windows.
    fn short_windows(&self, change: &DealChange<'_, U>, at: &At<'_, U>) -> Vec<WindowShort> {
        let DealChange { before, after, .. } = change;
        let windows = (before.terms.window, after.terms.window);
        let in_window = after.quota.days_from(at.today);
        let in_window = in_window.filter(|_| windows.1.is_some());
        let short = in_window.filter_map(|(date, units)| {
            let day = self.window_day_left(date, Some(change.id), at);
            let left = |units| still_to_leave(change.id, (date, units), at);
            let was = left(before.quota.on(date));
            day.short((windows.0, was), (windows.1, left(units)))
        });
        short.collect()
    }

    /// A day that is over stays as it is; one to come is not too far, and holds what was sent for it.
    fn check_day(
        &self,
        id: ScheduleId<U>,
        date: ServiceDate,
        (agreed, wanted): (u32, u32),
        at: &At<'_, U>,
    ) -> Result<(), Refusal> {
        if date < at.today {
            return Err(Refusal::DayOver {
                date,
                today: at.today,
                agreed,
                wanted,
            });
        }
        let latest = self.reach(at.today);
        if date > latest {
            return Err(Refusal::DayTooFar { date, latest });
        }
        let sent = at.ledger.sent(id.user, date, Source::Schedule(id.number));
        if wanted < sent {
            return Err(Refusal::BelowSent { date, sent, wanted });
        }
        Ok(())
    }

    /// The last day that a quota may have.
    pub(super) fn reach(&self, today: ServiceDate) -> ServiceDate {
        let ahead = i32::from(self.terms.days_ahead_max);
        ServiceDate::from_days(today.days().saturating_add(ahead))
    }

    /// What has security priority on a day, over all Users, is at most what the security lane carries. A day on which
    /// it has no more than before always fits.
    fn check_security(&self, change: &DealChange<'_, U>, at: &At<'_, U>) -> Result<(), Refusal> {
        if !change.after.terms.security {
            return Ok(());
        }
        let was = Some(change.before).filter(|before| before.terms.security);
        let lane = self.terms.reserve.security;
        for (date, wanted) in change.after.quota.days_from(at.today) {
            let agreed = self.security_on(date, change.id);
            let more = wanted > was.map_or(0, |before| before.quota.on(date));
            if more && agreed + u64::from(wanted) > lane.into() {
                return Err(Refusal::SecurityLaneFull {
                    date,
                    lane,
                    agreed,
                    wanted,
                });
            }
        }
        Ok(())
    }

    /// Units with security priority agreed for a day, but for one schedule.
    fn security_on(&self, date: ServiceDate, but: ScheduleId<U>) -> u64 {
        let others = self.schedules().filter(|(id, _)| *id != but);
        let deals = others.filter_map(|(_, schedule)| schedule.state().agreement());
        let secure = deals.filter(|agreement| agreement.deal.terms.security);
        let units = secure.map(|agreement| u64::from(agreement.deal.quota.on(date)));
        units.sum()
    }

    /// Days on which a quota does not fit beside what is agreed with others, given the one whose place it takes. A
    /// day on which it takes no more than before always fits: less is right on a day that is over-agreed.
    pub(super) fn short_days(&self, before: &Quota, after: &Quota) -> Vec<DayShort> {
        let more = after
            .days()
            .filter(|(date, units)| *units > before.on(*date));
        let short = more.filter_map(|(date, wanted)| {
            let capacity = self.plan.capacity(date);
            let reserved = self.terms.reserve.of(capacity).total();
            let agreed = self.agreed_on(date).saturating_sub(before.on(date).into());
            let free = u64::from(capacity).saturating_sub(agreed + reserved);
            (u64::from(wanted) > free).then_some(DayShort {
                date,
                capacity,
                agreed,
                reserved,
                free,
                wanted,
            })
        });
        short.collect()
    }
}

fn check_canary(deal: &Deal) -> Result<(), Refusal> {
    let canary = deal.terms.canary.map_or(0, std::num::NonZeroU32::get);
    let units = deal.quota.total();
    if u64::from(canary) > units {
        return Err(Refusal::CanaryTooLarge { canary, units });
    }
    Ok(())
}

/// What was sent on days that are over, and the quota from today on, is at most what was requested.
fn check_total<U: Ord + Copy + std::fmt::Debug>(
    change: &DealChange<'_, U>,
    at: &At<'_, U>,
) -> Result<(), Refusal> {
    let wanted = spoken_for(change.id, &change.after.quota, at);
    let devices = change.request.devices.get();
    if wanted > u64::from(devices) {
        return Err(Refusal::MoreThanRequested { devices, wanted });
    }
    Ok(())
}

/// Units of a quota that were sent on days that are over, and those of today and of days to come.
pub(super) fn spoken_for<U: Ord + Copy + std::fmt::Debug>(
    id: ScheduleId<U>,
    quota: &Quota,
    at: &At<'_, U>,
) -> u64 {
    let source = Source::Schedule(id.number);
    let over = quota.days().take_while(|(date, _)| *date < at.today);
    let sent = over.map(|(date, _)| at.ledger.sent(id.user, date, source));
    let to_come = quota.days_from(at.today).map(|(_, units)| units);
    sent.chain(to_come).map(u64::from).sum()
}

/// Beyond what its User asked for, or proposes itself, or has already, the Service Desk goes only if it says so.
pub(super) fn check_within_request<U: Copy + Eq>(
    ask: &Ask<U>,
    schedule: &Schedule<U>,
) -> Result<(), Refusal> {
    let Some(deal) = ask.act.deal() else {
        return Ok(());
    };
    if ask.by == Asker::User || ask.beyond_request {
        return Ok(());
    }
    let Request {
        earliest,
        latest,
        per_day_max,
        ..
    } = *schedule.request();
    let per_day_max = per_day_max.get();
    let users = schedule.state().proposal().filter(|it| it.by == Side::User);
    let said = |date| {
        let proposed = users.map_or(0, |it| it.deal.quota.on(date));
        proposed.max(schedule.agreed_on(date))
    };
    let is_asked_for = |date, units| (earliest..=latest).contains(&date) && units <= per_day_max;
    let days = deal.quota.days();
    let beyond = days.filter(|(date, units)| *units > said(*date) && !is_asked_for(*date, *units));
    let days: Quota = beyond.collect();
    if days.is_empty() {
        return Ok(());
    }
    Err(Refusal::BeyondRequest {
        days,
        earliest,
        latest,
        per_day_max,
    })
}
