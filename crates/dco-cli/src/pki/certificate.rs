//! Certificates: who signs them, and what stands in them.

use std::net::IpAddr;
use std::time::Duration;

use p256::ecdsa::DerSignature;
use p256::ecdsa::signature::Signer;
use sha2::{Digest, Sha256};
use x509_cert::Certificate;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{self, Builder, CertificateBuilder};
use x509_cert::certificate::{TbsCertificate, Version};
use x509_cert::crl::{CertificateList, RevokedCert, TbsCertList};
use x509_cert::der::asn1::{
    Any, BitString, Ia5String, ObjectIdentifier, OctetString, PrintableString, SetOfVec, Uint,
    Utf8StringRef,
};
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::referenced::OwnedToRef;
use x509_cert::der::{self, Decode, DecodePem, Encode, EncodePem, pem::LineEnding};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, CrlNumber, KeyUsage, KeyUsages, SubjectAltName,
    SubjectKeyIdentifier,
};
use x509_cert::ext::{Criticality, Extension, ToExtension};
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{SubjectPublicKeyInfo, SubjectPublicKeyInfoRef};
use x509_cert::time::Time;

use super::key::Key;
use super::{Party, PkiError, ServerName};

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const ORGANIZATIONAL_UNIT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.11");
pub(super) const UNIQUE_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.45");

const ROOT_COMMON_NAME: &str = "DCO development root CA";
const ISSUING_COMMON_NAME: &str = "DCO development issuing CA";
const CA_NUMBER_BYTES: usize = 4;
/// The role code of an issuing CA in the SMKI test PKI.
const CA_ROLE: u8 = 0x07;
/// SMKI uses key identifiers of eight octets.
const KEY_IDENTIFIER_BYTES: usize = 8;
const SERIAL_BYTES: usize = 16;

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: u64 = 86_400;

/// From when to when a certificate is valid.
#[derive(Clone, Copy)]
pub(super) struct Validity(x509_cert::time::Validity);

/// A CA.
pub(super) struct Authority {
    key: Key,
    name: Name,
    validity: Validity,
    certificate: Certificate,
}

impl Validity {
    /// Whole seconds; the start is rounded down.
    pub(super) fn new(not_before_us: i64, validity_days: u32) -> Result<Self, PkiError> {
        let refused = PkiError::Validity {
            not_before_us,
            validity_days,
        };
        let instants = u64::try_from(not_before_us.div_euclid(MICROS_PER_SECOND))
            .ok()
            .and_then(|start| {
                let end = start.checked_add(u64::from(validity_days) * SECONDS_PER_DAY)?;
                Some((instant(start).ok()?, instant(end).ok()?))
            });
        let (not_before, not_after) = instants.ok_or(refused)?;
        Ok(Self(x509_cert::time::Validity::new(not_before, not_after)))
    }
}

impl Authority {
    /// A root CA that has signed itself, and signs issuing CAs.
    pub(super) fn root(key: Key, validity: Validity) -> Result<Self, PkiError> {
        let made = Self::try_new((ROOT_COMMON_NAME, 1), key, validity, None);
        made.map_err(|fault| refused(ROOT_COMMON_NAME, fault))
    }

    /// A CA under this one, which signs parties.
    pub(super) fn issuing(&self, key: Key) -> Result<Self, PkiError> {
        let made = Self::try_new((ISSUING_COMMON_NAME, 0), key, self.validity, Some(self));
        made.map_err(|fault| refused(ISSUING_COMMON_NAME, fault))
    }

    /// A CA that was made before.
    pub(super) fn known(certificate_pem: &[u8], key_pem: &str) -> Result<Self, PkiError> {
        let read = |fault: der::Error| refused(ISSUING_COMMON_NAME, fault);
        let certificate = Certificate::from_pem(certificate_pem).map_err(read)?;
        let tbs = certificate.tbs_certificate();
        Ok(Self {
            key: Key::from_pem(key_pem)?,
            name: tbs.subject().clone(),
            validity: Validity(*tbs.validity()),
            certificate,
        })
    }

    /// `issuer` is nothing for a root; `below` is how many CAs there may be under it.
    fn try_new(
        (common_name, below): (&str, u8),
        key: Key,
        validity: Validity,
        issuer: Option<&Self>,
    ) -> builder::Result<Self> {
        // Each root has its own name. Under one name for all, a certificate of another PKI would look like a forgery of this one,
        // and whoever mixed up two folders would be told of a bad signature.
        let public = SubjectPublicKeyInfo::from_key(key.signing_key().verifying_key())?;
        let digest = Sha256::digest(public.subject_public_key.raw_bytes());
        let octets = digest.iter().take(CA_NUMBER_BYTES);
        let number: String = octets.map(|octet| format!("{octet:02X}")).collect();
        let name = name(&format!("{common_name} {number}"), CA_ROLE, None)?;
        let profile = Profile {
            issuer: issuer.map_or(&name, |issuer| &issuer.name).clone(),
            subject: name.clone(),
            usage: Usage::SignCertificates(below),
        };
        let signer = issuer.map_or(&key, |issuer| &issuer.key);
        let certificate = certificate(profile, validity, &key, signer)?;
        Ok(Self {
            key,
            name,
            validity,
            certificate,
        })
    }

    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    pub(super) fn certificate_pem(&self) -> Result<String, PkiError> {
        let pem = self.certificate.to_pem(LineEnding::LF);
        pem.map_err(|fault| refused(ROOT_COMMON_NAME, fault))
    }

    /// A revocation list of this CA, as PEM: what `before` has, and besides the first certificate of each PEM text, revoked now.
    pub(super) fn revocations(
        &self,
        before: Option<&[u8]>,
        revoked: &[Vec<u8>],
        now_us: i64,
    ) -> Result<String, PkiError> {
        let made = self.try_revocations(before, revoked, now_us);
        made.map_err(|fault| refused("the revocation list", fault))
    }

    fn try_revocations(
        &self,
        before: Option<&[u8]>,
        revoked: &[Vec<u8>],
        now_us: i64,
    ) -> builder::Result<String> {
        let now = instant(u64::try_from(now_us.div_euclid(MICROS_PER_SECOND)).unwrap_or(0))?;
        let before: Option<CertificateList> = before.map(CertificateList::from_pem).transpose()?;
        let listed = before.and_then(|list| list.tbs_cert_list.revoked_certificates);
        let mut listed = listed.unwrap_or_default();
        for pem in revoked {
            let chain = Certificate::load_pem_chain(pem)?;
            let serials = chain.iter().take(1);
            listed.extend(serials.map(|own| RevokedCert {
                serial_number: own.tbs_certificate().serial_number().clone(),
                revocation_date: now,
                crl_entry_extensions: None,
            }));
        }
        let public = self.certificate.tbs_certificate().subject_public_key_info();
        let authority = AuthorityKeyIdentifier {
            key_identifier: Some(key_identifier(public.owned_to_ref())?),
            ..Default::default()
        };
        // Each list has one entry more than that before it, or is the first.
        let count = u64::try_from(listed.len()).unwrap_or(u64::MAX);
        let number = CrlNumber(Uint::new(&octets_of(count))?);
        let mut extensions = vec![number.to_extension(&self.name, &[])?];
        extensions.push(authority.to_extension(&self.name, &extensions)?);
        self.sign_list(TbsCertList {
            version: Version::V2,
            signature: self.certificate.signature_algorithm().clone(),
            issuer: self.name.clone(),
            this_update: now,
            next_update: Some(self.validity.0.not_after),
            revoked_certificates: (!listed.is_empty()).then_some(listed),
            crl_extensions: Some(extensions),
        })
    }

    fn sign_list(&self, tbs_cert_list: TbsCertList) -> builder::Result<String> {
        let signature: DerSignature = self.key.signing_key().sign(&tbs_cert_list.to_der()?);
        let list = CertificateList {
            signature_algorithm: tbs_cert_list.signature.clone(),
            signature: BitString::from_bytes(signature.as_bytes())?,
            tbs_cert_list,
        };
        Ok(list.to_pem(LineEnding::LF)?)
    }

    /// A certificate for a party's key, followed by this CA's, as PEM: what leads from the party to the root.
    pub(super) fn issue(&self, party: &Party, key: &Key) -> Result<String, PkiError> {
        self.try_issue(party, key)
            .map_err(|fault| refused(&party.common_name, fault))
    }

    fn try_issue(&self, party: &Party, key: &Key) -> builder::Result<String> {
        let names = party.server_names.iter().map(general_name);
        let profile = Profile {
            issuer: self.name.clone(),
            subject: name(
                &party.common_name,
                party.role_code,
                Some(party.eui64.bits()),
            )?,
            usage: Usage::Authenticate(names.collect::<der::Result<_>>()?),
        };
        let certificate = certificate(profile, self.validity, key, &self.key)?;
        Ok(certificate.to_pem(LineEnding::LF)? + &self.certificate.to_pem(LineEnding::LF)?)
    }
}

/// Which extensions a certificate has.
enum Usage {
    /// And revocation lists. With how many CAs there may be below.
    SignCertificates(u8),
    /// With these names; clients need none.
    Authenticate(Vec<GeneralName>),
}

struct Profile {
    issuer: Name,
    subject: Name,
    usage: Usage,
}

impl BuilderProfile for Profile {
    fn get_issuer(&self, _: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        subject_key: SubjectPublicKeyInfoRef<'_>,
        issuer_key: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        let mut made = Extensions::new(tbs);
        made.add(&SubjectKeyIdentifier(key_identifier(subject_key)?))?;
        made.add(&AuthorityKeyIdentifier {
            key_identifier: Some(key_identifier(issuer_key)?),
            ..Default::default()
        })?;
        match &self.usage {
            Usage::SignCertificates(below) => {
                made.add(&BasicConstraints {
                    ca: true,
                    path_len_constraint: Some(*below),
                })?;
                made.add(&KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign))?;
            }
            Usage::Authenticate(names) => {
                made.add(&KeyUsage(KeyUsages::DigitalSignature.into()))?;
                if !names.is_empty() {
                    made.add(&SubjectAltName(names.clone()))?;
                }
            }
        }
        Ok(made.extensions)
    }
}

struct Extensions<'a> {
    tbs: &'a TbsCertificate,
    extensions: Vec<Extension>,
}

impl<'a> Extensions<'a> {
    fn new(tbs: &'a TbsCertificate) -> Self {
        Self {
            tbs,
            extensions: Vec::new(),
        }
    }

    fn add<E>(&mut self, extension: &E) -> der::Result<()>
    where
        E: Criticality + AssociatedOid + Encode,
    {
        let made = extension.to_extension(self.tbs.subject(), &self.extensions)?;
        self.extensions.push(made);
        Ok(())
    }
}

fn certificate(
    profile: Profile,
    validity: Validity,
    key: &Key,
    issuer: &Key,
) -> builder::Result<Certificate> {
    let public = SubjectPublicKeyInfo::from_key(key.signing_key().verifying_key())?;
    let serial = serial(&public.to_der()?)?;
    CertificateBuilder::new(profile, serial, validity.0, public)?
        .build::<_, DerSignature>(&issuer.signing_key())
}

/// Unique because it is drawn from the key; the first bit is cleared and the next set, so that it is positive and never short.
fn serial(public: &[u8]) -> der::Result<SerialNumber> {
    let mut octets: [u8; SERIAL_BYTES] = std::array::from_fn(|at| Sha256::digest(public)[at]);
    octets[0] = octets[0] & 0x7F | 0x40;
    SerialNumber::new(&octets)
}

fn key_identifier(key: SubjectPublicKeyInfoRef<'_>) -> der::Result<OctetString> {
    let digest = Sha256::digest(key.subject_public_key.raw_bytes());
    OctetString::new(&digest[..KEY_IDENTIFIER_BYTES])
}

fn instant(seconds: u64) -> der::Result<Time> {
    // The builder writes UTCTime up to 2049, as RFC 5280 wants it.
    let time = der::DateTime::from_unix_duration(Duration::from_secs(seconds))?;
    Ok(Time::from(time))
}

fn name(common_name: &str, role: u8, eui64: Option<u64>) -> der::Result<Name> {
    let role = PrintableString::new(&format!("{role:02X}"))?;
    let mut parts = vec![
        part(COMMON_NAME, &Utf8StringRef::new(common_name)?)?,
        part(ORGANIZATIONAL_UNIT, &role)?,
    ];
    if let Some(bits) = eui64 {
        let octets = octets_of(bits);
        parts.push(part(UNIQUE_IDENTIFIER, &BitString::from_bytes(&octets)?)?);
    }
    // A Name cannot be made from parts, only be read.
    Name::from_der(&RdnSequence::from(parts).to_der()?)
}

fn part<T>(oid: ObjectIdentifier, value: &T) -> der::Result<RelativeDistinguishedName>
where
    T: der::Tagged + der::EncodeValue,
{
    let value = Any::encode_from(value)?;
    let attribute = AttributeTypeAndValue { oid, value };
    Ok(SetOfVec::try_from(vec![attribute])?.into())
}

/// The first pair as it is written comes first.
#[expect(
    clippy::big_endian_bytes,
    reason = "an EUI-64 goes most significant octet first, and so does an INTEGER"
)]
fn octets_of(bits: u64) -> [u8; 8] {
    bits.to_be_bytes()
}

fn general_name(name: &ServerName) -> der::Result<GeneralName> {
    Ok(match name {
        ServerName::Dns(name) => GeneralName::DnsName(Ia5String::new(name)?),
        ServerName::Ip(IpAddr::V4(address)) => {
            GeneralName::IpAddress(OctetString::new(address.octets())?)
        }
        ServerName::Ip(IpAddr::V6(address)) => {
            GeneralName::IpAddress(OctetString::new(address.octets())?)
        }
    })
}

fn refused(common_name: &str, fault: impl ToString) -> PkiError {
    PkiError::Certificate {
        common_name: common_name.to_owned(),
        problem: fault.to_string(),
    }
}
