use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::config::Eui64From;
use crate::pki::Authority;

struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn put(&self, name: &str, text: &str) {
        tokio::fs::write(self.path(name), text).await.unwrap();
    }

    async fn put_identity(&self) {
        let authority = Authority::new("authority");
        let identity = authority.issue(None);
        self.put("ca.pem", &authority.pem).await;
        self.put("server.pem", &identity.certificate_pem).await;
        self.put("server.key", &identity.key_pem).await;
    }

    fn names(&self) -> TlsFiles {
        TlsFiles {
            ca: self.path("ca.pem"),
            certificate: self.path("server.pem"),
            key: self.path("server.key"),
            crls: Vec::new(),
            eui64_from: Eui64From::Subject,
            reload_every: Duration::from_secs(1),
            warn_before: Duration::ZERO,
        }
    }

    async fn refused(&self) -> String {
        match load(self.names()).await {
            Ok(_) => panic!("it must be refused"),
            Err(error) => error.to_string(),
        }
    }
}

#[tokio::test]
async fn what_is_renewed_is_taken_over_and_what_is_broken_is_not() {
    let files = Files::new();
    files.put_identity().await;
    let (credentials, mut reloader) = load(files.names()).await.unwrap();
    let first = credentials.borrow().config.clone();
    let same = || Arc::ptr_eq(&first, &credentials.borrow().config);
    // 2049-01-01.
    assert_eq!(credentials.borrow().ends.certificate, 2_493_072_000);

    assert!(!reloader.look().await.unwrap());
    files.put("server.key", "half a fi").await;
    assert!(matches!(reloader.look().await, Err(TlsError::Pem { .. })));
    assert!(same());
    files.put_identity().await;
    assert!(reloader.look().await.unwrap());
    assert!(!same());
    assert!(!reloader.look().await.unwrap());
}

#[tokio::test]
async fn files_that_are_not_there_or_not_what_they_should_be_are_named() {
    let files = Files::new();
    assert!(files.refused().await.contains("ca.pem"));
    files.put_identity().await;
    files.put("server.pem", "").await;
    let refused = files.refused().await;
    assert!(
        refused.contains("server.pem") && refused.contains("certificate"),
        "{refused}"
    );
    files.put_identity().await;
    let other = Authority::new("other").issue(None);
    files.put("server.key", &other.key_pem).await;
    let refused = files.refused().await;
    assert!(refused.contains("cannot be used together"), "{refused}");
}

#[tokio::test]
async fn a_revocation_list_that_is_none_is_named() {
    let files = Files::new();
    files.put_identity().await;
    files
        .put(
            "ca.crl",
            "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
        )
        .await;
    for text in ["ca.crl", "ca.pem"] {
        let names = TlsFiles {
            crls: vec![files.path(text)],
            ..files.names()
        };
        let refused = load(names).await.err().unwrap().to_string();
        let said = format!("{text} holds no certificate revocation list");
        assert!(refused.contains(&said), "{refused}");
    }
}
