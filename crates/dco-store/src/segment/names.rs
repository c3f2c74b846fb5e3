use crate::{StoreError, disk::Folder};

/// Which of the two logs a file belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Log {
    Journal,
    Blocks,
}

/// The files of one log, each list ascending.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Numbers of segments in use.
    pub(crate) segments: Vec<u64>,
    /// Numbers that files waiting for reuse last had.
    pub(crate) spare: Vec<u64>,
}

const SEGMENT: &str = ".seg";
const SPARE: &str = ".free";
const UNFINISHED: &str = ".new";
/// No log ever comes to this number. A file that somebody gave a higher one is none of its files,
/// so that whoever counts on from a number never comes to the end of them.
const NUMBER_MAX: u64 = u64::MAX / 2;

impl Log {
    pub(crate) fn magic(self) -> &'static [u8; 8] {
        match self {
            Self::Journal => b"dco.jrnl",
            Self::Blocks => b"dco.blks",
        }
    }

    /// The format this program writes, and the highest it reads. Segments of the block log have
    /// a footer since 2, those of the journal a record format.
    pub(crate) fn version(self) -> u32 {
        match self {
            Self::Journal | Self::Blocks => 2,
        }
    }

    pub(crate) fn segment(self, number: u64) -> String {
        self.file(number, SEGMENT)
    }

    pub(crate) fn spare(self, number: u64) -> String {
        self.file(number, SPARE)
    }

    pub(crate) fn unfinished(self, number: u64) -> String {
        self.file(number, UNFINISHED)
    }

    /// Removes what a crash left unfinished.
    pub(crate) fn tidy(self, folder: &Folder) -> Result<(), StoreError> {
        for file in folder.list()? {
            if self.number(&file, UNFINISHED).is_some() {
                folder.remove(&file)?;
            }
        }
        Ok(())
    }

    /// Lists the log's files. Those of other names are none of ours.
    pub(crate) fn list(self, folder: &Folder) -> Result<Names, StoreError> {
        let mut names = Names::default();
        for file in folder.list()? {
            if let Some(number) = self.number(&file, SEGMENT) {
                names.segments.push(number);
            } else if let Some(number) = self.number(&file, SPARE) {
                names.spare.push(number);
            }
        }
        names.segments.sort_unstable();
        names.spare.sort_unstable();
        Ok(names)
    }

    /// Whether a finished file of the log has this name.
    pub(crate) fn has(self, file: &str) -> bool {
        [SEGMENT, SPARE]
            .iter()
            .any(|kind| self.number(file, kind).is_some())
    }

    /// The number of the segment of this name, if it is the name of one.
    pub(crate) fn number_of(self, file: &str) -> Option<u64> {
        self.number(file, SEGMENT)
    }

    fn file(self, number: u64, kind: &str) -> String {
        format!("{}{number:010}{kind}", self.prefix())
    }

    fn number(self, file: &str, kind: &str) -> Option<u64> {
        let digits = file.strip_prefix(self.prefix())?.strip_suffix(kind)?;
        digits
            .parse()
            .ok()
            .filter(|number| *number <= NUMBER_MAX && self.file(*number, kind) == file)
    }

    /// What the names of the log's files start with.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Journal => "journal-",
            Self::Blocks => "blocks-",
        }
    }
}
