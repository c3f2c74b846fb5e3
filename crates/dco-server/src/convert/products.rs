//! The Central Products List on the wire.

use dco_block::{FirmwareVersion, HardwareVersions, ManufacturerImageHash};
use dco_engine::{ProductEntry, ProductStatus, ProductView};
use dco_proto::v1 as pb;
use pb::product_entry::Status;

use super::instant;
use super::operations::hardware_version;
use crate::status::Fault;

const CHARS_MAX: usize = 30;

/// One entry of the list; `index` counts the entries of the whole import from zero.
pub(crate) fn product(entry: pb::ProductEntry, index: usize) -> Result<ProductEntry, Fault> {
    let wrong =
        |field: &str, why: &dyn std::fmt::Display| invalid(index, format_args!("{field}: {why}"));
    let version = |field: &str, text: &str| -> Result<FirmwareVersion, Fault> {
        text.parse().map_err(|error| wrong(field, &error))
    };
    let hardware = |field: &str, text: &str| {
        hardware_version(text).ok_or_else(|| wrong(field, &"four hex digits are wanted, like 0100"))
    };
    let status = status_of(entry.status());
    let hash = ManufacturerImageHash::try_from(entry.manufacturer_image_hash.as_ref());
    let upgrade_from = entry.upgrade_from.iter();
    Ok(ProductEntry {
        hardware_versions: HardwareVersions {
            min: hardware("hardware_version_min", &entry.hardware_version_min)?,
            max: hardware("hardware_version_max", &entry.hardware_version_max)?,
        },
        firmware_version: version("firmware_version", &entry.firmware_version)?,
        manufacturer_image_hash: hash.map_err(|error| wrong("manufacturer_image_hash", &error))?,
        status: status.ok_or_else(|| {
            wrong(
                "status",
                &"ACTIVE, CANCELLED, EXPIRED or WITHDRAWN is wanted",
            )
        })?,
        upgrade_from: upgrade_from
            .map(|text| version("upgrade_from", text))
            .collect::<Result<_, _>>()?,
        manufacturer: text("manufacturer", entry.manufacturer, index)?,
        model: text("model", entry.model, index)?,
    })
}

/// An entry as it goes out.
pub(crate) fn shown(view: ProductView) -> pb::ProductEntry {
    let entry = view.entry;
    let hash = entry.manufacturer_image_hash.as_bytes();
    let versions = entry.upgrade_from.iter().map(ToString::to_string);
    pb::ProductEntry {
        manufacturer: entry.manufacturer,
        model: entry.model,
        hardware_version_min: format!("{:04X}", entry.hardware_versions.min),
        hardware_version_max: format!("{:04X}", entry.hardware_versions.max),
        firmware_version: entry.firmware_version.to_string(),
        manufacturer_image_hash: hash.to_vec().into(),
        status: status(entry.status).into(),
        upgrade_from: versions.collect(),
        status_time: Some(instant(view.since_us)),
    }
}

fn status_of(status: Status) -> Option<ProductStatus> {
    match status {
        Status::Unspecified => None,
        Status::Active => Some(ProductStatus::Active),
        Status::Cancelled => Some(ProductStatus::Cancelled),
        Status::Expired => Some(ProductStatus::Expired),
        Status::Withdrawn => Some(ProductStatus::Withdrawn),
    }
}

fn status(status: ProductStatus) -> Status {
    match status {
        ProductStatus::Active => Status::Active,
        ProductStatus::Cancelled => Status::Cancelled,
        ProductStatus::Expired => Status::Expired,
        ProductStatus::Withdrawn => Status::Withdrawn,
    }
}

fn text(field: &str, text: String, index: usize) -> Result<String, Fault> {
    let chars = text.chars().count();
    if (1..=CHARS_MAX).contains(&chars) && !text.chars().any(char::is_control) {
        return Ok(text);
    }
    let message =
        format_args!("{field}: it has {chars} characters; 1 to {CHARS_MAX} that can be printed");
    Err(invalid(index, message))
}

fn invalid(index: usize, message: impl std::fmt::Display) -> Fault {
    Fault::element("PRODUCT_ENTRY_INVALID", "products", index, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> pb::ProductEntry {
        pb::ProductEntry {
            manufacturer: "Acme".to_owned(),
            model: "E470".to_owned(),
            hardware_version_min: "0100".to_owned(),
            hardware_version_max: "01fF".to_owned(),
            firmware_version: "0102000A".to_owned(),
            manufacturer_image_hash: vec![7; 32].into(),
            status: Status::Withdrawn.into(),
            upgrade_from: vec!["01020009".to_owned()],
            status_time: None,
        }
    }

    #[test]
    fn an_entry_comes_back_as_it_came_with_the_time_of_its_status() {
        let since_us = 1_728_000_000_000_000;
        let entry = product(good(), 0).unwrap();
        let again = shown(ProductView { entry, since_us });
        let expected = pb::ProductEntry {
            hardware_version_max: "01FF".to_owned(),
            status_time: Some(instant(since_us)),
            ..good()
        };
        assert_eq!(again, expected);
    }

    #[test]
    fn each_wrong_field_is_named() {
        type Spoil = fn(&mut pb::ProductEntry);
        let spoilt: [(&str, Spoil); 9] = [
            ("manufacturer", |e| e.manufacturer.clear()),
            ("model", |e| e.model = "a".repeat(31)),
            ("model", |e| e.model = "a\u{7}".to_owned()),
            ("hardware_version_min", |e| {
                e.hardware_version_min = "1".to_owned()
            }),
            ("hardware_version_max", |e| {
                e.hardware_version_max = "+1FF".to_owned()
            }),
            ("firmware_version", |e| e.firmware_version.clear()),
            ("manufacturer_image_hash", |e| {
                e.manufacturer_image_hash = vec![7; 31].into()
            }),
            ("status", |e| e.status = 0),
            ("upgrade_from", |e| e.upgrade_from.push("7".to_owned())),
        ];
        for (field, spoil) in spoilt {
            let mut entry = good();
            spoil(&mut entry);
            let fault = product(entry, 17).unwrap_err();
            assert_eq!(fault.reason(), "PRODUCT_ENTRY_INVALID");
            let begin = format!("products[17]: {field}: ");
            assert!(fault.message().starts_with(&begin), "{fault}");
        }
        let unknown = pb::ProductEntry {
            status: 99,
            ..good()
        };
        assert!(product(unknown, 0).is_err());
    }
}
