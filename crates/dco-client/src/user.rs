//! What a User asks for: SRV 11.1 and SRV 11.3.

mod send;
mod watch;

use bytes::Bytes;
use dco_block::Eui64;
use dco_proto::v1 as pb;
use dco_proto::v1::activate_firmware_client::ActivateFirmwareClient;
use dco_proto::v1::update_firmware_client::UpdateFirmwareClient;
use tonic::transport::Channel;

use crate::convert::batch::submit_batch;
use crate::convert::transfer::open_transfer;
use crate::convert::{page, page_parts, user_name};
use crate::types::{
    Activation, ActivationName, Batch, BatchName, Explanation, OpenTransfer, Page, PageRequest,
    SubmitBatch, Transfer, TransferName,
};
use crate::{ClientError, Link, RequestId, RetryPolicy};

use send::Source;
pub use send::{CutImage, SendOptions, SendProgress};
pub use watch::{BatchWatch, TransferWatch};

/// A User's way to the DCO. Every call is refused unless the link's certificate is that of the User named (an operator or auditor
/// may read). Cheap to clone.
#[derive(Clone, Debug)]
pub struct UserClient {
    user: Eui64,
    transfers: UpdateFirmwareClient<Channel>,
    batches: ActivateFirmwareClient<Channel>,
}

/// SRV 11.1 *Update Firmware*.
impl UserClient {
    /// A client for what `user` owns.
    pub fn new(link: &Link, user: Eui64) -> Self {
        Self {
            user,
            transfers: UpdateFirmwareClient::new(link.channel()),
            batches: ActivateFirmwareClient::new(link.channel()),
        }
    }

    /// The User this client speaks for.
    pub fn user(&self) -> Eui64 {
        self.user
    }

    /// Declares an image and the Devices it is for. The same request id gives the same transfer.
    pub async fn open_transfer(&self, open: OpenTransfer) -> Result<Transfer, ClientError> {
        let request = open_transfer(self.user, open);
        let answer = self.transfers.clone().open_transfer(request).await?;
        Ok(answer.into_inner().try_into()?)
    }

    /// The transfer as it is now, with its missing ranges.
    pub async fn transfer(&self, name: TransferName) -> Result<Transfer, ClientError> {
        let request = pb::GetTransferRequest {
            name: name.to_string(),
        };
        let answer = self.transfers.clone().get_transfer(request).await?;
        Ok(answer.into_inner().try_into()?)
    }

    /// This User's transfers, newest first, without missing ranges and Device lists.
    pub async fn transfers(&self, wanted: &PageRequest) -> Result<Page<Transfer>, ClientError> {
        let (page_size, page_token) = page_parts(wanted);
        let request = pb::ListTransfersRequest {
            parent: user_name(self.user),
            page_size,
            page_token,
        };
        let answer = self
            .transfers
            .clone()
            .list_transfers(request)
            .await?
            .into_inner();
        Ok(page(answer.transfers, answer.next_page_token)?)
    }

    /// Ends a transfer that has no 11.1 Response yet. With `validate_only` nothing is changed.
    pub async fn cancel_transfer(
        &self,
        name: TransferName,
        request_id: RequestId,
        validate_only: bool,
    ) -> Result<Transfer, ClientError> {
        let request = pb::CancelTransferRequest {
            name: name.to_string(),
            request_id: request_id.to_string(),
            validate_only,
        };
        let answer = self.transfers.clone().cancel_transfer(request).await?;
        Ok(answer.into_inner().try_into()?)
    }

    /// Sends the blocks of `image` that the transfer still misses, and goes on after broken links until the server holds them all
    /// or the transfer is over. Returns the transfer as it is then: VERIFYING or later. `progress` is called when blocks have
    /// become durable. A refused block is an error that names it; what was stored stays stored.
    pub async fn send_image(
        &self,
        name: TransferName,
        image: &Bytes,
        options: &SendOptions,
        progress: &mut (dyn FnMut(SendProgress) + Send),
    ) -> Result<Transfer, ClientError> {
        send::send_image(self, name, Source::Whole(image), options, progress).await
    }

    /// The same with an image that was cut before, in blocks of the transfer's block size.
    pub async fn send_cut_image(
        &self,
        name: TransferName,
        image: &CutImage,
        options: &SendOptions,
        progress: &mut (dyn FnMut(SendProgress) + Send),
    ) -> Result<Transfer, ClientError> {
        send::send_image(self, name, Source::Cut(image), options, progress).await
    }

    /// Follows a transfer until its 11.1 Response, or until it is cancelled or expired. Goes on after broken links.
    pub fn watch_transfer(&self, name: TransferName, retry: RetryPolicy) -> TransferWatch {
        TransferWatch::new(self.transfers.clone(), name, retry)
    }
}

/// SRV 11.3 *Activate Firmware*.
impl UserClient {
    /// Sends Devices for a stored image; all or nothing. The same request id gives the same batch.
    pub async fn submit_batch(&self, submit: SubmitBatch) -> Result<Batch, ClientError> {
        let request = submit_batch(self.user, submit);
        let answer = self.batches.clone().submit_batch(request).await?;
        Ok(answer.into_inner().try_into()?)
    }

    /// The batch as it is now.
    pub async fn batch(&self, name: BatchName) -> Result<Batch, ClientError> {
        let request = pb::GetBatchRequest {
            name: name.to_string(),
        };
        let answer = self.batches.clone().get_batch(request).await?;
        Ok(answer.into_inner().try_into()?)
    }

    /// This User's batches, newest first.
    pub async fn batches(&self, wanted: &PageRequest) -> Result<Page<Batch>, ClientError> {
        let (page_size, page_token) = page_parts(wanted);
        let request = pb::ListBatchesRequest {
            parent: user_name(self.user),
            page_size,
            page_token,
        };
        let answer = self
            .batches
            .clone()
            .list_batches(request)
            .await?
            .into_inner();
        Ok(page(answer.batches, answer.next_page_token)?)
    }

    /// Cancels what has not been released; what is under way goes on to its outcome. With `validate_only` nothing is changed.
    pub async fn cancel_batch(
        &self,
        name: BatchName,
        request_id: RequestId,
        validate_only: bool,
    ) -> Result<Batch, ClientError> {
        let request = pb::CancelBatchRequest {
            name: name.to_string(),
            request_id: request_id.to_string(),
            validate_only,
        };
        let answer = self.batches.clone().cancel_batch(request).await?;
        Ok(answer.into_inner().try_into()?)
    }

    /// One Device of a batch as it is now.
    pub async fn activation(&self, name: ActivationName) -> Result<Activation, ClientError> {
        let request = pb::GetActivationRequest {
            name: name.to_string(),
        };
        let answer = self.batches.clone().get_activation(request).await?;
        Ok(answer.into_inner().try_into()?)
    }

    /// The Devices of a batch, in the order of the batch.
    pub async fn activations(
        &self,
        batch: BatchName,
        wanted: &PageRequest,
    ) -> Result<Page<Activation>, ClientError> {
        let (page_size, page_token) = page_parts(wanted);
        let request = pb::ListActivationsRequest {
            parent: batch.to_string(),
            page_size,
            page_token,
        };
        let answer = self
            .batches
            .clone()
            .list_activations(request)
            .await?
            .into_inner();
        Ok(page(answer.activations, answer.next_page_token)?)
    }

    /// Why is this waiting, and until when?
    pub async fn explain(&self, name: ActivationName) -> Result<Explanation, ClientError> {
        let request = pb::ExplainActivationRequest {
            name: name.to_string(),
        };
        let answer = self.batches.clone().explain_activation(request).await?;
        Ok(answer.into_inner().try_into()?)
    }

    /// Follows the changes of a batch after `position` (0 for all) until it is settled. Goes on after broken links where it was.
    pub fn watch_batch(&self, name: BatchName, position: u64, retry: RetryPolicy) -> BatchWatch {
        BatchWatch::new(self.batches.clone(), name, position, retry)
    }
}
