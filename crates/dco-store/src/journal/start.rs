use super::{Head, Replay, Seq};
use crate::{
    Options, StoreError,
    disk::Folder,
    segment::{Log, SegmentHeader, check_known},
    snapshot::{self, Snapshot},
};

/// What a start rested on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Start {
    /// The last record of the snapshot that was taken in, if one was.
    pub snapshot: Option<Seq>,
    /// Snapshots that were not: file and reason. Somebody should look at them.
    pub refused: Vec<(String, String)>,
    /// Records that were replayed.
    pub records: u64,
}

/// Where a replay begins.
#[derive(Debug)]
pub(crate) struct Beginning {
    /// What is taken in already.
    pub(crate) head: Head,
    /// The first segment that is not, as an index into the list of them.
    pub(crate) first: usize,
    pub(crate) snapshot: Option<Seq>,
    pub(crate) refused: Vec<(String, String)>,
}

/// The segments of a journal, of which none is missing between the first and the last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segments<'a> {
    pub(crate) folder: &'a Folder,
    pub(crate) options: &'a Options,
    pub(crate) numbers: &'a [u64],
}

impl Segments<'_> {
    /// Takes in the newest snapshot that is whole, fits and is understood. Without one the
    /// replay begins at the first record, if that is still there.
    pub(crate) fn begin(
        &self,
        snapshots: &[Seq],
        replay: &mut dyn Replay,
    ) -> Result<Beginning, StoreError> {
        let mut refused = Vec::new();
        for seq in snapshots {
            match self.load(*seq, replay) {
                Ok((head, first)) => {
                    return Ok(Beginning {
                        head,
                        first,
                        snapshot: Some(*seq),
                        refused,
                    });
                }
                Err(Unfit::Fatal(error)) => return Err(error),
                Err(Unfit::Refused(why)) => refused.push((snapshot::finished(*seq), why)),
            }
        }
        match self.numbers.first() {
            None | Some(1) => Ok(Beginning {
                head: Head::NONE,
                first: 0,
                snapshot: None,
                refused,
            }),
            Some(number) => Err(StoreError::Uncovered {
                file: Log::Journal.segment(*number),
                refused: said(&refused),
            }),
        }
    }

    fn load(&self, seq: Seq, replay: &mut dyn Replay) -> Result<(Head, usize), Unfit> {
        let file = snapshot::finished(seq);
        let header = snapshot::header_of(self.folder, seq)?;
        check_known(
            &file,
            "record",
            header.record_format,
            self.options.record_format,
        )?;
        let Some((first, follower)) = self.following(seq).map_err(Unfit::Fatal)? else {
            return Err(Unfit::Refused("no journal segment begins after it".into()));
        };
        if follower.chain != header.head.chain {
            return Err(Unfit::Refused(
                "its hash chain is not that of the journal".into(),
            ));
        }
        let snapshot = Snapshot::read(self.folder, &file)?;
        replay
            .load(seq, &snapshot.body)
            .map_err(|error| Unfit::Refused(error.to_string()))?;
        Ok((header.head, first))
    }

    /// The segment whose first record is the one after `seq`. Looked for from the end, since
    /// that is where it is.
    pub(crate) fn following(&self, seq: Seq) -> Result<Option<(usize, SegmentHeader)>, StoreError> {
        for (index, number) in self.numbers.iter().enumerate().rev() {
            let header = SegmentHeader::read(self.folder, Log::Journal, *number)?;
            if header.first_seq <= seq + 1 {
                return Ok((header.first_seq == seq + 1).then_some((index, header)));
            }
        }
        Ok(None)
    }
}

/// Why a snapshot is of no use.
enum Unfit {
    Refused(String),
    Fatal(StoreError),
}

impl From<StoreError> for Unfit {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NewerFormat { .. } => Self::Fatal(error),
            StoreError::Damaged { offset, what, .. } => {
                Self::Refused(format!("damaged at byte {offset}: {what}"))
            }
            other => Self::Refused(other.to_string()),
        }
    }
}

fn said(refused: &[(String, String)]) -> String {
    if refused.is_empty() {
        return "there is none".to_owned();
    }
    let each = refused.iter().map(|(file, why)| format!("{file}: {why}"));
    each.collect::<Vec<_>>().join("; ")
}
