//! How does a person use it?
//!
//! The program `dco`: the service itself, a demonstration of it, a development PKI, a simulated
//! gateway, and a command for each thing that Users and operators ask of the service. A command
//! takes its arguments, does its work through the crates beside this one and gives an answer, for
//! people or, with `--json`, for programs; how it ended is in the exit code.
//!
//! Deliberately absent: rules of any kind. What may be sent, when it is released and why it waits
//! is said by the service; this program only shows it.

mod backup;
mod chart;
mod cli;
mod commands;
mod connect;
mod decision_log;
mod demo;
mod development;
mod device_list;
mod exit;
mod files;
mod image;
mod inventory;
mod logging;
mod names;
mod output;
mod paging;
mod pki;
mod quota;
mod show;
mod signing;
mod stop;
mod table;
mod when;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::exit::Failure;
use crate::output::Output;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misused(&error),
    };
    let output = Output::new(cli.json);
    let result = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::internal(format!("cannot start: {error}")))
        .and_then(|runtime| runtime.block_on(commands::run(cli.command, output)));
    output.end(result).into()
}

/// Every failure is labelled as one where it is said.
fn without_its_label(message: &str) -> &str {
    let message = message.trim_end();
    message.strip_prefix("error: ").unwrap_or(message)
}

/// What clap says of a wrong command line, or of a request for help; a program that asked for JSON is told
/// the former as every other failure.
fn misused(error: &clap::Error) -> ExitCode {
    let json = std::env::args().any(|argument| argument == "--json");
    if json && error.use_stderr() {
        let output = Output::new(true);
        return output
            .end(Err(Failure::usage(without_its_label(&error.to_string()))))
            .into();
    }
    // Whoever cannot be told has gone.
    let _gone = error.print();
    match u8::try_from(error.exit_code()) {
        Ok(code) => ExitCode::from(code),
        Err(_) => ExitCode::FAILURE,
    }
}
