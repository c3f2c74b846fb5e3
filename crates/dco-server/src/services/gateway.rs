//! Southbound: gateways dial in, take offers, read images and report.

use dco_block::ImageId;
use dco_engine::{BlockSource, Reply, Request as Ask, Session, ToGateway};
use dco_proto::v1 as pb;
use pb::connect_request::Kind;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Request, Response, Status, Streaming};
use tracing::Instrument;

use super::{Answers, Context, answers};
use crate::convert::gateway;
use crate::driver::{Line, LineEnd};
use crate::kept::KeptImage;
use crate::memories::Memories;
use crate::permit::{self, Permit};
use crate::status::Fault;

/// The service.
#[derive(Debug)]
pub(crate) struct Gateway(pub Context, pub Memories);

#[tonic::async_trait]
impl pb::gateway_server::Gateway for Gateway {
    type ConnectStream = Answers<pb::ConnectResponse>;

    async fn connect(
        &self,
        request: Request<Streaming<pb::ConnectRequest>>,
    ) -> Result<Response<Self::ConnectStream>, Status> {
        let (caller, said) = self.0.admit(request)?;
        let by = caller.permit(())?;
        Ok(Response::new(self.converse(by, said).await?))
    }

    type ReadBlocksStream = Answers<pb::Block>;

    async fn read_blocks(
        &self,
        request: Request<pb::ReadBlocksRequest>,
    ) -> Result<Response<Self::ReadBlocksStream>, Status> {
        let (caller, message) = self.0.admit(request)?;
        let by = caller.permit(())?;
        Ok(Response::new(self.read(by, &message).await?))
    }
}

impl Gateway {
    async fn converse(
        &self,
        by: Permit<permit::Gateway>,
        mut said: Streaming<pb::ConnectRequest>,
    ) -> Result<Answers<pb::ConnectResponse>, Fault> {
        let first = tokio::select! {
            first = said.message() => first.map_err(|status| Fault::transport(&status))?,
            () = self.0.stopping.draining.cancelled() => return Err(Fault::draining()),
        };
        let Some(Kind::Hello(hello)) = first.and_then(|message| message.kind) else {
            return Err(Fault::out_of_turn("the first message must be a hello"));
        };
        let hello = gateway::hello(hello)?;
        self.1.comes_with(by.gateway(), &hello.memory_id)?;
        let (line, messages, ended) = Line::new();
        // The listening half ends when nobody hears the talking half any more, and the other way round.
        let hung_up = CancellationToken::new();
        let talk = Talk {
            context: self.0.clone(),
            messages,
            ended: Some(ended),
            _hung_up: hung_up.clone().drop_guard(),
        };
        let (open, opened) = oneshot::channel();
        let (context, gateway) = (self.0.clone(), by.gateway());
        // Apart from the call, which can end at any moment: a hello that was handed on is always followed by
        // the word that its stream is gone.
        tokio::spawn(async move {
            match context.engine.hello(gateway, hello, line).await {
                Ok(session) => {
                    let _gone = open.send(Ok(()));
                    let span = tracing::info_span!("gateway", %gateway, session = session.0);
                    listen(context, session, said, hung_up)
                        .instrument(span)
                        .await;
                }
                Err(fault) => {
                    let _gone = open.send(Err(fault));
                }
            }
        });
        opened.await.map_err(|_| self.0.stopped())??;
        Ok(answers(talk, Talk::step))
    }

    async fn read(
        &self,
        by: Permit<permit::Gateway>,
        message: &pb::ReadBlocksRequest,
    ) -> Result<Answers<pb::Block>, Fault> {
        let gateway = by.gateway();
        let image_id = ImageId::try_from(message.image_id.as_ref())
            .map_err(|error| Fault::argument("DIGEST_INVALID", "image_id", error))?;
        let block_bytes = message.block_bytes;
        if block_bytes == 0 {
            let message = "block_bytes must be the block size of the offer's manifest";
            return Err(Fault::argument(
                "BLOCK_BYTES_INVALID",
                "block_bytes",
                message,
            ));
        }
        let ask = Ask::OpenImage {
            gateway,
            image_id,
            block_bytes,
        };
        let reply = self.0.engine.ask(gateway, ask).await?;
        let Reply::Blocks(BlockSource {
            owner,
            manifest,
            kept: Some(kept),
        }) = reply
        else {
            return Err(Fault::wrong_answer("where an image is"));
        };
        let (next, block_count) = (message.first_index, manifest.block_count());
        if next >= block_count {
            return Err(Fault::no_such_block(next, block_count));
        }
        let reading = Reading {
            context: self.0.clone(),
            image: KeptImage::new(self.0.reader.clone(), owner, &kept, &manifest),
            owner,
            block_count,
            next,
        };
        Ok(answers(reading, Reading::step))
    }
}

/// Hands on what a gateway says until it has no more to say, says what cannot be understood, or the
/// service is stopping. The driver is told how it ended, and ends the other half.
async fn listen(
    context: Context,
    session: Session,
    mut said: Streaming<pb::ConnectRequest>,
    hung_up: CancellationToken,
) {
    // At debug, as calls are: a gateway may come and go as often as it likes.
    tracing::debug!("a gateway is connected");
    let why = tokio::select! {
        why = hand_on(&context, session, &mut said) => why,
        () = hung_up.cancelled() => LineEnd::HungUp,
        () = context.stopping.draining.cancelled() => LineEnd::Fault(Fault::draining()),
    };
    tracing::debug!(?why, "a gateway is gone");
    context.engine.gone(session, why).await;
}

async fn hand_on(
    context: &Context,
    session: Session,
    said: &mut Streaming<pb::ConnectRequest>,
) -> LineEnd {
    loop {
        let message = match said.message().await {
            Ok(Some(message)) => message,
            Ok(None) => return LineEnd::HungUp,
            Err(status) => return LineEnd::Fault(Fault::transport(&status)),
        };
        let handed_on = match gateway::report(message) {
            Ok((attempt, report)) => context.engine.report(session, attempt, report).await,
            Err(fault) => Err(fault),
        };
        if let Err(fault) = handed_on {
            return LineEnd::Fault(fault);
        }
    }
}

/// What a gateway is told, until its stream ends.
struct Talk {
    context: Context,
    messages: mpsc::Receiver<ToGateway>,
    ended: Option<oneshot::Receiver<LineEnd>>,
    _hung_up: DropGuard,
}

impl Talk {
    async fn step(mut self) -> Result<Option<(pb::ConnectResponse, Self)>, Fault> {
        if let Some(message) = self.messages.recv().await {
            return Ok(Some((gateway::told(message), self)));
        }
        let end = match self.ended.take() {
            // The driver has ended without a word to each of its streams.
            Some(ended) => ended.await.map_err(|_| self.context.stopped())?,
            None => LineEnd::HungUp,
        };
        end.fault().map_or(Ok(None), Err)
    }
}

/// An image on its way to a gateway.
struct Reading {
    context: Context,
    image: KeptImage,
    owner: u64,
    block_count: u32,
    next: u32,
}

impl Reading {
    async fn step(mut self) -> Result<Option<(pb::Block, Self)>, Fault> {
        let index = self.next;
        if index >= self.block_count {
            return Ok(None);
        }
        if self.context.stopping.cut.is_cancelled() {
            return Err(Fault::draining());
        }
        // Apart, because reading may wait for the disk.
        let read = tokio::task::spawn_blocking(move || (self.image.block(index), self));
        let (data, mut this) = read.await.map_err(|_| Fault::wrong_answer("a block"))?;
        let data = data.map_err(|(from, error)| {
            this.context.metrics.store_error();
            this.context.found.fault_of_read(this.owner, from, &error)
        })?;
        this.next += 1;
        Ok(Some((gateway::block(index, data), this)))
    }
}
