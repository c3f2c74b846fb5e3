//! The service under load: one that runs, or one of our own in a temporary folder.

use std::path::{Path, PathBuf};

use clap::Args;
use dco_client::{Endpoint, Identity};
use dco_load::{Party, Service, Signer, Target, TlsFiles};
use dco_server::{Clock, ConfigFile};
use tempfile::TempDir;

use super::failure;
use crate::development::{self, Places, Registered};
use crate::exit::Failure;
use crate::files;
use crate::pki::{self, ImageSigner};

/// Which service, and as whom.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Service")]
pub(super) struct Where {
    /// A running service; without it one is started in a temporary folder and removed again
    #[arg(long, value_name = "HOST:PORT")]
    server: Option<String>,
    /// The name in the service's certificate, where it is not the host of --server
    #[arg(long, value_name = "NAME", requires = "server")]
    server_name: Option<String>,
    /// The folder of `dco pki`, with user1, gateway1 and so on, operator1 and signer.key
    #[arg(long, value_name = "DIR", default_value = "pki", requires = "server")]
    pki: PathBuf,
    /// Let the load leave this machine: --server may be an address that is not loopback
    #[arg(long, requires = "server")]
    beyond_loopback: bool,
    /// The process of --server, where it is on this machine: then its memory is told
    #[arg(long, value_name = "PID", requires = "server")]
    service_pid: Option<u32>,
    #[command(flatten)]
    own: Own,
}

/// What a service of our own needs.
#[derive(Debug, Clone, Args)]
pub(super) struct Own {
    /// The folder whose disk the service and the machine's limits stand on; what is written there is removed again
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Users that send
    #[arg(long, value_name = "N", default_value_t = 4,
        value_parser = clap::value_parser!(u16).range(1..=1_000))]
    users: u16,
}

/// Everything that runs. The service of our own ends with it.
#[derive(Debug)]
pub(super) struct World {
    pub(super) target: Target,
    pub(super) service: Option<Service>,
    pub(super) tls: TlsFiles,
    folder: TempDir,
}

/// Of PEM files; a bundle of authorities may have so much.
const PEM_BYTES_MAX: u64 = 1024 * 1024;

impl Where {
    /// The service that is meant, and so many gateways.
    pub(super) async fn world(&self, gateways: u16) -> Result<World, Failure> {
        let Some(server) = &self.server else {
            return self.own.world(gateways).await;
        };
        let local = Target::is_loopback(server).await.map_err(failure)?;
        if !local && !self.beyond_loopback {
            return Err(Failure::usage(format!(
                "{server} is not on this machine; give --beyond-loopback if it is yours to load"
            )));
        }
        let folder = super::temporary(&self.own.dir)?;
        let host = server.rsplit_once(':').map_or(server.as_str(), |it| it.0);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = self.server_name.as_deref().unwrap_or(host);
        let endpoint = Endpoint::new(server, name);
        let mut target = target(&self.pki, endpoint, (self.own.users, gateways))?;
        target.process = self.service_pid;
        // Only the limit of TLS needs a certificate of our own here.
        let parties = development::parties(0, 0);
        let pki = folder.path().join("limits-pki");
        development::make_pki(&pki, &parties, Clock::wall().now_us())?;
        Ok(World {
            target,
            service: None,
            tls: tls_files(&pki)?,
            folder,
        })
    }
}

impl Own {
    /// A service of our own, with a PKI and a configuration for so many gateways.
    pub(super) async fn world(&self, gateways: u16) -> Result<World, Failure> {
        let folder = super::temporary(&self.dir)?;
        let path = std::path::absolute(folder.path()).map_err(Failure::data)?;
        let parties = development::parties(self.users, gateways);
        let pki = path.join("pki");
        development::make_pki(&pki, &parties, Clock::wall().now_us())?;
        let config = path.join("dco.toml");
        files::write_new(&config, config_text(&parties)?.as_bytes())?;
        let program = std::env::current_exe().map_err(Failure::internal)?;
        let service = Service::start(program, config).await.map_err(failure)?;
        let endpoint = Endpoint::new(service.address().to_string(), "localhost");
        let mut target = target(&pki, endpoint, (self.users, gateways))?;
        target.process = service.process();
        Ok(World {
            target,
            service: Some(service),
            tls: tls_files(&pki)?,
            folder,
        })
    }
}

impl World {
    /// Where a load may keep what it needs.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// The development configuration with room for the load: what is asked is how fast it is, and not whether it refuses. Images are verified
/// as ever, signatures too.
fn config_text(parties: &[Registered]) -> Result<String, Failure> {
    let places = Places {
        data_dir: "data".into(),
        listen: "127.0.0.1:0",
        http_listen: "127.0.0.1:0",
    };
    let text = development::config(&places, Path::new("pki"), parties);
    let mut file: ConfigFile = toml::from_str(&text).map_err(Failure::internal)?;
    let connections = u32::try_from(parties.len()).unwrap_or(u32::MAX) + 4_096;
    file.connections.max = connections;
    file.connections.per_peer_max = connections;
    file.connections.handshakes_per_address_max = file.connections.handshakes_max;
    file.connections.handshakes_per_address_second_max = 1_000_000;
    file.connections.calls_per_peer_max = 100_000;
    file.capacity.per_day = 10_000_000;
    file.capacity.allowance_per_day = 10_000_000;
    file.capacity.burst = 10_000;
    file.attempt.per_gateway_max = 10_000;
    file.breaker.failures = 0;
    file.stop.attempts = 0;
    file.thresholds.transfers_total_max = u32::MAX;
    file.thresholds.transfers_per_user_max = u32::MAX;
    file.thresholds.activations_total_max = u32::MAX;
    file.thresholds.activations_per_user_max = u32::MAX;
    file.thresholds.request_bytes_total_max = u32::MAX;
    file.thresholds.request_bytes_per_user_max = u32::MAX;
    file.thresholds.schedule_steps_total_max = u32::MAX;
    file.thresholds.schedule_steps_per_user_max = u32::MAX;
    file.limits.open_transfers_per_user_max = 100_000;
    file.intake.streams_max = 10_000;
    file.intake.streams_per_user_max = 10_000;
    toml::to_string(&file).map_err(Failure::internal)
}

fn target(
    pki: &Path,
    endpoint: Endpoint,
    (users, gateways): (u16, u16),
) -> Result<Target, Failure> {
    let ca_pem = read(&pki.join("ca.pem"))?;
    let party = |name: String| {
        let certificate_pem = read(&pki.join(format!("{name}.pem")))?;
        let eui64 = pki::eui64_of(&certificate_pem)
            .map_err(|why| Failure::data(format!("{name}.pem: {why}")))?;
        Ok(Party {
            eui64,
            identity: Identity {
                ca_pem: ca_pem.clone(),
                certificate_pem,
                key_pem: read(&pki.join(format!("{name}.key")))?,
            },
        })
    };
    let some = |kind: &str, count: u16| {
        let parties = (1..=count).map(|number| party(format!("{kind}{number}")));
        parties.collect::<Result<Vec<_>, Failure>>()
    };
    let key = files::read_text(&pki.join("signer.key"), PEM_BYTES_MAX)?;
    let signer =
        ImageSigner::from_pem(&key).map_err(|why| Failure::data(format!("signer.key: {why}")))?;
    Ok(Target {
        endpoint,
        users: some("user", users)?,
        gateways: some("gateway", gateways)?,
        operator: party("operator1".to_owned())?,
        signer: Signer::new(move |digest| signer.sign_digest(digest)),
        process: None,
    })
}

fn tls_files(pki: &Path) -> Result<TlsFiles, Failure> {
    Ok(TlsFiles {
        ca_pem: read(&pki.join("ca.pem"))?,
        certificate_pem: read(&pki.join("server.pem"))?,
        key_pem: read(&pki.join("server.key"))?,
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    Ok(files::read(path, PEM_BYTES_MAX)?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_of_a_load_is_good_and_lets_every_party_connect() {
        for (users, gateways) in [(1, 0), (4, 10_000)] {
            let parties = development::parties(users, gateways);
            let text = config_text(&parties).unwrap();
            let config = dco_server::Config::parse(&text, Path::new("/base")).unwrap();
            assert!(config.connections.max > parties.len());
        }
    }

    #[tokio::test]
    async fn another_machine_is_not_loaded_without_being_told_to() {
        let given = Where {
            server: Some("192.0.2.1:7443".to_owned()),
            server_name: None,
            pki: "pki".into(),
            beyond_loopback: false,
            service_pid: None,
            own: Own {
                dir: ".".into(),
                users: 1,
            },
        };
        let refused = given.world(1).await.unwrap_err();
        assert!(refused.message.contains("--beyond-loopback"), "{refused:?}");
    }
}
