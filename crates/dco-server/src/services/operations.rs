//! For operators and the Service Desk.

mod officers;
mod products;

use dco_block::Eui64;
use dco_engine::{DeviceEntry, IMPORT_DEVICES_MAX, ImportDevices, Refusal, Reply, Request as Ask};
use dco_proto::v1 as pb;
use dco_schedule::ServiceDate;
use tonic::{Request, Response, Status, Streaming};

use super::{Answers, Context, backup, decision_log};
use crate::convert::operations::{
    change_pause, device, gateway, pause_in_force, said_why, service_day,
};
use crate::convert::page::{Page, next_token};
use crate::convert::request_id;
use crate::permit::{Caller, Operator, Pauser, Permit, Staff};
use crate::status::Fault;

/// The service.
#[derive(Debug)]
pub(crate) struct Operations(pub Context);

#[tonic::async_trait]
impl pb::operations_server::Operations for Operations {
    async fn import_devices(
        &self,
        request: Request<Streaming<pb::ImportDevicesRequest>>,
    ) -> Result<Response<pb::ImportDevicesResponse>, Status> {
        let (caller, parts) = self.0.admit(request)?;
        let by = caller.permit(())?;
        Ok(Response::new(self.import(by, parts).await?))
    }

    async fn import_products(
        &self,
        request: Request<Streaming<pb::ImportProductsRequest>>,
    ) -> Result<Response<pb::ImportProductsResponse>, Status> {
        let (caller, parts) = self.0.admit(request)?;
        let by = caller.permit(())?;
        Ok(Response::new(self.take_in_products(by, parts).await?))
    }

    async fn list_products(
        &self,
        request: Request<pb::ListProductsRequest>,
    ) -> Result<Response<pb::ListProductsResponse>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let by = caller.permit(())?;
        Ok(Response::new(self.products(by, &caller, &message).await?))
    }

    type BackupStream = Answers<pb::BackupResponse>;

    async fn backup(
        &self,
        request: Request<pb::BackupRequest>,
    ) -> Result<Response<Self::BackupStream>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let by = caller.permit(())?;
        Ok(Response::new(backup::backup(&self.0, by, &message).await?))
    }

    async fn list_gateways(
        &self,
        request: Request<pb::ListGatewaysRequest>,
    ) -> Result<Response<pb::ListGatewaysResponse>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let by = caller.permit(())?;
        Ok(Response::new(self.gateways(by, &caller, &message).await?))
    }

    async fn list_service_days(
        &self,
        request: Request<pb::ListServiceDaysRequest>,
    ) -> Result<Response<pb::ListServiceDaysResponse>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let by = caller.permit(())?;
        Ok(Response::new(
            self.service_days(by, &caller, &message).await?,
        ))
    }

    async fn pause(
        &self,
        request: Request<pb::PauseRequest>,
    ) -> Result<Response<pb::PauseResponse>, Status> {
        let (caller, asked) = self.0.admit(request)?;
        let by: Permit<Pauser> = caller.permit(())?;
        let change = change_pause(by.pauser(), asked)?;
        let pause = self.change_pause(by, Ask::Pause(change)).await?;
        Ok(Response::new(pb::PauseResponse { pause }))
    }

    async fn resume(
        &self,
        request: Request<pb::ResumeRequest>,
    ) -> Result<Response<pb::ResumeResponse>, Status> {
        let (caller, asked) = self.0.admit(request)?;
        let by: Permit<Pauser> = caller.permit(())?;
        let asked = pb::PauseRequest {
            request_id: asked.request_id,
            validate_only: asked.validate_only,
            scope: asked.scope,
            ticket: asked.ticket,
            reason: asked.reason,
        };
        let change = change_pause(by.pauser(), asked)?;
        let pause = self.change_pause(by, Ask::Resume(change)).await?;
        Ok(Response::new(pb::ResumeResponse { pause }))
    }

    async fn list_pauses(
        &self,
        request: Request<pb::ListPausesRequest>,
    ) -> Result<Response<pb::ListPausesResponse>, Status> {
        let (caller, _) = self.0.admit(request)?;
        let by = caller.permit(())?;
        Ok(Response::new(self.pauses(by, &caller).await?))
    }

    async fn set_capacity(
        &self,
        request: Request<pb::SetCapacityRequest>,
    ) -> Result<Response<pb::SetCapacityResponse>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let by = caller.permit(())?;
        Ok(Response::new(self.0.set_capacity(by, message).await?))
    }

    async fn list_pending_actions(
        &self,
        request: Request<pb::ListPendingActionsRequest>,
    ) -> Result<Response<pb::ListPendingActionsResponse>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let by = caller.permit(())?;
        Ok(Response::new(
            self.0.pending_actions(by, &caller, &message).await?,
        ))
    }

    async fn approve_action(
        &self,
        request: Request<pb::ApproveActionRequest>,
    ) -> Result<Response<pb::Schedule>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let by = caller.permit(())?;
        Ok(Response::new(self.0.approve_action(by, message).await?))
    }

    async fn decline_action(
        &self,
        request: Request<pb::DeclineActionRequest>,
    ) -> Result<Response<pb::PendingAction>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let by = caller.permit(())?;
        Ok(Response::new(self.0.decline_action(by, message).await?))
    }

    type GetDecisionLogStream = Answers<pb::GetDecisionLogResponse>;

    async fn get_decision_log(
        &self,
        request: Request<pb::GetDecisionLogRequest>,
    ) -> Result<Response<Self::GetDecisionLogStream>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let by = caller.permit(())?;
        Ok(Response::new(
            decision_log::decision_log(&self.0, by, message).await?,
        ))
    }
}

impl Operations {
    async fn import(
        &self,
        by: Permit<Operator>,
        mut parts: Streaming<pb::ImportDevicesRequest>,
    ) -> Result<pb::ImportDevicesResponse, Fault> {
        let first = next_part(&mut parts).await?.unwrap_or_default();
        let id = request_id(&first.request_id)?;
        let validate_only = first.validate_only;
        let why = said_why(&first.ticket, &first.reason)?;
        let mut devices = Vec::new();
        let mut part = Some(first);
        while let Some(one) = part {
            add(&mut devices, one.devices)?;
            part = next_part(&mut parts).await?;
        }
        let ask = Ask::ImportDevices(ImportDevices {
            by: by.operator(),
            id,
            validate_only,
            why,
            devices,
        });
        match self.0.engine.ask(by.operator(), ask).await? {
            Reply::Imported(device_count) => Ok(pb::ImportDevicesResponse { device_count }),
            _ => Err(Fault::wrong_answer("an import")),
        }
    }

    async fn change_pause(
        &self,
        by: Permit<Pauser>,
        ask: Ask,
    ) -> Result<Option<pb::PauseInForce>, Fault> {
        match self.0.engine.ask(by.pauser(), ask).await? {
            Reply::Pause(pause) => Ok(pause.map(pause_in_force)),
            _ => Err(Fault::wrong_answer("a pause")),
        }
    }

    async fn pauses(
        &self,
        _by: Permit<Staff>,
        caller: &Caller,
    ) -> Result<pb::ListPausesResponse, Fault> {
        match self.0.engine.ask(caller.eui64(), Ask::ListPauses).await? {
            Reply::Pauses(pauses) => Ok(pb::ListPausesResponse {
                pauses: pauses.into_iter().map(pause_in_force).collect(),
            }),
            _ => Err(Fault::wrong_answer("a list of pauses")),
        }
    }

    async fn gateways(
        &self,
        _by: Permit<Staff>,
        caller: &Caller,
        message: &pb::ListGatewaysRequest,
    ) -> Result<pb::ListGatewaysResponse, Fault> {
        const LIST: &str = "gateways";
        let page = Page::<Eui64>::read(LIST, message.page_size, &message.page_token)?;
        let reply = self.0.engine.ask(caller.eui64(), Ask::ListGateways).await?;
        let Reply::Gateways(mut views) = reply else {
            return Err(Fault::wrong_answer("a list of gateways"));
        };
        // The engine knows as many as there are certificates for, and says them all; the parts are made here.
        views.retain(|view| page.after.is_none_or(|after| view.gateway > after));
        let last = page.cut(&mut views).map(|view| view.gateway);
        Ok(pb::ListGatewaysResponse {
            next_page_token: next_token(LIST, last),
            gateways: views.iter().map(gateway).collect(),
        })
    }

    async fn service_days(
        &self,
        _by: Permit<Staff>,
        caller: &Caller,
        message: &pb::ListServiceDaysRequest,
    ) -> Result<pb::ListServiceDaysResponse, Fault> {
        const LIST: &str = "service days";
        let page = Page::<ServiceDate>::read(LIST, message.page_size, &message.page_token)?;
        let (before, limit) = (page.after, page.look_ahead());
        let ask = Ask::ListServiceDays { before, limit };
        let Reply::ServiceDays(mut views) = self.0.engine.ask(caller.eui64(), ask).await? else {
            return Err(Fault::wrong_answer("a list of service days"));
        };
        let last = page.cut(&mut views).map(|view| view.day.date);
        Ok(pb::ListServiceDaysResponse {
            next_page_token: next_token(LIST, last),
            service_days: views.iter().map(service_day).collect(),
        })
    }
}

/// How many may come is checked before any is read.
fn add(devices: &mut Vec<DeviceEntry>, part: Vec<pb::DeviceEntry>) -> Result<(), Fault> {
    let given = devices.len() + part.len();
    if given > IMPORT_DEVICES_MAX as usize {
        let limit = IMPORT_DEVICES_MAX;
        return Err(Fault::argument_refused(&Refusal::TooManyDevices {
            given,
            limit,
        }));
    }
    for entry in part {
        devices.push(device(entry, devices.len())?);
    }
    Ok(())
}

async fn next_part(
    parts: &mut Streaming<pb::ImportDevicesRequest>,
) -> Result<Option<pb::ImportDevicesRequest>, Fault> {
    let part = parts.message().await;
    part.map_err(|status| Fault::transport(&status))
}
