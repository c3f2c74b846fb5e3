//! Any text as a Central Products List: it is refused with the number of each bad entry, or read, and then it says the same when it
//! is written out as JSON and read again.

use dco_client::{InvalidImport, ProductEntry, parse_products};

/// One input.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match parse_products(text) {
        Ok(entries) => {
            let again = parse_products(&written(&entries)).expect("it was good");
            assert_eq!(again, entries);
        }
        Err(InvalidImport::Entries { bad, .. }) => {
            assert!(bad.is_sorted_by_key(|it| it.number));
            assert!(bad.iter().all(|it| it.number > 0 && !it.why.is_empty()));
        }
        Err(InvalidImport::Header { .. } | InvalidImport::Json(_) | InvalidImport::Empty(_)) => {}
    }
}

fn written(entries: &[ProductEntry]) -> String {
    let objects = entries.iter().map(|it| {
        let from = it.upgrade_from.iter().map(ToString::to_string);
        serde_json::json!({
            "manufacturer": it.manufacturer,
            "model": it.model,
            "hardware_version_min": format!("{:04x}", it.hardware_versions.min),
            "hardware_version_max": format!("{:04X}", it.hardware_versions.max),
            "firmware_version": it.firmware_version.to_string(),
            "manufacturer_image_hash": it.manufacturer_image_hash.to_string(),
            "status": it.status.to_string(),
            "upgrade_from": from.collect::<Vec<_>>(),
        })
    });
    serde_json::Value::Array(objects.collect()).to_string()
}
