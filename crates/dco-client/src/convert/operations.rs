//! Inventory, gateways, service days.

use bytes::Bytes;
use dco_block::HardwareVersions;
use dco_proto::v1 as pb;
use pb::pause_scope::Scope as Named;
use pb::product_entry::Status;

use super::{BadAnswer, digest, instant, meaning, parsed, required};
use crate::types::{
    DeviceEntry, GatewayStatus, Pause, PauseScope, ProductEntry, ProductStatus, ServiceDay,
    StopFigures,
};

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
            failure_count: wire.failure_count,
            probe_us: instant("gateway.probe_time", wire.probe_time)?,
        })
    }
}

impl TryFrom<pb::PauseInForce> for Pause {
    type Error = BadAnswer;

    fn try_from(wire: pb::PauseInForce) -> Result<Self, BadAnswer> {
        let by = (!wire.by.is_empty()).then_some(wire.by);
        Ok(Self {
            scope: pause_scope("pause.scope", wire.scope)?,
            stop: wire.stop.map(Into::into),
            since_us: instant("pause.since_time", wire.since_time)?,
            by: by.map(|by| parsed("pause.by", &by)).transpose()?,
            ticket: wire.ticket,
            reason: wire.reason,
        })
    }
}

/// All releases when nothing is said.
pub(super) fn pause_scope(
    field: &'static str,
    wire: Option<pb::PauseScope>,
) -> Result<PauseScope, BadAnswer> {
    let Some(named) = wire.and_then(|wire| wire.scope) else {
        return Ok(PauseScope::All);
    };
    let eui64 = |name: &str, kind: &str| parsed(field, name.strip_prefix(kind).unwrap_or(name));
    Ok(match named {
        Named::All(_) => PauseScope::All,
        Named::User(name) => PauseScope::User(eui64(&name, "users/")?),
        Named::ManufacturerImageHash(octets) => PauseScope::Image(digest(field, &octets)?),
        Named::Gateway(name) => PauseScope::Gateway(eui64(&name, "gateways/")?),
        Named::Schedule(name) => PauseScope::Schedule(parsed(field, &name)?),
        Named::Batch(name) => PauseScope::Batch(parsed(field, &name)?),
    })
}

impl From<PauseScope> for pb::PauseScope {
    fn from(scope: PauseScope) -> Self {
        let named = match scope {
            PauseScope::All => Named::All(pb::AllReleases {}),
            PauseScope::User(user) => Named::User(format!("users/{user}")),
            PauseScope::Image(hash) => {
                Named::ManufacturerImageHash(hash.as_bytes().to_vec().into())
            }
            PauseScope::Gateway(gateway) => Named::Gateway(format!("gateways/{gateway}")),
            PauseScope::Schedule(schedule) => Named::Schedule(schedule.to_string()),
            PauseScope::Batch(batch) => Named::Batch(batch.to_string()),
        };
        Self { scope: Some(named) }
    }
}

impl From<pb::StopFigures> for StopFigures {
    fn from(wire: pb::StopFigures) -> Self {
        Self {
            attempts: wire.attempts,
            failed: wire.failed,
        }
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
