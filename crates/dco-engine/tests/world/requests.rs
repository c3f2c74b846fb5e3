//! What people ask of it.

use std::sync::Arc;

use bytes::Bytes;
use dco_block::{Eui64, Manifest};
use dco_engine::{
    ActivationName, ActivationView, BatchView, Cancel, ChangePause, Changes, DeviceEntry, Event,
    Explanation, ImportDevices, OpenTransfer, PauseView, Refusal, Reply, ReplyTo, ReportKind,
    ReportRequest, Request, Scope, ServiceDayView, SubmitBatch, TransferView, Verdict,
};
use dco_schedule::ServiceDate;

use super::World;
use crate::sample::{OPERATOR, entry};

impl World {
    /// Hands in a request; its answer may have to wait for the disk.
    pub(crate) fn send(&mut self, request: Request) -> ReplyTo {
        let reply_to = ReplyTo(self.count());
        self.handle(Event::Request { reply_to, request });
        reply_to
    }

    /// The answer, if there is one by now.
    pub(crate) fn reply(&mut self, to: ReplyTo) -> Option<Result<Reply, Refusal>> {
        self.replies.remove(&to)
    }

    pub(crate) fn ask(&mut self, request: Request) -> Result<Reply, Refusal> {
        let to = self.send(request);
        self.reply(to).expect("what is durable is answered at once")
    }

    pub(crate) fn import(&mut self, devices: Vec<DeviceEntry>) {
        let request = Request::ImportDevices(ImportDevices {
            by: OPERATOR,
            id: self.fresh_id(),
            validate_only: false,
            why: dco_engine::SaidWhy::default(),
            devices,
        });
        self.ask(request).expect("the import is right");
    }

    /// Registers Devices to a User, behind one gateway.
    pub(crate) fn register(&mut self, devices: &[Eui64], user: Eui64, gateway: Eui64) {
        let entries = devices.iter().map(|device| entry(*device, user, gateway));
        self.import(entries.collect());
    }

    /// Likewise, when the answer may have to wait for the disk.
    pub(crate) fn send_import(&mut self, devices: &[Eui64], user: Eui64, gateway: Eui64) {
        let entries = devices.iter().map(|device| entry(*device, user, gateway));
        let request = Request::ImportDevices(ImportDevices {
            by: OPERATOR,
            id: self.fresh_id(),
            validate_only: false,
            why: dco_engine::SaidWhy::default(),
            devices: entries.collect(),
        });
        self.send(request);
    }

    pub(crate) fn opening(
        &mut self,
        user: Eui64,
        manifest: &Arc<Manifest>,
        devices: &[Eui64],
    ) -> OpenTransfer {
        OpenTransfer {
            user,
            id: self.fresh_id(),
            validate_only: false,
            manifest: Arc::clone(manifest),
            devices: devices.to_vec(),
            signed_request: Bytes::new(),
            originator_counter: None,
        }
    }

    pub(crate) fn open(
        &mut self,
        user: Eui64,
        manifest: &Arc<Manifest>,
        devices: &[Eui64],
    ) -> Result<TransferView, Refusal> {
        let asked = self.opening(user, manifest, devices);
        let tried = OpenTransfer {
            validate_only: true,
            ..asked.clone()
        };
        let would = self.ask(Request::OpenTransfer(tried)).map(transfer_of);
        let answer = self.ask(Request::OpenTransfer(asked)).map(transfer_of);
        let unnumbered = |view: &TransferView| TransferView {
            number: None,
            ..view.clone()
        };
        assert_eq!(would, answer.as_ref().map(unnumbered).map_err(Clone::clone));
        answer
    }

    pub(crate) fn transfer(&mut self, user: Eui64, number: u64) -> TransferView {
        let reply = self.ask(Request::GetTransfer { user, number });
        transfer_of(reply.expect("the transfer is there"))
    }

    /// The owner number of a transfer in the block log.
    pub(crate) fn owner(&mut self, user: Eui64, number: u64) -> u64 {
        match self.ask(Request::AttachTransfer { user, number }) {
            Ok(Reply::Blocks(source)) => source.owner,
            other => panic!("not attached: {other:?}"),
        }
    }

    pub(crate) fn block(&mut self, owner: u64, index: u32) {
        self.handle(Event::BlockHeld { owner, index });
    }

    pub(crate) fn damaged(&mut self, owner: u64, index: u32) {
        self.handle(Event::BlockDamaged { owner, index });
    }

    pub(crate) fn pausing(&mut self, ticket: &str) -> ChangePause {
        ChangePause {
            by: OPERATOR,
            id: self.fresh_id(),
            validate_only: false,
            scope: Scope::All,
            ticket: ticket.to_owned(),
            reason: "as the Service Desk asked".to_owned(),
        }
    }

    /// Pauses, and answers what is in force then.
    pub(crate) fn pause(&mut self, ticket: &str) -> Result<Option<PauseView>, Refusal> {
        let asked = self.pausing(ticket);
        self.ask(Request::Pause(asked)).map(pause_of)
    }

    /// Pauses a part of the releases.
    pub(crate) fn pause_of_part(&mut self, scope: Scope) -> Result<Option<PauseView>, Refusal> {
        let asked = ChangePause {
            scope,
            ..self.pausing("INC-1")
        };
        self.ask(Request::Pause(asked)).map(pause_of)
    }

    /// Resumes a part of the releases.
    pub(crate) fn resume_of_part(&mut self, scope: Scope) -> Result<Option<PauseView>, Refusal> {
        let asked = ChangePause {
            scope,
            ..self.pausing("INC-1")
        };
        self.ask(Request::Resume(asked)).map(pause_of)
    }

    pub(crate) fn resume(&mut self, ticket: &str) -> Result<Option<PauseView>, Refusal> {
        let asked = self.pausing(ticket);
        self.ask(Request::Resume(asked)).map(pause_of)
    }

    pub(crate) fn verified(&mut self, owner: u64, verdict: Verdict) {
        self.handle(Event::Verified { owner, verdict });
    }

    /// A whole transfer, to its end: opened, all blocks, verified. Answers its owner number.
    pub(crate) fn store(
        &mut self,
        user: Eui64,
        manifest: &Arc<Manifest>,
        devices: &[Eui64],
    ) -> u64 {
        let opened = self
            .open(user, manifest, devices)
            .expect("the transfer opens");
        let owner = self.owner(user, opened.number.expect("it is open"));
        for index in 0..manifest.block_count() {
            self.block(owner, index);
        }
        self.verified(owner, Verdict::Good);
        owner
    }

    pub(crate) fn batch_of(
        &mut self,
        user: Eui64,
        manifest: &Manifest,
        devices: &[Eui64],
    ) -> SubmitBatch {
        SubmitBatch {
            user,
            id: self.fresh_id(),
            validate_only: false,
            manufacturer_image_hash: manifest.manufacturer_image_hash(),
            devices: devices.to_vec(),
            service_date: None,
            execute_us: None,
            canary: None,
            signed_request: Bytes::new(),
            originator_counter: None,
        }
    }

    /// What is only tried is answered as if it were done, and what is predicted for the batch is what is read of it then.
    pub(crate) fn submit_this(&mut self, asked: &SubmitBatch) -> Result<BatchView, Refusal> {
        let tried = SubmitBatch {
            validate_only: true,
            ..asked.clone()
        };
        let would = self.ask(Request::SubmitBatch(tried)).map(batch_of);
        let answer = self.ask(Request::SubmitBatch(asked.clone())).map(batch_of);
        let unnumbered = |view: &BatchView| BatchView {
            number: None,
            ..view.clone()
        };
        assert_eq!(
            would.as_ref().map(unnumbered),
            answer.as_ref().map(unnumbered)
        );
        if let (Ok(new), Ok(BatchView { number: None, .. })) = (&answer, &would) {
            self.read_as_answered(new);
        }
        answer
    }

    /// One that has begun has another prediction.
    fn read_as_answered(&mut self, new: &BatchView) {
        let Some(number) = new.number else {
            return;
        };
        let read = self.batch(new.user, number);
        if read.counts == new.counts {
            assert_eq!(read.predicted, new.predicted);
        }
    }

    pub(crate) fn submit(
        &mut self,
        user: Eui64,
        manifest: &Manifest,
        devices: &[Eui64],
    ) -> Result<BatchView, Refusal> {
        let asked = self.batch_of(user, manifest, devices);
        self.submit_this(&asked)
    }

    pub(crate) fn submit_for(
        &mut self,
        (user, manifest): (Eui64, &Manifest),
        devices: &[Eui64],
        date: ServiceDate,
    ) -> Result<BatchView, Refusal> {
        let asked = SubmitBatch {
            service_date: Some(date),
            ..self.batch_of(user, manifest, devices)
        };
        self.submit_this(&asked)
    }

    pub(crate) fn batch(&mut self, user: Eui64, number: u64) -> BatchView {
        let reply = self.ask(Request::GetBatch { user, number });
        batch_of(reply.expect("the batch is there"))
    }

    pub(crate) fn cancelling(&mut self, user: Eui64, number: u64) -> Cancel {
        Cancel {
            user,
            number,
            id: self.fresh_id(),
            validate_only: false,
        }
    }

    pub(crate) fn cancel_batch(&mut self, user: Eui64, number: u64) -> BatchView {
        let asked = self.cancelling(user, number);
        let reply = self.ask(Request::CancelBatch(asked));
        batch_of(reply.expect("the batch is there"))
    }

    pub(crate) fn cancel_transfer(
        &mut self,
        user: Eui64,
        number: u64,
    ) -> Result<TransferView, Refusal> {
        let asked = self.cancelling(user, number);
        self.ask(Request::CancelTransfer(asked)).map(transfer_of)
    }

    pub(crate) fn activation(&mut self, user: Eui64, batch: u64, device: Eui64) -> ActivationView {
        let name = ActivationName {
            user,
            batch,
            device,
        };
        match self.ask(Request::GetActivation(name)) {
            Ok(Reply::Activation(view)) => view,
            other => panic!("no activation: {other:?}"),
        }
    }

    pub(crate) fn explain(&mut self, user: Eui64, batch: u64, device: Eui64) -> Explanation {
        let name = ActivationName {
            user,
            batch,
            device,
        };
        match self.ask(Request::ExplainActivation(name)) {
            Ok(Reply::Explanation(explanation)) => explanation,
            other => panic!("no explanation: {other:?}"),
        }
    }

    pub(crate) fn changes(&mut self, user: Eui64, number: u64, position: u64) -> Changes {
        let limit = 1_000;
        let asked = Request::ReadChanges {
            user,
            number,
            position,
            limit,
        };
        match self.ask(asked) {
            Ok(Reply::Changes(changes)) => changes,
            other => panic!("no changes: {other:?}"),
        }
    }

    /// Service days, oldest first; for one User its own figures.
    pub(crate) fn days(&mut self, user: Option<Eui64>) -> Vec<ServiceDayView> {
        let asked = ReportRequest::of(ReportKind::Capacity, user);
        let Ok(Reply::CapacityReport(report)) = self.ask(Request::Report(asked)) else {
            panic!("no days");
        };
        let units = |count| u32::try_from(count).expect("few");
        let days = report.days.into_iter().map(|it| {
            let counts = user.map_or(it.all, |user| it.users[&user]);
            ServiceDayView {
                day: it.day,
                capacity: it.capacity,
                released: units(counts.released),
                sent_without_schedule: units(counts.sent_without_schedule),
            }
        });
        days.collect()
    }

    /// What today has released.
    pub(crate) fn released_today(&mut self) -> u32 {
        self.days(None).last().map_or(0, |day| day.released)
    }
}

pub(crate) fn transfer_of(reply: Reply) -> TransferView {
    match reply {
        Reply::Transfer(view) => view,
        other => panic!("not a transfer: {other:?}"),
    }
}

pub(crate) fn pause_of(reply: Reply) -> Option<PauseView> {
    match reply {
        Reply::Pause(pause) => pause,
        other => panic!("not a pause: {other:?}"),
    }
}

pub(crate) fn batch_of(reply: Reply) -> BatchView {
    match reply {
        Reply::Batch(view) => view,
        other => panic!("not a batch: {other:?}"),
    }
}
