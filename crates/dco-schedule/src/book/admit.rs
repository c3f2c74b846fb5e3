//! Whether a batch may be sent: exactly one source covers all of it.

use thiserror::Error;

use crate::{At, Book, ImageHash, OverAllowance, Schedule, ScheduleId, ServiceDate, Source};

/// A batch as far as its admission needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchAsked<U> {
    /// Who sends it.
    pub user: U,
    /// Of which image.
    pub image: ImageHash,
    /// Whether the image is large.
    pub large: bool,
    /// For which service day.
    pub date: ServiceDate,
    /// To how many Devices.
    pub count: u32,
}

/// A schedule covers the image on that day, but has less left than the batch has Devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "schedule {number} has {agreed} agreed for {date} and {used} of them are sent: {requested} more do not fit; \
     {}, or agree an amendment with the Service Desk", fit(.earliest_fit)
)]
pub struct ExceedsAgreed {
    /// The number of the User's schedule that has most left.
    pub number: u32,
    /// The day the batch is for.
    pub date: ServiceDate,
    /// The quota of that day.
    pub agreed: u32,
    /// Sent for it so far under this schedule.
    pub used: u32,
    /// Devices of the batch.
    pub requested: u32,
    /// The earliest day from today on for which it could be sent under any of the User's schedules.
    pub earliest_fit: Option<ServiceDate>,
}

/// Why a batch may not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BatchRefusal {
    /// A schedule covers it, with too little left.
    #[error(transparent)]
    ExceedsAgreed(#[from] ExceedsAgreed),
    /// No schedule covers it, and it is too much for the allowance.
    #[error(transparent)]
    OverAllowance(#[from] OverAllowance),
}

impl<U: Ord + Copy + std::fmt::Debug> Book<U> {
    /// What covers a batch; `None` for one that is charged to nothing, because its image is not large.
    ///
    /// Where several schedules of the User cover it, one for the image goes before one for the portfolio, then the
    /// lower number; the first that has room for the whole batch takes it.
    pub fn admit(
        &self,
        asked: &BatchAsked<U>,
        at: &At<'_, U>,
    ) -> Result<Option<Source>, BatchRefusal> {
        if !asked.large {
            return Ok(self.terms.small_uses_allowance.then_some(Source::Allowance));
        }
        let mut covering: Vec<_> = self
            .covering(asked)
            .filter(|(_, schedule)| schedule.agreed_on(asked.date) > 0)
            .collect();
        if covering.is_empty() {
            at.ledger.admit(asked.user, asked.date, asked.count)?;
            return Ok(Some(Source::Allowance));
        }
        covering.sort_by_key(|(id, schedule)| (!schedule.request().covers.is_image(), *id));
        let left = |id: ScheduleId<U>| self.left(id, asked.date, at);
        let roomy = covering.iter().find(|(id, _)| left(*id) >= asked.count);
        if let Some((id, _)) = roomy {
            return Ok(Some(Source::Schedule(id.number)));
        }
        covering.sort_by_key(|(id, _)| std::cmp::Reverse(left(*id)));
        let (most, schedule) = covering[0];
        Err(BatchRefusal::ExceedsAgreed(ExceedsAgreed {
            number: most.number,
            date: asked.date,
            agreed: schedule.agreed_on(asked.date),
            used: at
                .ledger
                .sent(most.user, asked.date, Source::Schedule(most.number)),
            requested: asked.count,
            earliest_fit: self.earliest_fit(asked, at),
        }))
    }

    /// The User's agreed schedules for this image, on whatever days.
    fn covering(
        &self,
        asked: &BatchAsked<U>,
    ) -> impl Iterator<Item = (ScheduleId<U>, &Schedule<U>)> {
        let image = asked.image;
        self.of_user(asked.user)
            .filter(move |(_, schedule)| schedule.request().covers.covers(&image))
    }

    fn left(&self, id: ScheduleId<U>, date: ServiceDate, at: &At<'_, U>) -> u32 {
        let agreed = self.get(id).map_or(0, |schedule| schedule.agreed_on(date));
        agreed.saturating_sub(at.ledger.sent(id.user, date, Source::Schedule(id.number)))
    }

    fn earliest_fit(&self, asked: &BatchAsked<U>, at: &At<'_, U>) -> Option<ServiceDate> {
        let first_of = |(id, schedule): (ScheduleId<U>, &Schedule<U>)| {
            let mut days = schedule.quota()?.days_from(at.today);
            days.find(|(date, _)| self.left(id, *date, at) >= asked.count)
        };
        let days = self.covering(asked).filter_map(first_of);
        days.map(|(date, _)| date).min()
    }
}

fn fit(date: &Option<ServiceDate>) -> String {
    date.map_or_else(
        || "send fewer".to_owned(),
        |date| format!("send it for {date}"),
    )
}
