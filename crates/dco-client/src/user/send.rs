//! Sending an image: what is missing, over a few streams, until nothing is.

mod cut;
mod stream;

use dco_block::RawBlock;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};

pub use self::cut::CutImage;
pub(super) use self::cut::Source;
use self::stream::BlockSender;
use super::UserClient;
use crate::retry::Backoff;
use crate::types::{Transfer, TransferName, TransferState};
use crate::{ClientError, RetryPolicy};

/// Acknowledgements that may wait to be counted.
const ACKNOWLEDGED_MESSAGES: usize = 64;

/// How an image is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendOptions {
    /// `SendBlocks` streams side by side on the link; at least 1.
    pub streams: usize,
    /// Blocks of one stream that are sent and not acknowledged yet; at least 1.
    pub in_flight_blocks: usize,
    /// What a broken link or a service that is away for a moment costs.
    pub retry: RetryPolicy,
}

impl Default for SendOptions {
    /// Two streams keep the link busy while one waits for the disk; 32 blocks of 64 KiB are half a stream window.
    fn default() -> Self {
        Self {
            streams: 2,
            in_flight_blocks: 32,
            retry: RetryPolicy::default(),
        }
    }
}

/// How far the sending has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendProgress {
    pub block_count: u32,
    /// Durable blocks, as far as this side has been told.
    pub blocks_held: u32,
    /// Of those, the ones that this call has sent.
    pub blocks_sent: u32,
    /// The service's disk had no room for a block: it is sent again after a pause.
    pub waits_for_room: bool,
}

type OnProgress<'a> = &'a mut (dyn FnMut(SendProgress) + Send);

pub(super) async fn send_image(
    client: &UserClient,
    name: TransferName,
    image: Source<'_>,
    options: &SendOptions,
    on_progress: OnProgress<'_>,
) -> Result<Transfer, ClientError> {
    let mut sending = Sending {
        client,
        name,
        image,
        options,
        on_progress,
        blocks: Vec::new(),
        blocks_held: None,
        blocks_sent: 0,
        told: None,
    };
    let mut backoff = Backoff::new(options.retry);
    loop {
        match sending.round(&mut backoff).await {
            Ok(Some(transfer)) => return Ok(transfer),
            Ok(None) => {}
            Err(fault) => {
                sending.tell_why_it_waits(&fault);
                backoff.after(fault).await?;
            }
        }
    }
}

struct Sending<'a> {
    client: &'a UserClient,
    name: TransferName,
    image: Source<'a>,
    options: &'a SendOptions,
    on_progress: OnProgress<'a>,
    /// The image, cut as the transfer wants it; empty until the transfer is known.
    blocks: Vec<RawBlock>,
    /// What the server said it holds when the last round began.
    blocks_held: Option<u32>,
    blocks_sent: u32,
    /// What was reported last.
    told: Option<SendProgress>,
}

impl Sending<'_> {
    /// Asks what is missing and sends it. Gives the transfer once it needs no more blocks.
    async fn round(&mut self, backoff: &mut Backoff) -> Result<Option<Transfer>, ClientError> {
        let transfer = self.client.transfer(self.name).await?;
        if transfer.state != TransferState::Receiving || transfer.missing.is_empty() {
            return Ok(Some(transfer));
        }
        self.cut(&transfer)?;

        let held_before = self.blocks_held.replace(transfer.blocks_held);
        if held_before.is_some_and(|before| before < transfer.blocks_held) {
            backoff.progressed();
        }
        match self.send_missing(&transfer).await {
            // A round that ended well and stored nothing says that the server forgets: do not turn in circles.
            Ok(0) => Err(ClientError::broken("no block became durable")),
            Ok(_) => Ok(None),
            Err(fault) => self.over_or(fault).await,
        }
    }

    fn cut(&mut self, transfer: &Transfer) -> Result<(), ClientError> {
        if !self.blocks.is_empty() {
            return Ok(());
        }
        self.blocks = self.image.blocks(&transfer.manifest)?;
        Ok(())
    }

    /// Blocks of an earlier link, or another transfer of the same image, may have completed this one while the round was sending;
    /// then its streams or its blocks are refused, and all is well. A block that is refused while the image is not stored is wrong.
    /// Takes `self` whole, so that the sending can be moved between threads while it waits.
    async fn over_or(&mut self, fault: ClientError) -> Result<Option<Transfer>, ClientError> {
        if fault.is_temporary() {
            return Err(fault);
        }
        let block_refused = matches!(fault, ClientError::BlockRefused(_));
        match self.client.transfer(self.name).await {
            Ok(transfer) if transfer.state == TransferState::Stored => Ok(Some(transfer)),
            Ok(transfer) if transfer.state != TransferState::Receiving && !block_refused => {
                Ok(Some(transfer))
            }
            _ => Err(fault),
        }
    }

    /// Sends every missing block once; gives how many became durable.
    async fn send_missing(&mut self, transfer: &Transfer) -> Result<u32, ClientError> {
        let missing = self.missing(transfer);
        let (acknowledged, mut counts) = mpsc::channel(ACKNOWLEDGED_MESSAGES);
        let mut streams = JoinSet::new();
        let share = missing.len().div_ceil(self.options.streams.max(1)).max(1);
        for blocks in missing.chunks(share) {
            let sender = BlockSender {
                client: self.client.transfers.clone(),
                transfer: self.name,
                blocks: blocks.to_vec(),
                in_flight_blocks: self.options.in_flight_blocks.max(1),
                acknowledged: acknowledged.clone(),
            };
            streams.spawn(sender.run());
        }
        drop(acknowledged);

        let mut durable = 0;
        let mut broken = Ok(());
        self.report(transfer, durable);
        loop {
            tokio::select! {
                Some(count) = counts.recv() => {
                    durable += count;
                    self.blocks_sent += count;
                    self.report(transfer, durable);
                }
                Some(ended) = streams.join_next() => match outcome(ended) {
                    Ok(()) => {}
                    // The others may still bring their blocks home.
                    Err(fault) if fault.is_temporary() => broken = Err(fault),
                    Err(fault) => return Err(fault),
                },
                else => return broken.map(|()| durable),
            }
        }
    }

    fn missing(&self, transfer: &Transfer) -> Vec<RawBlock> {
        let indices = transfer.missing.iter().cloned().flatten();
        indices
            .filter_map(|index| self.blocks.get(usize::try_from(index).ok()?).cloned())
            .collect()
    }

    fn report(&mut self, transfer: &Transfer, durable: u32) {
        let progress = SendProgress {
            block_count: transfer.block_count,
            blocks_held: transfer.blocks_held.saturating_add(durable),
            blocks_sent: self.blocks_sent,
            waits_for_room: false,
        };
        self.told = Some(progress);
        (self.on_progress)(progress);
    }

    fn tell_why_it_waits(&mut self, fault: &ClientError) {
        let for_room = matches!(fault, ClientError::BlockRefused(refusal) if refusal.is_for_room());
        if let Some(told) = self.told.filter(|_| for_room) {
            (self.on_progress)(SendProgress {
                waits_for_room: true,
                ..told
            });
        }
    }
}

fn outcome(ended: Result<Result<(), ClientError>, JoinError>) -> Result<(), ClientError> {
    ended.unwrap_or_else(|fault| Err(ClientError::broken(fault.to_string())))
}
