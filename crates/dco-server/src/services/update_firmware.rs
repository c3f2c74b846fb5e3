//! SRV 11.1 for Users.

use std::ops::RangeInclusive;

use dco_block::{Eui64, RawBlock};
use dco_engine::{
    BlockSource, OpenTransfer, Page as EnginePage, Reply, Request as Ask, Topic, TransferState,
    TransferView,
};
use dco_proto::v1 as pb;
use pb::send_blocks_request::Kind;
use tokio::sync::watch;
use tonic::{Request, Response, Status, Streaming};

use super::{Answers, Context, answers};
use crate::convert::page::{Page, next_token};
use crate::convert::{ranges, transfer};
use crate::intake::{Progress, Receiving, Said, receive};
use crate::permit::{Permit, Reader, User};
use crate::status::Fault;

/// The service.
#[derive(Debug)]
pub(crate) struct UpdateFirmware(pub Context);

#[tonic::async_trait]
impl pb::update_firmware_server::UpdateFirmware for UpdateFirmware {
    async fn open_transfer(
        &self,
        request: Request<pb::OpenTransferRequest>,
    ) -> Result<Response<pb::Transfer>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let (by, parent) = caller.permit_named(&message.parent, "parent")?;
        parent.nothing_more()?;
        Ok(Response::new(self.open(by, message).await?))
    }

    type SendBlocksStream = Answers<pb::SendBlocksResponse>;

    async fn send_blocks(
        &self,
        request: Request<Streaming<pb::SendBlocksRequest>>,
    ) -> Result<Response<Self::SendBlocksStream>, Status> {
        let (caller, mut blocks) = self.0.admit(request)?;
        // Asked before the first message is waited for: who is no User at all learns it at once.
        caller.permit_own::<User>()?;
        let first = next_message(&mut blocks).await?;
        let Some(Kind::Transfer(name)) = first else {
            return Err(Fault::out_of_turn("the first message must name the transfer").into());
        };
        let (by, name) = caller.permit_named::<User>(&name, "transfer")?;
        let number = name.transfer()?;
        Ok(Response::new(self.receive(by, number, blocks).await?))
    }

    async fn get_transfer(
        &self,
        request: Request<pb::GetTransferRequest>,
    ) -> Result<Response<pb::Transfer>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let (by, name) = caller.permit_named(&message.name, "name")?;
        let view = self.view(by, name.transfer()?).await?;
        Ok(Response::new(transfer::whole(&view)))
    }

    async fn list_transfers(
        &self,
        request: Request<pb::ListTransfersRequest>,
    ) -> Result<Response<pb::ListTransfersResponse>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let (by, parent) = caller.permit_named(&message.parent, "parent")?;
        parent.nothing_more()?;
        Ok(Response::new(self.list(by, &message).await?))
    }

    type WatchTransferStream = Answers<pb::Transfer>;

    async fn watch_transfer(
        &self,
        request: Request<pb::WatchTransferRequest>,
    ) -> Result<Response<Self::WatchTransferStream>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let (by, name) = caller.permit_named(&message.name, "name")?;
        Ok(Response::new(self.watch(by, name.transfer()?).await?))
    }

    async fn cancel_transfer(
        &self,
        request: Request<pb::CancelTransferRequest>,
    ) -> Result<Response<pb::Transfer>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let (by, name) = caller.permit_named(&message.name, "name")?;
        let number = name.transfer()?;
        Ok(Response::new(self.cancel(by, number, &message).await?))
    }
}

impl UpdateFirmware {
    async fn open(
        &self,
        by: Permit<User>,
        message: pb::OpenTransferRequest,
    ) -> Result<pb::Transfer, Fault> {
        let asked: OpenTransfer = transfer::open(by.user(), message)?;
        let view = self.transfer(by.user(), Ask::OpenTransfer(asked)).await?;
        Ok(transfer::whole(&view))
    }

    async fn cancel(
        &self,
        by: Permit<User>,
        number: u64,
        message: &pb::CancelTransferRequest,
    ) -> Result<pb::Transfer, Fault> {
        let (id, validate_only) = (&message.request_id, message.validate_only);
        let asked = transfer::cancel(by.user(), number, id, validate_only)?;
        let view = self.transfer(by.user(), Ask::CancelTransfer(asked)).await?;
        Ok(transfer::transfer(&view))
    }

    async fn transfer(&self, user: Eui64, ask: Ask) -> Result<TransferView, Fault> {
        match self.0.engine.ask(user, ask).await? {
            Reply::Transfer(view) => Ok(view),
            _ => Err(Fault::wrong_answer("a transfer")),
        }
    }

    async fn view(&self, by: Permit<Reader>, number: u64) -> Result<TransferView, Fault> {
        let user = by.user();
        self.transfer(user, Ask::GetTransfer { user, number }).await
    }

    async fn list(
        &self,
        by: Permit<Reader>,
        message: &pb::ListTransfersRequest,
    ) -> Result<pb::ListTransfersResponse, Fault> {
        let user = by.user();
        let list = format!("transfers of {user}");
        let page = Page::<u64>::read(&list, message.page_size, &message.page_token)?;
        let ask = Ask::ListTransfers(EnginePage {
            user,
            before: page.after,
            limit: page.look_ahead(),
        });
        let Reply::Transfers(mut views) = self.0.engine.ask(user, ask).await? else {
            return Err(Fault::wrong_answer("a list of transfers"));
        };
        let last = page.cut(&mut views).and_then(|view| view.number);
        Ok(pb::ListTransfersResponse {
            next_page_token: next_token(&list, last),
            transfers: views.iter().map(transfer::listed).collect(),
        })
    }

    async fn watch(&self, by: Permit<Reader>, number: u64) -> Result<Answers<pb::Transfer>, Fault> {
        let user = by.user();
        // Subscribed first, so that no change falls between the first look and the waiting.
        let changes = self
            .0
            .engine
            .watch(Topic::Transfer { user, number })
            .await?;
        // What is wrong with the name is the answer to the call and not to its first message.
        self.view(by, number).await?;
        let watcher = Watcher {
            service: Self(self.0.clone()),
            by,
            number,
            changes,
            seen: None,
        };
        Ok(answers(watcher, Watcher::step))
    }

    /// Starts to take blocks, and answers with what becomes of them.
    async fn receive(
        &self,
        by: Permit<User>,
        number: u64,
        blocks: Streaming<pb::SendBlocksRequest>,
    ) -> Result<Answers<pb::SendBlocksResponse>, Fault> {
        let from = Sender {
            context: self.0.clone(),
            by,
            number,
            blocks,
        };
        // Asked once here, so that what is wrong with the transfer is the answer to the call.
        from.attach().await?;
        let place = self.0.intake.place(by.user())?;
        let (progress, told) = Progress::new();
        let cut = self.0.stopping.cut.clone();
        let intake = self.0.intake.clone();
        // Apart from the answers, because reading waits for room on the way to the disk while
        // acknowledgements must go on.
        tokio::spawn(receive(intake, place, from, progress, cut));
        Ok(answers(told, |mut told| async move {
            match told.next().await {
                Said::End(how) => how.map(|()| None),
                Said::News {
                    acknowledged,
                    refused,
                } => Ok(Some((news(acknowledged, &refused), told))),
            }
        }))
    }
}

fn news(
    acknowledged: Vec<RangeInclusive<u32>>,
    refused: &[(u32, Fault)],
) -> pb::SendBlocksResponse {
    let refused = refused.iter();
    pb::SendBlocksResponse {
        acknowledged: ranges(acknowledged),
        refused: refused
            .map(|(index, fault)| transfer::block_refusal(*index, fault))
            .collect(),
    }
}

/// The blocks of one SendBlocks call.
struct Sender {
    context: Context,
    by: Permit<User>,
    number: u64,
    blocks: Streaming<pb::SendBlocksRequest>,
}

impl Receiving for Sender {
    async fn next(&mut self) -> Result<Option<RawBlock>, Fault> {
        match next_message(&mut self.blocks).await? {
            None => Ok(None),
            Some(Kind::Block(block)) => Ok(Some(transfer::raw_block(block))),
            Some(Kind::Transfer(_)) => {
                let message = "the transfer is named once; open another call for another transfer";
                Err(Fault::out_of_turn(message))
            }
        }
    }

    async fn attach(&self) -> Result<BlockSource, Fault> {
        let engine = &self.context.engine;
        engine.attach(self.by.user(), self.number).await
    }
}

/// The next message of a sender; nothing when it has no more.
async fn next_message(
    blocks: &mut Streaming<pb::SendBlocksRequest>,
) -> Result<Option<Kind>, Fault> {
    let message = blocks.message().await;
    let Some(message) = message.map_err(|status| Fault::transport(&status))? else {
        return Ok(None);
    };
    match message.kind {
        Some(kind) => Ok(Some(kind)),
        None => Err(Fault::out_of_turn("a message without content")),
    }
}

/// Somebody who looks at a transfer until it has its 11.1 Response.
struct Watcher {
    service: UpdateFirmware,
    by: Permit<Reader>,
    number: u64,
    changes: watch::Receiver<()>,
    seen: Option<TransferView>,
}

impl Watcher {
    async fn step(mut self) -> Result<Option<(pb::Transfer, Self)>, Fault> {
        let is_first = self.seen.is_none();
        let view = match self.seen.take() {
            None => self.look().await?,
            Some(seen) if is_over(seen.state) => return Ok(None),
            Some(seen) => self.next(&seen).await?,
        };
        let told = if is_first || is_over(view.state) {
            transfer::transfer(&view)
        } else {
            transfer::without_lists(&view)
        };
        self.seen = Some(view);
        Ok(Some((told, self)))
    }

    /// What is different from what was seen. However much changes in between, it is told once.
    async fn next(&mut self, seen: &TransferView) -> Result<TransferView, Fault> {
        loop {
            self.service.0.changed(&mut self.changes).await?;
            let view = self.look().await?;
            if view != *seen {
                return Ok(view);
            }
        }
    }

    async fn look(&self) -> Result<TransferView, Fault> {
        self.service.view(self.by, self.number).await
    }
}

fn is_over(state: TransferState) -> bool {
    !matches!(state, TransferState::Receiving | TransferState::Verifying)
}
