//! Inventory, gateways, service days.

use bytes::Bytes;
use dco_block::HardwareVersions;
use dco_proto::v1 as pb;
use pb::product_entry::Status;

use super::{BadAnswer, digest, instant, meaning, parsed, required};
use crate::types::{DeviceEntry, GatewayStatus, Pause, ProductEntry, ProductStatus, ServiceDay};

impl From<DeviceEntry> for pb::DeviceEntry {
    fn from(entry: DeviceEntry) -> Self {
        Self {
            device: entry.device.to_string(),
            user: entry.user.to_string(),
            gateway: entry.gateway.to_string(),
            manufacturer: entry.manufacturer,
            model: entry.model,
            hardware_version: format!("{:04X}", entry.hardware_version),
            firmware_version: entry.firmware_version.to_string(),
        }
    }
}

impl From<ProductEntry> for pb::ProductEntry {
    fn from(entry: ProductEntry) -> Self {
        let status = match entry.status {
            ProductStatus::Active => Status::Active,
            ProductStatus::Cancelled => Status::Cancelled,
            ProductStatus::Expired => Status::Expired,
            ProductStatus::Withdrawn => Status::Withdrawn,
        };
        let versions = entry.upgrade_from.iter().map(ToString::to_string);
        Self {
            manufacturer: entry.manufacturer,
            model: entry.model,
            hardware_version_min: format!("{:04X}", entry.hardware_versions.min),
            hardware_version_max: format!("{:04X}", entry.hardware_versions.max),
            firmware_version: entry.firmware_version.to_string(),
            manufacturer_image_hash: Bytes::copy_from_slice(
                entry.manufacturer_image_hash.as_bytes(),
            ),
            status: status.into(),
            upgrade_from: versions.collect(),
            status_time: None,
        }
    }
}

impl TryFrom<pb::ProductEntry> for ProductEntry {
    type Error = BadAnswer;

    fn try_from(wire: pb::ProductEntry) -> Result<Self, BadAnswer> {
        let hardware = |field, text: &str| {
            let read = u16::from_str_radix(text, 16).ok();
            required(field, read)
        };
        let versions = wire.upgrade_from.iter();
        Ok(Self {
            hardware_versions: HardwareVersions {
                min: hardware("product.hardware_version_min", &wire.hardware_version_min)?,
                max: hardware("product.hardware_version_max", &wire.hardware_version_max)?,
            },
            firmware_version: parsed("product.firmware_version", &wire.firmware_version)?,
            manufacturer_image_hash: digest(
                "product.manufacturer_image_hash",
                &wire.manufacturer_image_hash,
            )?,
            status: meaning("product.status", wire.status, product_status)?,
            upgrade_from: versions
                .map(|text| parsed("product.upgrade_from", text))
                .collect::<Result<_, _>>()?,
            status_us: instant("product.status_time", wire.status_time)?,
            manufacturer: wire.manufacturer,
            model: wire.model,
        })
    }
}

fn product_status(status: Status) -> Option<ProductStatus> {
    match status {
        Status::Unspecified => None,
        Status::Active => Some(ProductStatus::Active),
        Status::Cancelled => Some(ProductStatus::Cancelled),
        Status::Expired => Some(ProductStatus::Expired),
        Status::Withdrawn => Some(ProductStatus::Withdrawn),
    }
}

impl TryFrom<pb::GatewayStatus> for GatewayStatus {
    type Error = BadAnswer;

    fn try_from(wire: pb::GatewayStatus) -> Result<Self, BadAnswer> {
        let gateway = wire.name.strip_prefix("gateways/").unwrap_or_default();
        Ok(Self {
            gateway: parsed("gateway.name", gateway)?,
            connected: wire.connected,
            change_us: instant("gateway.change_time", wire.change_time)?,
            attempt_count: wire.attempt_count,
            concurrency: wire.concurrency,
        })
    }
}

impl TryFrom<pb::PauseInForce> for Pause {
    type Error = BadAnswer;

    fn try_from(wire: pb::PauseInForce) -> Result<Self, BadAnswer> {
        let by = (!wire.by.is_empty()).then_some(wire.by);
        Ok(Self {
            since_us: instant("pause.since_time", wire.since_time)?,
            by: by.map(|by| parsed("pause.by", &by)).transpose()?,
            ticket: wire.ticket,
            reason: wire.reason,
        })
    }
}

impl TryFrom<pb::ServiceDay> for ServiceDay {
    type Error = BadAnswer;

    fn try_from(wire: pb::ServiceDay) -> Result<Self, BadAnswer> {
        Ok(Self {
            service_date: wire.service_date,
            start_us: instant("service_day.start_time", wire.start_time)?,
            end_us: instant("service_day.end_time", wire.end_time)?,
            capacity: wire.capacity,
            released: wire.released,
            sent_without_schedule: wire.sent_without_schedule,
        })
    }
}
