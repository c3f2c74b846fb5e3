//! One `SendBlocks` stream: so many blocks in flight, and no more.

use std::collections::BTreeSet;
use std::sync::Arc;

use dco_block::RawBlock;
use dco_proto::v1 as pb;
use dco_proto::v1::update_firmware_client::UpdateFirmwareClient;
use futures::{Stream, StreamExt, stream};
use pb::send_blocks_request::Kind;
use tokio::sync::{Semaphore, mpsc};
use tonic::transport::Channel;

use crate::ClientError;
use crate::convert::{range, raw_block_to_wire};
use crate::types::{BlockRefusal, TransferName};

/// Sends its blocks and waits until each is acknowledged.
pub(super) struct BlockSender {
    pub(super) client: UpdateFirmwareClient<Channel>,
    pub(super) transfer: TransferName,
    pub(super) blocks: Vec<RawBlock>,
    pub(super) in_flight_blocks: usize,
    /// Hears how many of the blocks became durable.
    pub(super) acknowledged: mpsc::Sender<u32>,
}

impl BlockSender {
    /// Ends when every block is answered, or with the first fault. A block for which the server's disk has no room is left
    /// out and the others go on; the refusal is given at the end.
    pub(super) async fn run(mut self) -> Result<(), ClientError> {
        let window = Arc::new(Semaphore::new(self.in_flight_blocks));
        let mut waiting: BTreeSet<u32> = self.blocks.iter().map(|block| block.index).collect();
        let requests = requests(self.transfer, self.blocks, Arc::clone(&window));
        let mut answers = self.client.send_blocks(requests).await?.into_inner();
        let mut no_room = None;
        while !waiting.is_empty() {
            let answer = answers.message().await?.ok_or_else(|| {
                let count = waiting.len();
                ClientError::broken(format!(
                    "the stream ended with {count} blocks unacknowledged"
                ))
            })?;
            let durable = settle(&mut waiting, answer.acknowledged)?;
            window.add_permits(durable);
            // Nobody listens any more once the whole call was dropped.
            let _ = self
                .acknowledged
                .send(u32::try_from(durable).unwrap_or(u32::MAX))
                .await;
            for refused in answer.refused {
                let refused = Box::new(BlockRefusal::from(refused));
                if !refused.is_for_room() {
                    return Err(refused.into());
                }
                waiting.remove(&refused.index);
                window.add_permits(1);
                no_room = Some(refused);
            }
        }
        // All is said; whatever the stream still brings changes nothing, but it should end in order.
        while let Ok(Some(_)) = answers.message().await {}
        no_room.map_or(Ok(()), |refused| Err(refused.into()))
    }
}

/// The name of the transfer, then each block as soon as the window has room for it.
fn requests(
    transfer: TransferName,
    blocks: Vec<RawBlock>,
    window: Arc<Semaphore>,
) -> impl Stream<Item = pb::SendBlocksRequest> + Send + 'static {
    let first = request(Kind::Transfer(transfer.to_string()));
    let blocks = stream::unfold((blocks.into_iter(), window), |(mut blocks, window)| async {
        let block = blocks.next()?;
        // Room comes back with the acknowledgement and not with the permit's end.
        window.acquire().await.ok()?.forget();
        Some((
            request(Kind::Block(raw_block_to_wire(block))),
            (blocks, window),
        ))
    });
    stream::iter([first]).chain(blocks)
}

fn request(kind: Kind) -> pb::SendBlocksRequest {
    pb::SendBlocksRequest { kind: Some(kind) }
}

/// Takes the acknowledged indices off those that wait; gives how many there were.
fn settle(
    waiting: &mut BTreeSet<u32>,
    acknowledged: Vec<pb::IndexRange>,
) -> Result<usize, ClientError> {
    let before = waiting.len();
    for acknowledged in acknowledged {
        let settled: Vec<u32> = waiting.range(range(acknowledged)?).copied().collect();
        for index in settled {
            waiting.remove(&index);
        }
    }
    Ok(before - waiting.len())
}
