//! Counts for whoever watches the service.

use crate::engine::Engine;
use crate::event::Scope;
use crate::record::Counted;

/// One count of the period, over all Users.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PeriodUse {
    /// What is counted.
    pub counted: Counted,
    /// So far.
    pub used: u64,
    /// The threshold over all Users.
    pub limit: u64,
}

/// The engine in numbers, as of now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EngineStats {
    /// Transfers that are RECEIVING.
    pub transfers_receiving: u64,
    /// Transfers that are VERIFYING.
    pub transfers_verifying: u64,
    /// Images stored.
    pub images_stored: u64,
    /// Activations sent for a later service day.
    pub activations_parked: u64,
    /// Activations waiting for release, of large images.
    pub activations_queued_large: u64,
    /// Activations waiting for release, of images that are not large.
    pub activations_queued_small: u64,
    /// Attempts under way.
    pub attempts_under_way: u64,
    /// Releases of large images charged to the open service day.
    pub released_today: u64,
    /// Those of them that left through the security lane.
    pub security_released_today: u64,
    /// What the security lane may release on the open service day.
    pub security_limit_today: u64,
    /// Activations waiting for release that may go through the security lane.
    pub activations_queued_security: u64,
    /// Capacity in force on the open service day.
    pub capacity_today: u64,
    /// Images of which what is kept is damaged.
    pub images_quarantined: u64,
    /// Activations that are queued and may not be released: their image is damaged, or the Central Products List does not
    /// allow it.
    pub activations_held: u64,
    /// Batches of which some has not ended, and whose TRT ends soon or has ended.
    pub batches_trt_near: u64,
    /// Entries of the Central Products List.
    pub products: u64,
    /// How often a count went over its threshold, once for each count of a period, since the beginning of the journal.
    pub thresholds_breached: u64,
    /// What is counted in the period against thresholds, over all Users.
    pub period: [PeriodUse; 4],
    /// 1 while all releases are paused.
    pub dispatch_paused: u64,
    /// Pauses in force of one User, image, gateway or schedule.
    pub pauses: u64,
    /// Those of them that a rule made.
    pub stopped: u64,
    /// Gateways whose circuit breaker is open.
    pub gateways_failing: u64,
    /// Gateways connected.
    pub gateways_connected: u64,
    /// Devices in the inventory.
    pub devices: u64,
    /// Activations that succeeded, since the beginning of the journal.
    pub activations_succeeded: u64,
    /// Activations that failed, likewise.
    pub activations_failed: u64,
    /// Records made or replayed.
    pub records: u64,
}

impl Engine {
    /// The engine in numbers.
    pub fn stats(&self) -> EngineStats {
        let (receiving, verifying, images) = self.transfers.counts();
        let totals = self.batches.totals();
        let date = self.days.today.as_ref().map(|today| today.day.date);
        let ledger = &self.days.ledger;
        let pauses = self.dispatch.pauses.iter();
        let pauses = pauses.filter(|(scope, _)| **scope != Scope::All);
        EngineStats {
            transfers_receiving: wide(receiving),
            transfers_verifying: wide(verifying),
            images_stored: wide(images),
            activations_parked: totals.parked.into(),
            activations_queued_large: self.large.len(),
            activations_queued_small: self.small.len(),
            attempts_under_way: wide(self.gateways.attempt_count()),
            released_today: date.map_or(0, |date| ledger.released(date)).into(),
            security_released_today: date.map_or(0, |date| ledger.security(date)).into(),
            security_limit_today: self.schedules.security_max().into(),
            activations_queued_security: self.security.queue.len(),
            capacity_today: date
                .and_then(|date| ledger.capacity(date))
                .unwrap_or(0)
                .into(),
            images_quarantined: wide(self.transfers.quarantined()),
            activations_held: u64::from(totals.queued)
                .saturating_sub(self.large.len() + self.small.len()),
            batches_trt_near: wide(self.batches.trt_near()),
            products: wide(self.products.len()),
            thresholds_breached: self.counts.breaches,
            period: self.period_use(),
            dispatch_paused: u64::from(self.dispatch.is_paused(Scope::All)),
            pauses: wide(pauses.clone().count()),
            stopped: wide(pauses.filter(|(_, pause)| pause.stop.is_some()).count()),
            gateways_failing: wide(self.gateways.failing()),
            gateways_connected: wide(self.gateways.connected()),
            devices: wide(self.inventory.len()),
            activations_succeeded: totals.succeeded.into(),
            activations_failed: totals.failed.into(),
            records: self.out.last(),
        }
    }

    fn period_use(&self) -> [PeriodUse; 4] {
        let thresholds = &self.terms.thresholds;
        let (start_us, _) = thresholds.period(self.now_us);
        Counted::REFUSING.map(|counted| PeriodUse {
            counted,
            used: self.counts.used(start_us, (counted, None)).into(),
            limit: thresholds.of(counted).total_max.into(),
        })
    }
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
