//! How each service day was shared, held against what Users were entitled to.

use dco_block::Eui64;
use dco_schedule::ServiceDate;

use crate::engine::Engine;
use crate::event::ReportRequest;
use crate::state::tallies::UserTally;
use crate::view::{FairnessDay, FairnessRow, ReportDays};

const MILLION: u128 = 1_000_000;

impl Engine {
    pub(super) fn fairness_days(&self, asked: &ReportRequest) -> ReportDays<FairnessDay> {
        self.newest_days(asked, |date| self.fairness_day(date, asked.user))
    }

    fn fairness_day(&self, date: ServiceDate, reader: Option<Eui64>) -> Option<FairnessDay> {
        let tally = self.tallies.of(date)?;
        let shares = tally.users.iter();
        let shares = shares.filter(|(_, it)| it.received > 0 || it.entitled_milliunits > 0);
        let mut users: Vec<_> = shares.map(|(user, it)| row(*user, it)).collect();
        users.sort_by_key(|row| (row.ratio_ppm.is_none(), row.ratio_ppm, row.user));
        let ratios: Vec<_> = users.iter().filter_map(|row| row.ratio_ppm).collect();
        if let Some(reader) = reader {
            hide_others(&mut users, reader);
        }
        Some(FairnessDay {
            date,
            is_open: self.days.ledger.is_open(date),
            contended: tally.contended,
            jain_ppm: jain_ppm(&ratios),
            users,
        })
    }
}

fn row(user: Eui64, counted: &UserTally) -> FairnessRow {
    let received = u128::from(counted.received) * 1_000 * MILLION;
    let ratio = received.checked_div(u128::from(counted.entitled_milliunits));
    FairnessRow {
        user: Some(user),
        entitled_milliunits: Some(counted.entitled_milliunits),
        received: Some(counted.received),
        ratio_ppm: ratio.map(|ratio| u32::try_from(ratio).unwrap_or(u32::MAX)),
    }
}

/// Of others only how near they came to their share: neither who they are nor how much they have to send. Those of the same ratio
/// stand in an order that says nothing of who they are.
fn hide_others(users: &mut [FairnessRow], reader: Eui64) {
    for row in users.iter_mut().filter(|row| row.user != Some(reader)) {
        *row = FairnessRow {
            user: None,
            entitled_milliunits: None,
            received: None,
            ratio_ppm: row.ratio_ppm,
        };
    }
    users.sort_by_key(|row| (row.ratio_ppm.is_none(), row.ratio_ppm, row.user.is_none()));
}

/// (Σx)² ÷ (n · Σx²): 1 where all came equally near to their share, 1/n where one got all.
fn jain_ppm(ratios: &[u32]) -> Option<u32> {
    let sum: u128 = ratios.iter().map(|it| u128::from(*it)).sum();
    let squares: u128 = ratios.iter().map(|it| u128::from(*it).pow(2)).sum();
    let count = ratios.len() as u128;
    // Squares of 32 bits times a million fit as long as there are fewer than 2^22 Users.
    let index = sum.checked_mul(sum)?.checked_mul(MILLION)?;
    let index = index.checked_div(squares.checked_mul(count)?)?;
    u32::try_from(index).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jains_index_is_one_for_equals_and_one_nth_where_one_has_all() {
        assert_eq!(jain_ppm(&[]), None);
        assert_eq!(jain_ppm(&[0, 0]), None);
        assert_eq!(jain_ppm(&[1_000_000; 7]), Some(1_000_000));
        assert_eq!(jain_ppm(&[4_000_000, 0, 0, 0]), Some(250_000));
        assert_eq!(jain_ppm(&[990_000, 1_010_000]), Some(999_900));
        assert_eq!(jain_ppm(&[u32::MAX; 2]), Some(1_000_000));
    }

    #[test]
    fn a_user_sees_of_others_nothing_but_how_near_they_came() {
        let counted = |received, entitled_milliunits| UserTally {
            received,
            entitled_milliunits,
            ..UserTally::default()
        };
        let shown = |others: [(u64, UserTally); 2]| {
            let mut rows = vec![row(Eui64::from_bits(5), &counted(3, 3_000))];
            rows.extend(others.map(|(user, it)| row(Eui64::from_bits(user), &it)));
            hide_others(&mut rows, Eui64::from_bits(5));
            rows
        };
        let rows = shown([(1, counted(10, 10_000)), (9, counted(2, 1_000))]);
        assert_eq!(
            rows,
            shown([(7, counted(4, 2_000)), (3, counted(800, 800_000))])
        );
        assert_eq!(rows[0].user, Some(Eui64::from_bits(5)));
        assert_eq!(rows[2].ratio_ppm, Some(2_000_000));
        assert!(
            rows[1..]
                .iter()
                .all(|it| it.user.is_none() && it.received.is_none())
        );
    }
}
