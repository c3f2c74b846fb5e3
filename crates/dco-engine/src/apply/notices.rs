//! What parties are told of records: the same in replay, so that a position means the same after a restart.

use std::collections::BTreeMap;

use dco_block::{Eui64, ManufacturerImageHash};
use dco_schedule::{Act, Micros, Pending, ScheduleId, ServiceDate, Side, Source, Span, Step};

use super::Why;
use crate::effect::Topic;
use crate::engine::Engine;
use crate::event::{NoticeParty, Scope};
use crate::record::{
    ActKind, CapacitySet, Counted, CrowdedWindow, DayOpened, Near, NoticesForgotten, PauseChanged,
    Quota, ThresholdBreached, Warned,
};
use crate::state::timers::Deadline;
use crate::view::NoticeSubject;

impl Engine {
    fn notice(&mut self, party: NoticeParty, at_us: Micros, subject: NoticeSubject) {
        self.notices.add(party, at_us, subject);
        if self.started {
            self.out.changed(Topic::Notices { party });
        }
    }

    pub(super) fn apply_notices_forgotten(&mut self, record: &NoticesForgotten) -> Result<(), Why> {
        for gone in &record.parties {
            let party = gone
                .party()
                .ok_or("it says not whose notices are forgotten")?;
            self.notices
                .forget(party, gone.through)
                .ok_or("the party was not told so much, or has it forgotten already")?;
        }
        Ok(())
    }

    /// A step is told to the other side; to both where something comes to hold, or ends, or time did it.
    pub(super) fn note_step(&mut self, schedule: ScheduleId<Eui64>, step: &Step<Eui64>) {
        let by = step.signed.by.side();
        let revision = self.schedules.book.get(schedule);
        let subject = NoticeSubject::ScheduleStep {
            schedule,
            revision: revision.map_or(0, dco_schedule::Schedule::revision),
            act: ActKind::of(&step.act),
            by,
            answer_by_us: step.act.answer_by_us(),
        };
        let both = matches!(step.act, Act::Accept | Act::Impose { .. } | Act::End { .. });
        let at_us = step.signed.at_us;
        if both || by != Some(Side::User) {
            let user = NoticeParty::User(schedule.user);
            self.notice(user, at_us, subject.clone());
        }
        if both || by != Some(Side::Desk) {
            self.notice(NoticeParty::Desk, at_us, subject);
        }
    }

    /// Who can do something about it is told: the User and the Service Desk of a TRT, the User of its limits, the Service Desk
    /// and operators of capacity.
    pub(super) fn apply_warned(&mut self, at_us: Micros, record: &Warned) -> Result<(), Why> {
        let user = Eui64::from_bits(record.user);
        let near = record.near();
        if near == Near::Trt {
            let found = self.batches.find(user, record.batch);
            let (batch, due_us) = found
                .map(|(index, batch)| (index, batch.due_us))
                .ok_or("there is no such batch")?;
            let warn_us = self
                .batches
                .get(batch)
                .warn_us(self.terms.trt_warn_before_us);
            self.deadlines.clear(warn_us, Deadline::WarnTrt { batch });
            self.batches.warned(batch);
            let subject = NoticeSubject::TrtNear {
                user,
                batch: record.batch,
                due_us,
                open: record.used,
            };
            self.notice(NoticeParty::User(user), at_us, subject.clone());
            if let Some(start_us) = record.period_start_us {
                self.counts.add(start_us, (Counted::Warnings, user), 1);
            }
            if !record.untold {
                self.notice(NoticeParty::Desk, at_us, subject);
            }
            return Ok(());
        }
        let subject = NoticeSubject::LimitNear {
            near,
            date: (near == Near::Capacity).then(|| ServiceDate::from_days(record.date)),
            limit: record.limit,
            used: record.used,
        };
        let parties: &[NoticeParty] = match near {
            Near::OpenTransfers | Near::StoredBytes => &[NoticeParty::User(user)],
            Near::Capacity => &[NoticeParty::Desk, NoticeParty::Operators],
            Near::Trt | Near::Unspecified => return Err("what is near is not known"),
        };
        for party in parties {
            self.notice(*party, at_us, subject.clone());
        }
        Ok(())
    }

    pub(super) fn note_pending(&mut self, action: u64, pending: &Pending<Eui64>) {
        let subject = NoticeSubject::ActionPending {
            action,
            schedule: pending.ask.id,
            act: ActKind::of(&pending.ask.act),
            expires_us: pending.expires_us,
        };
        self.notice(NoticeParty::Desk, pending.asked_us, subject);
    }

    pub(super) fn note_settled(&mut self, at_us: Micros, action: u64, approved: bool) {
        let subject = NoticeSubject::ActionSettled { action, approved };
        self.notice(NoticeParty::Desk, at_us, subject);
    }

    /// Capacity is told to the Service Desk, to the operators, and to each User with agreed days under it.
    pub(super) fn note_capacity(&mut self, at_us: Micros, record: &CapacitySet) -> Result<(), Why> {
        let span = record.span();
        let subject = |agreed_days| match record.follows.filter(|_| record.clear) {
            Some(capacity) => NoticeSubject::CapacityCleared {
                date: span.first(),
                capacity,
                agreed_days,
            },
            None => NoticeSubject::CapacitySet {
                span,
                capacity: record.capacity,
                profile: !record.profile.is_empty(),
                agreed_days,
            },
        };
        for (user, agreed_days) in self.agreed_days_in(span) {
            self.notice(NoticeParty::User(user), at_us, subject(agreed_days));
        }
        self.notice(NoticeParty::Operators, at_us, subject(0));
        self.notice(NoticeParty::Desk, at_us, subject(0));
        self.note_crowded(at_us, (record.crowded.as_ref(), &record.crowded_windows))?;
        self.note_over(at_us, record)
    }

    /// Days on which windows have more agreed in them than their hours carry: told to the Service Desk, and each User of its own.
    pub(super) fn note_crowded(
        &mut self,
        at_us: Micros,
        (days, windows): (Option<&Quota>, &[CrowdedWindow]),
    ) -> Result<(), Why> {
        let Some(days) = days else {
            return Ok(());
        };
        let days = days.read().ok_or("its days and units are not as many")?;
        let read: Option<Vec<_>> = windows.iter().map(CrowdedWindow::read).collect();
        let windows = read.ok_or("it has hours that are no window")?;
        let mut users: BTreeMap<Eui64, Vec<_>> = BTreeMap::new();
        for window in &windows {
            users.entry(window.id.user).or_default().push(*window);
        }
        for (user, windows) in users {
            let days = windows.iter().map(|it| (it.date, it.over()));
            let days: dco_schedule::Quota = days.collect();
            let days = days.days().collect();
            let subject = NoticeSubject::WindowsCrowded { days, windows };
            self.notice(NoticeParty::User(user), at_us, subject);
        }
        let days = days.days().collect();
        let subject = NoticeSubject::WindowsCrowded { days, windows };
        self.notice(NoticeParty::Desk, at_us, subject);
        Ok(())
    }

    /// That a day begins with too much agreed, if that is not told in what follows of the configuration.
    pub(super) fn note_begun(&mut self, at_us: Micros, record: &DayOpened) {
        let told = record.over.as_ref().map_or(&[][..], |over| &over.dates);
        if record.over_agreed > 0 && !told.contains(&record.date) {
            let date = ServiceDate::from_days(record.date);
            self.note_over_agreed(at_us, vec![(date, record.over_agreed)], Vec::new());
        }
    }

    /// What the configuration says of capacity is told like what an officer sets, where it is not what it said before.
    pub(super) fn note_configured(&mut self, at_us: Micros, record: &DayOpened) -> Result<(), Why> {
        let before = self.schedules.configured.take();
        self.schedules.configured.clone_from(&record.configured);
        let now = record.configured.as_ref().map(|it| it.capacity);
        let profile = record.configured.as_ref().map_or(&[][..], |it| &it.profile);
        // Where an officer has set the capacity or the profile of today, the configuration changes nothing.
        let capacity = now.filter(|now| {
            let other = before
                .as_ref()
                .is_some_and(|before| before.capacity != *now);
            other && *now == record.capacity
        });
        let is_other_profile = before.is_some_and(|before| {
            !before.profile.is_empty() && before.profile != profile && profile == record.profile
        });
        let set = CapacitySet {
            first: record.date,
            capacity,
            profile: if is_other_profile {
                profile.to_vec()
            } else {
                Vec::new()
            },
            over: record.over.clone(),
            moves: record.moves.clone(),
            crowded: record.crowded.clone(),
            crowded_windows: record.crowded_windows.clone(),
            ..CapacitySet::default()
        };
        if capacity.is_some() || is_other_profile {
            return self.note_capacity(at_us, &set);
        }
        self.note_crowded(at_us, (set.crowded.as_ref(), &set.crowded_windows))?;
        if record.over_told_to_users {
            self.note_over_to_users(at_us, &set)?;
        }
        self.note_over(at_us, &set)
    }

    /// Each User is told of the days with too much agreed on which something is agreed with it: no setting tells it.
    fn note_over_to_users(&mut self, at_us: Micros, record: &CapacitySet) -> Result<(), Why> {
        let over = record.over.as_ref().map(Quota::read);
        let over = over
            .unwrap_or_default()
            .ok_or("its days and units are not as many")?;
        let mut users: BTreeMap<Eui64, BTreeMap<ServiceDate, u32>> = BTreeMap::new();
        for (id, schedule) in self.schedules.book.schedules() {
            let own = over.days();
            let own = own.filter(|(date, _)| schedule.agreed_on(*date) > 0);
            users.entry(id.user).or_default().extend(own);
        }
        for (user, days) in users.into_iter().filter(|(_, days)| !days.is_empty()) {
            let subject = NoticeSubject::OverAgreed {
                days: days.into_iter().collect(),
                proposal: Vec::new(),
            };
            self.notice(NoticeParty::User(user), at_us, subject);
        }
        Ok(())
    }

    /// Days on which a setting leaves less than is agreed.
    fn note_over(&mut self, at_us: Micros, record: &CapacitySet) -> Result<(), Why> {
        if let Some(over) = &record.over {
            let over = over.read().ok_or("its days and units are not as many")?;
            let moves = record.moves.iter().map(|it| (it.schedule(), it.units));
            self.note_over_agreed(at_us, over.days().collect(), moves.collect());
        }
        Ok(())
    }

    pub(super) fn note_over_agreed(
        &mut self,
        at_us: Micros,
        days: Vec<(ServiceDate, u32)>,
        proposal: Vec<(ScheduleId<Eui64>, u64)>,
    ) {
        let subject = NoticeSubject::OverAgreed { days, proposal };
        self.notice(NoticeParty::Desk, at_us, subject);
    }

    /// How many days of a span are agreed with each User, of those with any.
    fn agreed_days_in(&self, span: Span) -> Vec<(Eui64, u32)> {
        let mut users: Vec<(Eui64, u32)> = Vec::new();
        for (id, schedule) in self.schedules.book.schedules() {
            let quota = schedule.quota().into_iter();
            let days = quota.flat_map(|quota| quota.days_from(span.first()));
            let days = days.filter(|(date, _)| span.has(*date)).count();
            let days = u32::try_from(days).unwrap_or(u32::MAX);
            match users.last_mut().filter(|(user, _)| *user == id.user) {
                Some((_, sum)) => *sum += days,
                None => users.push((id.user, days)),
            }
        }
        users.retain(|(_, days)| *days > 0);
        users
    }

    pub(super) fn note_transfer(
        &mut self,
        user: Eui64,
        at_us: Micros,
        (transfer, expire_us): (u64, Micros),
    ) {
        let subject = NoticeSubject::TransferExpires {
            transfer,
            expire_us,
        };
        self.notice(NoticeParty::User(user), at_us, subject);
    }

    /// What the Central Products List holds now, and what goes on, is told to its User and to the Service Desk.
    pub(super) fn note_hold(
        &mut self,
        (user, manufacturer_image_hash): (Eui64, ManufacturerImageHash),
        at_us: Micros,
        (held, freed): (u32, u32),
    ) {
        let subject = NoticeSubject::ProductsHold {
            user,
            manufacturer_image_hash,
            held,
            freed,
        };
        self.notice(NoticeParty::User(user), at_us, subject.clone());
        self.notice(NoticeParty::Desk, at_us, subject);
    }

    /// A pause of a part is told to the Users whose work it holds, and to the Service Desk; one that a rule made to the operators
    /// as well. What the rule counted is of all Users, so Users are not told it.
    pub(super) fn note_pause(
        &mut self,
        at_us: Micros,
        (scope, paused): (Scope, bool),
        record: &PauseChanged,
    ) {
        let subject = |stop| NoticeSubject::PauseChanged {
            scope,
            paused,
            ticket: record.ticket.clone(),
            stop,
        };
        for user in self.users_under(scope) {
            self.notice(NoticeParty::User(user), at_us, subject(None));
        }
        if let (Scope::Batch { user, .. }, Some(start_us)) = (scope, record.period_start_us) {
            self.counts.add(start_us, (Counted::Warnings, user), 1);
        }
        if record.untold {
            return;
        }
        let by_a_rule = record.by == 0;
        if by_a_rule {
            self.notice(NoticeParty::Operators, at_us, subject(record.stop));
        }
        // Who pauses everything is the Service Desk, or has told it.
        if by_a_rule || scope != Scope::All {
            self.notice(NoticeParty::Desk, at_us, subject(record.stop));
        }
    }

    /// Who is told of a pause. That all releases are paused, or those through a gateway, each activation explains.
    fn users_under(&self, scope: Scope) -> Vec<Eui64> {
        match scope {
            Scope::All | Scope::Gateway(_) => Vec::new(),
            Scope::User(user) => vec![user],
            Scope::Schedule(id) => vec![id.user],
            Scope::Batch { user, .. } => vec![user],
            Scope::Image(hash) => {
                let open = self.batches.open();
                let with = open.filter_map(|(user, mut batches)| {
                    let has_it = batches.any(|batch| batch.manufacturer_image_hash == hash);
                    has_it.then_some(user)
                });
                with.collect()
            }
        }
    }

    /// Whom the security lane displaced on a day, and that it is repaid.
    pub(super) fn note_displaced(
        &mut self,
        user: Eui64,
        at_us: Micros,
        (date, units): (ServiceDate, u32),
    ) {
        let subject = NoticeSubject::Displaced { date, units };
        self.notice(NoticeParty::User(user), at_us, subject);
    }

    /// What one User has sent too much of is told to it as well; what others have sent is not.
    pub(super) fn note_breach(&mut self, user: Eui64, at_us: Micros, record: &ThresholdBreached) {
        let subject = NoticeSubject::ThresholdBreached {
            user,
            counted: record.counted(),
            of_all: record.of_all,
            limit: record.limit,
            used: record.used,
            requested: record.requested,
        };
        if !record.of_all {
            self.notice(NoticeParty::User(user), at_us, subject.clone());
        }
        self.notice(NoticeParty::Operators, at_us, subject.clone());
        self.notice(NoticeParty::Desk, at_us, subject);
    }

    /// Tells a User once that most of what it may send for a day is sent: when this batch takes it over four fifths.
    pub(super) fn note_use(&mut self, at_us: Micros, sent: &Sent) {
        let Sent {
            user,
            source,
            date,
            limit,
            count,
        } = *sent;
        let used = self.days.ledger.sent(user, date, source);
        let mostly = |used: u32| u64::from(used) * 5 >= u64::from(limit) * 4;
        if limit > 0 && mostly(used) && !mostly(used - count) {
            let subject = NoticeSubject::NearlyUsed {
                source,
                date,
                limit,
                used,
            };
            self.notice(NoticeParty::User(user), at_us, subject);
        }
    }
}

/// A batch as far as what it uses up is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    pub(super) user: Eui64,
    pub(super) source: Source,
    pub(super) date: ServiceDate,
    /// What may be sent for the day.
    pub(super) limit: u32,
    pub(super) count: u32,
}
