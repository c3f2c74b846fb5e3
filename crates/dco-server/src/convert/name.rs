//! Resource names, like `users/90-B3-D5-1F-30-01-00-00/batches/7/activations/90-B3-D5-1F-30-01-00-01`.

use dco_block::Eui64;
use dco_engine::ActivationName;

use crate::status::Fault;

/// A name whose User is known and whose rest is not read yet: who may see it is asked in between, so
/// that a caller learns nothing about names that are not its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfUser<'a> {
    /// The User it belongs to.
    pub user: Eui64,
    rest: &'a str,
    field: &'static str,
}

const TRANSFER: &str = "users/{EUI-64}/transfers/{number}";
const SCHEDULE: &str = "users/{EUI-64}/schedules/{number}";
const BATCH: &str = "users/{EUI-64}/batches/{number}";
const ACTIVATION: &str = "users/{EUI-64}/batches/{number}/activations/{Device EUI-64}";

impl<'a> OfUser<'a> {
    /// Reads the User of the name in `field`.
    pub(crate) fn read(text: &'a str, field: &'static str) -> Result<Self, Fault> {
        let rest = text
            .strip_prefix("users/")
            .ok_or_else(|| invalid(field, "users/{EUI-64}"))?;
        let (user, rest) = rest.split_once('/').unwrap_or((rest, ""));
        Ok(Self {
            user: eui64(user, field)?,
            rest,
            field,
        })
    }

    /// Whether the name ends with its User.
    pub(crate) fn is_user(self) -> bool {
        self.rest.is_empty()
    }

    /// The name ends with its User.
    pub(crate) fn nothing_more(self) -> Result<(), Fault> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(invalid(self.field, "users/{EUI-64}"))
        }
    }

    /// The number of a transfer.
    pub(crate) fn transfer(self) -> Result<u64, Fault> {
        self.rest
            .strip_prefix("transfers/")
            .and_then(number)
            .ok_or_else(|| invalid(self.field, TRANSFER))
    }

    /// The number of a schedule.
    pub(crate) fn schedule(self) -> Result<u32, Fault> {
        self.rest
            .strip_prefix("schedules/")
            .and_then(number)
            .and_then(|number| u32::try_from(number).ok())
            .ok_or_else(|| invalid(self.field, SCHEDULE))
    }

    /// The number of a batch.
    pub(crate) fn batch(self) -> Result<u64, Fault> {
        self.rest
            .strip_prefix("batches/")
            .and_then(number)
            .ok_or_else(|| invalid(self.field, BATCH))
    }

    /// An activation.
    pub(crate) fn activation(self) -> Result<ActivationName, Fault> {
        let wrong = || invalid(self.field, ACTIVATION);
        let rest = self.rest.strip_prefix("batches/").ok_or_else(wrong)?;
        let (batch, device) = rest.split_once("/activations/").ok_or_else(wrong)?;
        Ok(ActivationName {
            user: self.user,
            batch: number(batch).ok_or_else(wrong)?,
            device: eui64(device, self.field)?,
        })
    }
}

/// `users/{user}/transfers/{number}`; empty for one that was only validated.
pub(crate) fn transfer(user: Eui64, number: Option<u64>) -> String {
    number.map_or_else(String::new, |number| {
        format!("users/{user}/transfers/{number}")
    })
}

/// `users/{user}/batches/{number}`; empty for one that was only validated.
pub(crate) fn batch(user: Eui64, number: Option<u64>) -> String {
    number.map_or_else(String::new, |number| {
        format!("users/{user}/batches/{number}")
    })
}

/// `users/{user}/batches/{number}/activations/{device}`.
pub(crate) fn activation(name: &ActivationName) -> String {
    let ActivationName {
        user,
        batch,
        device,
    } = name;
    format!("users/{user}/batches/{batch}/activations/{device}")
}

/// A number is written in one way only: no sign, no zeros in front.
fn number(text: &str) -> Option<u64> {
    let written_once = !text.starts_with(['0', '+']);
    written_once.then(|| text.parse().ok()).flatten()
}

fn eui64(text: &str, field: &'static str) -> Result<Eui64, Fault> {
    text.parse()
        .map_err(|error| Fault::argument("EUI64_INVALID", field, format_args!("{field}: {error}")))
}

fn invalid(field: &'static str, expected: &str) -> Fault {
    let message = format!("{field} must be a name like {expected}");
    Fault::argument("NAME_INVALID", field, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "90-B3-D5-1F-30-01-00-00";
    const DEVICE: &str = "00-DB-12-34-56-78-90-A0";

    fn read(text: &str) -> Result<OfUser<'_>, Fault> {
        OfUser::read(text, "name")
    }

    #[test]
    fn names_are_written_as_they_are_read() {
        let owner: Eui64 = USER.parse().unwrap();
        let text = transfer(owner, Some(42));
        assert_eq!(text, format!("users/{USER}/transfers/42"));
        assert_eq!(read(&text).unwrap().transfer(), Ok(42));
        let text = batch(owner, Some(u64::MAX));
        assert_eq!(read(&text).unwrap().batch(), Ok(u64::MAX));
        let name = ActivationName {
            user: owner,
            batch: 7,
            device: DEVICE.parse().unwrap(),
        };
        let text = activation(&name);
        assert_eq!(text, format!("users/{USER}/batches/7/activations/{DEVICE}"));
        assert_eq!(
            read(&text.replace(DEVICE, &DEVICE.to_lowercase()))
                .unwrap()
                .activation(),
            Ok(name)
        );
        assert_eq!(
            read(&format!("users/{USER}")).unwrap().nothing_more(),
            Ok(())
        );
        assert_eq!(transfer(owner, None) + &batch(owner, None), "");
    }

    #[test]
    fn a_user_that_cannot_be_read_is_told_apart_from_a_rest_that_cannot() {
        assert_eq!(read("").unwrap_err().reason(), "NAME_INVALID");
        assert_eq!(read("gateways/1").unwrap_err().reason(), "NAME_INVALID");
        assert_eq!(
            read("users/7/transfers/1").unwrap_err().reason(),
            "EUI64_INVALID"
        );
        for rest in [
            "",
            "/",
            "/transfers",
            "/transfers/",
            "/transfers/0",
            "/transfers/01",
            "/transfers/+1",
            "/transfers/-1",
            "/transfers/1/",
            "/batches/1",
            "/Transfers/1",
            "/transfers/18446744073709551616",
            "/transfers/1x",
        ] {
            let text = format!("users/{USER}{rest}");
            let fault = read(&text).unwrap().transfer().unwrap_err();
            assert_eq!(fault.reason(), "NAME_INVALID", "{text}");
        }
        let text = format!("users/{USER}/batches/1/activations/1");
        assert_eq!(
            read(&text).unwrap().activation().unwrap_err().reason(),
            "EUI64_INVALID"
        );
        let text = format!("users/{USER}/batches/1");
        assert_eq!(
            read(&text).unwrap().activation().unwrap_err().reason(),
            "NAME_INVALID"
        );
        assert_eq!(
            read(&text).unwrap().nothing_more().unwrap_err().reason(),
            "NAME_INVALID"
        );
    }
}
