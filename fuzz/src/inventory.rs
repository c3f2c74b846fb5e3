//! Any text as an inventory: it is refused with the number of each bad line, or read, and then it says the same when it is written
//! out and read again.

use dco_client::{DeviceEntry, InvalidImport, parse_inventory};

/// One input.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match parse_inventory(text) {
        Ok(entries) => {
            let again = parse_inventory(&written(&entries)).expect("it was good");
            assert_eq!(format!("{again:?}"), format!("{entries:?}"));
        }
        Err(InvalidImport::Entries { bad, .. }) => {
            let lines = text.replace("\r\n", "\n").split(['\r', '\n']).count();
            let lines = u64::try_from(lines).expect("inputs are small");
            assert!(bad.is_sorted_by_key(|it| it.number));
            assert!(
                bad.iter()
                    .all(|it| (2..=lines).contains(&it.number) && !it.why.is_empty())
            );
        }
        Err(InvalidImport::Header { .. } | InvalidImport::Empty(_)) => {}
        Err(InvalidImport::Json(why)) => panic!("an inventory is no JSON: {why}"),
    }
}

fn written(entries: &[DeviceEntry]) -> String {
    let mut text =
        "device,user,gateway,manufacturer,model,hardware_version,firmware_version\n".to_owned();
    for it in entries {
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        text += &format!(
            "{},{},{},{},{},{:04x},{}\n",
            it.device,
            it.user,
            it.gateway,
            quoted(&it.manufacturer),
            quoted(&it.model),
            it.hardware_version,
            it.firmware_version,
        );
    }
    text
}
