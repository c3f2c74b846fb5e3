//! What a commit costs on a real file system: in the temporary folder, which should be on the
//! disk that is asked about (set `TMPDIR`).

#![expect(clippy::unwrap_used, reason = "a measurement that fails is none")]

use std::sync::{Arc, mpsc::sync_channel};

use bytes::Bytes;
use dco_block::{Block, Manifest, OtaHeader, RawBlock, split, wrap};
use dco_store::{FileDisk, Opened, Options, open, records_only};
use divan::{Bencher, counter::BytesCount, counter::ItemsCount};
use tempfile::TempDir;

fn main() {
    divan::main();
}

const RECORD_BYTES: usize = 64;
const BLOCK_BYTES: u32 = 64 * 1024;
/// Blocks that many senders have on the way together.
const BLOCKS: u32 = 64;

fn opened(folder: &TempDir) -> Opened {
    let disk = FileDisk::open(folder.path()).unwrap();
    open(
        Arc::new(disk),
        Options::default(),
        &mut records_only(|_, _| Ok(())),
    )
    .unwrap()
}

/// One commit: so many records, one sync.
#[divan::bench(args = [1, 64, 1000], sample_count = 200, sample_size = 1)]
fn journal_commit(bencher: Bencher<'_, '_>, records: usize) {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = opened(&folder).journal;
    let batch = vec![[7; RECORD_BYTES]; records];
    bencher
        .counter(ItemsCount::new(records))
        .bench_local(move || journal.commit(&batch).unwrap());
}

/// A million records through the journal's thread, in commits as large as they come.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn journal_thread(bencher: Bencher<'_, '_>) {
    let records = 1_000_000_usize;
    bencher
        .counter(ItemsCount::new(records))
        .with_inputs(|| tempfile::tempdir().unwrap())
        .bench_local_refs(|folder| {
            let writer = opened(folder)
                .journal
                .start(|durable| assert!(durable.is_ok()));
            for _ in 0..records {
                writer.append(vec![7; RECORD_BYTES]).unwrap();
            }
            writer.close().unwrap();
        });
}

/// A million records read back at a start.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn journal_replay(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().unwrap();
    let records = vec![[7; RECORD_BYTES]; 1000];
    let mut journal = opened(&folder).journal;
    for _ in 0..1000 {
        journal.commit(&records).unwrap();
    }
    drop(journal);
    bencher
        .counter(ItemsCount::new(1_000_000_usize))
        .bench_local(|| opened(&folder));
}

/// So many blocks through the block log's thread, each answered when it is durable. The
/// segments fill and are recycled as in a service that runs for long.
#[divan::bench(args = [1, BLOCKS], sample_count = 100, sample_size = 1)]
fn block_put(bencher: Bencher<'_, '_>, count: u32) {
    let folder = tempfile::tempdir().unwrap();
    let (writer, _) = opened(&folder).blocks.start(|error| panic!("{error}"));
    let blocks = blocks(count);
    let mut owner = 0;
    bencher
        .counter(BytesCount::new(u64::from(count) * u64::from(BLOCK_BYTES)))
        .bench_local(|| {
            owner += 1;
            let (done, answers) = sync_channel(blocks.len());
            for block in &blocks {
                let done = done.clone();
                writer.put(owner, block.clone(), move |put| {
                    done.send(put.unwrap()).unwrap()
                });
            }
            drop(done);
            assert_eq!(answers.iter().count(), blocks.len());
            writer.free(owner);
        });
}

/// Blocks of the full size, the short last one left out.
fn blocks(count: u32) -> Vec<Block> {
    let header = OtaHeader {
        manufacturer_code: 0,
        image_type: 0,
        file_version: dco_block::FirmwareVersion::new(1),
        stack_version: 2,
        header_string: [0; 32],
        total_image_bytes: 0,
        security_credential_version: None,
        upgrade_file_destination: None,
        hardware_versions: None,
    };
    let bytes: Vec<u8> = (0..count * BLOCK_BYTES)
        .map(|n| n.to_le_bytes()[1])
        .collect();
    let image: Bytes = wrap(header, &bytes, &[0; 64]);
    let manifest = Manifest::of_image(&image, BLOCK_BYTES).unwrap();
    let full = split(&image, BLOCK_BYTES).take(usize::try_from(count).unwrap());
    full.map(|raw: RawBlock| raw.verify(&manifest).unwrap())
        .collect()
}
