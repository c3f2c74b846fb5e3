//! Delivery schedules, for Users and the Service Desk.

use std::collections::BTreeSet;

use dco_block::Eui64;
use dco_engine::{ActOnSchedule, ListSchedules, Reply, Request as Ask, ScheduleRequest};
use dco_proto::v1 as pb;
use dco_schedule::{Act, ScheduleId};
use tonic::{Request, Response, Status};

use super::{About, Context};
use crate::convert::name::OfUser;
use crate::convert::page::{Page, next_token};
use crate::convert::schedules::{self, capacity, crowded_window, plans, read, shown};
use crate::permit::{Caller, Officer, Permit, Reader, ScheduleParty, Staff, User};
use crate::status::Fault;

/// The service.
#[derive(Debug)]
pub(crate) struct DeliverySchedules(pub Context);

type Acted = Result<Response<pb::ActOnScheduleResponse>, Status>;

#[tonic::async_trait]
impl pb::delivery_schedules_server::DeliverySchedules for DeliverySchedules {
    async fn request_schedule(&self, request: Request<pb::RequestScheduleRequest>) -> Acted {
        let (caller, message) = self.0.admit(request)?;
        let (by, parent) = caller.permit_named::<User>(&message.parent, "parent")?;
        parent.nothing_more()?;
        let asked = read::requested(&by, message)?;
        Ok(Response::new(self.request(by, asked).await?))
    }

    async fn offer_schedule(&self, request: Request<pb::OfferScheduleRequest>) -> Acted {
        let (caller, message) = self.0.admit(request)?;
        let by_officer = caller.permit(())?;
        self.offer(by_officer, &caller, message).await
    }

    async fn counter_schedule(&self, request: Request<pb::CounterScheduleRequest>) -> Acted {
        let (caller, message) = self.0.admit(request)?;
        let (deal, answer_by_us) = (message.deal, read::at_us(message.answer_by_time));
        let act = || {
            let deal = read::deal(deal.unwrap_or_default())?;
            Ok(Act::Counter { deal, answer_by_us })
        };
        self.step(&caller, message.head, act).await
    }

    async fn accept_schedule(&self, request: Request<pb::AcceptScheduleRequest>) -> Acted {
        let (caller, message) = self.0.admit(request)?;
        self.step(&caller, message.head, || Ok(Act::Accept)).await
    }

    async fn decline_schedule(&self, request: Request<pb::DeclineScheduleRequest>) -> Acted {
        let (caller, message) = self.0.admit(request)?;
        self.step(&caller, message.head, || Ok(Act::Decline)).await
    }

    async fn amend_schedule(&self, request: Request<pb::AmendScheduleRequest>) -> Acted {
        let (caller, mut message) = self.0.admit(request)?;
        let head = message.head.take();
        self.step(&caller, head, || read::amendment(message)).await
    }

    async fn withdraw_schedule(&self, request: Request<pb::WithdrawScheduleRequest>) -> Acted {
        let (caller, message) = self.0.admit(request)?;
        self.step(&caller, message.head, || Ok(Act::Withdraw)).await
    }

    async fn end_schedule(&self, request: Request<pb::EndScheduleRequest>) -> Acted {
        let (caller, message) = self.0.admit(request)?;
        let end_date = message.end_date;
        self.step(&caller, message.head, || read::end(&end_date))
            .await
    }

    async fn get_schedule(
        &self,
        request: Request<pb::GetScheduleRequest>,
    ) -> Result<Response<pb::Schedule>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let (by, name) = caller.permit_named::<Reader>(&message.name, "name")?;
        let number = name.schedule()?;
        let view = self.get(by, number).await?;
        Ok(Response::new(shown::whole(&view)))
    }

    async fn list_schedules(
        &self,
        request: Request<pb::ListSchedulesRequest>,
    ) -> Result<Response<pb::ListSchedulesResponse>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let about = About::of(&caller, &message.parent)?;
        Ok(Response::new(self.list(about, &caller, &message).await?))
    }

    async fn fit_schedule(
        &self,
        request: Request<pb::FitScheduleRequest>,
    ) -> Result<Response<pb::FitScheduleResponse>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let by = caller.permit(())?;
        Ok(Response::new(self.fit(by, &caller, message).await?))
    }

    async fn propose_replan(
        &self,
        request: Request<pb::ProposeReplanRequest>,
    ) -> Result<Response<pb::Replan>, Status> {
        let (caller, _) = self.0.admit(request)?;
        let by = caller.permit(())?;
        Ok(Response::new(self.replan(by, &caller).await?))
    }

    async fn simulate_schedule(
        &self,
        request: Request<pb::SimulateScheduleRequest>,
    ) -> Result<Response<pb::SimulateScheduleResponse>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let by = caller.permit(())?;
        Ok(Response::new(self.simulate(by, &caller, message).await?))
    }

    async fn get_capacity(
        &self,
        request: Request<pb::GetCapacityRequest>,
    ) -> Result<Response<pb::GetCapacityResponse>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let about = About::of(&caller, &message.parent)?;
        Ok(Response::new(
            self.capacity(about, &caller, &message).await?,
        ))
    }
}

impl DeliverySchedules {
    /// What is only validated has no name yet: another request may be given it.
    async fn request(
        &self,
        by: Permit<User>,
        asked: ActOnSchedule,
    ) -> Result<pb::ActOnScheduleResponse, Fault> {
        use pb::act_on_schedule_response::Result as Wire;
        let validate_only = asked.validate_only;
        let mut answer = self.act(by.user(), asked).await?;
        if let Some(Wire::Schedule(schedule)) = answer.result.as_mut().filter(|_| validate_only) {
            schedule.name.clear();
        }
        Ok(answer)
    }

    async fn offer(
        &self,
        _by: Permit<Officer>,
        caller: &Caller,
        message: pb::OfferScheduleRequest,
    ) -> Acted {
        let (deal, answer_by_us) = (message.deal, read::at_us(message.answer_by_time));
        let act = || {
            let deal = read::deal(deal.unwrap_or_default())?;
            Ok(Act::Offer { deal, answer_by_us })
        };
        self.step(caller, message.head, act).await
    }

    /// One act on a schedule that is there: permission first, then the name, then the act itself is read.
    async fn step(
        &self,
        caller: &Caller,
        head: Option<pb::ScheduleActHead>,
        act: impl FnOnce() -> Result<Act<Eui64>, Fault> + Send,
    ) -> Acted {
        let head = head.unwrap_or_default();
        let (by, name) = caller.permit_named::<ScheduleParty>(&head.name, "head.name")?;
        let asked = read::act(&by, name.schedule()?, &head, act()?)?;
        Ok(Response::new(self.act(by.user(), asked).await?))
    }

    async fn act(
        &self,
        user: Eui64,
        asked: ActOnSchedule,
    ) -> Result<pb::ActOnScheduleResponse, Fault> {
        use pb::act_on_schedule_response::Result as Wire;
        let reply = self.ask(user, ScheduleRequest::Act(asked)).await?;
        let result = match reply {
            Reply::Schedule(view) => Wire::Schedule(shown::whole(&view)),
            Reply::Action(view) => Wire::Action(shown::action(&view)),
            _ => return Err(Fault::wrong_answer("an act on a schedule")),
        };
        Ok(pb::ActOnScheduleResponse {
            result: Some(result),
        })
    }

    async fn get(
        &self,
        by: Permit<Reader>,
        number: u32,
    ) -> Result<Box<dco_engine::ScheduleView>, Fault> {
        let user = by.user();
        let ask = ScheduleRequest::Get {
            id: ScheduleId { user, number },
            reader: by.reads_as(),
        };
        match self.ask(user, ask).await? {
            Reply::Schedule(view) => Ok(view),
            _ => Err(Fault::wrong_answer("a schedule")),
        }
    }

    async fn list(
        &self,
        about: About,
        caller: &Caller,
        message: &pb::ListSchedulesRequest,
    ) -> Result<pb::ListSchedulesResponse, Fault> {
        let user = about.user();
        let whose = user.map_or_else(|| "all".to_owned(), |user| user.to_string());
        let list = format!("schedules of {whose}, open only: {}", message.open_only);
        let page = Page::<After>::read(&list, message.page_size, &message.page_token)?;
        let ask = ScheduleRequest::List(ListSchedules {
            user,
            after: page.after.map(|after| after.0),
            open_only: message.open_only,
            limit: page.look_ahead(),
            reader: about.reads_as(),
        });
        let Reply::Schedules(mut views) = self.ask(caller.eui64(), ask).await? else {
            return Err(Fault::wrong_answer("a list of schedules"));
        };
        let last = page.cut(&mut views).map(|view| schedules::name(view.id));
        Ok(pb::ListSchedulesResponse {
            next_page_token: next_token(&list, last),
            schedules: views.iter().map(shown::listed).collect(),
        })
    }

    async fn fit(
        &self,
        _by: Permit<Staff>,
        caller: &Caller,
        message: pb::FitScheduleRequest,
    ) -> Result<pb::FitScheduleResponse, Fault> {
        let (by, name) = caller.permit_named::<Reader>(&message.name, "name")?;
        let user = by.user();
        let window = message.window.map(|it| read::window(it, "window"));
        let ask = if name.is_user() {
            ScheduleRequest::ProposeFit {
                user,
                request: read::request(message.request.unwrap_or_default())?,
                window: window.transpose()?,
            }
        } else {
            ScheduleRequest::ProposeMore {
                id: self.get(by, name.schedule()?).await?.id,
                window: window.transpose()?,
            }
        };
        match self.ask(user, ask).await? {
            Reply::Fits(fits) => Ok(plans::fits(&fits)),
            _ => Err(Fault::wrong_answer("offers")),
        }
    }

    async fn replan(&self, _by: Permit<Staff>, caller: &Caller) -> Result<pb::Replan, Fault> {
        let ask = ScheduleRequest::ProposeReplan;
        match self.ask(caller.eui64(), ask).await? {
            Reply::Replan { replan, crowded } => Ok(pb::Replan {
                crowded_windows: crowded.iter().map(crowded_window).collect(),
                ..plans::replan(&replan)
            }),
            _ => Err(Fault::wrong_answer("a re-plan")),
        }
    }

    async fn simulate(
        &self,
        _by: Permit<Staff>,
        caller: &Caller,
        message: pb::SimulateScheduleRequest,
    ) -> Result<pb::SimulateScheduleResponse, Fault> {
        let requests = plans::simulated_requests(message.requests)?;
        let users: BTreeSet<Eui64> = requests.iter().map(|(user, _)| *user).collect();
        for user in users {
            self.check_known(user).await?;
        }
        let asked: Vec<_> = requests.iter().map(|(_, request)| *request).collect();
        let ask = ScheduleRequest::Simulate { requests };
        match self.ask(caller.eui64(), ask).await? {
            Reply::Simulation(simulation) => Ok(plans::simulation(&asked, &simulation)),
            _ => Err(Fault::wrong_answer("a simulation")),
        }
    }

    async fn capacity(
        &self,
        about: About,
        caller: &Caller,
        message: &pb::GetCapacityRequest,
    ) -> Result<pb::GetCapacityResponse, Fault> {
        let ask = capacity::get(about, message)?;
        if let Some(user) = about.user() {
            self.check_known(user).await?;
        }
        let days: Vec<_> = match self.ask(caller.eui64(), ask).await? {
            Reply::Capacity(days) => days.iter().map(capacity::day).collect(),
            Reply::OwnCapacity(days) => days.iter().map(capacity::own_day).collect(),
            _ => return Err(Fault::wrong_answer("capacity")),
        };
        let next_date = capacity::next_date(&message.last_date, &days);
        Ok(pb::GetCapacityResponse { days, next_date })
    }

    /// Whoever is a User no longer may still have schedules.
    async fn check_known(&self, user: Eui64) -> Result<(), Fault> {
        if self.0.register.has_user(user) {
            return Ok(());
        }
        let one = ScheduleRequest::List(ListSchedules {
            user: Some(user),
            after: None,
            open_only: false,
            limit: 1,
            reader: dco_engine::Reader::Desk,
        });
        match self.ask(user, one).await? {
            Reply::Schedules(views) if views.is_empty() => Err(Fault::unknown_user(user)),
            Reply::Schedules(_) => Ok(()),
            _ => Err(Fault::wrong_answer("a list of schedules")),
        }
    }

    async fn ask(&self, user: Eui64, ask: ScheduleRequest) -> Result<Reply, Fault> {
        self.0.engine.ask(user, Ask::Schedules(ask)).await
    }
}

/// The schedule after which a list goes on; it stands in the token as its name.
#[derive(Debug, Clone, Copy)]
struct After(ScheduleId<Eui64>);

impl std::str::FromStr for After {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let name = OfUser::read(text, "page_token")?;
        let (user, number) = (name.user, name.schedule()?);
        Ok(Self(ScheduleId { user, number }))
    }
}
