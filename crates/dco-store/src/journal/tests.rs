use std::sync::{Arc, mpsc::sync_channel};

use crate::{Journal, MemDisk, Opened, Options, StoreError, open};

/// Opens the disk with small segments; also what was replayed.
fn reopen(disk: &MemDisk) -> Result<(Journal, Vec<Vec<u8>>), StoreError> {
    let options = Options {
        journal_segment_bytes: 1024,
        ..Options::default()
    };
    let mut replayed = Vec::new();
    let Opened { journal, .. } = open(Arc::new(disk.clone()), options, &mut |seq, record| {
        replayed.push(record.to_vec());
        assert_eq!(seq, replayed.len() as u64, "numbers are without gaps");
        Ok(())
    })?;
    Ok((journal, replayed))
}

#[test]
fn records_come_back_in_order_over_several_segments() {
    let disk = MemDisk::new();
    let records: Vec<Vec<u8>> = (0..200_u8).map(|n| vec![n; usize::from(n)]).collect();
    let (mut journal, _) = reopen(&disk).unwrap();
    for commit in records.chunks(7) {
        journal.commit(commit).unwrap();
    }
    let head = journal.head();
    drop(journal);
    for _ in 0..2 {
        let (journal, replayed) = reopen(&disk).unwrap();
        assert_eq!(replayed, records);
        assert_eq!(journal.head(), head);
    }
}

#[test]
fn the_thread_says_what_is_durable() {
    let disk = MemDisk::new();
    let (journal, _) = reopen(&disk).unwrap();
    let (durable, heard) = sync_channel(1000);
    let writer = journal.start(move |seq| durable.send(seq.unwrap()).unwrap());
    for n in 0..100 {
        writer.append(vec![n; 10]).unwrap();
    }
    writer.close().unwrap();
    assert_eq!(heard.iter().last(), Some(100));
    let (_, replayed) = reopen(&disk.crash(|_| crate::Fate::Lost)).unwrap();
    assert_eq!(replayed.len(), 100);
}
