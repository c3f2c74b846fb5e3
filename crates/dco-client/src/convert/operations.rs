//! Inventory, gateways, service days.

use dco_proto::v1 as pb;

use super::{BadAnswer, instant, parsed};
use crate::types::{DeviceEntry, GatewayStatus, Pause, ServiceDay};

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
