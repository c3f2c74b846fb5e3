//! What the journal says of activations, read as an auditor reads it: record by record, with a model of its own.

use std::collections::BTreeMap;

use dco_block::Eui64;
use dco_block::limits::LARGE_IMAGE_BYTES_OVER;
use dco_engine::record::{Change, Record};
use dco_engine::{ActivationName, AttemptRef};

use super::Breach;

/// One Device of one batch.
#[derive(Debug, Clone)]
pub(super) struct Activation {
    pub(super) name: ActivationName,
    pub(super) large: bool,
    pub(super) service_date: i32,
    pub(super) image_id: Vec<u8>,
    /// Of the newest release; 0 before the first.
    pub(super) attempt: u32,
    pub(super) under_way: bool,
    /// Its batch was cancelled: what is under way is not tried again.
    pub(super) cancelled: bool,
    pub(super) ended: bool,
}

/// All of them, in the journal's order.
#[derive(Debug, Default)]
pub(crate) struct Activations {
    list: Vec<Activation>,
    image_bytes: BTreeMap<Vec<u8>, u32>,
    hashes: BTreeMap<Vec<u8>, Vec<u8>>,
    /// How often the data came from a backup, or more.
    epoch: u32,
}

impl Activations {
    /// How many have not come to their end.
    pub(crate) fn open_count(&self) -> usize {
        self.list.iter().filter(|it| !it.ended).count()
    }

    /// The activation of that number.
    pub(super) fn get(&self, number: u32) -> Result<&Activation, Breach> {
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        self.list
            .get(at)
            .ok_or_else(|| format!("a record names activation {number}, which no batch has"))
    }

    /// All of them, in the journal's order.
    pub(super) fn all(&self) -> impl Iterator<Item = &Activation> {
        self.list.iter()
    }

    /// Those of one batch, with their numbers.
    pub(super) fn of_batch(
        &self,
        user: u64,
        number: u64,
    ) -> impl Iterator<Item = (u32, &Activation)> {
        let user = Eui64::from_bits(user);
        (0..)
            .zip(&self.list)
            .filter(move |(_, it)| it.name.user == user && it.name.batch == number)
    }

    /// The number that the next attempt of an activation must have.
    pub(super) fn next_attempt(&self, it: &Activation) -> u32 {
        (it.attempt + 1).max(1_000 * self.epoch + 1)
    }

    /// The newest attempt's name.
    pub(super) fn attempt(&self, number: u32) -> Result<AttemptRef, Breach> {
        let it = self.get(number)?;
        let attempt = u16::try_from(it.attempt).map_err(|_| "an attempt over 65535".to_owned())?;
        Ok(AttemptRef {
            activation: it.name,
            attempt,
        })
    }

    /// The Manufacturer Image Hash of an image; empty for one that nobody sent.
    pub(super) fn hash_of(&self, image_id: &[u8]) -> Vec<u8> {
        self.hashes.get(image_id).cloned().unwrap_or_default()
    }

    /// Takes in what a record says. Call it last: checkers judge a record by what was before.
    pub(crate) fn learn(&mut self, record: &Record) -> Result<(), Breach> {
        match &record.change {
            Some(Change::TransferOpened(it)) => {
                self.image_bytes
                    .insert(it.image_id.to_vec(), it.image_bytes);
                self.hashes
                    .insert(it.image_id.to_vec(), it.manufacturer_image_hash.to_vec());
            }
            Some(Change::BatchAccepted(it)) => self.add(it)?,
            Some(Change::BatchCancelled(it)) => self.cancel(it.user, it.number),
            Some(Change::Released(it)) => {
                let activation = self.get_mut(it.activation)?;
                activation.attempt = it.attempt;
                activation.under_way = true;
            }
            Some(Change::AttemptEnded(it)) => {
                let activation = self.get_mut(it.activation)?;
                activation.under_way = false;
                activation.ended = it.retry_us.is_none();
            }
            Some(Change::Restored(it)) => self.restore(it.epoch),
            Some(Change::LateSuccess(it)) => self.get_mut(it.activation)?.ended = true,
            Some(Change::ActivationCancelled(it)) => self.get_mut(it.activation)?.ended = true,
            _ => {}
        }
        Ok(())
    }

    fn add(&mut self, batch: &dco_engine::record::BatchAccepted) -> Result<(), Breach> {
        let image_id = batch.image_id.to_vec();
        let bytes = self
            .image_bytes
            .get(&image_id)
            .ok_or_else(|| format!("batch {} is for an image nobody sent", batch.number))?;
        let large = *bytes > LARGE_IMAGE_BYTES_OVER;
        for device in &batch.devices {
            self.list.push(Activation {
                name: ActivationName {
                    user: Eui64::from_bits(batch.user),
                    batch: batch.number,
                    device: Eui64::from_bits(*device),
                },
                large,
                service_date: batch.service_date,
                image_id: image_id.clone(),
                attempt: 0,
                under_way: false,
                cancelled: false,
                ended: false,
            });
        }
        Ok(())
    }

    fn cancel(&mut self, user: u64, number: u64) {
        let user = Eui64::from_bits(user);
        for it in &mut self.list {
            if it.name.user == user && it.name.batch == number {
                it.cancelled = true;
                it.ended |= !it.under_way;
            }
        }
    }

    /// How attempts that were under way ended is not known.
    fn restore(&mut self, epoch: u32) {
        self.epoch = epoch;
        for it in self.list.iter_mut().filter(|it| it.under_way) {
            it.under_way = false;
            it.ended |= it.cancelled;
        }
    }

    fn get_mut(&mut self, number: u32) -> Result<&mut Activation, Breach> {
        self.get(number)?;
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        Ok(&mut self.list[at])
    }
}
