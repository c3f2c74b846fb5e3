use std::path::Path;

use dco_engine::{BreakerTerms, RetryTerms, SECOND_US, StopTerms, Terms, TrustTerms};

use super::{Config, ConfigError, ConfigFile};

const EXAMPLE: &str = include_str!("../../../../dco.example.toml");

const MINIMAL: &str = r#"
data_dir = "data"
listen = "127.0.0.1:0"
http_listen = "[::1]:0"
[tls]
ca = "ca.pem"
certificate = "/etc/dco/server.pem"
key = "server.key"
"#;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("/base"))
}

/// The paths of all keys, `capacity.per_day` and the like.
fn keys(table: &toml::Table) -> Vec<String> {
    let mut keys = Vec::new();
    for (key, value) in table {
        let inner = match value {
            toml::Value::Table(inner) => Some(inner),
            toml::Value::Array(items) => items.first().and_then(toml::Value::as_table),
            _ => None,
        };
        match inner {
            Some(inner) => keys.extend(self::keys(inner).iter().map(|k| format!("{key}.{k}"))),
            None => keys.push(key.clone()),
        }
    }
    keys
}

#[test]
fn the_example_is_valid_and_names_every_key() {
    let config = parse(EXAMPLE).unwrap();
    assert_eq!(config.parties.len(), 6);
    let file: ConfigFile = toml::from_str(EXAMPLE).unwrap();
    let mut all = keys(&toml::Table::try_from(file).unwrap());
    let mut written = keys(&toml::from_str(EXAMPLE).unwrap());
    all.sort();
    written.sort();
    assert_eq!(written, all);
}

#[test]
fn the_example_shows_the_defaults() {
    let minimal: ConfigFile = toml::from_str(MINIMAL).unwrap();
    let mut minimal = toml::Table::try_from(minimal).unwrap();
    let mut example: toml::Table = toml::from_str(EXAMPLE).unwrap();
    for table in [&mut minimal, &mut example] {
        for required in ["data_dir", "listen", "http_listen", "party"] {
            table.remove(required);
        }
        let tls = table["tls"].as_table_mut().unwrap();
        for required in ["ca", "certificate", "key"] {
            tls.remove(required);
        }
        let trust = table["trust"].as_table_mut().unwrap();
        trust.remove("signer");
        let log = table["log"].as_table_mut().unwrap();
        log.remove("checkpoint_key");
    }
    assert_eq!(minimal, example);
}

#[test]
fn the_defaults_are_those_of_the_engine_with_every_check_and_threshold_and_jitter() {
    let config = parse(MINIMAL).unwrap();
    let terms = Terms {
        trust: TrustTerms {
            products_list: true,
            upgrade_pathway: true,
        },
        thresholds: config.terms.thresholds,
        breaker: Some(BreakerTerms {
            failures: 20,
            probe_after_us: 600 * SECOND_US,
        }),
        stop: Some(StopTerms {
            attempts: 200,
            failed_percent: 20,
        }),
        retry: RetryTerms {
            jitter_percent: 10,
            ..Terms::default().retry
        },
        ..Terms::default()
    };
    assert!(config.signing.required);
    assert!(config.terms.thresholds.activations.total_max < u32::MAX);
    assert_eq!(format!("{:?}", config.terms), format!("{terms:?}"));
}

#[test]
fn paths_start_at_the_folder_of_the_file() {
    let config = parse(MINIMAL).unwrap();
    assert_eq!(config.data_dir, Path::new("/base/data"));
    assert_eq!(config.tls.ca, Path::new("/base/ca.pem"));
    assert_eq!(config.tls.certificate, Path::new("/etc/dco/server.pem"));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Config::load(Path::new("/nowhere/dco.toml")).unwrap_err();
    assert!(matches!(error, ConfigError::Read { .. }));
    assert!(error.to_string().contains("/nowhere/dco.toml"), "{error}");
}

#[test]
fn an_unknown_key_is_refused_by_name() {
    for text in [
        format!("per_hour = 5\n{MINIMAL}"),
        format!("{MINIMAL}per_hour = 5\n"),
        format!("{MINIMAL}[capacity]\nper_hour = 5\n"),
        format!("{MINIMAL}[retry.transfer]\nattempts_max = 1\nbackoff_minutes = 1\nper_hour = 5\n"),
        format!("{MINIMAL}[[party]]\nper_hour = 5\n"),
        format!("{MINIMAL}[per_hour]\n"),
    ] {
        let error = parse(&text).unwrap_err();
        assert!(matches!(error, ConfigError::Syntax { .. }));
        assert!(error.to_string().contains("per_hour"), "{error}");
    }
}

#[test]
fn a_value_out_of_bounds_is_refused_with_its_field() {
    let party = |name: &str, eui64: &str, roles: &str| {
        format!("[[party]]\nname = \"{name}\"\neui64 = \"{eui64}\"\nroles = [{roles}]\n")
    };
    let (first, user) = ("90-B3-D5-1F-30-01-00-00", "\"user\"");
    let twice = party("a", first, user) + &party("b", &first.to_lowercase(), user);
    for (field, text) in [
        ("capacity.burst", "[capacity]\nburst = 0\n".to_owned()),
        (
            "capacity.hour_profile",
            "[capacity]\nhour_profile = [1, 2]\n".to_owned(),
        ),
        (
            "capacity.hour_profile",
            format!("[capacity]\nhour_profile = {:?}\n", [0; 24]),
        ),
        (
            "scrub.bytes_per_second",
            "[scrub]\nbytes_per_second = 100000000000\n".to_owned(),
        ),
        (
            "store.reserve_bytes",
            "[store]\nreserve_bytes = 2000000000000000\n".to_owned(),
        ),
        (
            "limits.stored_bytes_per_user_max",
            "[limits]\nstored_bytes_per_user_max = 1000\n".to_owned(),
        ),
        (
            "transfer.warn_before_hours",
            "[transfer]\nexpire_after_hours = 5\n".to_owned(),
        ),
        (
            "transfer.expire_after_hours",
            "[transfer]\nexpire_after_hours = 0\n".to_owned(),
        ),
        (
            "attempt.per_gateway_max",
            "[attempt]\nper_gateway_max = 0\n".to_owned(),
        ),
        (
            "retry.unknown.attempts_max",
            "[retry.unknown]\nattempts_max = 0\nbackoff_minutes = 0\n".to_owned(),
        ),
        (
            "intake.bytes_in_flight_max",
            "[intake]\nbytes_in_flight_max = 1000\n".to_owned(),
        ),
        (
            "intake.bytes_in_flight_per_user_max",
            "[intake]\nbytes_in_flight_max = 2000000\n".to_owned(),
        ),
        (
            "connections.per_peer_max",
            "[connections]\nmax = 2\n".to_owned(),
        ),
        (
            "connections.handshakes_per_address_max",
            "[connections]\nhandshakes_max = 2\n".to_owned(),
        ),
        (
            "store.commit_bytes_max",
            "[store]\ncommit_bytes_max = 1\n".to_owned(),
        ),
        ("party 1: name", party("", first, user)),
        ("party 1: roles", party("a", first, "")),
        ("party 1: eui64", party("a", "90-B3", user)),
        ("party 2: eui64", twice),
    ] {
        assert_names(field, &text);
    }
}

#[test]
fn a_value_of_schedules_out_of_bounds_is_refused_with_its_field() {
    for (field, value) in [
        ("reserve_retry_permille", 1001),
        ("approve_within_hours", 0),
    ] {
        let text = format!("[schedules]\n{field} = {value}\n");
        assert_names(&format!("schedules.{field}"), &text);
    }
}

#[test]
fn what_is_asked_of_images_and_of_counts_is_refused_with_its_field() {
    for (field, text) in [
        ("trust.upgrade_pathway", "[trust]\nproducts_list = false\n"),
        (
            "trust.signer 1: user",
            "[[trust.signer]]\nuser = \"90-B3\"\nfile = \"a.pem\"\n",
        ),
        (
            "breaker.probe_after_minutes",
            "[breaker]\nprobe_after_minutes = 0\n",
        ),
        ("stop.failed_percent", "[stop]\nfailed_percent = 0\n"),
        ("stop.attempts", "[stop]\nattempts = 1001\n"),
        ("gateway.burst", "[gateway]\nburst = 0\n"),
        (
            "gateway.releases_per_hour_max",
            "[gateway]\nreleases_per_hour_max = 1000001\n",
        ),
        (
            "thresholds.period_minutes",
            "[thresholds]\nperiod_minutes = 0\n",
        ),
        (
            "thresholds.activations_per_user_max",
            "[thresholds]\nactivations_total_max = 100\n",
        ),
        (
            "thresholds.transfers_total_max",
            "[thresholds]\ntransfers_total_max = 0\n",
        ),
        (
            "thresholds.request_bytes_per_user_max",
            "[thresholds]\nrequest_bytes_per_user_max = 466559\n",
        ),
        (
            "thresholds.request_bytes_per_user_max",
            "[thresholds]\nrequest_bytes_total_max = 466560\n",
        ),
        (
            "thresholds.request_bytes_total_max",
            "[thresholds]\nrequest_bytes_total_max = 466559\n",
        ),
        (
            "thresholds.schedule_steps_per_user_max",
            "[thresholds]\nschedule_steps_total_max = 100\n",
        ),
        (
            "thresholds.schedule_steps_total_max",
            "[thresholds]\nschedule_steps_total_max = 0\n",
        ),
        (
            "thresholds.warnings_per_user_max",
            "[thresholds]\nwarnings_per_user_max = 0\n",
        ),
    ] {
        assert_names(field, text);
    }
}

fn assert_names(field: &str, text: &str) {
    let error = parse(&format!("{MINIMAL}{text}")).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{field} is ")), "{error}");
}

#[test]
fn addresses_and_links_are_checked() {
    for (field, line, wrong) in [
        (
            "listen",
            "listen = \"127.0.0.1:0\"",
            "listen = \"localhost\"",
        ),
        (
            "http_listen",
            "http_listen = \"[::1]:0\"",
            "http_listen = \"0.0.0.0:7480\"",
        ),
        (
            "service_desk_url",
            "data_dir",
            "service_desk_url = \"javascript:1\"\ndata_dir",
        ),
    ] {
        let error = parse(&MINIMAL.replacen(line, wrong, 1))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(&format!("{field} is ")), "{error}");
    }
}

#[test]
fn a_role_that_is_not_known_is_refused_with_those_that_are() {
    let text = MINIMAL.to_owned()
        + "[[party]]\nname = \"a\"\neui64 = \"90-B3-D5-1F-30-01-00-00\"\nroles = [\"boss\"]\n";
    let error = parse(&text).unwrap_err().to_string();
    assert!(
        error.contains("boss") && error.contains("service_desk"),
        "{error}"
    );
}

#[test]
fn a_wait_or_a_warning_out_of_bounds_is_refused_with_its_field() {
    for (field, text) in [
        (
            "activation.trt_warn_before_hours",
            "[activation]\ntrt_warn_before_hours = 0\n",
        ),
        ("retry.jitter_percent", "[retry]\njitter_percent = 101\n"),
    ] {
        let error = parse(&format!("{MINIMAL}{text}")).unwrap_err();
        assert!(error.to_string().contains(field), "{error}");
    }
}
