//! The only place that prints.
//!
//! For a person, answers go to stdout and everything else to stderr. With `--json`, stdout gets
//! one JSON object on its last line and everything else goes to stderr.

use std::io::{self, Write};

use dco_schedule::{is_unseen, one_line};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;

use crate::exit::{Answer, Exit, Failure};

/// Where a command speaks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// A line on the way to the answer, for a person.
    pub(crate) fn say(self, line: impl AsRef<str>) {
        if self.json {
            put(io::stderr().lock(), line.as_ref());
        } else {
            put(io::stdout().lock(), line.as_ref());
        }
    }

    /// A line that is no part of the answer.
    pub(crate) fn note(self, line: impl AsRef<str>) {
        put(io::stderr().lock(), line.as_ref());
    }

    /// An object before the last: only a program that asked for JSON sees it.
    pub(crate) fn object(self, json: &Value) {
        if self.json {
            put(io::stdout().lock(), &escaped(json));
        }
    }

    /// Ends a command, whichever way it went.
    pub(crate) fn end(self, result: Result<Answer, Failure>) -> Exit {
        match result {
            Ok(answer) => {
                if !answer.text.is_empty() {
                    self.say(&answer.text);
                }
                self.object(&answer.json);
                answer.exit
            }
            Err(failure) => {
                self.note(format!("error: {}", failure.message));
                self.object(&failure.json());
                failure.exit
            }
        }
    }

    /// A bar for work that takes a while, counted in `unit`s; hidden where nobody watches.
    pub(crate) fn bar(self, label: &'static str, total: u64, unit: Unit) -> ProgressBar {
        let bar = ProgressBar::with_draw_target(Some(total), self.target());
        let style = ProgressStyle::with_template(unit.template())
            .expect("the templates of this file are well formed, as their test shows");
        bar.with_style(style).with_message(label)
    }

    fn target(self) -> ProgressDrawTarget {
        if self.json {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        }
    }
}

/// What a progress bar counts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Unit {
    Activations,
    Bytes,
    Devices,
    Images,
    Kills,
    Products,
    Records,
    Rounds,
    Seeds,
}

impl Unit {
    fn template(self) -> &'static str {
        match self {
            Self::Bytes => {
                "{msg:<12} [{bar:32}] {bytes:>10} of {total_bytes}  {bytes_per_sec}  {eta} left"
            }
            Self::Activations => "{msg:<12} {pos:>9} activations  {per_sec}  {elapsed} gone",
            Self::Images => "{msg:<12} {pos:>9} images  {per_sec}  {elapsed} gone",
            Self::Kills => "{msg:<12} killed {pos} times  {elapsed} gone",
            Self::Rounds => "{msg:<12} [{bar:32}] round {pos} of {len}  {eta} left",
            Self::Seeds => "{msg:<12} [{bar:32}] {pos:>6} of {len} seeds  {eta} left",
            Self::Products => "{msg:<12} [{bar:32}] {pos:>6} of {len} products  {elapsed} gone",
            Self::Records => "{msg:<12} [{bar:32}] {pos:>6} of {len} records  {elapsed} gone",
            Self::Devices => "{msg:<12} [{bar:32}] {pos:>6} of {len} Devices  {elapsed} gone",
        }
    }
}

/// The same value, with nothing in it that only a terminal would see.
fn escaped(json: &Value) -> String {
    let mut out = String::new();
    for character in json.to_string().chars() {
        if is_unseen(character) {
            let mut units = [0; 2];
            let units = character.encode_utf16(&mut units);
            out.extend(units.iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            out.push(character);
        }
    }
    out
}

/// A reader that went away (`dco batches | head`) is no fault. Some of it is others' words, which must not steer the terminal.
fn put(mut to: impl Write, text: &str) {
    for line in text.split('\n') {
        let _gone = writeln!(to, "{}", one_line(line));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_say_cannot_steer_the_terminal() {
        let mut put_out = Vec::new();
        put(&mut put_out, "a\u{1b}[31mRED\u{7}\u{202e}\nb");
        assert_eq!(String::from_utf8(put_out).unwrap(), "a [31mRED  \nb\n");
        let json = serde_json::json!({"a": "x\u{1b}\u{202e}\u{e0041}\ny"});
        let text = escaped(&json);
        assert!(!text.chars().any(is_unseen), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json);
    }

    #[test]
    fn every_template_is_well_formed() {
        for unit in [
            Unit::Activations,
            Unit::Bytes,
            Unit::Devices,
            Unit::Images,
            Unit::Kills,
            Unit::Products,
            Unit::Records,
            Unit::Rounds,
            Unit::Seeds,
        ] {
            assert!(
                ProgressStyle::with_template(unit.template()).is_ok(),
                "{unit:?}"
            );
        }
    }

    #[test]
    fn the_exit_code_is_that_of_the_answer_or_the_failure() {
        let output = Output::new(false);
        let answer = Answer::new("", serde_json::json!({})).failed_if(true);
        assert_eq!(output.end(Ok(answer)), Exit::Failed);
        assert_eq!(
            output.end(Err(Failure::data("shown by a test"))),
            Exit::Data
        );
    }
}
