//! What happened: a User reads about itself, staff about everyone.

use dco_engine::{Reply, ReportKind, Request as Ask};
use dco_proto::v1 as pb;
use tonic::{Request, Response, Status};

use super::{About, Context};
use crate::convert::reports;
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
        let about = About::of(&caller, &message.parent)?;
        Ok(Response::new(
            self.capacity(about, &caller, &message).await?,
        ))
    }

    async fn get_fairness_report(
        &self,
        request: Request<pb::GetFairnessReportRequest>,
    ) -> Result<Response<pb::FairnessReport>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let about = About::of(&caller, &message.parent)?;
        Ok(Response::new(
            self.fairness(about, &caller, &message).await?,
        ))
    }

    async fn get_trt_report(
        &self,
        request: Request<pb::GetTrtReportRequest>,
    ) -> Result<Response<pb::TrtReport>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let about = About::of(&caller, &message.parent)?;
        Ok(Response::new(self.trt(about, &caller, &message).await?))
    }

    async fn get_success_report(
        &self,
        request: Request<pb::GetSuccessReportRequest>,
    ) -> Result<Response<pb::SuccessReport>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let about = About::of(&caller, &message.parent)?;
        Ok(Response::new(self.success(about, &caller, &message).await?))
    }
}

impl Reports {
    async fn capacity(
        &self,
        about: About,
        caller: &Caller,
        message: &pb::GetCapacityReportRequest,
    ) -> Result<pb::CapacityReport, Fault> {
        let dates = (
            message.first_service_date.as_str(),
            message.last_service_date.as_str(),
        );
        match self
            .ask((about, caller), dates, ReportKind::Capacity)
            .await?
        {
            Reply::CapacityReport(report) => Ok(reports::capacity(&report)),
            _ => Err(Fault::wrong_answer("a capacity report")),
        }
    }

    async fn fairness(
        &self,
        about: About,
        caller: &Caller,
        message: &pb::GetFairnessReportRequest,
    ) -> Result<pb::FairnessReport, Fault> {
        let dates = (
            message.first_service_date.as_str(),
            message.last_service_date.as_str(),
        );
        match self
            .ask((about, caller), dates, ReportKind::Fairness)
            .await?
        {
            Reply::FairnessReport(report) => Ok(reports::fairness(&report)),
            _ => Err(Fault::wrong_answer("a fairness report")),
        }
    }

    async fn trt(
        &self,
        about: About,
        caller: &Caller,
        message: &pb::GetTrtReportRequest,
    ) -> Result<pb::TrtReport, Fault> {
        let dates = (
            message.first_service_date.as_str(),
            message.last_service_date.as_str(),
        );
        match self.ask((about, caller), dates, ReportKind::Trt).await? {
            Reply::Trt(rows) => Ok(pb::TrtReport {
                rows: rows.iter().map(reports::trt).collect(),
            }),
            _ => Err(Fault::wrong_answer("a TRT report")),
        }
    }

    async fn success(
        &self,
        about: About,
        caller: &Caller,
        message: &pb::GetSuccessReportRequest,
    ) -> Result<pb::SuccessReport, Fault> {
        let dates = (
            message.first_service_date.as_str(),
            message.last_service_date.as_str(),
        );
        let kind = ReportKind::Success(reports::groups(&message.group_by)?);
        match self.ask((about, caller), dates, kind).await? {
            Reply::SuccessReport(rows) => Ok(pb::SuccessReport {
                rows: rows.iter().map(reports::success).collect(),
            }),
            _ => Err(Fault::wrong_answer("a success report")),
        }
    }

    async fn ask(
        &self,
        (about, caller): (About, &Caller),
        dates: (&str, &str),
        kind: ReportKind,
    ) -> Result<Reply, Fault> {
        let asked = reports::request(about.user(), dates, kind)?;
        self.0.engine.ask(caller.eui64(), Ask::Report(asked)).await
    }
}
