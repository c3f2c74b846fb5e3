//! How much the system carries on each service day: set by an officer, in force at once.

use std::collections::{BTreeMap, BTreeSet};

use dco_block::Eui64;
use dco_schedule::{
    Book, Change as BookChange, Need, Officer, Party, Quota, ServiceDate, ServiceDay, Signed,
};

use super::crowded::{configured, weights};

use crate::effect::Reply;
use crate::engine::Engine;
use crate::event::SetCapacity;
use crate::record::{
    CapacitySet, Change, Configured, DayOpened, ForgottenNotices, NoticesForgotten, ProposedMove,
    Quota as QuotaRecord, Repaid, Signature,
};
use crate::refusal::Refusal;
use crate::state::requests::{self, Asked, Made};

impl Engine {
    pub(super) fn set_capacity(&mut self, asked: &SetCapacity) -> Result<Reply, Refusal> {
        let digest = asked.digest();
        match self.requests.find(asked.officer, asked.id, &digest)? {
            None => {}
            Some(Made::Capacity) => {
                let over = self.over_agreed();
                let over = over.days().filter(|(date, _)| asked.span.has(*date));
                return Ok(Reply::CapacitySet {
                    over: over.collect(),
                    crowded: self.crowded_in(asked.span),
                    kept: self.kept_alone(asked),
                });
            }
            Some(_) => return Err(Refusal::RequestIdReused),
        }
        let after = self.book_after(asked)?;
        let today = self.days.day_at(self.now_us).date;
        let over = after.over_agreed(today);
        let newly_over = over.over(&self.over_agreed());
        let worse = over.days().filter(|(date, _)| newly_over.on(*date) > 0);
        let crowded = self.newly_crowded(&self.schedules.book, &after);
        let answer = Reply::CapacitySet {
            over: worse.collect(),
            crowded: crowded.windows.clone(),
            kept: self.kept_alone(asked),
        };
        if asked.validate_only {
            return Ok(answer);
        }
        let by = signed_by(asked);
        let (crowded, crowded_windows) = crowded.record();
        let moves = if newly_over.is_empty() {
            Vec::new()
        } else {
            self.moves_off(&after, &over)
        };
        self.record(Change::CapacitySet(CapacitySet {
            signature: Some(Signature::of(&by, &asked.reason)),
            request: requests::key(asked.id, &digest),
            over: (!newly_over.is_empty()).then(|| QuotaRecord::of(&newly_over)),
            moves,
            crowded,
            crowded_windows,
            follows: asked
                .clear
                .then(|| after.plan().capacity(asked.span.first())),
            ..CapacitySet::of(asked.span, &asked.settings())
        }));
        self.open_day();
        Ok(answer)
    }

    /// The days that the setting leaves as they are, because something was set for them alone.
    fn kept_alone(&self, asked: &SetCapacity) -> Vec<ServiceDate> {
        let plan = self.schedules.book.plan();
        let settings = asked.settings();
        let kept = settings.iter();
        let kept = kept.flat_map(|setting| plan.set_alone(asked.span, setting));
        kept.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The days from today on with more agreed than they have room for, and by how much.
    fn over_agreed(&self) -> Quota {
        let today = self.days.day_at(self.now_us).date;
        self.schedules.book.over_agreed(today)
    }

    /// What a re-plan would move off days with too much agreed.
    fn moves_off(&self, book: &Book<Eui64>, over: &Quota) -> Vec<ProposedMove> {
        let need = Need {
            units: over.clone(),
            held: Quota::new(),
            held_in: None,
            newcomer: None,
        };
        let amendments = book.replan(&need, &self.at()).amendments;
        amendments.iter().map(ProposedMove::of).collect()
    }

    /// The book once the setting holds.
    fn book_after(&self, asked: &SetCapacity) -> Result<Book<Eui64>, Refusal> {
        let settings = asked.settings();
        if settings.is_empty() {
            return Err(Refusal::NothingSet);
        }
        let at = self.at();
        let mut after = self.schedules.book.clone();
        for setting in settings {
            let set = dco_schedule::CapacitySet {
                span: asked.span,
                setting,
                signed: Signed {
                    by: signed_by(asked),
                    at_us: self.now_us,
                    reason: asked.reason.clone(),
                },
            };
            let change: BookChange<_> = after.decide_capacity(set, &at)?;
            after
                .apply(&change)
                .expect("a setting that may be made always fits");
        }
        Ok(after)
    }

    /// Opens the service day that it is now, or gives it the capacity and the profile now in force.
    pub(crate) fn open_day(&mut self) {
        let day = self.days.day_at(self.now_us);
        let plan = self.schedules.book.plan();
        let (capacity, profile) = (plan.capacity(day.date), plan.profile(day.date));
        let configured = configured(&self.terms);
        let before = self.schedules.configured.clone();
        let before = before.filter(|it| *it != configured);
        if before.is_none() && self.days.is_open_with(day.date, capacity, &profile) {
            return;
        }
        let before = before.as_ref();
        let over_now = before.map_or_else(Quota::new, |it| self.newly_over(it));
        let moves = if over_now.is_empty() {
            Vec::new()
        } else {
            self.moves_off(&self.schedules.book, &self.over_agreed())
        };
        let hours = self.days.calendar.hours(&day);
        let (hour_start_us, hour_weight) = profile.over(&hours).into_iter().unzip();
        let over = self.over_agreed().on(day.date);
        let begins = !self.days.ledger.is_open(day.date);
        let (crowded, crowded_windows) = self
            .crowded_at_opening(before, begins.then_some(day.date))
            .record();
        self.record(Change::DayOpened(DayOpened {
            date: day.date.days(),
            start_us: day.start_us,
            end_us: day.end_us,
            capacity,
            hour_start_us,
            hour_weight,
            profile: weights(&profile),
            over_agreed: over,
            configured: Some(configured),
            over: (!over_now.is_empty()).then(|| QuotaRecord::of(&over_now)),
            over_told_to_users: !over_now.is_empty(),
            moves,
            repaid: if begins {
                self.to_be_repaid(&day)
            } else {
                Vec::new()
            },
            crowded,
            crowded_windows,
        }));
        if begins {
            self.forget_notices();
        }
        self.warn_of_capacity_in_use();
    }

    /// Whom the security lane displaced on the day that this one follows.
    fn to_be_repaid(&self, next: &ServiceDay) -> Vec<Repaid> {
        let Some(over) = &self.days.today else {
            return Vec::new();
        };
        let date = over.day.date.days();
        let displaced = self
            .security
            .displaced
            .units(&self.waiting_since_before(next));
        let repaid = displaced.into_iter().map(|(user, units)| Repaid {
            user: user.bits(),
            date,
            units,
        });
        repaid.collect()
    }

    /// How much of each User's work for large images was sent for earlier days than this one and has not left.
    fn waiting_since_before(&self, day: &ServiceDay) -> BTreeMap<Eui64, u32> {
        let waiting = self.batches.open().map(|(user, batches)| {
            let earlier = batches.filter(|it| it.large && it.service_date < day.date);
            let counts = earlier.map(|it| it.counts.queued.saturating_add(it.counts.retry_wait));
            (user, counts.fold(0, u32::saturating_add))
        });
        waiting.collect()
    }

    /// Notices are not kept for ever.
    fn forget_notices(&mut self) {
        let terms = &self.terms.notices;
        let before_us = self.now_us.saturating_sub(terms.keep_us);
        let outdated = self.notices.outdated(before_us, terms.per_party_max);
        if outdated.is_empty() {
            return;
        }
        let parties = outdated.into_iter();
        let parties = parties.map(|(party, through)| ForgottenNotices::of(party, through));
        self.record(Change::NoticesForgotten(NoticesForgotten {
            parties: parties.collect(),
        }));
    }

    /// The days on which the configuration leaves less than is agreed, and by how much more than it did before.
    fn newly_over(&self, before: &Configured) -> Quota {
        let today = self.days.day_at(self.now_us).date;
        self.over_agreed()
            .over(&self.book_of(before).over_agreed(today))
    }
}

fn signed_by(asked: &SetCapacity) -> Party<Eui64> {
    Party::Desk(Officer {
        officer: asked.officer,
        ticket: asked.ticket.clone(),
        second: None,
    })
}
