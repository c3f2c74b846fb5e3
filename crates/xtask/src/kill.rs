//! The end-to-end test that kills the service again and again, for as many rounds as wanted.

use std::io;
use std::process::Command;

const USAGE: &str = "usage: cargo xtask kill [--rounds N] [--seed S]";

/// The test's package, binary and module; it builds the program itself.
const TEST: &[&str] = &[
    "test",
    "--locked",
    "--package",
    "dco-tests",
    "--test",
    "end_to_end",
    "rounds::",
    "--",
    "--nocapture",
];

/// Why the rounds could not be run at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KillError {
    #[error("`{arg}` is not known here; {USAGE}")]
    UnknownArgument { arg: String },
    #[error("{name} needs a whole number; {USAGE}")]
    NoNumber { name: &'static str },
    #[error("cargo could not be started")]
    Start(#[from] io::Error),
}

/// Runs the rounds and shows each; `false` if one failed.
pub(crate) fn run(args: &[&str]) -> Result<bool, KillError> {
    let variables = variables(args)?;
    let status = Command::new("cargo").args(TEST).envs(variables).status()?;
    Ok(status.success())
}

/// What the test reads from its environment, by the arguments.
fn variables(args: &[&str]) -> Result<Vec<(&'static str, String)>, KillError> {
    let mut variables = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let (name, variable) = match *arg {
            "--rounds" => ("--rounds", "DCO_KILL_ROUNDS"),
            "--seed" => ("--seed", "DCO_KILL_SEED"),
            other => {
                return Err(KillError::UnknownArgument {
                    arg: other.to_owned(),
                });
            }
        };
        let number = args.next().and_then(|text| text.parse::<u64>().ok());
        let number = number.ok_or(KillError::NoNumber { name })?;
        variables.push((variable, number.to_string()));
    }
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_and_seed_are_handed_to_the_test() {
        let variables = variables(&["--seed", "7", "--rounds", "500"]).unwrap();
        let expected = [("DCO_KILL_SEED", "7"), ("DCO_KILL_ROUNDS", "500")];
        assert_eq!(
            variables,
            expected.map(|(name, text)| (name, text.to_owned()))
        );
        assert!(super::variables(&[]).unwrap().is_empty());
    }

    #[test]
    fn what_is_no_number_is_refused_with_the_usage() {
        for args in [
            &["--rounds"][..],
            &["--rounds", "many"],
            &["--seed", "-1"],
            &["7"],
        ] {
            let refused = variables(args).unwrap_err().to_string();
            assert!(refused.contains("[--rounds N] [--seed S]"), "{refused}");
        }
    }
}
