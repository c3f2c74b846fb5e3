//! A journal that is not the engine's own is refused, and never a reason to fall over.

use std::num::NonZeroU32;
use std::sync::LazyLock;

use dco_block::Eui64;
use dco_engine::record::{
    ActKind, ActionClosed, ActionPended, ActivationCancelled, AttemptEnded, BatchAccepted,
    BatchCancelled, BreakerChanged, CapacitySet, Change, DevicesImported, ForgottenNotices,
    ImageQuarantined, ImageRetired, LateSuccess, Model, NoticeKind, NoticesForgotten, PauseChanged,
    PauseScope, Product, ProductsImported, Record, Released, RequestKey, Restored, ScheduleAct,
    ScheduleStepped, Signatory, Signature, StopFigures, ThresholdBreached, TransferEnded,
    TransferOpened,
};
use dco_engine::{
    BreakerTerms, Engine, Event, HOUR_US, Outcome, ProductStatus, RefusedCall, RefusedCalls, Reply,
    Request, Scope, SubmitBatch, Terms, Threshold, ThresholdTerms,
};
use dco_schedule::{Act, Asker, Cause, Covers, HourProfile, Span};
use proptest::prelude::*;
use prost::Message;

use crate::products::STRICT;
use crate::sample::{
    ANN, BOB, DAY_US, LARGE, NORTH, SMALL, SOUTH, capacity, date, device, devices, manifest,
};
use crate::schedules::all_agreeable;
use crate::world::schedules::{IDA, JOE, action_of, asking, deal, first_of, officer, schedule_of};
use crate::world::{World, ended, hello};

/// A journal with a record of each kind.
pub(crate) fn busy() -> World {
    let mut terms = all_agreeable();
    terms.retention.stored_us = 5 * DAY_US;
    terms.notices.keep_us = 3 * DAY_US;
    let mut world = World::new(terms);
    let (large, small) = (manifest(2, LARGE), manifest(3, SMALL));
    world.register(&devices(0..20), ANN, NORTH);
    world.store(ANN, &large, &devices(0..20));
    world.open(ANN, &small, &devices(0..20)).expect("opened");
    world.store(ANN, &manifest(4, SMALL), &devices(0..2));
    world.submit(ANN, &large, &devices(0..8)).expect("admitted");
    let later = date("2026-06-03");
    world
        .submit_for((ANN, &large), &devices(10..14), later)
        .expect("parked");
    about_schedules(&mut world);
    world.register(&[device(3)], SOUTH, NORTH);
    let session = world.connect(NORTH);
    world.pause("INC-1").expect("paused");
    world.handle(Event::ClockJumped {
        ahead_us: 2 * HOUR_US,
    });
    world.resume("INC-1").expect("resumed");
    world.pass(HOUR_US);
    let offers = world.offers();
    for (offer, outcome) in offers
        .iter()
        .zip([Outcome::Success, Outcome::FileTransferFailure])
    {
        world.end(session, offer.attempt, outcome);
    }
    world.end(session, offers[1].attempt, Outcome::Success);
    let nothing_sent = dco_engine::AttemptEnd {
        nothing_sent: true,
        ..ended(Outcome::DeviceNotReachable)
    };
    world.report(
        session,
        offers[2].attempt,
        dco_engine::Report::Ended(nothing_sent),
    );
    world.pass(HOUR_US);
    world.cancel_batch(ANN, 1);
    world.hello(NORTH, hello("second"));
    world.pass(8 * DAY_US);
    let owner = world.store(ANN, &manifest(5, SMALL), &devices(0..2));
    world.damaged(owner, 0);
    about_dates(&mut world);
    about_trust(&mut world);
    about_pauses(&mut world);
    world
}

/// A part of each kind paused, but for the schedule that its canaries have paused, and the last one resumed; an image that the stop rule paused.
fn about_pauses(world: &mut World) {
    let image = manifest(4, SMALL);
    let hash = image.manufacturer_image_hash();
    for scope in [
        Scope::User(ANN),
        Scope::Image(manifest(2, LARGE).manufacturer_image_hash()),
        Scope::Gateway(SOUTH),
        Scope::Gateway(NORTH),
    ] {
        world.pause_of_part(scope).expect("paused");
    }
    let resumed = world.resume_of_part(Scope::Gateway(NORTH));
    assert_eq!(resumed, Ok(None));
    let at_us = world.now_us;
    let stopped = PauseChanged {
        stop: Some(StopFigures {
            attempts: 10,
            failed: 3,
        }),
        reason: "the stop rule".to_owned(),
        ..PauseChanged::of(Scope::Image(hash))
    };
    let failing = BreakerChanged {
        gateway: SOUTH.bits(),
        probe_us: Some(at_us + HOUR_US),
        failures: 20,
    };
    for change in [Change::Paused(stopped), Change::BreakerChanged(failing)] {
        let change = Some(change);
        world.journal.push(Record { at_us, change }.encode_to_vec());
    }
    world.durable = world.journal.len();
    let breaker = Some(BreakerTerms {
        failures: 20,
        probe_after_us: HOUR_US,
    });
    world.restart_with(Terms {
        breaker,
        ..world.terms.clone()
    });
}

/// A Device that waits for its time to activate an image.
fn about_dates(world: &mut World) {
    let image = manifest(8, SMALL);
    world.store(ANN, &image, &[device(19)]);
    let session = world.hello(NORTH, hello("third"));
    world.offers();
    let asked = SubmitBatch {
        execute_us: Some(world.now_us + 3 * DAY_US),
        ..world.batch_of(ANN, &image, &[device(19)])
    };
    world.submit_this(&asked).expect("admitted");
    let attempt = world.offers().last().expect("offered").attempt;
    world.report(session, attempt, dco_engine::Report::Scheduled);
}

/// An image that the Central Products List holds, another that it lets go; a counter, and a threshold gone over.
fn about_trust(world: &mut World) {
    let (one, other) = (manifest(6, LARGE), manifest(7, SMALL));
    for image in [&one, &other] {
        world.store(ANN, image, &devices(0..8));
        world.list(image, ProductStatus::Active);
    }
    let terms = Terms {
        trust: STRICT,
        thresholds: ThresholdTerms {
            activations: Threshold {
                per_user_max: 5,
                ..Threshold::NONE
            },
            ..ThresholdTerms::default()
        },
        checkpoints: true,
        ..world.terms.clone()
    };
    world.restart_with(terms);
    let asked = SubmitBatch {
        originator_counter: Some(7),
        ..world.batch_of(ANN, &one, &devices(0..2))
    };
    world.submit_this(&asked).expect("admitted");
    world.submit(ANN, &other, &devices(4..6)).expect("admitted");
    world
        .submit(ANN, &other, &[device(6)])
        .expect_err("too many");
    world.list(&one, ProductStatus::Withdrawn);
    let refused = world.ask(Request::NoteRefusals(vec![refused(ANN, world.now_us)]));
    assert!(matches!(refused, Ok(Reply::Noted)));
    // What is held comes near the end of its TRT.
    world.pass(4 * DAY_US);
}

pub(crate) fn refused(by: Eui64, minute_us: i64) -> RefusedCalls {
    let call = |name: &str, count| RefusedCall {
        call: format!("/dco.v1.ActivateFirmware/{name}"),
        reason: "USER_DAILY_ALLOWANCE_EXCEEDED".to_owned(),
        count,
        message: "too many".to_owned(),
    };
    RefusedCalls {
        by,
        minute_us,
        calls: vec![call("SubmitBatch", 3), call("GetBatch", 1)],
    }
}

/// A schedule agreed, sent under, amended by two officers; something declined; capacity set.
fn about_schedules(world: &mut World) {
    let mut agreed = deal(&[("2026-06-04", 60), ("2026-06-05", 30)]);
    agreed.terms.canary = NonZeroU32::new(2);
    agreed.terms.run_ahead = true;
    let id = world.agreed(ANN, agreed);
    let day = date("2026-06-04");
    world
        .submit_for((ANN, &manifest(2, LARGE)), &devices(15..18), day)
        .expect("agreed");
    let request = Act::Request(dco_schedule::Request {
        earliest: day,
        ..asking(150)
    });
    let other = world.act(Asker::User, first_of(BOB), request);
    let amend = Act::Amend {
        deal: deal(&[("2026-06-04", 50)]),
        answer_by_us: world.in_two_days(),
        cause: Some(Cause::MakesRoomFor(schedule_of(other.expect("asked")).id)),
    };
    for answer in [World::decline_action, World::approve] {
        let waits = world.act(officer(IDA), id, amend.clone());
        let number = action_of(waits.expect("it waits")).number;
        answer(world, JOE, number.expect("it has one")).expect("answered");
    }
    let mut asked = world.setting(Span::On(day), 40);
    asked.profile = Some(HourProfile::flat());
    world.set_this(&asked).expect("set");
}

fn replayed(records: &[Vec<u8>]) -> Result<Engine, String> {
    let mut engine = Engine::new(Terms::default());
    for (seq, record) in (1..).zip(records) {
        engine
            .replay(seq, record)
            .map_err(|error| error.to_string())?;
    }
    Ok(engine)
}

/// The busy journal with one more record.
fn refusal(change: Option<Change>) -> String {
    static BUSY: LazyLock<World> = LazyLock::new(busy);
    let mut records = BUSY.journal.clone();
    let at_us = BUSY.now_us;
    records.push(Record { at_us, change }.encode_to_vec());
    replayed(&records).expect_err("it is not its own")
}

#[test]
fn a_journal_has_a_record_of_each_kind_and_is_its_own() {
    let world = busy();
    let changes = world.journal.iter().map(|record| {
        let record = Record::decode(record.as_slice()).expect("its own");
        let text = format!("{:?}", record.change.expect("it says something"));
        text.split('(').next().expect("a name").to_owned()
    });
    let kinds: std::collections::BTreeSet<_> = changes.collect();
    assert_eq!(kinds.len(), 30, "{kinds:?}");
    assert!(replayed(&world.journal).is_ok());
}

#[test]
fn records_follow_each_other() {
    let world = busy();
    let mut engine = Engine::new(Terms::default());
    let error = engine
        .replay(2, &world.journal[0])
        .expect_err("the first is 1");
    assert_eq!(error.seq, 2);
    assert!(error.to_string().contains("does not follow"), "{error}");
    engine.replay(1, &world.journal[0]).expect("the first");
    assert!(engine.replay(1, &world.journal[0]).is_err());
}

#[test]
fn what_cannot_be_is_refused_with_its_reason() {
    let released = |activation, attempt| {
        Change::Released(Released {
            activation,
            attempt,
            ..Released::default()
        })
    };
    let ended = |activation, attempt| {
        Change::AttemptEnded(AttemptEnded {
            activation,
            attempt,
            outcome: 1,
            ..AttemptEnded::default()
        })
    };
    let cancelled = |activation| {
        let reason = String::new();
        Change::ActivationCancelled(ActivationCancelled {
            activation,
            reason,
            id: None,
        })
    };
    let late = |activation, attempt, outcome| {
        Change::LateSuccess(LateSuccess {
            activation,
            attempt,
            outcome,
            ..LateSuccess::default()
        })
    };
    let transfer_ended = |owner, end| {
        Change::TransferEnded(TransferEnded {
            owner,
            end,
            ..TransferEnded::default()
        })
    };
    let given_back = Change::BatchCancelled(BatchCancelled {
        user: ANN.bits(),
        number: 2,
        request: None,
        given_back: 999,
    });
    let unnumbered = Change::TransferOpened(TransferOpened::default());
    for (change, reason) in [
        (None, "says nothing"),
        (Some(released(99, 1)), "does not exist"),
        (Some(released(0, 2)), "not where it must be"),
        (Some(ended(99, 1)), "does not exist"),
        (Some(ended(0, 1)), "not where it must be"),
        (Some(late(99, 1, 1)), "does not exist"),
        (Some(late(0, 1, 1)), "not where it must be"),
        (Some(late(7, 1, 3)), "no success"),
        (Some(late(7, 9, 1)), "never made"),
        (Some(cancelled(99)), "does not exist"),
        (Some(cancelled(0)), "not where it must be"),
        (Some(transfer_ended(99, 1)), "no such transfer"),
        (Some(transfer_ended(3, 1)), "no such transfer"),
        (Some(transfer_ended(3, 77)), "end is not known"),
        (Some(given_back), "what was not sent"),
        (Some(unnumbered), "none that is counted"),
    ] {
        let refusal = refusal(change.clone());
        assert!(refusal.contains(reason), "{change:?}: {refusal}");
    }
}

#[test]
fn what_cannot_be_of_images_and_pauses_is_refused_with_its_reason() {
    let retired = |image_id: &[u8]| {
        Change::ImageRetired(ImageRetired {
            user: ANN.bits(),
            image_id: image_id.to_vec().into(),
        })
    };
    let quarantined = |image_id: &[u8]| {
        Change::ImageQuarantined(ImageQuarantined {
            image_id: image_id.to_vec().into(),
            index: 0,
        })
    };
    let damaged = manifest(5, SMALL);
    let pause = |scope: PauseScope| PauseChanged {
        scope: scope.into(),
        ..PauseChanged::default()
    };
    for (change, reason) in [
        (Some(retired(&[7; 32])), "does not have the image"),
        (Some(retired(&[7; 31])), "32 octets"),
        (Some(quarantined(&[7; 32])), "is not stored"),
        (Some(quarantined(&[])), "32 octets"),
        (Some(quarantined(damaged.image_id().as_bytes())), "before"),
        (Some(Change::Resumed(pause(PauseScope::All))), "not paused"),
        (Some(Change::Resumed(pause(PauseScope::User))), "not paused"),
        (Some(Change::Paused(pause(PauseScope::Image))), "not known"),
        (
            Some(Change::Paused(PauseChanged::of(Scope::User(ANN)))),
            "paused already",
        ),
        (
            Some(Change::Paused(pause(PauseScope::Unspecified))),
            "not known",
        ),
        (
            Some(Change::Restored(Restored { epoch: 0 })),
            "does not follow",
        ),
        (
            Some(Change::Restored(Restored { epoch: 65 })),
            "does not follow",
        ),
        (
            Some(Change::Restored(Restored { epoch: u32::MAX })),
            "does not follow",
        ),
    ] {
        let refusal = refusal(change.clone());
        assert!(refusal.contains(reason), "{change:?}: {refusal}");
    }
}

#[test]
fn what_no_central_products_list_has_is_refused_with_its_reason() {
    let good = Product {
        model: Some(Model::default()),
        hardware_min: 1,
        hardware_max: 2,
        manufacturer_image_hash: vec![7; 32].into(),
        status: 1,
        ..Product::default()
    };
    let spoilt: [fn(&mut Product); 5] = [
        |it| it.model = None,
        |it| it.hardware_max = 0,
        |it| it.hardware_max = 1 << 16,
        |it| it.manufacturer_image_hash = vec![7; 31].into(),
        |it| it.status = 5,
    ];
    for spoil in spoilt {
        let mut entry = good.clone();
        spoil(&mut entry);
        let change = Change::ProductsImported(ProductsImported {
            products: vec![good.clone(), entry],
            ..ProductsImported::default()
        });
        let refusal = refusal(Some(change));
        assert!(refusal.contains("one of its entries is none"), "{refusal}");
    }
    let breached = Change::ThresholdBreached(ThresholdBreached::default());
    let refusal = refusal(Some(breached));
    assert!(refusal.contains("what it counts is not known"), "{refusal}");
}

#[test]
fn an_image_that_an_activation_needs_is_not_retired() {
    let mut world = World::new(capacity(100));
    let image = manifest(2, LARGE);
    world.register(&[device(0)], ANN, NORTH);
    world.store(ANN, &image, &[device(0)]);
    world.submit(ANN, &image, &[device(0)]).expect("admitted");
    let mut records = world.journal.clone();
    let change = Some(Change::ImageRetired(ImageRetired {
        user: ANN.bits(),
        image_id: image.image_id().as_bytes().to_vec().into(),
    }));
    let at_us = world.now_us;
    records.push(Record { at_us, change }.encode_to_vec());
    let refusal = replayed(&records).expect_err("it is needed");
    assert!(refusal.contains("has not ended"), "{refusal}");
}

#[test]
fn an_image_that_is_agreed_for_is_not_retired() {
    let mut world = World::new(all_agreeable());
    let image = manifest(2, LARGE);
    world.register(&[device(0)], ANN, NORTH);
    world.store(ANN, &image, &[device(0)]);
    let covers = Covers::Image(*image.manufacturer_image_hash().as_bytes());
    let id = world.offered_for(ANN, covers, deal(&[("2026-06-02", 1)]));
    world.act(Asker::User, id, Act::Accept).expect("it fits");
    let mut records = world.journal.clone();
    let change = Some(Change::ImageRetired(ImageRetired {
        user: ANN.bits(),
        image_id: image.image_id().as_bytes().to_vec().into(),
    }));
    let at_us = world.now_us;
    records.push(Record { at_us, change }.encode_to_vec());
    let refusal = replayed(&records).expect_err("it is agreed for");
    assert!(refusal.contains("has days to come"), "{refusal}");
}

#[test]
fn what_no_schedule_can_have_is_refused_with_its_reason() {
    let signature = Some(Signature {
        by: Signatory::User.into(),
        reason: "why not".to_owned(),
        ..Signature::default()
    });
    let stepped = |number, kind: ActKind| {
        Change::ScheduleStepped(ScheduleStepped {
            user: ANN.bits(),
            number,
            act: Some(ScheduleAct {
                kind: kind.into(),
                ..ScheduleAct::default()
            }),
            signature: signature.clone(),
            ..ScheduleStepped::default()
        })
    };
    let closed = Change::ActionClosed(ActionClosed {
        action: 99,
        signature: signature.clone(),
        request: None,
    });
    let forgotten = |kind: NoticeKind, through| {
        let user = ANN.bits();
        let kind = kind.into();
        let gone = ForgottenNotices {
            kind,
            user,
            through,
        };
        let parties = vec![gone];
        Change::NoticesForgotten(NoticesForgotten { parties })
    };
    for (change, reason) in [
        (stepped(1, ActKind::Accept), "where it must be"),
        (stepped(9, ActKind::Accept), "where it must be"),
        (stepped(1, ActKind::Unspecified), "no schedule has"),
        (stepped(1, ActKind::Offer), "no schedule has"),
        (closed, "nothing of this number"),
        (
            Change::ActionPended(ActionPended::default()),
            "no schedule has",
        ),
        (
            Change::CapacitySet(CapacitySet::default()),
            "no schedule has",
        ),
        (forgotten(NoticeKind::Unspecified, 1), "not whose"),
        (forgotten(NoticeKind::Desk, 9_999), "not told so much"),
        (forgotten(NoticeKind::Operators, 9_999), "not told so much"),
    ] {
        let refusal = refusal(Some(change.clone()));
        assert!(refusal.contains(reason), "{change:?}: {refusal}");
    }
}

#[test]
fn a_request_key_of_another_length_is_refused() {
    let key = |id: usize, digest: usize| {
        Some(RequestKey {
            id: vec![1; id].into(),
            digest: vec![1; digest].into(),
        })
    };
    for (id, digest, reason) in [
        (15, 32, "16 octets"),
        (0, 0, "16 octets"),
        (16, 31, "32 octets"),
        (16, 33, "32 octets"),
    ] {
        let imported = DevicesImported {
            request: key(id, digest),
            ..DevicesImported::default()
        };
        let cancelled = BatchCancelled {
            user: ANN.bits(),
            number: 2,
            request: key(id, digest),
            given_back: 0,
        };
        for change in [
            Change::DevicesImported(imported),
            Change::BatchCancelled(cancelled),
        ] {
            let refusal = refusal(Some(change));
            assert!(refusal.contains(reason), "{refusal}");
        }
    }
}

#[test]
fn every_kind_of_request_has_its_key_checked() {
    let world = busy();
    let mut odd = 0;
    for (index, record) in world.journal.iter().enumerate() {
        let mut record = Record::decode(record.as_slice()).expect("its own");
        let key = match record.change.as_mut().expect("it says something") {
            Change::DevicesImported(it) => &mut it.request,
            Change::TransferOpened(it) => &mut it.request,
            Change::BatchAccepted(it) => &mut it.request,
            Change::BatchCancelled(it) => &mut it.request,
            Change::Paused(it) | Change::Resumed(it) if it.request.is_some() => &mut it.request,
            Change::ScheduleStepped(it) if it.request.is_some() => &mut it.request,
            Change::ActionPended(it) => &mut it.request,
            Change::ActionClosed(it) => &mut it.request,
            Change::CapacitySet(it) => &mut it.request,
            _ => continue,
        };
        key.as_mut().expect("somebody asked").digest = vec![1; 9].into();
        let mut journal = world.journal[..index].to_vec();
        journal.push(record.encode_to_vec());
        assert!(replayed(&journal).expect_err("odd").contains("32 octets"));
        odd += 1;
    }
    assert!(odd > 12, "{odd}");
}

#[test]
fn bytes_that_are_no_record_are_refused() {
    let error = replayed(&[vec![0xFF; 9]]).expect_err("no record");
    assert!(
        error.contains("journal record 1 cannot be applied"),
        "{error}"
    );
}

#[test]
fn the_engines_time_begins_at_its_journals() {
    let world = busy();
    let engine = replayed(&world.journal).expect("its own");
    let last = Record::decode(world.journal[world.journal.len() - 1].as_slice());
    assert_eq!(engine.last_time_us(), last.expect("its own").at_us);
    assert_eq!(usize::try_from(engine.last_seq()), Ok(world.journal.len()));
}

#[test]
fn a_transfers_warning_is_given_once_however_often_the_service_starts() {
    let mut world = World::new(capacity(100));
    world.register(&devices(0..2), ANN, NORTH);
    let opened = world.open(ANN, &manifest(2, LARGE), &devices(0..2));
    opened.expect("opened");
    world.pass(6 * DAY_US + HOUR_US);
    for _ in 0..2 {
        world.crash();
        world.handle(Event::Tick);
    }
    let warned = world.journal.iter().filter(|record| {
        let record = Record::decode(record.as_slice()).expect("its own");
        matches!(record.change, Some(Change::TransferWarned(_)))
    });
    assert_eq!(warned.count(), 1);
}

#[test]
fn a_batch_of_nobody_or_of_a_busy_device_is_refused() {
    let mut world = World::new(capacity(100));
    let image = manifest(2, LARGE);
    world.register(&devices(0..2), ANN, NORTH);
    world.store(ANN, &image, &devices(0..2));
    world.submit(ANN, &image, &[device(0)]).expect("admitted");
    let last = world.journal.last().expect("the batch");
    let last = Record::decode(last.as_slice()).expect("its own");
    let Some(Change::BatchAccepted(accepted)) = last.change else {
        panic!("{last:?}");
    };
    for (number, devices, why) in [
        (2, vec![], "no Device"),
        (2, accepted.devices.clone(), "under way"),
        (0, accepted.devices.clone(), "none that is counted"),
        (1 << 63, accepted.devices.clone(), "none that is counted"),
    ] {
        let another = BatchAccepted {
            number,
            request: None,
            devices,
            ..accepted.clone()
        };
        let mut journal = world.journal.clone();
        let change = Some(Change::BatchAccepted(another));
        journal.push(
            Record {
                change,
                ..nothing(&world)
            }
            .encode_to_vec(),
        );
        let refused = replayed(&journal).expect_err("no batch");
        assert!(refused.contains(why), "{refused}");
    }
}

#[test]
fn an_attempt_whose_number_is_not_a_new_one_is_refused() {
    let mut world = World::new(capacity(100));
    let image = manifest(2, LARGE);
    world.register(&devices(0..2), ANN, NORTH);
    world.store(ANN, &image, &devices(0..2));
    world.submit(ANN, &image, &[device(0)]).expect("admitted");
    let released = |attempt| {
        Change::Released(Released {
            attempt,
            gateway: NORTH.bits(),
            ..Released::default()
        })
    };
    let to_be_retried = |attempt| {
        Change::AttemptEnded(AttemptEnded {
            attempt,
            outcome: Outcome::FileTransferFailure.number(),
            retry_us: Some(world.now_us),
            ..AttemptEnded::default()
        })
    };
    let last = u32::from(u16::MAX);
    for (changes, why) in [
        (vec![released(0)], Err("was made before")),
        (vec![released(last + 1)], Err("out of range")),
        (vec![released(7), to_be_retried(7)], Ok(())),
        (vec![released(last)], Ok(())),
        (
            vec![released(last), to_be_retried(last)],
            Err("no number is left"),
        ),
    ] {
        let mut journal = world.journal.clone();
        for change in changes {
            let mut record = nothing(&world);
            record.change = Some(change);
            journal.push(record.encode_to_vec());
        }
        match (replayed(&journal), why) {
            (Ok(_), Ok(())) => {}
            (Err(refused), Err(why)) => assert!(refused.contains(why), "{refused}"),
            (is, _) => panic!("{why:?}, not {:?}", is.map(|_| ())),
        }
    }
    // What ends under the last number is not tried again, whatever its rule says, nor after a restore.
    for change in [None, Some(Change::Restored(Restored { epoch: 1 }))] {
        let mut journal = world.journal.clone();
        for change in [Some(released(last)), change].into_iter().flatten() {
            let mut record = nothing(&world);
            record.change = Some(change);
            journal.push(record.encode_to_vec());
        }
        let mut engine = replayed(&journal).expect("it is right");
        engine.handle(Event::Tick, world.now_us + HOUR_US);
        let stats = engine.stats();
        assert_eq!((stats.activations_failed, stats.attempts_under_way), (1, 0));
        journal.extend(std::iter::from_fn(|| engine.poll_record()).map(|(_, record)| record));
        let engine = replayed(&journal).expect("its own");
        let again = Engine::from_snapshot(capacity(100), engine.last_seq(), &engine.snapshot());
        again.expect("none waits without a number for its next attempt");
    }
}

/// A record of nothing, now.
fn nothing(world: &World) -> Record {
    Record {
        at_us: world.now_us,
        change: None,
    }
}

proptest! {
    /// Records lost, doubled, swapped or damaged: refused or taken, never a panic.
    #[test]
    fn no_journal_makes_it_fall_over(
        at in any::<prop::sample::Index>(),
        with in any::<prop::sample::Index>(),
        how in 0..4,
        byte in any::<prop::sample::Index>(),
        bit in 0_u32..8,
    ) {
        static BUSY: LazyLock<World> = LazyLock::new(busy);
        let mut records = BUSY.journal.clone();
        let (at, with) = (at.index(records.len()), with.index(records.len()));
        match how {
            0 => drop(records.remove(at)),
            1 => records.insert(at, records[with].clone()),
            2 => records.swap(at, with),
            _ => {
                let byte = byte.index(records[at].len());
                records[at][byte] ^= 1_u8 << bit;
            }
        }
        if let Ok(mut engine) = replayed(&records) {
            engine.handle(Event::Tick, BUSY.now_us);
        }
    }
}
