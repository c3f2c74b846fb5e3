//! The fuzz targets of `fuzz/`, one after the other, each for some time.

use std::env;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::Command;

use crate::files;
use crate::house::House;

const USAGE: &str = "usage: cargo xtask fuzz [--seconds N | --minutes N] [--seed N] [TARGET..], or cargo xtask fuzz --seeds";

/// What one target gets if nothing is said.
const SECONDS: u64 = 60;

/// An input that takes longer than any start of the service may is a fault, and so is one that takes more memory.
const LIMITS: [&str; 2] = ["-timeout=30", "-rss_limit_mb=4096"];

/// Why nothing could be run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FuzzError {
    #[error("{name} needs a whole number above 0; {USAGE}")]
    NoNumber { name: &'static str },
    #[error("there is no target `{name}`; the targets are {known}; {USAGE}")]
    UnknownTarget { name: String, known: String },
    #[error("{} cannot be made", path.display())]
    Folder {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cargo could not be asked about fuzz/")]
    Metadata(#[from] cargo_metadata::Error),
    #[error("{what} could not be started")]
    Start {
        what: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("the output is closed")]
    Output(#[from] io::Error),
}

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Asked<'a> {
    seconds: u64,
    /// What libFuzzer's dice begin with; without one every run is another.
    seed: Option<u64>,
    seeds: bool,
    targets: Vec<&'a str>,
}

/// Runs the named targets, or all, and shows what they do; `false` if one of them found something. What libFuzzer thinks worth
/// keeping goes to `target/`, and what breaks a target to `fuzz/artifacts/`.
pub(crate) fn run(args: &[&str], out: &mut impl Write) -> Result<bool, FuzzError> {
    let asked = asked(args)?;
    let house = Fuzz::find()?;
    if asked.seeds {
        return house.write_seeds();
    }
    let targets = house.chosen(&asked.targets)?;
    // Building is not part of anybody's time.
    if !house.cargo_fuzz("build")?.done("cargo fuzz")? {
        return Ok(false);
    }
    let mut failed = Vec::new();
    for target in targets {
        writeln!(out, "==> {target}: {} s", asked.seconds)?;
        if !house.run(target, &asked)? {
            failed.push(target);
        }
    }
    if !failed.is_empty() {
        writeln!(
            out,
            "fuzz: {} found something; the input is in fuzz/artifacts/; put it into fuzz/corpus/TARGET/ under a name that \
             says what it is, and mend what it shows",
            failed.join(", ")
        )?;
    }
    Ok(failed.is_empty())
}

fn asked<'a>(args: &[&'a str]) -> Result<Asked<'a>, FuzzError> {
    let mut asked = Asked {
        seconds: SECONDS,
        seed: None,
        seeds: false,
        targets: Vec::new(),
    };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match *arg {
            "--seeds" => asked.seeds = true,
            "--seed" => asked.seed = Some(number("--seed", args.next(), 1)?),
            "--seconds" => asked.seconds = number("--seconds", args.next(), 1)?,
            "--minutes" => asked.seconds = number("--minutes", args.next(), 60)?,
            target => asked.targets.push(target),
        }
    }
    Ok(asked)
}

/// A whole number above 0, of so many each.
fn number(name: &'static str, text: Option<&&str>, each: u64) -> Result<u64, FuzzError> {
    let number = text.and_then(|text| text.parse::<u64>().ok());
    let number = number.and_then(|number| number.checked_mul(each));
    let number = number.filter(|number| *number > 0);
    number.ok_or(FuzzError::NoNumber { name })
}

/// The folder, and what is built in it.
struct Fuzz {
    root: PathBuf,
    folder: PathBuf,
    built: PathBuf,
    targets: Vec<String>,
}

/// A command that is ready to run.
struct Ready(Command);

impl Fuzz {
    fn find() -> Result<Self, FuzzError> {
        let root = House::ask_cargo()?.root;
        let folder = root.join("fuzz");
        let built =
            env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        Ok(Self {
            targets: House::binaries_of(&folder.join("Cargo.toml"))?,
            root,
            folder,
            built,
        })
    }

    fn chosen<'a>(&'a self, wanted: &[&str]) -> Result<Vec<&'a str>, FuzzError> {
        let targets: Vec<&str> = self.targets.iter().map(String::as_str).collect();
        if let Some(name) = wanted.iter().find(|name| !targets.contains(name)) {
            return Err(FuzzError::UnknownTarget {
                name: (*name).to_owned(),
                known: targets.join(", "),
            });
        }
        let is_wanted = |target: &&str| wanted.is_empty() || wanted.contains(target);
        Ok(targets.into_iter().filter(is_wanted).collect())
    }

    fn write_seeds(&self) -> Result<bool, FuzzError> {
        let mut command = Command::new("cargo");
        command
            .args([
                "run",
                "--quiet",
                "--locked",
                "--example",
                "seeds",
                "--target-dir",
            ])
            .arg(self.built.join("fuzz"))
            .arg("--manifest-path")
            .arg(self.folder.join("Cargo.toml"));
        Ready(command).done("cargo")
    }

    fn run(&self, target: &str, asked: &Asked<'_>) -> Result<bool, FuzzError> {
        let kept = self.built.join("fuzz-corpus").join(target);
        files::make_folder(&kept).map_err(|source| FuzzError::Folder {
            path: kept.clone(),
            source,
        })?;
        let mut ready = self.cargo_fuzz("run")?;
        ready
            .0
            .arg(target)
            .args([&kept, &self.folder.join("corpus").join(target)])
            .arg("--")
            .arg(format!("-max_total_time={}", asked.seconds))
            .args(asked.seed.map(|seed| format!("-seed={seed}")))
            .args(LIMITS);
        ready.done("cargo fuzz")
    }

    /// `cargo fuzz` with a nightly compiler, which the sanitizers need.
    fn cargo_fuzz(&self, command: &str) -> Result<Ready, FuzzError> {
        let mut cargo = Command::new("rustup");
        cargo
            .current_dir(&self.root)
            .env("PATH", self.path())
            .args(["run", "nightly", "cargo", "fuzz", command, "--target-dir"])
            .arg(self.built.join("fuzz-nightly"));
        Ok(Ready(cargo))
    }

    /// Where `.ci/run` puts its tools, then whatever the caller has.
    fn path(&self) -> std::ffi::OsString {
        let mut path = self.built.join("tools/bin").into_os_string();
        if let Some(rest) = env::var_os("PATH") {
            path.push(":");
            path.push(rest);
        }
        path
    }
}

impl Ready {
    fn done(mut self, what: &'static str) -> Result<bool, FuzzError> {
        let status = self.0.status();
        let status = status.map_err(|source| FuzzError::Start { what, source })?;
        Ok(status.success())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_and_targets_are_read_in_any_order() {
        let expected = Asked {
            seconds: 180,
            seed: Some(7),
            seeds: false,
            targets: vec!["held", "store"],
        };
        assert_eq!(
            asked(&["held", "--minutes", "3", "store", "--seed", "7"]).unwrap(),
            expected
        );
        let asked = asked(&["--seconds", "20"]).unwrap();
        assert_eq!((asked.seconds, asked.targets.len()), (20, 0));
    }

    #[test]
    fn what_is_no_time_is_refused_with_the_usage() {
        for args in [
            &["--seconds"][..],
            &["--minutes", "0"],
            &["--minutes", "soon"],
            &["--seed", "0"],
            &["--minutes", "18446744073709551615"],
        ] {
            let refused = asked(args).unwrap_err().to_string();
            assert!(refused.contains("usage: cargo xtask fuzz"), "{refused}");
        }
    }

    #[test]
    fn a_target_that_is_not_there_is_refused_with_those_that_are() {
        let fuzz = Fuzz {
            root: PathBuf::new(),
            folder: PathBuf::new(),
            built: PathBuf::new(),
            targets: vec!["held".to_owned(), "store".to_owned()],
        };
        assert_eq!(fuzz.chosen(&[]).unwrap(), ["held", "store"]);
        assert_eq!(fuzz.chosen(&["store"]).unwrap(), ["store"]);
        let refused = fuzz.chosen(&["stores"]).unwrap_err().to_string();
        assert!(refused.contains("`stores`; the targets are held, store"));
    }
}
