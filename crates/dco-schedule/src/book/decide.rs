//! Whether a party may do what it asks for.

use crate::book::quotas::{self, DealChange};
use crate::{
    Act, Approval, At, Book, CAPACITY_MAX, CapacitySet, Change, Deal, Micros, Officer, Party,
    Refusal, Request, Schedule, ScheduleId, ServiceDate, Setting, Side, Signed, Span, Step, Text,
};

/// Who asks. Time asks for nothing, and no officer brings the second one along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asker<U> {
    /// The User whose schedule it is.
    User,
    /// An officer of the Service Desk.
    Officer {
        /// Who.
        officer: U,
        /// Under which ticket.
        ticket: Text,
    },
}

/// Something that a party wants done to a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask<U> {
    /// Which schedule; for a request, [`Book::next_id`].
    pub id: ScheduleId<U>,
    /// The revision that the asker has seen; 0 for a request.
    pub revision: u32,
    /// Who asks.
    pub by: Asker<U>,
    /// Why.
    pub reason: Text,
    /// Whether the Service Desk means to go beyond the days and the daily maximum that the User asked for.
    pub beyond_request: bool,
    /// What is to be done.
    pub act: Act<U>,
}

impl<U: Copy> Ask<U> {
    pub(super) fn step(&self, at: &At<'_, U>, second: Option<Approval<U>>) -> Step<U> {
        let by = match &self.by {
            Asker::User => Party::User,
            Asker::Officer { officer, ticket } => Party::Desk(Officer {
                officer: *officer,
                ticket: ticket.clone(),
                second,
            }),
        };
        let signed = Signed {
            by,
            at_us: at.now_us,
            reason: self.reason.clone(),
        };
        Step {
            act: self.act.clone(),
            beyond_request: self.beyond_request,
            signed,
        }
    }
}

impl<U: Ord + Copy + std::fmt::Debug> Book<U> {
    /// Decides what a party asks for: a step, or an act that waits for a second officer.
    pub fn decide(&self, ask: &Ask<U>, at: &At<'_, U>) -> Result<Change<U>, Refusal> {
        if let Some(pending) = self.pend(ask, at) {
            // What could not be done with a second officer is refused at once, and not after a second one has read it.
            let anybody = Approval {
                officer: pending.asked_by,
                said: None,
            };
            self.check(ask, &ask.step(at, Some(anybody)), at)?;
            self.check_pends(&pending, at)?;
            return Ok(Change::Pended(pending));
        }
        let step = ask.step(at, None);
        let checked = self.check(ask, &step, at);
        checked.map_err(|refusal| match ask.by {
            Asker::User => refusal.for_its_user(),
            Asker::Officer { .. } => refusal,
        })?;
        Ok(Change::Step { id: ask.id, step })
    }

    /// Decides a setting of capacity or profile: it must be for today or later, and what is taken back must be there.
    pub fn decide_capacity(
        &self,
        set: CapacitySet<U>,
        at: &At<'_, U>,
    ) -> Result<Change<U>, Refusal> {
        let date = set.span.first();
        if let Setting::Capacity(given) = set.setting
            && given > CAPACITY_MAX
        {
            let limit = CAPACITY_MAX;
            return Err(Refusal::CapacityTooLarge { given, limit });
        }
        if date < at.today {
            let capacity = self.plan.capacity(date);
            return Err(Refusal::CapacityOfPast {
                date,
                today: at.today,
                capacity,
            });
        }
        let is_alone = set.span == Span::On(date) && self.plan.is_set_alone(date);
        if set.setting == Setting::Clear && !is_alone {
            return Err(Refusal::NothingSetAlone { date });
        }
        Ok(Change::Capacity(set))
    }

    pub(super) fn check(
        &self,
        ask: &Ask<U>,
        step: &Step<U>,
        at: &At<'_, U>,
    ) -> Result<(), Refusal> {
        if let Act::Request(_) = ask.act {
            return self.check_request(ask, step, at);
        }
        let schedule = self.found(ask)?;
        self.check_seen(ask, schedule)?;
        self.check_of(schedule, (ask, step), at)
    }

    /// Whether a step can be taken, whatever revision was seen.
    pub(super) fn check_of(
        &self,
        schedule: &Schedule<U>,
        (ask, step): (&Ask<U>, &Step<U>),
        at: &At<'_, U>,
    ) -> Result<(), Refusal> {
        if let Act::End { from } = step.act {
            check_end(from, schedule, at.today)?;
        }
        let wrong_state = || wrong_state(&schedule.state().to_string(), ask);
        let after = schedule.state().after(step).ok_or_else(wrong_state)?;
        self.check_periods(schedule, step, at)?;
        self.check_moves(schedule, step)?;
        self.check_cause(ask, schedule, at)?;
        check_amends(&step.act, schedule)?;
        let before = schedule.state().agreement();
        let before = before.map_or_else(Deal::default, |agreement| agreement.deal.clone());
        let agreed = after.agreement().map(|agreement| &agreement.deal);
        let changed = agreed.filter(|after| **after != before);
        if let Some(after) = step.act.deal().or(changed) {
            self.check_deal(
                &DealChange {
                    id: ask.id,
                    before: &before,
                    after,
                    request: schedule.request(),
                    is_end: matches!(step.act, Act::End { .. }),
                },
                at,
            )?;
        }
        quotas::check_within_request(ask, schedule)
    }

    fn check_request(&self, ask: &Ask<U>, step: &Step<U>, at: &At<'_, U>) -> Result<(), Refusal> {
        if let Some(schedule) = self.get(ask.id) {
            return Err(wrong_state(&schedule.state().to_string(), ask));
        }
        let next = self.next_id(ask.id.user).number;
        if ask.id.number != next {
            return Err(Refusal::NotFound {
                number: ask.id.number,
                next,
            });
        }
        let open = self
            .of_user(ask.id.user)
            .filter(|(_, it)| !it.state().is_final());
        let limit = self.terms.open_max;
        if u32::try_from(open.count()).unwrap_or(u32::MAX) >= limit {
            return Err(Refusal::TooManyOpen { limit });
        }
        let begun = Schedule::begin(step.clone()).ok_or_else(|| wrong_state("not there", ask))?;
        self.check_asked(begun.request(), at.today)
    }

    /// Whether the days of a request are in order, not all over, and such that quotas reach them: refused
    /// otherwise, also where it is only tried out.
    pub fn check_asked(&self, request: &Request, today: ServiceDate) -> Result<(), Refusal> {
        request.check(today)?;
        let latest = self.reach(today);
        if request.latest > latest {
            return Err(Refusal::RequestTooFar {
                date: request.latest,
                latest,
            });
        }
        Ok(())
    }

    pub(super) fn found(&self, ask: &Ask<U>) -> Result<&Schedule<U>, Refusal> {
        self.get(ask.id).ok_or_else(|| Refusal::NotFound {
            number: ask.id.number,
            next: self.next_id(ask.id.user).number,
        })
    }

    /// Who asks has seen the schedule as it is.
    fn check_seen(&self, ask: &Ask<U>, schedule: &Schedule<U>) -> Result<(), Refusal> {
        let current = schedule.revision();
        if ask.revision == current {
            Ok(())
        } else {
            Err(Refusal::RevisionMismatch {
                given: ask.revision,
                current,
            })
        }
    }

    /// Who has to answer has time to, and answers in it.
    fn check_periods(
        &self,
        schedule: &Schedule<U>,
        step: &Step<U>,
        at: &At<'_, U>,
    ) -> Result<(), Refusal> {
        let answers = matches!(step.act, Act::Accept | Act::Counter { .. });
        let waits = schedule.state().proposal().filter(|_| answers);
        if let Some(late) = waits.filter(|it| it.answer_by_us <= at.now_us) {
            return Err(Refusal::AnswerTooLate {
                answer_by_us: late.answer_by_us,
            });
        }
        let Some(given_us) = step.act.answer_by_us() else {
            return Ok(());
        };
        let earliest_us = at.now_us.saturating_add(self.terms.answer_us_min);
        if given_us < earliest_us {
            return Err(Refusal::AnswerTooSoon {
                given_us,
                earliest_us,
            });
        }
        self.check_answer_in_days(step, given_us, at)
    }

    /// What is answered after its last day is nothing to agree on. Who has to answer has twice the shortest time all
    /// the same: otherwise nothing could be agreed for today.
    fn check_answer_in_days(
        &self,
        step: &Step<U>,
        given_us: Micros,
        at: &At<'_, U>,
    ) -> Result<(), Refusal> {
        let Some(date) = step.act.deal().and_then(|deal| deal.quota.last()) else {
            return Ok(());
        };
        let twice_us = self.terms.answer_us_min.saturating_mul(2);
        let end_us = at.calendar.day(date).end_us;
        let latest_us = end_us.max(at.now_us.saturating_add(twice_us));
        if given_us > latest_us {
            return Err(Refusal::AnswerAfterDays {
                given_us,
                date,
                latest_us,
            });
        }
        Ok(())
    }

    /// A schedule is moved by proposals of the Service Desk only so often.
    fn check_moves(&self, schedule: &Schedule<U>, step: &Step<U>) -> Result<(), Refusal> {
        let proposes = matches!(step.act, Act::Amend { cause: Some(_), .. });
        let moves = u32::try_from(schedule.moves().len()).unwrap_or(u32::MAX);
        let limit = self.terms.moves_max;
        if proposes && moves >= limit {
            return Err(Refusal::MovedTooOften { moves, limit });
        }
        Ok(())
    }
}

/// An agreement ends today or later, sooner than it does already, and not without cutting a day: what says nothing must
/// not look as if it did.
fn check_end<U: Copy>(
    from: ServiceDate,
    schedule: &Schedule<U>,
    today: ServiceDate,
) -> Result<(), Refusal> {
    let state = schedule.state();
    let Some(agreement) = state.agreement().filter(|_| !state.is_final()) else {
        return Ok(());
    };
    match (agreement.ends, agreement.deal.quota.last()) {
        _ if from < today => Err(Refusal::EndOver { from, today }),
        (Some(ends), _) if from >= ends => Err(Refusal::EndsAlready { from, ends }),
        (_, Some(last)) if from > last => Err(Refusal::EndsNothing { from, last }),
        _ => Ok(()),
    }
}

/// What is proposed instead of an agreement is something else: otherwise it would count as an amendment.
fn check_amends<U: Copy>(act: &Act<U>, schedule: &Schedule<U>) -> Result<(), Refusal> {
    let agreement = schedule.state().agreement();
    if agreement.is_some_and(|it| act.deal() == Some(&it.deal)) {
        return Err(Refusal::AmendsNothing);
    }
    Ok(())
}

fn wrong_state<U>(state: &str, ask: &Ask<U>) -> Refusal {
    let side = match ask.by {
        Asker::User => Side::User,
        Asker::Officer { .. } => Side::Desk,
    };
    Refusal::WrongState {
        state: state.to_owned(),
        act: ask.act.to_string(),
        side,
    }
}
