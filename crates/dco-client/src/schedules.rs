//! Delivery schedules, for Users and the Service Desk.

use dco_block::Eui64;
use dco_proto::v1 as pb;
use dco_proto::v1::delivery_schedules_client::DeliverySchedulesClient as Wire;
use tonic::transport::Channel;

use crate::convert::schedule::{amendment, head};
use crate::convert::{page, page_parts, timestamp, user_name};
use crate::types::{
    Acted, CapacityDay, Fits, Page, PageRequest, Replan, Schedule, ScheduleAct, ScheduleName,
    ScheduleRequest, Signing, SimulatedRequest, Simulation,
};
use crate::{ClientError, Link};

/// The way to agree schedules. A User speaks for itself, an officer of the Service Desk with everybody. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SchedulesClient {
    client: Wire<Channel>,
}

impl SchedulesClient {
    /// Whoever speaks over this link.
    pub fn new(link: &Link) -> Self {
        Self {
            client: Wire::new(link.channel()),
        }
    }

    /// A User asks for a schedule. The same request id gives the same schedule.
    pub async fn request(
        &self,
        user: Eui64,
        request: ScheduleRequest,
        signing: Signing,
    ) -> Result<Acted, ClientError> {
        let request = pb::RequestScheduleRequest {
            parent: user_name(user),
            request_id: signing.request_id.to_string(),
            validate_only: signing.validate_only,
            reason: signing.reason,
            request: Some(request.into()),
        };
        let answer = self.client.clone().request_schedule(request).await?;
        Ok(answer.into_inner().try_into()?)
    }

    /// Does something to a schedule as it was when `etag` was read. The same request id gives the same answer.
    pub async fn act(
        &self,
        name: ScheduleName,
        etag: String,
        act: ScheduleAct,
        signing: Signing,
    ) -> Result<Acted, ClientError> {
        let beyond_request = act.is_beyond_request();
        let head = head(name, etag, signing).map(|head| pb::ScheduleActHead {
            beyond_request,
            ..head
        });
        let mut client = self.client.clone();
        let answer = match act {
            ScheduleAct::Offer(it) => {
                let request = pb::OfferScheduleRequest {
                    head,
                    deal: Some(it.deal.into()),
                    answer_by_time: Some(timestamp(it.answer_by_us)),
                };
                client.offer_schedule(request).await?
            }
            ScheduleAct::Counter(it) => {
                let request = pb::CounterScheduleRequest {
                    head,
                    deal: Some(it.deal.into()),
                    answer_by_time: Some(timestamp(it.answer_by_us)),
                };
                client.counter_schedule(request).await?
            }
            ScheduleAct::Accept => {
                let request = pb::AcceptScheduleRequest { head };
                client.accept_schedule(request).await?
            }
            ScheduleAct::Decline => {
                let request = pb::DeclineScheduleRequest { head };
                client.decline_schedule(request).await?
            }
            ScheduleAct::Withdraw => {
                let request = pb::WithdrawScheduleRequest { head };
                client.withdraw_schedule(request).await?
            }
            ScheduleAct::Amend(it, cause) => {
                let request = amendment(head, it.deal, Some(it.answer_by_us), cause);
                client.amend_schedule(request).await?
            }
            ScheduleAct::Impose(it) => {
                let request = amendment(head, it.deal, None, Some(it.cause));
                client.amend_schedule(request).await?
            }
            ScheduleAct::End(end_date) => {
                let request = pb::EndScheduleRequest { head, end_date };
                client.end_schedule(request).await?
            }
        };
        Ok(answer.into_inner().try_into()?)
    }

    /// The schedule as it is now, with its history.
    pub async fn schedule(&self, name: ScheduleName) -> Result<Schedule, ClientError> {
        let request = pb::GetScheduleRequest {
            name: name.to_string(),
        };
        let answer = self.client.clone().get_schedule(request).await?;
        Ok(answer.into_inner().try_into()?)
    }

    /// Schedules by User and number, without days and history; of every User that the caller may see when `user` is `None`.
    pub async fn schedules(
        &self,
        user: Option<Eui64>,
        open_only: bool,
        wanted: &PageRequest,
    ) -> Result<Page<Schedule>, ClientError> {
        let (page_size, page_token) = page_parts(wanted);
        let request = pb::ListSchedulesRequest {
            parent: user.map(user_name).unwrap_or_default(),
            page_size,
            page_token,
            open_only,
        };
        let answer = self.client.clone().list_schedules(request).await?;
        let answer = answer.into_inner();
        Ok(page(answer.schedules, answer.next_page_token)?)
    }

    /// Three ways to meet the request of a schedule, in these hours of the day if any are given.
    pub async fn fit(
        &self,
        name: ScheduleName,
        window_hours: Option<(u32, u32)>,
    ) -> Result<Fits, ClientError> {
        let request = pb::FitScheduleRequest {
            name: name.to_string(),
            request: None,
            window: window_hours.map(|(from_hour, to_hour)| pb::HourWindow { from_hour, to_hour }),
        };
        let answer = self.client.clone().fit_schedule(request).await?;
        Ok(answer.into_inner().try_into()?)
    }

    /// Three ways to meet a request that nobody has made yet.
    pub async fn fit_request(
        &self,
        user: Eui64,
        request: ScheduleRequest,
    ) -> Result<Fits, ClientError> {
        let request = pb::FitScheduleRequest {
            name: user_name(user),
            request: Some(request.into()),
            window: None,
        };
        let answer = self.client.clone().fit_schedule(request).await?;
        Ok(answer.into_inner().try_into()?)
    }

    /// Whom to move where, so that no day has more agreed than it has room for.
    pub async fn replan(&self) -> Result<Replan, ClientError> {
        let request = pb::ProposeReplanRequest {};
        let answer = self.client.clone().propose_replan(request).await?;
        Ok(answer.into_inner().try_into()?)
    }

    /// What if these requests were agreed?
    pub async fn simulate(
        &self,
        requests: Vec<SimulatedRequest>,
    ) -> Result<Simulation, ClientError> {
        let request = pb::SimulateScheduleRequest {
            requests: requests.into_iter().map(Into::into).collect(),
        };
        let answer = self.client.clone().simulate_schedule(request).await?;
        Ok(answer.into_inner().try_into()?)
    }

    /// What the service days from `first` to `last` (`YYYY-MM-DD`, both included) have, in as many calls as that takes;
    /// `None` leaves that end to the service. A User reads its own; for all others over all Users, or as `user` reads it.
    pub async fn capacity(
        &self,
        user: Option<Eui64>,
        first: Option<&str>,
        last: Option<&str>,
    ) -> Result<Vec<CapacityDay>, ClientError> {
        let mut days = Vec::new();
        let mut first = first.unwrap_or_default().to_owned();
        loop {
            let answer = self.capacity_part(user, &first, last).await?;
            days.extend(answer.days.into_iter().map(Into::into));
            // A day that is not after the one asked from would be answered for ever.
            if answer.next_date <= first {
                return Ok(days);
            }
            first = answer.next_date;
        }
    }

    async fn capacity_part(
        &self,
        user: Option<Eui64>,
        first: &str,
        last: Option<&str>,
    ) -> Result<pb::GetCapacityResponse, ClientError> {
        let request = pb::GetCapacityRequest {
            parent: user.map(user_name).unwrap_or_default(),
            first_date: first.to_owned(),
            last_date: last.unwrap_or_default().to_owned(),
        };
        let answer = self.client.clone().get_capacity(request).await?;
        Ok(answer.into_inner())
    }
}
