//! What is read of batches: what is news, and what an answer carries.

use bytes::Bytes;
use dco_engine::{
    ActivationName, ActivationState, Changes, HOUR_US, NoticeParty, OpenTransfer, Outcome, Page,
    Refusal, Reply, Report, Request, ScheduleRequest, SubmitBatch, Topic,
};

use crate::sample::{ANN, LARGE, NORTH, SMALL, capacity, date, device, devices, manifest, start};
use crate::world::{World, transfer_of};

const BATCH: Topic = Topic::Batch {
    user: ANN,
    number: 1,
};

/// Ann has Devices 0 to 9 in the north, a large and a small image stored for them.
fn ready() -> World {
    let mut world = World::at(start("2026-06-01"), capacity(100));
    world.register(&devices(0..10), ANN, NORTH);
    world.store(ANN, &manifest(2, LARGE), &devices(0..10));
    world.store(ANN, &manifest(3, SMALL), &devices(0..10));
    world
}

fn states(changes: &Changes) -> Vec<ActivationState> {
    changes.activations.iter().map(|it| it.state).collect()
}

#[test]
fn the_start_of_a_parked_batchs_day_is_news() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world
        .submit_for((ANN, &image), &devices(0..3), date("2026-06-02"))
        .expect("admitted");
    let parked = world.changes(ANN, 1, 0);
    assert_eq!(states(&parked), [ActivationState::Parked; 3]);
    world.changed.clear();
    world.next_day();
    assert!(world.changed.contains(&BATCH));
    let queued = world.changes(ANN, 1, parked.position);
    assert_eq!(states(&queued), [ActivationState::Queued; 3]);
    assert_eq!(queued.position, 6);
    world.crash();
    assert_eq!(world.changes(ANN, 1, parked.position), queued);
}

#[test]
fn the_end_of_the_wait_before_another_attempt_is_news() {
    let mut world = ready();
    world
        .submit(ANN, &manifest(3, SMALL), &[device(0)])
        .expect("admitted");
    let session = world.connect(NORTH);
    let attempt = world.offer().attempt;
    world.end(session, attempt, Outcome::FileTransferFailure);
    world.disconnect(NORTH);
    let waits = world.changes(ANN, 1, 0);
    assert!(matches!(
        waits.activations[0].state,
        ActivationState::RetryWait { .. }
    ));
    world.changed.clear();
    world.pass(HOUR_US);
    assert_eq!(world.changed, [BATCH]);
    let queued = world.changes(ANN, 1, waits.position);
    assert_eq!(states(&queued), [ActivationState::Queued]);
    world.crash();
    assert_eq!(world.changes(ANN, 1, waits.position), queued);
}

#[test]
fn progress_is_no_news() {
    let mut world = ready();
    world
        .submit(ANN, &manifest(3, SMALL), &[device(0)])
        .expect("admitted");
    let session = world.connect(NORTH);
    let attempt = world.offer().attempt;
    let released = world.changes(ANN, 1, 0).position;
    world.changed.clear();
    let going = Report::Progress { blocks_done: 1 };
    for report in [Report::Accepted, going, Report::Delivered] {
        world.report(session, attempt, report);
    }
    assert_eq!(world.changed, [], "nobody is woken for it");
    assert_eq!(world.changes(ANN, 1, released).position, released);
}

#[test]
fn lists_and_the_last_news_predict_as_a_batch_by_its_name_does() {
    let mut world = ready();
    world
        .submit(ANN, &manifest(2, LARGE), &devices(0..3))
        .expect("admitted");
    let news = world.changes(ANN, 1, 0);
    let predicted = world.batch(ANN, 1).predicted;
    assert!(predicted.is_some());
    assert_eq!(news.batch.predicted, predicted);
    let nothing_new = world.changes(ANN, 1, news.position);
    assert_eq!(nothing_new.batch.predicted, None);
    let (user, number, position, limit) = (ANN, 1, 0, 2);
    let part = world.ask(Request::ReadChanges {
        user,
        number,
        position,
        limit,
    });
    assert!(matches!(part, Ok(Reply::Changes(it)) if it.batch.predicted.is_none()));
    let before = None;
    let page = Page {
        user,
        before,
        limit,
    };
    let Ok(Reply::Batches(rows)) = world.ask(Request::ListBatches(page)) else {
        panic!("no batches");
    };
    assert_eq!((rows.len(), rows[0].predicted), (1, predicted));
}

#[test]
fn a_signed_request_goes_back_only_to_who_submits_or_names_its_batch() {
    let mut world = ready();
    let signed = Bytes::from_static(b"signed");
    let asked = SubmitBatch {
        signed_request: signed.clone(),
        ..world.batch_of(ANN, &manifest(2, LARGE), &[device(0)])
    };
    let accepted = world.submit_this(&asked).expect("admitted");
    assert_eq!(accepted.signed_request, signed);
    assert_eq!(world.batch(ANN, 1).signed_request, signed);
    assert!(world.changes(ANN, 1, 0).batch.signed_request.is_empty());
    assert!(world.cancel_batch(ANN, 1).signed_request.is_empty());
    world.crash();
    assert_eq!(world.batch(ANN, 1).signed_request, signed);
}

#[test]
fn a_signed_request_goes_back_only_to_who_opens_or_names_its_transfer() {
    let mut world = ready();
    let signed = Bytes::from_static(b"signed");
    let asked = OpenTransfer {
        signed_request: signed.clone(),
        ..world.opening(ANN, &manifest(4, LARGE), &[device(0)])
    };
    let opened = world.ask(Request::OpenTransfer(asked)).map(transfer_of);
    let number = opened
        .as_ref()
        .expect("opened")
        .number
        .expect("not only validated");
    assert_eq!(opened.expect("opened").signed_request, signed);
    assert_eq!(world.transfer(ANN, number).signed_request, signed);
    let cancelling = world.cancelling(ANN, number);
    for validate_only in [true, false, false] {
        let asked = dco_engine::Cancel {
            validate_only,
            ..cancelling
        };
        let cancelled = world.ask(Request::CancelTransfer(asked)).map(transfer_of);
        assert!(cancelled.expect("cancelled").signed_request.is_empty());
    }
    let (before, limit) = (None, 1);
    let page = Page {
        user: ANN,
        before,
        limit,
    };
    let rows = world.ask(Request::ListTransfers(page));
    assert!(matches!(rows, Ok(Reply::Transfers(rows)) if rows[0].signed_request.is_empty()));
}

#[test]
fn an_activation_is_found_in_the_batch_that_is_named() {
    let mut world = ready();
    let image = manifest(3, SMALL);
    world.submit(ANN, &image, &devices(0..3)).expect("admitted");
    let session = world.connect(NORTH);
    for offer in world.offers() {
        world.end(session, offer.attempt, Outcome::Success);
    }
    world.submit(ANN, &image, &devices(1..4)).expect("admitted");
    let mut state = |batch, device| {
        let name = ActivationName {
            user: ANN,
            batch,
            device,
        };
        match world.ask(Request::GetActivation(name)) {
            Ok(Reply::Activation(view)) => {
                assert_eq!((view.batch, view.device), (batch, device));
                Some(view.state)
            }
            Err(Refusal::NotFound { .. }) => None,
            other => panic!("{other:?}"),
        }
    };
    let done = Some(ActivationState::Succeeded);
    assert_eq!([0, 1, 2].map(|it| state(1, device(it))), [done; 3]);
    assert_eq!(state(1, device(3)), None, "it is under way in another");
    assert_eq!(state(2, device(0)), None);
    for under_way in devices(1..4) {
        let state = state(2, under_way);
        assert!(matches!(state, Some(ActivationState::Released(_))));
    }
}

#[test]
fn a_position_that_was_never_told_is_refused_with_the_newest() {
    let mut world = World::new(capacity(10));
    world.register(&devices(0..3), ANN, NORTH);
    world.store(ANN, &manifest(2, LARGE), &devices(0..3));
    world
        .submit(ANN, &manifest(2, LARGE), &devices(0..3))
        .expect("admitted");
    let (user, number, limit) = (ANN, 1, 10);
    let mut read = |position| {
        world.ask(Request::ReadChanges {
            user,
            number,
            position,
            limit,
        })
    };
    assert!(matches!(read(3), Ok(Reply::Changes(it)) if it.complete && it.activations.is_empty()));
    for position in [4, u64::MAX] {
        let beyond = Refusal::PositionBeyondEnd {
            position,
            last_position: 3,
        };
        assert_eq!(read(position).expect_err("never told"), beyond);
    }
    for party in [NoticeParty::User(ANN), NoticeParty::Desk] {
        let mut read = |position| {
            world.ask(Request::Schedules(ScheduleRequest::ReadNotices {
                party,
                position,
                limit,
            }))
        };
        let Ok(Reply::Notices(all)) = read(0) else {
            panic!("no notices");
        };
        let last_position = all.position;
        assert!(read(last_position).is_ok());
        let position = last_position + 1;
        let beyond = Refusal::PositionBeyondEnd {
            position,
            last_position,
        };
        assert_eq!(read(position).expect_err("never told"), beyond);
    }
}
