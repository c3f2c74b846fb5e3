//! Certificates for tests: an authority, and parties with an EUI-64 in their subject.

use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa;
use aws_lc_rs::signature::KeyPair;
use dco_block::Eui64;
use p256::SecretKey;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::elliptic_curve::Generate;
use p256::pkcs8::{EncodePrivateKey, LineEnding};
use x509_cert::Certificate;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{self, Builder, CertificateBuilder};
use x509_cert::certificate::TbsCertificate;
use x509_cert::der::asn1::{Any, BitString, Ia5String, ObjectIdentifier, SetOfVec, Utf8StringRef};
use x509_cert::der::pem::encode_string;
use x509_cert::der::{self, Decode, Encode, EncodePem};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, KeyUsages, SubjectAltName};
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{SubjectPublicKeyInfo, SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef};
use x509_cert::time::{Time, Validity};

/// Who signs.
pub(crate) struct Authority {
    key: SecretKey,
    name: Name,
    pub(crate) pem: String,
}

/// A certificate and its key.
pub(crate) struct Identity {
    pub(crate) certificate_pem: String,
    pub(crate) key_pem: String,
}

impl Authority {
    pub(crate) fn new(common_name: &str) -> Self {
        let key = SecretKey::generate();
        let name = name(common_name, None);
        let certificate = certificate(public_of(&key), &key, (&name, &name), Kind::Authority);
        Self {
            pem: certificate.to_pem(LineEnding::LF).unwrap(),
            key,
            name,
        }
    }

    /// A party; one without EUI-64 is nobody to the service.
    pub(crate) fn issue(&self, eui64: Option<Eui64>) -> Identity {
        self.issue_for(eui64, &PartyKey::p256(), None)
    }

    /// A party with this key, in whose certificate stands what the key is for, or nothing of it.
    pub(crate) fn issue_for(
        &self,
        eui64: Option<Eui64>,
        key: &PartyKey,
        usage: Option<KeyUsages>,
    ) -> Identity {
        let names = (&self.name, &name("party", eui64));
        let public = key.public.clone();
        let certificate = certificate(public, &self.key, names, Kind::Party(usage));
        Identity {
            certificate_pem: certificate.to_pem(LineEnding::LF).unwrap(),
            key_pem: key.pem.clone(),
        }
    }
}

/// What a party holds.
pub(crate) struct PartyKey {
    public: SubjectPublicKeyInfoOwned,
    pem: String,
}

impl PartyKey {
    /// As every key of SMKI is.
    pub(crate) fn p256() -> Self {
        let key = SecretKey::generate();
        Self {
            public: public_of(&key),
            pem: key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string(),
        }
    }

    /// As keys of other authorities are.
    pub(crate) fn rsa() -> Self {
        let key = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
        let secret: Pkcs8V1Der<'_> = key.as_der().unwrap();
        let public: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
        Self {
            public: SubjectPublicKeyInfoOwned::from_der(public.as_ref()).unwrap(),
            pem: encode_string("PRIVATE KEY", LineEnding::LF, secret.as_ref()).unwrap(),
        }
    }
}

fn public_of(key: &SecretKey) -> SubjectPublicKeyInfoOwned {
    let signing = SigningKey::from(key);
    SubjectPublicKeyInfo::from_key(signing.verifying_key()).unwrap()
}

enum Kind {
    Authority,
    Party(Option<KeyUsages>),
}

struct Profile<'a> {
    issuer: &'a Name,
    subject: &'a Name,
    kind: Kind,
}

impl BuilderProfile for Profile<'_> {
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
        let usage = match self.kind {
            Kind::Authority => {
                let any = BasicConstraints {
                    ca: true,
                    path_len_constraint: None,
                };
                return Ok(vec![any.to_extension(tbs.subject(), &[])?]);
            }
            Kind::Party(usage) => usage,
        };
        let host = GeneralName::DnsName(Ia5String::new("localhost")?);
        let mut made = vec![SubjectAltName(vec![host]).to_extension(tbs.subject(), &[])?];
        if let Some(usage) = usage {
            made.push(KeyUsage(usage.into()).to_extension(tbs.subject(), &made)?);
        }
        Ok(made)
    }
}

fn certificate(
    public: SubjectPublicKeyInfoOwned,
    signer: &SecretKey,
    (issuer, subject): (&Name, &Name),
    kind: Kind,
) -> Certificate {
    let instant = |seconds| {
        Time::from(der::DateTime::from_unix_duration(Duration::from_secs(seconds)).unwrap())
    };
    // From 2020 to 2049.
    let validity = Validity::new(instant(1_577_836_800), instant(2_493_072_000));
    let profile = Profile {
        issuer,
        subject,
        kind,
    };
    CertificateBuilder::new(profile, SerialNumber::from(1_u32), validity, public)
        .unwrap()
        .build::<_, DerSignature>(&SigningKey::from(signer))
        .unwrap()
}

fn name(common_name: &str, eui64: Option<Eui64>) -> Name {
    let mut parts = vec![part("2.5.4.3", &Utf8StringRef::new(common_name).unwrap())];
    if let Some(eui64) = eui64 {
        let mut octets = eui64.bits().to_le_bytes();
        octets.reverse();
        parts.push(part("2.5.4.45", &BitString::from_bytes(&octets).unwrap()));
    }
    Name::from_der(&RdnSequence::from(parts).to_der().unwrap()).unwrap()
}

fn part<T: der::Tagged + der::EncodeValue>(oid: &str, value: &T) -> RelativeDistinguishedName {
    let attribute = AttributeTypeAndValue {
        oid: ObjectIdentifier::new_unwrap(oid),
        value: Any::encode_from(value).unwrap(),
    };
    SetOfVec::try_from(vec![attribute]).unwrap().into()
}
