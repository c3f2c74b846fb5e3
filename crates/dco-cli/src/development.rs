//! Everything that a service needs for development: parties, their certificates, a configuration.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use dco_block::Eui64;
use dco_schedule::Micros;
use dco_server::Role;

use crate::pki::{self, Party, PkiError, PkiPaths, PkiPlan};

/// Somebody who gets a certificate and, unless it is the service itself, is registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Registered {
    /// Names its files, too.
    pub(crate) name: String,
    pub(crate) eui64: Eui64,
    /// None for the service.
    pub(crate) role: Option<Role>,
}

/// The EUI-64s of the test parties: one range for each kind, counted from 1.
const SERVER: u64 = 0x90B3_D51F_3000_0002;
const USERS: u64 = 0x90B3_D51F_3001_0000;
const GATEWAYS: u64 = 0x90B3_D51F_3002_0000;
const OPERATORS: u64 = 0x90B3_D51F_3003_0000;
const DESKS: u64 = 0x90B3_D51F_3004_0000;
const AUDITORS: u64 = 0x90B3_D51F_3005_0000;

/// The clocks of two machines may differ by as much.
const BACKDATED_US: Micros = 3_600 * 1_000_000;
const VALIDITY_DAYS: u32 = 365;

/// The service, so many Users and gateways, two officers of the Service Desk, and one of each other kind of staff.
pub(crate) fn parties(users: u16, gateways: u16) -> Vec<Registered> {
    let some = |kind: &'static str, range: u64, role, count: u16| {
        (1..=count).map(move |number| Registered {
            name: format!("{kind}{number}"),
            eui64: Eui64::from_bits(range + u64::from(number)),
            role: Some(role),
        })
    };
    let server = Registered {
        name: "server".to_owned(),
        eui64: Eui64::from_bits(SERVER),
        role: None,
    };
    std::iter::once(server)
        .chain(some("user", USERS, Role::User, users))
        .chain(some("gateway", GATEWAYS, Role::Gateway, gateways))
        .chain(some("operator", OPERATORS, Role::Operator, 1))
        .chain(some("desk", DESKS, Role::ServiceDesk, 2))
        .chain(some("auditor", AUDITORS, Role::Auditor, 1))
        .collect()
}

/// Makes certificates and keys for them, valid for a year from `now_us`.
pub(crate) fn make_pki(
    dir: &Path,
    parties: &[Registered],
    now_us: Micros,
) -> Result<PkiPaths, PkiError> {
    let party = |registered: &Registered| Party {
        file_name: registered.name.clone(),
        common_name: registered.name.clone(),
        role_code: match registered.role {
            Some(Role::User) => pki::ROLE_SUPPLIER,
            _ => pki::ROLE_DCC,
        },
        eui64: registered.eui64,
        server_names: if registered.role.is_none() {
            pki::loopback_names()
        } else {
            Vec::new()
        },
    };
    let plan = PkiPlan {
        parties: parties.iter().map(party).collect(),
        not_before_us: now_us - BACKDATED_US,
        validity_days: VALIDITY_DAYS,
    };
    pki::make(dir, &plan)
}

/// Where a configuration's service keeps its data and listens.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    pub(crate) data_dir: PathBuf,
    pub(crate) listen: &'static str,
    pub(crate) http_listen: &'static str,
}

/// For a start nobody has a Central Products List; images have to be signed.
const TRUST: &str = "\n[trust]\n\
    # For development only: images are taken and released without `dco products import`.\n\
    products_list = false\nupgrade_pathway = false\n";

/// The configuration of a service for these parties, as text: what has no default, who signs images, and that the Central
/// Products List is not asked.
pub(crate) fn config(places: &Places, pki: &Path, parties: &[Registered]) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let path = |path: &Path| quoted(&path.display().to_string());
    let mut text = format!(
        "# For development, made by `dco pki`. dco.example.toml explains every key.\n\
         data_dir = {}\nlisten = {}\nhttp_listen = {}\n\n[tls]\nca = {}\ncertificate = {}\nkey = {}\n\
         crls = [{}, {}]\n",
        path(&places.data_dir),
        quoted(places.listen),
        quoted(places.http_listen),
        path(&pki.join("ca.pem")),
        path(&pki.join("server.pem")),
        path(&pki.join("server.key")),
        path(&pki.join("ca.crl")),
        path(&pki.join("issuing.crl")),
    );
    write!(
        text,
        "\n[log]\ncheckpoint_key = {}\n",
        path(&pki.join("log.key"))
    )
    .expect("a String takes all that is written to it");
    text += TRUST;
    let signer = path(&pki.join("signer.public.pem"));
    for user in parties.iter().filter(|it| it.role == Some(Role::User)) {
        let user = quoted(&user.eui64.to_string());
        write!(text, "\n[[trust.signer]]\nuser = {user}\nfile = {signer}\n")
            .expect("a String takes all that is written to it");
    }
    for party in parties {
        let Some(role) = party.role else { continue };
        write!(
            text,
            "\n[[party]]\nname = {}\neui64 = {}\nroles = [{}]\n",
            quoted(&party.name),
            quoted(&party.eui64.to_string()),
            quoted(role_name(role)),
        )
        .expect("a String takes all that is written to it");
    }
    text
}

/// A role as the configuration writes it.
pub(crate) fn role_name(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::ServiceDesk => "service_desk",
        Role::Operator => "operator",
        Role::Auditor => "auditor",
        Role::Gateway => "gateway",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use dco_server::Config;

    use super::*;

    #[test]
    fn every_party_has_a_name_and_an_eui_64_of_its_own() {
        let parties = parties(300, 20);
        assert_eq!(parties.len(), 1 + 300 + 20 + 4);
        let names: BTreeSet<_> = parties.iter().map(|party| &party.name).collect();
        let eui64s: BTreeSet<_> = parties.iter().map(|party| party.eui64).collect();
        assert_eq!((names.len(), eui64s.len()), (parties.len(), parties.len()));
    }

    #[test]
    fn the_configuration_is_good_and_registers_everybody() {
        let places = Places {
            data_dir: "a \"folder\"".into(),
            listen: "127.0.0.1:7443",
            http_listen: "127.0.0.1:7480",
        };
        let parties = parties(2, 1);
        let text = config(&places, Path::new("pki"), &parties);
        let config = Config::parse(&text, Path::new("/base")).unwrap();
        assert_eq!(config.data_dir, Path::new("/base/a \"folder\""));
        assert_eq!(config.tls.key, Path::new("/base/pki/server.key"));
        for party in parties {
            let registered = config.parties.get(&party.eui64);
            assert_eq!(
                registered.map(|it| it.roles.clone()),
                party.role.map(|role| vec![role])
            );
        }
    }

    #[test]
    fn the_files_are_where_the_configuration_and_as_expect_them() {
        let dir = tempfile::tempdir().unwrap();
        let pki = make_pki(dir.path(), &parties(1, 1), 1_774_742_400_000_000).unwrap();
        assert_eq!(pki.ca.certificate, dir.path().join("ca.pem"));
        let names = pki
            .parties
            .iter()
            .map(|party| (party.certificate.clone(), party.key.clone()));
        let expected = |name: &str| {
            (
                dir.path().join(format!("{name}.pem")),
                dir.path().join(format!("{name}.key")),
            )
        };
        let expected = [
            "server",
            "user1",
            "gateway1",
            "operator1",
            "desk1",
            "desk2",
            "auditor1",
        ]
        .map(expected);
        assert!(names.eq(expected));
        assert_eq!(pki.image_signing_key, dir.path().join("signer.key"));
    }
}
