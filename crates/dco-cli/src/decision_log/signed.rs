//! Signatures of the log, and the keys that verify them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::BufRead;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use dco_engine::record::{Change, CheckpointMade, Record};
use dco_engine::{checkpoint_text, export_text};
use dco_schedule::ServiceDate;
use dco_store::Head;
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::pkcs8::{DecodePublicKey, EncodePublicKey};
use sha2::{Digest, Sha256};

use super::{End, Line, chain_of_hex, hex};

/// Records by which what is signed lies behind the record that says so, at most.
const BEHIND_MAX: usize = 100_000;

/// A public key, by its SubjectPublicKeyInfo.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(Vec<u8>);

impl Key {
    /// Of a PEM text.
    pub(crate) fn from_pem(pem: &str) -> Result<Self, String> {
        let key = VerifyingKey::from_public_key_pem(pem);
        let key = key.map_err(|error| format!("it is no P-256 public key in PEM form: {error}"))?;
        let der = key.to_public_key_der().map_err(|error| error.to_string())?;
        Ok(Self(der.as_bytes().to_vec()))
    }

    /// SHA-256 of the key, as people compare it.
    pub(crate) fn fingerprint(&self) -> String {
        hex(&Sha256::digest(&self.0))
    }

    fn verify(&self, text: &str, signature: &[u8]) -> Result<(), String> {
        let key = VerifyingKey::from_public_key_der(&self.0);
        let key = key.map_err(|error| format!("its key is none: {error}"))?;
        let signature = Signature::from_der(signature);
        let signature = signature.map_err(|error| format!("its signature is none: {error}"))?;
        key.verify(text.as_bytes(), &signature)
            .map_err(|_| "its signature is not of this text and key".to_owned())
    }
}

/// What was signed so far, and by whom.
#[derive(Debug, Default)]
pub(super) struct Signed {
    /// Only these may sign; whoever does when empty.
    trusted: BTreeSet<Key>,
    /// The last records and the chain after each.
    recent: VecDeque<Head>,
    pub(super) keys: BTreeSet<Key>,
    pub(super) checkpoints: u64,
    /// The last service day with a checkpoint, and the last record signed for.
    pub(super) last: Option<(ServiceDate, u64)>,
}

impl Signed {
    pub(super) fn by(trusted: impl IntoIterator<Item = Key>, before: Head) -> Self {
        Self {
            trusted: trusted.into_iter().collect(),
            recent: VecDeque::from([before]),
            ..Self::default()
        }
    }

    /// A record follows; what is signed in it must be what was before it.
    pub(super) fn follow(&mut self, record: &Record, head: Head) -> Result<(), String> {
        if let Some(Change::CheckpointMade(made)) = &record.change {
            self.checkpoint(made)?;
        }
        if self.recent.len() > BEHIND_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(head);
        Ok(())
    }

    fn checkpoint(&mut self, made: &CheckpointMade) -> Result<(), String> {
        let chain = <[u8; 32]>::try_from(&made.chain[..]);
        let chain = chain.map_err(|_| "its chain is no SHA-256".to_owned())?;
        let date = ServiceDate::from_days(made.date);
        let text = checkpoint_text(date, made.seq, &chain);
        self.verify(&text, &made.signature, &made.public_key)?;
        let oldest = self.recent.front().map_or(0, |head| head.seq);
        let head = self.recent.iter().rev().find(|head| head.seq == made.seq);
        match head {
            Some(head) if head.chain == chain => {}
            None if made.seq < oldest => {}
            _ => {
                return Err(format!(
                    "record {} was signed with another hash chain: the log before it was changed",
                    made.seq
                ));
            }
        }
        if self.last.is_some_and(|(last, _)| last >= date) {
            return Err(format!("service day {date} was signed before"));
        }
        self.checkpoints += 1;
        self.last = Some((date, made.seq));
        Ok(())
    }

    /// Whether the end is signed.
    pub(super) fn end(&mut self, end: &End, head: Head) -> Result<bool, String> {
        if end.signature.is_empty() {
            if self.trusted.is_empty() && self.keys.is_empty() {
                return Ok(false);
            }
            return Err("the end is not signed, so a tail may have been cut off".to_owned());
        }
        let octets = |text: &str| BASE64_STANDARD.decode(text).map_err(|it| it.to_string());
        let text = export_text(end.time_us, head.seq, &head.chain);
        self.verify(&text, &octets(&end.signature)?, &octets(&end.public_key)?)?;
        Ok(true)
    }

    fn verify(&mut self, text: &str, signature: &[u8], key: &[u8]) -> Result<(), String> {
        let key = Key(key.to_vec());
        if !self.trusted.is_empty() && !self.trusted.contains(&key) {
            return Err(format!(
                "it is signed with another key, {}",
                key.fingerprint()
            ));
        }
        key.verify(text, signature)?;
        self.keys.insert(key);
        Ok(())
    }
}

/// What an earlier export says of the log: the record that it ends with and those of its checkpoints, each with the hash chain
/// after it. Nothing of it is verified here; what does not match shows that one of the two is wrong.
pub(crate) fn kept_heads(from: impl BufRead) -> Result<BTreeMap<u64, [u8; 32]>, String> {
    let mut heads = BTreeMap::new();
    for line in from.lines() {
        let line = line.map_err(|error| error.to_string())?;
        if let Ok(end) = serde_json::from_str::<End>(&line) {
            let chain = chain_of_hex(&end.chain).ok_or("its end has no SHA-256")?;
            heads.insert(end.last_seq, chain);
            return Ok(heads);
        }
        let Ok(line) = serde_json::from_str::<Line>(&line) else {
            continue;
        };
        if line.words.kind == "checkpoint" {
            let chain = chain_of_hex(&line.chain).ok_or("a line has no SHA-256")?;
            heads.insert(line.seq, chain);
        }
    }
    Err("it is no whole export".to_owned())
}
