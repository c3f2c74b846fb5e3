//! Reading an image back from disk, and saying whether it is what was declared.

use bytes::BytesMut;
use dco_block::{Manifest, RejectImage, verify_image};
use dco_engine::Verdict;
use dco_store::{BlockReader, StoreError};

use crate::status::Fault;

/// Reads all blocks of a complete image and checks the whole. Takes as much memory as the image, and
/// the thread until it is done.
pub(super) fn read_back(reader: &BlockReader, owner: u64, manifest: &Manifest) -> Verdict {
    let mut image = BytesMut::with_capacity(manifest.image_bytes() as usize);
    for index in 0..manifest.block_count() {
        match reader.read(owner, index) {
            Ok(data) => image.extend_from_slice(&data),
            Err(error) => return unread(owner, index, &error),
        }
    }
    match verify_image(&image.freeze(), manifest) {
        Ok(_) => Verdict::Good,
        Err(reject) => Verdict::Bad {
            reason: reason(&reject).to_owned(),
            message: reject.to_string(),
        },
    }
}

/// What a reader of an image is told when a block cannot be read. The details are for the log.
pub(crate) fn fault_of_read(owner: u64, index: u32, error: &StoreError) -> Fault {
    match error {
        StoreError::NotHeld { .. } => Fault::image_gone(),
        StoreError::Damaged { .. } => {
            tracing::error!(owner, block.index = index, %error, "a stored block is damaged");
            Fault::stored_block_corrupt(index)
        }
        _ => {
            tracing::error!(owner, block.index = index, %error, "a stored block cannot be read");
            Fault::store_closed()
        }
    }
}

/// A block that has changed on disk will not change back; all else may work the next time.
fn unread(owner: u64, index: u32, error: &StoreError) -> Verdict {
    let fault = fault_of_read(owner, index, error);
    if matches!(error, StoreError::Damaged { .. }) {
        return Verdict::Bad {
            reason: fault.reason().to_owned(),
            message: fault.message().to_owned(),
        };
    }
    Verdict::Unread
}

/// The reason in the 11.1 Response.
fn reason(reject: &RejectImage) -> &'static str {
    match reject {
        RejectImage::LengthMismatch { .. }
        | RejectImage::DigestMismatch { .. }
        | RejectImage::ManufacturerImageHashMismatch { .. } => "IMAGE_DIGEST_MISMATCH",
        RejectImage::HeaderMismatch | RejectImage::Ota(_) | RejectImage::Manifest(_) => {
            "MANIFEST_INVALID"
        }
    }
}
