//! Gateways, and the attempts under way at them. Who is connected, and how far attempts have come, is learned again.

use dco_block::Eui64;
use dco_schedule::{Micros, ServiceDate};

use super::Why;
use crate::state::batches::{Batches, Phase};
use crate::state::gateways::{self as state, Attempt, Gateway};
use crate::state::lines::Line;
use crate::view::Stage;

const READ_VERSION_FIRST: u32 = 1;
const CHARGED: u32 = 2;
const SCHEDULED: u32 = 4;
const LENT: u32 = 8;
const SECURITY: u32 = 16;
const FLAGS_MAX: u32 = 31;

/// All gateways, and an attempt for each activation that is released.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Gateways {
    /// In order of their EUI-64s.
    #[prost(fixed64, repeated, tag = "1")]
    gateways: Vec<u64>,
    #[prost(string, repeated, tag = "2")]
    memory_ids: Vec<String>,
    /// Activations with an attempt under way, in order.
    #[prost(uint32, repeated, tag = "3")]
    activations: Vec<u32>,
    #[prost(fixed64, repeated, tag = "4")]
    gateways_of: Vec<u64>,
    #[prost(uint32, repeated, tag = "5")]
    flags: Vec<u32>,
    /// Of those that were charged.
    #[prost(sint32, repeated, tag = "6")]
    charged_dates: Vec<i32>,
    #[prost(sfixed64, repeated, tag = "7")]
    released_us: Vec<i64>,
    #[prost(sfixed64, repeated, tag = "8")]
    answer_by_us: Vec<i64>,
    /// Attempts in a row that failed, parallel to `gateways`; none where nowhere any did.
    #[prost(uint32, repeated, tag = "68")]
    failures: Vec<u32>,
    /// Places in `gateways` whose breaker is open.
    #[prost(uint32, repeated, tag = "69")]
    failing: Vec<u32>,
    /// From when on one attempt may try them.
    #[prost(sfixed64, repeated, tag = "70")]
    probe_us: Vec<i64>,
}

impl Gateways {
    pub(super) fn of(gateways: &state::Gateways) -> Self {
        let state::Gateways {
            gateways,
            sessions: _,
            attempts,
            on_offer: _,
            metered_from_us: _,
        } = gateways;
        let mut columns = Self {
            gateways: gateways.keys().map(|gateway| gateway.bits()).collect(),
            memory_ids: gateways.values().map(memory_of).collect(),
            activations: attempts.keys().copied().collect(),
            failures: failures_of(gateways.values()),
            ..Self::default()
        };
        for attempt in attempts.values() {
            columns.push(attempt);
        }
        for (place, gateway) in (0..).zip(gateways.values()) {
            if let Some(probe_us) = gateway.probe_us {
                columns.failing.push(place);
                columns.probe_us.push(probe_us);
            }
        }
        columns
    }

    fn push(&mut self, attempt: &Attempt) {
        let Attempt {
            gateway,
            image: _,
            large: _,
            charged,
            line,
            read_version_first,
            stage: _,
            is_sent: _,
            scheduled,
            released_us,
            answer_by_us,
            progress_us: _,
            look_us: _,
        } = attempt;
        let charged_flag = if charged.is_some() { CHARGED } else { 0 };
        let line_flag = match line {
            Line::Ordinary => 0,
            Line::Security => SECURITY,
            Line::Ahead => LENT,
        };
        self.gateways_of.push(gateway.bits());
        let scheduled_flag = if *scheduled { SCHEDULED } else { 0 };
        self.flags
            .push(u32::from(*read_version_first) | charged_flag | scheduled_flag | line_flag);
        self.charged_dates.extend(charged.map(ServiceDate::days));
        self.released_us.push(*released_us);
        self.answer_by_us.push(*answer_by_us);
    }

    pub(super) fn load(
        self,
        batches: &Batches,
        no_progress_us: Micros,
    ) -> Result<state::Gateways, Why> {
        let ascending = self.gateways.is_sorted_by(|one, next| one < next);
        if !ascending || self.gateways.len() != self.memory_ids.len() {
            return Err("its gateways are not in order");
        }
        let mut gateways = state::Gateways::default();
        for (gateway, memory_id) in self.gateways.iter().zip(self.memory_ids) {
            gateways.entry(Eui64::from_bits(*gateway)).memory_id = memory_id;
        }
        let places: Vec<_> = gateways.gateways.values_mut().collect();
        load_breakers(places, &self.failures, (&self.failing, &self.probe_us))?;
        let known = gateways.gateways.len();
        let len = self.activations.len();
        let lens = [&self.released_us, &self.answer_by_us].map(Vec::len);
        if lens != [len; 2] || self.gateways_of.len() != len || self.flags.len() != len {
            return Err("its attempts have columns of different lengths");
        }
        let mut charged_dates = self.charged_dates.iter();
        for (at, activation) in self.activations.iter().enumerate() {
            let flags = self.flags[at];
            let charged = (flags & CHARGED != 0).then(|| charged_dates.next());
            if flags > FLAGS_MAX || charged == Some(None) {
                return Err("an attempt has no date, or unknown marks");
            }
            if !is_released(batches, *activation) || gateways.attempt(*activation).is_some() {
                return Err("an attempt is of what is not released, or there are two of one");
            }
            let batch = batches.batch_of(*activation);
            let released_us = self.released_us[at];
            let attempt = Attempt {
                gateway: Eui64::from_bits(self.gateways_of[at]),
                image: (batch.user, batch.image_id),
                large: batch.large,
                charged: charged.flatten().copied().map(ServiceDate::from_days),
                line: Line::of(flags & LENT != 0, flags & SECURITY != 0)
                    .ok_or("an attempt left from two lines at once")?,
                read_version_first: flags & READ_VERSION_FIRST != 0,
                stage: Stage::Offered,
                is_sent: false,
                scheduled: false,
                released_us,
                answer_by_us: self.answer_by_us[at],
                progress_us: released_us,
                look_us: Some(released_us.saturating_add(no_progress_us)),
            };
            gateways.start(*activation, attempt);
            if flags & SCHEDULED != 0 {
                gateways.schedule(*activation);
            }
        }
        let all_released = usize::try_from(batches.totals().released) == Ok(len);
        if charged_dates.len() > 0 || !all_released || gateways.gateways.len() != known {
            return Err("its attempts are not those of what is released");
        }
        Ok(gateways)
    }
}

fn failures_of<'a>(gateways: impl Iterator<Item = &'a Gateway>) -> Vec<u32> {
    let failures: Vec<u32> = gateways.map(|gateway| gateway.failures).collect();
    let any = failures.iter().any(|failures| *failures > 0);
    if any { failures } else { Vec::new() }
}

fn load_breakers(
    mut gateways: Vec<&mut Gateway>,
    failures: &[u32],
    (failing, probe_us): (&[u32], &[i64]),
) -> Result<(), Why> {
    let lens_agree = failures.is_empty() || failures.len() == gateways.len();
    if !lens_agree || failing.len() != probe_us.len() {
        return Err("its gateways have columns of different lengths");
    }
    for (gateway, failures) in gateways.iter_mut().zip(failures) {
        gateway.failures = *failures;
    }
    for (place, probe_us) in failing.iter().zip(probe_us) {
        let gateway = gateways.get_mut(crate::read::as_usize(*place));
        let gateway = gateway.ok_or("a breaker is open of no gateway")?;
        gateway.probe_us = Some(*probe_us);
    }
    Ok(())
}

fn is_released(batches: &Batches, activation: u32) -> bool {
    batches.has_activation(activation) && batches.activation(activation).phase == Phase::Released
}

/// What is learned again, and what its attempts say, is left out.
fn memory_of(gateway: &Gateway) -> String {
    let Gateway {
        memory_id,
        session: _,
        changed_us: _,
        concurrency: _,
        attempts: _,
        large_count: _,
        failures: _,
        probe_us: _,
        scheduled_count: _,
        meter: _,
        away_until_us: _,
    } = gateway;
    memory_id.clone()
}
