//! The Central Products List as a file: CSV with one line, or JSON with one object, for each entry.

use std::collections::BTreeMap;

use dco_block::{FirmwareVersion, HardwareVersions};
use serde::Deserialize;
use serde_json::Value;

use super::inventory::hardware_version;
use super::lines::{Fields, Line, lines, name, parse};
use super::{InvalidImport, all_or_nothing, without_mark};
use crate::types::{ProductEntry, ProductStatus};

/// The header that a CSV file must begin with; the names of a JSON object's fields.
const COLUMNS: [&str; 8] = [
    "manufacturer",
    "model",
    "hardware_version_min",
    "hardware_version_max",
    "firmware_version",
    "manufacturer_image_hash",
    "status",
    "upgrade_from",
];

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

/// Reads a whole list, CSV or a JSON array.
///
/// # Errors
/// One bad entry and nothing of it is good; all bad ones are named, by their line in CSV and counted from 1 in JSON.
pub fn parse_products(text: &str) -> Result<Vec<ProductEntry>, InvalidImport> {
    let text = without_mark(text);
    let (what, written) = if text.trim_start().starts_with('[') {
        ("object", of_json(text)?)
    } else {
        ("line", of_csv(text)?)
    };
    let mut before = Ranges::default();
    let entries = written.into_iter().map(|(number, written)| {
        let entry = written.and_then(Written::read);
        let entry = entry.and_then(|entry| before.add(entry, (what, number)));
        (number, entry)
    });
    all_or_nothing(entries, ("Central Products List", "product", what))
}

fn of_csv(text: &str) -> Result<Vec<Line<Written>>, InvalidImport> {
    let lines = lines(text, &COLUMNS)?.into_iter();
    let written = |fields: Fields<'_, 8>| {
        let text = |at: usize| fields.text(at).to_owned();
        Written {
            manufacturer: text(0),
            model: text(1),
            hardware_version_min: text(2),
            hardware_version_max: text(3),
            firmware_version: text(4),
            manufacturer_image_hash: text(5),
            status: text(6),
            upgrade_from: fields
                .text(7)
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
        }
    };
    Ok(lines
        .map(|(line, fields)| (line, fields.map(written)))
        .collect())
}

fn of_json(text: &str) -> Result<Vec<Line<Written>>, InvalidImport> {
    let values: Vec<Value> =
        serde_json::from_str(text).map_err(|error| InvalidImport::Json(error.to_string()))?;
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
            versions.map(|text| parse(COLUMNS[7], text)).collect();
        Ok(ProductEntry {
            manufacturer: name(COLUMNS[0], &self.manufacturer)?,
            model: name(COLUMNS[1], &self.model)?,
            hardware_versions: HardwareVersions { min, max },
            firmware_version: parse(COLUMNS[4], &self.firmware_version)?,
            manufacturer_image_hash: parse(COLUMNS[5], &self.manufacturer_image_hash)?,
            status: status(&self.status)?,
            upgrade_from: upgrade_from?,
            status_us: None,
        })
    }
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
        (what, number): (&str, u64),
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
        others.push((range, number));
        Ok(entry)
    }
}

#[cfg(test)]
mod tests;
