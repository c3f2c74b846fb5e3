//! Revocation lists: whether they may be taken over for those that are in force.

use std::path::Path;

use rustls::crypto::aws_lc_rs;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use x509_parser::asn1_rs::ToDer;
use x509_parser::oid_registry::OID_X509_EXT_ISSUER_DISTRIBUTION_POINT;
use x509_parser::prelude::{
    AlgorithmIdentifier, CertificateRevocationList, FromDer, X509Certificate,
};

use super::{TlsError, parsed, pem_error, pem_words};

const LIST: &str = "certificate revocation list";

/// By how much an issuer's clock may be ahead.
const AHEAD_SECONDS_MAX: i64 = 300;

/// What stands in the files.
pub(super) struct Parts<'a> {
    /// The service's certificate first.
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) authorities: Vec<CertificateDer<'static>>,
    /// They check lists, and are trusted for nothing else.
    pub(super) issuers: Vec<CertificateDer<'static>>,
    pub(super) lists: Vec<(&'a Path, CertificateRevocationListDer<'static>)>,
}

/// A revocation list, and the file that it stands in.
struct List<'a> {
    file: &'a Path,
    list: CertificateRevocationList<'a>,
}

impl Parts<'_> {
    /// In the order of the files, which is that in which a handshake looks for one.
    fn lists(&self) -> Result<Vec<List<'_>>, TlsError> {
        let lists = self.lists.iter();
        lists.map(|(file, list)| List::read(file, list)).collect()
    }

    /// A handshake takes the first list that it finds for a certificate, and never asks the others.
    fn lists_in_force(&self) -> Result<Vec<List<'_>>, TlsError> {
        let mut first: Vec<List<'_>> = Vec::new();
        for list in self.lists()? {
            if !first.iter().any(|it| it.covers_the_same(&list)) {
                first.push(list);
            }
        }
        Ok(first)
    }

    /// What stands between a certificate and an authority, as far as it is at hand: peers may show others.
    fn between(&self) -> Vec<X509Certificate<'_>> {
        parsed(self.chain.iter().skip(1).chain(&self.issuers))
    }

    /// A handshake would find out only with a peer that it refuses for it.
    pub(super) fn lists_are_signed(&self) -> Result<(), TlsError> {
        let mut issuers = parsed(self.authorities.iter());
        issuers.extend(self.between());
        for list in self.lists()? {
            let mut named = issuers
                .iter()
                .filter(|it| it.subject().as_raw() == list.issuer())
                .peekable();
            if named.peek().is_none() {
                return Err(list.refused(
                    "its issuer's certificate is in none of tls.ca, tls.certificate and tls.issuers, so nobody can tell who signed it; put that certificate into a file of tls.issuers".to_owned(),
                ));
            }
            if !named.any(|issuer| is_signed_by(&list.list, issuer)) {
                return Err(list.refused(
                    "the issuer's certificate in tls.ca, tls.certificate or tls.issuers has another key than the one that signed it, or its keyUsage has no cRLSign; fetch the list from its issuer again".to_owned(),
                ));
            }
        }
        Ok(())
    }

    /// A list of a day that has not come would keep out the true ones of that number until then. By the clock that a handshake goes
    /// by; of a list that is in force already it is too late to say so.
    pub(super) fn lists_are_of_now(&self, before: &Self, now: i64) -> Result<(), TlsError> {
        let is_in_force = |list| before.lists.iter().any(|(_, old)| old == list);
        let new = self.lists.iter().filter(|(_, list)| !is_in_force(list));
        for (file, list) in new {
            let list = List::read(file, list)?;
            if list.list.last_update().timestamp() > now.saturating_add(AHEAD_SECONDS_MAX) {
                return Err(list.refused(format!(
                    "it has {}, which has not come yet; see that this machine's clock is right, and fetch the list from its issuer again",
                    list.age()
                )));
            }
        }
        Ok(())
    }

    /// Whose list is gone, his certificates are all refused; where an older one comes back, those are let in that a newer one names.
    pub(super) fn lists_succeed(&self, before: &Self) -> Result<(), TlsError> {
        let lists = self.lists_in_force()?;
        for old in before.lists_in_force()? {
            match lists.iter().find(|it| it.covers_the_same(&old)) {
                Some(new) if new.is_older_than(&old) => {
                    let (new_age, old_age) = (new.age(), old.age());
                    return Err(new.refused(format!(
                        "it has {new_age}, and the one in force has {old_age}; fetch the newest, and restart the service if its issuer counts anew"
                    )));
                }
                Some(_) => {}
                None if self.still_trusts(old.issuer(), before) => {
                    return Err(old.refused(gone(&old, &lists)));
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Whether certificates of an issuer may lead to an authority. Of one whose certificate was never at hand nobody can tell
    /// that they do not.
    fn still_trusts(&self, issuer: &[u8], before: &Self) -> bool {
        let is_authority = |of: &Self, name: &[u8]| {
            let authorities = parsed(of.authorities.iter());
            authorities.iter().any(|it| it.subject().as_raw() == name)
        };
        let between = before.between();
        let mut name = issuer;
        // Certificates can name each other in a circle.
        for _ in 0..=between.len() {
            if is_authority(self, name) {
                return true;
            }
            if is_authority(before, name) {
                return false;
            }
            match between.iter().find(|it| it.subject().as_raw() == name) {
                Some(certificate) => name = certificate.issuer().as_raw(),
                None => return true,
            }
        }
        true
    }
}

impl<'a> List<'a> {
    fn read(file: &'a Path, octets: &'a [u8]) -> Result<Self, TlsError> {
        let (_, list) = CertificateRevocationList::from_der(octets)
            .map_err(|error| pem_error(file, LIST, error))?;
        Ok(Self { file, list })
    }

    /// As a handshake compares it.
    fn issuer(&self) -> &[u8] {
        self.list.issuer().as_raw()
    }

    /// An issuer may have several lists, each for a part of its certificates and with numbers of its own.
    fn scope(&self) -> Option<&[u8]> {
        let mut extensions = self.list.extensions().iter();
        let part = extensions.find(|it| it.oid == OID_X509_EXT_ISSUER_DISTRIBUTION_POINT);
        part.map(|it| it.value)
    }

    fn covers_the_same(&self, other: &List<'_>) -> bool {
        self.issuer() == other.issuer() && self.scope() == other.scope()
    }

    fn is_older_than(&self, other: &List<'_>) -> bool {
        let own_time = self.list.last_update().timestamp();
        let other_time = other.list.last_update().timestamp();
        match (self.list.crl_number(), other.list.crl_number()) {
            (Some(own), Some(other)) => (own, own_time) < (other, other_time),
            _ => own_time < other_time,
        }
    }

    fn age(&self) -> String {
        let from = self.list.last_update();
        match self.list.crl_number() {
            Some(number) => format!("number {number} and is of {from}"),
            None => format!("no number and is of {from}"),
        }
    }

    fn refused(&self, why: String) -> TlsError {
        TlsError::Revocations {
            file: self.file.display().to_string(),
            issuer: self.list.issuer().to_string(),
            why,
        }
    }
}

fn gone(old: &List<'_>, lists: &[List<'_>]) -> String {
    let others = lists.iter().filter(|it| it.file == old.file);
    let others: Vec<_> = others.map(|it| it.list.issuer().to_string()).collect();
    let instead = if others.is_empty() {
        "no list of use".to_owned()
    } else {
        format!("what covers other certificates, of {}", others.join("; "))
    };
    format!(
        "it is gone, the file holds {instead}, and without it all certificates that it covers would be refused; put it back, or restart the service if that is meant"
    )
}

/// With the algorithms of a handshake, or it would still refuse the list.
fn is_signed_by(list: &CertificateRevocationList<'_>, issuer: &X509Certificate<'_>) -> bool {
    let usage = issuer.key_usage();
    if !usage.is_ok_and(|usage| usage.is_none_or(|usage| usage.value.crl_sign())) {
        return false;
    }
    let key = issuer.public_key();
    let Some(key_id) = algorithm_octets(&key.algorithm) else {
        return false;
    };
    let Some(signature_id) = algorithm_octets(&list.signature_algorithm) else {
        return false;
    };
    let supported = aws_lc_rs::default_provider().signature_verification_algorithms;
    let mut fitting = supported
        .all
        .iter()
        .filter(|it| *it.public_key_alg_id() == *key_id && *it.signature_alg_id() == *signature_id);
    let signed: &[u8] = list.tbs_cert_list.as_ref();
    let signature: &[u8] = &list.signature_value.data;
    fitting.any(|it| {
        it.verify_signature(&key.subject_public_key.data, signed, signature)
            .is_ok()
    })
}

/// The content of an AlgorithmIdentifier: its octets without tag and length, as rustls has them.
fn algorithm_octets(algorithm: &AlgorithmIdentifier<'_>) -> Option<Vec<u8>> {
    let mut octets = algorithm.algorithm.to_der_vec().ok()?;
    if let Some(parameters) = &algorithm.parameters {
        octets.extend(parameters.to_der_vec().ok()?);
    }
    Some(octets)
}

/// One list in DER, or any number of them in PEM.
pub(super) fn revocations(
    octets: &[u8],
    file: &Path,
) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
    if CertificateRevocationList::from_der(octets).is_ok() {
        return Ok(vec![CertificateRevocationListDer::from(octets.to_vec())]);
    }
    let lists = CertificateRevocationListDer::pem_slice_iter(octets)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| pem_error(file, LIST, pem_words(&error)))?;
    let bad = lists
        .iter()
        .find_map(|list| CertificateRevocationList::from_der(list).err());
    match bad {
        Some(error) => Err(pem_error(file, LIST, error)),
        None if lists.is_empty() => Err(pem_error(file, LIST, "it has none")),
        None => Ok(lists),
    }
}

pub(super) fn next_update(list: &CertificateRevocationListDer<'_>) -> Option<i64> {
    let (_, list) = CertificateRevocationList::from_der(list).ok()?;
    Some(list.next_update()?.timestamp())
}
