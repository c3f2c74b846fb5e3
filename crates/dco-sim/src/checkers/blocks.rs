//! An acknowledged block is still there.

use std::collections::BTreeMap;

use dco_block::Eui64;

use super::{Breach, Checker};
use crate::happened::Happened;

/// The CRC-32 of every block that was acknowledged, by transfer and index.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    acknowledged: BTreeMap<(Eui64, u64), BTreeMap<u32, u32>>,
}

impl Checker for Blocks {
    fn promise(&self) -> &'static str {
        "an acknowledged block is still there"
    }

    fn see(&mut self, happened: &Happened<'_>) -> Result<(), Breach> {
        match *happened {
            Happened::BlockAcknowledged {
                user,
                number,
                index,
                crc32,
            } => {
                let blocks = self.acknowledged.entry((user, number)).or_default();
                match *blocks.entry(index).or_insert(crc32) {
                    before if before == crc32 => Ok(()),
                    before => Err(format!(
                        "block {index} of {user}/{number} was acknowledged as {before:08x} and as {crc32:08x}"
                    )),
                }
            }
            Happened::BlocksFound { user, number, crcs } => self.compare(user, number, crcs),
            _ => Ok(()),
        }
    }
}

impl Blocks {
    fn compare(&self, user: Eui64, number: u64, found: &[Option<u32>]) -> Result<(), Breach> {
        let Some(blocks) = self.acknowledged.get(&(user, number)) else {
            return Ok(());
        };
        for (index, crc32) in blocks {
            let at = usize::try_from(*index).unwrap_or(usize::MAX);
            match found.get(at).copied().flatten() {
                Some(now) if now == *crc32 => {}
                now => {
                    return Err(format!(
                        "block {index} of {user}/{number} was acknowledged as {crc32:08x}, found is {now:08x?}"
                    ));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use dco_block::Eui64;

    use super::Blocks;
    use crate::checkers::history::{broken, kept};
    use crate::happened::Happened;

    const USER: Eui64 = Eui64::from_bits(1);

    fn acknowledged(crc32: u32) -> Happened<'static> {
        Happened::BlockAcknowledged {
            user: USER,
            number: 1,
            index: 1,
            crc32,
        }
    }

    fn found(crcs: &[Option<u32>]) -> Happened<'_> {
        Happened::BlocksFound {
            user: USER,
            number: 1,
            crcs,
        }
    }

    #[test]
    fn a_lost_or_changed_block_is_seen() {
        let mut checker = Blocks::default();
        kept(&mut checker, &found(&[None, None]));
        kept(&mut checker, &acknowledged(7));
        kept(&mut checker, &acknowledged(7));
        kept(&mut checker, &found(&[None, Some(7)]));
        broken(&mut checker, &found(&[Some(7), None]));
        broken(&mut checker, &found(&[None, Some(8)]));
        broken(&mut checker, &found(&[]));
    }

    #[test]
    fn two_blocks_of_one_index_are_not_both_acknowledged() {
        let mut checker = Blocks::default();
        kept(&mut checker, &acknowledged(7));
        broken(&mut checker, &acknowledged(8));
    }
}
