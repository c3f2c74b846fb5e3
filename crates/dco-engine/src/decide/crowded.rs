//! Windows that cannot take what is agreed in them, once a setting holds or a day begins.

use std::collections::BTreeMap;

use dco_block::Eui64;
use dco_schedule::{Book, CrowdedWindow, HourProfile, Quota, Reserve, ServiceDate, Span};

use crate::engine::Engine;
use crate::record::{Configured, CrowdedWindow as CrowdedRecord, Quota as QuotaRecord, profile_of};
use crate::terms::Terms;

/// Schedules whose windows are crowded, and by how much the hours of each day are.
#[derive(Debug, Default)]
pub(super) struct Crowded {
    pub(super) days: Quota,
    pub(super) windows: Vec<CrowdedWindow<Eui64>>,
}

impl Crowded {
    /// As a record keeps it.
    pub(super) fn record(&self) -> (Option<QuotaRecord>, Vec<CrowdedRecord>) {
        let is_any = !self.days.is_empty() || !self.windows.is_empty();
        let windows = self.windows.iter().map(CrowdedRecord::of).collect();
        (is_any.then(|| QuotaRecord::of(&self.days)), windows)
    }
}

impl Engine {
    /// What is crowded with the setting, or more so than without it: on which days, and by how much more.
    pub(super) fn newly_crowded(&self, before: &Book<Eui64>, after: &Book<Eui64>) -> Crowded {
        let at = self.at();
        let days = after.crowded(&at).over(&before.crowded(&at));
        let mut over = BTreeMap::new();
        for window in before.crowded_windows(agreed_days(before, at.today), &at) {
            over.insert((window.id, window.date), window.over());
        }
        let worse = |it: &CrowdedWindow<Eui64>| {
            over.get(&(it.id, it.date))
                .is_none_or(|before| it.over() > *before)
        };
        let windows = after.crowded_windows(agreed_days(after, at.today), &at);
        Crowded {
            days,
            windows: windows.into_iter().filter(worse).collect(),
        }
    }

    /// What is crowded on the days of a span from today on, whatever made it so.
    pub(crate) fn crowded_in(&self, span: Span) -> Vec<CrowdedWindow<Eui64>> {
        let book = &self.schedules.book;
        let at = self.at();
        let days = agreed_days(book, at.today).filter(|date| span.has(*date));
        book.crowded_windows(days, &at)
    }

    /// What is to be told when a day opens: what the configuration has made crowded since it was another one, and
    /// once on each day what is crowded on that day.
    pub(super) fn crowded_at_opening(
        &self,
        before: Option<&Configured>,
        begins: Option<ServiceDate>,
    ) -> Crowded {
        let book = &self.schedules.book;
        let mut crowded = before.map_or_else(Crowded::default, |before| {
            self.newly_crowded(&self.book_of(before), book)
        });
        let Some(today) = begins else {
            return crowded;
        };
        let at = self.at();
        let of_today = book.crowded(&at).on(today);
        crowded.windows.retain(|it| it.date != today);
        crowded
            .windows
            .splice(0..0, self.crowded_in(Span::On(today)));
        let later = crowded.days.days().filter(|(date, _)| *date != today);
        crowded.days = later.chain([(today, of_today)]).collect();
        crowded
    }

    /// The book as it would be by what the configuration said before.
    pub(super) fn book_of(&self, before: &Configured) -> Book<Eui64> {
        let reserve = Reserve {
            allowance: before.allowance,
            security: before.security,
            retry_permille: before.retry_permille,
        };
        // Records from before the profile was kept say nothing of it.
        let profile = profile_of(&before.profile).unwrap_or(self.terms.hour_profile);
        self.schedules
            .book
            .configured(before.capacity, profile, reserve)
    }
}

/// What the configuration says of capacity and of the hours.
pub(super) fn configured(terms: &Terms) -> Configured {
    let reserve = terms.schedules.reserve;
    Configured {
        capacity: terms.capacity_per_day,
        allowance: reserve.allowance,
        security: reserve.security,
        retry_permille: reserve.retry_permille,
        profile: weights(&terms.hour_profile),
    }
}

/// The 24 weights of a profile.
pub(super) fn weights(profile: &HourProfile) -> Vec<u32> {
    (0..24).map(|hour| profile.weight(hour).into()).collect()
}

fn agreed_days(book: &Book<Eui64>, from: ServiceDate) -> impl Iterator<Item = ServiceDate> {
    book.agreed_from(from).map(|(date, _)| date)
}
