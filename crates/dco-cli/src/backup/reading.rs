#![expect(clippy::disallowed_methods, reason = "the one file that reads backups")]
//! A backup that is there already.

use std::fmt;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use dco_server::{BACKUP_LIST, BACKUP_LIST_UNFINISHED};
use sha2::{Digest, Sha256};

use super::{Contents, FORMAT, FileFacts, hex};
use crate::exit::Failure;
use crate::files;

/// Bytes read at one time.
const PIECE_BYTES: usize = 1024 * 1024;
/// A list of files is small; a hundred thousand files are some ten megabytes.
const LIST_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A finished backup.
#[derive(Debug)]
pub(crate) struct Backup {
    path: PathBuf,
    pub(crate) contents: Contents,
}

/// A file of a backup that is not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) file: String,
    pub(crate) what: String,
}

impl Backup {
    /// Reads the list of what is in it.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let list = path.join(BACKUP_LIST);
        if !list.exists() {
            return Err(Failure::data(no_list(path)));
        }
        let text = files::read_text(&list, LIST_BYTES_MAX)?;
        let bad = |why: &dyn fmt::Display| {
            Failure::data(format!(
                "{} is no list of a backup: {why}; take another backup",
                list.display()
            ))
        };
        let contents: Contents = serde_json::from_str(&text).map_err(|error| bad(&error))?;
        if contents.format > FORMAT {
            return Err(Failure::data(format!(
                "{} is written in format {}, this program reads up to {FORMAT}; use the program \
                 that wrote it, or a newer one",
                list.display(),
                contents.format
            )));
        }
        match contents.files.iter().find(|file| !is_plain(&file.name)) {
            Some(file) => Err(bad(&format_args!("{:?} is no file name", file.name))),
            None => Ok(Self {
                path: path.to_owned(),
                contents,
            }),
        }
    }

    /// Reads one of its files through to its end; `each` gets its bytes in order. Gives what is wrong with
    /// it, which may be known only after `each` had all of it.
    pub(crate) fn read(
        &self,
        listed: &FileFacts,
        mut each: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<Option<Damage>, Failure> {
        let damaged = |what: String| {
            let file = listed.name.clone();
            Ok(Some(Damage { file, what }))
        };
        let mut file = match File::open(self.path.join(&listed.name)) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return damaged("the file is missing".to_owned());
            }
            Err(error) => return damaged(format!("it cannot be read: {error}")),
        };
        let (mut bytes, mut sha256) = (0, Sha256::new());
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let read = match file.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    return damaged(format!("it cannot be read from {bytes} on: {error}"));
                }
            };
            bytes += read as u64;
            sha256.update(&piece[..read]);
            each(&piece[..read])?;
        }
        if bytes != listed.bytes {
            return damaged(format!("it has {bytes} bytes, not {}", listed.bytes));
        }
        if hex(sha256.finalize()) != listed.sha256 {
            return damaged("its SHA-256 is not the one of the backup".to_owned());
        }
        Ok(None)
    }

    /// Reads all of it; `progress` hears of bytes. Gives every damage.
    pub(crate) fn check(&self, mut progress: impl FnMut(u64)) -> Result<Vec<Damage>, Failure> {
        let mut all = Vec::new();
        for listed in &self.contents.files {
            let damage = self.read(listed, |piece| {
                progress(piece.len() as u64);
                Ok(())
            })?;
            all.extend(damage);
        }
        Ok(all)
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.what)
    }
}

fn no_list(path: &Path) -> String {
    let shown = path.display();
    if path.join(BACKUP_LIST_UNFINISHED).exists() {
        return format!("the backup {shown} was never finished; take another one");
    }
    format!(
        "{shown} is no backup: there is no {BACKUP_LIST} in it; name the folder that `dco backup` made"
    )
}

/// Nothing that leads out of the folder.
fn is_plain(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!(
        (parts.next(), parts.next()),
        (Some(std::path::Component::Normal(part)), None) if part == name
    )
}
