//! Blocks on their way to the disk.

use std::ops::RangeInclusive;

use dco_block::{Eui64, RawBlock, split};
use dco_engine::Event;
use dco_store::Put;

use super::{Item, World};
use crate::happened::Happened;
use crate::service::Answered;

impl World {
    /// A User sends blocks: each on its own way, so they come in any order.
    pub(super) fn send_blocks(
        &mut self,
        errand: usize,
        number: u64,
        missing: &[RangeInclusive<u32>],
    ) {
        let it = &self.errands[errand];
        let Some(image) = it.image().cloned() else {
            return;
        };
        let transfer = (it.user, number);
        for raw in split(&image.bytes, image.manifest.block_bytes()) {
            if missing.iter().any(|range| range.contains(&raw.index)) {
                self.send_block(transfer, raw);
            }
        }
    }

    fn send_block(&mut self, transfer: (Eui64, u64), raw: RawBlock) {
        let raw = if self.dice.chance(self.faults.block_wrong) {
            self.spoiled(&raw)
        } else {
            raw
        };
        if self.dice.chance(self.faults.block_repeated) {
            self.block_travels(transfer, raw.clone());
        }
        if !self.dice.chance(self.faults.block_lost) {
            self.block_travels(transfer, raw);
        }
    }

    /// A block with the right length and a CRC-32 that fits, and wrong bytes.
    fn spoiled(&mut self, raw: &RawBlock) -> RawBlock {
        let mut bytes = raw.data.to_vec();
        let at = self.dice.index(bytes.len());
        bytes[at] ^= 1;
        RawBlock::new(raw.index, bytes.into())
    }

    fn block_travels(&mut self, transfer: (Eui64, u64), raw: RawBlock) {
        let delay_us = self.delay_us();
        self.after(delay_us, Item::BlockArrives { transfer, raw });
    }

    /// A block reaches the service. Without a stream in this life of the service it is lost.
    pub(super) fn block_arrives(&mut self, transfer: (Eui64, u64), raw: RawBlock) {
        let Some(service) = &mut self.service else {
            return;
        };
        let Some(source) = service.attached.get(&transfer) else {
            return;
        };
        let owner = source.owner;
        match raw.verify(&source.manifest) {
            Ok(block) if source.kept.is_some() => {
                if service.is_known(source, &block) {
                    let ((user, number), index) = (transfer, block.index());
                    self.watch.show(&Happened::BlockAcknowledged {
                        user,
                        number,
                        index,
                        crc32: block.crc32(),
                    });
                }
            }
            Ok(block) => service.put_block(transfer, owner, block),
            Err(reject) => self.fail(
                "a block cut from an image is a block of it",
                reject.to_string(),
            ),
        }
    }

    /// The block log makes durable what waits, and its answers go out.
    pub(super) fn commit_blocks(&mut self, life: u32) {
        let Some(service) = self.service.as_mut().filter(|it| it.life == life) else {
            return;
        };
        if self.dice.chance(self.faults.power_in_commit) {
            self.disk.power_off_after(self.dice.below(8));
        }
        match service.commit_blocks() {
            Ok(answers) => {
                for answered in answers {
                    self.block_answered(&answered);
                }
            }
            Err(error) => {
                self.watch.note(format_args!("block log: {error}"));
                self.crash(self.disk.is_off());
            }
        }
    }

    fn block_answered(&mut self, answered: &Answered) {
        let ((user, number), index) = (answered.transfer, answered.index);
        self.watch.note(format_args!(
            "block {index} of {user}/{number}: {:?}",
            answered.put
        ));
        if matches!(answered.put, Put::Conflict { .. }) {
            return;
        }
        self.watch.show(&Happened::BlockAcknowledged {
            user,
            number,
            index,
            crc32: answered.crc32,
        });
        let owner = answered.owner;
        self.tell(Event::BlockHeld { owner, index });
    }
}
