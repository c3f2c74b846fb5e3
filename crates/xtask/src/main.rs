//! How is the house kept in order?
//!
//! `cargo xtask layers` refuses an edge between crates that the design does not have, `tidy` checks what neither the compiler nor
//! clippy looks at (sizes, docs, files that no module names, words, white space, the README's table), `sizes` prints how large
//! everything is, `ci` runs all checks in order, `kill` runs as many rounds as wanted of the test that kills the service, `fuzz` runs
//! the fuzz targets, and `coverage` tells what the tests run.
//!
//! Every check is a function from data to findings. Only [`house`] asks cargo and only [`files`] reads files. Deliberately absent: a
//! list of exceptions, and a parser of Rust; [`source`] knows comments, literals, attributes and braces, which is enough.

mod ci;
mod coverage;
mod files;
mod finding;
mod fuzz;
mod house;
mod kill;
mod layers;
mod sizes;
mod source;
mod tidy;
mod tree;

use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use finding::Finding;
use house::House;
use tree::Tree;

const USAGE: &str = "\
usage: cargo xtask COMMAND
  layers        refuse an edge between crates that the table of layers does not have
  tidy          sizes, docs, questions, files no module names, words, white space, the README's table
  sizes         print files, lines and functions of each crate
  ci [STEP..]   run the checks in order (all, or only those named): fmt layers tidy clippy test doc
  kill [--rounds N] [--seed S]
                load the service, kill it, start it and hold it to what it had acknowledged, N times (50)
  fuzz [--seconds N | --minutes N] [--seed N] [TARGET..]
                run the fuzz targets (all, or only those named), each for so long (one minute)
  fuzz --seeds  write the inputs that fuzzing begins with into fuzz/corpus/
  coverage [CRATE..]
                print what the tests of the crates run (of all but the end-to-end tests)";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    match run(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Nothing is left to do if standard error is closed.
            let _ = writeln!(io::stderr(), "xtask: {error}");
            ExitCode::from(2)
        }
    }
}

/// Runs one command; `false` if it found something wrong.
fn run(args: &[String]) -> Result<bool, Box<dyn Error>> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["layers"] => report("layers", &layers::check(&House::ask_cargo()?)),
        ["tidy"] => report("tidy", &tidy::check(&Tree::read(House::ask_cargo()?)?)),
        ["sizes"] => {
            write!(
                io::stdout(),
                "{}",
                sizes::table(&Tree::read(House::ask_cargo()?)?)
            )?;
            Ok(true)
        }
        ["ci", steps @ ..] => Ok(ci::run(steps, &mut io::stdout())?),
        ["kill", args @ ..] => Ok(kill::run(args)?),
        ["fuzz", args @ ..] => Ok(fuzz::run(args, &mut io::stdout())?),
        ["coverage", crates @ ..] => Ok(coverage::run(crates)?),
        _ => Err(USAGE.into()),
    }
}

fn report(check: &str, findings: &[Finding]) -> Result<bool, Box<dyn Error>> {
    let mut out = io::stdout();
    for finding in findings {
        writeln!(out, "{finding}")?;
    }
    match findings.len() {
        0 => writeln!(out, "{check}: in order")?,
        count => writeln!(out, "{check}: {count} findings")?,
    }
    Ok(findings.is_empty())
}
