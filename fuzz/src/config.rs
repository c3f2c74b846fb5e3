//! Any text as a configuration: it is refused with a reason that says where, or read, and then it says the same when it is
//! written out and read again.

use std::path::Path;

use dco_server::{Config, ConfigError, ConfigFile};

/// One input.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let folder = Path::new("/etc/dco");
    match Config::parse(text, folder) {
        Ok(config) => {
            let file: ConfigFile = toml::from_str(text).expect("it was read");
            let written = toml::to_string(&file).expect("it was read from the same form");
            let again = Config::parse(&written, folder).expect("it was good");
            assert_eq!(format!("{again:?}"), format!("{config:?}"));
        }
        Err(ConfigError::Syntax { line, message, .. }) => {
            assert!((1..=text.lines().count() + 1).contains(&line));
            assert!(!message.is_empty());
        }
        Err(ConfigError::Invalid {
            field, expected, ..
        }) => assert!(!field.is_empty() && !expected.is_empty()),
        Err(read @ (ConfigError::Read { .. } | ConfigError::NoParty { .. })) => {
            panic!("nothing is read here: {read}")
        }
    }
}
