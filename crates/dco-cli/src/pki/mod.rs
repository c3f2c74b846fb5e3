//! A development PKI: a root CA, an issuing CA under it, a revocation list of each, a certificate and key for each party, and a key pair
//! that signs images.
//!
//! The certificates follow the profile of SMKI organisation certificates as far as a test needs it: P-256 with SHA-256, OU = role
//! code, the EUI-64 as a BIT STRING of 64 bits in x500UniqueIdentifier, key identifiers of eight octets, one critical keyUsage, no
//! extendedKeyUsage. Left out is the critical certificatePolicies extension: rustls refuses certificates with it in a handshake. It is for
//! development and tests only: the keys lie on the disk in the clear.

mod certificate;
mod files;
mod key;
mod peer;

#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use dco_block::Eui64;

use self::certificate::{Authority, Validity};
use self::files::NewFile;
use self::key::Key;

pub(crate) use self::key::ImageSigner;
pub(crate) use self::peer::eui64_of;

/// The role code of a supplier, from the SMKI test PKI.
pub(crate) const ROLE_SUPPLIER: u8 = 0x02;
/// The role code of the DCC's access control broker; taken for every party that is no supplier.
pub(crate) const ROLE_DCC: u8 = 0x04;

/// File names that no party can have.
const CA: &str = "ca";
const ISSUING: &str = "issuing";
const SIGNER: &str = "signer";
const SIGNER_PUBLIC: &str = "signer.public";
const LOG: &str = "log";
const LOG_PUBLIC: &str = "log.public";

/// What a PKI shall hold.
#[derive(Clone, Debug)]
pub(crate) struct PkiPlan {
    /// Who gets a certificate; file names must differ.
    pub(crate) parties: Vec<Party>,
    /// From when on the certificates are valid, UTC microseconds since 1970.
    pub(crate) not_before_us: i64,
    /// For how many days.
    pub(crate) validity_days: u32,
}

/// Somebody who gets a certificate.
#[derive(Clone, Debug)]
pub(crate) struct Party {
    /// Makes `FILE_NAME.pem` (the certificate) and `FILE_NAME.key`.
    pub(crate) file_name: String,
    /// Subject CN, for people.
    pub(crate) common_name: String,
    /// Subject OU, written as two hex digits.
    pub(crate) role_code: u8,
    /// Subject x500UniqueIdentifier.
    pub(crate) eui64: Eui64,
    /// What a client may call the party by; needed by servers only.
    pub(crate) server_names: Vec<ServerName>,
}

/// A name in a server's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ServerName {
    Dns(String),
    Ip(IpAddr),
}

/// Where everything was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PkiPaths {
    /// The root: what everybody trusts.
    pub(crate) ca: PartyPaths,
    /// What signs the parties.
    pub(crate) issuing: PartyPaths,
    /// The revocation lists of both.
    pub(crate) revocations: [PathBuf; 2],
    /// In the order of the plan.
    pub(crate) parties: Vec<PartyPaths>,
    /// The private key that signs images.
    pub(crate) image_signing_key: PathBuf,
    /// Its public key, for whoever verifies images.
    pub(crate) image_signing_public_key: PathBuf,
    /// The private key that signs checkpoints of the decision log.
    pub(crate) log_key: PathBuf,
    /// Its public key, for whoever verifies an export.
    pub(crate) log_public_key: PathBuf,
}

/// One party's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartyPaths {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// Why there is no PKI, no certificate's EUI-64 or no signature.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PkiError {
    #[error("{} exists already and is never overwritten; choose another folder or move it away", path.display())]
    Exists { path: PathBuf },
    #[error(
        "the file name `{file_name}` stands twice in the plan, or is that of the CA or of a signing key; give each party its own"
    )]
    FileNameTaken { file_name: String },
    #[error("`{file_name}` cannot be a file name; use letters, digits, `-`, `_` and `.`")]
    FileNameInvalid { file_name: String },
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error(
        "no certificate can be valid for {validity_days} days from {not_before_us} us after 1970; choose a time from 1970 to 9999"
    )]
    Validity {
        not_before_us: i64,
        validity_days: u32,
    },
    #[error("the certificate of `{common_name}` cannot be made: {problem}")]
    Certificate {
        common_name: String,
        problem: String,
    },
    #[error("the system gives no random numbers: {problem}")]
    Random { problem: String },
    #[error("the key is unusable: {problem}; give a P-256 private key as PKCS#8 in a PEM file")]
    Key { problem: String },
    #[error(
        "the certificate carries no EUI-64: {problem}; use a certificate whose subject has a 64-bit x500UniqueIdentifier"
    )]
    NoEui64 { problem: String },
}

/// Makes a PKI in `dir`, which is made where it is missing. Everything is made before the first file is written, and nothing is
/// written when one of the files exists. Private keys can be read by their owner only.
pub(crate) fn make(dir: &Path, plan: &PkiPlan) -> Result<PkiPaths, PkiError> {
    let paths = paths(dir, plan)?;
    let validity = Validity::new(plan.not_before_us, plan.validity_days)?;
    let root = Authority::root(Key::random()?, validity)?;
    let authority = root.issuing(Key::random()?)?;

    let mut files = Vec::new();
    let authorities = [(&root, &paths.ca), (&authority, &paths.issuing)];
    for ((authority, paths), list) in authorities.into_iter().zip(&paths.revocations) {
        files.push(NewFile::public(
            &paths.certificate,
            authority.certificate_pem()?,
        ));
        files.push(NewFile::secret(&paths.key, authority.key().to_pem()?));
        let none = authority.revocations(None, &[], plan.not_before_us)?;
        files.push(NewFile::public(list, none));
    }
    for (party, paths) in plan.parties.iter().zip(&paths.parties) {
        let key = Key::random()?;
        files.push(NewFile::public(
            &paths.certificate,
            authority.issue(party, &key)?,
        ));
        files.push(NewFile::secret(&paths.key, key.to_pem()?));
    }
    let signing = Key::random()?;
    files.push(NewFile::secret(&paths.image_signing_key, signing.to_pem()?));
    files.push(NewFile::public(
        &paths.image_signing_public_key,
        signing.public_pem()?,
    ));

    let log = Key::random()?;
    files.push(NewFile::secret(&paths.log_key, log.to_pem()?));
    files.push(NewFile::public(&paths.log_public_key, log.public_pem()?));

    files::write_all(dir, &files)?;
    Ok(paths)
}

/// Puts the certificates of parties on the issuing CA's revocation list; those on it stay. Returns the list's path.
pub(crate) fn revoke(dir: &Path, parties: &[String], now_us: i64) -> Result<PathBuf, PkiError> {
    let issuing = PartyPaths::new(dir, ISSUING);
    let key = files::read(&issuing.key)?;
    let key = String::from_utf8_lossy(&key);
    let authority = Authority::known(&files::read(&issuing.certificate)?, &key)?;
    let list = revocation_list(dir, ISSUING);
    let revoked: Vec<_> = parties
        .iter()
        .map(|party| files::read(&PartyPaths::new(dir, party).certificate))
        .collect::<Result<_, _>>()?;
    let text = authority.revocations(Some(&files::read(&list)?), &revoked, now_us)?;
    files::replace(&list, &text)?;
    Ok(list)
}

fn revocation_list(dir: &Path, authority: &str) -> PathBuf {
    dir.join(format!("{authority}.crl"))
}

/// What a server on this machine may be called by: `localhost`, `127.0.0.1`, `::1`.
pub(crate) fn loopback_names() -> Vec<ServerName> {
    vec![
        ServerName::Dns("localhost".to_owned()),
        ServerName::Ip(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        ServerName::Ip(IpAddr::V6(Ipv6Addr::LOCALHOST)),
    ]
}

fn paths(dir: &Path, plan: &PkiPlan) -> Result<PkiPaths, PkiError> {
    let mut taken = vec![CA, ISSUING, SIGNER, SIGNER_PUBLIC, LOG, LOG_PUBLIC];
    for Party { file_name, .. } in &plan.parties {
        if !is_file_name(file_name) {
            let file_name = file_name.clone();
            return Err(PkiError::FileNameInvalid { file_name });
        }
        if taken.contains(&file_name.as_str()) {
            let file_name = file_name.clone();
            return Err(PkiError::FileNameTaken { file_name });
        }
        taken.push(file_name);
    }
    Ok(PkiPaths {
        ca: PartyPaths::new(dir, CA),
        issuing: PartyPaths::new(dir, ISSUING),
        revocations: [CA, ISSUING].map(|authority| revocation_list(dir, authority)),
        parties: plan
            .parties
            .iter()
            .map(|party| PartyPaths::new(dir, &party.file_name))
            .collect(),
        image_signing_key: dir.join(format!("{SIGNER}.key")),
        image_signing_public_key: dir.join(format!("{SIGNER_PUBLIC}.pem")),
        log_key: dir.join(format!("{LOG}.key")),
        log_public_key: dir.join(format!("{LOG_PUBLIC}.pem")),
    })
}

fn is_file_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !name.is_empty() && !name.starts_with('.') && name.bytes().all(allowed)
}

impl PartyPaths {
    fn new(dir: &Path, file_name: &str) -> Self {
        Self {
            certificate: dir.join(format!("{file_name}.pem")),
            key: dir.join(format!("{file_name}.key")),
        }
    }
}
