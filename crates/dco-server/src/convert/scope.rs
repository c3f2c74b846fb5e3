//! What a pause is of, as it is named on the wire.

use dco_block::{Eui64, ManufacturerImageHash};
use dco_engine::Scope;
use dco_engine::record::StopFigures;
use dco_proto::v1 as pb;
use dco_schedule::ScheduleId;
use pb::pause_scope::Scope as Named;

use super::name::{self, OfUser};
use super::schedules;
use crate::status::Fault;

/// The releases that are meant: all of them when nothing is said.
pub(crate) fn read(scope: Option<pb::PauseScope>) -> Result<Scope, Fault> {
    let Some(pb::PauseScope { scope }) = scope else {
        return Ok(Scope::All);
    };
    match scope {
        None => Err(invalid(
            "scope must say what it is of: all releases, a User, an image, a gateway, a schedule or a batch; or leave it out",
        )),
        Some(Named::All(_)) => Ok(Scope::All),
        Some(Named::User(name)) => {
            let user = OfUser::read(&name, "scope.user")?;
            user.nothing_more()?;
            Ok(Scope::User(user.user))
        }
        Some(Named::ManufacturerImageHash(octets)) => {
            let hash = ManufacturerImageHash::try_from(octets.as_ref());
            let invalid = |_| invalid("scope.manufacturer_image_hash must have 32 octets");
            hash.map(Scope::Image).map_err(invalid)
        }
        Some(Named::Gateway(name)) => gateway(&name).map(Scope::Gateway),
        Some(Named::Schedule(name)) => {
            let schedule = OfUser::read(&name, "scope.schedule")?;
            Ok(Scope::Schedule(ScheduleId {
                user: schedule.user,
                number: schedule.schedule()?,
            }))
        }
        Some(Named::Batch(name)) => {
            let batch = OfUser::read(&name, "scope.batch")?;
            Ok(Scope::Batch {
                user: batch.user,
                number: batch.batch()?,
            })
        }
    }
}

/// A scope as it goes out.
pub(crate) fn shown(scope: Scope) -> pb::PauseScope {
    let named = match scope {
        Scope::All => Named::All(pb::AllReleases {}),
        Scope::User(user) => Named::User(format!("users/{user}")),
        Scope::Image(hash) => Named::ManufacturerImageHash(hash.as_bytes().to_vec().into()),
        Scope::Gateway(gateway) => Named::Gateway(format!("gateways/{gateway}")),
        Scope::Schedule(id) => Named::Schedule(schedules::name(id)),
        Scope::Batch { user, number } => Named::Batch(name::batch(user, Some(number))),
    };
    pb::PauseScope { scope: Some(named) }
}

/// What a rule found, as it goes out.
pub(crate) fn figures(stop: StopFigures) -> pb::StopFigures {
    pb::StopFigures {
        attempts: stop.attempts,
        failed: stop.failed,
    }
}

/// `gateways/{EUI-64}`.
fn gateway(name: &str) -> Result<Eui64, Fault> {
    let gateway = name.strip_prefix("gateways/").map(str::parse);
    gateway
        .and_then(Result::ok)
        .ok_or_else(|| invalid("scope.gateway must be gateways/ and an EUI-64"))
}

fn invalid(message: &str) -> Fault {
    Fault::argument("PAUSE_SCOPE_INVALID", "scope", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_is_read_as_it_is_shown() {
        let user = Eui64::from_bits(0x90B3_D51F_3001_0000);
        for scope in [
            Scope::All,
            Scope::User(user),
            Scope::Image(ManufacturerImageHash::new([7; 32])),
            Scope::Gateway(user),
            Scope::Schedule(ScheduleId { user, number: 3 }),
            Scope::Batch { user, number: 4 },
        ] {
            assert_eq!(read(Some(shown(scope))).unwrap(), scope);
        }
        assert_eq!(read(None).unwrap(), Scope::All);
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for (named, reason) in [
            (None, "PAUSE_SCOPE_INVALID"),
            (Some(Named::User("users/".to_owned())), "EUI64_INVALID"),
            (
                Some(Named::ManufacturerImageHash(vec![7; 31].into())),
                "PAUSE_SCOPE_INVALID",
            ),
            (
                Some(Named::Gateway("90-B3-D5-1F-30-01-00-00".to_owned())),
                "PAUSE_SCOPE_INVALID",
            ),
            (
                Some(Named::Schedule("users/90-B3-D5-1F-30-01-00-00".to_owned())),
                "NAME_INVALID",
            ),
            (
                Some(Named::Batch(
                    "users/90-B3-D5-1F-30-01-00-00/schedules/1".to_owned(),
                )),
                "NAME_INVALID",
            ),
        ] {
            let fault = read(Some(pb::PauseScope {
                scope: named.clone(),
            }))
            .unwrap_err();
            assert_eq!(fault.reason(), reason, "{named:?}");
        }
    }
}
