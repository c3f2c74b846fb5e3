//! Why the Service Desk moves a User: said wherever agreed units are taken, and true of as much as is taken.

use crate::{
    Act, Ask, Asker, At, Book, Cause, DayTaken, Deal, HourWindow, MoveRefusal, Quota, Schedule,
    ScheduleId, ServiceDate, State, Terms,
};

impl<U: Ord + Copy + std::fmt::Debug> Book<U> {
    /// What the Service Desk takes of an agreement it takes for a cause, and the cause holds for all of it.
    pub(super) fn check_cause(
        &self,
        ask: &Ask<U>,
        schedule: &Schedule<U>,
        at: &At<'_, U>,
    ) -> Result<(), MoveRefusal> {
        if ask.by == Asker::User {
            return Ok(());
        }
        if let Act::Impose { deal, .. } = &ask.act {
            check_terms(deal, schedule)?;
        }
        let taken = Taken::by(&ask.act, schedule);
        let is_counter = matches!(ask.act, Act::Counter { .. });
        match (cause(&ask.act, schedule), taken.beyond().days().next()) {
            (None, None) => Ok(()),
            (None, Some((date, units))) if is_counter => {
                Err(MoveRefusal::CounterTakes { date, units })
            }
            (None, Some((date, units))) => Err(MoveRefusal::CauseMissing { date, units }),
            (Some(_), None) if is_counter => Ok(()),
            (Some(_), None) => Err(MoveRefusal::NothingTaken),
            (Some(Cause::OverAgreed), Some(_)) => self.check_over_agreed(&taken, at),
            (Some(Cause::MakesRoomFor(other)), Some(_)) => {
                self.check_newcomer(ask.id, other, &taken, at)
            }
            (Some(Cause::MakesRoom), Some(_)) => Ok(()),
        }
    }

    fn check_over_agreed(&self, taken: &Taken, at: &At<'_, U>) -> Result<(), MoveRefusal> {
        let over = self.over_agreed(at.today);
        let days = taken.too_much(|date| over.on(date).into());
        if days.is_empty() {
            Ok(())
        } else {
            Err(MoveRefusal::MoreThanOver { days, over })
        }
    }

    /// Room is made for another User's schedule, where it can use it, and no more than it wants.
    fn check_newcomer(
        &self,
        own: ScheduleId<U>,
        other: ScheduleId<U>,
        taken: &Taken,
        at: &At<'_, U>,
    ) -> Result<(), MoveRefusal> {
        let number = other.number;
        let for_none = |state: String| MoveRefusal::RoomForNone { number, state };
        let schedule = match self.get(other) {
            _ if own == other => return Err(for_none("the one that is moved".to_owned())),
            _ if own.user == other.user => {
                return Err(for_none("of the User that is moved".to_owned()));
            }
            None => return Err(for_none("not there".to_owned())),
            Some(it) if it.state().is_final() => return Err(for_none(it.state().to_string())),
            Some(schedule) => schedule,
        };
        let wish = self.wish(other, schedule, at);
        if wish.wanted == 0 {
            return Err(for_none("agreed in full".to_owned()));
        }
        let room = self.check_room(number, &wish, taken, at);
        let unsaid = matches!(schedule.state(), State::Requested);
        if unsaid && room.is_err() && self.some_window_needs(&wish, taken, at) {
            return Ok(());
        }
        room
    }

    fn check_room(
        &self,
        number: u32,
        wish: &Wish<'_, U>,
        taken: &Taken,
        at: &At<'_, U>,
    ) -> Result<(), MoveRefusal> {
        let most_taken = |date| {
            let most = wish.most_on(date);
            most.saturating_sub(self.room_on(date, wish, at))
        };
        let days = taken.too_much(most_taken);
        if days.is_empty() {
            self.check_room_in_all(number, wish, taken, at)
        } else {
            Err(MoveRefusal::MoreThanNeeded { number, days })
        }
    }

    /// No window is talked about before something is offered, and room is made for what is to be offered: it is enough
    /// that the schedule needs the room in some window.
    fn some_window_needs(&self, wish: &Wish<'_, U>, taken: &Taken, at: &At<'_, U>) -> bool {
        let first = wish.schedule.request().earliest.max(at.today);
        let (Some(from), Some(by)) = (taken.all.first(), taken.all.last()) else {
            return false;
        };
        let dates = crate::replan::dates(first, by);
        let days: Vec<_> = dates
            .map(|date| (date, self.window_day_left(date, None, at)))
            .collect();
        let needs = |window: HourWindow| {
            let mut wanted = wish.wanted;
            for (date, day) in &days {
                // Here the hours bound what it can take, as they bound what is planned for it.
                let room = day.room(window);
                let most = wish.most_on(*date).min(room);
                let free = self.free(*date).min(most);
                if u64::from(taken.all.on(*date)) > most - free {
                    return false;
                }
                wanted = wanted.saturating_sub(free);
            }
            taken.all.total() <= wanted
        };
        from >= first && HourWindow::all().any(needs)
    }

    /// What is free for the other schedule by the last day of which units are taken is not taken of anybody.
    fn check_room_in_all(
        &self,
        number: u32,
        wish: &Wish<'_, U>,
        Taken { all, offered }: &Taken,
        at: &At<'_, U>,
    ) -> Result<(), MoveRefusal> {
        let Some(by) = all.last() else {
            return Ok(());
        };
        let first = wish.schedule.request().earliest.max(at.today);
        let days = crate::replan::dates(first, by);
        let free = days.map(|date| self.room_on(date, wish, at).min(wish.most_on(date)));
        let free: u64 = free.sum();
        let (taken, wanted) = (all.total(), wish.wanted);
        if taken <= wanted.saturating_sub(free).max(offered.total()) {
            return Ok(());
        }
        Err(MoveRefusal::RoomEnough {
            number,
            taken,
            by,
            wanted,
            free,
        })
    }

    /// Units that a schedule asked for and that are neither agreed from today on nor sent before.
    pub(crate) fn still_wanted(
        &self,
        id: ScheduleId<U>,
        schedule: &Schedule<U>,
        at: &At<'_, U>,
    ) -> u64 {
        let none = Quota::new();
        let has = schedule.quota().unwrap_or(&none);
        let devices = u64::from(schedule.request().devices.get());
        devices.saturating_sub(super::quotas::spoken_for(id, has, at))
    }

    fn wish<'a>(
        &self,
        id: ScheduleId<U>,
        schedule: &'a Schedule<U>,
        at: &At<'_, U>,
    ) -> Wish<'a, U> {
        let state = schedule.state();
        let put_forward = state.proposal().map(|it| &it.deal);
        let deal = put_forward.or_else(|| state.agreement().map(|it| &it.deal));
        Wish {
            schedule,
            wanted: self.still_wanted(id, schedule, at),
            window: deal.and_then(|deal| deal.terms.window),
        }
    }

    /// Units that are free for it on a day with nobody moved.
    fn room_on(&self, date: ServiceDate, wish: &Wish<'_, U>, at: &At<'_, U>) -> u64 {
        let free = self.free(date);
        let in_window = wish
            .window
            .map(|window| self.window_day_left(date, None, at).room(window));
        in_window.map_or(free, |room| room.min(free))
    }
}

/// What a schedule for which room is made still wants.
struct Wish<'a, U> {
    schedule: &'a Schedule<U>,
    /// Units that it asked for and that are not agreed.
    wanted: u64,
    /// The window that is talked about, or agreed.
    window: Option<HourWindow>,
}

impl<U: Copy> Wish<'_, U> {
    /// Units that it can take more on a day.
    fn most_on(&self, date: ServiceDate) -> u64 {
        let request = self.schedule.request();
        if date < request.earliest {
            return 0;
        }
        let most = request.per_day_max.get();
        let more = most.saturating_sub(self.schedule.agreed_on(date));
        self.wanted.min(more.into())
    }
}

/// Two officers impose days alone. A canary of more Devices than are left becomes as many as these.
fn check_terms<U: Copy>(deal: &Deal, schedule: &Schedule<U>) -> Result<(), MoveRefusal> {
    let Some(agreement) = schedule.state().agreement() else {
        return Ok(());
    };
    let agreed = agreement.deal.terms;
    let units = u32::try_from(deal.quota.total()).unwrap_or(u32::MAX);
    let smaller = agreed.canary.map(|canary| canary.get().min(units));
    let canary = smaller.and_then(std::num::NonZeroU32::new);
    if deal.terms == agreed || deal.terms == (Terms { canary, ..agreed }) {
        Ok(())
    } else {
        Err(MoveRefusal::TermsImposed { agreed })
    }
}

/// The cause that holds once the act is done; a counter is for the cause of what it answers.
fn cause<U: Copy>(act: &Act<U>, schedule: &Schedule<U>) -> Option<Cause<U>> {
    match act {
        Act::Impose { cause, .. } => Some(*cause),
        Act::Amend { cause, .. } => *cause,
        Act::Counter { .. } => schedule.state().proposal().and_then(|it| it.cause),
        _ => None,
    }
}

/// Agreed units that the Service Desk would take.
struct Taken {
    /// All that would be agreed no more.
    all: Quota,
    /// What the User itself offers to give up, where a counter answers it: that needs no cause.
    offered: Quota,
}

impl Taken {
    fn by<U: Copy>(act: &Act<U>, schedule: &Schedule<U>) -> Self {
        let none = Quota::new();
        let agreed = schedule.quota().unwrap_or(&none);
        let lowers = |deal: &Deal| agreed.over(&deal.quota);
        let all = match act {
            Act::Counter { deal, .. } | Act::Amend { deal, .. } | Act::Impose { deal, .. } => {
                lowers(deal)
            }
            _ => Quota::new(),
        };
        let answered = schedule
            .state()
            .proposal()
            .filter(|_| matches!(act, Act::Counter { .. }));
        let offered = answered.map(|it| lowers(&it.deal)).unwrap_or_default();
        Self { all, offered }
    }

    /// What the User does not offer to give up.
    fn beyond(&self) -> Quota {
        self.all.over(&self.offered)
    }

    /// The days of which more is taken than the cause holds for, and than the User offers: not the two together.
    fn too_much(&self, holds_for: impl Fn(ServiceDate) -> u64) -> Vec<DayTaken> {
        let days = self.all.days().map(|(date, taken)| DayTaken {
            date,
            taken,
            at_most: holds_for(date).max(self.offered.on(date).into()),
        });
        days.filter(|day| u64::from(day.taken) > day.at_most)
            .collect()
    }
}
