//! How a command reaches the service, and as whom.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use clap::Args;
use dco_block::Eui64;
use dco_client::{ClientError, Code, Endpoint, Identity, Link, UserClient};
use serde_json::{Value, json};

use crate::exit::Failure;
use crate::{files, pki};

/// Each flag says it itself: a heading of the whole would go on over the flags that a command has after these.
pub(crate) const HEADING: &str = "Connection";

/// The flags of every command that talks to a service.
#[derive(Debug, Clone, Args)]
pub(crate) struct Connection {
    /// Where the service listens
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:7443", help_heading = HEADING)]
    pub(crate) server: String,
    /// The name in the service's certificate, where it is not the host of --server
    #[arg(long, value_name = "NAME", help_heading = HEADING)]
    pub(crate) server_name: Option<String>,
    /// Short for --cert PARTY.pem, --key PARTY.key and --ca ca.pem beside them
    #[arg(long = "as", value_name = "PARTY", help_heading = HEADING)]
    pub(crate) party: Option<PathBuf>,
    /// The authority that the service's certificate must come from
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    pub(crate) ca: Option<PathBuf>,
    /// The caller's own certificate
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    pub(crate) cert: Option<PathBuf>,
    /// The private key of --cert
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    pub(crate) key: Option<PathBuf>,
}

/// Whose transfers and batches are meant.
#[derive(Debug, Clone, Args)]
pub(crate) struct AsUser {
    #[command(flatten)]
    pub(crate) connection: Connection,
    /// The User whose things are meant; the one of the certificate when not given
    #[arg(long, value_name = "EUI-64", help_heading = HEADING)]
    pub(crate) user: Option<Eui64>,
}

/// PEM files are a few kilobytes; a bundle of authorities may be more.
const PEM_BYTES_MAX: u64 = 1024 * 1024;

impl Connection {
    /// Connects, or says why not.
    pub(crate) async fn link(&self) -> Result<Link, Failure> {
        Ok(Link::connect(&self.endpoint(), &self.identity()?).await?)
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        let host = self
            .server
            .rsplit_once(':')
            .map_or(self.server.as_str(), |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Endpoint::new(&self.server, self.server_name.as_deref().unwrap_or(host))
    }

    pub(crate) fn identity(&self) -> Result<Identity, Failure> {
        Ok(Identity {
            ca_pem: read(&self.ca_path()?)?.into(),
            certificate_pem: self.certificate_pem()?.into(),
            key_pem: read(&self.beside_cert(self.key.as_deref(), "key", "--key")?)?.into(),
        })
    }

    /// The EUI-64 of the caller's own certificate.
    pub(crate) fn eui64(&self) -> Result<Eui64, Failure> {
        let pem = self.certificate_pem()?;
        pki::eui64_of(&pem).map_err(|why| {
            let path = self
                .beside_cert(self.cert.as_deref(), "pem", "--cert")
                .unwrap_or_default();
            Failure::data(format!("{}: {why}", path.display()))
        })
    }

    fn certificate_pem(&self) -> Result<Bytes, Failure> {
        read(&self.beside_cert(self.cert.as_deref(), "pem", "--cert")?)
    }

    fn ca_path(&self) -> Result<PathBuf, Failure> {
        match (&self.ca, &self.party) {
            (Some(ca), _) => Ok(ca.clone()),
            (None, Some(party)) => Ok(party.with_file_name("ca.pem")),
            (None, None) => Err(missing("--ca")),
        }
    }

    /// A file named by its own flag, or the one that `--as` stands for.
    fn beside_cert(
        &self,
        own: Option<&Path>,
        extension: &str,
        flag: &str,
    ) -> Result<PathBuf, Failure> {
        match (own, &self.party) {
            (Some(own), _) => Ok(own.to_owned()),
            // Not `with_extension`: a name such as `user1.test` keeps its dot.
            (None, Some(party)) => Ok(format!("{}.{extension}", party.display()).into()),
            (None, None) => Err(missing(flag)),
        }
    }
}

impl AsUser {
    pub(crate) fn user(&self) -> Result<Eui64, Failure> {
        self.user.map_or_else(|| self.connection.eui64(), Ok)
    }

    pub(crate) async fn client(&self) -> Result<UserClient, Failure> {
        let user = self.user()?;
        Ok(UserClient::new(&self.connection.link().await?, user))
    }
}

fn read(path: &Path) -> Result<Bytes, Failure> {
    files::read(path, PEM_BYTES_MAX)
}

fn missing(flag: &str) -> Failure {
    Failure::usage(format!(
        "{flag} is missing; give --as PARTY (such as --as pki/user1), or --ca, --cert and --key"
    ))
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let failure = match (&error, error.code()) {
            (
                ClientError::Identity(_)
                | ClientError::WrongImage { .. }
                | ClientError::WrongBlocks { .. },
                _,
            ) => Self::data(&error),
            (ClientError::BadAnswer(_), _) => Self::internal(&error),
            (_, None | Some(Code::Unavailable | Code::DeadlineExceeded)) => {
                Self::unavailable(&error)
            }
            (_, Some(Code::Internal | Code::Unknown | Code::DataLoss)) => Self::internal(&error),
            _ => Self::failed(&error),
        };
        let details = details(&error);
        failure.with_details(details)
    }
}

fn details(error: &ClientError) -> Value {
    let Some(refusal) = error.refusal() else {
        return json!({ "reason": error.reason() });
    };
    json!({
        "reason": refusal.reason,
        "domain": refusal.domain,
        "message": refusal.message,
        "metadata": refusal.metadata,
        "retry_in_seconds": refusal.retry_delay.map(|delay| delay.as_secs_f64()),
        "violations": refusal.violations.iter().map(|violation| json!({
            "subject": violation.subject,
            "description": violation.description,
        })).collect::<Vec<_>>(),
        "help": refusal.help.iter().map(|link| json!({
            "description": link.description,
            "url": link.url,
        })).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use dco_client::{BlockRefusal, Refusal};

    use super::*;
    use crate::exit::Exit;

    fn connection() -> Connection {
        Connection {
            server: "127.0.0.1:7443".to_owned(),
            server_name: None,
            party: Some("pki/user1.test".into()),
            ca: None,
            cert: None,
            key: None,
        }
    }

    fn refused(code: Code) -> Failure {
        let refusal = Refusal {
            code,
            message: "no".to_owned(),
            reason: Some("UNSCHEDULED_DAILY_ALLOWANCE_USED".to_owned()),
            domain: Some("dco".to_owned()),
            metadata: [("limitPerServiceDay".to_owned(), "500".to_owned())].into(),
            retry_delay: None,
            violations: Vec::new(),
            help: Vec::new(),
        };
        ClientError::from(Box::new(refusal)).into()
    }

    #[test]
    fn a_party_stands_for_its_three_files() {
        let connection = connection();
        let path = |own: Option<&Path>, extension| {
            connection
                .beside_cert(own, extension, "--x")
                .unwrap()
                .display()
                .to_string()
        };
        assert_eq!(path(None, "pem"), "pki/user1.test.pem");
        assert_eq!(path(None, "key"), "pki/user1.test.key");
        assert_eq!(path(Some(Path::new("other.key")), "key"), "other.key");
        assert_eq!(connection.ca_path().unwrap(), Path::new("pki/ca.pem"));
    }

    #[test]
    fn a_missing_flag_is_named_with_what_to_give() {
        let connection = Connection {
            party: None,
            ..connection()
        };
        let failure = connection.identity().unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(
            failure
                .message
                .starts_with("--ca is missing; give --as PARTY")
        );
        assert!(
            connection
                .eui64()
                .unwrap_err()
                .message
                .starts_with("--cert is missing")
        );
    }

    #[test]
    fn the_server_name_is_the_host_unless_given() {
        let name = |server: &str| {
            Connection {
                server: server.to_owned(),
                ..connection()
            }
            .endpoint()
            .server_name
        };
        assert_eq!(name("127.0.0.1:7443"), "127.0.0.1");
        assert_eq!(name("[::1]:7443"), "::1");
        let given = Connection {
            server_name: Some("dco.example".to_owned()),
            ..connection()
        };
        assert_eq!(given.endpoint().server_name, "dco.example");
    }

    #[test]
    fn exit_codes_tell_refused_unavailable_and_faulty_apart() {
        assert_eq!(refused(Code::ResourceExhausted).exit, Exit::Failed);
        assert_eq!(refused(Code::PermissionDenied).exit, Exit::Failed);
        assert_eq!(refused(Code::Unavailable).exit, Exit::Unavailable);
        assert_eq!(refused(Code::Internal).exit, Exit::Internal);
        let unreachable = ClientError::Unreachable {
            address: "a:1".to_owned(),
            reason: "refused".to_owned(),
        };
        assert_eq!(Failure::from(unreachable).exit, Exit::Unavailable);
        let block = BlockRefusal {
            index: 1,
            code: Code::AlreadyExists.into(),
            reason: "BLOCK_CONTENT_CONFLICT".to_owned(),
            message: String::new(),
            metadata: std::collections::BTreeMap::default(),
        };
        let block = Failure::from(ClientError::from(Box::new(block)));
        assert_eq!(block.exit, Exit::Failed);
        assert_eq!(block.details["reason"], "BLOCK_CONTENT_CONFLICT");
    }

    #[test]
    fn a_refusal_keeps_its_reason_and_numbers() {
        let failure = refused(Code::ResourceExhausted);
        assert!(failure.message.contains("UNSCHEDULED_DAILY_ALLOWANCE_USED"));
        assert_eq!(failure.details["metadata"]["limitPerServiceDay"], "500");
    }
}
