//! The command line.

use clap::{Parser, Subcommand};

use crate::commands::{
    actions, activate, backup, batches, cancel, capacity, config, days, devices, explain, fsck,
    gateway, gateways, limits, load, log, notices, pause, pki, products, report, restore, schedule,
    send, serve, sim, transfers, watch,
};
use crate::demo;
use crate::exit::EXIT_CODES;

/// Firmware block transfer for SMETS1 smart meters: the DCO's side of it
#[derive(Debug, Parser)]
#[command(name = "dco", version, after_help = EXIT_CODES, max_term_width = 100, long_about = "\
Firmware block transfer for SMETS1 smart meters: the DCO's side of it.

A User sends an image in blocks (SRV 11.1), then batches of Devices that shall activate it
(SRV 11.3). The service releases at most 12,000 large images a day over all Users, and gateways
take them to the Devices.

Try it without any preparation:
  dco demo

Or step by step, in four terminals:
  dco pki pki --config dco.toml
  dco serve --config dco.toml
  dco devices import devices.csv --as pki/operator1
  dco gateway --as pki/gateway1
  dco send firmware.bin --wrap pki/signer.key --devices devices.csv --as pki/user1
  dco activate --image firmware.bin --devices devices.csv --watch --as pki/user1")]
pub(crate) struct Cli {
    /// For programs: one JSON object on the last line of stdout, everything else on stderr
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Serve(serve::Serve),
    Demo(demo::Demo),
    Pki(pki::Pki),
    Config(config::Config),
    Send(Box<send::Send>),
    Activate(Box<activate::Activate>),
    Transfers(transfers::Transfers),
    Batches(batches::Batches),
    Cancel(cancel::Cancel),
    Watch(watch::Watch),
    Explain(explain::Explain),
    #[command(flatten)]
    Desk(Desk),
    Gateway(Box<gateway::Gateway>),
    #[command(flatten)]
    Staff(Staff),
    Load(Box<load::Load>),
    Sim(sim::Sim),
}

/// What operators, the Service Desk and auditors ask for.
#[derive(Debug, Subcommand)]
pub(crate) enum Staff {
    Devices(devices::Devices),
    Products(products::Products),
    Gateways(gateways::Gateways),
    Pause(pause::Pause),
    Resume(pause::Resume),
    Pauses(pause::Pauses),
    Backup(Box<backup::Backup>),
    Restore(restore::Restore),
    Fsck(fsck::Fsck),
    Log(Box<log::Log>),
}

/// What Users and the Service Desk have to do with each other.
#[derive(Debug, Subcommand)]
pub(crate) enum Desk {
    Schedule(Box<schedule::Schedule>),
    Capacity(capacity::Capacity),
    Actions(actions::Actions),
    Notices(notices::Notices),
    Limits(limits::Limits),
    Days(days::Days),
    Report(report::Report),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    fn all(command: &clap::Command) -> Vec<&clap::Command> {
        let below = command.get_subcommands().flat_map(all);
        std::iter::once(command).chain(below).collect()
    }

    /// What a command is about must not be looked for among the ways to reach the service.
    #[test]
    fn only_flags_of_the_connection_stand_under_its_heading() {
        let known = [
            "server",
            "server_name",
            "party",
            "ca",
            "cert",
            "key",
            "user",
        ];
        let cli = Cli::command();
        for command in all(&cli) {
            let args = command.get_arguments();
            let connection =
                args.filter(|it| it.get_help_heading() == Some(crate::connect::HEADING));
            for arg in connection {
                let id = arg.get_id().as_str();
                assert!(known.contains(&id), "--{id} of {}", command.get_name());
            }
        }
    }

    #[test]
    fn every_command_teaches_with_an_example() {
        fn check(command: &clap::Command) {
            let leaves: Vec<_> = command.get_subcommands().collect();
            if leaves.is_empty() {
                let help = command
                    .get_long_about()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                assert!(
                    help.contains("\n  dco "),
                    "dco {} shows no example",
                    command.get_name()
                );
            }
            leaves.into_iter().for_each(check);
        }
        check(&Cli::command());
    }

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn json_is_taken_before_and_after_the_command() {
        assert!(parse("dco --json demo").unwrap().json);
        assert!(parse("dco demo --json").unwrap().json);
        assert!(!parse("dco demo").unwrap().json);
    }

    #[test]
    fn wrong_usage_is_refused_with_exit_code_2() {
        for line in [
            "dco send image.ota --as pki/user1",
            "dco send image.ota --devices x --block-bytes 1023",
            "dco send image.bin --devices x --firmware-version 0102000A",
            "dco send image.ota --devices x --request-id seven",
            "dco activate --devices x",
            "dco activate --image x --devices x --date tomorrow",
            "dco devices",
            "dco products",
            "dco activate --image x --devices x --originator-counter -1",
            "dco report speed",
            "dco pause --ticket INC-1",
            "dco pause --ticket INC-1 --reason x --user 90-B3-D5-1F-30-01-00-00 --gateway 90-B3-D5-1F-30-03-00-00",
            "dco resume --reason why",
            "dco schedule offer schedules/1 --reason x --quota tomorrow=5",
            "dco schedule amend schedules/1 --reason x --impose --answer-by 2026-12-01",
            "dco schedule simulate --request everybody",
            "dco capacity set --capacity 5 --ticket x --reason x",
            "dco capacity set --on 2026-12-01 --ticket x --reason x",
            "dco actions approve first --reason x",
            "dco gateway --fail no-answer=1001",
            "dco load intake --rate 0",
            "dco load intake --senders 0",
            "dco load activations --service-pid 1",
            "dco load soak --server 127.0.0.1:7443",
            "dco gateway --always 00-DB-12-34-00-00-00-01=tired",
        ] {
            match parse(line) {
                Err(error) => assert_eq!(error.exit_code(), 2, "{line}"),
                Ok(_) => panic!("{line} was taken"),
            }
        }
    }

    #[test]
    fn a_resumed_transfer_needs_no_devices() {
        assert!(parse("dco send image.ota --resume transfers/4 --as pki/user1").is_ok());
    }
}
