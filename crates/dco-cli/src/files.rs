#![expect(
    clippy::disallowed_methods,
    reason = "the one file of this program that reads and writes files"
)]
//! What people hand over as files, and what they are handed.

use std::fs::File;
use std::io::{BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::Path;

use bytes::Bytes;

use crate::exit::Failure;

/// All bytes of a file of at most `bytes_max`; a larger one is refused before it is read whole.
pub(crate) fn read(path: &Path, bytes_max: u64) -> Result<Bytes, Failure> {
    let file = File::open(path).map_err(|error| cannot("read", path, &error))?;
    let mut bytes = Vec::new();
    file.take(bytes_max.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| cannot("read", path, &error))?;
    if bytes.len() as u64 > bytes_max {
        return Err(Failure::data(format!(
            "{} has more than {bytes_max} bytes; a smaller file was expected",
            path.display()
        )));
    }
    Ok(bytes.into())
}

/// The text of a file of at most `bytes_max` bytes.
pub(crate) fn read_text(path: &Path, bytes_max: u64) -> Result<String, Failure> {
    String::from_utf8(read(path, bytes_max)?.into()).map_err(|error| {
        Failure::data(format!(
            "{} is not UTF-8 text from byte {} on; save it as UTF-8",
            path.display(),
            error.utf8_error().valid_up_to()
        ))
    })
}

/// A file to be read piece by piece.
pub(crate) fn open(path: &Path) -> Result<BufReader<File>, Failure> {
    let file = File::open(path).map_err(|error| cannot("read", path, &error))?;
    Ok(BufReader::new(file))
}

/// A file to be written piece by piece, which must not be there yet.
pub(crate) fn create_new(path: &Path) -> Result<BufWriter<File>, Failure> {
    let file = File::create_new(path).map_err(|error| cannot("write", path, &error))?;
    Ok(BufWriter::new(file))
}

/// Writes a file that must not be there yet.
pub(crate) fn write_new(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(|error| cannot("write", path, &error))?;
    file.write_all(content)
        .map_err(|error| cannot("write", path, &error))
}

/// Writes a file, over the one that may be there.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| cannot("write", path, &error))
}

pub(crate) fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    let path = path.display();
    Failure::data(match error.kind() {
        ErrorKind::NotFound => format!("cannot {what} {path}: there is no such file or folder"),
        ErrorKind::AlreadyExists => {
            format!("{path} is there already and is never overwritten; choose another name")
        }
        _ => format!("cannot {what} {path}: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(result: Result<impl std::fmt::Debug, Failure>) -> String {
        result.unwrap_err().message
    }

    #[test]
    fn a_file_of_just_the_limit_is_read_and_one_byte_more_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("image");
        write_new(&path, b"12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), "12345");
        assert!(message(read(&path, 4)).contains("more than 4 bytes"));
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_with_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("absent");
        assert!(message(read(&path, 1)).ends_with("absent: there is no such file or folder"));
        write(&path, "x").unwrap();
        assert!(message(write_new(&path, b"y")).contains("never overwritten"));
        assert!(message(write(dir.path(), "x")).starts_with("cannot write"));
        std::fs::write(&path, b"ab\xFF").unwrap();
        assert!(message(read_text(&path, 9)).contains("not UTF-8 text from byte 2 on"));
    }
}
