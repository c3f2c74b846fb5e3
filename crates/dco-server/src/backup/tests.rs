use dco_block::{Eui64, FirmwareVersion, Manifest, OtaHeader, split, wrap};
use dco_engine::{Request, Terms};
use dco_store::{MemDisk, Options};

use super::*;
use crate::driver::{self, Running, Surroundings};

const USER: Eui64 = Eui64::from_bits(1);

const OPTIONS: Options = Options {
    block_segment_bytes: 64 * 1024,
    journal_segment_bytes: 64 * 1024,
    commit_bytes_max: 1024 * 1024,
    queue_bytes_max: 1024 * 1024,
    reserve_bytes: 0,
    compaction_pause: Duration::from_millis(20),
    record_format: 0,
    salt: 0,
};

/// A service without its front, and backups of it.
fn service(disk: &MemDisk) -> (Running, Backups, CancellationToken) {
    let clock = Clock::scaled(1_700_000_000_000_000, 1);
    let metrics = Metrics::new();
    let disk = Arc::new(disk.clone());
    let recovered = driver::recover(disk, Terms::default(), OPTIONS, clock.now_us()).unwrap();
    let stop = CancellationToken::new();
    let around = Surroundings {
        clock,
        clock_jump_max_us: 3_600_000_000,
        metrics: Arc::clone(&metrics),
        service_desk_url: "mailto:desk".into(),
        signers: crate::signers::Signers::unasked(),
        log_key: None,
        gateway_rate: tokio::sync::watch::channel(None).1,
        journal_kept_us: Micros::MAX,
        draining: CancellationToken::new(),
        stop: stop.clone(),
    };
    let running = driver::start(recovered, around).unwrap();
    let backups = Backups::new(
        Arc::clone(&running.disk),
        running.blocks.clone(),
        clock,
        metrics,
    );
    (running, backups, stop)
}

/// A block of 4 KiB under this owner and index, durable.
async fn put(running: &Running, owner: u64, index: u32) {
    let header = OtaHeader {
        manufacturer_code: 1,
        image_type: 1,
        file_version: FirmwareVersion::new(1),
        stack_version: 2,
        header_string: [0; 32],
        total_image_bytes: 0,
        security_credential_version: None,
        upgrade_file_destination: None,
        hardware_versions: None,
    };
    let image = wrap(header, &vec![5; 100_000], &[7; 64]);
    let manifest = Manifest::of_image(&image, 4_096).unwrap();
    let block = split(&image, 4_096).nth(index as usize).unwrap();
    let block = block.verify(&manifest).unwrap();
    let (done, is_done) = tokio::sync::oneshot::channel();
    running.blocks.put(owner, block, |outcome| {
        done.send(outcome.is_ok()).unwrap();
    });
    assert!(is_done.await.unwrap());
}

#[tokio::test]
async fn a_backup_is_a_folder_that_opens_and_has_what_was_durable() {
    let disk = MemDisk::new();
    let (running, backups, _stop) = service(&disk);
    put(&running, 1, 0).await;
    put(&running, 1, 20).await;
    let backup = backups.begin(&running.engine).await.unwrap();
    let (head, files) = (backup.head, backup.files.clone());
    // What comes later is not in it.
    put(&running, 2, 0).await;
    let mut said = backups.send(backup, 0, CancellationToken::new());
    let copy = MemDisk::new();
    for (name, bytes) in &files {
        copy.create(name, *bytes).unwrap();
    }
    loop {
        match said.recv().await.unwrap() {
            Said::Piece(piece) => {
                let (name, _) = &files[piece.file_index];
                copy.write_at(name, piece.offset_bytes, &[&piece.data])
                    .unwrap();
            }
            Said::End => break,
            Said::Fault(fault) => panic!("{fault}"),
        }
    }
    let options = Options {
        record_format: dco_engine::record::RECORD_FORMAT,
        ..OPTIONS
    };
    let mut ignore = dco_store::records_only(|_, _| Ok(()));
    let opened = dco_store::open(Arc::new(copy), options, &mut ignore).unwrap();
    assert_eq!(opened.journal.head(), head);
    let held: Vec<_> = opened
        .blocks
        .held()
        .map(|it| (it.owner, it.index))
        .collect();
    assert_eq!(held, [(1, 0), (1, 20)]);
}

#[tokio::test]
async fn there_is_one_backup_at_a_time_and_the_next_when_it_has_ended() {
    let disk = MemDisk::new();
    let (running, backups, _stop) = service(&disk);
    put(&running, 1, 0).await;
    let backup = backups.begin(&running.engine).await.unwrap();
    let refused = backups.begin(&running.engine).await.unwrap_err();
    assert_eq!(refused.reason(), "BACKUP_UNDER_WAY");
    // Whoever wanted it goes away: it is let go, however slowly it was to be read.
    let cut = CancellationToken::new();
    let mut said = backups.send(backup, 1, cut);
    assert!(matches!(said.recv().await, Some(Said::Piece(_))));
    drop(said);
    let again = loop {
        match backups.begin(&running.engine).await {
            Ok(backup) => break backup,
            Err(fault) => assert_eq!(fault.reason(), "BACKUP_UNDER_WAY"),
        }
        tokio::task::yield_now().await;
    };
    // A service that stops says so to whoever takes one.
    let cut = CancellationToken::new();
    cut.cancel();
    let mut said = backups.send(again, 1, cut);
    let last = loop {
        match said.recv().await {
            Some(Said::Piece(_)) => {}
            other => break other,
        }
    };
    assert!(
        matches!(&last, Some(Said::Fault(fault)) if fault.reason() == "DRAINING"),
        "{last:?}"
    );
}

#[tokio::test]
async fn a_backup_that_nobody_reads_is_let_go_and_is_not_taken_for_a_whole_one() {
    let disk = MemDisk::new();
    let (running, backups, _stop) = service(&disk);
    put(&running, 1, 0).await;
    // Answered when the first record is durable: only then has the journal a file.
    let answer = running.engine.ask(USER, Request::ListGateways).await;
    assert!(answer.is_ok());
    let backups = Backups {
        unread_max: Duration::from_millis(1),
        ..backups
    };
    let backup = backups.begin(&running.engine).await.unwrap();
    let pieces = backup.files.len();
    assert!(pieces >= PIECES_WAITING_MAX, "its end finds no place");
    let mut said = backups.send(backup, 0, CancellationToken::new());
    while !said.is_closed() {
        tokio::task::yield_now().await;
    }
    for _ in 0..PIECES_WAITING_MAX {
        assert!(matches!(said.recv().await, Some(Said::Piece(_))));
    }
    assert!(said.recv().await.is_none());
    backups.begin(&running.engine).await.unwrap();
}

#[test]
fn pieces_are_small_where_the_rate_is_slow_and_never_above_a_mebibyte() {
    assert_eq!(piece_bytes(0), 1024 * 1024);
    assert_eq!(piece_bytes(1), 4 * 1024);
    assert_eq!(piece_bytes(1_000_000), 250_000);
    assert_eq!(piece_bytes(u64::MAX), 1024 * 1024);
}
