use std::time::Duration;

use dco_client::Code;

use super::*;
use crate::samples::{Reading, TestDco, image, manifest};

struct Check {
    images: Images,
    counts: Arc<BlockCounts>,
    dco: Arc<TestDco>,
}

fn check(readings: impl Into<VecDeque<Reading>>) -> Check {
    check_serving(image(), readings)
}

fn check_serving(image: Bytes, readings: impl Into<VecDeque<Reading>>) -> Check {
    let (dco, _) = TestDco::serving(image, readings);
    let counts = Arc::<BlockCounts>::default();
    let backoff = Backoff::new(Duration::from_millis(10), Duration::from_secs(1));
    let images = Images::new(
        Arc::clone(&dco) as Arc<dyn Dco>,
        Arc::clone(&counts),
        backoff,
    );
    Check {
        images,
        counts,
        dco,
    }
}

impl Check {
    fn read_from(&self) -> Vec<u32> {
        self.dco.read_from.lock().unwrap().clone()
    }
}

#[tokio::test(start_paused = true)]
async fn an_image_is_read_once_however_many_ask_for_it() {
    let check = check([]);
    let manifest = manifest();
    let (first, second) =
        tokio::join!(check.images.whole(&manifest), check.images.whole(&manifest));
    assert_eq!(first.unwrap(), image());
    assert_eq!(second.unwrap(), image());
    assert_eq!(check.read_from(), [0]);
    assert_eq!(check.counts.read.get(), 10);
    assert_eq!(check.counts.reread.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_broken_link_goes_on_at_the_first_missing_block() {
    let check = check([
        Reading::BreaksAfter(3),
        Reading::EndsAfter(0),
        Reading::EndsAfter(4),
    ]);
    assert_eq!(check.images.whole(&manifest()).await.unwrap(), image());
    assert_eq!(check.read_from(), [0, 3, 3, 7]);
    assert_eq!(check.counts.reread.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_dco_that_is_down_has_no_end() {
    let check = check([Reading::BreaksAfter(0); 100]);
    assert_eq!(check.images.whole(&manifest()).await.unwrap(), image());
    assert_eq!(check.read_from().len(), 101);
}

#[tokio::test(start_paused = true)]
async fn a_damaged_block_is_read_again() {
    let check = check([Reading::Damages(6)]);
    assert_eq!(check.images.whole(&manifest()).await.unwrap(), image());
    assert_eq!(check.read_from(), [0, 6]);
    assert_eq!(check.counts.reread.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_waiting_does_not_mend_is_given_up() {
    for reading in [
        Reading::Damages(2),
        Reading::LeavesOut(2),
        Reading::EndsAfter(0),
    ] {
        let check = check([reading; 20]);
        let fault = check.images.whole(&manifest()).await.unwrap_err();
        assert!(matches!(fault, NoImage::Unreadable(_)), "{fault}");
        assert!(check.read_from().len() < 10);
    }
    let check = check([Reading::Refused(Code::PermissionDenied); 20]);
    let fault = check.images.whole(&manifest()).await.unwrap_err();
    assert!(fault.to_string().contains("refused by the test"), "{fault}");
}

#[tokio::test(start_paused = true)]
async fn progress_starts_the_patience_anew() {
    let check = check([Reading::EndsAfter(1); 9]);
    assert_eq!(check.images.whole(&manifest()).await.unwrap(), image());
}

#[tokio::test(start_paused = true)]
async fn blocks_that_are_right_each_but_not_the_image_reach_nobody() {
    let mut other = image().to_vec();
    other[5_000] ^= 1;
    let check = check_serving(other.into(), []);
    let fault = check.images.whole(&manifest()).await.unwrap_err();
    assert!(
        matches!(fault, NoImage::Wrong(RejectImage::DigestMismatch { .. })),
        "{fault}"
    );
    assert!(check.images.whole(&manifest()).await.is_err());
    assert_eq!(check.read_from(), [0, 0], "it is read anew, from the start");
    assert_eq!(check.counts.reread.get(), 10);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_takes_over_from_one_that_is_stopped() {
    let check = check([Reading::BreaksAfter(4)]);
    let manifest = manifest();
    let stopped = tokio::time::timeout(Duration::from_millis(5), check.images.whole(&manifest));
    assert!(stopped.await.is_err(), "it waits before it reads on");
    assert_eq!(check.images.whole(&manifest).await.unwrap(), image());
    assert_eq!(check.read_from(), [0, 4]);
}

#[tokio::test(start_paused = true)]
async fn what_was_read_in_another_cut_counts_as_far_as_whole_blocks_go() {
    let mut slot = Slot {
        part: vec![0; 5 * 1024],
        whole: None,
    };
    assert_eq!(slot.first_missing(1024), 5);
    assert_eq!(slot.first_missing(2048), 2);
    assert_eq!(slot.part.len(), 4096);
}

#[tokio::test(start_paused = true)]
async fn few_images_are_kept_that_nobody_needs() {
    let check = check([]);
    let ids: Vec<ImageId> = (0..10_u8)
        .map(|number| ImageId::new([number; 32]))
        .collect();
    let in_use = check.images.slot(ids[0]);
    for id in &ids[1..] {
        check.images.slot(*id);
    }
    let kept: Vec<ImageId> = check
        .images
        .with(|shelf| shelf.slots.keys().copied().collect());
    assert_eq!(kept, [ids[0], ids[7], ids[8], ids[9]]);
    check
        .images
        .with(|shelf| assert_eq!(shelf.order, [ids[0], ids[7], ids[8], ids[9]]));
    drop(in_use);
}
