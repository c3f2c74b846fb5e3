//! Why the Service Desk moves a User: said wherever agreed units are taken, and true.

use crate::{Act, Ask, Asker, At, Book, Cause, Deal, Quota, Refusal, Schedule, ScheduleId};

impl<U: Ord + Copy + std::fmt::Debug> Book<U> {
    /// What the Service Desk takes of an agreement it takes for a cause, and the cause is there.
    pub(super) fn check_cause(
        &self,
        ask: &Ask<U>,
        schedule: &Schedule<U>,
        at: &At<'_, U>,
    ) -> Result<(), Refusal> {
        if ask.by == Asker::User {
            return Ok(());
        }
        let taken = taken(&ask.act, schedule);
        match cause(&ask.act, schedule) {
            Some(Cause::OverAgreed) => self.check_over_agreed(&taken, at),
            Some(Cause::MakesRoomFor(other)) => self.check_newcomer(ask.id, other),
            Some(Cause::MakesRoom) => Ok(()),
            None => match taken.days().next() {
                Some((date, units)) => Err(Refusal::CauseMissing { date, units }),
                None => Ok(()),
            },
        }
    }

    fn check_over_agreed(&self, taken: &Quota, at: &At<'_, U>) -> Result<(), Refusal> {
        let over = self.over_agreed(at.today);
        match taken.days().find(|(date, _)| over.on(*date) == 0) {
            Some((date, units)) => Err(Refusal::DayNotOverAgreed { date, units }),
            None => Ok(()),
        }
    }

    fn check_newcomer(&self, own: ScheduleId<U>, other: ScheduleId<U>) -> Result<(), Refusal> {
        let state = match self.get(other) {
            _ if own == other => "the one that is moved".to_owned(),
            None => "not there".to_owned(),
            Some(schedule) if schedule.state().is_final() => schedule.state().to_string(),
            Some(_) => return Ok(()),
        };
        let number = other.number;
        Err(Refusal::RoomForNone { number, state })
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

/// Agreed units that the Service Desk would take: what the User itself proposes to give up is not taken.
fn taken<U: Copy>(act: &Act<U>, schedule: &Schedule<U>) -> Quota {
    let none = Quota::new();
    let agreed = schedule.quota().unwrap_or(&none);
    let offered = schedule.state().proposal().map(|it| &it.deal);
    let lowers = |deal: &Deal| agreed.over(&deal.quota);
    match (act, offered) {
        (Act::Counter { deal, .. }, Some(offered)) => lowers(deal).over(&lowers(offered)),
        (Act::Amend { deal, .. } | Act::Impose { deal, .. }, _) => lowers(deal),
        _ => none,
    }
}
