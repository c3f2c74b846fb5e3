//! The Central Products List as a file: CSV with one line, or JSON with one object, for each entry.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use csv::StringRecord;
use dco_block::{FirmwareVersion, HardwareVersions};
use dco_client::{ProductEntry, ProductStatus};
use serde::Deserialize;
use serde_json::Value;

use crate::exit::Failure;
use crate::inventory::{self, BadLine, hardware_version};
use crate::table::counted;

/// The header that a CSV file must begin with; the names of a JSON object's fields.
pub(crate) const COLUMNS: [&str; 8] = [
    "manufacturer",
    "model",
    "hardware_version_min",
    "hardware_version_max",
    "firmware_version",
    "manufacturer_image_hash",
    "status",
    "upgrade_from",
];

/// The most characters in a manufacturer or a model.
const TEXT_CHARACTERS_MAX: usize = 30;

/// An entry as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    manufacturer: String,
    model: String,
    hardware_version_min: String,
    hardware_version_max: String,
    firmware_version: String,
    manufacturer_image_hash: String,
    status: String,
    #[serde(default)]
    upgrade_from: Vec<String>,
}

/// Reads a whole list, CSV or JSON. One bad entry and nothing of it is good; all bad ones are named, by their line in CSV
/// and counted from 1 in JSON.
pub(crate) fn parse(text: &str) -> Result<Vec<ProductEntry>, Failure> {
    // Spreadsheets put a byte order mark in front.
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let (what, written) = if text.trim_start().starts_with('[') {
        ("object", of_json(text)?)
    } else {
        ("line", of_csv(text)?)
    };
    let mut bad = Vec::new();
    let mut entries = Vec::new();
    let mut before = Ranges::default();
    for (line, written) in written {
        let entry = written.and_then(|written| written.read());
        let entry = entry.and_then(|entry| before.add(entry, (what, line)));
        match entry {
            Ok(entry) => entries.push(entry),
            Err(why) => bad.push(BadLine { line, why }),
        }
    }
    if !bad.is_empty() {
        return Err(inventory::refuse(&bad, (what, "Central Products List")));
    }
    if entries.is_empty() {
        return Err(Failure::data(
            "there is no product in it; nothing was imported",
        ));
    }
    Ok(entries)
}

type Line = (u64, Result<Written, String>);

fn of_csv(text: &str) -> Result<Vec<Line>, Failure> {
    let records = inventory::records(text, &COLUMNS)?;
    let written = |record: StringRecord| -> Result<Written, String> {
        if record.len() != COLUMNS.len() {
            let columns = counted(record.len() as u64, "column");
            return Err(format!(
                "it has {columns} and {} were expected",
                COLUMNS.len()
            ));
        }
        let text = |at: usize| record[at].to_owned();
        Ok(Written {
            manufacturer: text(0),
            model: text(1),
            hardware_version_min: text(2),
            hardware_version_max: text(3),
            firmware_version: text(4),
            manufacturer_image_hash: text(5),
            status: text(6),
            upgrade_from: record[7].split_whitespace().map(str::to_owned).collect(),
        })
    };
    let lines = records.into_iter();
    Ok(lines
        .map(|(line, record)| (line, record.and_then(written)))
        .collect())
}

fn of_json(text: &str) -> Result<Vec<Line>, Failure> {
    let values: Vec<Value> = serde_json::from_str(text)
        .map_err(|error| Failure::data(format!("it is no JSON array: {error}")))?;
    let read = |value| serde_json::from_value(value).map_err(|error| error.to_string());
    Ok((1..).zip(values.into_iter().map(read)).collect())
}

impl Written {
    fn read(self) -> Result<ProductEntry, String> {
        let hardware = |at: usize, text: &str| {
            hardware_version(text).map_err(|why| format!("{}: {why}", COLUMNS[at]))
        };
        let (min, max) = (
            hardware(2, &self.hardware_version_min)?,
            hardware(3, &self.hardware_version_max)?,
        );
        if min > max {
            return Err(format!(
                "hardware_version_min {min:04X} is above hardware_version_max {max:04X}; write the lower one first"
            ));
        }
        let versions = self.upgrade_from.iter();
        let upgrade_from: Result<Vec<FirmwareVersion>, String> =
            versions.map(|text| field(7, text)).collect();
        Ok(ProductEntry {
            manufacturer: name(0, self.manufacturer)?,
            model: name(1, self.model)?,
            hardware_versions: HardwareVersions { min, max },
            firmware_version: field(4, &self.firmware_version)?,
            manufacturer_image_hash: field(5, &self.manufacturer_image_hash)?,
            status: status(&self.status)?,
            upgrade_from: upgrade_from?,
            status_us: None,
        })
    }
}

fn field<T: FromStr<Err: Display>>(at: usize, text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|why| format!("{} `{text}`: {why}", COLUMNS[at]))
}

fn name(at: usize, text: String) -> Result<String, String> {
    let count = text.chars().count();
    if (1..=TEXT_CHARACTERS_MAX).contains(&count) && !text.chars().any(char::is_control) {
        return Ok(text);
    }
    Err(format!(
        "{} has {count} characters; write 1 to {TEXT_CHARACTERS_MAX} that can be printed",
        COLUMNS[at]
    ))
}

fn status(text: &str) -> Result<ProductStatus, String> {
    let all = [
        ProductStatus::Active,
        ProductStatus::Cancelled,
        ProductStatus::Expired,
        ProductStatus::Withdrawn,
    ];
    let known = all
        .into_iter()
        .find(|it| it.to_string().eq_ignore_ascii_case(text));
    known.ok_or_else(|| {
        format!("status `{text}` is not known; write Active, Cancelled, Expired or Withdrawn")
    })
}

/// Which hardware versions of which Device Model stand where.
#[derive(Default)]
struct Ranges(BTreeMap<(String, String, FirmwareVersion), Vec<(HardwareVersions, u64)>>);

impl Ranges {
    fn add(
        &mut self,
        entry: ProductEntry,
        (what, line): (&str, u64),
    ) -> Result<ProductEntry, String> {
        let key = (
            entry.manufacturer.clone(),
            entry.model.clone(),
            entry.firmware_version,
        );
        let range = entry.hardware_versions;
        let others = self.0.entry(key).or_default();
        let same = others
            .iter()
            .find(|(it, _)| it.min <= range.max && range.min <= it.max);
        if let Some((_, first)) = same {
            return Err(format!(
                "{what} {first} is for the same manufacturer, model, firmware version and hardware version; name each once"
            ));
        }
        others.push((range, line));
        Ok(entry)
    }
}

#[cfg(test)]
mod tests;
