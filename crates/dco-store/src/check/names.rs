use super::Report;
use crate::{StoreError, disk::Folder, segment::Log, snapshot};

/// Names what belongs to nobody and what was never finished.
pub(super) fn check(folder: &Folder, report: &mut Report) -> Result<(), StoreError> {
    for file in folder.list()? {
        let is_known = snapshot::number(&file).is_some()
            || [Log::Journal, Log::Blocks].iter().any(|log| log.has(&file));
        if is_known {
            continue;
        }
        let is_unfinished = file.ends_with(".new");
        let what = if is_unfinished {
            "it was never finished; the next start removes it"
        } else {
            "no file of this program has such a name"
        };
        report.note(&file, 0, what);
    }
    Ok(())
}
