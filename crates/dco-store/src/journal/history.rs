use super::{Head, JournalWriter, Seq, head_after, pin::Pinned, records_of};
use crate::{
    StoreError,
    disk::Folder,
    segment::{Bodies, Log, Scan, SegmentHeader},
};

/// All records that are kept, up to the last one that was durable when this was made, to be read while writing
/// goes on. None of the files is removed as long as this lives.
#[derive(Debug)]
pub struct History {
    folder: Folder,
    /// Segments, none missing in between.
    numbers: Vec<u64>,
    before: Head,
    pinned: Pinned,
}

impl JournalWriter {
    /// What can be read of the journal now, everything said to be durable included.
    ///
    /// # Errors
    /// [`StoreError::Disk`], [`StoreError::Damaged`].
    pub fn history(&self) -> Result<History, StoreError> {
        let pinned = self.pin()?;
        let files = pinned.files.iter();
        let mut numbers: Vec<u64> = files
            .filter_map(|(file, _)| Log::Journal.number_of(file))
            .collect();
        numbers.sort_unstable();
        let folder = self.folder.clone();
        let before = match numbers.first() {
            Some(first) => before(&SegmentHeader::read(&folder, Log::Journal, *first)?),
            None => Head::NONE,
        };
        Ok(History {
            folder,
            numbers,
            before,
            pinned,
        })
    }
}

impl History {
    /// What was before the oldest record that is kept: number 0 unless older ones are gone.
    pub fn before(&self) -> Head {
        self.before
    }

    /// The last record.
    pub fn head(&self) -> Head {
        self.pinned.head
    }

    /// Reads the records from number `from` on, or from the oldest, and checks the hash chain on the way. `visit` gets
    /// the head before each record, the record and the head after it, and says whether it wants the next.
    ///
    /// # Errors
    /// [`StoreError::Disk`], and [`StoreError::Damaged`] where a record is not what was written.
    pub fn read(
        &self,
        from: Seq,
        mut visit: impl FnMut(Head, &[u8], Head) -> bool,
    ) -> Result<(), StoreError> {
        let (first, mut head) = self.segment_of(from)?;
        for number in &self.numbers[first..] {
            let header = SegmentHeader::read(&self.folder, Log::Journal, *number)?;
            let is_last = self.numbers.last() == Some(number);
            let mut scan = Scan::open(&self.folder, header, Bodies::Check, is_last)?;
            if before(&header) != head {
                return Err(scan.damaged(0, "this segment does not follow the one before"));
            }
            while head.seq < self.head().seq
                && let Some(found) = scan.next()?
            {
                let end =
                    head_after(head, &found).map_err(|what| scan.damaged(found.offset, what))?;
                let mut records = records_of(&found.body);
                if !records.all(|record| step(&mut head, from, record, &mut visit)) {
                    return Ok(());
                }
                head = end;
            }
        }
        Ok(())
    }

    /// The segment that has this record, as an index, and what is before it. Looked for from the end.
    fn segment_of(&self, from: Seq) -> Result<(usize, Head), StoreError> {
        for (index, number) in self.numbers.iter().enumerate().skip(1).rev() {
            let header = SegmentHeader::read(&self.folder, Log::Journal, *number)?;
            if header.first_seq <= from {
                return Ok((index, before(&header)));
            }
        }
        Ok((0, self.before))
    }
}

/// Goes over one record; whether the next is wanted.
fn step(
    head: &mut Head,
    from: Seq,
    record: &[u8],
    visit: &mut impl FnMut(Head, &[u8], Head) -> bool,
) -> bool {
    let before = *head;
    *head = before.after(record);
    head.seq < from || visit(before, record, *head)
}

fn before(header: &SegmentHeader) -> Head {
    Head {
        seq: header.first_seq.saturating_sub(1),
        chain: header.chain,
    }
}
