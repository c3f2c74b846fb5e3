//! Why is this waiting, and until when?

use dco_dispatch::{Slot, UNTIL_TOLD};
use dco_schedule::Micros;

use crate::engine::Engine;
use crate::state::batches::{Batch, Phase};
use crate::state::gateways::Gateway;
use crate::view::{Explanation, Hold};

impl Engine {
    /// The same gates that release asks, asked for one activation.
    pub(crate) fn explain(&self, activation: u32) -> Explanation {
        let item = self.batches.activation(activation);
        let batch = self.batches.get(item.batch);
        let ahead_count = self.ahead_count(activation, batch, item.phase);
        let mut holds = self.holds_by_people(activation, batch);
        holds.extend(match item.phase {
            Phase::Parked => vec![Hold::ServiceDayNotStarted {
                until_us: batch.day_start_us,
            }],
            Phase::Queued(_) => {
                let may_go = !holds.iter().any(is_freed_by_people);
                self.holds_in_line(activation, batch, (ahead_count.unwrap_or(0), may_go))
            }
            Phase::RetryWait { until_us } => vec![Hold::RetryBackoff { until_us }],
            Phase::Released => self.holds_under_way(activation),
            Phase::Succeeded { .. } | Phase::Failed { .. } | Phase::Cancelled { .. } => Vec::new(),
        });
        let waits = item.phase.waits();
        let earliest_us = waits
            .then(|| self.earliest(activation, batch, &holds))
            .flatten();
        // Without any capacity to come an officer must give some.
        let must_be_freed = holds.iter().any(is_freed_by_people)
            || holds.iter().any(is_out_of_reach)
            || (batch.large && self.leaves_from(batch.window, self.now_us).is_none());
        let predicted_us = (waits && !must_be_freed)
            .then(|| self.predict_release(batch, activation))
            .flatten();
        let not_before_us = holds.iter().filter_map(ends_unforeseen);
        let not_before_us = not_before_us.chain(earliest_us).max();
        Explanation {
            activation: self.activation_view(activation),
            holds,
            ahead_count,
            in_security_lane: self.slot_in_lane(activation, batch).is_some(),
            earliest_us,
            predicted_release_us: predicted_us.map(|it| it.max(not_before_us.unwrap_or(it))),
            due_us: batch.due_us,
        }
    }

    /// What holds it, and mostly others with it, until somebody does something about it.
    fn holds_by_people(&self, activation: u32, batch: &Batch) -> Vec<Hold> {
        if !self.batches.activation(activation).phase.waits() {
            return Vec::new();
        }
        let damage = self.transfers.damage(batch.image_id);
        let quarantined = damage.map(|damage| Hold::ImageQuarantined {
            since_us: damage.since_us,
        });
        self.holds_of_pauses(activation)
            .into_iter()
            .chain(quarantined)
            .chain(self.distrust(activation).map(Hold::NotAllowed))
            .chain(self.hold_of_canary(activation, batch))
            .collect()
    }

    fn hold_of_canary(&self, activation: u32, batch: &Batch) -> Option<Hold> {
        let is_held = self.canaries.hold(batch, activation);
        self.canaries
            .view(batch)
            .filter(|_| is_held)
            .map(Hold::Canary)
    }

    /// In the security lane while that has units left of today, else in its line.
    fn ahead_count(&self, activation: u32, batch: &Batch, phase: Phase) -> Option<u64> {
        let Phase::Queued(Some(slot)) = phase else {
            return None;
        };
        if let Some(slot) = self.slot_in_lane(activation, batch) {
            return Some(self.security.queue.ahead_of(slot));
        }
        let line = if batch.large {
            &self.large
        } else {
            &self.small
        };
        Some(line.ahead_of(slot))
    }

    /// Its place in the security lane, while that has units left of today.
    pub(super) fn slot_in_lane(&self, activation: u32, batch: &Batch) -> Option<Slot> {
        let slot = self.security.slots.get(&activation).copied();
        slot.filter(|_| self.hold_of_lane(batch).is_none())
    }

    /// Others are before it where there are some, or where it may go and nothing else keeps it.
    fn holds_in_line(
        &self,
        activation: u32,
        batch: &Batch,
        (ahead_count, may_go): (u64, bool),
    ) -> Vec<Hold> {
        let mut holds = Vec::new();
        if batch.large {
            holds.extend(self.hold_of_day());
            holds.extend(self.hold_of_window(batch));
            holds.extend(self.hold_of_lane(batch));
        }
        holds.extend(self.hold_of_gateway(activation, batch.large));
        let is_held = |hold: &Hold| !matches!(hold, Hold::SecurityLaneUsed { .. });
        if ahead_count > 0 || (may_go && !holds.iter().any(is_held)) {
            holds.push(Hold::BehindOthers { ahead_count });
        }
        holds
    }

    fn hold_of_day(&self) -> Option<Hold> {
        let end_us = self.days.today.as_ref()?.day.end_us;
        match self.days.release_at(self.now_us) {
            // The next days may have no capacity, and their first hours no weight.
            None => Some(Hold::SystemDailyCapacityUsed {
                until_us: self.leaves_from(None, end_us).unwrap_or(end_us),
            }),
            // Hours without weight may be all that is left of the day.
            Some(until_us) if until_us > self.now_us => Some(Hold::Paced {
                until_us: until_us.min(end_us),
            }),
            Some(_) => None,
        }
    }

    /// What keeps it out of the security lane keeps it in the ordinary line, from which it may leave before.
    fn hold_of_lane(&self, batch: &Batch) -> Option<Hold> {
        let today = self.days.today.as_ref().filter(|_| batch.security)?;
        let limit = self.schedules.security_max();
        let used = self.days.ledger.security(today.day.date);
        (used >= limit).then_some(Hold::SecurityLaneUsed {
            limit,
            until_us: today.day.end_us,
        })
    }

    fn hold_of_window(&self, batch: &Batch) -> Option<Hold> {
        let until_us = self.days.opens_at(batch.window?, self.now_us)?;
        Some(Hold::OutsideWindow { until_us })
    }

    pub(super) fn hold_of_gateway(&self, activation: u32, large: bool) -> Option<Hold> {
        let device = self.batches.activation(activation).device;
        let gateway = self.inventory.known(device)?.gateway;
        let limit = self.terms.attempt.per_gateway_max;
        match self.gateways.get(gateway) {
            Some(Gateway {
                session: Some(_),
                probe_us: Some(_),
                ..
            }) => Some(Hold::GatewayFailing {
                gateway,
                until_us: match self.gateways.closed_until(gateway, self.now_us) {
                    Some(UNTIL_TOLD) => None,
                    until_us => Some(until_us.unwrap_or(self.now_us)),
                },
            }),
            Some(it) if it.session.is_some() => {
                if !self.gateways.has_place(gateway, large, limit) {
                    let attempt_count = it.attempt_count();
                    return Some(Hold::GatewayBusy {
                        gateway,
                        attempt_count,
                    });
                }
                let rate = self.terms.gateway_rate;
                let until_us = self.gateways.limited_until(gateway, rate, self.now_us)?;
                Some(Hold::GatewayRateReached { gateway, until_us })
            }
            _ => Some(Hold::GatewayNotConnected { gateway }),
        }
    }

    fn holds_under_way(&self, activation: u32) -> Vec<Hold> {
        let attempt = self.gateways.attempt(activation);
        let mut holds = Vec::new();
        if let Some(attempt) = attempt {
            if self.gateways.session(attempt.gateway).is_none() {
                holds.push(Hold::GatewayNotConnected {
                    gateway: attempt.gateway,
                });
            }
            let execute_us = self.batches.batch_of(activation).execute_us;
            let until_us = execute_us.filter(|at_us| attempt.scheduled && *at_us > self.now_us);
            holds.extend(until_us.map(|until_us| Hold::ExecutionTimeNotReached { until_us }));
            holds.push(Hold::AttemptUnderWay {
                until_us: attempt.answer_by_us,
            });
        }
        holds
    }
}

/// When a hold ends that the model of the release does not know.
const fn ends_unforeseen(hold: &Hold) -> Option<Micros> {
    match hold {
        Hold::RetryBackoff { until_us } | Hold::GatewayRateReached { until_us, .. } => {
            Some(*until_us)
        }
        _ => None,
    }
}

/// Whether time alone does not end it.
fn is_freed_by_people(hold: &Hold) -> bool {
    matches!(
        hold,
        Hold::DispatchPaused { .. }
            | Hold::ImageQuarantined { .. }
            | Hold::Canary(_)
            | Hold::NotAllowed(_)
    )
}

/// Whether the gateway must come, or come through, first: when, nobody knows.
const fn is_out_of_reach(hold: &Hold) -> bool {
    matches!(
        hold,
        Hold::GatewayNotConnected { .. } | Hold::GatewayFailing { .. }
    )
}
