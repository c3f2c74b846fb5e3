//! Schedules, actions, capacity, notices and limits, as they are asked for.

use dco_block::Eui64;
use dco_block::limits::DEVICES_MAX;
use dco_schedule::{Act, DayCapacity, OwnCapacity, Schedule, ScheduleId, ServiceDate, Source};

use super::as_usize;
use crate::effect::Reply;
use crate::engine::Engine;
use crate::event::{CAPACITY_DAYS_MAX, ListSchedules, NoticeParty, Reader, ScheduleRequest};
use crate::record::Counted;
use crate::refusal::Refusal;
use crate::view::{ActTold, CountUse, LimitsView, NoticeSubject, QuotaUse, ScheduleView};

/// Days of capacity in an answer where no last day is asked for: the 56 that the known estate takes.
const CAPACITY_DAYS: i32 = 56;

impl Engine {
    pub(crate) fn read_schedules(&self, asked: &ScheduleRequest) -> Result<Reply, Refusal> {
        match *asked {
            ScheduleRequest::Get { id, reader } => self.get_schedule(id, reader),
            ScheduleRequest::List(part) => Ok(self.list_schedules(&part)),
            ScheduleRequest::GetCapacity { user, first, last } => {
                self.get_capacity(user, first, last)
            }
            ScheduleRequest::ProposeFit {
                user,
                request,
                window,
            } => self.propose_fit(user, &request, window),
            ScheduleRequest::ProposeMore { id, window } => self.propose_more(id, window),
            ScheduleRequest::ProposeReplan => Ok(self.propose_replan()),
            ScheduleRequest::Simulate { ref requests } => self.simulate(requests),
            ScheduleRequest::ListPendingActions {
                after,
                limit,
                settled,
            } => {
                let numbers = self.schedules.numbers(after, settled);
                let actions = numbers.filter_map(|number| self.schedules.action(number));
                Ok(Reply::Actions(actions.take(as_usize(limit)).collect()))
            }
            ScheduleRequest::ReadNotices {
                party,
                position,
                limit,
            } => {
                let last_position = self.notices.last(party);
                if position > last_position {
                    return Err(Refusal::PositionBeyondEnd {
                        position,
                        last_position,
                    });
                }
                let after = self.notices.after(party, position, limit);
                let gone = |first_position| Refusal::NoticesForgotten {
                    position,
                    first_position,
                };
                let mut told = after.map_err(gone)?;
                for notice in &mut told.notices {
                    notice.told = self.act_told(party, &notice.subject);
                }
                Ok(Reply::Notices(told))
            }
            ScheduleRequest::GetLimits { user } => Ok(Reply::Limits(self.limits(user))),
            ScheduleRequest::Act(_)
            | ScheduleRequest::SetCapacity(_)
            | ScheduleRequest::Approve(_)
            | ScheduleRequest::Decline(_) => {
                unreachable!("what changes something is dealt with before")
            }
        }
    }

    pub(crate) fn get_schedule(
        &self,
        id: ScheduleId<Eui64>,
        reader: Reader,
    ) -> Result<Reply, Refusal> {
        let schedule = self.schedules.book.get(id);
        let schedule = schedule.ok_or(Refusal::NotFound { kind: "schedule" })?;
        let waiting = self.schedules.book.pending();
        let waiting = waiting.filter(|(_, pending)| pending.ask.id == id && reader == Reader::Desk);
        let view = ScheduleView {
            waiting: waiting.map(|(action, _)| action).collect(),
            ..ScheduleView::of(id, schedule, reader, self.moves_max())
        };
        Ok(Reply::Schedule(Box::new(view)))
    }

    pub(crate) const fn moves_max(&self) -> u32 {
        self.terms.schedules.moves_max
    }

    fn list_schedules(&self, asked: &ListSchedules) -> Reply {
        let all = self.schedules.book.schedules();
        let part = all
            .filter(|(id, _)| asked.user.is_none_or(|user| user == id.user))
            .filter(|(id, _)| asked.after.is_none_or(|after| after < *id))
            .filter(|(_, schedule)| !(asked.open_only && schedule.state().is_final()))
            .take(as_usize(asked.limit));
        let views = part
            .map(|(id, schedule)| ScheduleView::of(id, schedule, asked.reader, self.moves_max()));
        Reply::Schedules(views.collect())
    }

    fn get_capacity(
        &self,
        user: Option<Eui64>,
        first: Option<ServiceDate>,
        last: Option<ServiceDate>,
    ) -> Result<Reply, Refusal> {
        let today = self.days.day_at(self.now_us).date;
        let first = first.unwrap_or(today);
        // The calendar ends: a day past its last one is the last one again.
        let ahead = |days: i32| ServiceDate::from_days(first.days().saturating_add(days - 1));
        let last = last.unwrap_or_else(|| ahead(CAPACITY_DAYS));
        if last < first {
            return Err(Refusal::DaysReversed { first, last });
        }
        let last = last.min(ahead(CAPACITY_DAYS_MAX));
        let dates = (first.days()..=last.days()).map(ServiceDate::from_days);
        let (book, ledger) = (&self.schedules.book, &self.days.ledger);
        // Nothing can be agreed any more for a day that is over.
        let as_of_now = |day: DayCapacity| DayCapacity {
            free: if day.date < today { 0 } else { day.free },
            ..day
        };
        Ok(match user {
            None => {
                let days = dates.map(|date| book.day(date, ledger));
                Reply::Capacity(days.map(as_of_now).collect())
            }
            Some(user) => {
                let days = dates.map(|date| book.day_for(user, date, ledger));
                let days = days.map(|own| OwnCapacity {
                    day: as_of_now(own.day),
                    ..own
                });
                Reply::OwnCapacity(days.collect())
            }
        })
    }

    /// What the act that a notice is about put forward, took or ended. Users read no other User's name.
    fn act_told(&self, party: NoticeParty, subject: &NoticeSubject) -> Option<ActTold> {
        let mut told = match subject {
            NoticeSubject::ScheduleStep {
                schedule, revision, ..
            } => {
                let schedule = self.schedules.book.get(*schedule)?;
                let place = usize::try_from(*revision).ok()?.checked_sub(1)?;
                let step = schedule.history().get(place)?;
                let moves = schedule.moves().iter();
                let mut moved = moves.filter(|it| it.at_us == step.signed.at_us);
                let takes = matches!(step.act, Act::Accept | Act::Impose { .. });
                let moved = moved.next_back().filter(|_| takes);
                ActTold {
                    cause: step.act.cause().or_else(|| moved.map(|it| it.cause)),
                    ..ActTold::of(
                        &step.act,
                        step.act.deal(),
                        moved.map_or(0, |it| it.taken.total()),
                    )
                }
            }
            NoticeSubject::ActionPending { action, .. } => {
                let action = self.schedules.action(*action)?;
                ActTold::of(action.act(), action.deal.as_ref(), 0)
            }
            _ => return None,
        };
        if matches!(party, NoticeParty::User(_)) {
            told.cause = told.cause.map(dco_schedule::Cause::unnamed);
        }
        Some(told)
    }

    fn limits(&self, user: Eui64) -> LimitsView {
        let today = self.days.day_at(self.now_us);
        let ledger = &self.days.ledger;
        let mut quotas = Vec::new();
        for (id, schedule) in self.schedules.book.of_user(user) {
            let days = schedule.quota().into_iter();
            let days = days.flat_map(|quota| quota.days_from(today.date));
            quotas.extend(days.map(|(date, agreed)| QuotaUse {
                date,
                schedule: id.number,
                covers: schedule.request().covers,
                agreed,
                sent: ledger.sent(user, date, Source::Schedule(id.number)),
            }));
        }
        quotas.sort_by_key(|it| (it.date, it.schedule));
        let thresholds = &self.terms.thresholds;
        let (start_us, counts_reset_us) = thresholds.period(self.now_us);
        let counts = Counted::REFUSING.map(|counted| CountUse {
            counted,
            limit: thresholds.of(counted).per_user_max,
            used: self.counts.used(start_us, (counted, Some(user))),
        });
        LimitsView {
            counts: counts.to_vec(),
            counts_reset_us,
            date: today.date,
            resets_us: today.end_us,
            allowance: ledger.terms().allowance_per_day,
            allowance_sent: ledger.sent(user, today.date, Source::Allowance),
            quotas,
            days_ahead_max: self.terms.days_ahead_max,
            devices_max: DEVICES_MAX,
        }
    }
}

impl ScheduleView {
    /// A schedule as this reader may see it.
    pub(crate) fn of(
        id: ScheduleId<Eui64>,
        schedule: &Schedule<Eui64>,
        reader: Reader,
        moves_max: u32,
    ) -> Self {
        Self {
            moves_max,
            waiting: Vec::new(),
            id,
            revision: schedule.revision(),
            schedule: match reader {
                Reader::Desk => schedule.clone(),
                Reader::User => schedule.for_its_user(),
            },
        }
    }
}
