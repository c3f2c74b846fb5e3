use std::time::Duration;

use bytes::Bytes;
use dco_block::{FirmwareVersion, Manifest, OtaHeader, RawBlock, split, wrap};
use dco_store::{MemDisk, Opened, Options};
use futures::FutureExt;

use super::*;

const USER: Eui64 = Eui64::from_bits(1);
const OTHER: Eui64 = Eui64::from_bits(2);
const MEBIBYTE: u32 = 1024 * 1024;

fn intake(disk: &MemDisk, bounds: config::Intake) -> Intake {
    let mut nothing = dco_store::records_only(|_, _| Ok(()));
    let disk = Arc::new(disk.clone());
    let options = Options {
        block_segment_bytes: 1024 * 1024,
        ..Options::default()
    };
    let Opened { blocks, .. } = dco_store::open(disk, options, &mut nothing).unwrap();
    let (writer, reader) = blocks.start(|_| ());
    Intake::new(bounds, (writer, reader, StoreNews::new().0), Metrics::new())
}

fn bounds() -> config::Intake {
    config::Intake {
        bytes_in_flight_max: 2 * MEBIBYTE,
        bytes_in_flight_per_user_max: MEBIBYTE,
        streams_max: 3,
        streams_per_user_max: 2,
        room_again: Duration::from_secs(10),
        stream_idle_within: Duration::from_secs(60),
    }
}

/// An image of many blocks of 4 KiB.
fn image(bytes: usize) -> (BlockSource, Vec<RawBlock>) {
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
    let image: Bytes = wrap(header, &vec![5; bytes], &[7; 64]);
    let manifest = Arc::new(Manifest::of_image(&image, 4_096).unwrap());
    let source = BlockSource {
        owner: 1,
        manifest,
        kept: None,
    };
    (source, split(&image, 4_096).collect())
}

/// Blocks of one sender, then the end, or a fault.
struct Script {
    source: BlockSource,
    blocks: std::vec::IntoIter<RawBlock>,
}

impl Receiving for Script {
    async fn next(&mut self) -> Result<Option<RawBlock>, Fault> {
        Ok(self.blocks.next())
    }

    async fn attach(&self) -> Result<BlockSource, Fault> {
        Ok(self.source.clone())
    }
}

#[test]
fn streams_are_limited_for_one_user_and_for_all() {
    let intake = intake(&MemDisk::new(), bounds());
    let refused = |user| intake.place(user).unwrap_err().reason();
    let first = intake.place(USER).unwrap();
    let second = intake.place(USER).unwrap();
    assert_eq!(refused(USER), "OVERLOADED");
    let third = intake.place(OTHER).unwrap();
    assert_eq!(refused(OTHER), "OVERLOADED");
    drop(first);
    assert!(intake.place(USER).is_ok());
    drop((second, third));
}

#[tokio::test]
async fn one_users_share_does_not_take_anothers() {
    let intake = intake(&MemDisk::new(), bounds());
    let (mine, theirs) = (intake.place(USER).unwrap(), intake.place(OTHER).unwrap());
    let held = intake.room(&mine, MEBIBYTE as usize).await.unwrap();
    assert_eq!(intake.bytes_in_flight(), MEBIBYTE as usize);
    assert!(intake.room(&mine, 1).now_or_never().is_none());
    assert!(
        intake
            .room(&theirs, MEBIBYTE as usize)
            .now_or_never()
            .is_some()
    );
    drop(held);
    assert!(intake.room(&mine, 1).now_or_never().is_some());
    assert_eq!(intake.bytes_in_flight(), 0);
}

#[tokio::test]
async fn a_tiny_block_takes_the_room_of_the_shortest_size() {
    let intake = intake(&MemDisk::new(), bounds());
    let place = intake.place(USER).unwrap();
    let held = intake.room(&place, 1).await.unwrap();
    assert_eq!(intake.bytes_in_flight(), limits::BLOCK_BYTES_MIN as usize);
    drop(held);
    let (_much, full) = (
        intake.room(&place, (MEBIBYTE - 1) as usize).await.unwrap(),
        intake.room(&place, 1).now_or_never(),
    );
    assert!(full.is_none());
}

#[tokio::test]
async fn a_sender_that_reads_no_acknowledgement_is_not_held_up_by_that() {
    let intake = intake(&MemDisk::new(), bounds());
    let place = intake.place(USER).unwrap();
    // Five times the User's share.
    let (source, blocks) = image(5 * MEBIBYTE as usize);
    let block_count = source.manifest.block_count();
    let script = Script {
        source,
        blocks: blocks.into_iter(),
    };
    let (progress, mut told) = Progress::new();
    receive(intake.clone(), place, script, progress, Default::default()).await;
    let mut acknowledged = 0;
    loop {
        match told.next().await {
            Said::News {
                acknowledged: ranges,
                ..
            } => {
                acknowledged += ranges
                    .into_iter()
                    .map(|range| range.end() - range.start() + 1)
                    .sum::<u32>();
            }
            Said::End(how) => break assert_eq!(how, Ok(())),
        }
    }
    assert_eq!(acknowledged, block_count);
    assert_eq!(intake.bytes_in_flight(), 0);
}

#[tokio::test]
async fn a_disk_that_fails_ends_the_stream_and_gives_the_room_back() {
    let disk = MemDisk::new();
    let intake = intake(&disk, bounds());
    disk.power_off_after(0);
    let (source, blocks) = image(100_000);
    let script = Script {
        source,
        blocks: blocks.into_iter(),
    };
    let (progress, mut told) = Progress::new();
    let place = intake.place(USER).unwrap();
    receive(intake.clone(), place, script, progress, Default::default()).await;
    assert_eq!(told.next().await, Said::End(Err(Fault::store_closed())));
    assert_eq!(intake.bytes_in_flight(), 0);
}

#[tokio::test]
async fn a_cut_ends_the_stream_at_once() {
    struct Silence(BlockSource);
    impl Receiving for Silence {
        async fn next(&mut self) -> Result<Option<RawBlock>, Fault> {
            std::future::pending().await
        }
        async fn attach(&self) -> Result<BlockSource, Fault> {
            Ok(self.0.clone())
        }
    }
    let intake = intake(&MemDisk::new(), bounds());
    let place = intake.place(USER).unwrap();
    let cut = tokio_util::sync::CancellationToken::new();
    let (progress, mut told) = Progress::new();
    let silence = Silence(image(10_000).0);
    let mut receiving = Box::pin(receive(intake, place, silence, progress, cut.clone()));
    assert!((&mut receiving).now_or_never().is_none());
    cut.cancel();
    receiving.await;
    assert_eq!(told.next().await, Said::End(Err(Fault::draining())));
}

#[tokio::test]
async fn a_block_without_room_is_refused_alone_and_taken_when_there_is_room() {
    let disk = MemDisk::new();
    disk.limit_bytes(Options::default().reserve_bytes + 3 * 1024 * 1024);
    let intake = intake(&disk, bounds());
    let place = intake.place(USER).unwrap();
    let (source, blocks) = image(4 * 1024 * 1024);
    let block = |index: usize| blocks[index].clone().verify(&source.manifest).unwrap();
    let mut index = 0;
    let (refused, fault) = loop {
        let (progress, mut told) = Progress::new();
        intake.put(&place, &source, block(index), &progress).await;
        match told.next().await {
            Said::News { refused, .. } if !refused.is_empty() => break refused[0].clone(),
            Said::News { .. } => index += 1,
            Said::End(how) => panic!("the stream goes on: {how:?}"),
        }
    };
    assert_eq!(refused as usize, index);
    assert_eq!(fault.reason(), "STORE_FULL");
    let delay = fault.metadata().find(|(key, _)| *key == "retryDelayMs");
    assert_eq!(delay.map(|(_, value)| value), Some("10000"));
    assert!(intake.news.found.take().is_full);
    disk.limit_bytes(u64::MAX);
    let (progress, mut told) = Progress::new();
    intake.put(&place, &source, block(index), &progress).await;
    let acknowledged = vec![refused..=refused];
    let news = Said::News {
        acknowledged,
        refused: Vec::new(),
    };
    assert_eq!(told.next().await, news);
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_says_nothing_for_too_long_gives_its_place_back() {
    struct Silent(Script);

    impl Receiving for Silent {
        async fn next(&mut self) -> Result<Option<RawBlock>, Fault> {
            match self.0.blocks.next() {
                Some(block) => Ok(Some(block)),
                None => std::future::pending().await,
            }
        }

        async fn attach(&self) -> Result<BlockSource, Fault> {
            self.0.attach().await
        }
    }

    let intake = intake(&MemDisk::new(), bounds());
    let place = intake.place(USER).unwrap();
    let (source, mut blocks) = image(3 * 4_096);
    blocks.truncate(1);
    let blocks = blocks.into_iter();
    let (progress, mut told) = Progress::new();
    let silent = Silent(Script { source, blocks });
    receive(intake.clone(), place, silent, progress, Default::default()).await;
    let mut acknowledged = Vec::new();
    let how = loop {
        match told.next().await {
            Said::News {
                acknowledged: more, ..
            } => acknowledged.extend(more),
            Said::End(how) => break how,
        }
    };
    assert_eq!(acknowledged, [0..=0], "what came before is kept");
    assert_eq!(how.unwrap_err().reason(), "CALL_ENDED");
    let _both = (intake.place(USER).unwrap(), intake.place(USER).unwrap());
}

#[tokio::test]
async fn users_that_want_more_than_there_is_take_turns() {
    const BLOCK: usize = 64 * 1024;
    let intake = intake(
        &MemDisk::new(),
        config::Intake {
            streams_max: 11,
            streams_per_user_max: 8,
            ..bounds()
        },
    );
    // Two that have all of it between them.
    let [first, second] = [11, 12].map(|user| intake.place(Eui64::from_bits(user)).unwrap());
    let mut taken = Vec::new();
    for place in [&first, &second] {
        for _ in 0..16 {
            taken.push(intake.room(place, BLOCK).await.unwrap());
        }
    }
    // Then eight streams of one User, and after them one of another, each with block after block.
    let many: Vec<_> = (0..8).map(|_| intake.place(USER).unwrap()).collect();
    let one = intake.place(OTHER).unwrap();
    let mut waiting: Vec<_> = many
        .iter()
        .map(|place| (USER, Box::pin(intake.room(place, BLOCK))))
        .chain([(OTHER, Box::pin(intake.room(&one, BLOCK)))])
        .collect();
    let mut order = Vec::new();
    for room in std::iter::once(None).chain(taken.drain(..8).map(Some)) {
        drop(room);
        let mut still = Vec::new();
        for (user, mut wait) in waiting {
            match (&mut wait).now_or_never() {
                Some(got) => order.push((user, got.unwrap())),
                None => still.push((user, wait)),
            }
        }
        waiting = still;
    }
    let order: Vec<_> = order.iter().map(|(user, _)| *user).collect();
    assert_eq!(order[..3], [USER, OTHER, USER], "{order:?}");
    assert_eq!(order.len(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_reads_no_refusal_for_too_long_gives_its_place_back() {
    let intake = intake(&MemDisk::new(), bounds());
    let place = intake.place(USER).unwrap();
    let (source, blocks) = image(400 * 4_096);
    let wrong = blocks.into_iter().map(|mut block| {
        block.crc32 ^= 1;
        block
    });
    let blocks = wrong.collect::<Vec<_>>().into_iter();
    let (progress, mut told) = Progress::new();
    receive(
        intake.clone(),
        place,
        Script { source, blocks },
        progress,
        Default::default(),
    )
    .await;
    let mut refused = 0;
    let how = loop {
        match told.next().await {
            Said::News { refused: more, .. } => refused += more.len(),
            Said::End(how) => break how,
        }
    };
    assert_eq!(how.unwrap_err().reason(), "CALL_ENDED");
    assert!(
        refused < 400,
        "{refused} of 400 wrong blocks were looked at"
    );
    let _both = (intake.place(USER).unwrap(), intake.place(USER).unwrap());
}
