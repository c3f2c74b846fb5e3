//! What Users do: errands, each with one thing to reach, by asking until an answer comes.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;

use dco_block::{Eui64, ManufacturerImageHash};
use dco_engine::{
    Cancel, OpenTransfer, Refusal, Reply, Request, RequestId, SECOND_US, SubmitBatch,
    TransferState, TransferView,
};
use dco_schedule::{Micros, ServiceDate};

use crate::dice::Dice;
use crate::estate::Image;

/// One thing that a User wants.
#[derive(Debug)]
pub(crate) struct Errand {
    pub(crate) user: Eui64,
    task: Task,
    /// The newest call; an answer to an older one is not heard.
    pub(crate) call: u64,
    pub(crate) is_done: bool,
    /// Its User may forget it.
    pub(crate) is_extra: bool,
}

#[derive(Debug)]
enum Task {
    Send(Send),
    Activate(Activate),
}

/// Bring an image to the DCO for some Devices.
#[derive(Debug)]
struct Send {
    image: Image,
    devices: Vec<Eui64>,
    id: RequestId,
    number: Option<u64>,
    /// Missing at the last look.
    missing: Vec<RangeInclusive<u32>>,
}

/// Have an image activated on some Devices.
#[derive(Debug)]
struct Activate {
    hash: ManufacturerImageHash,
    devices: Vec<Eui64>,
    service_date: Option<ServiceDate>,
    /// How many of them are to go first.
    canary: Option<NonZeroU32>,
    id: RequestId,
    number: Option<u64>,
    /// Attempts have failed, as far as the User has seen.
    sees_failures: bool,
}

/// What a User does after an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// Ask again after this.
    Again(Micros),
    /// Send these blocks of a transfer, then look.
    SendBlocks {
        /// The transfer.
        number: u64,
        /// Which.
        missing: Vec<RangeInclusive<u32>>,
    },
    /// The errand is done.
    Done,
}

const SOON_US: Micros = SECOND_US;
const MINUTE_US: Micros = 60 * SECOND_US;

impl Errand {
    /// A User sends an image for Devices.
    pub(crate) fn send(user: Eui64, image: Image, devices: Vec<Eui64>, dice: &mut Dice) -> Self {
        Self::new(
            user,
            Task::Send(Send {
                image,
                devices,
                id: request_id(dice),
                number: None,
                missing: Vec::new(),
            }),
        )
    }

    /// A User has an image activated on Devices, on a service day or at once.
    pub(crate) fn activate(
        user: Eui64,
        hash: ManufacturerImageHash,
        devices: Vec<Eui64>,
        service_date: Option<ServiceDate>,
        dice: &mut Dice,
    ) -> Self {
        Self::new(
            user,
            Task::Activate(Activate {
                hash,
                devices,
                service_date,
                canary: NonZeroU32::new(dice.small(1..=2)).filter(|_| dice.chance(100)),
                id: request_id(dice),
                number: None,
                sees_failures: false,
            }),
        )
    }

    fn new(user: Eui64, task: Task) -> Self {
        Self {
            user,
            task,
            call: 0,
            is_done: false,
            is_extra: false,
        }
    }

    /// The image that this errand sends.
    pub(crate) fn image(&self) -> Option<&Image> {
        match &self.task {
            Task::Send(it) => Some(&it.image),
            Task::Activate(_) => None,
        }
    }

    /// Whether the User has a reason to give up.
    pub(crate) fn sees_failures(&self) -> bool {
        matches!(&self.task, Task::Activate(it) if it.sees_failures)
    }

    /// What to ask now; `gives_up` when the User does not want it any more.
    pub(crate) fn next(&self, gives_up: bool, dice: &mut Dice) -> Request {
        let user = self.user;
        let mut cancel = |number| Cancel {
            user,
            number,
            id: request_id(dice),
            validate_only: false,
        };
        match &self.task {
            Task::Send(it) => match it.number {
                None => it.open(user),
                Some(number) if gives_up => Request::CancelTransfer(cancel(number)),
                Some(number) if !it.missing.is_empty() => Request::AttachTransfer { user, number },
                Some(number) => Request::GetTransfer { user, number },
            },
            Task::Activate(it) => match it.number {
                None => it.submit(user),
                Some(number) if gives_up => Request::CancelBatch(cancel(number)),
                Some(number) => Request::GetBatch { user, number },
            },
        }
    }

    /// What follows from an answer.
    pub(crate) fn answered(&mut self, reply: &Result<Reply, Refusal>, dice: &mut Dice) -> Then {
        match &mut self.task {
            Task::Send(it) => it.answered(reply, dice),
            Task::Activate(it) => it.answered(reply, dice),
        }
    }
}

impl Send {
    fn open(&self, user: Eui64) -> Request {
        Request::OpenTransfer(OpenTransfer {
            user,
            id: self.id,
            validate_only: false,
            manifest: self.image.manifest.clone(),
            devices: self.devices.clone(),
            signed_request: bytes::Bytes::new(),
            originator_counter: None,
        })
    }

    fn answered(&mut self, reply: &Result<Reply, Refusal>, dice: &mut Dice) -> Then {
        match reply {
            Ok(Reply::Transfer(view)) => self.look(view, dice),
            Ok(Reply::Blocks(_)) => match self.number {
                Some(number) => Then::SendBlocks {
                    number,
                    missing: std::mem::take(&mut self.missing),
                },
                None => Then::Again(SOON_US),
            },
            _ => {
                self.missing.clear();
                Then::Again(dice.between(1..=30) * MINUTE_US)
            }
        }
    }

    fn look(&mut self, view: &TransferView, dice: &mut Dice) -> Then {
        self.number = view.number;
        self.missing.clear();
        match view.state {
            TransferState::Receiving => {
                self.missing.clone_from(&view.missing);
                Then::Again(SOON_US)
            }
            TransferState::Verifying => Then::Again(dice.between(1..=20) * MINUTE_US),
            TransferState::Stored => Then::Done,
            TransferState::Rejected
            | TransferState::Cancelled
            | TransferState::Expired
            | TransferState::Retired
            | TransferState::Quarantined => {
                self.number = None;
                self.id = request_id(dice);
                Then::Again(dice.between(1..=60) * MINUTE_US)
            }
        }
    }
}

impl Activate {
    fn submit(&self, user: Eui64) -> Request {
        Request::SubmitBatch(SubmitBatch {
            user,
            id: self.id,
            validate_only: false,
            manufacturer_image_hash: self.hash,
            devices: self.devices.clone(),
            execute_us: None,
            canary: self.canary,
            service_date: self.service_date,
            signed_request: bytes::Bytes::new(),
            originator_counter: None,
        })
    }

    fn answered(&mut self, reply: &Result<Reply, Refusal>, dice: &mut Dice) -> Then {
        match reply {
            Ok(Reply::Batch(view)) => {
                self.number = view.number;
                self.sees_failures = view.counts.retry_wait > 0;
                if self.number.is_some() && view.counts.open() == 0 {
                    Then::Done
                } else {
                    Then::Again(dice.between(10..=300) * MINUTE_US)
                }
            }
            Err(refusal) => self.refused(refusal, dice),
            Ok(_) => Then::Again(MINUTE_US),
        }
    }

    /// Over the allowance: what fits goes now, or all of it on another day.
    fn refused(&mut self, refusal: &Refusal, dice: &mut Dice) -> Then {
        match refusal {
            Refusal::AllowanceUsed {
                limit,
                used,
                resets_in_us,
                ..
            } => {
                let fits = usize::try_from(limit.saturating_sub(*used)).unwrap_or(usize::MAX);
                self.id = request_id(dice);
                if fits > 0 {
                    self.devices.truncate(fits);
                    return Then::Again(SOON_US);
                }
                self.service_date = None;
                Then::Again(*resets_in_us + dice.between(0..=60) * MINUTE_US)
            }
            Refusal::ExceedsAgreed(it) => {
                self.id = request_id(dice);
                let fits = it.agreed.saturating_sub(it.used);
                if fits > 0 {
                    let fits = usize::try_from(fits).unwrap_or(usize::MAX);
                    self.devices.truncate(fits);
                    return Then::Again(SOON_US);
                }
                self.service_date = it.earliest_fit;
                Then::Again(dice.between(60..=720) * MINUTE_US)
            }
            Refusal::ServiceDateInvalid { .. } => {
                self.id = request_id(dice);
                self.service_date = None;
                Then::Again(SOON_US)
            }
            Refusal::CanaryTooLarge { .. } | Refusal::CanaryOfSchedule { .. } => {
                self.id = request_id(dice);
                self.canary = None;
                Then::Again(SOON_US)
            }
            Refusal::ImageNotStoredForDevice { first, .. } => self.without(*first, dice),
            _ => Then::Again(dice.between(5..=120) * MINUTE_US),
        }
    }

    /// The image was not accepted for this Device, so the rest goes without it.
    fn without(&mut self, device: Eui64, dice: &mut Dice) -> Then {
        self.id = request_id(dice);
        self.devices.retain(|it| *it != device);
        if self.devices.is_empty() {
            return Then::Done;
        }
        Then::Again(dice.between(5..=120) * MINUTE_US)
    }
}

/// A UUID as a program makes it.
pub(crate) fn request_id(dice: &mut Dice) -> RequestId {
    RequestId((u128::from(dice.any()) << 64 | u128::from(dice.any())).to_le_bytes())
}
