use tempfile::TempDir;

use super::*;
use crate::memory::Offered;
use crate::samples::{NEW, attempt, device, offer, success};

struct Home {
    folder: TempDir,
}

impl Home {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("gateway.memory")
    }

    fn open(&self) -> (MemoryFile, Memory) {
        self.try_open().unwrap()
    }

    fn try_open(&self) -> Result<(MemoryFile, Memory), MemoryFileError> {
        MemoryFile::open(&self.path(), 10, "fresh".to_owned())
    }

    fn text(&self) -> Vec<u8> {
        read(&self.path()).unwrap()
    }

    fn overwrite(&self, text: &[u8]) {
        create(&self.path()).unwrap().write_all(text).unwrap();
    }
}

fn save(file: &mut MemoryFile, memory: &mut Memory) {
    file.save(&memory.take_unsaved()).unwrap();
}

/// In hand: 1. Ended: 2. Noted: 3. Withdrawn: 4.
fn fill(file: &mut MemoryFile, memory: &mut Memory) {
    for number in 1..=4 {
        memory.offer(offer(number, 1));
    }
    memory.end(success(attempt(2, 1)));
    memory.end(success(attempt(3, 1)));
    memory.noted(attempt(3, 1));
    memory.withdraw(attempt(4, 1));
    save(file, memory);
}

fn check_filled(memory: &mut Memory) {
    assert_eq!(memory.hello().attempts, [attempt(1, 1)]);
    assert_eq!(memory.hello().outcomes, [success(attempt(2, 1))]);
    assert_eq!(
        memory.offer_in_hand(attempt(1, 1)),
        Some(offer(1, 1).as_ref())
    );
    assert_eq!(
        memory.offer(offer(3, 1)),
        Offered::Ended(success(attempt(3, 1)))
    );
    assert_eq!(memory.offer(offer(4, 1)), Offered::Over);
    assert_eq!(memory.running()[&device(3)].firmware_version, NEW);
}

#[test]
fn a_new_memory_has_the_fresh_name_and_keeps_it() {
    let home = Home::new();
    assert_eq!(home.open().1.id(), "fresh");
    let (_file, memory) = MemoryFile::open(&home.path(), 10, "another".to_owned()).unwrap();
    assert_eq!(memory.id(), "fresh");
}

#[test]
fn everything_survives_a_restart_and_the_next() {
    let home = Home::new();
    let (mut file, mut memory) = home.open();
    fill(&mut file, &mut memory);
    for _ in 0..2 {
        drop(file);
        (file, memory) = home.open();
        check_filled(&mut memory);
    }
}

#[test]
fn a_restart_makes_the_file_as_short_as_it_can_be() {
    let home = Home::new();
    let (mut file, mut memory) = home.open();
    for number in 1..=50 {
        memory.offer(offer(1, number));
        save(&mut file, &mut memory);
    }
    let long = home.text().len();
    drop(file);
    let (_file, memory) = home.open();
    assert_eq!(memory.hello().attempts, [attempt(1, 50)]);
    assert!(home.text().len() * 20 < long);
}

#[test]
fn a_file_that_has_grown_long_is_written_anew_while_it_is_used() {
    let home = Home::new();
    let (mut file, mut memory) = home.open();
    fill(&mut file, &mut memory);
    let many = vec![Change::Withdrawn(attempt(4, 1)); 100_000];
    assert!(!file.is_long());
    file.save(&many).unwrap();
    assert!(file.is_long());
    file.replace(memory.id(), &memory.condensed()).unwrap();
    assert!(!file.is_long());
    assert!(home.text().len() < 10_000);
    memory.end(success(attempt(1, 1)));
    save(&mut file, &mut memory);
    drop(file);
    let (_file, memory) = home.open();
    assert_eq!(memory.hello().outcomes.len(), 2);
}

#[test]
fn a_last_line_that_was_not_written_to_its_end_is_cut_off() {
    let home = Home::new();
    let (mut file, mut memory) = home.open();
    fill(&mut file, &mut memory);
    let before = home.text().len();
    memory.end(success(attempt(1, 1)));
    save(&mut file, &mut memory);
    drop(file);
    let whole = home.text();
    // Each opening syncs: a cut at every seventh octet, and before the line feed, is enough.
    for torn in (before..whole.len()).step_by(7).chain([whole.len() - 1]) {
        home.overwrite(&whole[..torn]);
        let (_file, mut memory) = home.open();
        check_filled(&mut memory);
    }
    home.overwrite(&whole);
    assert_eq!(home.open().1.hello().attempts, []);
}

#[test]
fn a_file_torn_before_its_first_line_is_a_new_memory() {
    let home = Home::new();
    home.overwrite(b"{\"memory\":{\"id\":\"ol");
    assert_eq!(home.open().1.id(), "fresh");
}

#[test]
fn a_line_that_cannot_be_read_is_named_and_the_file_stays_as_it_is() {
    let home = Home::new();
    let (mut file, mut memory) = home.open();
    fill(&mut file, &mut memory);
    drop(file);
    let mut text = home.text();
    let second_line = text.iter().position(|octet| *octet == b'\n').unwrap() + 1;
    text[second_line] = b'#';
    home.overwrite(&text);
    let refused = home.try_open().unwrap_err();
    assert!(
        matches!(refused, MemoryFileError::Damaged { line: 2, .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("line 2 of "), "{refused}");
    assert_eq!(home.text(), text);
}

#[test]
fn a_file_of_another_kind_is_refused() {
    let home = Home::new();
    for (text, line) in [
        ("hello\n", 1),
        ("{\"noted\":{\"activation\":\"x\",\"attempt\":1}}\n", 1),
        (
            "{\"memory\":{\"id\":\"a\"}}\n{\"memory\":{\"id\":\"b\"}}\n",
            2,
        ),
        (
            "{\"memory\":{\"id\":\"a\"}}\n{\"noted\":{\"activation\":\"x\",\"attempt\":1}}\n",
            2,
        ),
    ] {
        home.overwrite(text.as_bytes());
        match home.try_open() {
            Err(MemoryFileError::Damaged { line: found, .. }) => assert_eq!(found, line, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn a_second_program_is_kept_out() {
    let home = Home::new();
    let first = home.open();
    assert!(matches!(
        home.try_open(),
        Err(MemoryFileError::InUse { .. })
    ));
    drop(first);
    assert!(home.try_open().is_ok());
}

#[test]
fn a_folder_that_does_not_exist_is_named() {
    let home = Home::new();
    let path = home.folder.path().join("nowhere").join("gateway.memory");
    let refused = MemoryFile::open(&path, 10, "fresh".to_owned()).unwrap_err();
    assert!(refused.to_string().contains("nowhere"), "{refused}");
}
