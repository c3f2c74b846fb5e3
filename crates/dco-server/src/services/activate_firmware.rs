//! SRV 11.3 for Users.

use dco_block::Eui64;
use dco_engine::{
    ActivationName, BatchView, Changes, Page as EnginePage, Reply, Request as Ask, Topic,
};
use dco_proto::v1 as pb;
use tokio::sync::watch;
use tonic::{Request, Response, Status};

use super::{Answers, Context, answers};
use crate::convert::page::{Page, next_token};
use crate::convert::{activation, batch, explain, transfer};
use crate::permit::{Permit, Reader, User};
use crate::status::Fault;

/// Activations in one message of a change feed: well below the limit of a message.
const CHANGES_MAX: u32 = 1_000;

/// The service.
#[derive(Debug)]
pub(crate) struct ActivateFirmware(pub Context);

#[tonic::async_trait]
impl pb::activate_firmware_server::ActivateFirmware for ActivateFirmware {
    async fn submit_batch(
        &self,
        request: Request<pb::SubmitBatchRequest>,
    ) -> Result<Response<pb::Batch>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let (by, parent) = caller.permit_named(&message.parent, "parent")?;
        parent.nothing_more()?;
        Ok(Response::new(self.submit(by, message).await?))
    }

    async fn get_batch(
        &self,
        request: Request<pb::GetBatchRequest>,
    ) -> Result<Response<pb::Batch>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let (by, name) = caller.permit_named::<Reader>(&message.name, "name")?;
        let (user, number) = (by.user(), name.batch()?);
        let view = self.batch(user, Ask::GetBatch { user, number }).await?;
        Ok(Response::new(batch::whole(&view)))
    }

    async fn list_batches(
        &self,
        request: Request<pb::ListBatchesRequest>,
    ) -> Result<Response<pb::ListBatchesResponse>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let (by, parent) = caller.permit_named(&message.parent, "parent")?;
        parent.nothing_more()?;
        Ok(Response::new(self.list(by, &message).await?))
    }

    async fn cancel_batch(
        &self,
        request: Request<pb::CancelBatchRequest>,
    ) -> Result<Response<pb::Batch>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let (by, name) = caller.permit_named(&message.name, "name")?;
        let number = name.batch()?;
        Ok(Response::new(self.cancel(by, number, &message).await?))
    }

    async fn get_activation(
        &self,
        request: Request<pb::GetActivationRequest>,
    ) -> Result<Response<pb::Activation>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let (by, name) = caller.permit_named(&message.name, "name")?;
        let name = name.activation()?;
        Ok(Response::new(self.activation(by, name).await?))
    }

    async fn list_activations(
        &self,
        request: Request<pb::ListActivationsRequest>,
    ) -> Result<Response<pb::ListActivationsResponse>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let (by, parent) = caller.permit_named(&message.parent, "parent")?;
        let number = parent.batch()?;
        let listed = self.list_activations_of(by, number, &message).await?;
        Ok(Response::new(listed))
    }

    async fn explain_activation(
        &self,
        request: Request<pb::ExplainActivationRequest>,
    ) -> Result<Response<pb::Explanation>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let (by, name) = caller.permit_named(&message.name, "name")?;
        let name = name.activation()?;
        Ok(Response::new(self.explain(by, name).await?))
    }

    type WatchBatchStream = Answers<pb::WatchBatchResponse>;

    async fn watch_batch(
        &self,
        request: Request<pb::WatchBatchRequest>,
    ) -> Result<Response<Self::WatchBatchStream>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let (by, name) = caller.permit_named(&message.name, "name")?;
        let number = name.batch()?;
        Ok(Response::new(
            self.watch(by, number, message.position).await?,
        ))
    }
}

impl ActivateFirmware {
    async fn submit(
        &self,
        by: Permit<User>,
        message: pb::SubmitBatchRequest,
    ) -> Result<pb::Batch, Fault> {
        let asked = batch::submit(by.user(), message)?;
        let view = self.batch(by.user(), Ask::SubmitBatch(asked)).await?;
        Ok(batch::whole(&view))
    }

    async fn cancel(
        &self,
        by: Permit<User>,
        number: u64,
        message: &pb::CancelBatchRequest,
    ) -> Result<pb::Batch, Fault> {
        let (id, validate_only) = (&message.request_id, message.validate_only);
        let asked = transfer::cancel(by.user(), number, id, validate_only)?;
        let view = self.batch(by.user(), Ask::CancelBatch(asked)).await?;
        Ok(batch::batch(&view))
    }

    async fn batch(&self, user: Eui64, ask: Ask) -> Result<BatchView, Fault> {
        match self.0.engine.ask(user, ask).await? {
            Reply::Batch(view) => Ok(view),
            _ => Err(Fault::wrong_answer("a batch")),
        }
    }

    async fn list(
        &self,
        by: Permit<Reader>,
        message: &pb::ListBatchesRequest,
    ) -> Result<pb::ListBatchesResponse, Fault> {
        let user = by.user();
        let list = format!("batches of {user}");
        let page = Page::<u64>::read(&list, message.page_size, &message.page_token)?;
        let ask = Ask::ListBatches(EnginePage {
            user,
            before: page.after,
            limit: page.look_ahead(),
        });
        let Reply::Batches(mut views) = self.0.engine.ask(user, ask).await? else {
            return Err(Fault::wrong_answer("a list of batches"));
        };
        let last = page.cut(&mut views).and_then(|view| view.number);
        Ok(pb::ListBatchesResponse {
            next_page_token: next_token(&list, last),
            batches: views.iter().map(batch::batch).collect(),
        })
    }

    async fn activation(
        &self,
        by: Permit<Reader>,
        name: ActivationName,
    ) -> Result<pb::Activation, Fault> {
        let ask = Ask::GetActivation(name);
        match self.0.engine.ask(by.user(), ask).await? {
            Reply::Activation(view) => Ok(activation::activation(&view)),
            _ => Err(Fault::wrong_answer("an activation")),
        }
    }

    async fn list_activations_of(
        &self,
        by: Permit<Reader>,
        number: u64,
        message: &pb::ListActivationsRequest,
    ) -> Result<pb::ListActivationsResponse, Fault> {
        let user = by.user();
        let list = format!("activations of {user}, {number}");
        let page = Page::<u32>::read(&list, message.page_size, &message.page_token)?;
        let (skip, limit) = (page.after.unwrap_or(0), page.look_ahead());
        let ask = Ask::ListActivations {
            user,
            number,
            skip,
            limit,
        };
        let reply = self.0.engine.ask(user, ask).await?;
        let Reply::Activations {
            mut activations, ..
        } = reply
        else {
            return Err(Fault::wrong_answer("a list of activations"));
        };
        let next = skip.saturating_add(page.limit);
        let last = page.cut(&mut activations).map(|_| next);
        Ok(pb::ListActivationsResponse {
            next_page_token: next_token(&list, last),
            activations: activations.iter().map(activation::activation).collect(),
        })
    }

    async fn explain(
        &self,
        by: Permit<Reader>,
        name: ActivationName,
    ) -> Result<pb::Explanation, Fault> {
        let ask = Ask::ExplainActivation(name);
        match self.0.engine.ask(by.user(), ask).await? {
            Reply::Explanation(explanation) => Ok(explain::explanation(&explanation)),
            _ => Err(Fault::wrong_answer("an explanation")),
        }
    }

    async fn watch(
        &self,
        by: Permit<Reader>,
        number: u64,
        position: u64,
    ) -> Result<Answers<pb::WatchBatchResponse>, Fault> {
        let user = by.user();
        // Subscribed first, so that no change falls between the first look and the waiting.
        let changes = self.0.engine.watch(Topic::Batch { user, number }).await?;
        // What is wrong with the name is the answer to the call and not to its first message.
        self.batch(user, Ask::GetBatch { user, number }).await?;
        let watcher = Watcher {
            context: self.0.clone(),
            by,
            number,
            position,
            changes,
            then: Then::Read,
        };
        Ok(answers(watcher, Watcher::step))
    }
}

/// Somebody who reads a batch's changes until it is settled.
struct Watcher {
    context: Context,
    by: Permit<Reader>,
    number: u64,
    position: u64,
    changes: watch::Receiver<()>,
    then: Then,
}

/// What comes after what was told.
enum Then {
    /// There is more already, or nothing was told yet.
    Read,
    /// Nothing until something changes.
    Wait,
    /// Nothing any more.
    End,
}

impl Watcher {
    async fn step(mut self) -> Result<Option<(pb::WatchBatchResponse, Self)>, Fault> {
        let changes = match self.then {
            Then::End => return Ok(None),
            Then::Read => self.read().await?,
            Then::Wait => self.wait().await?,
        };
        self.position = changes.position;
        self.then = if !changes.complete {
            Then::Read
        } else if changes.batch.counts.open() == 0 {
            Then::End
        } else {
            Then::Wait
        };
        Ok(Some((batch::changes(&changes), self)))
    }

    /// What is new after the position. However much changes in between, each activation is told once.
    async fn wait(&mut self) -> Result<Changes, Fault> {
        loop {
            self.context.changed(&mut self.changes).await?;
            let changes = self.read().await?;
            if !changes.activations.is_empty() {
                return Ok(changes);
            }
        }
    }

    async fn read(&self) -> Result<Changes, Fault> {
        let user = self.by.user();
        let ask = Ask::ReadChanges {
            user,
            number: self.number,
            position: self.position,
            limit: CHANGES_MAX,
        };
        match self.context.engine.ask(user, ask).await? {
            Reply::Changes(changes) => Ok(changes),
            _ => Err(Fault::wrong_answer("changes of a batch")),
        }
    }
}
