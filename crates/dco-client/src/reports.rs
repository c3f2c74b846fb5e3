//! What happened.

use dco_block::Eui64;
use dco_proto::v1 as pb;
use dco_proto::v1::reports_client::ReportsClient as WireReports;
use tonic::transport::Channel;

use crate::convert::{all, user_name};
use crate::types::{
    CapacityReportDay, FairnessDay, OutcomeRow, ReportDays, ReportQuery, ServiceDay, SuccessGroup,
    SuccessRow, TrtRow,
};
use crate::{ClientError, Link};

/// The way to what happened. A User sees its own; the Service Desk, operators and auditors see all. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ReportsClient {
    client: WireReports<Channel>,
}

impl ReportsClient {
    /// Whoever speaks over this link.
    pub fn new(link: &Link) -> Self {
        Self {
            client: WireReports::new(link.channel()),
        }
    }

    /// Capacity and use of the service days from `first` to `last` (`YYYY-MM-DD`, both included), oldest first; `None` leaves that
    /// end open. A User sees its own releases only.
    pub async fn capacity(
        &self,
        first: Option<&str>,
        last: Option<&str>,
    ) -> Result<Vec<ServiceDay>, ClientError> {
        let query = ReportQuery {
            user: None,
            first: first.map(str::to_owned),
            last: last.map(str::to_owned),
        };
        Ok(all(self.capacity_report(&query).await?.service_days)?)
    }

    /// What each service day was agreed, sent and used for, and what was lost of it.
    pub async fn capacity_days(
        &self,
        query: &ReportQuery,
    ) -> Result<ReportDays<CapacityReportDay>, ClientError> {
        let report = self.capacity_report(query).await?;
        Ok(ReportDays {
            days: all(report.days)?,
            earlier_days_left_out: report.earlier_days_left_out,
        })
    }

    async fn capacity_report(
        &self,
        query: &ReportQuery,
    ) -> Result<pb::CapacityReport, ClientError> {
        let (parent, first_service_date, last_service_date) = query.parts();
        let request = pb::GetCapacityReportRequest {
            first_service_date,
            last_service_date,
            parent,
        };
        let answer = self.client.clone().get_capacity_report(request).await?;
        Ok(answer.into_inner())
    }

    /// How each service day was shared among Users.
    pub async fn fairness(
        &self,
        query: &ReportQuery,
    ) -> Result<ReportDays<FairnessDay>, ClientError> {
        let (parent, first_service_date, last_service_date) = query.parts();
        let request = pb::GetFairnessReportRequest {
            parent,
            first_service_date,
            last_service_date,
        };
        let answer = self.client.clone().get_fairness_report(request).await?;
        let report = answer.into_inner();
        Ok(ReportDays {
            days: all(report.days)?,
            earlier_days_left_out: report.earlier_days_left_out,
        })
    }

    /// How activations stand against the Target Response Time; of every User that the caller may see when `user` is `None`.
    pub async fn trt(&self, user: Option<Eui64>) -> Result<Vec<TrtRow>, ClientError> {
        let (first, last) = (None, None);
        self.trt_of(&ReportQuery { user, first, last }).await
    }

    /// The same, of batches sent for certain service days.
    pub async fn trt_of(&self, query: &ReportQuery) -> Result<Vec<TrtRow>, ClientError> {
        let (parent, first_service_date, last_service_date) = query.parts();
        let request = pb::GetTrtReportRequest {
            parent,
            first_service_date,
            last_service_date,
        };
        let answer = self.client.clone().get_trt_report(request).await?;
        Ok(all(answer.into_inner().rows)?)
    }

    /// How activations ended, by User and image; of every User that the caller may see when `user` is `None`.
    pub async fn success(&self, user: Option<Eui64>) -> Result<Vec<SuccessRow>, ClientError> {
        let (first, last) = (None, None);
        let query = ReportQuery { user, first, last };
        Ok(all(self.success_report(&query, &[]).await?.rows)?)
    }

    /// How activations ended, of batches sent for certain service days, by what is named; by User and image when nothing is.
    pub async fn outcomes(
        &self,
        query: &ReportQuery,
        by: &[SuccessGroup],
    ) -> Result<Vec<OutcomeRow>, ClientError> {
        Ok(all(self.success_report(query, by).await?.rows)?)
    }

    async fn success_report(
        &self,
        query: &ReportQuery,
        by: &[SuccessGroup],
    ) -> Result<pb::SuccessReport, ClientError> {
        let (parent, first_service_date, last_service_date) = query.parts();
        let request = pb::GetSuccessReportRequest {
            parent,
            first_service_date,
            last_service_date,
            group_by: by
                .iter()
                .map(|group| pb::SuccessGroup::from(*group).into())
                .collect(),
        };
        let answer = self.client.clone().get_success_report(request).await?;
        Ok(answer.into_inner())
    }
}

impl ReportQuery {
    /// As the wire has it: parent, first and last service date.
    fn parts(&self) -> (String, String, String) {
        (
            self.user.map(user_name).unwrap_or_default(),
            self.first.clone().unwrap_or_default(),
            self.last.clone().unwrap_or_default(),
        )
    }
}
