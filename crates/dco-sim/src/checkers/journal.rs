//! A record that was durable stays what it was.

use dco_store::Seq;

use super::{Breach, Checker};
use crate::happened::Happened;

/// Keeps a copy of every durable record.
#[derive(Debug, Default)]
pub(super) struct Journal {
    records: Vec<Vec<u8>>,
}

impl Checker for Journal {
    fn promise(&self) -> &'static str {
        "a durable record stays what it was"
    }

    fn see(&mut self, happened: &Happened<'_>) -> Result<(), Breach> {
        match happened {
            Happened::Recorded { seq, bytes, .. } => self.add(*seq, bytes),
            Happened::ReadBack { records } => self.compare(records),
            _ => Ok(()),
        }
    }
}

impl Journal {
    fn add(&mut self, seq: Seq, bytes: &[u8]) -> Result<(), Breach> {
        self.records.push(bytes.to_vec());
        if u64::try_from(self.records.len()) == Ok(seq) {
            Ok(())
        } else {
            Err(format!(
                "record {seq} follows {} others",
                self.records.len() - 1
            ))
        }
    }

    fn compare(&self, found: &[(Seq, Vec<u8>)]) -> Result<(), Breach> {
        if found.len() < self.records.len() {
            return Err(format!(
                "{} records were durable, {} are read back",
                self.records.len(),
                found.len()
            ));
        }
        for ((seq, now), before) in found.iter().zip(&self.records) {
            if now != before {
                return Err(format!("record {seq} is not the one that was durable"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Journal;
    use crate::checkers::history::{broken, kept, recorded};
    use crate::happened::Happened;

    fn read_back(change: impl FnOnce(&mut Vec<(u64, Vec<u8>)>)) -> (Journal, Vec<(u64, Vec<u8>)>) {
        let mut checker = Journal::default();
        let mut records = Vec::new();
        for seq in 1..=3 {
            let bytes = vec![u8::try_from(seq).unwrap(); 4];
            kept(&mut checker, &recorded(seq, &bytes));
            records.push((seq, bytes));
        }
        change(&mut records);
        (checker, records)
    }

    #[test]
    fn more_may_be_found_but_not_less_and_nothing_else() {
        let (mut checker, records) = read_back(|found| found.push((4, vec![4])));
        kept(&mut checker, &Happened::ReadBack { records: &records });
        let (mut checker, records) = read_back(|found| found.truncate(2));
        broken(&mut checker, &Happened::ReadBack { records: &records });
        let (mut checker, records) = read_back(|found| found[1].1[0] = 9);
        broken(&mut checker, &Happened::ReadBack { records: &records });
    }

    #[test]
    fn no_number_is_left_out() {
        broken(&mut Journal::default(), &recorded(2, &[1]));
    }
}
