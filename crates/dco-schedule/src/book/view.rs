//! What each service day has, and what is left of it.

use crate::{Book, Covers, ImageHash, Ledger, Quota, Reserved, ServiceDate};

/// One service day over all Users, in units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayCapacity {
    /// The day.
    pub date: ServiceDate,
    /// What may be released on it.
    pub capacity: u32,
    /// What is kept free of agreements.
    pub reserved: Reserved,
    /// What is agreed.
    pub agreed: u64,
    /// What can still be agreed.
    pub free: u64,
    /// By how much what is agreed is too much: above 0 the day is OVER_AGREED.
    pub over: u64,
    /// What was released on it.
    pub released: u32,
    /// What of that went to work of later days.
    pub lent: u32,
}

/// One service day as one User sees it: others as a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnCapacity {
    /// The day over all Users.
    pub day: DayCapacity,
    /// What is agreed with this User.
    pub own: u64,
    /// What is agreed with all others together.
    pub others: u64,
    /// What was released for this User.
    pub own_released: u32,
}

impl<U: Ord + Copy + std::fmt::Debug> Book<U> {
    /// One service day over all Users.
    pub fn day(&self, date: ServiceDate, ledger: &Ledger<U>) -> DayCapacity {
        let capacity = self.plan.capacity(date);
        let reserved = self.terms.reserve.of(capacity);
        let agreed = self.agreed_on(date);
        let taken = agreed + reserved.total();
        DayCapacity {
            date,
            capacity,
            reserved,
            agreed,
            free: self.free(date),
            over: taken.saturating_sub(capacity.into()).min(agreed),
            released: ledger.released(date),
            lent: ledger.lent(date),
        }
    }

    /// One service day as one User sees it.
    pub fn day_for(&self, user: U, date: ServiceDate, ledger: &Ledger<U>) -> OwnCapacity {
        let day = self.day(date, ledger);
        let own = self
            .of_user(user)
            .map(|(_, schedule)| u64::from(schedule.agreed_on(date)));
        let own = own.sum();
        OwnCapacity {
            day,
            own,
            others: day.agreed.saturating_sub(own),
            own_released: ledger.released_by(user, date),
        }
    }

    /// The last day for which anything is agreed with a User for this very image; a portfolio names none.
    pub fn last_day_of(&self, user: U, image: &ImageHash) -> Option<ServiceDate> {
        let covers = Covers::Image(*image);
        self.of_user(user)
            .filter(|(_, schedule)| schedule.request().covers == covers)
            .filter_map(|(_, schedule)| schedule.quota()?.last())
            .max()
    }

    /// What can still be agreed for a day.
    pub fn free(&self, date: ServiceDate) -> u64 {
        let capacity = self.plan.capacity(date);
        let reserved = self.terms.reserve.of(capacity).total();
        u64::from(capacity).saturating_sub(reserved + self.agreed_on(date))
    }

    /// The days from `from` on that are OVER_AGREED, and by how much.
    pub fn over_agreed(&self, from: ServiceDate) -> Quota {
        let days = self.agreed_from(from).map(|(date, agreed)| {
            let capacity = self.plan.capacity(date);
            let taken = agreed + self.terms.reserve.of(capacity).total();
            let over = taken.saturating_sub(capacity.into()).min(agreed);
            (date, u32::try_from(over).unwrap_or(u32::MAX))
        });
        days.collect()
    }
}
