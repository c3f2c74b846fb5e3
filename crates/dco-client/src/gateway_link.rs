//! The gateway's side of the southbound interface.

use bytes::Bytes;
use dco_block::{Manifest, RawBlock};
use dco_proto::v1 as pb;
use dco_proto::v1::gateway_client::GatewayClient;
use futures::{StreamExt, stream};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Channel;

use crate::convert::gateway::{dco_message, gateway_message, hello as wire_hello};
use crate::convert::raw_block;
use crate::types::{DcoMessage, GatewayMessage, Hello};
use crate::{ClientError, Link};

/// Messages to the DCO that may wait for the link; a sender waits for room beyond.
const OUTBOX_MESSAGES: usize = 256;

/// A gateway's way to the DCO. It dials in; the DCO opens no connection to anyone.
#[derive(Clone, Debug)]
pub struct GatewayLink {
    client: GatewayClient<Channel>,
}

/// The gateway's half that speaks. Clones speak into the same stream; when the last is dropped the stream ends.
#[derive(Clone, Debug)]
pub struct GatewaySender {
    outbox: mpsc::Sender<pb::ConnectRequest>,
}

/// The gateway's half that listens.
#[derive(Debug)]
pub struct GatewayReceiver {
    messages: Streaming<pb::ConnectResponse>,
}

/// Blocks of one image, in index order. What arrives is not verified yet: ask [`RawBlock::verify`] with the offer's manifest.
#[derive(Debug)]
pub struct BlockStream {
    blocks: Streaming<pb::Block>,
}

impl GatewayLink {
    /// A gateway that speaks over this link; its certificate says which gateway it is.
    pub fn new(link: &Link) -> Self {
        Self {
            client: GatewayClient::new(link.channel()),
        }
    }

    /// Says hello and opens the stream of offers. A newer hello of the same gateway ends this stream with ABORTED; a broken link
    /// ends it with [`ClientError::Broken`]. Nothing is tried again here: a new hello must say what is in hand then.
    pub async fn connect(
        &self,
        hello: Hello,
    ) -> Result<(GatewaySender, GatewayReceiver), ClientError> {
        let (outbox, inbox) = mpsc::channel(OUTBOX_MESSAGES);
        let first = stream::iter([wire_hello(hello)]);
        let requests = first.chain(ReceiverStream::new(inbox));
        let messages = self.client.clone().connect(requests).await?.into_inner();
        Ok((GatewaySender { outbox }, GatewayReceiver { messages }))
    }

    /// The blocks of an offer's image from `first_index` on, cut as its manifest says. Only images on
    /// offer to this gateway can be read.
    pub async fn read_blocks(
        &self,
        manifest: &Manifest,
        first_index: u32,
    ) -> Result<BlockStream, ClientError> {
        let request = pb::ReadBlocksRequest {
            image_id: Bytes::copy_from_slice(manifest.image_id().as_bytes()),
            first_index,
            block_bytes: manifest.block_bytes(),
        };
        let blocks = self.client.clone().read_blocks(request).await?.into_inner();
        Ok(BlockStream { blocks })
    }
}

impl GatewaySender {
    /// Puts a message on its way; waits while too many are on theirs. Fails once the stream is over; the receiver says why.
    pub async fn send(&self, message: GatewayMessage) -> Result<(), ClientError> {
        self.outbox
            .send(gateway_message(message))
            .await
            .map_err(|_| ClientError::broken("the stream to the DCO is over"))
    }
}

impl GatewayReceiver {
    /// The next message of the DCO; `None` when the DCO ended the stream in order. Safe to drop while it waits.
    pub async fn recv(&mut self) -> Result<Option<DcoMessage>, ClientError> {
        while let Some(wire) = self.messages.message().await? {
            if let Some(message) = dco_message(wire)? {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }
}

impl BlockStream {
    /// The next block; `None` after the last. Safe to drop while it waits.
    pub async fn next(&mut self) -> Result<Option<RawBlock>, ClientError> {
        Ok(self.blocks.message().await?.map(raw_block))
    }
}
