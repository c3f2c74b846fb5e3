use crate::codec::{len_u64, put};

/// A sector of a disk reaches it whole in practice; tests may tear even that.
const SECTOR_BYTES: u64 = 512;

/// Something that was asked for and not yet synced when the power went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsynced<'a> {
    /// A create, rename or remove. These survive in order: after a lost one all are lost.
    Name {
        /// The name that changed.
        file: &'a str,
    },
    /// A change of a file's length.
    Length {
        /// The file's name.
        file: &'a str,
        /// The new length.
        bytes: u64,
    },
    /// A write, or the part of it that falls into one sector of 512 bytes.
    Sector {
        /// The file's name.
        file: &'a str,
        /// Where in the file it goes.
        offset: u64,
        /// How many bytes.
        bytes: usize,
    },
}

/// What becomes of something unsynced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It never reached the disk.
    Lost,
    /// It reached the disk.
    Kept,
    /// Its first `bytes` reached the disk; means `Lost` for names and lengths.
    Torn {
        /// How many.
        bytes: usize,
    },
}

/// One file: what is read from it and what a power cut leaves.
#[derive(Debug, Clone, Default)]
pub(super) struct Inode {
    pub(super) visible: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Length(u64),
    Write { offset: u64, bytes: Vec<u8> },
}

impl Inode {
    pub(super) fn set_len(&mut self, bytes: u64) {
        self.make(Change::Length(bytes));
    }

    pub(super) fn write_at(&mut self, offset: u64, bytes: &[u8]) {
        self.make(Change::Write {
            offset,
            bytes: bytes.to_vec(),
        });
    }

    fn make(&mut self, change: Change) {
        change.apply_to(&mut self.visible);
        self.unsynced.push(change);
    }

    /// A sync that does not work forgets what it was to write, as the page cache does.
    pub(super) fn sync(&mut self, works: bool) {
        for change in self.unsynced.drain(..) {
            if works {
                change.apply_to(&mut self.durable);
            }
        }
    }

    pub(super) fn flip_bit(&mut self, offset: u64, bit: u8) {
        for bytes in [&mut self.visible, &mut self.durable] {
            let at = position(offset);
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << bit;
            }
        }
    }

    /// The file after a power cut.
    pub(super) fn survivor(
        &self,
        name: &str,
        fate: &mut impl FnMut(&Unsynced<'_>) -> Fate,
    ) -> Self {
        let mut left = self.durable.clone();
        for change in &self.unsynced {
            change.survive(name, &mut left, fate);
        }
        Self {
            visible: left.clone(),
            durable: left,
            unsynced: Vec::new(),
        }
    }
}

impl Change {
    fn apply_to(&self, file: &mut Vec<u8>) {
        match self {
            Self::Length(bytes) => file.resize(position(*bytes), 0),
            Self::Write { offset, bytes } => write(file, *offset, bytes),
        }
    }

    fn survive(
        &self,
        file: &str,
        left: &mut Vec<u8>,
        fate: &mut impl FnMut(&Unsynced<'_>) -> Fate,
    ) {
        match self {
            Self::Length(bytes) => {
                if fate(&Unsynced::Length {
                    file,
                    bytes: *bytes,
                }) == Fate::Kept
                {
                    self.apply_to(left);
                }
            }
            Self::Write { offset, bytes } => {
                for (offset, sector) in sectors(*offset, bytes) {
                    let kept = match fate(&Unsynced::Sector {
                        file,
                        offset,
                        bytes: sector.len(),
                    }) {
                        Fate::Lost => 0,
                        Fate::Kept => sector.len(),
                        Fate::Torn { bytes } => bytes.min(sector.len()),
                    };
                    if kept > 0 {
                        write(left, offset, &sector[..kept]);
                    }
                }
            }
        }
    }
}

fn write(file: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let end = position(offset + len_u64(bytes));
    if file.len() < end {
        file.resize(end, 0);
    }
    put(file, position(offset), bytes);
}

fn sectors(offset: u64, bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let mut offset = offset;
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let room = position(SECTOR_BYTES - offset % SECTOR_BYTES);
        let (sector, after) = rest.split_at(room.min(rest.len()));
        let at = offset;
        offset += len_u64(sector);
        rest = after;
        (!sector.is_empty()).then_some((at, sector))
    })
}

/// An offset as an index: this disk lies in memory, so every offset in use is one.
pub(super) fn position(offset: u64) -> usize {
    usize::try_from(offset).expect("a file in memory is no longer than memory")
}
