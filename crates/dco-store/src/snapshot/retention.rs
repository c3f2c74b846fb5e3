use super::{Snapshot, SnapshotMaker, finished, list};
use crate::{
    StoreError,
    frame::Kind,
    journal::{Seq, records_of},
    segment::{Bodies, Log, Scan, SegmentHeader},
};

impl<M, E: FnMut(&[u8]) -> bool> SnapshotMaker<M, E> {
    /// Removes what two good snapshots, the newest and `base`, make superfluous: older snapshots,
    /// and sealed segments before `base` whose time is over. From the oldest on and each for
    /// certain before the next, so that a power cut leaves no gap.
    pub(super) fn forget(
        &mut self,
        base: Seq,
        numbers: &[u64],
        removed: &mut Vec<String>,
    ) -> Result<(), StoreError> {
        for seq in list(&self.folder)?.into_iter().filter(|seq| *seq < base) {
            self.remove(finished(seq), removed)?;
        }
        let mut is_checked = false;
        for pair in numbers.windows(2) {
            let [number, follower] = [pair[0], pair[1]];
            if !self.may_go(base, follower)? {
                return Ok(());
            }
            if !is_checked {
                Snapshot::read(&self.folder, &finished(base))?;
                is_checked = true;
            }
            if !self.remove(Log::Journal.segment(number), removed)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Whether the segments before `follower` are in the snapshot and their time is over.
    fn may_go(&mut self, base: Seq, follower: u64) -> Result<bool, StoreError> {
        let header = SegmentHeader::read(&self.folder, Log::Journal, follower)?;
        if header.first_seq > base + 1 {
            return Ok(false);
        }
        let mut scan = Scan::open(&self.folder, header, Bodies::Check, true)?;
        let Some(found) = scan.next()? else {
            return Ok(false);
        };
        let first = (found.frame.kind == Kind::Records)
            .then(|| records_of(&found.body).next())
            .flatten();
        Ok(first.is_some_and(|record| (self.expired)(record)))
    }

    fn remove(&self, file: String, removed: &mut Vec<String>) -> Result<bool, StoreError> {
        let is_removed = self.shared.unless_pinned(|| {
            self.folder.remove(&file)?;
            self.folder.sync_folder()
        })?;
        if is_removed {
            removed.push(file);
        }
        Ok(is_removed)
    }
}
