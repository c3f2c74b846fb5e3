//! The program under test.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command as Blocking;
use std::sync::OnceLock;

use tokio::process::Command;

use crate::{Child, Ended};

/// The program `dco`: what the environment variable DCO_BIN names, or else built once for the profile of this test.
pub fn dco_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| std::env::var_os("DCO_BIN").map_or_else(build, PathBuf::from))
}

/// A command of the program, to be started. It sees no logging wishes of the caller's environment.
pub fn dco_command(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(dco_binary());
    command.env_remove("RUST_LOG").args(args);
    command
}

/// Runs a command of the program to its end.
pub async fn dco(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Ended {
    Child::spawn("dco", dco_command(args)).ended().await
}

/// Builds it where this test was built: beside `deps`, in which the test's own binary lies.
fn build() -> PathBuf {
    let test = std::env::current_exe().expect("a running program has a file");
    let profile = test
        .parent()
        .and_then(Path::parent)
        .expect("cargo puts test binaries into <target>/<profile>/deps");
    let target = profile
        .parent()
        .expect("a profile's folder lies in the target folder");
    let mut cargo = Blocking::new(env!("CARGO"));
    cargo
        .args(["build", "--quiet", "--package", "dco-cli", "--target-dir"])
        .arg(target);
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status();
    assert!(
        built.is_ok_and(|status| status.success()),
        "cargo could not build dco-cli"
    );
    profile.join("dco")
}
