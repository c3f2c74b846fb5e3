//! An acknowledged block is still there, until its transfer is stored; then the whole image is.

use std::collections::{BTreeMap, BTreeSet};

use dco_block::Eui64;
use dco_engine::{Reply, TransferState};

use super::{Breach, Checker};
use crate::happened::Happened;

/// The CRC-32 of every block that was acknowledged, by transfer and index, and what is said to be stored.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    acknowledged: BTreeMap<(Eui64, u64), BTreeMap<u32, u32>>,
    stored: BTreeSet<(Eui64, u64)>,
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
            } => self.acknowledge((user, number), index, crc32),
            Happened::Answered {
                reply: Ok(Reply::Transfer(view)),
                ..
            } if view.state == TransferState::Stored => {
                self.stored
                    .extend(view.number.map(|number| (view.user, number)));
                Ok(())
            }
            Happened::BlocksFound {
                user,
                number,
                found,
                image,
            } => self.compare((user, number), found, image),
            _ => Ok(()),
        }
    }
}

impl Blocks {
    fn acknowledge(
        &mut self,
        transfer: (Eui64, u64),
        index: u32,
        crc32: u32,
    ) -> Result<(), Breach> {
        let blocks = self.acknowledged.entry(transfer).or_default();
        match *blocks.entry(index).or_insert(crc32) {
            before if before == crc32 => Ok(()),
            before => Err(format!(
                "block {index} of {transfer:?} was acknowledged as {before:08x} and as {crc32:08x}"
            )),
        }
    }

    /// A transfer is stored with the first copy of its image: a wrong block that was acknowledged for another copy
    /// has then given way to the image's own.
    fn compare(
        &self,
        transfer: (Eui64, u64),
        found: &[Option<u32>],
        image: &[u32],
    ) -> Result<(), Breach> {
        if found.iter().copied().eq(image.iter().copied().map(Some)) {
            return Ok(());
        }
        if self.stored.contains(&transfer) {
            return Err(format!(
                "{transfer:?} is stored, its blocks are {found:08x?}"
            ));
        }
        for (index, crc32) in self.acknowledged.get(&transfer).into_iter().flatten() {
            let at = usize::try_from(*index).unwrap_or(usize::MAX);
            let now = found.get(at).copied().flatten();
            if now != Some(*crc32) {
                return Err(format!(
                    "block {index} of {transfer:?} was acknowledged as {crc32:08x}, found is {now:08x?}"
                ));
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

    fn found(found: &[Option<u32>]) -> Happened<'_> {
        Happened::BlocksFound {
            user: USER,
            number: 1,
            found,
            image: &[5, 6],
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
        kept(&mut checker, &found(&[Some(5), Some(6)]));
    }

    #[test]
    fn two_blocks_of_one_index_are_not_both_acknowledged() {
        let mut checker = Blocks::default();
        kept(&mut checker, &acknowledged(7));
        broken(&mut checker, &acknowledged(8));
    }
}
