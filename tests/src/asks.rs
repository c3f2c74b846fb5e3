//! The requests that nearly every test makes, with nothing in them that a test would not expect.

use bytes::Bytes;
use dco_block::Eui64;
use dco_client::{
    Activation, Batch, BatchName, OpenTransfer, PageRequest, RequestId, RetryPolicy, SendOptions,
    SubmitBatch, TransferName, UserClient,
};
use dco_proto::v1 as pb;

use crate::{Device, Image, within};

/// A transfer of an image for Devices.
pub fn open_transfer(image: &Image, devices: &[Device]) -> OpenTransfer {
    OpenTransfer {
        request_id: RequestId::fresh(),
        manifest: image.manifest.clone(),
        devices: devices.to_vec(),
        signed_request: Bytes::new(),
        originator_counter: None,
        validate_only: false,
    }
}

/// A batch of Devices for an image, sent for today.
pub fn submit_batch(image: &Image, devices: &[Device]) -> SubmitBatch {
    SubmitBatch {
        request_id: RequestId::fresh(),
        manufacturer_image_hash: image.hash(),
        devices: devices.to_vec(),
        service_date: None,
        execute_us: None,
        canary: 0,
        signed_request: Bytes::new(),
        originator_counter: None,
        validate_only: false,
    }
}

/// Sends what a transfer misses.
pub async fn send(user: &UserClient, name: TransferName, image: &Image) {
    let (options, mut ignored) = (SendOptions::default(), |_| {});
    let sending = user.send_image(name, &image.bytes, &options, &mut ignored);
    within("the blocks to be acknowledged", sending)
        .await
        .expect("every block is taken");
}

/// Follows a batch to its end.
pub async fn settled(user: &UserClient, name: BatchName) -> Batch {
    let mut watch = user.watch_batch(name, 0, RetryPolicy::default());
    let mut last = None;
    let follow = async {
        while let Some(change) = watch.next().await.expect("the watch ends in order") {
            last = change.batch.or_else(|| last.take());
        }
    };
    within("a batch to be settled", follow).await;
    last.expect("a watch tells of its batch")
}

/// All activations of a batch, over as many pages as it takes.
pub async fn activations(user: &UserClient, name: BatchName) -> Vec<Activation> {
    let mut all = Vec::new();
    let mut wanted = PageRequest {
        size: 500,
        token: None,
    };
    loop {
        let page = user
            .activations(name, &wanted)
            .await
            .expect("the batch can be read");
        all.extend(page.items);
        match page.next {
            None => return all,
            token => wanted.token = token,
        }
    }
}

/// [`open_transfer`] as it stands on the wire.
pub fn wire_open(user: Eui64, image: &Image, devices: &[Device]) -> pb::OpenTransferRequest {
    let parts = image.manifest.parts();
    pb::OpenTransferRequest {
        parent: format!("users/{user}"),
        request_id: RequestId::fresh().to_string(),
        manifest: Some(pb::Manifest {
            image_id: Bytes::copy_from_slice(parts.image_id.as_bytes()),
            image_bytes: parts.image_bytes,
            block_bytes: parts.block_bytes,
            manufacturer_image_hash: Bytes::copy_from_slice(
                parts.manufacturer_image_hash.as_bytes(),
            ),
            firmware_version: parts.firmware_version.to_string(),
            ota_header: parts.ota_header,
        }),
        devices: devices.iter().map(ToString::to_string).collect(),
        ..pb::OpenTransferRequest::default()
    }
}

/// [`submit_batch`] as it stands on the wire.
pub fn wire_submit(user: Eui64, image: &Image, devices: &[Device]) -> pb::SubmitBatchRequest {
    pb::SubmitBatchRequest {
        parent: format!("users/{user}"),
        request_id: RequestId::fresh().to_string(),
        manufacturer_image_hash: Bytes::copy_from_slice(image.hash().as_bytes()),
        devices: devices.iter().map(ToString::to_string).collect(),
        ..pb::SubmitBatchRequest::default()
    }
}
