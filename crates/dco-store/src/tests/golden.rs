//! A folder of every format there ever was, as the program of its day left it, must be read for ever.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest, Sha256};

use super::{
    history::{history, open_history_with},
    support::{SMALL, block, pattern},
};
use crate::{Disk, FileDisk, MemDisk, Options, SnapshotMaker, StoreError, check};

/// Formats with a golden folder. To add one: raise this, run the ignored test below once, commit what it wrote.
const FORMATS: u32 = 3;

/// What the writer and the reader of a folder agree in.
const GOLDEN: Options = Options {
    record_format: 3,
    ..SMALL
};

/// How each folder was left.
const ENDS: [&str; 2] = ["closed", "killed"];

fn golden(format: u32, end: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    folder.join(format!("format-{format}")).join(end)
}

#[test]
fn a_folder_of_every_format_says_what_it_said_when_it_was_written() {
    for format in 1..=FORMATS {
        for end in ENDS {
            let folder = tempfile::tempdir().unwrap();
            let files = copy(&golden(format, end), folder.path());
            assert!(files >= 8, "several segments of both logs");
            let disk = Arc::new(FileDisk::open(folder.path()).unwrap());
            let report = check(disk.clone(), &GOLDEN, &mut *history()).unwrap();
            assert!(report.is_clean() && report.is_replayed, "{report:?}");
            let found = dump(disk).unwrap();
            let expected = golden(format, end).with_extension("txt");
            assert_eq!(found, text(&expected), "format {format}, {end}");
        }
    }
}

#[test]
#[ignore = "writes the golden folder of a format that has none yet"]
fn write_the_golden_folder_of_the_newest_format() {
    for end in ENDS {
        let folder = golden(FORMATS, end);
        assert!(
            !folder.exists(),
            "a golden folder is never written a second time"
        );
        let disk = MemDisk::new();
        tell_the_story(&disk, end == "closed").unwrap();
        fs::create_dir_all(&folder).unwrap();
        for name in disk.list().unwrap() {
            put(&folder.join(&name), &bytes_of(&disk, &name));
        }
        let found = dump(Arc::new(disk)).unwrap();
        put(&folder.with_extension("txt"), found.as_bytes());
    }
}

/// Several sealed segments of both logs, open ones, one that was freed and filled again, and one that waits for
/// that, and the next one ready; two snapshots, and journal segments that went because of them.
fn tell_the_story(disk: &MemDisk, close: bool) -> Result<(), StoreError> {
    let mut opened = open_history_with(Arc::new(disk.clone()), GOLDEN)?.0;
    let expired = |record: &[u8]| {
        let mut old = (0..5).map(|commit| format!("commit {commit}"));
        old.any(|ending| record.ends_with(ending.as_bytes()))
    };
    let mut maker = SnapshotMaker::new(&opened.journal, history, expired);
    for commit in 0..12_u64 {
        let records: Vec<_> = (0..=commit % 3)
            .map(|n| format!("record {n} of commit {commit}"))
            .collect();
        opened.journal.commit(&records)?;
        maker.step()?;
    }
    opened.journal.commit(&["", &"long ".repeat(200), "last"])?;
    for owner in 1..=4 {
        for index in 0..3 {
            let bytes = pattern(owner * 10 + u64::from(index), 1000);
            opened.blocks.commit(&[(owner, block(index, bytes))])?;
        }
        // The third owner's blocks go where the first's were; the second's room is still free.
        if owner == 2 || owner == 4 {
            opened.blocks.free(owner / 2)?;
        }
    }
    assert!(opened.blocks.make_ready()?);
    if close {
        opened.journal.close()?;
        opened.blocks.close()?;
    }
    Ok(())
}

/// All that is found in a folder, as text.
fn dump(disk: Arc<dyn Disk>) -> Result<String, StoreError> {
    let mut text = String::new();
    let options = Options { salt: 7, ..GOLDEN };
    let (opened, history) = open_history_with(disk, options)?;
    for (record, seq) in history.records.iter().zip(1..) {
        let record = String::from_utf8_lossy(record);
        writeln!(text, "record {seq}: {record:?}").unwrap();
    }
    if let Some(seq) = opened.start.snapshot {
        writeln!(text, "snapshot {seq}").unwrap();
    }
    let head = opened.journal.head();
    let mut line = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    line(format!("head {}: {}", head.seq, hex(&head.chain)));
    let reader = opened.blocks.reader();
    for held in opened.blocks.held() {
        let bytes = reader.read(held.owner, held.index)?;
        let (owner, index, crc32) = (held.owner, held.index, held.crc32);
        let (len, sha256) = (bytes.len(), hex(&Sha256::digest(&bytes)));
        line(format!(
            "block {owner}/{index}: {len} bytes, CRC-32 {crc32:08x}, SHA-256 {sha256}"
        ));
    }
    Ok(text)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn copy(from: &Path, to: &Path) -> usize {
    let files = fs::read_dir(from).unwrap().map(|file| {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    });
    files.count()
}

fn bytes_of(disk: &MemDisk, name: &str) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(disk.len(name).unwrap()).unwrap()];
    disk.read_at(name, 0, &mut bytes).unwrap();
    bytes
}

#[expect(
    clippy::disallowed_methods,
    reason = "golden files lie in the repository"
)]
fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "golden files lie in the repository"
)]
fn put(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
}
