use std::collections::BTreeSet;

use dco_block::{FirmwareVersion, OtaHeader, wrap};
use pb::activation::{Stage as WireStage, State as WireState};

use super::*;
use crate::types::{
    Acted, Activation, ActivationName, ActivationState, AttemptOutcome, AttemptRef, AttemptResult,
    Batch, DeviceEntry, Fits, InvalidDevices, MoveCause, Schedule, Stage, Transfer, TransferState,
};

const USER: Eui64 = Eui64::from_bits(0x90B3_D51F_3001_0000);

fn a_manifest() -> Manifest {
    let header = OtaHeader {
        manufacturer_code: 1,
        image_type: 2,
        file_version: FirmwareVersion::new(0x0A0B_0C0D),
        stack_version: 2,
        header_string: [0; 32],
        total_image_bytes: 0,
        security_credential_version: None,
        upgrade_file_destination: None,
        hardware_versions: None,
    };
    Manifest::of_image(&wrap(header, &[7; 5000], &[1; 64]), 1024).unwrap()
}

fn a_transfer() -> pb::Transfer {
    pb::Transfer {
        name: format!("users/{USER}/transfers/42"),
        state: pb::transfer::State::Receiving.into(),
        manifest: Some(manifest_to_wire(&a_manifest())),
        ..Default::default()
    }
}

fn an_activation() -> pb::Activation {
    pb::Activation {
        name: format!("users/{USER}/batches/7/activations/{USER}"),
        device: USER.to_string(),
        state: WireState::Queued.into(),
        ..Default::default()
    }
}

/// The field that a conversion names.
fn fault<T: std::fmt::Debug>(converted: Result<T, BadAnswer>) -> &'static str {
    converted.unwrap_err().field
}

#[test]
fn instants_are_microseconds_before_and_after_1970() {
    let at = |seconds, nanos| instant("time", Some(Timestamp { seconds, nanos }));
    assert_eq!(at(1, 999_999_999).unwrap(), Some(1_999_999));
    assert_eq!(at(-1, 500_000_000).unwrap(), Some(-500_000));
    assert_eq!(instant("time", None).unwrap(), None);
    for seconds in [i64::MAX, i64::MIN, i64::MAX / MICROS_PER_SECOND + 1] {
        assert_eq!(fault(at(seconds, 0)), "time");
    }
}

#[test]
fn a_range_that_ends_before_it_starts_is_refused() {
    assert_eq!(range(pb::IndexRange { first: 3, last: 3 }).unwrap(), 3..=3);
    assert_eq!(
        fault(range(pb::IndexRange { first: 4, last: 3 })),
        "index range"
    );
}

#[test]
fn a_manifest_survives_the_wire() {
    let there = a_manifest();
    assert_eq!(manifest(Some(manifest_to_wire(&there))).unwrap(), there);
    assert_eq!(fault(manifest(None)), "manifest");
}

#[test]
fn what_is_absent_is_none() {
    let transfer = Transfer::try_from(pb::Transfer {
        name: String::new(),
        ..a_transfer()
    })
    .unwrap();
    assert_eq!(
        (transfer.name, transfer.expire_us, transfer.response),
        (None, None, None)
    );
    assert!(transfer.invalid_devices.is_empty());
    let activation = Activation::try_from(an_activation()).unwrap();
    assert_eq!((activation.stage, activation.outcome), (None, None));
    assert_eq!(
        (activation.running_version, activation.device_image_hash),
        (None, None)
    );
}

#[test]
fn every_state_has_one_meaning_and_nothing_else_has_one() {
    let transfer = |state| {
        Transfer::try_from(pb::Transfer {
            state,
            ..a_transfer()
        })
    };
    let states: BTreeSet<TransferState> = (1..=6)
        .map(|state| transfer(state).unwrap().state)
        .collect();
    assert_eq!(states.len(), 6);

    let activation = |state, stage| {
        Activation::try_from(pb::Activation {
            state,
            stage,
            ..an_activation()
        })
    };
    let states: BTreeSet<ActivationState> = (1..=7)
        .map(|state| activation(state, 0).unwrap().state)
        .collect();
    assert_eq!(states.len(), 7);
    let stages: BTreeSet<Stage> = (1..=5)
        .map(|stage| activation(1, stage).unwrap().stage.unwrap())
        .collect();
    assert_eq!(stages.len(), 5);

    for unknown in [-1, 0, 99] {
        assert_eq!(fault(transfer(unknown)), "transfer.state");
        assert_eq!(fault(activation(unknown, 0)), "activation.state");
    }
    assert_eq!(fault(activation(1, 99)), "activation.stage");
}

#[test]
fn states_are_written_as_on_the_wire() {
    for state in 1..=6 {
        let wire = pb::transfer::State::try_from(state).unwrap();
        let ours = Transfer::try_from(pb::Transfer {
            state,
            ..a_transfer()
        })
        .unwrap()
        .state;
        assert_eq!(ours.to_string(), wire.as_str_name());
    }
    for number in 1..=7 {
        let activation = pb::Activation {
            state: number,
            ..an_activation()
        };
        let ours = Activation::try_from(activation).unwrap().state;
        assert_eq!(
            ours.to_string(),
            WireState::try_from(number).unwrap().as_str_name()
        );
    }
    for number in 1..=5 {
        let activation = pb::Activation {
            stage: number,
            ..an_activation()
        };
        let ours = Activation::try_from(activation).unwrap().stage.unwrap();
        assert_eq!(
            ours.to_string(),
            WireStage::try_from(number).unwrap().as_str_name()
        );
    }
}

#[test]
fn every_result_of_an_attempt_has_a_number_of_its_own() {
    let activation: ActivationName = an_activation().name.parse().unwrap();
    let number = |result| {
        pb::Outcome::from(AttemptOutcome {
            attempt: AttemptRef {
                activation,
                attempt: 1,
            },
            result,
            nothing_sent: false,
            running_version: None,
            device_image_hash: None,
            message: String::new(),
        })
        .result
    };
    let numbers = [
        AttemptResult::Success,
        AttemptResult::AlreadyAtVersion,
        AttemptResult::NoImageHeld,
        AttemptResult::HashMismatch,
        AttemptResult::ActivationFailure,
        AttemptResult::FirmwareImageDiscarded,
        AttemptResult::HardwareVersionMismatch,
        AttemptResult::FileTransferFailure,
        AttemptResult::NoAnswer,
        AttemptResult::DeviceNotReachable,
    ]
    .map(number);
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
}

#[test]
fn nonsense_is_named_by_its_field() {
    let wrong_name = pb::Transfer {
        name: "transfers/1".to_owned(),
        ..a_transfer()
    };
    assert_eq!(fault(Transfer::try_from(wrong_name)), "transfer.name");
    let wrong_device = pb::InvalidDevices {
        not_commissioned: vec!["none".to_owned()],
        ..Default::default()
    };
    assert_eq!(
        fault(InvalidDevices::try_from(wrong_device)),
        "not_commissioned"
    );
    let short = pb::Batch {
        manufacturer_image_hash: vec![1; 31].into(),
        ..Default::default()
    };
    let refused = Batch::try_from(short).unwrap_err();
    assert_eq!(refused.field, "batch.manufacturer_image_hash");
    assert!(refused.to_string().contains("31"), "{refused}");
}

#[test]
fn an_inventory_entry_is_written_as_the_wire_wants_it() {
    let wire = pb::DeviceEntry::from(DeviceEntry {
        device: USER,
        user: USER,
        gateway: USER,
        manufacturer: "M".to_owned(),
        model: "m".to_owned(),
        hardware_version: 0xA,
        firmware_version: FirmwareVersion::new(0xB),
    });
    assert_eq!(
        (
            wire.hardware_version.as_str(),
            wire.firmware_version.as_str()
        ),
        ("000A", "0000000B")
    );
}

fn a_schedule() -> pb::Schedule {
    let step = pb::ScheduleStep {
        act: pb::ScheduleAct::End.into(),
        signature: Some(pb::ScheduleSignature {
            by: pb::ScheduleParty::ServiceDesk.into(),
            officer: USER.to_string(),
            ..Default::default()
        }),
        cause: pb::MoveCause::MakesRoom.into(),
        makes_room_for: format!("users/{USER}/schedules/9"),
        end_date: "2026-12-01".to_owned(),
        ..Default::default()
    };
    pb::Schedule {
        name: format!("users/{USER}/schedules/7"),
        etag: "3".to_owned(),
        state: pb::schedule::State::Amending.into(),
        request: Some(pb::ScheduleRequest::default()),
        agreed: Some(pb::ScheduleDeal {
            window: Some(pb::HourWindow {
                from_hour: 20,
                to_hour: 24,
            }),
            quota_total: 5,
            first_date: "2026-12-01".to_owned(),
            last_date: "2026-12-02".to_owned(),
            ..Default::default()
        }),
        history: vec![step],
        ..Default::default()
    }
}

#[test]
fn a_schedule_is_read_with_its_words_and_what_is_absent_is_none() {
    let schedule = Schedule::try_from(a_schedule()).unwrap();
    assert_eq!(schedule.name.map(|name| name.number), Some(7));
    assert_eq!(
        (schedule.state.as_str(), schedule.proposal),
        ("AMENDING", None)
    );
    assert_eq!(schedule.request.manufacturer_image_hash, None);
    let agreed = schedule.agreed.unwrap();
    assert_eq!(
        (agreed.total, agreed.deal.window_hours),
        (5, Some((20, 24)))
    );
    let step = &schedule.history[0];
    assert_eq!(
        (step.act.as_str(), step.signature.by.as_str()),
        ("END", "SERVICE_DESK")
    );
    assert_eq!(step.end_date.as_deref(), Some("2026-12-01"));
    let other = match step.cause {
        Some(MoveCause::MakesRoom(other)) => other.map(|name| name.number),
        _ => None,
    };
    assert_eq!(other, Some(9));
}

#[test]
fn what_is_wrong_with_a_schedule_is_named() {
    let spoilt = |spoil: fn(&mut pb::Schedule)| {
        let mut wire = a_schedule();
        spoil(&mut wire);
        fault(Schedule::try_from(wire))
    };
    assert_eq!(spoilt(|it| it.state = 0), "schedule.state");
    assert_eq!(spoilt(|it| it.state = 99), "schedule.state");
    assert_eq!(spoilt(|it| it.name.push('x')), "schedule.name");
    assert_eq!(spoilt(|it| it.request = None), "schedule.request");
    assert_eq!(spoilt(|it| it.history[0].act = 0), "step.act");
    assert_eq!(
        spoilt(|it| it.history[0].signature = None),
        "step.signature"
    );
    assert_eq!(
        fault(Acted::try_from(pb::ActOnScheduleResponse::default())),
        "result"
    );
}

#[test]
fn an_offer_is_a_fit_or_says_why_there_is_none() {
    use pb::fit_result::Result as WireFit;
    let result = |result| Some(pb::FitResult { result });
    let no_fit = pb::NoFit {
        wanted: 9,
        room: 4,
        ..Default::default()
    };
    let wire = pb::FitScheduleResponse {
        earliest_end: result(Some(WireFit::Fit(pb::Fit::default()))),
        flattest: result(Some(WireFit::NoFit(no_fit))),
        moves_nobody: result(None),
    };
    assert_eq!(fault(Fits::try_from(wire.clone())), "moves_nobody");
    let wire = pb::FitScheduleResponse {
        moves_nobody: wire.earliest_end.clone(),
        ..wire
    };
    let fits = Fits::try_from(wire).unwrap();
    assert!(fits.earliest_end.is_ok());
    let why = fits.flattest.unwrap_err();
    assert_eq!((why.wanted, why.room), (9, 4));
}

#[test]
fn instants_go_out_as_they_come_in() {
    for at_us in [0, 1, -1, 1_774_742_400_000_001, -5_000_001] {
        assert_eq!(instant("time", Some(timestamp(at_us))), Ok(Some(at_us)));
    }
}
