use futures::FutureExt;

use super::*;

fn news(acknowledged: &[RangeInclusive<u32>], refused: &[u32]) -> Option<Said> {
    Some(Said::News {
        acknowledged: acknowledged.to_vec(),
        refused: refused.iter().map(|&index| (index, fault())).collect(),
    })
}

fn fault() -> Fault {
    Fault::out_of_turn("test")
}

fn next(told: &mut Told) -> Option<Said> {
    told.next().now_or_never()
}

#[test]
fn acknowledgements_are_coalesced_until_they_are_read() {
    let (progress, mut told) = Progress::new();
    assert_eq!(next(&mut told), None);
    for index in [5, 3, 4, 9, 8, 0] {
        progress.pending(index).acknowledge();
    }
    assert_eq!(next(&mut told), news(&[0..=0, 3..=5, 8..=9], &[]));
    assert_eq!(next(&mut told), None);
    progress.pending(1).acknowledge();
    assert_eq!(next(&mut told), news(&[1..=1], &[]));
}

#[test]
fn many_acknowledgements_take_no_more_room_than_their_ranges() {
    let (progress, mut told) = Progress::new();
    for index in 0..100_000 {
        progress.pending(index % 16_384).acknowledge();
    }
    assert_eq!(next(&mut told), news(&[0..=16_383], &[]));
}

#[test]
fn the_end_waits_for_what_is_at_the_disk() {
    let (progress, mut told) = Progress::new();
    let (first, second) = (progress.pending(1), progress.pending(2));
    progress.end(Ok(()));
    progress.end(Err(fault()));
    assert!(progress.has_ended());
    first.acknowledge();
    assert_eq!(next(&mut told), news(&[1..=1], &[]));
    assert_eq!(next(&mut told), None);
    second.refuse(fault());
    assert_eq!(next(&mut told), news(&[], &[2]));
    assert_eq!(next(&mut told), Some(Said::End(Ok(()))));
}

#[test]
fn a_failed_disk_ends_the_stream_and_takes_no_acknowledgement_back() {
    let (progress, mut told) = Progress::new();
    let (first, second) = (progress.pending(1), progress.pending(2));
    progress.end(Ok(()));
    first.acknowledge();
    second.fail(Fault::store_closed());
    assert_eq!(next(&mut told), news(&[1..=1], &[]));
    assert_eq!(next(&mut told), Some(Said::End(Err(Fault::store_closed()))));
}

#[test]
fn who_does_not_read_refusals_is_not_read_from() {
    let (progress, mut told) = Progress::new();
    for index in 0..63 {
        progress.refuse(index, fault());
    }
    assert!(progress.attention().now_or_never().is_some());
    progress.pending(63).refuse(fault());
    let mut attention = Box::pin(progress.attention());
    assert!((&mut attention).now_or_never().is_none());
    let Some(Said::News { refused, .. }) = next(&mut told) else {
        panic!("there are refusals to read");
    };
    assert_eq!(refused.len(), 64);
    assert!(attention.now_or_never().is_some());
}

#[test]
fn many_refusals_are_told_in_several_messages_and_none_is_lost() {
    let (progress, mut told) = Progress::new();
    for index in 0..600 {
        progress.pending(index).refuse(fault());
    }
    progress.end(Ok(()));
    let mut indices = Vec::new();
    while let Some(Said::News { refused, .. }) = next(&mut told) {
        assert!(refused.len() <= 256);
        indices.extend(refused.into_iter().map(|(index, _)| index));
    }
    assert_eq!(indices, (0..600).collect::<Vec<_>>());
}

#[test]
fn who_waits_is_woken_when_nobody_reads_any_more() {
    let (progress, told) = Progress::new();
    let mut unread = Box::pin(progress.unread());
    assert!((&mut unread).now_or_never().is_none());
    drop(told);
    assert!(unread.now_or_never().is_some());
}
