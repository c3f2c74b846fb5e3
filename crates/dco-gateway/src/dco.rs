//! What a gateway needs of the DCO: the smallest trait that will do, so that what a gateway does
//! can be tested without a network.

use std::fmt::Debug;

use dco_block::{Manifest, RawBlock};
use dco_client::{ClientError, DcoMessage, GatewayLink, GatewayMessage, GatewaySender, Hello};
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};

/// The way to the DCO.
pub(crate) trait Dco: Debug + Send + Sync {
    /// Says hello and opens a stream of offers.
    fn connect(&self, hello: Hello) -> BoxFuture<'static, Result<Session, ClientError>>;

    /// The blocks of an image from an index on, in order, not yet verified.
    fn read_blocks(
        &self,
        manifest: &Manifest,
        first_index: u32,
    ) -> BoxFuture<'static, Result<BlockStream, ClientError>>;
}

/// One stream with the DCO. It is over after the first error and at the end of `listener`.
pub(crate) struct Session {
    pub(crate) speaker: Box<dyn Speak>,
    pub(crate) listener: BoxStream<'static, Result<DcoMessage, ClientError>>,
}

/// The half of a session that speaks.
pub(crate) trait Speak: Send {
    /// Puts a message on its way. Dropped before it is ready, the message was not sent.
    fn send(&mut self, message: GatewayMessage) -> BoxFuture<'_, Result<(), ClientError>>;
}

pub(crate) type BlockStream = BoxStream<'static, Result<RawBlock, ClientError>>;

impl Dco for GatewayLink {
    fn connect(&self, hello: Hello) -> BoxFuture<'static, Result<Session, ClientError>> {
        let link = self.clone();
        async move {
            let (sender, receiver) = Self::connect(&link, hello).await?;
            let listener = stream::unfold(receiver, |mut receiver| async {
                let heard = receiver.recv().await.transpose()?;
                Some((heard, receiver))
            });
            Ok(Session {
                speaker: Box::new(sender),
                listener: listener.boxed(),
            })
        }
        .boxed()
    }

    fn read_blocks(
        &self,
        manifest: &Manifest,
        first_index: u32,
    ) -> BoxFuture<'static, Result<BlockStream, ClientError>> {
        let (link, manifest) = (self.clone(), manifest.clone());
        async move {
            let blocks = Self::read_blocks(&link, &manifest, first_index).await?;
            let stream = stream::unfold(blocks, |mut blocks| async {
                let block = blocks.next().await.transpose()?;
                Some((block, blocks))
            });
            Ok(stream.boxed())
        }
        .boxed()
    }
}

impl Speak for GatewaySender {
    fn send(&mut self, message: GatewayMessage) -> BoxFuture<'_, Result<(), ClientError>> {
        Self::send(self, message).boxed()
    }
}
