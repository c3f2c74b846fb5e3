//! A transfer: SRV 11.1.

use dco_client::{InvalidDevices, Transfer};
use serde_json::{Value, json};

use super::{text, time};
use crate::table::{grouped, properties, table};
use crate::when;

pub(crate) fn transfer_json(transfer: &Transfer) -> Value {
    let manifest = &transfer.manifest;
    json!({
        "name": text(transfer.name),
        "state": transfer.state.to_string(),
        "image_id": manifest.image_id().to_string(),
        "image_bytes": manifest.image_bytes(),
        "block_bytes": manifest.block_bytes(),
        "manufacturer_image_hash": manifest.manufacturer_image_hash().to_string(),
        "firmware_version": manifest.firmware_version().to_string(),
        "large": manifest.is_large(),
        "block_count": transfer.block_count,
        "blocks_held": transfer.blocks_held,
        "missing": transfer.missing.iter().map(|range| json!([range.start(), range.end()]))
            .collect::<Vec<_>>(),
        "create_time": time(transfer.create_us),
        "expire_time": time(transfer.expire_us),
        "warn_time": time(transfer.warn_us),
        "device_count": transfer.device_count,
        "invalid_devices": invalid_json(&transfer.invalid_devices),
        "signed_request_bytes": transfer.signed_request.len(),
        "response": transfer.response.as_ref().map(|response| json!({
            "response_code": response.response_code,
            "reason": response.reason,
            "message": response.message,
            "response_time": time(response.response_us),
            "invalid_devices": invalid_json(&response.invalid_devices),
        })),
    })
}

pub(crate) fn transfer_text(transfer: &Transfer) -> String {
    let manifest = &transfer.manifest;
    let size = if manifest.is_large() {
        "large"
    } else {
        "not large"
    };
    let mut rows = vec![
        ("transfer", name(transfer)),
        ("state", transfer.state.to_string()),
        (
            "image",
            format!("{} bytes, {size}", grouped(manifest.image_bytes())),
        ),
        ("image id", manifest.image_id().to_string()),
        (
            "manufacturer image hash",
            manifest.manufacturer_image_hash().to_string(),
        ),
        ("firmware version", manifest.firmware_version().to_string()),
        (
            "blocks held",
            format!(
                "{} of {} (of {} bytes)",
                grouped(transfer.blocks_held),
                grouped(transfer.block_count),
                grouped(manifest.block_bytes())
            ),
        ),
        ("Devices", devices(transfer)),
        ("opened", when::local_or(transfer.create_us, "-")),
    ];
    match &transfer.response {
        None => rows.push(("expires", when::local_or(transfer.expire_us, "-"))),
        Some(response) => {
            let code = Some(&response.response_code).filter(|code| !code.is_empty());
            let code = code.unwrap_or(&response.reason);
            rows.push((
                "11.1 Response",
                format!("{code} {}", response.message).trim().to_owned(),
            ));
            rows.push(("given", when::local_or(response.response_us, "-")));
        }
    }
    properties(&rows)
}

pub(crate) fn transfers_text(transfers: &[Transfer]) -> String {
    if transfers.is_empty() {
        return "no transfers".to_owned();
    }
    let head = [
        "TRANSFER",
        "STATE",
        ">IMAGE BYTES",
        ">BLOCKS HELD",
        ">DEVICES",
        "VERSION",
        "OPENED",
    ];
    table(
        &head,
        transfers.iter().map(|transfer| {
            vec![
                name(transfer),
                transfer.state.to_string(),
                grouped(transfer.manifest.image_bytes()),
                format!("{} of {}", transfer.blocks_held, transfer.block_count),
                grouped(transfer.device_count),
                transfer.manifest.firmware_version().to_string(),
                when::local_or(transfer.create_us, "-"),
            ]
        }),
    )
}

fn name(transfer: &Transfer) -> String {
    transfer
        .name
        .map_or_else(|| "(validated only)".to_owned(), |name| name.to_string())
}

/// How many Devices the image was accepted for and, list by list, which not.
fn devices(transfer: &Transfer) -> String {
    let accepted = format!("{} accepted", grouped(transfer.device_count));
    let lists = lists(&transfer.invalid_devices);
    let refused = lists
        .iter()
        .filter(|(_, devices)| !devices.is_empty())
        .map(|(name, devices)| {
            let more = if devices.len() > 1 { ", ..." } else { "" };
            format!(
                "; {} {} ({}{more})",
                devices.len(),
                name.replace('_', " "),
                devices[0]
            )
        });
    std::iter::once(accepted).chain(refused).collect()
}

fn invalid_json(invalid: &InvalidDevices) -> Value {
    let lists = lists(invalid).map(|(name, devices)| {
        let devices: Vec<_> = devices.iter().map(ToString::to_string).collect();
        (name.to_owned(), devices.into())
    });
    Value::Object(lists.into_iter().collect())
}

fn lists(invalid: &InvalidDevices) -> [(&'static str, &[dco_block::Eui64]); 5] {
    [
        ("invalid", &invalid.invalid),
        ("not_commissioned", &invalid.not_commissioned),
        ("not_applicable_firmware", &invalid.not_applicable_firmware),
        (
            "other_request_in_progress",
            &invalid.other_request_in_progress,
        ),
        ("invalid_gbcs_version", &invalid.invalid_gbcs_version),
    ]
}
