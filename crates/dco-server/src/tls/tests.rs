use std::path::PathBuf;
use std::time::Duration;

use p256::SecretKey;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::elliptic_curve::Generate;
use p256::pkcs8::{EncodePrivateKey, LineEnding};
use x509_cert::Certificate;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{self, Builder, CertificateBuilder};
use x509_cert::certificate::{TbsCertificate, Version};
use x509_cert::crl::{CertificateList, TbsCertList};
use x509_cert::der::asn1::{BitString, Uint};
use x509_cert::der::{DateTime, Encode, EncodePem};
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, BasicConstraints, CrlNumber, KeyUsages};
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{SubjectPublicKeyInfo, SubjectPublicKeyInfoRef};
use x509_cert::time::{Time, Validity};

use super::*;
use crate::config::Eui64From;
use crate::pki::{Authority, PartyKey};

/// 2020-01-01, 2021-01-01 and 2049-01-01.
const START: u64 = 1_577_836_800;
const PAST: u64 = 1_609_459_200;
const END: u64 = 2_493_072_000;
/// A day that has not come.
const AHEAD: u64 = 2_492_985_600;

/// An authority that issues revocation lists.
struct Issuer {
    key: SecretKey,
    name: Name,
}

impl Issuer {
    fn new(name: &str) -> Self {
        Self {
            key: SecretKey::generate(),
            name: format!("CN={name}").parse().unwrap(),
        }
    }

    /// A certificate by this one for another.
    fn certificate(&self, subject: &Self, end: u64) -> Certificate {
        let signing = SigningKey::from(&subject.key);
        let public = SubjectPublicKeyInfo::from_key(signing.verifying_key()).unwrap();
        let validity = Validity::new(instant(START), instant(end));
        let profile = Plain {
            issuer: self.name.clone(),
            subject: subject.name.clone(),
        };
        CertificateBuilder::new(profile, SerialNumber::from(1_u32), validity, public)
            .unwrap()
            .build::<_, DerSignature>(&SigningKey::from(&self.key))
            .unwrap()
    }

    fn pem(&self, subject: &Self, end: u64) -> String {
        let certificate = self.certificate(subject, end);
        certificate.to_pem(LineEnding::LF).unwrap()
    }

    fn key_pem(&self) -> String {
        let pem = self.key.to_pkcs8_pem(LineEnding::LF).unwrap();
        pem.to_string()
    }

    /// A list that names nobody.
    fn list(&self, number: Option<u8>, this_update: u64) -> String {
        let number = number.map(|number| {
            let number = CrlNumber(Uint::new(&[number]).unwrap());
            number.to_extension(&self.name, &[]).unwrap()
        });
        let authority = AuthorityKeyIdentifier::default();
        let authority = authority.to_extension(&self.name, &[]).unwrap();
        let signed = self.certificate(self, END);
        let tbs_cert_list: TbsCertList = TbsCertList {
            version: Version::V2,
            signature: signed.signature_algorithm().clone(),
            issuer: self.name.clone(),
            this_update: instant(this_update),
            next_update: Some(instant(END)),
            revoked_certificates: None,
            crl_extensions: Some(number.into_iter().chain([authority]).collect()),
        };
        let signing = SigningKey::from(&self.key);
        let signature: DerSignature = signing.sign(&tbs_cert_list.to_der().unwrap());
        let list = CertificateList {
            signature_algorithm: tbs_cert_list.signature.clone(),
            signature: BitString::from_bytes(signature.as_bytes()).unwrap(),
            tbs_cert_list,
        };
        list.to_pem(LineEnding::LF).unwrap()
    }
}

struct Plain {
    issuer: Name,
    subject: Name,
}

impl BuilderProfile for Plain {
    fn get_issuer(&self, _: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        _: SubjectPublicKeyInfoRef<'_>,
        _: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        let any = BasicConstraints {
            ca: true,
            path_len_constraint: None,
        };
        Ok(vec![any.to_extension(tbs.subject(), &[])?])
    }
}

fn instant(seconds: u64) -> Time {
    Time::from(DateTime::from_unix_duration(Duration::from_secs(seconds)).unwrap())
}

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

    /// A service whose certificate leads over an issuing authority to the root.
    async fn put_chain(&self, root: &Issuer, issuing: &Issuer) {
        let service = Issuer::new("service");
        let own = issuing.pem(&service, END);
        self.put("ca.pem", &root.pem(root, END)).await;
        self.put("server.pem", &(own + &root.pem(issuing, END)))
            .await;
        self.put("server.key", &service.key_pem()).await;
    }

    fn with_list(&self) -> TlsFiles {
        TlsFiles {
            crls: vec![self.path("crl.pem")],
            ..self.names()
        }
    }

    /// The same, with certificates of issuers that only peers show.
    fn with_issuers(&self) -> TlsFiles {
        TlsFiles {
            issuers: vec![self.path("issuers.pem")],
            ..self.with_list()
        }
    }

    fn names(&self) -> TlsFiles {
        TlsFiles {
            ca: self.path("ca.pem"),
            certificate: self.path("server.pem"),
            key: self.path("server.key"),
            crls: Vec::new(),
            issuers: Vec::new(),
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
async fn a_key_that_was_put_on_one_line_or_cut_off_is_refused_without_its_octets() {
    let files = Files::new();
    files.put_identity().await;
    let key = Authority::new("other").issue(None).key_pem;
    let lines: Vec<_> = key.lines().collect();
    let secret = format!("{:?}", &lines[1].as_bytes()[..8]);
    let secret = secret.trim_matches(['[', ']']);
    for text in [
        lines.join(" "),
        lines.concat(),
        lines[..2].join(" "),
        lines[..2].join("\n"),
        format!("{}{}", lines[0], lines[1]),
    ] {
        files.put("server.key", &text).await;
        let refused = files.refused().await;
        assert!(refused.contains("server.key"), "{refused}");
        assert!(!refused.contains(secret), "{refused}");
        assert!(!refused.contains(&lines[1][..8]), "{refused}");
    }
}

#[tokio::test]
async fn whose_key_is_for_something_else_is_refused_and_other_curves_only_where_smki_names_parties()
{
    let authority = Authority::new("authority");
    let files = Files::new();
    files.put_identity().await;
    files.put("ca.pem", &authority.pem).await;
    let agreement = Some(KeyUsages::KeyAgreement);
    let signature = Some(KeyUsages::DigitalSignature);
    // By subject, and by SAN.
    let cases = [
        (PartyKey::p256(), signature, [None, None]),
        (PartyKey::p256(), None, [None, None]),
        (PartyKey::rsa(), signature, [Some("P-256"), None]),
        (
            PartyKey::p256(),
            agreement,
            [Some("digitalSignature"), Some("digitalSignature")],
        ),
        (
            PartyKey::rsa(),
            agreement,
            [Some("digitalSignature"), Some("digitalSignature")],
        ),
    ];
    for (key, usage, lacks) in cases {
        let party = "90-B3-D5-1F-30-01-00-00".parse().unwrap();
        let identity = authority.issue_for(Some(party), &key, usage);
        let own = CertificateDer::from_pem_slice(identity.certificate_pem.as_bytes()).unwrap();
        for (eui64_from, lacks) in [Eui64From::Subject, Eui64From::San].into_iter().zip(lacks) {
            let names = TlsFiles {
                eui64_from,
                ..files.names()
            };
            let (credentials, _reloader) = load(names).await.unwrap();
            let verifier = Arc::clone(&credentials.borrow().verifier);
            let verified = verifier.verify_client_cert(&own, &[], UnixTime::now());
            let why = verified.err().map(|error| {
                let error = io::Error::other(error);
                OffProfile::behind(&error)
                    .expect("of the profile")
                    .to_string()
            });
            match (&why, lacks) {
                (Some(why), Some(lacks)) => assert!(why.contains(lacks), "{why}"),
                (why, lacks) => assert_eq!(why.as_deref(), lacks, "{usage:?}"),
            }
        }
    }
    // Of others nothing is said.
    let stranger = Authority::new("other").issue_for(None, &PartyKey::rsa(), agreement);
    let own = CertificateDer::from_pem_slice(stranger.certificate_pem.as_bytes()).unwrap();
    let (credentials, _reloader) = load(files.names()).await.unwrap();
    let verifier = Arc::clone(&credentials.borrow().verifier);
    let refused = verifier.verify_client_cert(&own, &[], UnixTime::now());
    let refused = io::Error::other(refused.unwrap_err());
    assert_eq!(OffProfile::behind(&refused), None, "{refused}");
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

async fn not_renewed(reloader: &mut Reloader) -> String {
    match reloader.look().await {
        Ok(_) => panic!("it must be refused"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_list_that_its_issuer_has_not_signed_is_refused() {
    let files = Files::new();
    let (root, issuing) = (Issuer::new("root"), Issuer::new("issuing"));
    files.put_chain(&root, &issuing).await;
    // The one is known from tls.ca, the other from tls.certificate.
    let good = [&root, &issuing].map(|it| it.list(Some(1), START)).concat();
    files.put("crl.pem", &good).await;
    let (credentials, mut reloader) = load(files.with_list()).await.unwrap();
    let first = credentials.borrow().config.clone();

    for name in ["root", "issuing"] {
        let forged = Issuer::new(name).list(Some(2), PAST);
        files.put("crl.pem", &(good.clone() + &forged)).await;
        let refused = not_renewed(&mut reloader).await;
        assert!(
            refused.contains("crl.pem") && refused.contains(&format!("CN={name} ")),
            "{refused}"
        );
        assert!(refused.contains("another key"), "{refused}");
        let at_start = load(files.with_list()).await.err().unwrap();
        assert_eq!(at_start.to_string(), refused);
    }
    assert!(Arc::ptr_eq(&first, &credentials.borrow().config));
    files.put("crl.pem", &good).await;
    assert!(!reloader.look().await.unwrap());
}

#[tokio::test]
async fn an_issuer_that_had_a_list_keeps_one_while_it_is_trusted() {
    let files = Files::new();
    let (root, issuing) = (Issuer::new("root"), Issuer::new("issuing"));
    // Only peers show its certificate.
    let of_peers = Issuer::new("of peers");
    let stranger = Issuer::new("stranger");
    files.put_chain(&root, &issuing).await;
    let issuers = [&of_peers, &stranger].map(|it| root.pem(it, END));
    files.put("issuers.pem", &issuers.concat()).await;
    let lists = [&root, &issuing, &of_peers].map(|it| it.list(Some(1), START));
    files.put("crl.pem", &lists.concat()).await;
    let (credentials, mut reloader) = load(files.with_issuers()).await.unwrap();
    let first = credentials.borrow().config.clone();

    let stranger = stranger.list(Some(9), PAST);
    let gone = ["root", "issuing", "of peers"];
    for (at, name) in gone.into_iter().enumerate() {
        let mut others = lists.to_vec();
        others[at].clone_from(&stranger);
        files.put("crl.pem", &others.concat()).await;
        let refused = not_renewed(&mut reloader).await;
        assert!(
            refused.contains(&format!("list of CN={name} ")) && refused.contains("it is gone"),
            "{refused}"
        );
        assert!(refused.contains("CN=stranger"), "{refused}");
    }
    assert!(Arc::ptr_eq(&first, &credentials.borrow().config));
}

#[tokio::test]
async fn a_list_that_cannot_be_checked_is_not_taken_over_until_its_issuer_is_at_hand() {
    let files = Files::new();
    let (root, issuing) = (Issuer::new("root"), Issuer::new("issuing"));
    // Only peers show its certificate.
    let of_peers = Issuer::new("of peers");
    files.put_chain(&root, &issuing).await;
    files.put("issuers.pem", &root.pem(&of_peers, END)).await;
    let list = of_peers.list(Some(1), START);
    files.put("crl.pem", &list).await;
    let at_start = load(files.with_list()).await.err().unwrap().to_string();
    assert!(
        at_start.contains("CN=of peers ") && at_start.contains("tls.issuers"),
        "{at_start}"
    );
    let (credentials, mut reloader) = load(files.with_issuers()).await.unwrap();
    let first = credentials.borrow().config.clone();

    // Anybody can write a list of whom nobody knows.
    let stranger = Issuer::new("stranger");
    let both = list + &stranger.list(Some(1), PAST);
    files.put("crl.pem", &both).await;
    let refused = not_renewed(&mut reloader).await;
    assert!(
        refused.contains("CN=stranger ") && refused.contains("nobody can tell who signed it"),
        "{refused}"
    );
    let forged = Issuer::new("of peers").list(Some(2), PAST);
    files.put("crl.pem", &forged).await;
    assert!(not_renewed(&mut reloader).await.contains("another key"));
    assert!(Arc::ptr_eq(&first, &credentials.borrow().config));

    let issuers = [&of_peers, &stranger].map(|it| root.pem(it, END));
    files.put("issuers.pem", &issuers.concat()).await;
    files.put("crl.pem", &both).await;
    assert!(reloader.look().await.unwrap());
    files.put("issuers.pem", "half a fi").await;
    assert!(not_renewed(&mut reloader).await.contains("issuers.pem"));
}

#[tokio::test]
async fn authorities_can_be_exchanged_together_with_their_lists() {
    let files = Files::new();
    let (root, issuing) = (Issuer::new("root"), Issuer::new("issuing"));
    files.put_chain(&root, &issuing).await;
    let lists = [&root, &issuing].map(|it| it.list(Some(1), START));
    files.put("crl.pem", &lists.concat()).await;
    let (_credentials, mut reloader) = load(files.with_list()).await.unwrap();

    let (root, issuing) = (Issuer::new("next root"), Issuer::new("next issuing"));
    let lists = [&root, &issuing].map(|it| it.list(Some(0), START));
    files.put("crl.pem", &lists.concat()).await;
    let refused = not_renewed(&mut reloader).await;
    assert!(refused.contains("nobody can tell"), "{refused}");
    files.put_chain(&root, &issuing).await;
    assert!(reloader.look().await.unwrap());
}

#[tokio::test]
async fn an_older_list_never_comes_back() {
    let files = Files::new();
    let (root, issuing) = (Issuer::new("root"), Issuer::new("issuing"));
    files.put_chain(&root, &issuing).await;
    let later = START + 1;
    // What is in force, an older one, a newer one.
    let cases = [
        [(Some(5), START), (Some(4), later), (Some(6), START)],
        [(Some(5), later), (Some(5), START), (Some(5), later + 1)],
        [(None, later), (None, START), (None, later + 1)],
        [(Some(5), later), (None, START), (None, later)],
    ];
    for case in cases {
        let [in_force, older, newer] = case.map(|(number, at)| root.list(number, at));
        files.put("crl.pem", &in_force).await;
        let (credentials, mut reloader) = load(files.with_list()).await.unwrap();
        let first = credentials.borrow().config.clone();
        files.put("crl.pem", &older).await;
        let refused = not_renewed(&mut reloader).await;
        assert!(
            refused.contains("crl.pem") && refused.contains("the one in force has"),
            "{refused}"
        );
        assert!(Arc::ptr_eq(&first, &credentials.borrow().config));
        files.put("crl.pem", &newer).await;
        assert!(reloader.look().await.unwrap());
    }
}

#[tokio::test]
async fn a_certificate_that_has_expired_is_no_renewal() {
    let files = Files::new();
    let (root, service) = (Issuer::new("root"), Issuer::new("service"));
    files.put("ca.pem", &root.pem(&root, END)).await;
    files.put("server.key", &service.key_pem()).await;
    files.put("server.pem", &root.pem(&service, END)).await;
    let (credentials, mut reloader) = load(files.names()).await.unwrap();
    let first = credentials.borrow().config.clone();
    files.put("server.pem", &root.pem(&service, PAST)).await;
    let refused = not_renewed(&mut reloader).await;
    assert!(
        refused.contains("server.pem") && refused.contains("2021"),
        "{refused}"
    );
    assert!(Arc::ptr_eq(&first, &credentials.borrow().config));

    // At the start there is nothing better, and its end keeps no newer list out.
    files.put("crl.pem", &root.list(Some(1), START)).await;
    let (_credentials, mut reloader) = load(files.with_list()).await.unwrap();
    files.put("crl.pem", &root.list(Some(2), START)).await;
    assert!(reloader.look().await.unwrap());
}

#[tokio::test]
async fn a_list_of_a_day_that_has_not_come_is_not_taken_over_and_keeps_no_true_one_out() {
    let files = Files::new();
    let (root, issuing) = (Issuer::new("root"), Issuer::new("issuing"));
    files.put_chain(&root, &issuing).await;
    files.put("crl.pem", &root.list(Some(1), START)).await;
    let (_credentials, mut reloader) = load(files.with_list()).await.unwrap();
    files.put("crl.pem", &root.list(Some(2), AHEAD)).await;
    let refused = not_renewed(&mut reloader).await;
    assert!(
        refused.contains("crl.pem") && refused.contains("has not come yet"),
        "{refused}"
    );
    files.put("crl.pem", &root.list(Some(2), START)).await;
    assert!(reloader.look().await.unwrap());

    // At the start there is nothing better, and what is in force keeps no renewed certificate out.
    files.put("crl.pem", &root.list(Some(3), AHEAD)).await;
    let (_credentials, mut reloader) = load(files.with_list()).await.unwrap();
    files.put_chain(&root, &issuing).await;
    assert!(reloader.look().await.unwrap());
}
