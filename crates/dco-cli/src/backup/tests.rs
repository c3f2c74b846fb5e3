use std::path::Path;

use super::reading::Damage;
use super::*;

fn contents(files: Vec<FileFacts>) -> Contents {
    let head = HeadFacts {
        seq: 7,
        chain: hex([9; 32]),
    };
    Contents::new("0.1.0".into(), "2026-03-29T00:00:00Z".into(), head, files)
}

/// A folder with two files, finished.
fn backup(path: &Path) -> Backup {
    let folder = Unfinished::begin(path).unwrap();
    let files = [("a.seg", &b"abc"[..]), ("b.seg", &b"de"[..])].map(|(name, bytes)| {
        let mut file = folder.file(name).unwrap();
        file.append(bytes).unwrap();
        file.finish().unwrap()
    });
    folder.into_backup(&contents(files.into())).unwrap();
    Backup::open(path).unwrap()
}

fn message(result: Result<impl std::fmt::Debug, crate::exit::Failure>) -> String {
    result.unwrap_err().message
}

#[test]
fn what_was_written_is_there_and_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let backup = backup(&dir.path().join("new"));
    assert_eq!(backup.contents.bytes(), 5);
    assert_eq!(
        backup.contents.files[0].sha256,
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    let mut read = 0;
    assert_eq!(backup.check(|bytes| read += bytes).unwrap(), []);
    assert_eq!(read, 5);
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    crate::files::write(&dir.path().join("mine"), "x").unwrap();
    assert!(message(Unfinished::begin(dir.path())).contains("is not empty"));
    let entries = std::fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(entries, 1);
}

#[test]
fn a_backup_that_was_interrupted_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new");
    let folder = Unfinished::begin(&path).unwrap();
    folder.file("a.seg").unwrap().finish().unwrap();
    assert!(message(Backup::open(&path)).contains("was never finished"));
    folder.remove().unwrap();
    assert!(message(Backup::open(&path)).contains("is no backup"));
}

#[test]
fn every_change_of_a_file_is_found_with_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new");
    let backup = backup(&path);
    let found = |name: &str, text: Option<&str>| {
        match text {
            Some(text) => crate::files::write(&path.join(name), text).unwrap(),
            None => std::fs::remove_file(path.join(name)).unwrap(),
        }
        let damages = backup.check(|_| ()).unwrap();
        damages.iter().map(Damage::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        found("a.seg", Some("abd")),
        ["a.seg: its SHA-256 is not the one of the backup"]
    );
    assert_eq!(found("a.seg", Some("ab")), ["a.seg: it has 2 bytes, not 3"]);
    assert_eq!(found("a.seg", Some("abc")), [""; 0]);
    assert_eq!(found("b.seg", None), ["b.seg: the file is missing"]);
}

#[test]
fn a_list_that_leads_elsewhere_or_comes_from_the_future_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new");
    backup(&path);
    let write = |contents: &Contents| {
        let text = serde_json::to_string(contents).unwrap();
        crate::files::write(&path.join("backup.json"), &text).unwrap();
        message(Backup::open(&path))
    };
    for name in ["../a", "/a", "a/b", "..", ""] {
        let file = FileFacts {
            name: name.to_owned(),
            bytes: 1,
            sha256: String::new(),
        };
        assert!(
            write(&contents(vec![file])).contains("is no file name"),
            "{name}"
        );
    }
    let newer = Contents {
        format: FORMAT + 1,
        ..contents(Vec::new())
    };
    assert!(write(&newer).contains("reads up to 1"));
    crate::files::write(&path.join("backup.json"), "{}").unwrap();
    assert!(message(Backup::open(&path)).contains("no list of a backup"));
}

#[test]
fn a_data_folder_has_its_name_only_when_it_is_complete() {
    let dir = tempfile::tempdir().unwrap();
    let (unfinished, data) = (dir.path().join("data.restoring"), dir.path().join("data"));
    std::fs::create_dir(&data).unwrap();
    let folder = Unfinished::begin(&unfinished).unwrap();
    folder.file("a.seg").unwrap().finish().unwrap();
    assert!(is_free(&data).unwrap());
    folder.into_data(&data).unwrap();
    assert!(!is_free(&data).unwrap());
    assert!(!unfinished.exists());
    let names: Vec<_> = std::fs::read_dir(&data).unwrap().collect();
    assert_eq!(names.len(), 1, "no mark is left: {names:?}");
}
