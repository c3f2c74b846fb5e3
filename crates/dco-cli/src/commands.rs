//! One file for each command.

pub(crate) mod actions;
pub(crate) mod activate;
pub(crate) mod backup;
pub(crate) mod batches;
pub(crate) mod cancel;
pub(crate) mod capacity;
pub(crate) mod config;
pub(crate) mod days;
pub(crate) mod devices;
pub(crate) mod explain;
pub(crate) mod fsck;
pub(crate) mod gateway;
pub(crate) mod gateways;
pub(crate) mod limits;
pub(crate) mod load;
pub(crate) mod log;
pub(crate) mod notices;
pub(crate) mod pause;
pub(crate) mod pki;
pub(crate) mod products;
pub(crate) mod report;
pub(crate) mod restore;
pub(crate) mod schedule;
pub(crate) mod send;
pub(crate) mod serve;
pub(crate) mod sim;
pub(crate) mod transfers;
pub(crate) mod watch;

use crate::cli::{Command, Desk, Staff};
use crate::exit::{Answer, Failure};
use crate::output::Output;

/// Does what was asked for.
pub(crate) async fn run(command: Command, output: Output) -> Result<Answer, Failure> {
    match command {
        Command::Serve(serve) => serve.run(output).await,
        Command::Demo(demo) => demo.run(output).await,
        Command::Pki(pki) => pki.run(),
        Command::Config(config) => config.run(),
        Command::Send(send) => send.run(output).await,
        Command::Activate(activate) => activate.run(output).await,
        Command::Transfers(transfers) => transfers.run().await,
        Command::Cancel(cancel) => cancel.run().await,
        Command::Batches(batches) => batches.run().await,
        Command::Watch(watch) => watch.run(output).await,
        Command::Explain(explain) => explain.run().await,
        Command::Desk(desk) => at_the_desk(desk, output).await,
        Command::Gateway(gateway) => gateway.run(output).await,
        Command::Staff(staff) => run_for_staff(staff, output).await,
        Command::Load(load) => load.run(output).await,
        Command::Sim(sim) => sim.run(output),
    }
}

async fn run_for_staff(command: Staff, output: Output) -> Result<Answer, Failure> {
    match command {
        Staff::Devices(devices) => devices.run(output).await,
        Staff::Products(products) => products.run(output).await,
        Staff::Gateways(gateways) => gateways.run().await,
        Staff::Pause(pause) => pause.run().await,
        Staff::Pauses(pauses) => pauses.run().await,
        Staff::Resume(resume) => resume.run().await,
        Staff::Backup(backup) => backup.run(output).await,
        Staff::Restore(restore) => restore.run(output),
        Staff::Fsck(fsck) => fsck.run(output),
        Staff::Log(log) => log.run(output).await,
    }
}

async fn at_the_desk(desk: Desk, output: Output) -> Result<Answer, Failure> {
    match desk {
        Desk::Schedule(schedule) => schedule.run().await,
        Desk::Capacity(capacity) => capacity.run().await,
        Desk::Actions(actions) => actions.run().await,
        Desk::Notices(notices) => notices.run(output).await,
        Desk::Limits(limits) => limits.run().await,
        Desk::Days(days) => days.run().await,
        Desk::Report(report) => report.run().await,
    }
}
