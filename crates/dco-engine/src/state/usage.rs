//! What each User has in the store, in numbers.

use std::collections::BTreeMap;

use dco_block::{Eui64, Manifest};
use dco_schedule::Micros;

/// One User's transfers and images.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Transfers that are RECEIVING or VERIFYING.
    pub(crate) open_transfers: u32,
    /// The bytes that those declare.
    pub(crate) open_bytes: u64,
    /// The bytes of its images that are STORED, each once. Whether somebody else has one too is not in them.
    pub(crate) image_bytes: u64,
    /// The bytes that transfers declared which ended without an image, and whose blocks are kept for a while.
    pub(crate) left_bytes: u64,
}

impl Usage {
    /// What counts against the limit on stored bytes.
    pub(crate) fn stored_bytes(&self) -> u64 {
        self.open_bytes + self.image_bytes + self.left_bytes
    }
}

/// The use that each User makes of the store.
#[derive(Debug, Default)]
pub(crate) struct Usages {
    /// Without what was left.
    by_user: BTreeMap<Eui64, Usage>,
    /// What was left, by the moment until which it is kept and the transfer's owner number.
    left: BTreeMap<Eui64, BTreeMap<(Micros, u64), u64>>,
}

impl Usages {
    pub(crate) fn of(&self, user: Eui64, at_us: Micros) -> Usage {
        let after = (at_us.saturating_add(1), 0);
        let left = self.left.get(&user).map(|left| left.range(after..));
        Usage {
            left_bytes: left.into_iter().flatten().map(|(_, bytes)| bytes).sum(),
            ..self.by_user.get(&user).copied().unwrap_or_default()
        }
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

    /// The blocks of a transfer that ended without an image are kept until a moment.
    pub(crate) fn left(&mut self, user: Eui64, until: (Micros, u64), manifest: &Manifest) {
        let left = self.left.entry(user).or_default();
        left.insert(until, u64::from(manifest.image_bytes()));
    }

    pub(crate) fn stored(&mut self, user: Eui64, manifest: &Manifest) {
        self.by_user.entry(user).or_default().image_bytes += u64::from(manifest.image_bytes());
    }

    pub(crate) fn retired(&mut self, user: Eui64, manifest: &Manifest) {
        self.by_user.entry(user).or_default().image_bytes -= u64::from(manifest.image_bytes());
    }
}
