//! What time does by itself: proposals lapse, agreements end, acts wait no longer.

use crate::{Act, At, Book, Change, Micros, Party, Schedule, Signed, State, Step, Text};

impl<U: Ord + Copy + std::fmt::Debug> Book<U> {
    /// What is due at this moment. Apply each, and ask again until there is none: one may follow another.
    pub fn due(&self, at: &At<'_, U>) -> Vec<Change<U>> {
        let acts = self.schedules().filter_map(|(id, schedule)| {
            let (act, why) = due_act(schedule, at)?;
            let signed = by_time(at, why);
            Some(Change::Step {
                id,
                step: Step {
                    act,
                    beyond_request: false,
                    signed,
                },
            })
        });
        let closed = self.pending().filter_map(|(action, pending)| {
            let why = self.not_to_be_approved(pending, at)?;
            let signed = by_time(at, &why);
            Some(Change::Closed { action, signed })
        });
        acts.chain(closed).collect()
    }

    /// When to ask [`due`](Self::due) again, apart from the start of each service day.
    pub fn next_due_us(&self) -> Option<Micros> {
        let proposals = self
            .schedules()
            .filter_map(|(_, schedule)| schedule.state().proposal());
        let answers = proposals.map(|proposal| proposal.answer_by_us);
        let approvals = self
            .pending()
            .map(|(_, pending)| self.approve_by_us(pending).saturating_add(1));
        answers.chain(approvals).min()
    }
}

fn due_act<U: Copy>(schedule: &Schedule<U>, at: &At<'_, U>) -> Option<(Act<U>, &'static str)> {
    let state = schedule.state();
    if let Some(proposal) = state.proposal() {
        let late = proposal.answer_by_us <= at.now_us;
        return late.then_some((Act::Lapse, "nobody answered in time"));
    }
    match state {
        State::Requested if schedule.request().latest < at.today => {
            Some((Act::Lapse, "the latest day of the request is over"))
        }
        State::Agreed(agreement) if agreement.deal.quota.last() < Some(at.today) => Some((
            Act::End { from: at.today },
            "the last day of the schedule is over",
        )),
        _ => None,
    }
}

fn by_time<U>(at: &At<'_, U>, why: &str) -> Signed<U> {
    Signed {
        by: Party::Time,
        at_us: at.now_us,
        reason: Text::new(why).expect("reasons of time are short lines"),
    }
}
