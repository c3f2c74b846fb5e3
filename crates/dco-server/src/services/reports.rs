//! What happened: a User reads about itself, staff about everyone.

use dco_engine::{Reply, Request as Ask};
use dco_proto::v1 as pb;
use tonic::{Request, Response, Status};

use super::{About, Context};
use crate::convert::operations::service_day;
use crate::convert::reports::{days, success, trt};
use crate::permit::Caller;
use crate::status::Fault;

/// The service.
#[derive(Debug)]
pub(crate) struct Reports(pub Context);

#[tonic::async_trait]
impl pb::reports_server::Reports for Reports {
    async fn get_capacity_report(
        &self,
        request: Request<pb::GetCapacityReportRequest>,
    ) -> Result<Response<pb::CapacityReport>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let about = About::Allowed(caller.permit(())?);
        Ok(Response::new(
            self.capacity(about, &caller, &message).await?,
        ))
    }

    async fn get_trt_report(
        &self,
        request: Request<pb::GetTrtReportRequest>,
    ) -> Result<Response<pb::TrtReport>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let about = About::of(&caller, &message.parent)?;
        Ok(Response::new(self.trt(about, &caller).await?))
    }

    async fn get_success_report(
        &self,
        request: Request<pb::GetSuccessReportRequest>,
    ) -> Result<Response<pb::SuccessReport>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let about = About::of(&caller, &message.parent)?;
        Ok(Response::new(self.success(about, &caller).await?))
    }
}

impl Reports {
    async fn capacity(
        &self,
        about: About,
        caller: &Caller,
        message: &pb::GetCapacityReportRequest,
    ) -> Result<pb::CapacityReport, Fault> {
        let (first, last) = days(message)?;
        let user = about.user();
        let ask = Ask::ReportCapacity { user, first, last };
        match self.0.engine.ask(caller.eui64(), ask).await? {
            Reply::ServiceDays(views) => Ok(pb::CapacityReport {
                service_days: views.iter().map(service_day).collect(),
            }),
            _ => Err(Fault::wrong_answer("a capacity report")),
        }
    }

    async fn trt(&self, about: About, caller: &Caller) -> Result<pb::TrtReport, Fault> {
        let ask = Ask::ReportTrt { user: about.user() };
        match self.0.engine.ask(caller.eui64(), ask).await? {
            Reply::Trt(rows) => Ok(pb::TrtReport {
                rows: rows.iter().map(trt).collect(),
            }),
            _ => Err(Fault::wrong_answer("a TRT report")),
        }
    }

    async fn success(&self, about: About, caller: &Caller) -> Result<pb::SuccessReport, Fault> {
        let ask = Ask::ReportSuccess { user: about.user() };
        match self.0.engine.ask(caller.eui64(), ask).await? {
            Reply::Success(rows) => Ok(pb::SuccessReport {
                rows: rows.iter().map(success).collect(),
            }),
            _ => Err(Fault::wrong_answer("a success report")),
        }
    }
}
