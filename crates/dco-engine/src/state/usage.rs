//! What each User has in the store, in numbers.

use std::collections::BTreeMap;

use dco_block::{Eui64, Manifest};

/// One User's transfers and images.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Transfers that are RECEIVING or VERIFYING.
    pub(crate) open_transfers: u32,
    /// The bytes that those declare.
    pub(crate) open_bytes: u64,
    /// The bytes of its images that are STORED, each once. Whether somebody else has one too is not in them.
    pub(crate) image_bytes: u64,
}

impl Usage {
    /// What counts against the limit on stored bytes.
    pub(crate) fn stored_bytes(&self) -> u64 {
        self.open_bytes + self.image_bytes
    }
}

/// The use that each User makes of the store.
#[derive(Debug, Default)]
pub(crate) struct Usages {
    by_user: BTreeMap<Eui64, Usage>,
}

impl Usages {
    pub(crate) fn of(&self, user: Eui64) -> Usage {
        self.by_user.get(&user).copied().unwrap_or_default()
    }

    pub(crate) fn opened(&mut self, user: Eui64, manifest: &Manifest) {
        let usage = self.by_user.entry(user).or_default();
        usage.open_transfers += 1;
        usage.open_bytes += u64::from(manifest.image_bytes());
    }

    pub(crate) fn ended(&mut self, user: Eui64, manifest: &Manifest) {
        let usage = self.by_user.entry(user).or_default();
        usage.open_transfers -= 1;
        usage.open_bytes -= u64::from(manifest.image_bytes());
    }

    pub(crate) fn stored(&mut self, user: Eui64, manifest: &Manifest) {
        self.by_user.entry(user).or_default().image_bytes += u64::from(manifest.image_bytes());
    }
    pub(crate) fn retired(&mut self, user: Eui64, manifest: &Manifest) {
        self.by_user.entry(user).or_default().image_bytes -= u64::from(manifest.image_bytes());
    }
}
