mod crowded;
mod schedules;

use bytes::Bytes;
use dco_block::{FirmwareVersion, Manifest, wrap};
use dco_client::{
    Activation, ActivationCounts, ActivationName, ActivationState, Batch, BatchName, Canary,
    Explanation, Hold, InvalidDevices, Transfer, TransferName, TransferState,
    UpdateFirmwareResponse,
};
use insta::assert_snapshot;

use super::*;
use crate::image;

const USER: dco_block::Eui64 = dco_block::Eui64::from_bits(0x90B3_D51F_3001_0001);
const DEVICE: dco_block::Eui64 = dco_block::Eui64::from_bits(0x00DB_1234_0000_0001);
/// 2026-03-29 00:30 in London, half an hour before the clocks go forward.
const AT_US: Micros = 1_774_744_200_000_000;
const HOUR_US: Micros = 3_600_000_000;

fn transfer() -> Transfer {
    let header = image::header(
        FirmwareVersion::new(0x0102_000A),
        "test",
        image::ANY_HARDWARE,
    );
    let image: Bytes = wrap(header, &[7; 2_000], &[0; 64]);
    let manifest = Manifest::of_image(&image, 1_024).unwrap();
    Transfer {
        name: Some(TransferName {
            user: USER,
            number: 4,
        }),
        state: TransferState::Receiving,
        block_count: manifest.block_count(),
        blocks_held: 1,
        manifest,
        missing: vec![1..=2],
        create_us: Some(AT_US),
        expire_us: Some(AT_US + 168 * HOUR_US),
        warn_us: None,
        device_count: 3,
        response: None,
        invalid_devices: InvalidDevices {
            invalid: vec![DEVICE],
            not_applicable_firmware: vec![DEVICE, DEVICE],
            ..InvalidDevices::default()
        },
        signed_request: Bytes::new(),
    }
}

fn stored() -> Transfer {
    Transfer {
        state: TransferState::Stored,
        blocks_held: 3,
        missing: Vec::new(),
        response: Some(UpdateFirmwareResponse {
            response_code: "W110101".to_owned(),
            reason: String::new(),
            message: "accepted in part".to_owned(),
            response_us: Some(AT_US + HOUR_US),
            invalid_devices: InvalidDevices::default(),
        }),
        ..transfer()
    }
}

fn batch() -> Batch {
    Batch {
        execute_us: None,
        may_have_image_count: 0,
        name: Some(BatchName {
            user: USER,
            number: 7,
        }),
        manufacturer_image_hash: dco_block::ManufacturerImageHash::new([0xAB; 32]),
        image_id: dco_block::ImageId::new([0xCD; 32]),
        large: true,
        service_date: "2026-03-29".to_owned(),
        create_us: Some(AT_US),
        trt_start_us: Some(AT_US),
        due_us: Some(AT_US + 120 * HOUR_US),
        predicted_release_us: Some(AT_US + HOUR_US),
        predicted_completion_us: None,
        counts: ActivationCounts {
            queued: 1_200,
            succeeded: 2,
            failed: 1,
            ..Default::default()
        },
        signed_request: Bytes::from_static(b"signed"),
        canary: Some(Canary {
            device_count: 5,
            succeeded: 2,
            failed: 1,
            passed: false,
        }),
    }
}

fn activation() -> Activation {
    Activation {
        may_have_image: false,
        name: ActivationName {
            batch: BatchName {
                user: USER,
                number: 7,
            },
            device: DEVICE,
        },
        device: DEVICE,
        state: ActivationState::Queued,
        attempt: 0,
        stage: None,
        blocks_done: 0,
        outcome: None,
        release_us: None,
        end_us: None,
        retry_us: None,
        running_version: None,
        device_image_hash: None,
        message: "the meter did not answer".to_owned(),
    }
}

#[test]
fn a_transfer_is_shown_with_its_lists_of_devices() {
    assert_snapshot!(transfer_text(&transfer()));
}

#[test]
fn a_stored_transfer_is_shown_with_its_response() {
    assert_snapshot!(transfer_text(&stored()));
    let json = transfer_json(&stored());
    assert_eq!(json["response"]["response_code"], "W110101");
    assert_eq!(json["response"]["response_time"], "2026-03-29T01:30:00Z");
    assert_eq!(
        transfer_json(&transfer())["missing"],
        serde_json::json!([[1, 2]])
    );
}

#[test]
fn a_batch_of_which_nothing_is_left_says_of_its_canaries_that_nothing_waits() {
    let counts = ActivationCounts {
        released: 1,
        cancelled: 4,
        ..Default::default()
    };
    let left = Batch { counts, ..batch() };
    let text = batch_text(&left);
    assert!(
        text.contains("nothing of the batch waits for them"),
        "{text}"
    );
}

#[test]
fn a_batch_is_shown_with_its_states_and_times() {
    assert_snapshot!(batch_text(&batch()));
    assert_eq!(batch_json(&batch())["counts"]["queued"], 1_200);
    assert_eq!(
        batch_json(&batch())["predicted_completion_time"],
        Value::Null
    );
}

#[test]
fn an_explanation_begins_with_its_sentence() {
    let explanation = Explanation {
        activation: activation(),
        holds: vec![
            Hold {
                reason: "PACED".to_owned(),
                message: "releases are spread over the day".to_owned(),
                until_us: Some(AT_US + HOUR_US),
                remedy: "none is needed".to_owned(),
            },
            Hold {
                reason: "GATEWAY_NOT_CONNECTED".to_owned(),
                message: "its gateway is away".to_owned(),
                until_us: None,
                remedy: "connect the gateway".to_owned(),
            },
        ],
        ahead_count: Some(3),
        in_security_lane: true,
        earliest_us: None,
        predicted_release_us: Some(AT_US + 2 * HOUR_US),
        due_us: Some(AT_US + 120 * HOUR_US),
        summary: "It waits for its turn.".to_owned(),
    };
    assert_snapshot!(explanation_text(&explanation));
    assert_eq!(
        explanation_json(&explanation)["holds"][1]["until_time"],
        Value::Null
    );
}

#[test]
fn lists_are_tables_and_empty_lists_are_words() {
    assert_snapshot!(format!(
        "{}\n\n{}\n\n{}",
        transfers_text(&[stored(), transfer()]),
        batches_text(&[batch()]),
        activations_text(&[activation()]),
    ));
    assert_eq!(transfers_text(&[]), "no transfers");
    assert_eq!(batches_text(&[]), "no batches");
}
