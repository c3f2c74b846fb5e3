//! What officers of the Service Desk do besides agreeing schedules: capacity, and second approvals.

use dco_engine::{Reply, Request as Ask, ScheduleRequest};
use dco_proto::v1 as pb;

use crate::convert::page::{Page, next_token};
use crate::convert::schedules::{capacity, crowded_window, quota, read, shown};
use crate::permit::{Caller, Officer, Permit, Staff};
use crate::services::Context;
use crate::status::Fault;

impl Context {
    pub(super) async fn set_capacity(
        &self,
        by: Permit<Officer>,
        message: pb::SetCapacityRequest,
    ) -> Result<pb::SetCapacityResponse, Fault> {
        let ask = ScheduleRequest::SetCapacity(capacity::set(&by, message)?);
        match self.engine.ask(by.officer(), Ask::Schedules(ask)).await? {
            Reply::CapacitySet {
                over,
                crowded,
                kept,
            } => Ok(pb::SetCapacityResponse {
                kept_dates: kept.iter().map(ToString::to_string).collect(),
                over_agreed: quota(&over),
                crowded_windows: crowded.iter().map(crowded_window).collect(),
            }),
            _ => Err(Fault::wrong_answer("a setting of capacity")),
        }
    }

    pub(super) async fn pending_actions(
        &self,
        _by: Permit<Staff>,
        caller: &Caller,
        message: &pb::ListPendingActionsRequest,
    ) -> Result<pb::ListPendingActionsResponse, Fault> {
        let list = if message.settled {
            "all actions"
        } else {
            "pending actions"
        };
        let page = Page::<u64>::read(list, message.page_size, &message.page_token)?;
        let ask = ScheduleRequest::ListPendingActions {
            after: page.after.unwrap_or(0),
            limit: page.look_ahead(),
            settled: message.settled,
        };
        let reply = self.engine.ask(caller.eui64(), Ask::Schedules(ask)).await?;
        let Reply::Actions(mut views) = reply else {
            return Err(Fault::wrong_answer("a list of actions"));
        };
        let last = page.cut(&mut views).and_then(|view| view.number);
        Ok(pb::ListPendingActionsResponse {
            next_page_token: next_token(list, last),
            actions: views.iter().map(shown::action).collect(),
        })
    }

    pub(super) async fn approve_action(
        &self,
        by: Permit<Officer>,
        message: pb::ApproveActionRequest,
    ) -> Result<pb::Schedule, Fault> {
        let ask = ScheduleRequest::Approve(read::answer(&by, message)?);
        match self.engine.ask(by.officer(), Ask::Schedules(ask)).await? {
            Reply::Schedule(view) => Ok(shown::whole(&view)),
            _ => Err(Fault::wrong_answer("an approval")),
        }
    }

    pub(super) async fn decline_action(
        &self,
        by: Permit<Officer>,
        message: pb::DeclineActionRequest,
    ) -> Result<pb::PendingAction, Fault> {
        // Both answers say the same about themselves.
        let message = pb::ApproveActionRequest {
            name: message.name,
            request_id: message.request_id,
            validate_only: message.validate_only,
            ticket: message.ticket,
            reason: message.reason,
        };
        let ask = ScheduleRequest::Decline(read::answer(&by, message)?);
        match self.engine.ask(by.officer(), Ask::Schedules(ask)).await? {
            Reply::Action(view) => Ok(shown::action(&view)),
            _ => Err(Fault::wrong_answer("a refused action")),
        }
    }
}
