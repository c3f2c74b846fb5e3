//! Who is registered, read again from the configuration while the service runs.
//!
//! Only parties, signers and the rate of gateways are taken over. Whatever else has changed in the file waits for the next start, and the log says so.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use dco_block::Eui64;
use dco_engine::Rate;
use tokio::sync::watch;

use crate::config::{Config, ConfigError, Party};
use crate::permit::{Parties, Register};
use crate::reload::Source;

/// Parties that one line of the log names.
const NAMED_MAX: usize = 20;

/// Looks at the configuration again and again.
pub(crate) struct Registrations {
    /// Nothing when the configuration came from no file.
    file: Option<PathBuf>,
    /// The file without its parties and signers, as the service runs on it, and as it was last seen.
    rest: Option<(toml::Table, toml::Table)>,
    publish: watch::Sender<Parties>,
    rate: watch::Sender<Option<Rate>>,
}

/// Those whom the configuration names, and the rate that it keeps gateways to. The reloader that comes with them publishes what
/// changes later.
pub(crate) fn registered(
    config: &Config,
) -> (Register, watch::Receiver<Option<Rate>>, Registrations) {
    if config.parties.is_empty() {
        tracing::warn!("nobody is registered: every call will be refused");
    }
    let (publish, parties) = watch::channel(Arc::new(config.parties.clone()));
    let (rate, rates) = watch::channel(config.terms.gateway_rate);
    let registrations = Registrations {
        file: config.file.clone(),
        rest: None,
        publish,
        rate,
    };
    (Register::new(parties), rates, registrations)
}

impl Source for Registrations {
    type Error = ConfigError;
    const WHAT: &'static str = "registrations";

    async fn look(&mut self) -> Result<bool, ConfigError> {
        let Some(file) = self.file.clone() else {
            return Ok(false);
        };
        let (config, text) = Config::load_again(&file).await?;
        self.note_the_rest(&text);
        let is_paced = self.keep_to(config.terms.gateway_rate);
        Ok(self.take_over(config.parties) || is_paced)
    }

    async fn unwanted(&self) {
        self.publish.closed().await;
    }
}

impl Registrations {
    fn take_over(&self, parties: BTreeMap<Eui64, Party>) -> bool {
        self.publish.send_if_modified(|known| {
            let is_new = **known != parties;
            if is_new {
                warn_of_gone(known, &parties);
                *known = Arc::new(parties);
            }
            is_new
        })
    }

    fn keep_to(&self, rate: Option<Rate>) -> bool {
        self.rate.send_if_modified(|known| {
            let is_new = *known != rate;
            *known = rate;
            is_new
        })
    }

    /// The first look comes so soon after the start that what it finds is what the service runs on.
    fn note_the_rest(&mut self, text: &str) {
        let Ok(mut table) = text.parse::<toml::Table>() else {
            return;
        };
        table.remove("party");
        table.remove("gateway");
        // Signers are taken over as well: see `signers`.
        if let Some(toml::Value::Table(trust)) = table.get_mut("trust") {
            trust.remove("signer");
        }
        let (running, seen) = self
            .rest
            .get_or_insert_with(|| (table.clone(), table.clone()));
        let is_news = *seen != table && *running != table;
        *seen = table;
        if is_news {
            tracing::warn!(
                "the configuration has changed in more than its parties, signers and the rate of gateways; the rest is taken over by the next start"
            );
        }
    }
}

/// A file that was cut off where a section ended is as good as any other: only people can tell whether that was meant.
fn warn_of_gone(known: &BTreeMap<Eui64, Party>, parties: &BTreeMap<Eui64, Party>) {
    let gone = known.keys().filter(|party| !parties.contains_key(party));
    let gone: Vec<_> = gone.map(Eui64::to_string).collect();
    if gone.is_empty() {
        return;
    }
    let (count, left) = (gone.len(), parties.len());
    let named = gone[..count.min(NAMED_MAX)].join(", ");
    tracing::warn!(
        gone = count,
        left,
        parties = named,
        "parties are not registered any more"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: &str = "data_dir = \"data\"\nlisten = \"127.0.0.1:0\"\nhttp_listen = \"127.0.0.1:0\"\n\
        [tls]\nca = \"a\"\ncertificate = \"b\"\nkey = \"c\"\n";
    const FIRST: &str = "90-B3-D5-1F-30-01-00-00";
    const OTHER: &str = "90-B3-D5-1F-30-02-00-00";

    fn party(eui64: &str, role: &str) -> String {
        format!("[[party]]\nname = \"a\"\neui64 = \"{eui64}\"\nroles = [\"{role}\"]\n")
    }

    #[tokio::test]
    async fn who_is_registered_follows_the_file_and_a_bad_file_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("dco.toml");
        let put = async |text: String| tokio::fs::write(&file, text).await.unwrap();
        put(REST.to_owned() + &party(FIRST, "user")).await;
        let (_, rates, mut registrations) = registered(&Config::load(&file).unwrap());
        let roles = |it: &Registrations| {
            let parties = it.publish.borrow();
            let party = parties.get(&FIRST.parse().unwrap());
            party.map(|party| format!("{:?}", party.roles))
        };
        assert!(!registrations.look().await.unwrap());
        put(REST.to_owned() + &party(FIRST, "auditor")).await;
        assert!(registrations.look().await.unwrap());
        assert_eq!(roles(&registrations).as_deref(), Some("[Auditor]"));

        for bad in ["[[party", &(REST.to_owned() + &party(FIRST, "king")), ""] {
            put(bad.to_owned()).await;
            assert!(registrations.look().await.is_err(), "{bad}");
            assert_eq!(roles(&registrations).as_deref(), Some("[Auditor]"));
        }
        // As it is when it was cut off before its first party.
        put(REST.to_owned()).await;
        let refused = registrations.look().await.unwrap_err().to_string();
        assert!(refused.contains("dco.toml has no party"), "{refused}");
        assert_eq!(roles(&registrations).as_deref(), Some("[Auditor]"));

        put(REST.to_owned() + &party(OTHER, "user")).await;
        assert!(registrations.look().await.unwrap());
        assert_eq!(roles(&registrations), None);

        assert_eq!(*rates.borrow(), None);
        let limited = "[gateway]\nreleases_per_hour_max = 60\n";
        put(REST.to_owned() + limited + &party(OTHER, "user")).await;
        assert!(registrations.look().await.unwrap());
        assert!(rates.borrow().is_some());
        assert!(!registrations.look().await.unwrap(), "it is known");
    }
}
