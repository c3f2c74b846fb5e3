//! Gateways come, go, and come back: what was under way is reconciled before anything new is offered.

use std::collections::BTreeSet;

use dco_block::Eui64;
use dco_schedule::Micros;

use super::attempts::{cancelled_unsent, declined};
use crate::effect::{Effect, ToGateway};
use crate::engine::Engine;
use crate::event::{AttemptRef, Hello, Session};
use crate::outcome::Outcome;
use crate::record::{Change, GatewaySeen};
use crate::state::timers::Deadline;
use crate::view::Stage;

impl Engine {
    pub(crate) fn gateway_hello(&mut self, gateway: Eui64, session: Session, hello: Hello) {
        self.take_over(gateway, session, hello.concurrency);
        let known = self.gateways.entry(gateway);
        let remembers = known.memory_id == hello.memory_id;
        self.tell(
            session,
            ToGateway::Welcome {
                now_us: self.now_us,
            },
        );
        for (attempt, end) in hello.outcomes {
            match self.under_way_at(gateway, attempt) {
                Some(activation) => self.end_attempt(activation, end),
                None => self.late(gateway, attempt, end),
            }
            self.tell(session, ToGateway::Noted(attempt));
        }
        let in_hand = self.sort_in_hand(gateway, session, &hello.attempts);
        self.reconcile((gateway, session), remembers, &in_hand);
        if !remembers {
            // After what it means for the attempts: a journal that ends between the two must not take the new
            // memory for one that never got them.
            self.record(Change::GatewaySeen(GatewaySeen {
                gateway: gateway.bits(),
                memory_id: hello.memory_id,
            }));
        }
        self.wake_gateway(gateway);
    }

    fn take_over(&mut self, gateway: Eui64, session: Session, concurrency: u32) {
        if self.gateways.of_session(session) != Some(gateway) {
            // One stream is one gateway's: were it another's, that one would be gone.
            self.gateway_gone(session);
        }
        if let Some(older) = self.gateways.connect(gateway, session, self.now_us) {
            self.out
                .push_effect(Effect::CloseSession { session: older });
        }
        let known = self.gateways.entry(gateway);
        known.concurrency = concurrency;
        if let Some(away_until_us) = known.away_until_us.take() {
            self.deadlines
                .clear(away_until_us, Deadline::GatewayAway { gateway });
        }
    }

    /// Which attempts under way the gateway has in hand; it is told to leave all others it names.
    fn sort_in_hand(
        &mut self,
        gateway: Eui64,
        session: Session,
        attempts: &[AttemptRef],
    ) -> BTreeSet<u32> {
        let mut in_hand = BTreeSet::new();
        for attempt in attempts {
            match self.under_way_at(gateway, *attempt) {
                Some(activation) => {
                    in_hand.insert(activation);
                }
                None => self.tell(session, ToGateway::Withdrawn(*attempt)),
            }
        }
        in_hand
    }

    /// What the gateway does not have in hand: with its memory kept, it never got the offer, so the same attempt
    /// is offered again and costs nothing; with its memory lost, nobody knows.
    fn reconcile(
        &mut self,
        (gateway, session): (Eui64, Session),
        remembers: bool,
        in_hand: &BTreeSet<u32>,
    ) {
        let under_way: Vec<u32> = self
            .gateways
            .get(gateway)
            .map_or_else(Vec::new, |it| it.attempts.iter().copied().collect());
        for activation in under_way {
            if in_hand.contains(&activation) {
                self.progress(activation, Stage::Accepted);
                if self.is_called_back(activation) {
                    let attempt = self.attempt_ref(activation);
                    self.tell(session, ToGateway::Cancel(attempt));
                }
            } else if remembers {
                self.settle_unsent(activation, gateway);
            } else {
                self.give_up_attempt(activation, Outcome::Unknown);
            }
        }
    }

    /// Its gateway does not have it, and has lost nothing that it had: it is offered again, unless it would not be offered now.
    fn settle_unsent(&mut self, activation: u32, gateway: Eui64) {
        if self.batches.batch_of(activation).cancelled {
            self.end_attempt(activation, cancelled_unsent());
            return;
        }
        let why = if self.is_lost(activation) {
            "the Device is not registered to this User any more"
        } else if self.is_elsewhere(activation, gateway) {
            "the Device is behind another gateway now; it is offered to that one"
        } else if self.may_not_go_now(activation, gateway) {
            "it is paused, its image quarantined or not allowed any more; it is offered again when it may be"
        } else if self.gateways.leaves_alone(gateway, activation) {
            "attempts through its gateway failed in a row; it is offered again when it may be"
        } else {
            self.offer_again(activation);
            return;
        };
        self.withhold(activation, declined(why.to_owned()));
    }

    /// Whether the inventory has its Device behind another gateway.
    fn is_elsewhere(&self, activation: u32, gateway: Eui64) -> bool {
        let device = self.batches.activation(activation).device;
        let known = self.inventory.known(device);
        known.is_some_and(|known| known.gateway != gateway)
    }

    /// Its User has cancelled it, and its execution time may be to come.
    fn is_called_back(&self, activation: u32) -> bool {
        let batch = self.batches.batch_of(activation);
        batch.cancelled && batch.execute_us.is_some()
    }

    /// Off is off at once: nothing is offered, not even again, of what would not be released.
    fn may_not_go_now(&self, activation: u32, gateway: Eui64) -> bool {
        let user = self.batches.batch_of(activation).user;
        self.dispatch.stops(user, gateway) || self.is_held_back(activation)
    }

    /// From the beginning: the time it was away does not count as time without progress.
    fn offer_again(&mut self, activation: u32) {
        let now_us = self.now_us;
        if let Some(attempt) = self.gateways.attempt_mut(activation) {
            attempt.stage = Stage::Offered;
            attempt.progress_us = now_us;
        }
        self.offer(activation);
    }

    fn under_way_at(&self, gateway: Eui64, attempt: AttemptRef) -> Option<u32> {
        self.under_way(attempt).filter(|activation| {
            self.gateways
                .attempt(*activation)
                .is_some_and(|it| it.gateway == gateway)
        })
    }

    pub(crate) fn gateway_gone(&mut self, session: Session) {
        if let Some(gateway) = self.gateways.disconnect(session, self.now_us) {
            self.expect_hello(gateway);
        }
    }

    /// The gateway is away: its attempts wait so long for its hello.
    pub(crate) fn expect_hello(&mut self, gateway: Eui64) {
        let until_us = self
            .now_us
            .saturating_add(self.terms.attempt.hello_within_us);
        self.gateways.entry(gateway).away_until_us = Some(until_us);
        self.deadlines
            .set(until_us, Deadline::GatewayAway { gateway });
    }

    pub(crate) fn gateway_stayed_away(&mut self, gateway: Eui64, at_us: Micros) {
        let Some(known) = self.gateways.get(gateway) else {
            return;
        };
        if known.session.is_some() || known.away_until_us != Some(at_us) {
            return;
        }
        // What the Device has with its execution time needs no gateway until it is over.
        let lost = known.attempts.iter().copied().filter(|activation| {
            let attempt = self.gateways.attempt(*activation);
            attempt.is_some_and(|attempt| !attempt.scheduled)
        });
        for activation in lost.collect::<Vec<_>>() {
            self.give_up_attempt(activation, Outcome::Unknown);
        }
    }
}
