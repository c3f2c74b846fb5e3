use bytes::Bytes;
use dco_block::{FirmwareVersion, OtaHeader, wrap};
use p256::SecretKey;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::{DecodePrivateKey, EncodePublicKey, LineEnding};
use tempfile::TempDir;

use super::*;
use crate::pki::{Authority, Identity};

const ANN: Eui64 = Eui64::from_bits(0x90B3_D51F_3001_0000);
const BOB: Eui64 = Eui64::from_bits(0x90B3_D51F_3002_0000);

fn signed_by(identity: &Identity) -> OtaImage {
    let key = SecretKey::from_pkcs8_pem(&identity.key_pem).unwrap();
    let signature: Signature = SigningKey::from(key).sign(b"firmware");
    let header = OtaHeader {
        manufacturer_code: 1,
        image_type: 2,
        file_version: FirmwareVersion::new(3),
        stack_version: 2,
        header_string: [0; 32],
        total_image_bytes: 0,
        security_credential_version: None,
        upgrade_file_destination: None,
        hardware_versions: None,
    };
    let image: Bytes = wrap(header, b"firmware", &signature.to_bytes().into());
    OtaImage::parse(&image).unwrap()
}

fn public_key_pem(identity: &Identity) -> String {
    let key = SecretKey::from_pkcs8_pem(&identity.key_pem).unwrap();
    let public = key.public_key();
    public.to_public_key_pem(LineEnding::LF).unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "files that an operator has put there"
)]
fn put(folder: &TempDir, text: &str) -> PathBuf {
    let file = folder.path().join("signers.pem");
    std::fs::write(&file, text).unwrap();
    file
}

fn signing(file: PathBuf) -> Signing {
    Signing {
        required: true,
        signers: [(ANN, vec![file])].into(),
    }
}

async fn loaded(folder: &TempDir, text: &str) -> Result<(Signers, Reloader), TlsError> {
    load(signing(put(folder, text)), None).await
}

#[tokio::test]
async fn a_file_may_hold_certificates_and_public_keys_and_is_for_one_user() {
    let authority = Authority::new("authority");
    let [one, two, other] = [(); 3].map(|()| authority.issue(Some(ANN)));
    let folder = tempfile::tempdir().unwrap();
    let both = one.certificate_pem.clone() + &public_key_pem(&two);
    let (signers, _reloader) = loaded(&folder, &both).await.unwrap();
    for identity in [&one, &two] {
        assert_eq!(signers.check(ANN, &signed_by(identity)), Ok(()));
    }
    let invalid = |signer_count| Err(RejectSignature::Invalid { signer_count });
    assert_eq!(signers.check(ANN, &signed_by(&other)), invalid(2));
    assert_eq!(signers.check(BOB, &signed_by(&one)), invalid(0));
}

#[tokio::test]
async fn what_cannot_verify_images_is_refused_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let identity = Authority::new("authority").issue(Some(ANN));
    let cut = identity.certificate_pem.len() / 2;
    let half = identity.certificate_pem[..cut].to_owned();
    for text in ["", "no PEM", &identity.key_pem, &half] {
        let refused = loaded(&folder, text).await.err().unwrap().to_string();
        assert!(refused.contains("signers.pem"), "{refused}");
    }
    let nowhere = signing(folder.path().join("nowhere.pem"));
    let refused = load(nowhere, None).await.err().unwrap();
    assert!(refused.to_string().contains("nowhere.pem"), "{refused}");
}

#[tokio::test]
async fn a_new_file_takes_the_place_of_the_old_and_a_bad_one_does_not() {
    let authority = Authority::new("authority");
    let [old, new] = [(); 2].map(|()| authority.issue(Some(ANN)));
    let folder = tempfile::tempdir().unwrap();
    let (signers, mut reloader) = loaded(&folder, &old.certificate_pem).await.unwrap();
    assert!(!reloader.look().await.unwrap());
    put(&folder, "half of a fi");
    assert!(reloader.look().await.is_err());
    assert_eq!(signers.check(ANN, &signed_by(&old)), Ok(()));
    put(&folder, &new.certificate_pem);
    assert!(reloader.look().await.unwrap());
    assert_eq!(signers.check(ANN, &signed_by(&new)), Ok(()));
    assert!(signers.check(ANN, &signed_by(&old)).is_err());
}

#[tokio::test]
async fn nothing_is_asked_where_signatures_are_not_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let identity = Authority::new("authority").issue(Some(ANN));
    let relaxed = Signing {
        required: false,
        ..signing(put(&folder, &identity.certificate_pem))
    };
    let (signers, _reloader) = load(relaxed, None).await.unwrap();
    assert_eq!(signers.check(BOB, &signed_by(&identity)), Ok(()));
}

#[tokio::test]
async fn who_signs_for_whom_follows_the_configuration_and_a_bad_one_changes_nothing() {
    let authority = Authority::new("authority");
    let [one, two] = [(); 2].map(|()| authority.issue(Some(ANN)));
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("dco.toml");
    let write = async |name: &str, text: String| {
        let file = folder.path().join(name);
        tokio::fs::write(&file, text).await.unwrap();
    };
    let naming = |user: Eui64, file: &str| {
        format!(
            "data_dir = \"data\"\nlisten = \"127.0.0.1:0\"\nhttp_listen = \"127.0.0.1:0\"\n\
             [tls]\nca = \"a\"\ncertificate = \"b\"\nkey = \"c\"\n\
             [[trust.signer]]\nuser = \"{user}\"\nfile = \"{file}\"\n\
             [[party]]\nname = \"ann\"\neui64 = \"{ANN}\"\nroles = [\"user\"]\n\
             [[party]]\nname = \"bob\"\neui64 = \"{BOB}\"\nroles = [\"user\"]\n"
        )
    };
    write("one.pem", one.certificate_pem.clone()).await;
    write("two.pem", two.certificate_pem.clone()).await;
    write("dco.toml", naming(ANN, "one.pem")).await;
    let started = Config::load(&config).unwrap();
    let (signers, mut reloader) = load(started.signing, Some(config)).await.unwrap();
    assert!(!reloader.look().await.unwrap());

    write("dco.toml", naming(BOB, "two.pem")).await;
    assert!(reloader.look().await.unwrap());
    let allowed = |user, identity| signers.check(user, &signed_by(identity)).is_ok();
    let now = || [allowed(ANN, &one), allowed(ANN, &two), allowed(BOB, &two)];
    assert_eq!(now(), [false, false, true]);

    for bad in [naming(ANN, "three.pem"), "[[party".to_owned()] {
        write("dco.toml", bad).await;
        reloader.look().await.unwrap_err();
        assert_eq!(now(), [false, false, true], "what was in force stays");
    }
    write("dco.toml", naming(ANN, "one.pem")).await;
    assert!(reloader.look().await.unwrap());
    assert_eq!(now(), [true, false, false]);
}
