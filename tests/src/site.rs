//! The folder of a scene: certificates, configuration, data.

use std::path::{Path, PathBuf};

use dco_block::Eui64;
use dco_client::Identity;
use tempfile::TempDir;

use crate::{Settings, dco, read, read_text, write};

/// Small segments: a test's service writes little, and room is reserved for whole segments.
const SEGMENT_BYTES: i64 = 4 * 1024 * 1024;

/// Three Users, two gateways, an operator, two officers of the Service Desk and an auditor, with their certificates, and a configuration that
/// registers them. Gone with the value.
#[derive(Debug)]
pub struct Site {
    folder: TempDir,
    settings: Settings,
}

impl Site {
    /// Makes it with `dco pki`; `edit` changes the configuration.
    pub async fn new(edit: impl FnOnce(Settings) -> Settings) -> Self {
        let folder = TempDir::new().expect("there is room for a folder");
        let path = |name: &str| folder.path().join(name).into_os_string();
        let (pki, config) = (path("pki"), path("dco.toml"));
        let args = ["pki", "--users", "3", "--gateways", "2", "--config"].map(Into::into);
        dco(args.into_iter().chain([config.clone(), pki]))
            .await
            .expect_code(0);
        let settings = Settings::read(&read_text(Path::new(&config)))
            .with("listen", "127.0.0.1:0")
            .with("http_listen", "127.0.0.1:0")
            .with("drain_seconds", 2)
            // Most tests are of other things: their images bear any signature.
            .with("trust.image_signature", false)
            .with("store.block_segment_bytes", SEGMENT_BYTES)
            .with("store.journal_segment_bytes", SEGMENT_BYTES);
        let mut site = Self { folder, settings };
        site.set(edit);
        site
    }

    /// Changes the configuration; the next start of the service reads it.
    pub fn set(&mut self, edit: impl FnOnce(Settings) -> Settings) {
        self.settings = edit(self.settings.clone());
        write(&self.config(), self.settings.text());
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The configuration's file.
    pub fn config(&self) -> PathBuf {
        self.path("dco.toml")
    }

    /// What `--as` takes for a party.
    pub fn party(&self, name: &str) -> PathBuf {
        self.path("pki").join(name)
    }

    /// The EUI-64 that a party such as `user1` is registered with.
    pub fn eui64(&self, name: &str) -> Eui64 {
        let mut parties = self.settings.parties();
        let (_, eui64) = parties
            .find(|(party, _)| *party == name)
            .unwrap_or_else(|| panic!("no party is called {name}"));
        eui64.parse().expect("dco pki writes EUI-64s")
    }

    /// A party's certificate and key, and the authority of the service.
    pub fn identity(&self, name: &str) -> Identity {
        let pem = |file: String| read(&self.path("pki").join(file));
        Identity {
            ca_pem: pem("ca.pem".to_owned()),
            certificate_pem: pem(format!("{name}.pem")),
            key_pem: pem(format!("{name}.key")),
        }
    }
}
