use crate::{StoreError, disk::Folder, journal::Seq};

const PREFIX: &str = "snapshot-";
const FINISHED: &str = ".snap";
const UNFINISHED: &str = ".new";

/// The name of the snapshot that ends with this record.
pub(crate) fn finished(seq: Seq) -> String {
    file(seq, FINISHED)
}

/// The name it has until it is checked.
pub(crate) fn unfinished(seq: Seq) -> String {
    file(seq, UNFINISHED)
}

/// The last record of the snapshot of this name, if it is the name of one.
pub(crate) fn number(file: &str) -> Option<Seq> {
    parse(file, FINISHED)
}

/// The last records of all snapshots, newest first.
pub(crate) fn list(folder: &Folder) -> Result<Vec<Seq>, StoreError> {
    let mut seqs: Vec<_> = folder
        .list()?
        .iter()
        .filter_map(|file| number(file))
        .collect();
    seqs.sort_unstable_by(|a, b| b.cmp(a));
    Ok(seqs)
}

/// The same, after removing what was left unfinished.
pub(crate) fn tidy_and_list(folder: &Folder) -> Result<Vec<Seq>, StoreError> {
    for file in folder.list()? {
        if parse(&file, UNFINISHED).is_some() {
            folder.remove(&file)?;
        }
    }
    list(folder)
}

fn file(seq: Seq, kind: &str) -> String {
    format!("{PREFIX}{seq:020}{kind}")
}

fn parse(name: &str, kind: &str) -> Option<Seq> {
    let digits = name.strip_prefix(PREFIX)?.strip_suffix(kind)?;
    digits.parse().ok().filter(|seq| file(*seq, kind) == name)
}
