//! The Devices of a transfer or a batch, as the command line gives them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use dco_block::{Eui64, limits};

use crate::exit::Failure;
use crate::files;

/// `--devices`: either EUI-64s with commas between them, or a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DeviceList {
    Given(Vec<Eui64>),
    File(PathBuf),
}

/// What `--devices` takes, for the help texts.
pub(crate) const DEVICES_HELP: &str = "The Devices: EUI-64s with commas between them, or a file \
     (one EUI-64 a line, or a CSV file whose first column is `device`)";

impl FromStr for DeviceList {
    type Err = String;

    /// A text that begins with an EUI-64 is a list; any other is the name of a file.
    fn from_str(text: &str) -> Result<Self, String> {
        let first = text.split(',').next().unwrap_or_default().trim();
        if first.parse::<Eui64>().is_err() {
            return Ok(Self::File(text.into()));
        }
        text.split(',')
            .map(|device| {
                device
                    .trim()
                    .parse()
                    .map_err(|why| format!("`{device}`: {why}"))
            })
            .collect::<Result<_, _>>()
            .map(Self::Given)
    }
}

impl DeviceList {
    /// The Devices in the order given: at least one, each once, as many as one request may name.
    pub(crate) fn load(&self) -> Result<Vec<Eui64>, Failure> {
        let (devices, from) = match self {
            Self::Given(devices) => (devices.clone(), "--devices".to_owned()),
            Self::File(path) => (read(path)?, path.display().to_string()),
        };
        check(devices, &from)
    }
}

/// 50,000 lines of an inventory fit well.
const FILE_BYTES_MAX: u64 = 32 * 1024 * 1024;

fn read(path: &Path) -> Result<Vec<Eui64>, Failure> {
    let text = files::read_text(path, FILE_BYTES_MAX)?;
    let text = text.trim_start_matches('\u{FEFF}');
    let mut devices = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let first = line
            .split(',')
            .next()
            .unwrap_or_default()
            .trim()
            .trim_matches('"');
        if first.is_empty() || first.starts_with('#') || (index == 0 && first == "device") {
            continue;
        }
        devices.push(first.parse().map_err(|why| {
            Failure::data(format!(
                "{} line {}: `{first}`: {why}",
                path.display(),
                index + 1
            ))
        })?);
    }
    Ok(devices)
}

fn check(devices: Vec<Eui64>, from: &str) -> Result<Vec<Eui64>, Failure> {
    if devices.is_empty() {
        return Err(Failure::data(format!(
            "{from} names no Device; name at least one"
        )));
    }
    if devices.len() > limits::DEVICES_MAX as usize {
        return Err(Failure::data(format!(
            "{from} names {} Devices; at most {} go into one request, so split it",
            devices.len(),
            limits::DEVICES_MAX
        )));
    }
    let mut seen = BTreeSet::new();
    match devices.iter().find(|device| !seen.insert(**device)) {
        Some(twice) => Err(Failure::data(format!(
            "{from} names Device {twice} more than once"
        ))),
        None => Ok(devices),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "90-B3-D5-1F-30-0A-00-01";
    const B: &str = "90-b3-d5-1f-30-0a-00-02";

    fn load(text: &str) -> Result<Vec<Eui64>, String> {
        text.parse::<DeviceList>()
            .unwrap()
            .load()
            .map_err(|failure| failure.message)
    }

    fn load_file(text: &str) -> Result<Vec<Eui64>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("devices");
        files::write(&path, text).unwrap();
        load(path.to_str().unwrap())
    }

    #[test]
    fn a_list_is_read_in_any_case() {
        let both = vec![A.parse().unwrap(), B.parse().unwrap()];
        assert_eq!(load(&format!("{A},{B}")).unwrap(), both);
        assert_eq!(load(&format!("{A}, {B}")).unwrap(), both);
    }

    #[test]
    fn a_list_with_a_bad_eui_64_is_refused_by_the_command_line() {
        let why = format!("{A},{A}x").parse::<DeviceList>().unwrap_err();
        assert!(why.contains("an EUI-64 has 23 characters"), "{why}");
    }

    #[test]
    fn a_file_has_one_device_a_line_or_is_an_inventory() {
        let both = vec![A.parse().unwrap(), B.parse().unwrap()];
        assert_eq!(
            load_file(&format!("{A}\n\n# a remark\n{B}\n")).unwrap(),
            both
        );
        assert_eq!(
            load_file(&format!("device,user\n{A},x\n{B},y\n")).unwrap(),
            both
        );
    }

    #[test]
    fn a_bad_line_is_named() {
        let why = load_file(&format!("{A}\nnobody\n")).unwrap_err();
        assert!(why.contains("line 2: `nobody`: an EUI-64"), "{why}");
    }

    #[test]
    fn none_twice_and_too_many_are_refused() {
        assert!(load_file("").unwrap_err().contains("names no Device"));
        assert!(
            load(&format!("{A},{B},{A}"))
                .unwrap_err()
                .contains("more than once")
        );
        let many = (0..=u64::from(limits::DEVICES_MAX))
            .map(Eui64::from_bits)
            .collect();
        assert!(
            check(many, "it")
                .unwrap_err()
                .message
                .contains("at most 50000")
        );
    }

    #[test]
    fn an_absent_file_is_named() {
        assert!(
            load("devices.txt")
                .unwrap_err()
                .contains("devices.txt: there is no such file")
        );
    }
}
