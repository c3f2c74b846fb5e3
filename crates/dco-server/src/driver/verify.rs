//! Reading an image back from disk, and saying whether it is what was declared.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::BytesMut;
use dco_block::{Eui64, Manifest, OtaImage, RejectImage, RejectSignature, verify_image};
use dco_engine::Verdict;
use dco_store::{BlockReader, StoreError};
use tokio::task::JoinSet;

use crate::signers::Signers;

/// A block that the disk has not given in so many read-backs is lost: it is asked for again.
const TRIES_MAX: u32 = 3;

/// Read-backs under way, and how often each has failed so far.
#[derive(Debug, Default)]
pub(super) struct Verifications {
    tasks: JoinSet<(u64, Verdict)>,
    failed_tries: BTreeMap<u64, u32>,
}

impl Verifications {
    /// Starts one on a thread for such work. One that panics, which is a bug, has read nothing: the engine
    /// asks for it again as for any other that the disk did not give.
    pub(super) fn start(&mut self, owner: u64, read: impl FnOnce() -> Verdict + Send + 'static) {
        self.tasks.spawn_blocking(move || {
            let verdict = catch_unwind(AssertUnwindSafe(read));
            (owner, verdict.unwrap_or(Verdict::Unread))
        });
    }

    /// How often the one of this owner has failed so far.
    pub(super) fn failed_tries(&self, owner: u64) -> u32 {
        self.failed_tries.get(&owner).copied().unwrap_or(0)
    }

    /// The next one that is done; nothing while none is under way. Safe to drop while it waits.
    pub(super) async fn next(&mut self) -> Option<(u64, Verdict)> {
        let (owner, verdict) = self.tasks.join_next().await?.ok()?;
        if verdict == Verdict::Unread {
            let tries = self.failed_tries.entry(owner).or_default();
            *tries += 1;
            tracing::error!(
                owner,
                tries,
                "an image cannot be read back; it is tried again"
            );
        } else {
            self.failed_tries.remove(&owner);
        }
        Some((owner, verdict))
    }
}

/// Reads all blocks of a complete image and checks the whole against its manifest. Takes as much memory as the image, and
/// the thread until it is done.
pub(super) fn read_back(
    reader: &BlockReader,
    owner: u64,
    manifest: &Manifest,
    failed_tries: u32,
) -> Result<OtaImage, Verdict> {
    let mut image = BytesMut::with_capacity(manifest.image_bytes() as usize);
    for index in 0..manifest.block_count() {
        match reader.read(owner, index) {
            Ok(data) => image.extend_from_slice(&data),
            Err(error) => return Err(unread((owner, index), &error, failed_tries)),
        }
    }
    verify_image(&image.freeze(), manifest).map_err(|reject| Verdict::Bad {
        reason: reason(&reject).to_owned(),
        message: reject.to_string(),
    })
}

/// Whether the image bears the signature that it must.
pub(super) fn signed(signers: &Signers, user: Eui64, image: &OtaImage) -> Verdict {
    match signers.check(user, image) {
        Ok(()) => Verdict::Good,
        Err(reject) => Verdict::Bad {
            reason: match reject {
                RejectSignature::Missing => "IMAGE_SIGNATURE_MISSING".to_owned(),
                RejectSignature::Invalid { .. } => "IMAGE_SIGNATURE_INVALID".to_owned(),
            },
            message: reject.to_string(),
        },
    }
}

/// That one block is damaged, or not there, is a fact; all else may work the next time, but not for ever.
fn unread((owner, index): (u64, u32), error: &StoreError, failed_tries: u32) -> Verdict {
    tracing::error!(owner, block.index = index, %error, "a block cannot be read back");
    match error {
        StoreError::Damaged { .. } | StoreError::NotHeld { .. } => Verdict::Damaged { index },
        StoreError::Disk { .. } if failed_tries + 1 >= TRIES_MAX => Verdict::Damaged { index },
        _ => Verdict::Unread,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_that_is_damaged_missing_or_never_given_is_to_be_sent_again() {
        let damaged = StoreError::Damaged {
            file: "blocks".to_owned(),
            offset: 1,
            what: "a block",
        };
        let missing = StoreError::NotHeld { owner: 7, index: 2 };
        for error in [damaged, missing] {
            assert_eq!(unread((7, 2), &error, 0), Verdict::Damaged { index: 2 });
        }
        let unreadable = StoreError::Disk {
            doing: "reading",
            file: "blocks".to_owned(),
            offset: Some(1),
            source: std::io::Error::other("a bad sector"),
        };
        let tries = [0, 1, 2].map(|failed| unread((7, 2), &unreadable, failed));
        let lost = Verdict::Damaged { index: 2 };
        assert_eq!(tries, [Verdict::Unread, Verdict::Unread, lost]);
        assert_eq!(unread((7, 2), &StoreError::Closed, 9), Verdict::Unread);
    }

    #[tokio::test]
    async fn a_read_back_that_panics_has_read_nothing_and_is_counted() {
        let mut verifications = Verifications::default();
        assert_eq!(verifications.next().await, None);
        for tries in 1..=2 {
            verifications.start(7, || panic!("as a bug would"));
            assert_eq!(verifications.next().await, Some((7, Verdict::Unread)));
            assert_eq!(verifications.failed_tries(7), tries);
        }
        verifications.start(7, || Verdict::Good);
        assert_eq!(verifications.next().await, Some((7, Verdict::Good)));
        assert_eq!(verifications.failed_tries(7), 0);
    }
}
