//! One attempt: an image is taken to one meter, block by block, and activated there.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dco_block::{Eui64, Manifest, split};
use dco_client::{AttemptOutcome, AttemptRef, AttemptResult, Offer};
use tokio::sync::{OwnedMutexGuard, mpsc};
use tokio_util::sync::CancellationToken;

use crate::behaviour::{Behaviour, Fault, Latency, Plan};
use crate::clock::DcoClock;
use crate::fleet::Fleet;
use crate::images::Images;
use crate::meter::{Meter, RefuseActivate, RefuseInitiate, RefuseVerify, Running};
use crate::stats::BlockCounts;

/// Progress is told this often in the course of an image, not for each block.
const PROGRESS_STEPS: u32 = 8;

/// A timer cannot wait for less.
const SHORTEST_SLEEP: Duration = Duration::from_millis(1);

/// What attempts share.
#[derive(Debug)]
pub(crate) struct Tools {
    pub(crate) fleet: Fleet,
    pub(crate) images: Images,
    pub(crate) behaviour: Behaviour,
    pub(crate) latency: Latency,
    pub(crate) counts: Arc<BlockCounts>,
    pub(crate) clock: DcoClock,
}

/// What an attempt tells its gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AttemptEvent {
    Progress {
        attempt: AttemptRef,
        blocks_done: u32,
    },
    Delivered(AttemptRef),
    /// The meter has the image and waits for the execution time.
    Scheduled(AttemptRef),
    Ended(AttemptOutcome),
}

/// Makes an attempt and tells how it goes; the last event is its end. Dropped before that, the
/// meter keeps what it has received, and what it runs. Once `called_back`, it ends as soon as it can, unless the meter
/// has activated the image by then.
pub(crate) async fn make(
    offer: Offer,
    tools: Arc<Tools>,
    events: mpsc::Sender<AttemptEvent>,
    called_back: CancellationToken,
) {
    let journey = Journey {
        plan: tools.behaviour.plan(offer.device, offer.attempt.attempt),
        offer,
        tools,
        events,
        called_back,
    };
    let end = journey.travel().await;
    let outcome = AttemptOutcome {
        attempt: journey.offer.attempt,
        result: end.result,
        nothing_sent: end.nothing_sent,
        running_version: end.running.map(|running| running.firmware_version),
        device_image_hash: end
            .running
            .and_then(|running| running.manufacturer_image_hash),
        message: end.message,
    };
    journey.tell(AttemptEvent::Ended(outcome)).await;
}

struct Journey {
    offer: Offer,
    plan: Plan,
    tools: Arc<Tools>,
    events: mpsc::Sender<AttemptEvent>,
    called_back: CancellationToken,
}

/// How an attempt ended, before it is put into the words of the wire.
struct End {
    result: AttemptResult,
    nothing_sent: bool,
    /// What the meter runs; none where it did not say.
    running: Option<Running>,
    message: String,
}

/// How far the image got before the link to the meter broke.
struct Broken {
    before_block: u32,
    any_sent: bool,
}

impl Journey {
    async fn travel(&self) -> End {
        match (self.plan.fault, self.tools.fleet.meter(self.offer.device)) {
            (Some(Fault::NotReachable), _) | (_, None) => not_reachable(self.offer.device),
            (Some(Fault::NoAnswer), Some(_)) => self.wait_in_vain().await,
            (_, Some(meter)) => self.visit(meter.lock_owned().await).await,
        }
    }

    async fn wait_in_vain(&self) -> End {
        match self.tools.latency.no_answer_after {
            Some(after) => tokio::time::sleep(after).await,
            None => std::future::pending().await,
        }
        // The first question has gone out, and nobody knows what became of it.
        End::new(AttemptResult::NoAnswer, None, "the meter did not answer")
    }

    /// The meter is asked what it runs before anything is sent, whether or not the offer asks for
    /// it: an image is never sent to a meter that runs it.
    async fn visit(&self, mut meter: OwnedMutexGuard<Meter>) -> End {
        let manifest = &self.offer.manifest;
        if self.called_back.is_cancelled() {
            return called_back(meter.running()).with_nothing_sent();
        }
        self.deal_faults(&mut meter);
        pause(self.tools.latency.exchange).await;
        let first = match meter.initiate(manifest) {
            Ok(first) => first,
            Err(refused) => return not_begun(refused, meter.running()),
        };
        let image = match self.tools.images.whole(manifest).await {
            Ok(image) => image,
            Err(fault) => return no_image(&fault, meter.running()),
        };
        let sent = tokio::select! {
            sent = self.send_blocks(&mut meter, &image, first) => Some(sent),
            () = self.called_back.cancelled() => None,
        };
        match sent {
            Some(Ok(())) => {}
            Some(Err(broken)) => return broken.end(meter.running()),
            None => return called_back(meter.running()),
        }
        let (verified, meter) = verify(meter).await;
        if let Err(refused) = verified {
            let running = meter.running();
            return End::new(
                AttemptResult::FirmwareImageDiscarded,
                Some(running),
                refused,
            );
        }
        self.tell(AttemptEvent::Delivered(self.offer.attempt)).await;
        if self.is_called_back_before_its_time().await {
            return called_back(meter.running());
        }
        self.activate(meter).await
    }

    /// Waits for the execution time, if there is one to come.
    async fn is_called_back_before_its_time(&self) -> bool {
        let execute_us = self.offer.execute_us;
        let wait = execute_us.map(|at_us| self.tools.clock.until(at_us));
        let Some(wait) = wait.filter(|wait| !wait.is_zero()) else {
            return false;
        };
        self.tell(AttemptEvent::Scheduled(self.offer.attempt)).await;
        tokio::select! {
            () = tokio::time::sleep(wait) => false,
            () = self.called_back.cancelled() => true,
        }
    }

    async fn activate(&self, mut meter: OwnedMutexGuard<Meter>) -> End {
        pause(self.tools.latency.activation).await;
        match meter.activate(self.offer.manifest.manufacturer_image_hash()) {
            Ok(running) => End::new(AttemptResult::Success, Some(running), ""),
            Err(refused) => {
                let result = match refused {
                    RefuseActivate::NoImageHeld => AttemptResult::NoImageHeld,
                    RefuseActivate::HashMismatch { .. } => AttemptResult::HashMismatch,
                    RefuseActivate::ActivationFailure { .. } => AttemptResult::ActivationFailure,
                };
                End::new(result, Some(meter.running()), refused)
            }
        }
    }

    fn deal_faults(&self, meter: &mut Meter) {
        meter.set_defect(match self.plan.fault {
            Some(Fault::Meter(defect)) => Some(defect),
            _ => None,
        });
        let firmware_version = self.offer.manifest.firmware_version();
        if self.plan.fault == Some(Fault::AlreadyAtVersion)
            && meter.running().firmware_version != firmware_version
        {
            meter.set_running(Running {
                firmware_version,
                manufacturer_image_hash: None,
            });
        }
    }

    async fn send_blocks(
        &self,
        meter: &mut Meter,
        image: &Bytes,
        first: u32,
    ) -> Result<(), Broken> {
        let manifest = &self.offer.manifest;
        let breaks_before = self.plan.breaks_before(manifest.block_count());
        let mut pace = Pace::new(self.tools.latency.block);
        let mut next = first;
        for data in slices(image, manifest, first) {
            if breaks_before.is_some_and(|at| next >= at) {
                return Err(Broken {
                    before_block: next,
                    any_sent: next > first,
                });
            }
            pace.step().await;
            next = meter
                .receive(next, data)
                .expect("the next block of the image it receives");
            self.tools.counts.delivered.add(1);
            if is_step(next, manifest.block_count()) {
                let attempt = self.offer.attempt;
                self.tell(AttemptEvent::Progress {
                    attempt,
                    blocks_done: next,
                })
                .await;
            }
        }
        Ok(())
    }

    async fn tell(&self, event: AttemptEvent) {
        // A gateway that is gone needs no telling; this task is about to be stopped.
        let _ = self.events.send(event).await;
    }
}

impl End {
    fn new(result: AttemptResult, running: Option<Running>, message: impl ToString) -> Self {
        Self {
            result,
            nothing_sent: false,
            running,
            message: message.to_string(),
        }
    }

    fn with_nothing_sent(self) -> Self {
        Self {
            nothing_sent: true,
            ..self
        }
    }
}

impl Broken {
    fn end(self, running: Running) -> End {
        let Self {
            before_block,
            any_sent,
        } = self;
        let message = format!("the link to the meter broke before block {before_block}");
        let end = End::new(AttemptResult::FileTransferFailure, Some(running), message);
        if any_sent {
            end
        } else {
            end.with_nothing_sent()
        }
    }
}

fn called_back(running: Running) -> End {
    let message = "cancelled by its User before the execution time";
    End::new(AttemptResult::Cancelled, Some(running), message)
}

fn not_reachable(device: Eui64) -> End {
    let message = format!("this gateway does not reach {device}");
    End::new(AttemptResult::DeviceNotReachable, None, message).with_nothing_sent()
}

fn not_begun(refused: RefuseInitiate, running: Running) -> End {
    let result = match refused {
        RefuseInitiate::AlreadyAtVersion { .. } => AttemptResult::AlreadyAtVersion,
        RefuseInitiate::HardwareVersionMismatch { .. } => AttemptResult::HardwareVersionMismatch,
    };
    End::new(result, Some(running), refused).with_nothing_sent()
}

fn no_image(fault: &crate::images::NoImage, running: Running) -> End {
    End::new(AttemptResult::FileTransferFailure, Some(running), fault).with_nothing_sent()
}

/// Reading a whole image back and hashing it would hold up everybody else, so it is done aside.
async fn verify(
    mut meter: OwnedMutexGuard<Meter>,
) -> (Result<(), RefuseVerify>, OwnedMutexGuard<Meter>) {
    tokio::task::spawn_blocking(move || (meter.verify().map(drop), meter))
        .await
        .expect("a meter does not panic, and nobody aborts it")
}

/// The bytes of the blocks from `first` on, as slices of the image.
fn slices(image: &Bytes, manifest: &Manifest, first: u32) -> impl Iterator<Item = Bytes> + use<> {
    split(image, manifest.block_bytes())
        .skip(first as usize)
        .map(|block| block.data)
}

/// Whether the image is another eighth nearer its end with this block.
fn is_step(blocks_done: u32, block_count: u32) -> bool {
    let steps = |blocks: u32| blocks * PROGRESS_STEPS / block_count;
    steps(blocks_done) > steps(blocks_done - 1)
}

async fn pause(length: Duration) {
    if !length.is_zero() {
        tokio::time::sleep(length).await;
    }
}

/// The same pause again and again; those too short for a timer are slept together.
struct Pace {
    step: Duration,
    owed: Duration,
}

impl Pace {
    fn new(step: Duration) -> Self {
        Self {
            step,
            owed: Duration::ZERO,
        }
    }

    async fn step(&mut self) {
        self.owed += self.step;
        if self.owed >= SHORTEST_SLEEP {
            tokio::time::sleep(std::mem::take(&mut self.owed)).await;
        } else {
            tokio::task::yield_now().await;
        }
    }
}

#[cfg(test)]
mod tests;
