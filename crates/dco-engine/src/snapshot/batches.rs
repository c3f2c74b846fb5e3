//! Batches. Their activations stand in columns of their own, in the order of the batches.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use dco_block::{Eui64, ImageId, ManufacturerImageHash};
use dco_schedule::{Micros, ServiceDate, Source};

use super::Why;
use super::queues::{hours_of, window_of_hours};
use crate::read::as_usize;
use crate::state::batches as state;
use crate::state::changes::Changes;
use crate::state::numbers::checked_number;
use crate::view::{ActivationCounts, Prediction};

/// In the order in which they were accepted.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Batches {
    #[prost(message, repeated, tag = "1")]
    batches: Vec<Batch>,
}

/// One of them.
#[derive(Clone, PartialEq, prost::Message)]
struct Batch {
    #[prost(fixed64, tag = "1")]
    user: u64,
    #[prost(uint64, tag = "2")]
    number: u64,
    /// 32 octets.
    #[prost(bytes = "bytes", tag = "3")]
    image_id: Bytes,
    /// 32 octets.
    #[prost(bytes = "bytes", tag = "4")]
    manufacturer_image_hash: Bytes,
    #[prost(bool, tag = "5")]
    large: bool,
    #[prost(sint32, tag = "6")]
    service_date: i32,
    #[prost(int64, tag = "7")]
    day_start_us: i64,
    #[prost(int64, tag = "8")]
    created_us: i64,
    #[prost(int64, tag = "9")]
    trt_start_us: i64,
    #[prost(int64, tag = "10")]
    due_us: i64,
    #[prost(int64, tag = "11")]
    predicted_release_us: i64,
    #[prost(int64, tag = "12")]
    predicted_completion_us: i64,
    #[prost(bytes = "bytes", tag = "13")]
    signed_request: Bytes,
    #[prost(bool, tag = "14")]
    cancelled: bool,
    /// How many activations it has.
    #[prost(uint32, tag = "15")]
    len: u32,
    /// Its activations, counted from its first, in the order in which they changed; the first changes are that each was sent.
    /// Only what formats 1 and 2 have.
    #[prost(uint32, repeated, tag = "16")]
    all_changes: Vec<u32>,
    /// The same without the first.
    #[prost(uint32, repeated, tag = "17")]
    later_changes: Vec<u32>,
    /// The schedule that covers it. What else is large uses up allowance.
    #[prost(uint32, optional, tag = "40")]
    schedule: Option<u32>,
    /// Not large, and uses up allowance nevertheless.
    #[prost(bool, tag = "41")]
    small_uses_allowance: bool,
    /// [`hours_of`].
    #[prost(uint32, tag = "42")]
    window: u32,
    #[prost(int64, optional, tag = "75")]
    execute_us: Option<i64>,
    #[prost(bool, tag = "76")]
    trt_warned: bool,
    #[prost(bool, tag = "68")]
    run_ahead: bool,
    #[prost(bool, tag = "110")]
    security: bool,
    #[prost(uint32, tag = "111")]
    canary: u32,
}

impl Batches {
    pub(super) fn of(batches: &state::Batches) -> Self {
        let state::Batches {
            batches,
            activations: _,
            readings: _,
            messages: _,
            numbers: _,
            open: _,
            busy: _,
            latest: _,
            retries: _,
            lost: _,
            totals: _,
            windows: _,
        } = batches;
        Self {
            batches: batches.iter().map(Batch::of).collect(),
        }
    }

    /// Without their activations.
    pub(super) fn load(self) -> Result<state::Batches, Why> {
        let mut batches = state::Batches::default();
        let mut first = 0_u32;
        for (index, batch) in (0..).zip(self.batches) {
            let batch = batch.load(first)?;
            let end = first.checked_add(batch.len).filter(|end| *end < u32::MAX);
            first = end.ok_or("it has more activations than can be counted")?;
            let name = (batch.user, batch.number);
            if batches.numbers.insert(name, index).is_some() {
                return Err("two batches have one number");
            }
            batches.windows.insert(batch.window);
            batches.batches.push(batch);
        }
        Ok(batches)
    }
}

impl Batch {
    fn of(batch: &state::Batch) -> Self {
        let state::Batch {
            user,
            number,
            image_id,
            manufacturer_image_hash,
            large,
            source,
            window,
            run_ahead,
            security,
            canary,
            service_date,
            day_start_us,
            created_us,
            trt_start_us,
            due_us,
            execute_us,
            first_prediction,
            signed_request,
            cancelled,
            trt_warned,
            first,
            len,
            counts: _,
            changes,
        } = batch;
        let (predicted_release_us, predicted_completion_us) = Prediction::kept(*first_prediction);
        Self {
            user: user.bits(),
            number: *number,
            image_id: Bytes::copy_from_slice(image_id.as_bytes()),
            manufacturer_image_hash: Bytes::copy_from_slice(manufacturer_image_hash.as_bytes()),
            large: *large,
            service_date: service_date.days(),
            day_start_us: *day_start_us,
            created_us: *created_us,
            trt_start_us: *trt_start_us,
            due_us: *due_us,
            predicted_release_us,
            predicted_completion_us,
            signed_request: signed_request.clone(),
            cancelled: *cancelled,
            len: *len,
            all_changes: Vec::new(),
            later_changes: changes.later().iter().map(|it| it - first).collect(),
            schedule: source.and_then(Source::schedule),
            small_uses_allowance: !large && *source == Some(Source::Allowance),
            window: hours_of(*window),
            execute_us: *execute_us,
            trt_warned: *trt_warned,
            run_ahead: *run_ahead,
            security: *security,
            canary: *canary,
        }
    }

    fn load(self, first: u32) -> Result<state::Batch, Why> {
        checked_number(self.number)?;
        if self.len == 0 {
            return Err("a batch has no Device");
        }
        let hash = octets(&self.manufacturer_image_hash)?;
        let mut changes = self.later_changes;
        if !self.all_changes.is_empty() {
            let (_, later) = self
                .all_changes
                .split_at_checked(as_usize(self.len))
                .filter(|(sent, _)| sent.iter().copied().eq(0..self.len))
                .ok_or("a batch's first changes are not that it was sent")?;
            changes.splice(..0, later.iter().copied());
        }
        for change in &mut changes {
            if *change >= self.len {
                return Err("a batch has a change of what is not in it");
            }
            *change = change.saturating_add(first);
        }
        Ok(state::Batch {
            user: Eui64::from_bits(self.user),
            number: self.number,
            image_id: ImageId::new(octets(&self.image_id)?),
            manufacturer_image_hash: ManufacturerImageHash::new(hash),
            large: self.large,
            source: match self.schedule {
                Some(number) => Some(Source::Schedule(number)),
                None => (self.large || self.small_uses_allowance).then_some(Source::Allowance),
            },
            window: window_of_hours(self.window)?,
            run_ahead: self.run_ahead,
            security: self.security,
            canary: self.canary,
            service_date: ServiceDate::from_days(self.service_date),
            day_start_us: self.day_start_us,
            created_us: self.created_us,
            trt_start_us: self.trt_start_us,
            due_us: self.due_us,
            execute_us: self.execute_us,
            first_prediction: Prediction::of_kept((
                self.predicted_release_us,
                self.predicted_completion_us,
            )),
            signed_request: self.signed_request,
            cancelled: self.cancelled,
            trt_warned: self.trt_warned,
            first,
            len: self.len,
            counts: ActivationCounts::default(),
            changes: Changes::sent(first, self.len).with(changes),
        })
    }
}

fn octets(bytes: &Bytes) -> Result<[u8; 32], Why> {
    let octets = bytes.as_ref().try_into();
    octets.map_err(|_| "an image is named by other than 32 octets")
}

/// Which batches are open, by User and due time.
pub(super) fn open(batches: &[state::Batch]) -> BTreeMap<Eui64, BTreeSet<(Micros, u32)>> {
    let mut open: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (index, batch) in (0..).zip(batches) {
        if batch.counts.open() > 0 {
            let of_user = open.entry(batch.user).or_default();
            of_user.insert((batch.due_us, index));
        }
    }
    open
}
