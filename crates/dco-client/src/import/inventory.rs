//! The inventory as a CSV file: one line for each Device.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use dco_block::Eui64;

use super::lines::{Fields, lines};
use super::{InvalidImport, all_or_nothing, without_mark};
use crate::types::DeviceEntry;

/// The header that a file must begin with.
const COLUMNS: [&str; 7] = [
    "device",
    "user",
    "gateway",
    "manufacturer",
    "model",
    "hardware_version",
    "firmware_version",
];

/// Reads a whole inventory, a CSV file with one line for each Device.
///
/// # Errors
/// One bad line and nothing of it is good; all bad lines are named.
pub fn parse_inventory(text: &str) -> Result<Vec<DeviceEntry>, InvalidImport> {
    let mut first_lines = BTreeMap::new();
    let read = lines(without_mark(text), &COLUMNS)?.into_iter();
    let entries = read.map(|(line, fields)| {
        let entry = fields.and_then(|fields| entry(&fields));
        let entry = entry.and_then(|entry| once(&mut first_lines, entry, line));
        (line, entry)
    });
    all_or_nothing(entries, ("inventory", "Device", "line"))
}

fn once(
    first_lines: &mut BTreeMap<Eui64, u64>,
    entry: DeviceEntry,
    line: u64,
) -> Result<DeviceEntry, String> {
    match first_lines.entry(entry.device) {
        Entry::Occupied(first) => Err(format!(
            "Device {} stands on line {} already; name each Device once",
            entry.device,
            first.get()
        )),
        Entry::Vacant(vacant) => {
            vacant.insert(line);
            Ok(entry)
        }
    }
}

fn entry(fields: &Fields<'_, 7>) -> Result<DeviceEntry, String> {
    Ok(DeviceEntry {
        device: fields.parse(0)?,
        user: fields.parse(1)?,
        gateway: fields.parse(2)?,
        manufacturer: fields.name(3)?,
        model: fields.name(4)?,
        hardware_version: hardware_version(fields.text(5))
            .map_err(|why| format!("{}: {why}", COLUMNS[5]))?,
        firmware_version: fields.parse(6)?,
    })
}

/// Reads a hardware version: four hex digits, as in the OTA header's range.
///
/// # Errors
/// What is wrong with it, for a person.
pub fn hardware_version(text: &str) -> Result<u16, String> {
    let digits = text.len() == 4 && text.bytes().all(|octet| octet.is_ascii_hexdigit());
    match u16::from_str_radix(text, 16) {
        Ok(version) if digits => Ok(version),
        _ => Err(format!(
            "`{text}` is no hardware version; write four hex digits like 0102"
        )),
    }
}
