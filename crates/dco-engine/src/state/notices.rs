//! What each party is told, in order, so that it can go on reading where it was.

use std::collections::BTreeMap;

use dco_schedule::Micros;

use crate::event::NoticeParty;
use crate::read::as_usize;
use crate::view::{Notice, NoticeSubject, Notices};

/// All notices of all parties. They come of records alone, so a position means the same after a restart.
#[derive(Debug, Default)]
pub(crate) struct NoticeBoard {
    pub(crate) by_party: BTreeMap<NoticeParty, Vec<(Micros, NoticeSubject)>>,
}

impl NoticeBoard {
    pub(crate) fn add(&mut self, party: NoticeParty, at_us: Micros, subject: NoticeSubject) {
        self.by_party
            .entry(party)
            .or_default()
            .push((at_us, subject));
    }

    /// At most `limit` notices after a number.
    pub(crate) fn after(&self, party: NoticeParty, position: u64, limit: u32) -> Notices {
        let all = self.by_party.get(&party).map_or(&[][..], Vec::as_slice);
        let from = usize::try_from(position)
            .unwrap_or(usize::MAX)
            .min(all.len());
        let part = all[from..].iter().take(as_usize(limit));
        let notices: Vec<Notice> = (number(from) + 1..)
            .zip(part)
            .map(|(number, (at_us, subject))| Notice {
                number,
                at_us: *at_us,
                subject: subject.clone(),
            })
            .collect();
        let to = from + notices.len();
        Notices {
            notices,
            position: number(to),
            complete: to == all.len(),
        }
    }
}

fn number(place: usize) -> u64 {
    u64::try_from(place).unwrap_or(u64::MAX)
}
