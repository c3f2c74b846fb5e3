//! The peer's SRV 11.1: takes blocks and does to each stream what the test asks for.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use dco_block::{Held, Manifest, RawBlock};
use dco_client::Link;
use dco_proto::v1 as pb;
use pb::send_blocks_request::Kind;
use pb::transfer::State;
use pb::update_firmware_server::{UpdateFirmware, UpdateFirmwareServer};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming, async_trait};

use crate::peer::{Links, Peer, serve};

pub(crate) const NAME: &str = "users/90-B3-D5-1F-30-01-00-00/transfers/42";

/// What happens to one SendBlocks stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// All links are cut when so many blocks have become durable.
    CutAfter(usize),
    /// The stream ends with UNAVAILABLE.
    UnavailableAfter(usize),
    /// The stream ends in order, and too early.
    EndAfter(usize),
    /// This block is refused.
    Refuse(u32),
    /// There is no room for this block.
    NoRoom(u32),
    /// The rest arrives by another way; this stream is refused.
    CompletedElsewhere,
    /// The image is stored by another transfer of it; this stream's blocks are refused.
    StoredElsewhere,
    /// The stream is refused for good.
    Forbidden,
}

/// What the peer has seen and shall do.
pub(crate) struct Book {
    pub(crate) manifest: Manifest,
    pub(crate) state: State,
    /// Durable blocks.
    pub(crate) blocks: BTreeMap<u32, Bytes>,
    /// Every block that arrived, in order of arrival.
    pub(crate) received: Vec<u32>,
    pub(crate) streams: usize,
    /// One for each stream, in order; streams after them are left in peace.
    pub(crate) fates: VecDeque<Fate>,
    /// So many blocks are held back before the oldest is acknowledged, as a disk would.
    pub(crate) holds_back: usize,
    /// The most blocks of one stream that were unacknowledged at a time.
    pub(crate) unacknowledged_max: usize,
    /// What each WatchTransfer brings.
    pub(crate) watches: VecDeque<Vec<Result<pb::Transfer, Status>>>,
}

#[derive(Clone)]
pub(crate) struct Transfers {
    book: Arc<Mutex<Book>>,
    links: Links,
}

/// Serves one transfer of this image.
pub(crate) async fn serve_transfer(manifest: &Manifest) -> (Peer, Link, Arc<Mutex<Book>>) {
    let book = Arc::new(Mutex::new(Book {
        manifest: manifest.clone(),
        state: State::Receiving,
        blocks: BTreeMap::new(),
        received: Vec::new(),
        streams: 0,
        fates: VecDeque::new(),
        holds_back: 1,
        unacknowledged_max: 0,
        watches: VecDeque::new(),
    }));
    let shared = Arc::clone(&book);
    let (peer, link) = serve(|links| {
        let transfers = Transfers {
            book: shared,
            links,
        };
        Server::builder().add_service(UpdateFirmwareServer::new(transfers))
    })
    .await;
    (peer, link, book)
}

impl Book {
    pub(crate) fn transfer(&self) -> pb::Transfer {
        let mut held = Held::new(self.manifest.block_count());
        for index in self.blocks.keys() {
            held.insert(*index);
        }
        let ranges = held.missing().map(|range| pb::IndexRange {
            first: *range.start(),
            last: *range.end(),
        });
        let parts = self.manifest.parts();
        pb::Transfer {
            name: NAME.to_owned(),
            state: self.state.into(),
            manifest: Some(pb::Manifest {
                image_id: parts.image_id.as_bytes().to_vec().into(),
                image_bytes: parts.image_bytes,
                block_bytes: parts.block_bytes,
                manufacturer_image_hash: parts.manufacturer_image_hash.as_bytes().to_vec().into(),
                firmware_version: parts.firmware_version.to_string(),
                ota_header: parts.ota_header,
            }),
            block_count: self.manifest.block_count(),
            blocks_held: held.count(),
            // A server names a few ranges only, and leaves the rest to the next question.
            missing: ranges.take(8).collect(),
            ..Default::default()
        }
    }

    fn keep(&mut self, block: pb::Block) -> pb::IndexRange {
        let index = block.index;
        let raw = RawBlock {
            index,
            crc32: block.crc32,
            data: block.data,
        };
        let checked = raw.verify(&self.manifest).unwrap();
        self.blocks.insert(index, checked.into_data());
        if self.blocks.len() == usize::try_from(self.manifest.block_count()).unwrap() {
            self.state = State::Verifying;
        }
        pb::IndexRange {
            first: index,
            last: index,
        }
    }
}

impl Transfers {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }

    /// Reads blocks until the stream's fate or its end. Blocks that were not acknowledged are lost, as in a crash.
    async fn intake(
        &self,
        mut blocks: Streaming<pb::SendBlocksRequest>,
        answers: &mpsc::Sender<Result<pb::SendBlocksResponse, Status>>,
        fate: Option<Fate>,
    ) -> Result<(), Status> {
        let mut waiting = VecDeque::new();
        let mut durable = 0;
        while let Some(message) = blocks.message().await? {
            let Some(Kind::Block(block)) = message.kind else {
                return Err(Status::invalid_argument(
                    "only the first message names the transfer",
                ));
            };
            if fate == Some(Fate::StoredElsewhere) {
                self.book().state = State::Stored;
            }
            if [Some(Fate::Refuse(block.index)), Some(Fate::StoredElsewhere)].contains(&fate) {
                let _ = answers.send(Ok(refusal(block.index))).await;
                continue;
            }
            if fate == Some(Fate::NoRoom(block.index)) {
                let _ = answers.send(Ok(no_room(block.index))).await;
                continue;
            }
            self.arrived(&block, waiting.len() + 1);
            waiting.push_back(block);
            if waiting.len() >= self.book().holds_back {
                self.acknowledge(waiting.pop_front(), answers).await;
                durable += 1;
            }
            match fate {
                Some(Fate::CutAfter(count)) if durable == count => {
                    self.links.cut();
                    return Ok(());
                }
                Some(Fate::UnavailableAfter(count)) if durable == count => {
                    return Err(Status::unavailable("draining"));
                }
                Some(Fate::EndAfter(count)) if durable == count => return Ok(()),
                _ => {}
            }
        }
        while let Some(block) = waiting.pop_front() {
            self.acknowledge(Some(block), answers).await;
        }
        Ok(())
    }

    fn arrived(&self, block: &pb::Block, unacknowledged: usize) {
        let mut book = self.book();
        book.received.push(block.index);
        book.unacknowledged_max = book.unacknowledged_max.max(unacknowledged);
    }

    async fn acknowledge(
        &self,
        block: Option<pb::Block>,
        answers: &mpsc::Sender<Result<pb::SendBlocksResponse, Status>>,
    ) {
        let acknowledged = block
            .map(|block| self.book().keep(block))
            .into_iter()
            .collect();
        let answer = pb::SendBlocksResponse {
            acknowledged,
            refused: Vec::new(),
        };
        let _ = answers.send(Ok(answer)).await;
    }

    fn complete(&self) {
        self.book().state = State::Verifying;
    }
}

fn no_room(index: u32) -> pb::SendBlocksResponse {
    let refused = pb::BlockRefusal {
        index,
        code: tonic::Code::ResourceExhausted.into(),
        reason: "STORE_FULL".to_owned(),
        message: "there is no room".to_owned(),
        metadata: [("retryDelayMs".to_owned(), "2".to_owned())].into(),
    };
    pb::SendBlocksResponse {
        acknowledged: Vec::new(),
        refused: vec![refused],
    }
}

fn refusal(index: u32) -> pb::SendBlocksResponse {
    let refused = pb::BlockRefusal {
        index,
        code: tonic::Code::AlreadyExists.into(),
        reason: "BLOCK_CONTENT_CONFLICT".to_owned(),
        message: "other bytes are stored".to_owned(),
        metadata: Default::default(),
    };
    pb::SendBlocksResponse {
        acknowledged: Vec::new(),
        refused: vec![refused],
    }
}

type Answers<T> = ReceiverStream<Result<T, Status>>;

#[async_trait]
impl UpdateFirmware for Transfers {
    type SendBlocksStream = Answers<pb::SendBlocksResponse>;
    type WatchTransferStream = Answers<pb::Transfer>;

    async fn open_transfer(
        &self,
        request: Request<pb::OpenTransferRequest>,
    ) -> Result<Response<pb::Transfer>, Status> {
        let request = request.into_inner();
        let mut transfer = self.book().transfer();
        assert_eq!(request.parent, "users/90-B3-D5-1F-30-01-00-00");
        assert_eq!(request.manifest, transfer.manifest);
        transfer.device_count = u32::try_from(request.devices.len()).unwrap();
        if request.validate_only {
            transfer.name.clear();
        }
        Ok(Response::new(transfer))
    }

    async fn send_blocks(
        &self,
        request: Request<Streaming<pb::SendBlocksRequest>>,
    ) -> Result<Response<Self::SendBlocksStream>, Status> {
        let mut blocks = request.into_inner();
        let first = blocks.message().await?.and_then(|message| message.kind);
        assert_eq!(first, Some(Kind::Transfer(NAME.to_owned())));
        let fate = {
            let mut book = self.book();
            book.streams += 1;
            book.fates.pop_front()
        };
        if fate == Some(Fate::CompletedElsewhere) {
            self.complete();
        }
        if matches!(fate, Some(Fate::CompletedElsewhere | Fate::Forbidden)) {
            return Err(Status::failed_precondition("not RECEIVING"));
        }
        let (answers, stream) = mpsc::channel(1);
        let transfers = self.clone();
        tokio::spawn(async move {
            if let Err(status) = transfers.intake(blocks, &answers, fate).await {
                let _ = answers.send(Err(status)).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn get_transfer(
        &self,
        request: Request<pb::GetTransferRequest>,
    ) -> Result<Response<pb::Transfer>, Status> {
        match request.into_inner().name.as_str() {
            NAME => Ok(Response::new(self.book().transfer())),
            _ => Err(Status::not_found("no such transfer")),
        }
    }

    async fn list_transfers(
        &self,
        request: Request<pb::ListTransfersRequest>,
    ) -> Result<Response<pb::ListTransfersResponse>, Status> {
        assert_eq!(request.into_inner().page_size, 5);
        let transfers = vec![self.book().transfer()];
        Ok(Response::new(pb::ListTransfersResponse {
            transfers,
            next_page_token: String::new(),
        }))
    }

    async fn watch_transfer(
        &self,
        _: Request<pb::WatchTransferRequest>,
    ) -> Result<Response<Self::WatchTransferStream>, Status> {
        let script = self.book().watches.pop_front();
        let script = script.ok_or_else(|| Status::unavailable("nobody is here"))?;
        let (answers, stream) = mpsc::channel(script.len().max(1));
        for item in script {
            answers.try_send(item).unwrap();
        }
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn cancel_transfer(
        &self,
        _: Request<pb::CancelTransferRequest>,
    ) -> Result<Response<pb::Transfer>, Status> {
        self.book().state = State::Cancelled;
        Ok(Response::new(self.book().transfer()))
    }
}
