//! What parties are told, and what a User may send.

use dco_block::Eui64;
use dco_engine::{NoticeParty, Notices as View, Reply, Request as Ask, ScheduleRequest, Topic};
use dco_proto::v1 as pb;
use tokio::sync::watch;
use tonic::{Request, Response, Status};

use super::{Answers, Context, answers};
use crate::convert::notices::{limits, listed, notice_party, watched};
use crate::convert::page::Page;
use crate::permit::{Caller, NoticeReader, Permit, Reader};
use crate::status::Fault;

/// Notices in one message of a watch: well below the limit of a message.
const WATCHED_MAX: u32 = 1_000;

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
        Ok(Response::new(self.list(by, &message).await?))
    }

    type WatchNoticesStream = Answers<pb::WatchNoticesResponse>;

    async fn watch_notices(
        &self,
        request: Request<pb::WatchNoticesRequest>,
    ) -> Result<Response<Self::WatchNoticesStream>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let by = reader(&caller, &message.parent)?;
        Ok(Response::new(self.watch(by, message.position).await?))
    }

    async fn get_limits(
        &self,
        request: Request<pb::GetLimitsRequest>,
    ) -> Result<Response<pb::Limits>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let by = if message.parent.is_empty() {
            caller.permit_own()?
        } else {
            let (by, parent) = caller.permit_named::<Reader>(&message.parent, "parent")?;
            parent.nothing_more()?;
            by
        };
        Ok(Response::new(self.limits(by).await?))
    }
}

/// The right is asked for before what is wrong with the name is said.
fn reader(caller: &Caller, parent: &str) -> Result<Permit<NoticeReader>, Fault> {
    let read = notice_party(parent);
    let by = caller.permit(read.as_ref().ok().copied().flatten())?;
    read.map(|_| by)
}

impl Notices {
    async fn list(
        &self,
        by: Permit<NoticeReader>,
        message: &pb::ListNoticesRequest,
    ) -> Result<pb::ListNoticesResponse, Fault> {
        let page = Page::<u64>::read("notices", message.page_size, "")?;
        let (party, position) = (by.party(), message.position);
        let view = read(&self.0, party, position, page.limit).await?;
        Ok(listed(party, &view))
    }

    async fn watch(
        &self,
        by: Permit<NoticeReader>,
        position: u64,
    ) -> Result<Answers<pb::WatchNoticesResponse>, Fault> {
        let party = by.party();
        // Subscribed before the first look, so that nothing falls in between.
        let changes = self.0.engine.watch(Topic::Notices { party }).await?;
        let watcher = Watcher {
            context: self.0.clone(),
            party,
            position,
            changes,
        };
        Ok(answers(watcher, Watcher::step))
    }

    async fn limits(&self, by: Permit<Reader>) -> Result<pb::Limits, Fault> {
        let user = by.user();
        let ask = Ask::Schedules(ScheduleRequest::GetLimits { user });
        match self.0.engine.ask(user, ask).await? {
            Reply::Limits(view) => Ok(limits(user, &view)),
            _ => Err(Fault::wrong_answer("limits")),
        }
    }
}

/// Somebody who reads a party's notices as they come.
struct Watcher {
    context: Context,
    party: NoticeParty,
    position: u64,
    changes: watch::Receiver<()>,
}

impl Watcher {
    /// What is new after the position; waits while nothing is.
    async fn step(mut self) -> Result<Option<(pb::WatchNoticesResponse, Self)>, Fault> {
        loop {
            let view = read(&self.context, self.party, self.position, WATCHED_MAX).await?;
            self.position = view.position;
            if !view.notices.is_empty() {
                return Ok(Some((watched(self.party, &view), self)));
            }
            self.context.changed(&mut self.changes).await?;
        }
    }
}

async fn read(
    context: &Context,
    party: NoticeParty,
    position: u64,
    limit: u32,
) -> Result<View, Fault> {
    let ask = ScheduleRequest::ReadNotices {
        party,
        position,
        limit,
    };
    let reply = context.engine.ask(concerned(party), Ask::Schedules(ask));
    match reply.await? {
        Reply::Notices(view) => Ok(view),
        _ => Err(Fault::wrong_answer("notices")),
    }
}

/// Whose resources notices are about; those of staff are about nobody's alone.
fn concerned(party: NoticeParty) -> Eui64 {
    match party {
        NoticeParty::User(user) => user,
        NoticeParty::Desk | NoticeParty::Operators => Eui64::from_bits(0),
    }
}
