use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;

use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{DerSignature, Signature, VerifyingKey};
use p256::pkcs8::DecodePublicKey;
use tempfile::TempDir;
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, SubjectAltName};

use super::*;

/// 2026-03-01 00:00 UTC.
const NOT_BEFORE_US: i64 = 1_772_323_200_000_000;

fn party(file_name: &str, eui64: u64, server_names: Vec<ServerName>) -> Party {
    Party {
        file_name: file_name.to_owned(),
        common_name: format!("{file_name} of the test"),
        role_code: ROLE_SUPPLIER,
        eui64: Eui64::from_bits(eui64),
        server_names,
    }
}

fn plan() -> PkiPlan {
    PkiPlan {
        parties: vec![
            party("server", 0x90B3_D51F_3000_0002, loopback_names()),
            party("supplier", 0x90B3_D51F_3001_0000, Vec::new()),
        ],
        not_before_us: NOT_BEFORE_US,
        validity_days: 365,
    }
}

#[expect(clippy::disallowed_methods, reason = "looks at what was written")]
fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

fn certificate(path: &Path) -> Certificate {
    Certificate::load_pem_chain(&read(path)).unwrap().remove(0)
}

fn verifying_key(certificate: &Certificate) -> VerifyingKey {
    let public = certificate.tbs_certificate().subject_public_key_info();
    VerifyingKey::from_public_key_der(&public.to_der().unwrap()).unwrap()
}

fn is_signed_by(certificate: &Certificate, issuer: &Certificate) -> bool {
    let signature = DerSignature::from_der(certificate.signature().raw_bytes()).unwrap();
    let signed = certificate.tbs_certificate().to_der().unwrap();
    verifying_key(issuer).verify(&signed, &signature).is_ok()
}

#[test]
fn every_certificate_leads_to_the_root_and_carries_its_partys_eui_64() {
    let dir = TempDir::new().unwrap();
    let plan = plan();
    let paths = make(dir.path(), &plan).unwrap();
    let root = certificate(&paths.ca.certificate);
    assert!(is_signed_by(&root, &root));
    let issuing = certificate(&paths.issuing.certificate);
    assert!(is_signed_by(&issuing, &root) && !is_signed_by(&issuing, &issuing));
    for (party, paths) in plan.parties.iter().zip(&paths.parties) {
        let chain = Certificate::load_pem_chain(&read(&paths.certificate)).unwrap();
        let [certificate, above] = chain.as_slice() else {
            panic!("a party's file has its certificate and the issuing CA's")
        };
        assert_eq!(*above, issuing);
        assert!(is_signed_by(certificate, &issuing));
        assert_eq!(
            certificate.tbs_certificate().issuer(),
            issuing.tbs_certificate().subject()
        );
        assert_eq!(eui64_of(&read(&paths.certificate)).unwrap(), party.eui64);
        let subject = certificate.tbs_certificate().subject().to_string();
        assert!(subject.contains("OU=02"), "{subject}");
        let key = ImageSigner::from_pem(std::str::from_utf8(&read(&paths.key)).unwrap()).unwrap();
        let signature = Signature::from_slice(&key.sign(b"mine")).unwrap();
        verifying_key(certificate)
            .verify(b"mine", &signature)
            .unwrap();
    }
}

#[test]
fn two_roots_cannot_be_taken_for_each_other() {
    let dir = TempDir::new().unwrap();
    let [one, other] = ["one", "other"].map(|name| {
        let paths = make(&dir.path().join(name), &plan()).unwrap();
        certificate(&paths.ca.certificate)
    });
    assert_ne!(
        one.tbs_certificate().subject(),
        other.tbs_certificate().subject()
    );
    assert!(!is_signed_by(&one, &other));
}

#[test]
fn the_eui_64_stands_in_the_subject_as_smki_writes_it() {
    let dir = TempDir::new().unwrap();
    let paths = make(dir.path(), &plan()).unwrap();
    let der = certificate(&paths.parties[1].certificate).to_der().unwrap();
    let expected = [
        0x06, 0x03, 0x55, 0x04, 0x2D, 0x03, 0x09, 0x00, 0x90, 0xB3, 0xD5, 0x1F, 0x30, 0x01, 0, 0,
    ];
    assert!(der.windows(expected.len()).any(|window| window == expected));
}

#[test]
fn a_party_may_only_sign_and_the_root_may_only_issue() {
    let dir = TempDir::new().unwrap();
    let paths = make(dir.path(), &plan()).unwrap();

    let root = certificate(&paths.ca.certificate);
    let (critical, constraints) = root
        .tbs_certificate()
        .get_extension::<BasicConstraints>()
        .unwrap()
        .unwrap();
    assert!(critical && constraints.ca);
    let (critical, usage) = root
        .tbs_certificate()
        .get_extension::<KeyUsage>()
        .unwrap()
        .unwrap();
    assert!(critical && usage.key_cert_sign() && !usage.digital_signature());

    let supplier = certificate(&paths.parties[1].certificate);
    let (critical, usage) = supplier
        .tbs_certificate()
        .get_extension::<KeyUsage>()
        .unwrap()
        .unwrap();
    assert!(critical && usage.digital_signature() && !usage.key_cert_sign());
    assert!(
        supplier
            .tbs_certificate()
            .get_extension::<SubjectAltName>()
            .unwrap()
            .is_none()
    );
    let extended: x509_cert::der::asn1::ObjectIdentifier = "2.5.29.37".parse().unwrap();
    let extensions = supplier.tbs_certificate().extensions().unwrap();
    assert!(
        extensions
            .iter()
            .all(|extension| extension.extn_id != extended)
    );
}

#[test]
fn a_server_carries_its_names() {
    let dir = TempDir::new().unwrap();
    let paths = make(dir.path(), &plan()).unwrap();
    let server = certificate(&paths.parties[0].certificate);
    let (_, names) = server
        .tbs_certificate()
        .get_extension::<SubjectAltName>()
        .unwrap()
        .unwrap();
    let names = format!("{names:?}");
    assert_eq!(names.matches("DnsName").count(), 1, "{names}");
    assert_eq!(names.matches("IpAddress").count(), 2, "{names}");
}

#[test]
fn certificates_are_valid_for_the_days_asked_for_and_have_their_own_serial_numbers() {
    let dir = TempDir::new().unwrap();
    let paths = make(dir.path(), &plan()).unwrap();
    let mut serials = BTreeSet::new();
    for party in [&paths.ca, &paths.issuing]
        .into_iter()
        .chain(&paths.parties)
    {
        let certificate = certificate(&party.certificate);
        let validity = certificate.tbs_certificate().validity();
        assert_eq!(validity.not_before.to_string(), "2026-03-01T00:00:00Z");
        assert_eq!(validity.not_after.to_string(), "2027-03-01T00:00:00Z");
        assert!(serials.insert(certificate.tbs_certificate().serial_number().to_string()));
    }
}

#[test]
fn a_file_that_exists_is_named_and_nothing_is_written() {
    let dir = TempDir::new().unwrap();
    let paths = make(dir.path(), &plan()).unwrap();
    let before = read(&paths.ca.key);
    let again = make(dir.path(), &plan()).unwrap_err();
    assert!(matches!(&again, PkiError::Exists { path } if *path == paths.ca.certificate));
    assert!(again.to_string().contains("never overwritten"));
    assert_eq!(read(&paths.ca.key), before);

    let other = TempDir::new().unwrap();
    std::os::unix::fs::symlink("/nowhere", other.path().join("supplier.key")).unwrap();
    assert!(matches!(
        make(other.path(), &plan()),
        Err(PkiError::Exists { .. })
    ));
    assert_eq!(other.path().read_dir().unwrap().count(), 1);
}

#[test]
fn only_the_owner_can_read_a_key() {
    let dir = TempDir::new().unwrap();
    let paths = make(&dir.path().join("new/folder"), &plan()).unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&paths.ca.key), 0o600);
    assert_eq!(mode(&paths.parties[0].key), 0o600);
    assert_eq!(mode(&paths.image_signing_key), 0o600);
    assert_eq!(mode(&paths.ca.certificate), 0o644);
}

#[test]
fn an_image_is_signed_so_that_the_public_key_verifies_it() {
    let dir = TempDir::new().unwrap();
    let paths = make(dir.path(), &plan()).unwrap();
    let signer =
        ImageSigner::from_pem(std::str::from_utf8(&read(&paths.image_signing_key)).unwrap());
    let raw = signer.unwrap().sign(b"firmware");
    let public = read(&paths.image_signing_public_key);
    let public = VerifyingKey::from_public_key_pem(std::str::from_utf8(&public).unwrap()).unwrap();
    public
        .verify(b"firmware", &Signature::from_slice(&raw).unwrap())
        .unwrap();
    assert!(
        public
            .verify(b"other", &Signature::from_slice(&raw).unwrap())
            .is_err()
    );
}

#[test]
fn plans_that_cannot_be_are_refused() {
    let dir = TempDir::new().unwrap();
    let refused = |plan: &PkiPlan| make(&dir.path().join("none"), plan).unwrap_err();
    let mut twice = plan();
    twice.parties.push(party("supplier", 1, Vec::new()));
    assert!(matches!(refused(&twice), PkiError::FileNameTaken { .. }));
    for (name, invalid) in [
        ("ca", false),
        ("issuing", false),
        ("signer", false),
        ("signer.public", false),
        ("../up", true),
        ("", true),
        (".x", true),
    ] {
        let mut wrong = plan();
        wrong.parties[0].file_name = name.to_owned();
        assert_eq!(
            matches!(refused(&wrong), PkiError::FileNameInvalid { .. }),
            invalid,
            "{name}"
        );
    }
    for not_before_us in [-1, i64::MAX, i64::MIN] {
        let wrong = PkiPlan {
            not_before_us,
            ..plan()
        };
        assert!(matches!(refused(&wrong), PkiError::Validity { .. }));
    }
    let mut nameless = plan();
    nameless.parties[0].server_names = vec![ServerName::Dns("münchen".to_owned())];
    assert!(matches!(refused(&nameless), PkiError::Certificate { .. }));
    assert!(!dir.path().join("none").exists());
}

#[test]
fn what_is_no_key_or_carries_no_eui_64_is_refused() {
    let dir = TempDir::new().unwrap();
    let paths = make(dir.path(), &plan()).unwrap();
    assert!(matches!(
        ImageSigner::from_pem("none"),
        Err(PkiError::Key { .. })
    ));
    let refused = eui64_of(&read(&paths.ca.certificate)).unwrap_err();
    assert!(
        refused.to_string().contains("has no x500UniqueIdentifier"),
        "{refused}"
    );
    assert!(matches!(eui64_of(b"none"), Err(PkiError::NoEui64 { .. })));
}

fn openssl(args: &[&str], files: &[&Path]) -> Option<String> {
    let mut command = std::process::Command::new("openssl");
    let ended = command.args(args).args(files).output().ok()?;
    Some(String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned())
}

/// Says nothing where there is no openssl.
#[test]
fn openssl_follows_the_chain_and_the_lists_and_sees_the_profile() {
    let dir = TempDir::new().unwrap();
    let paths = make(dir.path(), &plan()).unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let lists = dir.path().join("lists.pem");
    let verify = || {
        let both = paths.revocations.iter().flat_map(|list| read(list));
        files::replace(&lists, &String::from_utf8(both.collect()).unwrap()).unwrap();
        let at = (NOT_BEFORE_US / 1_000_000 + 86_400).to_string();
        let (root, issuing, lists) = (path("ca.pem"), path("issuing.pem"), path("lists.pem"));
        let args = [
            "verify",
            "-x509_strict",
            "-attime",
            &at,
            "-crl_check_all",
            "-CAfile",
            &root,
            "-untrusted",
            &issuing,
            "-CRLfile",
            &lists,
        ];
        openssl(&args, &[&paths.parties[1].certificate])
    };
    let Some(said) = verify() else { return };
    assert!(said.contains(": OK"), "{said}");
    let args = ["x509", "-noout", "-text", "-in"];
    let said = openssl(&args, &[&paths.parties[1].certificate]).unwrap();
    for profile in [
        "prime256v1",
        "ecdsa-with-SHA256",
        "OU = 02",
        "X509v3 Key Usage: critical",
    ] {
        assert!(said.contains(profile), "{profile} is not in {said}");
    }
    assert!(!said.contains("Extended Key Usage"), "{said}");

    let revoked = revoke(
        dir.path(),
        &["supplier".to_owned()],
        NOT_BEFORE_US + 1_000_000,
    );
    assert_eq!(revoked.unwrap(), paths.revocations[1]);
    let said = verify().unwrap();
    assert!(said.contains("certificate revoked"), "{said}");
    // Another one on the same list leaves the first where it is.
    revoke(
        dir.path(),
        &["server".to_owned()],
        NOT_BEFORE_US + 2_000_000,
    )
    .unwrap();
    let said = verify().unwrap();
    assert!(said.contains("certificate revoked"), "{said}");
}
