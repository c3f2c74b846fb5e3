//! Are the images that the journal says are stored really there?

use std::sync::Arc;

use dco_block::verify_image;
use dco_engine::{Engine, StoredCopy};
use dco_store::{Disk, Finding, Report};

use super::{FsckPlan, FsckReport};

/// Finds each stored image's blocks and, where that is wanted, holds the whole against its SHA-256. Takes as much memory
/// as the largest image.
pub(super) fn check(
    disk: &Arc<dyn Disk>,
    engine: &Engine,
    found: &Report,
    plan: FsckPlan,
    report: &mut FsckReport,
) {
    for copy in engine.stored_copies() {
        let finding = |what: String| Finding {
            file: format!("image {}", copy.manifest.image_id()),
            offset: 0,
            what,
        };
        match fault(disk, &copy, found, plan) {
            None => report.images += u64::from(plan.images),
            // What was found before is known, and nobody is given any of it.
            Some(what) if copy.is_quarantined => {
                report.notes.push(finding(format!("quarantined: {what}")));
            }
            Some(what) => report.damage.push(finding(what)),
        }
    }
}

fn fault(
    disk: &Arc<dyn Disk>,
    copy: &StoredCopy,
    found: &Report,
    plan: FsckPlan,
) -> Option<String> {
    let indexes = 0..copy.manifest.block_count();
    let is_missing = |index: &u32| !found.whole.contains_key(&(copy.owner, *index));
    let mut missing = indexes.clone().filter(is_missing);
    if let Some(first) = missing.next() {
        let others = missing.count();
        return Some(format!(
            "it is stored, and block {first} of owner {} is damaged or missing, and {others} others",
            copy.owner
        ));
    }
    if !plan.images {
        return None;
    }
    let mut image = Vec::new();
    for index in indexes {
        match found.whole[&(copy.owner, index)].read(disk) {
            Ok(bytes) => image.extend_from_slice(&bytes),
            Err(error) => return Some(format!("block {index} cannot be read: {error}")),
        }
    }
    let verified = verify_image(&image.into(), &copy.manifest);
    verified.err().map(|reject| reject.to_string())
}
