//! `dco load limits`: what the machine itself can do.

use std::path::PathBuf;

use clap::Args;
use dco_load::{TlsFiles, measure_limits};
use dco_server::Clock;

use super::{failure, shown, temporary, to_json};
use crate::development;
use crate::exit::{Answer, Failure};
use crate::files;
use crate::output::{Output, Unit};

/// The machine's own: disk, sync, store, journal, TLS on loopback and SHA-256
#[derive(Debug, Args)]
#[command(long_about = "\
Measure what the machine itself can do, without a service: the disk (1 MiB writes, a sync every
8 MiB), a small write with its fdatasync, the block log with 16 senders, the journal with a
thousand records in a commit, one TLS 1.3 connection on loopback, and SHA-256 in one thread.
Medians of the rounds. The other kinds of load measure the same before and after, and show their
figures beside it.

Example:
  dco load limits --dir /var/lib/dco --json")]
pub(super) struct Limits {
    /// The folder whose disk is measured; what is written there is removed again
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Rounds; the figures are their medians
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: u32,
}

impl Limits {
    /// Takes the thread until it is done: nothing else is going on in this program.
    pub(super) fn run(self, output: Output) -> Result<Answer, Failure> {
        let folder = temporary(&self.dir)?;
        let tls = certificate(&folder)?;
        let bar = output.bar("measuring", self.rounds.into(), Unit::Rounds);
        let measured = measure_limits(folder.path(), &tls, self.rounds, &mut |done, _| {
            bar.set_position(done.into());
        });
        let limits = measured.map_err(failure)?;
        Ok(Answer::new(shown::limits(&limits), to_json(&limits)?))
    }
}

fn certificate(folder: &tempfile::TempDir) -> Result<TlsFiles, Failure> {
    let pki = folder.path().join("pki");
    let parties = development::parties(0, 0);
    let paths = development::make_pki(&pki, &parties, Clock::wall().now_us())?;
    let server = paths.parties.first();
    let server = server.ok_or_else(|| Failure::internal("the service is the first party"))?;
    let read = |path| Ok::<_, Failure>(files::read(path, u64::MAX)?.into());
    Ok(TlsFiles {
        ca_pem: read(&paths.ca.certificate)?,
        certificate_pem: read(&server.certificate)?,
        key_pem: read(&server.key)?,
    })
}
