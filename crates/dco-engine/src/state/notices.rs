//! What each party is told, in order, so that it can go on reading where it was.

use std::collections::{BTreeMap, VecDeque};

use dco_schedule::Micros;

use crate::event::NoticeParty;
use crate::read::as_usize;
use crate::view::{Notice, NoticeSubject, Notices};

/// All notices of all parties. They come and go by records alone, so a position means the same after a restart.
#[derive(Debug, Default)]
pub(crate) struct NoticeBoard {
    pub(crate) by_party: BTreeMap<NoticeParty, Told>,
}

/// What one party was told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Those up to this number are not kept any more.
    pub(crate) forgotten: u64,
    /// Those after it, oldest first.
    pub(crate) kept: VecDeque<(Micros, NoticeSubject)>,
}

impl Told {
    /// The newest number; 0 before the first.
    fn last(&self) -> u64 {
        self.forgotten + number(self.kept.len())
    }
}

impl NoticeBoard {
    pub(crate) fn add(&mut self, party: NoticeParty, at_us: Micros, subject: NoticeSubject) {
        let told = self.by_party.entry(party).or_default();
        told.kept.push_back((at_us, subject));
    }

    /// The notices of each party that are from before this moment or more than so many, up to which number.
    pub(crate) fn outdated(&self, before_us: Micros, most: u32) -> Vec<(NoticeParty, u64)> {
        let through = |told: &Told| {
            let old = told.kept.partition_point(|(at_us, _)| *at_us < before_us);
            let many = told.kept.len().saturating_sub(as_usize(most));
            told.forgotten + number(old.max(many))
        };
        let parties = self.by_party.iter();
        let parties = parties.map(|(party, told)| (*party, through(told)));
        let outdated = parties.filter(|(party, through)| *through > self.by_party[party].forgotten);
        outdated.collect()
    }

    /// A party's notices up to this number are not kept any more; `None` where it has none of that number.
    pub(crate) fn forget(&mut self, party: NoticeParty, through: u64) -> Option<()> {
        let told = self.by_party.get_mut(&party)?;
        if through > told.last() {
            return None;
        }
        let gone = through.checked_sub(told.forgotten)?;
        told.kept.drain(..usize::try_from(gone).ok()?);
        told.forgotten = through;
        Some(())
    }

    /// The newest number of a party; 0 before the first.
    pub(crate) fn last(&self, party: NoticeParty) -> u64 {
        self.by_party.get(&party).map_or(0, Told::last)
    }

    /// At most `limit` notices after a number, from the first that is kept where that is 0. The number up to which
    /// they are not kept any more where those after `position` are among them.
    pub(crate) fn after(
        &self,
        party: NoticeParty,
        position: u64,
        limit: u32,
    ) -> Result<Notices, u64> {
        let none = Told::default();
        let told = self.by_party.get(&party).unwrap_or(&none);
        if (1..told.forgotten).contains(&position) {
            return Err(told.forgotten);
        }
        let from = position.clamp(told.forgotten, told.last());
        let place = usize::try_from(from - told.forgotten).unwrap_or(usize::MAX);
        let part = told.kept.range(place..).take(as_usize(limit));
        let notices: Vec<Notice> = (from + 1..)
            .zip(part)
            .map(|(number, (at_us, subject))| Notice {
                number,
                at_us: *at_us,
                subject: subject.clone(),
                told: None,
            })
            .collect();
        let to = from + number(notices.len());
        Ok(Notices {
            notices,
            position: to,
            complete: to == told.last(),
        })
    }
}

fn number(place: usize) -> u64 {
    u64::try_from(place).unwrap_or(u64::MAX)
}
