//! How a command ends: what is said, and the number the shell gets.

use std::fmt;
use std::process::ExitCode;

use serde_json::{Value, json};

/// The exit codes, as `dco --help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    Done = 0,
    /// The service refused, or what was asked for did not succeed.
    Failed = 1,
    /// The command line is wrong; clap uses the same number. What `dco fsck` cannot judge, too.
    Usage = 2,
    /// The service cannot be reached, or does not answer now.
    Unavailable = 3,
    /// A configuration file is wrong.
    Config = 64,
    /// Input data are wrong: a file, a certificate, a list.
    Data = 65,
    /// A fault of this program or of the service.
    Internal = 70,
}

/// The table of exit codes in `dco --help`.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0   done
  1   the service refused, or the work failed (a rejected image, a failed activation)
  2   wrong usage of the command line; `dco fsck`: the folder cannot be judged
  3   the service cannot be reached or is not available now; try again later
  64  bad configuration
  65  bad input data (a file, a certificate, a list of Devices)
  70  internal fault, of this program or of the service";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What a command found, for a person and for a program.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) text: String,
    pub(crate) json: Value,
    pub(crate) exit: Exit,
}

impl Answer {
    pub(crate) fn new(text: impl Into<String>, json: Value) -> Self {
        Self {
            text: text.into(),
            json,
            exit: Exit::Done,
        }
    }

    /// The same answer, but the work it tells of did not succeed.
    pub(crate) fn failed_if(mut self, failed: bool) -> Self {
        if failed {
            self.exit = Exit::Failed;
        }
        self
    }
}

/// Why a command could not do its work: one line that says what was wrong, what was expected and
/// what to do.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    /// The service's reason and details; null when the service did not speak.
    pub(crate) details: Value,
}

impl Failure {
    fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self {
            exit,
            message: message.to_string(),
            details: Value::Null,
        }
    }

    pub(crate) fn failed(message: impl fmt::Display) -> Self {
        Self::new(Exit::Failed, message)
    }

    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// What was to be judged cannot be; fsck says so with this number everywhere.
    pub(crate) fn unreadable(message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn unavailable(message: impl fmt::Display) -> Self {
        Self::new(Exit::Unavailable, message)
    }

    pub(crate) fn config(message: impl fmt::Display) -> Self {
        Self::new(Exit::Config, message)
    }

    pub(crate) fn data(message: impl fmt::Display) -> Self {
        Self::new(Exit::Data, message)
    }

    pub(crate) fn internal(message: impl fmt::Display) -> Self {
        Self::new(Exit::Internal, message)
    }

    pub(crate) fn with_details(mut self, details: Value) -> Self {
        self.details = details;
        self
    }

    /// The object that `--json` prints last instead of an answer.
    pub(crate) fn json(&self) -> Value {
        json!({ "error": {
            "exit_code": self.exit as u8,
            "message": self.message,
            "details": self.details,
        }})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exit_code_is_in_the_help() {
        let codes = [
            Exit::Done,
            Exit::Failed,
            Exit::Usage,
            Exit::Unavailable,
            Exit::Config,
            Exit::Data,
            Exit::Internal,
        ];
        for code in codes {
            let line = format!("\n  {:<4}", code as u8);
            assert!(EXIT_CODES.contains(&line), "{code:?} is not explained");
        }
    }

    #[test]
    fn a_failure_for_programs_carries_its_code_and_details() {
        let failure = Failure::data("line 3 is wrong").with_details(json!({ "line": 3 }));
        assert_eq!(
            failure.json(),
            json!({ "error": {
                "exit_code": 65, "message": "line 3 is wrong", "details": { "line": 3 },
            }})
        );
    }

    #[test]
    fn an_answer_fails_only_when_its_work_did() {
        assert_eq!(Answer::new("", json!({})).failed_if(false).exit, Exit::Done);
        assert_eq!(
            Answer::new("", json!({})).failed_if(true).exit,
            Exit::Failed
        );
    }
}
