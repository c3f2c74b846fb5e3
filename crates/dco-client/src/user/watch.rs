//! Following a transfer or a batch over as many links as it takes.

use dco_proto::v1 as pb;
use dco_proto::v1::activate_firmware_client::ActivateFirmwareClient;
use dco_proto::v1::update_firmware_client::UpdateFirmwareClient;
use tonic::Streaming;
use tonic::transport::Channel;

use crate::retry::Backoff;
use crate::types::{Batch, BatchChange, BatchName, Transfer, TransferName};
use crate::{ClientError, RetryPolicy};

/// The states of a transfer, one after the other.
#[derive(Debug)]
pub struct TransferWatch {
    client: UpdateFirmwareClient<Channel>,
    name: TransferName,
    backoff: Backoff,
    stream: Option<Streaming<pb::Transfer>>,
    /// What was given last: a new link starts with the state as it is, which need not be told twice.
    last: Option<Transfer>,
}

/// The changes of a batch, one after the other.
#[derive(Debug)]
pub struct BatchWatch {
    client: ActivateFirmwareClient<Channel>,
    name: BatchName,
    backoff: Backoff,
    stream: Option<Streaming<pb::WatchBatchResponse>>,
    position: u64,
    /// Nothing more will happen to the batch than what the stream under way still brings.
    settled: bool,
    done: bool,
}

impl TransferWatch {
    pub(super) fn new(
        client: UpdateFirmwareClient<Channel>,
        name: TransferName,
        retry: RetryPolicy,
    ) -> Self {
        Self {
            client,
            name,
            backoff: Backoff::new(retry),
            stream: None,
            last: None,
        }
    }

    /// The transfer as it is now, then after each change; `None` once nothing more will happen to it.
    pub async fn next(&mut self) -> Result<Option<Transfer>, ClientError> {
        while !self.last.as_ref().is_some_and(Transfer::is_settled) {
            match self.read().await {
                Ok(transfer) if self.last.as_ref() == Some(&transfer) => {}
                Ok(transfer) => {
                    self.backoff.progressed();
                    self.last = Some(transfer.clone());
                    return Ok(Some(transfer));
                }
                Err(fault) => {
                    self.stream = None;
                    self.backoff.after(fault).await?;
                }
            }
        }
        Ok(None)
    }

    /// The transfer once nothing more will happen to it: with its 11.1 Response, or cancelled, or expired.
    pub async fn settled(mut self) -> Result<Transfer, ClientError> {
        let mut last = self.last.take();
        while let Some(transfer) = self.next().await? {
            last = Some(transfer);
        }
        last.ok_or_else(|| {
            ClientError::broken("the server ended the stream before its first message")
        })
    }

    async fn read(&mut self) -> Result<Transfer, ClientError> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                let request = pb::WatchTransferRequest {
                    name: self.name.to_string(),
                };
                let opened = self.client.watch_transfer(request).await?.into_inner();
                self.stream.insert(opened)
            }
        };
        let wire = stream.message().await?.ok_or_else(ended_early)?;
        let mut transfer = Transfer::try_from(wire)?;
        // They never change, so only the first and the last message of a link have them.
        if let Some(last) = &self.last
            && transfer.invalid_devices.is_empty()
        {
            transfer.invalid_devices.clone_from(&last.invalid_devices);
        }
        Ok(transfer)
    }
}

impl BatchWatch {
    pub(super) fn new(
        client: ActivateFirmwareClient<Channel>,
        name: BatchName,
        position: u64,
        retry: RetryPolicy,
    ) -> Self {
        Self {
            client,
            name,
            backoff: Backoff::new(retry),
            stream: None,
            position,
            settled: false,
            done: false,
        }
    }

    /// The next change; `None` once the batch is settled and every change was given.
    pub async fn next(&mut self) -> Result<Option<BatchChange>, ClientError> {
        while !self.done {
            match self.read().await {
                Ok(Some(change)) => return Ok(Some(self.took(change))),
                Ok(None) if self.settled => self.done = true,
                Ok(None) => self.ended().await?,
                Err(fault) => self.pause(fault).await?,
            }
        }
        Ok(None)
    }

    /// Where a new watch would go on: the position of the last change given.
    pub fn position(&self) -> u64 {
        self.position
    }

    fn took(&mut self, change: BatchChange) -> BatchChange {
        // A server that repeats itself must not keep us here for ever.
        if change.position > self.position {
            self.backoff.progressed();
        }
        self.position = change.position;
        self.settled |= change.batch.as_ref().is_some_and(Batch::is_settled);
        change
    }

    /// The stream ended and no change said that the batch is settled. If it is, it became so after the position that we have, so
    /// one more stream brings what is left.
    async fn ended(&mut self) -> Result<(), ClientError> {
        let request = pb::GetBatchRequest {
            name: self.name.to_string(),
        };
        let fault = match self.client.get_batch(request).await {
            Ok(answer) => {
                self.settled = Batch::try_from(answer.into_inner())?.is_settled();
                ended_early()
            }
            Err(status) => status.into(),
        };
        self.pause(fault).await
    }

    async fn pause(&mut self, fault: ClientError) -> Result<(), ClientError> {
        self.stream = None;
        self.backoff.after(fault).await
    }

    async fn read(&mut self) -> Result<Option<BatchChange>, ClientError> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                let request = pb::WatchBatchRequest {
                    name: self.name.to_string(),
                    position: self.position,
                };
                let opened = self.client.watch_batch(request).await?.into_inner();
                self.stream.insert(opened)
            }
        };
        let Some(wire) = stream.message().await? else {
            return Ok(None);
        };
        Ok(Some(wire.try_into()?))
    }
}

fn ended_early() -> ClientError {
    ClientError::broken("the server ended the stream before its end")
}
