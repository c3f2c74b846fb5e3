//! The engine's state as bytes, from which a start goes on without the records that made it.
//!
//! A snapshot is made of an engine that has only been replayed; what a start learns again (streams, progress,
//! blocks held) is not in it, and nothing that follows from the rest: timers, indexes, counts, what waits in which
//! line. The terms are not in it either: they come from the configuration, as in replay.
//!
//! prost messages, one file for each part: a field number is never reused, and what an older program wrote reads
//! the same for ever. A program that adds a field adds one to [`FORMAT`]: an older one would lose what it does not
//! know, so it refuses. What there is many of stands in columns. Each part takes its state apart without `..`, so
//! that new state does not compile before it is dealt with here. The same state gives the same bytes; their last
//! four are the CRC-32 of the others, little-endian.

mod activations;
mod batches;
mod canaries;
mod check;
mod columns;
mod counts;
mod days;
mod devices;
mod dispatch;
mod gateways;
mod notices;
mod products;
mod queues;
mod requests;
mod schedules;
mod security;
mod tallies;
mod transfers;
mod trials;

use std::{panic, thread};

use dco_schedule::{Micros, ServiceDate};
use prost::Message;

use crate::engine::{Engine, Queue, ReplayError, Seq};
use crate::outbox::Outbox;
use crate::state::ahead::Ahead;
use crate::state::batches::{Batch, Batches, Phase};
use crate::state::checkpoints::Checkpoints;
use crate::state::inventory::Inventory;
use crate::state::security::SecurityLane;
use crate::state::timers::{Deadline, Timers, Wake};
use crate::state::transfers::{Phase as TransferPhase, Transfers};
use crate::terms::Terms;
use devices::KnownDevices;
use products::Allowed;
use queues::Known;

/// The newest format that this program reads, and the one that it writes.
const FORMAT: u32 = 5;
/// Octets of the CRC-32 at the end.
const CRC_BYTES: usize = 4;

/// Why a snapshot cannot be taken in.
type Why = &'static str;

/// The whole.
#[derive(Clone, PartialEq, prost::Message)]
struct Snapshot {
    /// [`FORMAT`] of the program that wrote it.
    #[prost(uint32, tag = "1")]
    format: u32,
    /// The newest record's time.
    #[prost(int64, tag = "2")]
    at_us: i64,
    /// Attempts that succeeded.
    #[prost(uint64, tag = "3")]
    delivered_count: u64,
    /// What they took together.
    #[prost(int64, tag = "4")]
    delivered_us: i64,
    #[prost(message, optional, tag = "5")]
    requests: Option<requests::Requests>,
    #[prost(message, optional, tag = "6")]
    devices: Option<devices::Devices>,
    #[prost(message, optional, tag = "7")]
    transfers: Option<transfers::Transfers>,
    #[prost(message, optional, tag = "8")]
    batches: Option<batches::Batches>,
    #[prost(message, optional, tag = "9")]
    activations: Option<activations::Activations>,
    #[prost(message, optional, tag = "10")]
    gateways: Option<gateways::Gateways>,
    #[prost(message, optional, tag = "11")]
    days: Option<days::Days>,
    #[prost(message, optional, tag = "12")]
    large: Option<queues::Queue>,
    #[prost(message, optional, tag = "13")]
    small: Option<queues::Queue>,
    #[prost(message, optional, tag = "14")]
    dispatch: Option<dispatch::Dispatch>,
    #[prost(message, optional, tag = "18")]
    trials: Option<trials::Trials>,
    #[prost(message, optional, tag = "19")]
    canaries: Option<canaries::Canaries>,
    #[prost(message, optional, tag = "20")]
    ahead: Option<queues::Queue>,
    #[prost(message, optional, tag = "30")]
    products: Option<products::Products>,
    #[prost(message, optional, tag = "31")]
    counts: Option<counts::Counts>,
    #[prost(message, optional, tag = "40")]
    schedules: Option<schedules::Schedules>,
    #[prost(message, optional, tag = "41")]
    notices: Option<notices::Notices>,
    /// The last service day with a signed checkpoint.
    #[prost(int32, optional, tag = "85")]
    checkpointed: Option<i32>,
    /// Absent where the program that wrote it did not count for reports.
    #[prost(message, optional, tag = "55")]
    tallies: Option<tallies::Tallies>,
    /// Absent where nothing was ever queued in it.
    #[prost(message, optional, tag = "110")]
    security: Option<security::Security>,
}

impl Engine {
    /// All that a start needs instead of the records replayed so far.
    ///
    /// # Panics
    /// If anything but [`replay`](Self::replay) has changed this engine: what it has learned since would be lost.
    pub fn snapshot(&self) -> Vec<u8> {
        let snapshot = self.as_snapshot();
        let mut bytes = Vec::with_capacity(snapshot.encoded_len() + CRC_BYTES);
        snapshot
            .encode(&mut bytes)
            .expect("a vector has room for everything");
        let crc = dco_block::crc32(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Whether a snapshot says what the records replayed so far say, whatever the configuration was when it was made: how far
    /// the open day's pace has come follows from the burst that was configured when each unit left, so it is not compared.
    ///
    /// # Panics
    /// As [`snapshot`](Self::snapshot).
    pub fn agrees_with(&self, snapshot: &[u8]) -> bool {
        let mut ours = self.as_snapshot();
        let Ok(mut theirs) = decode(snapshot) else {
            return false;
        };
        for days in [&mut ours.days, &mut theirs.days].into_iter().flatten() {
            days.forget_pace();
        }
        match (&mut ours.tallies, &theirs.tallies) {
            (Some(ours), Some(theirs)) => ours.forget_what_lacks(theirs),
            (ours, _) => *ours = None,
        }
        ours.format = theirs.format;
        ours == theirs
    }

    fn as_snapshot(&self) -> Snapshot {
        assert!(!self.started, "a snapshot is made of replayed records only");
        let Self {
            terms: _,
            now_us: _,
            recorded_us,
            out: _,
            requests,
            counts,
            inventory,
            products,
            transfers,
            batches,
            days,
            schedules,
            notices,
            gateways,
            checkpoints: Checkpoints { signed, asked: _ },
            dispatch,
            trials,
            canaries,
            tallies,
            large,
            security,
            ahead,
            small,
            wakes: _,
            deadlines: _,
            release_us: _,
            started: _,
            full_until_us: _,
            delivered: (delivered_count, delivered_us),
        } = self;
        Snapshot {
            format: FORMAT,
            at_us: *recorded_us,
            delivered_count: *delivered_count,
            delivered_us: *delivered_us,
            requests: Some(requests::Requests::of(requests)),
            devices: Some(devices::Devices::of(inventory)),
            transfers: Some(transfers::Transfers::of(transfers)),
            batches: Some(batches::Batches::of(batches)),
            activations: Some(activations::Activations::of(batches)),
            gateways: Some(gateways::Gateways::of(gateways)),
            days: Some(days::Days::of(days)),
            large: Some(queues::Queue::of(large)),
            ahead: Some(queues::Queue::of(&ahead.queue)),
            small: Some(queues::Queue::of(small)),
            dispatch: Some(dispatch::Dispatch::of(dispatch)),
            trials: Some(trials::Trials::of(trials)),
            canaries: Some(canaries::Canaries::of(canaries)),
            products: Some(products::Products::of(products)),
            counts: Some(counts::Counts::of(counts)),
            schedules: Some(schedules::Schedules::of(schedules)),
            notices: Some(notices::Notices::of(notices)),
            checkpointed: signed.map(ServiceDate::days),
            tallies: Some(tallies::Tallies::of(tallies)),
            security: security::Security::of(security),
        }
    }

    /// The engine that was replayed up to `seq` and made this snapshot, under these terms.
    ///
    /// # Errors
    /// When the snapshot is damaged, was made by a newer program, or says what cannot be.
    ///
    /// # Panics
    /// If the operating system gives no thread.
    pub fn from_snapshot(terms: Terms, seq: Seq, snapshot: &[u8]) -> Result<Self, ReplayError> {
        let loaded = decode(snapshot).and_then(|it| load(terms, seq, it).map_err(str::to_owned));
        loaded.map_err(|why| ReplayError {
            what: "the snapshot after journal record",
            seq,
            why,
        })
    }
}

fn decode(bytes: &[u8]) -> Result<Snapshot, String> {
    let Some((bytes, crc)) = bytes.split_last_chunk::<CRC_BYTES>() else {
        return Err("it is too short to be one".to_owned());
    };
    if dco_block::crc32(bytes) != u32::from_le_bytes(*crc) {
        return Err("its bytes do not have their CRC-32".to_owned());
    }
    let snapshot = Snapshot::decode(bytes).map_err(|error| error.to_string())?;
    match snapshot.format {
        1..=FORMAT => Ok(snapshot),
        format => Err(format!(
            "its format is {format}, and this program reads 1 to {FORMAT}"
        )),
    }
}

fn load(terms: Terms, seq: Seq, snapshot: Snapshot) -> Result<Engine, Why> {
    let at_us = snapshot.at_us;
    let (devices, transfers) = (snapshot.devices, snapshot.transfers.unwrap_or_default());
    let (batches, activations) = (snapshot.batches, snapshot.activations);
    let (transfers, sent) = at_once(
        || transfers.load(seq, &terms.retention),
        || Sent::load(devices, batches, activations),
    );
    let transfers = transfers?;
    let Sent {
        inventory,
        known,
        kinds,
        mut batches,
    } = sent?;
    must_have_images(&batches, &transfers)?;
    let products = snapshot.products.unwrap_or_default().load()?;
    let dispatch = snapshot.dispatch.unwrap_or_default().load()?;
    let canaries = snapshot.canaries.unwrap_or_default().load()?;
    let allowed = Allowed::of(
        (&transfers, &inventory, &products),
        (&batches, &kinds),
        (&dispatch, &canaries),
    );
    let queues = (snapshot.large, snapshot.small);
    let apart = (snapshot.ahead, snapshot.security);
    let known = Known {
        devices: &known,
        kinds: &kinds,
        allowed: &allowed,
    };
    let lines = Lines::load(queues, apart, (&mut batches, known), at_us)?;
    let gateways = snapshot.gateways.unwrap_or_default();
    let gateways = gateways.load(&batches, terms.attempt.no_progress_us)?;
    let schedules = snapshot.schedules.unwrap_or_default().load(&terms)?;
    let requests = snapshot.requests.unwrap_or_default();
    let mut engine = Engine {
        now_us: at_us,
        recorded_us: at_us,
        out: Outbox::after(seq),
        requests: requests.load(&transfers, &batches, &schedules)?,
        wakes: wakes(&batches, at_us)?,
        deadlines: deadlines(&transfers, &gateways, trt_warnings(&batches, &terms)),
        dispatch,
        canaries,
        trials: snapshot.trials.unwrap_or_default().load()?,
        days: snapshot.days.unwrap_or_default().load(&terms, at_us)?,
        delivered: (snapshot.delivered_count, snapshot.delivered_us),
        counts: snapshot.counts.unwrap_or_default().load()?,
        inventory,
        products,
        transfers,
        batches,
        schedules,
        notices: snapshot.notices.unwrap_or_default().load()?,
        checkpoints: Checkpoints {
            signed: snapshot.checkpointed.map(ServiceDate::from_days),
            asked: None,
        },
        gateways,
        large: lines.large,
        security: lines.security,
        ahead: lines.ahead,
        small: lines.small,
        ..Engine::new(terms)
    };
    engine.check_counts()?;
    engine.load_tallies(snapshot.tallies)?;
    engine.time_schedules();
    engine.watch_all_images();
    Ok(engine)
}

/// Two good parts of the work, of which neither needs the other.
fn at_once<A: Send, B>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B) -> (A, B) {
    thread::scope(|scope| {
        let one = scope.spawn(one);
        let other = other();
        let one = one.join();
        (one.unwrap_or_else(|it| panic::resume_unwind(it)), other)
    })
}

/// The Devices, and all that was sent for them.
struct Sent {
    inventory: Inventory,
    known: KnownDevices,
    /// For each activation, what is known of its Device.
    kinds: Vec<u32>,
    batches: Batches,
}

impl Sent {
    fn load(
        devices: Option<devices::Devices>,
        batches: Option<batches::Batches>,
        activations: Option<activations::Activations>,
    ) -> Result<Self, Why> {
        let (inventory, known) = devices.unwrap_or_default().load()?;
        let mut batches = batches.unwrap_or_default().load()?;
        let activations = activations.unwrap_or_default();
        let kinds = activations.load(&mut batches, &known)?;
        Ok(Self {
            inventory,
            known,
            kinds,
            batches,
        })
    }
}

/// What waits in which line.
struct Lines {
    large: Queue,
    small: Queue,
    ahead: Ahead,
    security: SecurityLane,
}

impl Lines {
    /// Each activation that is queued gets its place; of a snapshot made at `at_us`.
    fn load(
        (large, small): (Option<queues::Queue>, Option<queues::Queue>),
        (ahead, security): (Option<queues::Queue>, Option<security::Security>),
        (batches, known): (&mut Batches, Known<'_>),
        at_us: Micros,
    ) -> Result<Self, Why> {
        let large = large.unwrap_or_default();
        let large = large.load(batches, known, |it| it.large)?;
        let small = small.unwrap_or_default();
        let small = small.load(batches, known, |it| !it.large)?;
        let may_run = |it: &Batch| it.run_ahead && it.large && it.day_start_us > at_us;
        let ahead = ahead.unwrap_or_default();
        let ahead = ahead.load_ahead(batches, known, may_run)?;
        let (turns, displaced) = security.unwrap_or_default().load()?;
        let is_in_lane = |it: &Batch| it.security && it.large;
        let (queue, slots) = turns.load_security(batches, known, is_in_lane)?;
        Ok(Self {
            large,
            small,
            ahead,
            security: SecurityLane {
                queue,
                slots,
                displaced,
            },
        })
    }
}

/// As long as an activation of a batch has not ended, its User has the image.
fn must_have_images(batches: &Batches, transfers: &Transfers) -> Result<(), Why> {
    let mut open = batches.iter().filter(|batch| batch.counts.open() > 0);
    if open.all(|batch| transfers.image(batch.user, batch.image_id).is_some()) {
        Ok(())
    } else {
        Err("an open batch's image is not stored")
    }
}

/// What waits for its service day, and for its retry.
fn wakes(batches: &Batches, at_us: Micros) -> Result<Timers<Wake>, Why> {
    let mut wakes = Vec::new();
    for (batch, state) in (0..).zip(&batches.batches) {
        if state.day_start_us > at_us {
            wakes.push((state.day_start_us, Wake::Unpark { batch }));
        } else if state.counts.parked > 0 {
            return Err("an activation is parked although its service day has started");
        }
    }
    for (activation, state) in (0..).zip(batches.activations.iter()) {
        if let Phase::RetryWait { until_us } = state.phase {
            wakes.push((until_us, Wake::Requeue { activation }));
        }
    }
    Ok(wakes.into_iter().collect())
}

/// When to warn of the TRTs of open batches.
fn trt_warnings(batches: &Batches, terms: &Terms) -> Vec<(Micros, Deadline)> {
    let open = (0..).zip(&batches.batches).filter(|(_, batch)| {
        // What was warned of needs no timer; what has ended has none.
        batch.counts.open() > 0 && !batch.trt_warned
    });
    open.map(|(batch, state)| {
        let warn_us = state.warn_us(terms.trt_warn_before_us);
        (warn_us, Deadline::WarnTrt { batch })
    })
    .collect()
}

/// The timers of transfers and attempts that have not ended, and of what is kept for a time, but for images.
fn deadlines(
    transfers: &Transfers,
    gateways: &crate::state::gateways::Gateways,
    mut deadlines: Vec<(Micros, Deadline)>,
) -> Timers<Deadline> {
    for (owner, transfer) in &transfers.by_owner {
        let owner = *owner;
        if let TransferPhase::Ended {
            free_us, response, ..
        } = &transfer.phase
        {
            if *free_us > response.at_us {
                deadlines.push((*free_us, Deadline::FreeBlocks { owner }));
            }
            continue;
        }
        deadlines.push((transfer.expire_us, Deadline::ExpireTransfer { owner }));
        if transfer.warned_us.is_none() {
            deadlines.push((transfer.warn_us, Deadline::WarnTransfer { owner }));
        }
    }
    for (activation, attempt) in &gateways.attempts {
        let activation = *activation;
        let timeout = Deadline::AttemptTimeout { activation };
        deadlines.push((attempt.answer_by_us, timeout));
        let look = attempt.look_us;
        deadlines.extend(look.map(|look_us| (look_us, Deadline::NoProgress { activation })));
    }
    deadlines.into_iter().collect()
}
