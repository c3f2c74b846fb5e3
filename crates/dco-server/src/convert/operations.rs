//! What operators and the Service Desk ask for.

use dco_block::Eui64;
use dco_engine::{ChangePause, DeviceEntry, GatewayView, PauseView, SaidWhy, ServiceDayView};
use dco_proto::v1 as pb;

use super::{instant, request_id, scope};
use crate::status::Fault;

const CHARS_MAX: usize = 30;

/// One entry of the inventory; `index` counts the entries of the whole import from zero.
pub(crate) fn device(entry: pb::DeviceEntry, index: usize) -> Result<DeviceEntry, Fault> {
    let eui64 = |field: &str, text: &str| -> Result<Eui64, Fault> {
        let told = |error| invalid(index, format_args!("{field}: {error}"));
        text.parse().map_err(told)
    };
    let version = entry.firmware_version.parse();
    Ok(DeviceEntry {
        device: eui64("device", &entry.device)?,
        user: eui64("user", &entry.user)?,
        gateway: eui64("gateway", &entry.gateway)?,
        manufacturer: text("manufacturer", entry.manufacturer, index)?,
        model: text("model", entry.model, index)?,
        hardware_version: hardware_version(&entry.hardware_version).ok_or_else(|| {
            invalid(
                index,
                format_args!("hardware_version must be four hex digits, like 0100"),
            )
        })?,
        firmware_version: version
            .map_err(|error| invalid(index, format_args!("firmware_version: {error}")))?,
    })
}

/// A gateway as it goes out.
pub(crate) fn gateway(view: &GatewayView) -> pb::GatewayStatus {
    pb::GatewayStatus {
        name: format!("gateways/{}", view.gateway),
        connected: view.connected,
        change_time: Some(instant(view.changed_us)),
        attempt_count: view.attempt_count,
        concurrency: view.concurrency,
        failure_count: view.failures,
        probe_time: view.probe_us.map(instant),
    }
}

/// A service day as it goes out.
pub(crate) fn service_day(view: &ServiceDayView) -> pb::ServiceDay {
    let date = view.day.date;
    pb::ServiceDay {
        name: format!("serviceDays/{date}"),
        service_date: date.to_string(),
        start_time: Some(instant(view.day.start_us)),
        end_time: Some(instant(view.day.end_us)),
        capacity: view.capacity,
        released: view.released,
        sent_without_schedule: view.sent_without_schedule,
    }
}

/// A pause or its end, as an officer asks for it.
pub(crate) fn change_pause(by: Eui64, asked: pb::PauseRequest) -> Result<ChangePause, Fault> {
    Ok(ChangePause {
        by,
        id: request_id(&asked.request_id)?,
        validate_only: asked.validate_only,
        scope: scope::read(asked.scope)?,
        ticket: words(&asked.ticket, "ticket")?,
        reason: words(&asked.reason, "reason")?,
    })
}

/// A pause as it goes out.
pub(crate) fn pause_in_force(view: PauseView) -> pb::PauseInForce {
    pb::PauseInForce {
        scope: Some(scope::shown(view.scope)),
        stop: view.stop.map(scope::figures),
        since_time: Some(instant(view.since_us)),
        by: view.by.map(|by| by.to_string()).unwrap_or_default(),
        ticket: view.ticket,
        reason: view.reason,
    }
}

/// What an operator may say of an import.
pub(crate) fn said_why(ticket: &str, reason: &str) -> Result<SaidWhy, Fault> {
    let said = |text: &str, field| match text {
        "" => Ok(String::new()),
        text => words(text, field),
    };
    Ok(SaidWhy {
        ticket: said(ticket, "ticket")?,
        reason: said(reason, "reason")?,
    })
}

/// What an officer must say.
fn words(text: &str, field: &'static str) -> Result<String, Fault> {
    Ok(super::schedules::read::text(text, field)?.to_string())
}

fn text(field: &str, text: String, index: usize) -> Result<String, Fault> {
    let chars = text.chars().count();
    if chars <= CHARS_MAX && !text.chars().any(char::is_control) {
        return Ok(text);
    }
    let message =
        format_args!("{field} has {chars} characters; up to {CHARS_MAX} that can be printed");
    Err(invalid(index, message))
}

/// Four hex digits.
pub(crate) fn hardware_version(text: &str) -> Option<u16> {
    let four_digits = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    four_digits
        .then(|| u16::from_str_radix(text, 16).ok())
        .flatten()
}

fn invalid(index: usize, message: impl std::fmt::Display) -> Fault {
    Fault::element("DEVICE_ENTRY_INVALID", "devices", index, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_and_each_wrong_field_is_named() {
        let good = pb::DeviceEntry {
            device: "00-DB-12-34-56-78-90-A0".to_owned(),
            user: "90-b3-d5-1f-30-01-00-00".to_owned(),
            gateway: "90-B3-D5-1F-30-03-00-00".to_owned(),
            manufacturer: "Acme".to_owned(),
            model: String::new(),
            hardware_version: "01fF".to_owned(),
            firmware_version: "0102000A".to_owned(),
        };
        let read = device(good.clone(), 0).unwrap();
        assert_eq!(
            (read.hardware_version, read.firmware_version.get()),
            (0x1FF, 0x0102_000A)
        );
        type Spoil = fn(&mut pb::DeviceEntry);
        let spoilt: [(&str, Spoil); 8] = [
            ("device", |e| e.device.clear()),
            ("user", |e| e.user.push('0')),
            ("gateway", |e| e.gateway = "gateway".to_owned()),
            ("manufacturer", |e| e.manufacturer = "a".repeat(31)),
            ("model", |e| e.model = "a\nb".to_owned()),
            ("hardware_version", |e| {
                e.hardware_version = "+1FF".to_owned()
            }),
            ("hardware_version", |e| {
                e.hardware_version = "100".to_owned()
            }),
            ("firmware_version", |e| e.firmware_version.clear()),
        ];
        for (field, spoil) in spoilt {
            let mut entry = good.clone();
            spoil(&mut entry);
            let fault = device(entry, 17).unwrap_err();
            assert_eq!(fault.reason(), "DEVICE_ENTRY_INVALID");
            assert!(
                fault
                    .message()
                    .starts_with(&format!("devices[17]: {field}")),
                "{fault}"
            );
        }
    }
}
