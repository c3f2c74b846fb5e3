//! Attempts at their gateways and Devices.

use dco_engine::{
    AttemptEnd, AttemptRef, Offer, Outcome, Refusal, Reply, Report, Request, SECOND_US, ToGateway,
    Verdict,
};
use dco_schedule::Micros;

use super::{Item, World};
use crate::call::Caller;
use crate::gateway::{Offered, Stage};
use crate::happened::Happened;
use crate::meter::{Course, course};

const MINUTE_US: Micros = 60 * SECOND_US;

impl World {
    /// The service has said something to a gateway.
    pub(super) fn gateway_hears(&mut self, gateway: usize, message: ToGateway) {
        match message {
            ToGateway::Welcome { .. } => {}
            ToGateway::Offer(offer) => self.offered(gateway, offer),
            ToGateway::Noted(attempt) => self.gateways[gateway].noted(attempt),
            ToGateway::Cancel(attempt) => {
                let it = &self.gateways[gateway];
                if it.in_hand.contains_key(&attempt) {
                    let meter = self.meters[&attempt.activation.device];
                    self.end(gateway, attempt, meter.end(Outcome::Cancelled, false));
                }
            }
            ToGateway::Withdrawn(attempt) => {
                if self.gateways[gateway].withdrawn(attempt) {
                    self.left(gateway, attempt);
                }
            }
        }
    }

    fn offered(&mut self, gateway: usize, offer: Offer) {
        let attempt = offer.attempt;
        let it = &mut self.gateways[gateway];
        if !it.in_hand.contains_key(&attempt) && self.dice.chance(self.faults.declined) {
            let message = "not now".to_owned();
            self.report(gateway, attempt, Report::Declined { message });
            return;
        }
        match it.offer(offer) {
            Offered::Start => {
                let eui = it.eui;
                self.watch
                    .note(format_args!("gateway {gateway} starts {attempt:?}"));
                self.watch.show(&Happened::AttemptStarted {
                    gateway: eui,
                    attempt,
                });
                self.report(gateway, attempt, Report::Accepted);
                self.goes_on(gateway, attempt, Stage::Ask, 10 * MINUTE_US);
            }
            Offered::InHand => self.report(gateway, attempt, Report::Accepted),
            Offered::Ended(end) => self.report(gateway, attempt, Report::Ended(end)),
            Offered::Full => {
                let message = "full".to_owned();
                self.report(gateway, attempt, Report::Declined { message });
            }
        }
    }

    /// The next stage of an attempt in hand, within so long.
    fn goes_on(&mut self, gateway: usize, attempt: AttemptRef, stage: Stage, within_us: Micros) {
        let it = &mut self.gateways[gateway];
        let memory = it.memory;
        if let Some(work) = it.in_hand.get_mut(&attempt) {
            work.stage = stage;
        }
        let wait_us = self.dice.between(SECOND_US..=within_us);
        let item = Item::AttemptGoesOn {
            gateway,
            memory,
            attempt,
            stage,
        };
        self.after(wait_us, item);
    }

    /// Time for the next stage, if the attempt is still in hand and there.
    pub(super) fn attempt_goes_on(
        &mut self,
        gateway: usize,
        memory: u64,
        attempt: AttemptRef,
        stage: Stage,
    ) {
        let it = &self.gateways[gateway];
        let work = it.in_hand.get(&attempt).filter(|work| work.stage == stage);
        let Some(work) = work.filter(|_| it.memory == memory) else {
            return;
        };
        let offer = work.offer.clone();
        match stage {
            Stage::Ask => self.ask_meter(gateway, &offer),
            Stage::Send => self.send_image(gateway, attempt),
            Stage::End(outcome) => self.end_attempt(gateway, &offer, outcome),
        }
    }

    /// What the Device runs decides whether anything is sent.
    fn ask_meter(&mut self, gateway: usize, offer: &Offer) {
        let attempt = offer.attempt;
        let meter = self.meters[&attempt.activation.device];
        if meter.runs(offer) {
            self.end(gateway, attempt, meter.end(Outcome::AlreadyAtVersion, true));
            return;
        }
        let image_id = offer.manifest.image_id();
        if self.gateways[gateway].images.contains(&image_id) {
            self.goes_on(gateway, attempt, Stage::Send, 60 * MINUTE_US);
            return;
        }
        // Asked again until it has come.
        self.goes_on(gateway, attempt, Stage::Ask, 20 * MINUTE_US);
        let it = &self.gateways[gateway];
        if it.session.is_some() && !self.dice.chance(self.faults.stream_breaks) {
            let request = Request::OpenImage {
                gateway: it.eui,
                image_id,
                block_bytes: offer.manifest.block_bytes(),
            };
            self.request_arrives(Caller::Gateway { gateway, attempt }, request);
        }
    }

    /// A gateway may read an image: it takes it only if it is the one on offer.
    pub(super) fn image_opened(
        &mut self,
        gateway: usize,
        attempt: AttemptRef,
        reply: &Result<Reply, Refusal>,
    ) {
        let (Some(service), Ok(Reply::Blocks(source))) = (&self.service, reply) else {
            return;
        };
        let it = &mut self.gateways[gateway];
        let Some(work) = it.in_hand.get(&attempt) else {
            return;
        };
        let offered = &work.offer.manifest;
        let kept = source.kept.as_ref().unwrap_or(offered);
        let is_whole = service.verify(source.owner, kept) == Verdict::Good;
        let image_id = is_whole.then(|| kept.image_id());
        it.images.extend(image_id);
        let gateway = it.eui;
        self.watch.show(&Happened::ImageRead {
            gateway,
            attempt,
            image_id,
        });
    }

    fn send_image(&mut self, gateway: usize, attempt: AttemptRef) {
        let Course::To(outcome) = course(self.faults.attempt_fails, &mut self.dice) else {
            return;
        };
        let within_us = if outcome == Outcome::DeviceNotReachable {
            // Tried again and again before it is given up.
            8 * 60 * MINUTE_US
        } else {
            self.report(gateway, attempt, Report::Progress { blocks_done: 1 });
            90 * MINUTE_US
        };
        self.goes_on(gateway, attempt, Stage::End(outcome), within_us);
    }

    fn end_attempt(&mut self, gateway: usize, offer: &Offer, outcome: Outcome) {
        let device = offer.attempt.activation.device;
        let Some(meter) = self.meters.get_mut(&device) else {
            return;
        };
        if outcome == Outcome::Success {
            meter.activate(offer);
            self.watch.show(&Happened::Activated {
                device,
                hash: offer.manifest.manufacturer_image_hash(),
            });
        }
        let nothing_sent = matches!(
            outcome,
            Outcome::DeviceNotReachable | Outcome::HardwareVersionMismatch
        );
        let end = meter.end(outcome, nothing_sent);
        self.report(gateway, offer.attempt, Report::Delivered);
        self.end(gateway, offer.attempt, end);
    }

    fn end(&mut self, gateway: usize, attempt: AttemptRef, end: AttemptEnd) {
        self.watch.note(format_args!(
            "gateway {gateway} ends {attempt:?}: {}",
            end.outcome
        ));
        if let Some(report) = self.gateways[gateway].end(attempt, end) {
            self.left(gateway, attempt);
            self.report(gateway, attempt, report);
        }
    }

    fn left(&mut self, gateway: usize, attempt: AttemptRef) {
        let gateway = self.gateways[gateway].eui;
        self.watch.show(&Happened::AttemptLeft { gateway, attempt });
    }
}
