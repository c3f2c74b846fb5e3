//! Names of transfers, batches, activations and schedules, in full or short for one's own.

use std::str::FromStr;

use dco_block::Eui64;
use dco_client::{ActivationName, BatchName, InvalidName, TransferName};

use crate::exit::Failure;

/// A name of any kind of thing that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    Transfer(TransferName),
    Batch(BatchName),
    Activation(ActivationName),
}

impl Name {
    /// Reads `users/{EUI-64}/batches/7`, or `batches/7` for one of `own`.
    pub(crate) fn parse(text: &str, own: Eui64) -> Result<Self, Failure> {
        let text = full(text, own);
        let collection = |name| text.contains(name);
        match () {
            () if collection("/activations/") => read(&text).map(Self::Activation),
            () if collection("/batches/") => read(&text).map(Self::Batch),
            () => read(&text).map(Self::Transfer),
        }
    }

    /// Whose it is.
    pub(crate) fn user(self) -> Eui64 {
        match self {
            Self::Transfer(name) => name.user,
            Self::Batch(name) => name.user,
            Self::Activation(name) => name.batch.user,
        }
    }
}

/// Reads the name of one kind of thing, in full or short for one of `own`.
pub(crate) fn parse<T: FromStr<Err = InvalidName>>(text: &str, own: Eui64) -> Result<T, Failure> {
    read(&full(text, own))
}

fn full(text: &str, own: Eui64) -> String {
    let collections = ["transfers/", "batches/", "schedules/"];
    if collections.iter().any(|it| text.starts_with(it)) {
        format!("users/{own}/{text}")
    } else {
        text.to_owned()
    }
}

fn read<T: FromStr<Err = InvalidName>>(text: &str) -> Result<T, Failure> {
    text.parse().map_err(Failure::usage)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    const OWN: Eui64 = Eui64::from_bits(0x90B3_D51F_3001_0001);

    #[test]
    fn a_short_name_is_one_of_the_callers_own() {
        let short: BatchName = parse("batches/7", OWN).unwrap();
        assert_eq!(
            short,
            BatchName {
                user: OWN,
                number: 7
            }
        );
        let full: BatchName = parse(&short.to_string(), Eui64::from_bits(0)).unwrap();
        assert_eq!(full, short);
    }

    #[test]
    fn the_kind_of_a_name_is_seen() {
        let of = |text: &str| Name::parse(text, OWN).unwrap();
        assert!(matches!(of("transfers/1"), Name::Transfer(name) if name.number == 1));
        assert!(matches!(of("batches/2"), Name::Batch(name) if name.number == 2));
        let activation = of("batches/2/activations/90-B3-D5-1F-30-0A-00-01");
        assert!(matches!(activation, Name::Activation(_)));
        assert_eq!(activation.user(), OWN);
    }

    #[test]
    fn what_is_no_name_is_wrong_usage_and_an_example_is_given() {
        for bad in [
            "",
            "7",
            "batches/x",
            "transfers/-1",
            "batches/1/activations/x",
        ] {
            let failure = Name::parse(bad, OWN).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage);
            assert!(
                failure.message.contains("write it like"),
                "{}",
                failure.message
            );
        }
    }
}
