//! A configuration, key by key.

use toml::{Table, Value};

/// The text of a configuration that can be changed before the service reads it.
#[derive(Clone, Debug)]
pub struct Settings(Table);

impl Settings {
    /// Reads what `dco pki --config` wrote.
    pub(crate) fn read(text: &str) -> Self {
        Self(text.parse().expect("dco pki writes TOML"))
    }

    /// Sets a key such as `capacity.per_day`; its section is made when it is not there.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        let mut table = &mut self.0;
        let mut sections: Vec<_> = key.split('.').collect();
        let last = sections.pop().expect("split gives at least one part");
        for section in sections {
            let inner = table.entry(section).or_insert_with(|| Table::new().into());
            table = inner
                .as_table_mut()
                .expect("every part of a key but the last is a section");
        }
        table.insert(last.to_owned(), value.into());
        self
    }

    /// Takes the registration of a party out; its certificate is still of the authority.
    #[must_use]
    pub fn without_party(mut self, name: &str) -> Self {
        let parties = self.0.get_mut("party").and_then(Value::as_array_mut);
        let parties = parties.expect("dco pki registers parties");
        let count = parties.len();
        parties.retain(|party| party.get("name").and_then(Value::as_str) != Some(name));
        assert_eq!(parties.len() + 1, count, "no party is called {name}");
        self
    }

    /// Registers a party with one more role.
    #[must_use]
    pub fn with_role(mut self, name: &str, role: &str) -> Self {
        let parties = self.0.get_mut("party").and_then(Value::as_array_mut);
        let mut parties = parties.expect("dco pki registers parties").iter_mut();
        let party = parties.find(|party| party.get("name").and_then(Value::as_str) == Some(name));
        let roles = party.and_then(|party| party.get_mut("roles")?.as_array_mut());
        roles.expect("the party has roles").push(role.into());
        self
    }

    /// The EUI-64s that parties are registered with, by name.
    pub(crate) fn parties(&self) -> impl Iterator<Item = (&str, &str)> {
        let parties = self.0.get("party").and_then(Value::as_array);
        parties
            .into_iter()
            .flatten()
            .filter_map(|party| Some((party.get("name")?.as_str()?, party.get("eui64")?.as_str()?)))
    }

    /// As it stands in a file.
    pub fn text(&self) -> String {
        self.0.to_string()
    }
}
