//! `dco pki`: certificates and keys for development.

use std::path::{Path, PathBuf};

use clap::Args;
use dco_server::Clock;
use serde_json::json;

use crate::development::{self, Places, Registered};
use crate::exit::{Answer, Failure};
use crate::files;
use crate::pki::{self, PkiError};
use crate::table::{properties, table};

/// Make certificates and keys for development
#[derive(Debug, Args)]
#[command(long_about = "\
Make certificates and keys for development: a root authority and an issuing one with their
revocation lists, the service, Users, gateways, one operator, two Service Desk officers, one
auditor, and a key that signs images. The keys lie in the folder in the clear. A file that is
there already is never overwritten, but for the list that --revoke adds to.

Examples:
  dco pki pki --config dco.toml
  dco pki pki --users 3 --gateways 2
  dco pki pki --revoke user2

Then `--as pki/user1` makes any command speak as the first User.")]
pub(crate) struct Pki {
    /// The folder; it is made when it is not there
    dir: PathBuf,
    /// How many Users
    #[arg(long, visible_alias = "user", value_name = "N", default_value_t = 2,
        value_parser = clap::value_parser!(u16).range(1..=999))]
    users: u16,
    /// How many gateways
    #[arg(long, visible_alias = "gateway", value_name = "N", default_value_t = 2,
        value_parser = clap::value_parser!(u16).range(1..=999))]
    gateways: u16,
    /// Write a configuration for them, ready for `dco serve`
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Put a party's certificate on the revocation list of a folder that is there, and do nothing else
    #[arg(long, value_name = "PARTY", conflicts_with_all = ["users", "gateways", "config"])]
    revoke: Vec<String>,
}

impl Pki {
    pub(crate) fn run(self) -> Result<Answer, Failure> {
        if !self.revoke.is_empty() {
            let list = pki::revoke(&self.dir, &self.revoke, Clock::wall().now_us())?;
            let (parties, list) = (self.revoke.join(", "), list.display().to_string());
            let text = format!("revoked: {parties}; the list is {list}");
            return Ok(Answer::new(
                text,
                json!({ "revoked": self.revoke, "list": list }),
            ));
        }
        // Looked at first, so that no PKI is left over without its configuration.
        if let Some(config) = self.config.as_deref().filter(|config| config.exists()) {
            return Err(PkiError::Exists {
                path: config.to_owned(),
            }
            .into());
        }
        let parties = development::parties(self.users, self.gateways);
        let pki = development::make_pki(&self.dir, &parties, Clock::wall().now_us())?;
        if let Some(config) = &self.config {
            files::write_new(config, self.text(config, &parties)?.as_bytes())?;
        }
        Ok(self.answer(&parties, &pki.image_signing_key))
    }

    /// The configuration, with paths as they must stand in a file at this place.
    fn text(&self, config: &Path, parties: &[Registered]) -> Result<String, Failure> {
        let absolute = |path: &Path| std::path::absolute(path).map_err(Failure::data);
        let config = absolute(config)?;
        let pki = absolute(&self.dir)?;
        let base = config.parent().unwrap_or_else(|| Path::new("/"));
        let places = Places {
            data_dir: "data".into(),
            listen: "127.0.0.1:7443",
            http_listen: "127.0.0.1:7480",
        };
        Ok(development::config(
            &places,
            pki.strip_prefix(base).unwrap_or(&pki),
            parties,
        ))
    }

    fn answer(&self, parties: &[Registered], signing_key: &Path) -> Answer {
        let files = |party: &Registered| self.dir.join(&party.name).display().to_string();
        let role = |party: &Registered| party.role.map_or("service", development::role_name);
        let rows = parties.iter().map(|party| {
            vec![
                party.name.clone(),
                party.eui64.to_string(),
                role(party).to_owned(),
                files(party),
            ]
        });
        let mut below = vec![
            ("authority", self.dir.join("ca.pem").display().to_string()),
            ("signs images", signing_key.display().to_string()),
        ];
        below.extend(
            self.config
                .iter()
                .map(|path| ("configuration", path.display().to_string())),
        );
        let text = format!(
            "{}\n\n{}",
            table(&["PARTY", "EUI-64", "ROLE", "FILES (.pem, .key)"], rows),
            properties(&below)
        );
        let parties = parties.iter().map(|party| {
            json!({
                "name": party.name,
                "eui64": party.eui64.to_string(),
                "role": role(party),
                "as": files(party),
            })
        });
        let json = json!({
            "parties": parties.collect::<Vec<_>>(),
            "signing_key": signing_key.display().to_string(),
            "config": self.config.as_ref().map(|path| path.display().to_string()),
        });
        Answer::new(text, json)
    }
}

impl From<PkiError> for Failure {
    fn from(error: PkiError) -> Self {
        match error {
            PkiError::Certificate { .. } | PkiError::Random { .. } => Self::internal(error),
            _ => Self::data(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use dco_server::Config;

    use super::*;
    use crate::exit::Exit;

    fn command(dir: &Path) -> Pki {
        Pki {
            dir: dir.join("pki"),
            users: 1,
            gateways: 1,
            config: Some(dir.join("dco.toml")),
            revoke: Vec::new(),
        }
    }

    #[test]
    fn the_configuration_is_ready_for_the_service() {
        let dir = tempfile::tempdir().unwrap();
        let answer = command(dir.path()).run().unwrap();
        assert!(
            answer.text.contains("user1      90-B3-D5-1F-30-01-00-01"),
            "{}",
            answer.text
        );
        assert_eq!(answer.json["parties"][1]["role"], "user");
        let config = Config::load(&dir.path().join("dco.toml")).unwrap();
        assert!(config.tls.certificate.is_file() && config.tls.key.is_file());
        let text = files::read_text(&dir.path().join("dco.toml"), 9_999).unwrap();
        assert!(text.contains("ca = \"pki/ca.pem\""), "{text}");
    }

    #[test]
    fn nothing_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        command(dir.path()).run().unwrap();
        let again = command(dir.path()).run().unwrap_err();
        assert_eq!(again.exit, Exit::Data);
        assert!(
            again.message.contains("dco.toml exists already"),
            "{}",
            again.message
        );
        let other_config = Pki {
            config: None,
            ..command(dir.path())
        };
        assert!(
            other_config
                .run()
                .unwrap_err()
                .message
                .contains("exists already")
        );
    }
}
