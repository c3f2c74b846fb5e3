//! Names of resources, read and written as paths.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use dco_block::Eui64;

/// `users/{EUI-64}/transfers/{number}`: one SRV 11.1 of a User.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransferName {
    pub user: Eui64,
    /// Counted per User.
    pub number: u64,
}

/// `users/{EUI-64}/batches/{number}`: Devices that were sent together with SRV 11.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchName {
    pub user: Eui64,
    /// Counted per User.
    pub number: u64,
}

/// `users/{EUI-64}/schedules/{number}`: one delivery schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScheduleName {
    pub user: Eui64,
    /// Counted per User.
    pub number: u64,
}

/// `users/{EUI-64}/batches/{number}/activations/{EUI-64}`: one Device of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActivationName {
    pub batch: BatchName,
    pub device: Eui64,
}

/// A text that is not the name of what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a name; write it like {expected}")]
pub struct InvalidName {
    pub text: String,
    pub expected: &'static str,
}

impl Display for TransferName {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "users/{}/transfers/{}", self.user, self.number)
    }
}

impl FromStr for TransferName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let [user, number] = segments(text, ["users", "transfers"]).ok_or_else(|| InvalidName {
            text: text.to_owned(),
            expected: "users/90-B3-D5-1F-30-01-00-00/transfers/42",
        })?;
        Ok(Self {
            user: parse(
                text,
                user,
                "an EUI-64 like 90-B3-D5-1F-30-01-00-00 after users/",
            )?,
            number: parse(text, number, "a whole number after transfers/")?,
        })
    }
}

impl Display for BatchName {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "users/{}/batches/{}", self.user, self.number)
    }
}

impl FromStr for BatchName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let [user, number] = segments(text, ["users", "batches"]).ok_or_else(|| InvalidName {
            text: text.to_owned(),
            expected: "users/90-B3-D5-1F-30-01-00-00/batches/42",
        })?;
        Ok(Self {
            user: parse(
                text,
                user,
                "an EUI-64 like 90-B3-D5-1F-30-01-00-00 after users/",
            )?,
            number: parse(text, number, "a whole number after batches/")?,
        })
    }
}

impl Display for ScheduleName {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "users/{}/schedules/{}", self.user, self.number)
    }
}

impl FromStr for ScheduleName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let [user, number] = segments(text, ["users", "schedules"]).ok_or_else(|| InvalidName {
            text: text.to_owned(),
            expected: "users/90-B3-D5-1F-30-01-00-00/schedules/3",
        })?;
        Ok(Self {
            user: parse(
                text,
                user,
                "an EUI-64 like 90-B3-D5-1F-30-01-00-00 after users/",
            )?,
            number: parse(text, number, "a whole number after schedules/")?,
        })
    }
}

impl Display for ActivationName {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{}/activations/{}", self.batch, self.device)
    }
}

impl FromStr for ActivationName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let (batch, device) = text.rsplit_once("/activations/").ok_or_else(|| InvalidName {
            text: text.to_owned(),
            expected: "users/90-B3-D5-1F-30-01-00-00/batches/42/activations/90-B3-D5-1F-30-02-00-00",
        })?;
        Ok(Self {
            batch: batch.parse()?,
            device: parse(
                text,
                device,
                "an EUI-64 like 90-B3-D5-1F-30-02-00-00 after activations/",
            )?,
        })
    }
}

/// The ids of a path whose collections are exactly these.
fn segments<'a, const N: usize>(text: &'a str, collections: [&str; N]) -> Option<[&'a str; N]> {
    let mut parts = text.split('/');
    let mut ids = [""; N];
    for (id, collection) in ids.iter_mut().zip(collections) {
        if parts.next()? != collection {
            return None;
        }
        *id = parts.next()?;
    }
    parts.next().is_none().then_some(ids)
}

fn parse<T: FromStr>(text: &str, id: &str, expected: &'static str) -> Result<T, InvalidName> {
    id.parse().map_err(|_| InvalidName {
        text: text.to_owned(),
        expected,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for text in [
            "users/90-B3-D5-1F-30-01-00-00/transfers/42",
            "users/90-B3-D5-1F-30-01-00-00/transfers/18446744073709551615",
        ] {
            assert_eq!(text.parse::<TransferName>().unwrap().to_string(), text);
        }
        let batch = "users/90-B3-D5-1F-30-01-00-00/batches/7";
        assert_eq!(batch.parse::<BatchName>().unwrap().to_string(), batch);
        let schedule = "users/90-B3-D5-1F-30-01-00-00/schedules/3";
        assert_eq!(
            schedule.parse::<ScheduleName>().unwrap().to_string(),
            schedule
        );
        let activation = format!("{batch}/activations/90-B3-D5-1F-30-02-00-0A");
        assert_eq!(
            activation.parse::<ActivationName>().unwrap().to_string(),
            activation
        );
    }

    #[test]
    fn an_eui_64_in_a_name_is_read_in_any_case() {
        let name: TransferName = "users/90-b3-d5-1f-30-01-00-0a/transfers/1".parse().unwrap();
        assert_eq!(
            name.to_string(),
            "users/90-B3-D5-1F-30-01-00-0A/transfers/1"
        );
    }

    #[test]
    fn what_is_not_a_name_is_refused_with_an_example() {
        for text in [
            "",
            "42",
            "users/90-B3-D5-1F-30-01-00-00",
            "users/90-B3-D5-1F-30-01-00-00/transfers",
            "users/90-B3-D5-1F-30-01-00-00/transfers/42/",
            "users/90-B3-D5-1F-30-01-00-00/transfers/-1",
            "users/90-B3-D5-1F-30-01-00-00/batches/42",
            "users/nobody/transfers/42",
        ] {
            let refused = text.parse::<TransferName>().unwrap_err();
            assert!(refused.to_string().contains("write it like"), "{refused}");
        }
        assert!(
            "users/90-B3-D5-1F-30-01-00-00/transfers/1"
                .parse::<BatchName>()
                .is_err()
        );
        assert!(
            "users/90-B3-D5-1F-30-01-00-00/batches/1"
                .parse::<ActivationName>()
                .is_err()
        );
        assert!(
            "users/90-B3-D5-1F-30-01-00-00/batches/1/activations/x"
                .parse::<ActivationName>()
                .is_err()
        );
    }
}
