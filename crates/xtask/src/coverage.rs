//! How much of each crate the tests run, by `cargo llvm-cov`.

use std::env;
use std::io;
use std::process::Command;

/// The tools are Debian's, and nothing is installed on the way.
const TOOLS: [(&str, &str); 3] = [
    ("LLVM_COV", "/usr/bin/llvm-cov-19"),
    ("LLVM_PROFDATA", "/usr/bin/llvm-profdata-19"),
    ("CARGO_LLVM_COV_SETUP", "no"),
];

/// Packages whose end-to-end tests need minutes, and this one.
const ALL: &[&str] = &[
    "--workspace",
    "--exclude",
    "dco-tests",
    "--exclude",
    "xtask",
];

/// Prints lines, functions and regions that ran, for each file; of the named crates, or of all but the end-to-end tests.
/// `false` if a test failed.
///
/// # Errors
/// cargo could not be started.
pub(crate) fn run(crates: &[&str]) -> io::Result<bool> {
    let status = Command::new("cargo")
        .args(["llvm-cov", "--locked", "--summary-only"])
        .args(packages(crates))
        .envs(
            TOOLS
                .into_iter()
                .filter(|(name, _)| env::var_os(name).is_none()),
        )
        .status()?;
    Ok(status.success())
}

fn packages<'a>(crates: &[&'a str]) -> Vec<&'a str> {
    if crates.is_empty() {
        return ALL.to_vec();
    }
    crates.iter().flat_map(|name| ["--package", name]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_crates_are_looked_at_or_all() {
        let two = ["--package", "dco-block", "--package", "dco-store"];
        assert_eq!(packages(&["dco-block", "dco-store"]), two);
        assert!(packages(&[]).starts_with(&["--workspace"]));
    }
}
