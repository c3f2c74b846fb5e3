//! All checks in order, the quick ones first. `.ci/run` calls the same after installing what it needs.

use std::io::{self, Write};
use std::process::Command;

/// One check: a cargo command line and what it needs in the environment.
#[derive(Debug)]
struct Step {
    name: &'static str,
    args: &'static [&'static str],
    env: &'static [(&'static str, &'static str)],
}

const STEPS: &[Step] = &[
    step("fmt", &["fmt", "--all", "--check"]),
    step("layers", &["xtask", "layers"]),
    step("tidy", &["xtask", "tidy"]),
    step(
        "clippy",
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ],
    ),
    step(
        "test",
        &["test", "--workspace", "--locked", "--no-fail-fast"],
    ),
    Step {
        env: &[("RUSTDOCFLAGS", "-Dwarnings")],
        ..step(
            "doc",
            &[
                "doc",
                "--workspace",
                "--no-deps",
                "--document-private-items",
                "--locked",
            ],
        )
    },
];

const fn step(name: &'static str, args: &'static [&'static str]) -> Step {
    Step {
        name,
        args,
        env: &[],
    }
}

/// A step that could not be run at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CiError {
    #[error("there is no step `{name}`; the steps are {}", names().join(", "))]
    UnknownStep { name: String },
    #[error("cargo could not be started for step `{name}`")]
    Start {
        name: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("the output is closed")]
    Output(#[from] io::Error),
}

/// Runs the named steps, or all, in their order, and stops at the first that fails: `false` then.
pub(crate) fn run(names: &[&str], out: &mut impl Write) -> Result<bool, CiError> {
    for step in chosen(names)? {
        writeln!(out, "==> {}: cargo {}", step.name, step.args.join(" "))?;
        if !step.run()? {
            writeln!(out, "==> {}: failed", step.name)?;
            return Ok(false);
        }
    }
    Ok(true)
}

impl Step {
    fn run(&self) -> Result<bool, CiError> {
        let status = Command::new("cargo")
            .args(self.args)
            .envs(self.env.iter().copied())
            .status();
        let status = status.map_err(|source| CiError::Start {
            name: self.name,
            source,
        })?;
        Ok(status.success())
    }
}

fn chosen(wanted: &[&str]) -> Result<Vec<&'static Step>, CiError> {
    if let Some(name) = wanted.iter().find(|name| !names().contains(*name)) {
        return Err(CiError::UnknownStep {
            name: (*name).to_owned(),
        });
    }
    let steps = STEPS.iter();
    Ok(steps
        .filter(|step| wanted.is_empty() || wanted.contains(&step.name))
        .collect())
}

fn names() -> Vec<&'static str> {
    STEPS.iter().map(|step| step.name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_steps_run_in_their_order_unless_some_are_named() {
        let all = chosen(&[]).unwrap();
        let all: Vec<&str> = all.iter().map(|step| step.name).collect();
        assert_eq!(all, ["fmt", "layers", "tidy", "clippy", "test", "doc"]);
        let some = chosen(&["clippy", "fmt"]).unwrap();
        let some: Vec<&str> = some.iter().map(|step| step.name).collect();
        assert_eq!(some, ["fmt", "clippy"]);
    }

    #[test]
    fn an_unknown_step_is_refused_by_name_before_anything_runs() {
        let mut out = Vec::new();
        let error = run(&["fmt", "deploy"], &mut out).unwrap_err().to_string();
        assert!(
            error.contains("`deploy`") && error.contains("fmt, layers"),
            "{error}"
        );
        assert!(out.is_empty());
    }
}
