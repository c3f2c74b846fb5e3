//! What parties are told, and what a User may send.

use dco_block::Eui64;
use dco_engine::{Reply, Request as Ask, ScheduleRequest, Topic};
use dco_proto::v1 as pb;
use tokio::sync::watch;
use tonic::{Request, Response, Status};

use super::{Answers, Context, answers};
use crate::convert::notices;
use crate::convert::page::Page;
use crate::permit::{Caller, NoticeReader, Permit, Reader};
use crate::status::Fault;

/// The service.
#[derive(Debug)]
pub(crate) struct Notices(pub Context);

#[tonic::async_trait]
impl pb::notices_server::Notices for Notices {
    async fn list_notices(
        &self,
        request: Request<pb::ListNoticesRequest>,
    ) -> Result<Response<pb::ListNoticesResponse>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let by = reader(&caller, &message.parent)?;
        let told = Told::new(&self.0, &caller, by, &message)?;
        Ok(Response::new(told.read().await?))
    }

    type WatchNoticesStream = Answers<pb::ListNoticesResponse>;

    async fn watch_notices(
        &self,
        request: Request<pb::ListNoticesRequest>,
    ) -> Result<Response<Self::WatchNoticesStream>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let by = reader(&caller, &message.parent)?;
        let told = Told::new(&self.0, &caller, by, &message)?;
        Ok(Response::new(told.watch().await?))
    }

    async fn get_limits(
        &self,
        request: Request<pb::GetLimitsRequest>,
    ) -> Result<Response<pb::Limits>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let by = if message.parent.is_empty() {
            let by = caller.permit_own()?;
            if !caller.is_user(caller.eui64()) {
                let message = "limits are of a User, and the caller is none; name one like users/90-B3-D5-1F-30-01-00-00";
                return Err(Fault::argument("NAME_INVALID", "parent", message).into());
            }
            by
        } else {
            let (by, parent) = caller.permit_named::<Reader>(&message.parent, "parent")?;
            parent.nothing_more()?;
            by
        };
        Ok(Response::new(self.limits(by).await?))
    }
}

impl Notices {
    async fn limits(&self, by: Permit<Reader>) -> Result<pb::Limits, Fault> {
        let user = by.user();
        let ask = Ask::Schedules(ScheduleRequest::GetLimits { user });
        match self.0.engine.ask(user, ask).await? {
            // Whoever is a User no longer may still have schedules.
            Reply::Limits(view) if view.quotas.is_empty() && !self.0.register.has_user(user) => {
                Err(Fault::unknown_user(user))
            }
            Reply::Limits(view) => Ok(notices::limits(user, &view)),
            _ => Err(Fault::wrong_answer("limits")),
        }
    }
}

/// The right is asked for before what is wrong with the name is said.
fn reader(caller: &Caller, parent: &str) -> Result<Permit<NoticeReader>, Fault> {
    let read = notices::party(parent);
    let by = caller.permit(read.as_ref().ok().copied().flatten())?;
    read.map(|_| by)
}

/// A party's notices from a position on.
struct Told {
    context: Context,
    caller: Eui64,
    by: Permit<NoticeReader>,
    position: u64,
    limit: u32,
}

/// Somebody who waits for more of them.
struct Watcher {
    told: Told,
    changes: watch::Receiver<()>,
    /// There may be more already.
    more: bool,
}

impl Told {
    fn new(
        context: &Context,
        caller: &Caller,
        by: Permit<NoticeReader>,
        message: &pb::ListNoticesRequest,
    ) -> Result<Self, Fault> {
        let page = Page::<u64>::read("notices", message.page_size, "")?;
        Ok(Self {
            context: context.clone(),
            caller: caller.eui64(),
            by,
            position: message.position,
            limit: page.limit,
        })
    }

    async fn read(&self) -> Result<pb::ListNoticesResponse, Fault> {
        let party = self.by.party();
        let ask = Ask::Schedules(ScheduleRequest::ReadNotices {
            party,
            position: self.position,
            limit: self.limit,
        });
        match self.context.engine.ask(self.caller, ask).await? {
            Reply::Notices(read) => Ok(notices::notices(party, &read)),
            _ => Err(Fault::wrong_answer("notices")),
        }
    }

    async fn watch(self) -> Result<Answers<pb::ListNoticesResponse>, Fault> {
        // Subscribed first, so that no notice falls between the first look and the waiting.
        let party = self.by.party();
        let changes = self.context.engine.watch(Topic::Notices { party }).await?;
        let watcher = Watcher {
            told: self,
            changes,
            more: true,
        };
        Ok(answers(watcher, Watcher::step))
    }
}

impl Watcher {
    async fn step(mut self) -> Result<Option<(pb::ListNoticesResponse, Self)>, Fault> {
        loop {
            if !self.more {
                self.told.context.changed(&mut self.changes).await?;
            }
            let read = self.told.read().await?;
            self.told.position = read.position;
            self.more = !read.complete;
            if !read.notices.is_empty() {
                return Ok(Some((read, self)));
            }
        }
    }
}
