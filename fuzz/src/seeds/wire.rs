//! One good message of each kind.

use dco_proto::v1 as pb;
use prost::Message as _;

use super::Seed;
use crate::samples::{GATEWAYS, IMAGES, USERS, device};

const ID: &str = "3e4c8a52-8f1b-4a7e-9d55-0c9d6f1f2a10";

pub(super) fn all() -> Vec<Seed> {
    let reports = ["accept", "outcome"].into_iter().zip([accept(), outcome()]);
    let messages = [
        ("open_transfer", open().encode_to_vec()),
        ("submit_batch", submit().encode_to_vec()),
        ("hello", hello().encode_to_vec()),
        ("report", Vec::new()),
        ("device", entry().encode_to_vec()),
        ("pause", pause().encode_to_vec()),
        ("request_schedule", requested().encode_to_vec()),
        ("offer_schedule", offer().encode_to_vec()),
        ("amend_schedule", amend().encode_to_vec()),
        ("approve_action", approve().encode_to_vec()),
        ("set_capacity", capacity().encode_to_vec()),
        ("simulate_schedule", simulate().encode_to_vec()),
    ];
    let seed = |(name, kind, bytes): (&str, u8, Vec<u8>)| {
        Seed::new("messages", name, [&[kind], &bytes[..]].concat())
    };
    let each = messages
        .into_iter()
        .zip(0..)
        .map(|((name, bytes), kind)| (name, kind, bytes));
    let reports = reports.map(|(name, kind)| {
        let kind = Some(kind);
        (name, 3, pb::ConnectRequest { kind }.encode_to_vec())
    });
    each.chain(reports).map(seed).collect()
}

fn open() -> pb::OpenTransferRequest {
    let parts = IMAGES[2].parts();
    pb::OpenTransferRequest {
        parent: format!("users/{}", USERS[0]),
        request_id: ID.to_owned(),
        manifest: Some(pb::Manifest {
            image_id: parts.image_id.as_bytes().to_vec().into(),
            image_bytes: parts.image_bytes,
            block_bytes: parts.block_bytes,
            manufacturer_image_hash: parts.manufacturer_image_hash.as_bytes().to_vec().into(),
            firmware_version: parts.firmware_version.to_string(),
            ota_header: parts.ota_header,
        }),
        devices: vec![device(0).to_string(), device(9).to_string()],
        ..Default::default()
    }
}

fn submit() -> pb::SubmitBatchRequest {
    pb::SubmitBatchRequest {
        parent: format!("users/{}", USERS[0]),
        request_id: ID.to_owned(),
        manufacturer_image_hash: IMAGES[2]
            .manufacturer_image_hash()
            .as_bytes()
            .to_vec()
            .into(),
        devices: vec![device(0).to_string()],
        service_date: "2026-03-28".to_owned(),
        signed_request: vec![1, 2, 3].into(),
        ..Default::default()
    }
}

fn attempt() -> pb::AttemptRef {
    pb::AttemptRef {
        activation: format!("users/{}/batches/1/activations/{}", USERS[0], device(0)),
        attempt: 1,
    }
}

fn ended() -> pb::Outcome {
    pb::Outcome {
        attempt: Some(attempt()),
        result: pb::outcome::Result::NoAnswer.into(),
        nothing_sent: true,
        running_version: "00000001".to_owned(),
        device_image_hash: vec![7; 32].into(),
        message: "it sleeps".to_owned(),
    }
}

fn accept() -> pb::connect_request::Kind {
    let attempt = Some(attempt());
    pb::connect_request::Kind::Accept(pb::Accept { attempt })
}

fn outcome() -> pb::connect_request::Kind {
    pb::connect_request::Kind::Outcome(ended())
}

fn hello() -> pb::Hello {
    pb::Hello {
        memory_id: "first".to_owned(),
        attempts: vec![attempt()],
        outcomes: vec![ended()],
        concurrency: 3,
    }
}

fn entry() -> pb::DeviceEntry {
    pb::DeviceEntry {
        device: device(0).to_string(),
        user: USERS[0].to_string(),
        gateway: GATEWAYS[0].to_string(),
        manufacturer: "Acme".to_owned(),
        model: "E470".to_owned(),
        hardware_version: "0003".to_owned(),
        firmware_version: "00000001".to_owned(),
    }
}

fn pause() -> pb::PauseRequest {
    pb::PauseRequest {
        request_id: ID.to_owned(),
        ticket: "INC-1".to_owned(),
        reason: "as asked".to_owned(),
        ..Default::default()
    }
}

fn asked() -> pb::ScheduleRequest {
    pb::ScheduleRequest {
        device_count: 9,
        earliest_date: "2026-03-28".to_owned(),
        latest_date: "2026-04-02".to_owned(),
        per_day_max: 3,
        ..Default::default()
    }
}

fn requested() -> pb::RequestScheduleRequest {
    pb::RequestScheduleRequest {
        parent: format!("users/{}", USERS[0]),
        request_id: ID.to_owned(),
        reason: "more than the allowance".to_owned(),
        request: Some(asked()),
        ..Default::default()
    }
}

fn head() -> pb::ScheduleActHead {
    pb::ScheduleActHead {
        name: format!("users/{}/schedules/1", USERS[1]),
        etag: "1".to_owned(),
        request_id: ID.to_owned(),
        reason: "as agreed".to_owned(),
        ticket: "INC-2".to_owned(),
        ..Default::default()
    }
}

fn deal() -> pb::ScheduleDeal {
    let day = pb::DayUnits {
        service_date: "2026-03-28".to_owned(),
        units: 3,
    };
    pb::ScheduleDeal {
        quota: vec![day],
        window: Some(pb::HourWindow {
            from_hour: 1,
            to_hour: 5,
        }),
        canary_device_count: 1,
        ..Default::default()
    }
}

fn offer() -> pb::OfferScheduleRequest {
    pb::OfferScheduleRequest {
        head: Some(head()),
        deal: Some(deal()),
        ..Default::default()
    }
}

fn amend() -> pb::AmendScheduleRequest {
    pb::AmendScheduleRequest {
        head: Some(head()),
        deal: Some(deal()),
        cause: pb::MoveCause::MakesRoom.into(),
        makes_room_for: format!("users/{}/schedules/1", USERS[0]),
        impose: true,
        ..Default::default()
    }
}

fn approve() -> pb::ApproveActionRequest {
    pb::ApproveActionRequest {
        name: "actions/1".to_owned(),
        request_id: ID.to_owned(),
        ticket: "INC-3".to_owned(),
        reason: "looked at it".to_owned(),
        ..Default::default()
    }
}

fn capacity() -> pb::SetCapacityRequest {
    pb::SetCapacityRequest {
        request_id: ID.to_owned(),
        ticket: "INC-4".to_owned(),
        reason: "maintenance".to_owned(),
        first_date: "2026-03-28".to_owned(),
        capacity: Some(6),
        hour_profile: vec![1; 24],
        ..Default::default()
    }
}

fn simulate() -> pb::SimulateScheduleRequest {
    let one = pb::SimulatedRequest {
        parent: format!("users/{}", USERS[1]),
        request: Some(asked()),
    };
    pb::SimulateScheduleRequest {
        requests: vec![one],
    }
}
