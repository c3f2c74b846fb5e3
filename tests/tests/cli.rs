//! The program `dco` as a person or a script uses it: exit codes, one-line errors, `--json`.

use dco_tests::{Device, Image, Scene, Site, dco, dco_command, read_text, write};
use serde_json::Value;

use crate::activation::quick;

const COLUMNS: &str = "device,user,gateway,manufacturer,model,hardware_version,firmware_version";

#[tokio::test]
async fn config_check_shows_every_setting_of_a_good_file() {
    let site = Site::new(|settings| settings.with("capacity.per_day", 777)).await;
    let config = site.config();
    let ended = dco(["config", "check", config.to_str().unwrap(), "--json"])
        .await
        .expect_code(0);
    let settings = &ended.json()["settings"];
    assert_eq!(settings["capacity"]["per_day"], 777);
    assert_eq!(
        settings["capacity"]["allowance_per_day"], 500,
        "defaults are shown as well"
    );
}

#[tokio::test]
async fn the_example_configuration_is_good() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../dco.example.toml");
    dco(["config", "check", example]).await.expect_code(0);
}

#[tokio::test]
async fn an_unknown_key_is_refused_by_its_name_and_a_bad_number_with_what_is_allowed() {
    for (key, value, words) in [
        ("capacity.per_dya", 7, ["per_dya", "unknown"]),
        ("capacity.per_day", -1, ["line", "-1"]),
        (
            "activation.trt_hours",
            0,
            ["activation.trt_hours is 0", "from 1 to"],
        ),
    ] {
        let site = Site::new(|settings| settings.with(key, value)).await;
        let config = site.config();
        let config = config.to_str().unwrap();
        // The service refuses what the check refuses, in the same words.
        for args in [["config", "check", config], ["serve", "--config", config]] {
            let ended = dco(args).await.expect_code(64);
            let error = ended.error();
            assert!(error.contains("dco.toml"), "{error}");
            assert!(
                words.iter().all(|word| error.contains(word)),
                "{words:?} in {error}"
            );
        }
    }
}

#[tokio::test]
async fn a_configuration_that_is_not_there_is_named() {
    let ended = dco(["serve", "--config", "/nowhere/dco.toml"])
        .await
        .expect_code(64);
    assert!(ended.error().contains("/nowhere/dco.toml"), "{ended:?}");
}

#[tokio::test]
async fn bad_lines_of_an_inventory_are_each_named_and_nothing_is_imported() {
    let scene = Scene::start(|settings| settings).await;
    let user = scene.site.eui64("user1");
    let gateway = scene.site.eui64("gateway1");
    let good = |device: &str| format!("{device},{user},{gateway},Maker,E470,0100,00000001");
    let lines = [
        COLUMNS.to_owned(),
        good("00-DB-12-34-00-00-00-01"),
        good("00-DB-12-34-00-00-00"),
        good("00-DB-12-34-00-00-00-02"),
        format!("00-DB-12-34-00-00-00-03,{user},{gateway},Maker,E470,1,00000001"),
        good("00-DB-12-34-00-00-00-01"),
        "three,columns,only".to_owned(),
    ];
    let path = scene.site.path("devices.csv");
    write(&path, lines.join("\n"));
    let args = ["devices", "import", path.to_str().unwrap()];
    let ended = scene.dco("operator1", &args).await.expect_code(65);
    assert!(ended.error().contains("4 bad lines"), "{ended:?}");
    let bad = &ended.json()["error"]["details"]["bad_lines"];
    assert_eq!(bad.as_array().map(Vec::len), Some(4), "{bad}");
    let error = ended.err.join("\n");
    for line in ["line 3", "line 5", "line 6", "line 7"] {
        assert!(error.contains(line), "{line} in {error}");
    }
    assert!(
        !error.contains("line 2:") && !error.contains("line 4:"),
        "{error}"
    );
    let metrics = dco_tests::Metrics::of(scene.service()).await;
    assert!(metrics.value("dco_devices") < 0.5, "nothing is imported");

    write(
        &path,
        [&lines[0], &lines[1], &lines[3]]
            .map(String::as_str)
            .join("\n"),
    );
    let ended = scene.dco("operator1", &args).await.expect_code(0);
    assert_eq!(ended.json()["device_count"], 2);
    scene.no_faults();
}

#[tokio::test]
async fn a_user_may_not_import() {
    let scene = Scene::start(|settings| settings).await;
    let path = scene.site.path("devices.csv");
    let (user, gateway) = (scene.site.eui64("user1"), scene.site.eui64("gateway1"));
    let line = format!("00-DB-12-34-00-00-00-01,{user},{gateway},Maker,E470,0100,00000001");
    write(&path, format!("{COLUMNS}\n{line}\n"));
    let args = ["devices", "import", path.to_str().unwrap()];
    let ended = scene.dco("user1", &args).await.expect_code(1);
    assert_eq!(
        ended.json()["error"]["details"]["reason"],
        "CALLER_NOT_PERMITTED"
    );
    scene.no_faults();
}

#[tokio::test]
async fn a_service_that_is_not_there_and_a_file_that_is_not_there_have_their_exit_codes() {
    let mut scene = Scene::start(|settings| settings).await;
    let image = scene.site.path("image.ota");
    write(&image, Image::small(2).bytes);
    let image = image.to_str().unwrap().to_owned();
    let device = "00-DB-12-34-00-00-00-01";
    let ended = scene
        .dco("user1", &["send", "/nowhere.ota", "--devices", device])
        .await;
    assert!(ended.expect_code(65).error().contains("/nowhere.ota"));
    let ended = scene
        .dco("user1", &["send", &image, "--devices", "/nowhere.csv"])
        .await;
    assert!(ended.expect_code(65).error().contains("/nowhere.csv"));
    scene.stop_service().await;
    let ended = scene
        .dco("user1", &["send", &image, "--devices", device])
        .await;
    assert_eq!(ended.json()["error"]["exit_code"], 3);
    ended.expect_code(3);
    // clap's own.
    dco(["send"]).await.expect_code(2);
    dco(["dance"]).await.expect_code(2);
}

#[tokio::test]
async fn help_teaches_and_names_the_exit_codes() {
    let help = dco(["--help"]).await.expect_code(0).out.join("\n");
    for word in [
        "serve",
        "demo",
        "pki",
        "send",
        "activate",
        "transfers",
        "batches",
        "watch",
        "explain",
        "gateway",
        "report",
        "config",
        "devices",
        "Exit codes:",
    ] {
        assert!(help.contains(word), "{word} is not in\n{help}");
    }
    let help = dco(["send", "--help"]).await.expect_code(0).out.join("\n");
    assert!(help.contains("Examples:"), "{help}");
}

#[tokio::test]
async fn a_wrong_command_line_is_told_to_programs_as_well() {
    for args in [
        &["nosuch", "--json"][..],
        &["batches", "--limit", "-1", "--json"],
        &["send", "--json"],
    ] {
        let ended = dco(args).await.expect_code(2);
        assert_eq!(ended.json()["error"]["exit_code"], 2);
    }
}

#[tokio::test]
async fn pki_never_overwrites() {
    let site = Site::new(|settings| settings).await;
    let pki = site.path("pki");
    let before = read_text(&pki.join("ca.pem"));
    let ended = dco(["pki", pki.to_str().unwrap()]).await.expect_code(65);
    assert!(
        ended.error().contains("ca.pem") || ended.error().contains("exist"),
        "{ended:?}"
    );
    assert_eq!(read_text(&pki.join("ca.pem")), before);
}

/// A command that must end well; what it answers.
async fn done(scene: &Scene, party: &str, args: &[&str]) -> Value {
    scene.dco(party, args).await.expect_code(0).json()
}

/// Imports three Devices of user1 by a file, and gives them and its path.
async fn imported(scene: &Scene) -> (Vec<Device>, String) {
    let (user, gateway) = (scene.site.eui64("user1"), scene.site.eui64("gateway1"));
    let path = scene.site.path("devices.csv");
    let devices = dco_tests::devices(1, 3);
    let line = |device| format!("{device},{user},{gateway},Maker,E470,0100,00000001");
    let lines: Vec<_> = devices.iter().map(line).collect();
    write(&path, format!("{COLUMNS}\n{}\n", lines.join("\n")));
    let path = path.display().to_string();
    done(scene, "operator1", &["devices", "import", &path]).await;
    (devices, path)
}

#[tokio::test]
async fn the_whole_way_by_commands() {
    let scene = Scene::start(quick).await;
    let (devices, csv) = imported(&scene).await;
    let file = scene.site.path("image.ota");
    write(&file, Image::large(2).bytes);
    let file = file.to_str().unwrap();

    let sent = done(&scene, "user1", &["send", file, "--devices", &csv]).await;
    assert_eq!(
        (&sent["state"], &sent["device_count"]),
        (&"STORED".into(), &3.into()),
        "{sent}"
    );
    assert_eq!(sent["response"]["response_code"], "I99");
    let gateway = scene.gateway("gateway1", &[]).await;
    let args = ["activate", "--image", file, "--devices", &csv, "--watch"];
    let activated = done(&scene, "user1", &args).await;
    assert_eq!(activated["counts"]["succeeded"], 3, "{activated}");
    assert_eq!(activated["outcomes"]["success"], 3);

    let batch = activated["name"].as_str().unwrap();
    let first = format!("{batch}/activations/{}", devices[0]);
    let explained = done(&scene, "user1", &["explain", &first]).await;
    assert!(explained["summary"].is_string(), "{explained}");
    assert_eq!(
        done(&scene, "user1", &["watch", batch]).await["settled"],
        true
    );
    for (party, args, expected) in [
        ("user1", ["transfers"].as_slice(), sent["name"].to_string()),
        ("user1", &["batches"], format!("\"{batch}\"")),
        ("operator1", &["days"], "\"released\":3".to_owned()),
        (
            "operator1",
            &["gateways"],
            scene.site.eui64("gateway1").to_string(),
        ),
        (
            "desk1",
            &["report", "capacity"],
            "\"released\":3".to_owned(),
        ),
        (
            "desk1",
            &["report", "trt"],
            "\"ended_within_trt\":3".to_owned(),
        ),
        (
            "desk1",
            &["report", "success"],
            "\"succeeded\":3".to_owned(),
        ),
    ] {
        let shown = done(&scene, party, args).await.to_string();
        assert!(
            shown.contains(&expected),
            "{expected} is not in {args:?}: {shown}"
        );
    }
    gateway.stop().await.expect_code(0);
    scene.no_faults();
}

#[tokio::test]
async fn the_demonstration_ends_with_numbers_that_agree() {
    let site = Site::new(|settings| settings).await;
    let image = site.path("image.ota");
    // Large, and not larger than it must be.
    let large = Image::new(750_000, 2);
    assert!(large.manifest.is_large());
    write(&image, &large.bytes);
    let mut command = dco_command(["demo", "--json", "--image"]);
    command.arg(&image).env("NO_COLOR", "1");
    let mut child = dco_tests::Child::spawn("dco demo", command);
    child.says(|line| line.starts_with('{')).await;
    let ended = child.ended().await.expect_code(0);
    let report = ended.json();
    let number = |key: &str| {
        report[key]
            .as_u64()
            .unwrap_or_else(|| panic!("{key} in {report}"))
    };
    let list = |key: &str| -> Vec<u64> {
        let numbers = report[key]
            .as_array()
            .unwrap_or_else(|| panic!("{key} in {report}"));
        numbers.iter().map(|it| it.as_u64().unwrap()).collect()
    };
    assert_eq!(
        number("image_bytes"),
        u64::from(large.manifest.image_bytes())
    );
    assert_eq!(number("blocks"), number("image_bytes").div_ceil(64 * 1024));
    assert_eq!(number("transfers_stored"), 2);
    assert!(number("refused_over_allowance") >= 1);
    assert!(
        number("devices") >= 500,
        "a few hundred Devices, and the 501st"
    );
    assert_eq!(
        number("activated") + number("failed"),
        number("activations")
    );
    let released = list("released_per_service_day");
    assert_eq!(
        u64::try_from(released.len()).unwrap(),
        number("service_days")
    );
    assert!(number("service_days") >= 2, "several service days pass");
    assert_eq!(number("capacity_per_service_day"), 12_000);
    assert!(released.iter().all(|used| *used <= 12_000), "{report}");
    // Each activated meter took a release, unless it had the version before; retries took more.
    let at_least = number("activations") * 9 / 10;
    assert!(released.iter().sum::<u64>() >= at_least, "{report}");
    assert_eq!(report["error"], Value::Null);
}

/// Words that cannot be meant are refused before anything is asked of anybody.
#[tokio::test]
async fn a_chart_is_svg_and_a_list_has_at_least_one_line() {
    for (args, told) in [
        (&["sim", "--svg", "plan.png"][..], ".svg"),
        (&["schedule", "simulate", "--svg", "plan.png"], ".svg"),
        (&["report", "capacity", "--chart", "plan"], ".svg"),
        (&["load", "intake", "--chart", "plan.pdf"], ".svg"),
        (&["batches", "--limit", "0"], "from 1 on"),
        (&["transfers", "--limit", "0"], "from 1 on"),
        (&["gateways", "--limit", "0"], "from 1 on"),
        (&["days", "--limit", "0"], "from 1 on"),
        (&["products", "list", "--limit", "0"], "from 1 on"),
        (
            &["schedule", "end", "schedules/1", "--from", "9999-12-31"],
            "to 9998-12-31",
        ),
    ] {
        let ended = dco(args.iter().copied()).await.expect_code(2);
        assert!(ended.error().contains(told), "{args:?}: {ended:?}");
    }
}
