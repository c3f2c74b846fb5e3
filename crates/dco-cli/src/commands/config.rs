//! `dco config check`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use dco_server::{Config as Checked, ConfigError, ConfigFile};
use serde_json::{Value, json};

use crate::exit::{Answer, Failure};
use crate::files;
use crate::table::table;

/// Check a configuration
#[derive(Debug, Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(Check),
}

/// Check a configuration file and show every setting it leads to
#[derive(Debug, Args)]
#[command(long_about = "\
Check a configuration file and show every setting it leads to, the defaults included. Nothing is
started and nothing but this file is read. An unknown key is refused by name.

Example:
  dco config check dco.toml

Exit code 64 when the file is wrong.")]
struct Check {
    /// The configuration
    file: PathBuf,
}

/// Far more than any configuration has.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

impl Config {
    pub(crate) fn run(self) -> Result<Answer, Failure> {
        let Command::Check(check) = self.command;
        let text = files::read_text(&check.file, FILE_BYTES_MAX)
            .map_err(|failure| Failure::config(failure.message))?;
        answer(&text, &check.file)
    }
}

fn answer(text: &str, path: &Path) -> Result<Answer, Failure> {
    let wrong = |error: ConfigError| refuse(&error, text, path);
    let base_dir = path.parent().unwrap_or_else(|| Path::new("."));
    let checked = Checked::parse(text, base_dir).map_err(wrong)?;
    let file: ConfigFile = toml::from_str(text).map_err(Failure::internal)?;
    let settings = serde_json::to_value(&file).map_err(Failure::internal)?;
    let mut rows = Vec::new();
    flatten("", &settings, &mut rows);
    let rows = rows.into_iter().map(|(key, value)| vec![key, value]);
    let text = format!(
        "{} is good; {}\n\n{}",
        path.display(),
        registered(checked.parties.len()),
        table(&["SETTING", "VALUE"], rows)
    );
    Ok(Answer::new(
        text,
        json!({
            "file": path.display().to_string(),
            "parties": checked.parties.len(),
            "settings": settings,
        }),
    ))
}

/// A file that was cut off has fewer than it should.
fn registered(parties: usize) -> String {
    match parties {
        0 => "nobody is registered, so it starts a service that refuses every call, and a running service does not take it over"
            .to_owned(),
        1 => "1 party is registered".to_owned(),
        parties => format!("{parties} parties are registered"),
    }
}

/// One line, with the line number in the file where it can be told.
pub(crate) fn refuse(error: &ConfigError, text: &str, path: &Path) -> Failure {
    let path = path.display();
    match error {
        ConfigError::Invalid { field, .. } => {
            let line =
                line_of(field, text).map_or_else(String::new, |line| format!(" line {line}"));
            Failure::config(format!("{path}{line}: {error}"))
        }
        ConfigError::Syntax { .. } => Failure::config(format!("{path} {error}")),
        ConfigError::Read { .. } | ConfigError::NoParty { .. } => Failure::config(error),
    }
}

/// The line on which a field such as `capacity.per_day` or `party[2].eui64` is written, if it is.
fn line_of(field: &str, text: &str) -> Option<usize> {
    let (section, key) = field.rsplit_once('.').unwrap_or(("", field));
    let mut here = String::new();
    let mut parties = 0;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line
            .strip_prefix("[[")
            .and_then(|rest| rest.split("]]").next())
        {
            here = format!("{}[{parties}]", name.trim());
            parties += 1;
        } else if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.split(']').next())
        {
            here = name.trim().to_owned();
        } else if here == section && line.split('=').next().map(str::trim) == Some(key) {
            return Some(index + 1);
        }
    }
    None
}

/// Every value with its path, in the order of the names.
fn flatten(path: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    let below = |key: &str| {
        if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}.{key}")
        }
    };
    match value {
        Value::Object(fields) => {
            fields
                .iter()
                .for_each(|(key, value)| flatten(&below(key), value, rows));
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            let items = items.iter().enumerate();
            items.for_each(|(at, value)| flatten(&format!("{path}[{at}]"), value, rows));
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(plain).collect();
            rows.push((path.to_owned(), items.join(", ")));
        }
        _ => rows.push((path.to_owned(), plain(value))),
    }
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    const GOOD: &str = r#"
data_dir = "data"
listen = "127.0.0.1:7443"
http_listen = "127.0.0.1:7480"

[tls]
ca = "pki/ca.pem"
certificate = "pki/server.pem"
key = "pki/server.key"

[capacity]
per_day = 9000

[[party]]
name = "user1"
eui64 = "90-B3-D5-1F-30-01-00-01"
roles = ["user"]

[[party]]
name = "desk1"
eui64 = "90-B3-D5-1F-30-04-00-01"
roles = ["service_desk", "auditor"]
"#;

    fn refusal(text: &str) -> String {
        let failure = answer(text, Path::new("dco.toml")).unwrap_err();
        assert_eq!(failure.exit, Exit::Config);
        assert!(!failure.message.contains('\n'), "{}", failure.message);
        failure.message
    }

    #[test]
    fn all_settings_are_shown_with_their_defaults() {
        let answer = answer(GOOD, Path::new("dco.toml")).unwrap();
        let shows = |key: &str, value: &str| {
            let is = |line: &str| line.split_whitespace().eq([key, value]);
            assert!(
                answer.text.lines().any(is),
                "{key} {value} not in {}",
                answer.text
            );
        };
        shows("capacity.per_day", "9000");
        shows("capacity.allowance_per_day", "500");
        shows("party[1].name", "desk1");
        assert!(answer.text.contains("service_desk, auditor"));
        assert_eq!(answer.json["settings"]["capacity"]["per_day"], 9000);
    }

    #[test]
    fn how_many_are_registered_is_told_and_that_nobody_is() {
        let said = |text: &str| {
            let answer = answer(text, Path::new("dco.toml")).unwrap();
            let first = answer.text.lines().next().unwrap().to_owned();
            (first, answer.json["parties"].as_u64().unwrap())
        };
        let (first, count) = said(GOOD);
        assert_eq!(first, "dco.toml is good; 2 parties are registered");
        assert_eq!(count, 2);
        let (cut, _) = GOOD.split_once("[[party]]").unwrap();
        let (first, count) = said(cut);
        assert!(first.contains("nobody is registered"), "{first}");
        assert_eq!(count, 0);
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let message = refusal(&GOOD.replace("per_day", "per_dya"));
        let named = "dco.toml line 12: unknown field `per_dya`";
        assert!(message.starts_with(named), "{message}");
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_shown_with_its_key() {
        let message = refusal(&GOOD.replace("per_day = 9000", "per_day = -1"));
        assert!(message.starts_with("dco.toml line 12: "), "{message}");
        assert!(message.ends_with("in `per_day = -1`"), "{message}");
    }

    #[test]
    fn a_value_out_of_bounds_is_named_with_its_line() {
        let message = refusal(&GOOD.replace("per_day = 9000", "per_day = 99000000"));
        assert!(
            message.starts_with("dco.toml line 12: capacity.per_day is 99000000"),
            "{message}"
        );
    }

    #[test]
    fn the_line_of_a_field_is_found_in_its_own_section() {
        assert_eq!(line_of("listen", GOOD), Some(3));
        assert_eq!(line_of("tls.key", GOOD), Some(9));
        assert_eq!(line_of("party[1].name", GOOD), Some(20));
        assert_eq!(line_of("party[2].name", GOOD), None);
        assert_eq!(line_of("capacity.burst", GOOD), None);
    }
}
