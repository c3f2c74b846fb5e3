//! What the security lane may release of the open service day, and has, by the journal alone.

use std::collections::BTreeMap;

use dco_engine::record::{Change, Record};

use super::Breach;

/// The lane on the day that was opened last.
#[derive(Debug, Default)]
pub(super) struct Lane {
    date: i32,
    /// What the configuration says.
    limit: u32,
    released: u32,
    /// The day of each unit of it that may still be given back.
    charged: BTreeMap<u32, i32>,
}

impl Lane {
    /// Whether it has units left.
    pub(super) fn has_units(&self) -> bool {
        self.released < self.limit
    }

    /// Takes in what a record says; a breach when the lane goes beyond its bound.
    pub(super) fn learn(&mut self, record: &Record) -> Result<(), Breach> {
        match &record.change {
            Some(Change::DayOpened(it)) => {
                if it.date != self.date {
                    (self.date, self.released) = (it.date, 0);
                }
                self.limit = it.configured.as_ref().map_or(0, |it| it.security);
            }
            Some(Change::Released(it)) if it.security => {
                if it.lent || it.charged_date != Some(self.date) {
                    return Err(format!(
                        "activation {} leaves through the security lane and is not charged to its day",
                        it.activation
                    ));
                }
                self.charged.insert(it.activation, self.date);
                self.released += 1;
                if self.released > self.limit {
                    return Err(format!(
                        "{} units leave through the security lane on one day, which may release {}",
                        self.released, self.limit
                    ));
                }
            }
            Some(Change::AttemptEnded(it)) => {
                let charged = self.charged.remove(&it.activation);
                let is_back = charged.is_some() && it.refunded_date == Some(self.date);
                self.released -= u32::from(is_back && charged == it.refunded_date);
            }
            // What was under way stays charged for ever.
            Some(Change::Restored(_)) => self.charged.clear(),
            _ => {}
        }
        Ok(())
    }
}
