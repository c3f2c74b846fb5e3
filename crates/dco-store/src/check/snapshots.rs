use std::collections::BTreeMap;

use super::Report;
use crate::{
    Options, StoreError,
    disk::Folder,
    journal::{Head, Seq},
    segment::check_known,
    snapshot::{self, Snapshot},
};

/// The whole snapshots, with the chain value that each carries.
pub(super) type Whole = BTreeMap<Seq, [u8; 32]>;

/// Reads every snapshot.
pub(super) fn check(
    folder: &Folder,
    options: &Options,
    report: &mut Report,
) -> Result<Whole, StoreError> {
    let mut whole = Whole::new();
    for seq in snapshot::list(folder)? {
        let file = snapshot::finished(seq);
        let read = read(folder, options, seq);
        if let Some(head) = report.note_damage(read, &file)? {
            whole.insert(seq, head.chain);
        }
    }
    Ok(whole)
}

fn read(folder: &Folder, options: &Options, seq: Seq) -> Result<Head, StoreError> {
    let file = snapshot::finished(seq);
    let header = snapshot::header_of(folder, seq)?;
    check_known(&file, "record", header.record_format, options.record_format)?;
    Snapshot::read(folder, &file)?;
    Ok(header.head)
}
