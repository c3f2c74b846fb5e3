//! Files that are imported, and what is wrong with one, for people and programs.

pub(crate) use dco_client::hardware_version;
use dco_client::{DeviceEntry, InvalidImport, parse_inventory};
use serde_json::json;

use crate::exit::Failure;

/// Reads a whole inventory. One bad line and nothing of it is good; all bad lines are named.
pub(crate) fn parse(text: &str) -> Result<Vec<DeviceEntry>, Failure> {
    Ok(parse_inventory(text)?)
}

impl From<InvalidImport> for Failure {
    fn from(invalid: InvalidImport) -> Self {
        let failure = Self::data(invalid.to_string());
        let InvalidImport::Entries { what, bad, .. } = invalid else {
            return failure;
        };
        let bad = bad
            .iter()
            .map(|bad| json!({ what: bad.number, "why": bad.why }));
        failure.with_details(json!({ (format!("bad_{what}s")): bad.collect::<Vec<_>>() }))
    }
}

#[cfg(test)]
mod tests;
