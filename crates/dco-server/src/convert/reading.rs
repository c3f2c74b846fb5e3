//! A message read by itself, as its call would read it, and with no service around it: for whoever tries out what the service
//! makes of bytes.

use dco_block::Eui64;
use dco_engine::{AttemptRef, DeviceEntry, Hello, Report, Request, ScheduleRequest};
use dco_proto::v1 as pb;
use dco_schedule::Act;
use tonic::Status;

use super::name::OfUser;
use super::schedules::{capacity, plans, read};
use super::{batch, gateway, operations, transfer};
use crate::permit::{Caller, Right};
use crate::status::Fault;

/// Messages that say more than a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// `OpenTransferRequest`.
    OpenTransfer,
    /// `SubmitBatchRequest`.
    SubmitBatch,
    /// `Hello`, which a gateway begins with.
    Hello,
    /// `ConnectRequest` after that.
    Report,
    /// `DeviceEntry` of an import.
    Device,
    /// `PauseRequest`.
    Pause,
    /// `RequestScheduleRequest`.
    RequestSchedule,
    /// `OfferScheduleRequest`.
    OfferSchedule,
    /// `AmendScheduleRequest`.
    AmendSchedule,
    /// `ApproveActionRequest`.
    ApproveAction,
    /// `SetCapacityRequest`.
    SetCapacity,
    /// `SimulateScheduleRequest`.
    SimulateSchedule,
}

impl Message {
    /// Each of them.
    pub const ALL: [Self; 12] = [
        Self::OpenTransfer,
        Self::SubmitBatch,
        Self::Hello,
        Self::Report,
        Self::Device,
        Self::Pause,
        Self::RequestSchedule,
        Self::OfferSchedule,
        Self::AmendSchedule,
        Self::ApproveAction,
        Self::SetCapacity,
        Self::SimulateSchedule,
    ];
}

/// What a message says.
#[derive(Debug, Clone)]
pub enum Understood {
    /// What the engine is asked.
    Ask(Box<Request>),
    /// A gateway begins.
    Hello(Hello),
    /// A gateway tells of an attempt.
    Report(AttemptRef, Report),
    /// One line of an inventory.
    Device(DeviceEntry),
}

/// Reads the bytes of one message of a caller that may do everything: as a User in its own name, as an officer in that of
/// others. Nothing where the bytes are no such message at all.
///
/// # Errors
/// What the caller would be told.
pub fn understand(message: Message, by: Eui64, bytes: &[u8]) -> Result<Option<Understood>, Status> {
    match message {
        Message::OpenTransfer => each(bytes, |it| {
            transfer::open(by, it).map(Request::OpenTransfer)
        }),
        Message::SubmitBatch => each(bytes, |it| batch::submit(by, it).map(Request::SubmitBatch)),
        Message::Hello => other(bytes, |it| gateway::hello(it).map(Understood::Hello)),
        Message::Report => other(bytes, |it| {
            let (attempt, report) = gateway::report(it)?;
            Ok(Understood::Report(attempt, report))
        }),
        Message::Device => other(bytes, |it| {
            operations::device(it, 0).map(Understood::Device)
        }),
        Message::Pause => each(bytes, |it| {
            operations::change_pause(by, it).map(Request::Pause)
        }),
        Message::RequestSchedule => schedules(bytes, |it| {
            read::requested(&permit(by, by)?, it).map(ScheduleRequest::Act)
        }),
        Message::OfferSchedule => schedules(bytes, |it: pb::OfferScheduleRequest| {
            let deal = read::deal(it.deal.unwrap_or_default())?;
            let answer_by_us = read::at_us(it.answer_by_time);
            act(by, it.head, Act::Offer { deal, answer_by_us })
        }),
        Message::AmendSchedule => schedules(bytes, |mut it: pb::AmendScheduleRequest| {
            let head = it.head.take();
            act(by, head, read::amendment(it)?)
        }),
        Message::ApproveAction => schedules(bytes, |it| {
            read::answer(&permit(by, ())?, it).map(ScheduleRequest::Approve)
        }),
        Message::SetCapacity => schedules(bytes, |it| {
            capacity::set(&permit(by, ())?, it).map(ScheduleRequest::SetCapacity)
        }),
        Message::SimulateSchedule => schedules(bytes, |it: pb::SimulateScheduleRequest| {
            let requests = plans::simulated_requests(it.requests)?;
            Ok(ScheduleRequest::Simulate { requests })
        }),
    }
}

fn act(
    by: Eui64,
    head: Option<pb::ScheduleActHead>,
    act: Act<Eui64>,
) -> Result<ScheduleRequest, Fault> {
    let head = head.unwrap_or_default();
    let name = OfUser::read(&head.name, "head.name")?;
    let by = permit(by, name.user)?;
    read::act(&by, name.schedule()?, &head, act).map(ScheduleRequest::Act)
}

fn permit<R: Right>(by: Eui64, over: R::Over) -> Result<crate::permit::Permit<R>, Fault> {
    Caller::with_all_roles(by).permit(over)
}

fn schedules<M: prost::Message + Default>(
    bytes: &[u8],
    ask: impl FnOnce(M) -> Result<ScheduleRequest, Fault>,
) -> Result<Option<Understood>, Status> {
    each(bytes, |it| ask(it).map(Request::Schedules))
}

fn each<M: prost::Message + Default>(
    bytes: &[u8],
    ask: impl FnOnce(M) -> Result<Request, Fault>,
) -> Result<Option<Understood>, Status> {
    other(bytes, |it| ask(it).map(|it| Understood::Ask(Box::new(it))))
}

fn other<M: prost::Message + Default>(
    bytes: &[u8],
    read: impl FnOnce(M) -> Result<Understood, Fault>,
) -> Result<Option<Understood>, Status> {
    match M::decode(bytes) {
        Ok(message) => Ok(read(message).map(Some)?),
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    const USER: Eui64 = Eui64::from_bits(0x90B3_D51F_3001_0000);

    #[test]
    fn a_message_is_read_refused_or_none() {
        let mut message = pb::SubmitBatchRequest {
            request_id: "3e4c8a52-8f1b-4a7e-9d55-0c9d6f1f2a10".to_owned(),
            manufacturer_image_hash: vec![7; 32].into(),
            ..Default::default()
        };
        let read = understand(Message::SubmitBatch, USER, &message.encode_to_vec());
        let Ok(Some(Understood::Ask(asked))) = read else {
            panic!("{read:?}");
        };
        assert!(matches!(*asked, Request::SubmitBatch(asked) if asked.user == USER));
        message.request_id.clear();
        let refused = understand(Message::SubmitBatch, USER, &message.encode_to_vec());
        assert_eq!(refused.unwrap_err().code(), tonic::Code::InvalidArgument);
        let none = understand(Message::SubmitBatch, USER, &[0xFF]);
        assert!(none.unwrap().is_none());
    }
}
