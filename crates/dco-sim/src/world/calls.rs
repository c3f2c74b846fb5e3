//! Requests on their way to the service, and answers on their way back.

use dco_engine::{Refusal, Reply, Request, SECOND_US};
use dco_schedule::Micros;

use super::{Item, Named, World};
use crate::call::Caller;
use crate::happened::Happened;
use crate::user::Then;

/// A User that has heard nothing for so long asks again.
pub(super) const PATIENCE_US: Micros = 10 * 60 * SECOND_US;

impl World {
    /// A User asks the next thing, unless it has asked something newer.
    pub(super) fn errand_goes_on(&mut self, errand: usize, call: u64) {
        let reasons = if self.errands[errand].sees_failures() {
            4
        } else {
            1
        };
        let gives_up = self.dice.chance(reasons * self.faults.cancel);
        let forgets = self.dice.chance(self.faults.abandoned);
        let it = &mut self.errands[errand];
        if it.is_done || it.call != call {
            return;
        }
        it.call += 1;
        if forgets && it.is_extra {
            it.is_done = true;
            return;
        }
        let call = it.call;
        let request = it.next(gives_up, &mut self.dice);
        self.watch
            .note(format_args!("errand {errand} asks {}", brief(&request)));
        if self.dice.chance(self.faults.request_repeated) {
            self.send_request(errand, call, request.clone());
        }
        self.send_request(errand, call, request);
        self.after(PATIENCE_US, Item::ErrandGoesOn { errand, call });
    }

    fn send_request(&mut self, errand: usize, call: u64, request: Request) {
        if self.dice.chance(self.faults.request_lost) {
            return;
        }
        let caller = Caller::Errand { errand, call };
        let delay_us = self.delay_us();
        self.after(delay_us, Item::RequestArrives { caller, request });
    }

    /// A request reaches the service, if that is up.
    pub(super) fn request_arrives(&mut self, caller: Caller, request: Request) {
        let now_us = self.service_now_us();
        if let Some(service) = &mut self.service {
            self.watch.show(&Happened::Asked(&request));
            service.ask(caller, request, now_us);
        }
    }

    /// An answer leaves the service.
    pub(super) fn answer(
        &mut self,
        caller: Caller,
        request: &Request,
        reply: Result<Reply, Refusal>,
    ) {
        self.watch.show(&Happened::Answered {
            request,
            reply: &reply,
        });
        self.learn_names(&reply);
        if let Ok(reply) = &reply {
            self.known.learn(reply);
        }
        match caller {
            Caller::Errand { errand, call } => self.answer_errand(errand, call, request, reply),
            Caller::Operator => {
                if reply.is_ok() && !self.dice.chance(self.faults.reply_lost) {
                    self.import = None;
                }
            }
            Caller::Auditor => self.audited(request, &reply),
            Caller::Gateway { gateway, attempt } => self.image_opened(gateway, attempt, &reply),
        }
    }

    fn learn_names(&mut self, reply: &Result<Reply, Refusal>) {
        let named = match reply {
            Ok(Reply::Transfer(view)) => {
                view.number.map(|number| Named::Transfer(view.user, number))
            }
            Ok(Reply::Batch(view)) => view.number.map(|number| Named::Batch(view.user, number)),
            _ => None,
        };
        self.named.extend(named);
    }

    fn answer_errand(
        &mut self,
        errand: usize,
        call: u64,
        request: &Request,
        reply: Result<Reply, Refusal>,
    ) {
        if let (Request::AttachTransfer { user, number }, Ok(Reply::Blocks(source))) =
            (request, &reply)
            && let Some(service) = &mut self.service
        {
            service.attached.insert((*user, *number), source.clone());
        }
        let answer = match &reply {
            Ok(_) => "yes".to_owned(),
            Err(refusal) => refusal.to_string(),
        };
        self.watch
            .note(format_args!("errand {errand} is answered: {answer}"));
        if self.dice.chance(self.faults.reply_lost) {
            return;
        }
        let delay_us = self.delay_us();
        let item = Item::ReplyArrives {
            errand,
            call,
            reply,
        };
        self.after(delay_us, item);
    }

    /// A User hears an answer, if it still waits for it.
    pub(super) fn reply_arrives(
        &mut self,
        errand: usize,
        call: u64,
        reply: &Result<Reply, Refusal>,
    ) {
        let it = &mut self.errands[errand];
        if it.is_done || it.call != call {
            return;
        }
        it.call += 1;
        let call = it.call;
        match it.answered(reply, &mut self.dice) {
            Then::Done => it.is_done = true,
            Then::Again(wait_us) => self.after(wait_us, Item::ErrandGoesOn { errand, call }),
            Then::SendBlocks { number, missing } => {
                self.send_blocks(errand, number, &missing);
                self.after(PATIENCE_US, Item::ErrandGoesOn { errand, call });
            }
        }
    }
}

fn brief(request: &Request) -> String {
    match request {
        Request::OpenTransfer(it) => format!("OpenTransfer for {} Devices", it.devices.len()),
        Request::SubmitBatch(it) => format!(
            "SubmitBatch of {} Devices on {:?}",
            it.devices.len(),
            it.service_date
        ),
        other => format!("{other:?}"),
    }
}
