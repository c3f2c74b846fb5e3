//! The service's answers in the words of the demonstration.

use dco_block::Manifest;
use dco_client::{Batch, ClientError, Transfer};

use crate::table::{counted, grouped};
use crate::when;

/// What is sent.
pub(super) fn image(origin: &str, manifest: &Manifest) -> String {
    let size = if manifest.is_large() {
        "large: over 750,000"
    } else {
        "not large: up to 750,000"
    };
    format!(
        "The image is {origin}: {} bytes ({size}), version {}",
        grouped(manifest.image_bytes()),
        manifest.firmware_version(),
    )
}

/// A transfer with its 11.1 Response.
pub(super) fn transfer(user: &str, transfer: &Transfer) -> Vec<String> {
    let response = transfer.response.as_ref();
    let response = response.map(|given| format!("{} {}", given.response_code, given.message));
    vec![
        format!(
            "{user} sends {} of up to {} bytes, for {}; each is on disk before it is acknowledged",
            counted(transfer.block_count, "block"),
            grouped(transfer.manifest.block_bytes()),
            counted(transfer.device_count, "Device"),
        ),
        format!(
            "  11.1 Response: {}",
            response.unwrap_or_else(|| "none".to_owned())
        ),
    ]
}

/// A batch that was accepted.
pub(super) fn batch(user: &str, batch: &Batch) -> String {
    format!(
        "{user} sends {} for {}: accepted, the last release is predicted for {}",
        counted(batch.counts.total(), "Device"),
        batch.service_date,
        when::local_or(batch.predicted_release_us, "a time not known yet"),
    )
}

/// A batch that was refused: everything that the service says of it.
pub(super) fn refusal(user: &str, devices: u64, error: &ClientError) -> Vec<String> {
    let mut lines = vec![format!(
        "{user} sends {} more: refused",
        counted(devices, "Device")
    )];
    let Some(refusal) = error.refusal() else {
        lines.push(format!("  {error}"));
        return lines;
    };
    lines.push(format!("  {}", refusal.message));
    let reason = refusal.reason.as_deref().unwrap_or("-");
    let numbers = refusal
        .metadata
        .iter()
        .map(|(key, value)| format!(", {key} {value}"));
    lines.push(format!("  reason {reason}{}", numbers.collect::<String>()));
    let help = refusal
        .help
        .iter()
        .map(|link| format!("  help: {}: {}", link.description, link.url));
    lines.extend(help);
    lines
}
