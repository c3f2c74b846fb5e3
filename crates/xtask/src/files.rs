//! The only place that reads files and makes folders.

#![expect(
    clippy::disallowed_methods,
    reason = "the checks are about source files, so something must read them"
)]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where text of ours lies, from the workspace root.
const FOLDERS: &[&str] = &["crates", "tests", "proto", "fuzz", "docs", ".ci"];
/// What is text: the ends of names. `run` is `.ci/run`.
const ENDS: &[&str] = &[".rs", ".proto", ".toml", ".md", ".sh", ".py", "/run"];
/// What is made and not written.
const MADE: &[&str] = &["target", "corpus", "artifacts", "coverage"];

/// A file or folder that could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be read; it must be UTF-8 text that this user may read")]
pub(crate) struct ReadError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// Every text file of ours under `root`: path from the root with `/`, and content.
pub(crate) fn read_all(root: &Path) -> Result<Vec<(String, String)>, ReadError> {
    let mut paths = plain_files(root)?;
    for folder in FOLDERS {
        walk(&root.join(folder), &mut paths)?;
    }
    paths
        .into_iter()
        .filter_map(|path| Some((name_from(root, &path)?, path)))
        .map(|(name, path)| Ok((name, read(&path)?)))
        .collect()
}

/// Makes a folder, and those that it lies in, unless it is there.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

fn name_from(root: &Path, path: &Path) -> Option<String> {
    let name = path.strip_prefix(root).ok()?.to_str()?.to_owned();
    ENDS.iter().any(|end| name.ends_with(end)).then_some(name)
}

fn plain_files(folder: &Path) -> Result<Vec<PathBuf>, ReadError> {
    Ok(entries(folder)?
        .into_iter()
        .filter(|path| path.is_file())
        .collect())
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), ReadError> {
    if !folder.is_dir() || MADE.iter().any(|made| folder.ends_with(made)) {
        return Ok(());
    }
    for path in entries(folder)? {
        if path.is_dir() {
            walk(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

/// Sorted, so that findings come in the same order on every machine.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let listed = fs::read_dir(folder).and_then(|entries| {
        entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<Vec<PathBuf>>>()
    });
    let mut paths = listed.map_err(|source| ReadError {
        path: folder.to_owned(),
        source,
    })?;
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> Result<String, ReadError> {
    fs::read_to_string(path).map_err(|source| ReadError {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_crate_is_found_from_its_own_folder() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut found = Vec::new();
        walk(&root.join("src"), &mut found).unwrap();
        assert!(found.contains(&root.join("src/files.rs")));
        assert!(
            read(&root.join("src/files.rs"))
                .unwrap()
                .contains("read_all")
        );
    }

    #[test]
    fn what_is_not_there_is_named() {
        let error = read(Path::new("no/such/file.rs")).unwrap_err();
        assert!(error.to_string().starts_with("no/such/file.rs cannot"));
        assert!(entries(Path::new("no/such/folder")).is_err());
    }

    #[test]
    fn only_text_of_ours_is_taken() {
        let root = Path::new("/house");
        let name = |path: &str| name_from(root, Path::new(path));
        assert_eq!(name("/house/.ci/run").as_deref(), Some(".ci/run"));
        assert_eq!(name("/house/Cargo.lock"), None);
    }
}
