//! The thread of the block log on a disk whose syncs are held until a test lets them go.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use super::{
    odd_disk::OddDisk,
    support::{SMALL, block, contents, open_small, open_with, pattern},
};
use crate::{BlockReader, BlockWriter, Options, Put};

/// A pause that no test lives to see the end of.
const NEVER: Duration = Duration::from_secs(1 << 20);

fn start(odd: &Arc<OddDisk>, options: Options) -> (BlockWriter, BlockReader) {
    let options = Options {
        compaction_pause: NEVER,
        ..options
    };
    let opened = open_with(odd.clone(), options).unwrap().0;
    opened.blocks.start(|error| panic!("{error}"))
}

fn put(writer: &BlockWriter, owner: u64, index: u32, done: &SyncSender<Put>) {
    let block = block(index, pattern(owner, 100));
    let done = done.clone();
    writer.put(owner, block, move |put| done.send(put.unwrap()).unwrap());
}

/// Asks for all this while a sync is held, and answers how many more syncs it took.
fn syncs_of(odd: &Arc<OddDisk>, writer: &BlockWriter, ask: impl FnOnce(&SyncSender<Put>)) -> u64 {
    let (done, answers) = sync_channel(64);
    // Begins the segment.
    put(writer, 1, 1, &done);
    assert_eq!(answers.recv().unwrap(), Put::Durable);
    let (arrive, arrived) = sync_channel(64);
    let (open, opened) = sync_channel::<()>(1);
    let opened = std::sync::Mutex::new(opened);
    let gate = move || {
        // Only the first sync meets somebody who listens.
        let _gone = arrive.send(());
        let _gone = opened.lock().unwrap().recv();
    };
    *odd.before_sync.lock().unwrap() = Some(Arc::new(gate));
    put(writer, 1, 0, &done);
    arrived.recv().unwrap();
    let before = odd.disk.syncs();
    ask(&done);
    drop((open, done));
    assert!(answers.iter().all(|put| put == Put::Durable));
    odd.disk.syncs() - before - 1
}

#[test]
fn blocks_put_around_a_free_share_one_sync() {
    let odd = Arc::new(OddDisk::default());
    let (writer, _reader) = start(&odd, SMALL);
    let syncs = syncs_of(&odd, &writer, |done| {
        put(&writer, 2, 0, done);
        writer.free(1);
        put(&writer, 3, 0, done);
        writer.free(3);
        put(&writer, 4, 0, done);
    });
    assert_eq!(syncs, 1);
    writer.close().unwrap();
    let held: Vec<_> = contents(&open_small(&odd.disk).unwrap().0.blocks)
        .unwrap()
        .into_keys()
        .collect();
    assert!(held.contains(&(2, 0)) && held.contains(&(4, 0)), "{held:?}");
}

#[test]
fn what_is_put_after_a_free_of_its_owner_is_held_and_what_was_put_before_is_not() {
    let odd = Arc::new(OddDisk::default());
    let (writer, reader) = start(&odd, SMALL);
    syncs_of(&odd, &writer, |done| {
        put(&writer, 2, 0, done);
        writer.free(2);
        put(&writer, 2, 1, done);
    });
    writer.close().unwrap();
    assert!(reader.read(2, 0).is_err());
    assert_eq!(reader.read(2, 1).unwrap(), pattern(2, 100));
}

#[test]
fn a_log_that_is_never_idle_gets_room_back_all_the_same() {
    let odd = Arc::new(OddDisk::default());
    let (writer, reader) = start(&odd, SMALL);
    let (done, answers) = sync_channel(64);
    // In each segment one block that stays and two that go.
    for round in 0..60 {
        for (owner, index) in [
            (1, round),
            (2 + u64::from(round), 0),
            (2 + u64::from(round), 1),
        ] {
            let done = done.clone();
            let block = block(index, pattern(owner, 1024));
            writer.put(owner, block, move |put| done.send(put.unwrap()).unwrap());
            assert_eq!(answers.recv().unwrap(), Put::Durable);
        }
        writer.free(2 + u64::from(round));
    }
    let stats = reader.stats();
    writer.close().unwrap();
    assert!(stats.compacted_bytes > 0);
    assert!(
        stats.dead_bytes < stats.alive_bytes + 8 * SMALL.block_segment_bytes,
        "{stats:?}"
    );
    let held = contents(&open_small(&odd.disk).unwrap().0.blocks).unwrap();
    assert_eq!(held.keys().filter(|(owner, _)| *owner == 1).count(), 60);
}

#[test]
fn bytes_that_are_handed_over_and_not_durable_never_exceed_the_bound() {
    const SENDERS: u64 = 64;
    const BLOCKS: u32 = 8;
    // What a block counts, and how many are so in the queue and in the group that is written.
    let counted = 1024 + 256;
    let bound = SMALL.queue_bytes_max / counted + SMALL.commit_bytes_max / counted;
    let all = usize::try_from(SENDERS).unwrap() * usize::try_from(BLOCKS).unwrap();
    let (handed, durable) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let odd = Arc::new(OddDisk::default());
    let (writer, _reader) = start(&odd, SMALL);
    let (seen, told) = (Arc::clone(&handed), Arc::clone(&durable));
    *odd.before_sync.lock().unwrap() = Some(Arc::new(move || {
        // The disk is slower than all senders together: it waits until they can hand over no more.
        let full = SMALL.queue_bytes_max / counted;
        while seen.load(Ordering::SeqCst) < all.min(told.load(Ordering::SeqCst) + full) {
            thread::yield_now();
        }
    }));
    let most = AtomicUsize::new(0);
    thread::scope(|scope| {
        for owner in 1..=SENDERS {
            let (writer, handed, durable, most) = (&writer, &handed, &durable, &most);
            scope.spawn(move || {
                for index in 0..BLOCKS {
                    let told = Arc::clone(durable);
                    let block = block(index, pattern(owner, 1024));
                    writer.put(owner, block, move |put| {
                        assert_eq!(put.unwrap(), Put::Durable);
                        told.fetch_add(1, Ordering::SeqCst);
                    });
                    let handed = handed.fetch_add(1, Ordering::SeqCst) + 1;
                    let outstanding = handed.saturating_sub(durable.load(Ordering::SeqCst));
                    most.fetch_max(outstanding, Ordering::SeqCst);
                }
            });
        }
    });
    writer.close().unwrap();
    assert_eq!(durable.load(Ordering::SeqCst), all);
    let most = most.load(Ordering::SeqCst);
    assert!(most <= bound, "{most} of at most {bound}");
    assert!(
        most >= SMALL.queue_bytes_max / counted,
        "{most}: the disk was never the slower one"
    );
}
