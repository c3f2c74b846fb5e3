//! Warnings before a limit or a time is reached: once each, to who can do something about it.

use dco_block::Eui64;
use dco_schedule::{Micros, ServiceDate};

use super::thresholds::Added;
use crate::engine::Engine;
use crate::event::NoticeParty;
use crate::record::{Change, Counted, Near, Warned};
use crate::state::usage::Usage;
use crate::view::NoticeSubject;

/// Whether four fifths are used.
fn mostly(used: u64, limit: u64) -> bool {
    limit > 0 && u128::from(used) * 5 >= u128::from(limit) * 4
}

impl Engine {
    /// A transfer was opened: most of what its User may have may be used now.
    pub(super) fn warn_of_use(&mut self, user: Eui64, before: &Usage) {
        let limits = self.terms.limits;
        let now = self.transfers.usage(user, self.now_us);
        self.warn_of_limit(
            (user, Near::OpenTransfers),
            limits.open_transfers_per_user_max.into(),
            (before.open_transfers.into(), now.open_transfers.into()),
        );
        self.warn_of_limit(
            (user, Near::StoredBytes),
            limits.stored_bytes_per_user_max,
            (before.stored_bytes(), now.stored_bytes()),
        );
    }

    /// Some of a batch has not ended, and its TRT ends soon.
    pub(crate) fn warn_of_trt(&mut self, batch: u32) {
        let it = self.batches.get(batch);
        let (open, user, number) = (it.counts.open(), it.user, it.number);
        if open > 0 && !it.trt_warned {
            let told = self.tell_the_desk(user);
            self.record(Change::Warned(Warned {
                near: Near::Trt.into(),
                user: user.bits(),
                batch: number,
                used: open.into(),
                period_start_us: told,
                untold: told.is_none(),
                ..Warned::default()
            }));
        }
    }

    /// Whether the Service Desk is told of one more of a User's batches: when the period began to which that counts. One User
    /// with very many must not push out what the desk is told of others.
    pub(super) fn tell_the_desk(&mut self, user: Eui64) -> Option<Micros> {
        let within = self.within_thresholds(Added {
            user,
            counts: &[(Counted::Warnings, 1)],
            validate_only: false,
        });
        within.ok()
    }

    /// A limit of one User, of which `before` was used until now, and `used` from now on.
    pub(crate) fn warn_of_limit(
        &mut self,
        (user, near): (Eui64, Near),
        limit: u64,
        (before, used): (u64, u64),
    ) {
        if mostly(used, limit) && !mostly(before, limit) {
            self.record(Change::Warned(Warned {
                near: near.into(),
                user: user.bits(),
                limit,
                used,
                ..Warned::default()
            }));
        }
    }

    /// A unit of today was charged. What was given back and is charged again is not told again.
    pub(crate) fn warn_of_capacity(&mut self) {
        let Some((date, limit, used)) = self.use_of_today() else {
            return;
        };
        // Only one charge passes the mark; the others need not look for what was told.
        if !mostly(used.saturating_sub(1), limit) {
            self.warn_of_day(date, (limit, used));
        }
    }

    /// The same where no charge has passed the mark: capacity was set, or the warning was lost to the end of the journal.
    pub(crate) fn warn_of_capacity_in_use(&mut self) {
        if let Some((date, limit, used)) = self.use_of_today() {
            self.warn_of_day(date, (limit, used));
        }
    }

    /// Capacity of the service day that it is, and units released on it.
    fn use_of_today(&self) -> Option<(ServiceDate, u64, u64)> {
        let today = self.days.today.as_ref().map(|today| today.day);
        let date = today.filter(|day| day.contains(self.now_us))?.date;
        let limit = u64::from(self.days.ledger.capacity(date).unwrap_or(0));
        Some((date, limit, u64::from(self.days.ledger.released(date))))
    }

    fn warn_of_day(&mut self, date: ServiceDate, (limit, used): (u64, u64)) {
        if mostly(used, limit) && !self.was_told_of_capacity(date) {
            self.record(Change::Warned(Warned {
                near: Near::Capacity.into(),
                limit,
                used,
                date: date.days(),
                ..Warned::default()
            }));
        }
    }

    fn was_told_of_capacity(&self, date: ServiceDate) -> bool {
        let told = self.notices.by_party.get(&NoticeParty::Operators);
        let mut told = told.into_iter().flat_map(|told| &told.kept).rev();
        told.any(|(_, subject)| {
            matches!(subject, NoticeSubject::LimitNear { date: Some(of), .. } if *of == date)
        })
    }
}
