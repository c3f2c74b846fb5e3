//! `dco load`: a few seconds of each kind, held to its counts.

use dco_tests::{Ended, Scene, Site, dco, read_text};
use serde_json::Value;

/// `dco load` with a service of its own, in a folder that is removed.
async fn load(site: &Site, args: &str) -> Ended {
    let folder = site.path("");
    let folder = folder
        .to_str()
        .expect("a temporary folder has a plain name");
    let args = args.split_whitespace();
    dco(["load"]
        .into_iter()
        .chain(args)
        .chain(["--json", "--dir", folder]))
    .await
}

fn count(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("{value} is no count"))
}

#[tokio::test]
async fn every_image_of_a_load_is_durable_and_has_its_response() {
    let site = Site::new(|settings| settings).await;
    let args = "intake --users 2 --senders 3 --images 12 --image-bytes 200000 --limit-rounds 0";
    for (rate, open_loop) in [("", false), (" --rate 1000", true)] {
        let ended = load(&site, &format!("{args}{rate} --seconds 300")).await;
        let found = ended.expect_code(0).json();
        assert_eq!(count(&found["images"]), 12);
        assert_eq!(count(&found["bytes"]), 12 * 200_000);
        assert_eq!(count(&found["durable"]["count"]), 12);
        assert_eq!(count(&found["response"]["count"]), 12);
        assert_eq!(found["open_loop"], open_loop);
        let memory = &found["service"];
        assert!(count(&memory["begin_bytes"]) > 0);
        assert!(count(&memory["peak_bytes"]) >= count(&memory["end_bytes"]));
    }
}

#[tokio::test]
async fn every_activation_of_a_load_has_its_outcome() {
    let site = Site::new(|settings| settings).await;
    let args = "activations --users 2 --lanes 2 --gateways 3 --batch-devices 50 --activations 400 \
        --seconds 300 --limit-rounds 0";
    let found = load(&site, args).await.expect_code(0).json();
    assert_eq!(count(&found["activations"]), 400);
    assert_eq!(count(&found["batches"]), 8);
    assert_eq!(count(&found["noted"]["count"]), 400);
    assert_eq!(count(&found["gateways"]), 3);
}

#[tokio::test]
async fn nothing_is_lost_in_a_soak() {
    let site = Site::new(|settings| settings).await;
    let args = "soak --users 2 --lanes 1 --gateways 2 --batch-devices 3 --seconds 4 --kill-every 1";
    let found = load(&site, args).await.expect_code(0).json();
    assert_eq!(found["violations"], Value::Array(Vec::new()));
    let told = &found["told"];
    let [kills, transfers, batches] =
        [&found["kills"], &told["transfers"], &told["batches"]].map(count);
    assert!(kills >= 1);
    assert!(transfers >= 2, "each sender finishes what it began");
    assert_eq!(count(&told["responses"]), transfers);
    assert_eq!(batches, transfers);
    assert_eq!(count(&told["activations"]), batches * 3);
    // The acknowledgement of some may have been lost with a connection.
    let blocks = transfers * 800_000_u64.div_ceil(65_536);
    assert!((1..=blocks).contains(&count(&told["blocks"])));
}

#[tokio::test]
async fn a_running_service_can_be_loaded_and_its_latency_drawn() {
    let scene = Scene::start(|settings| settings).await;
    let (address, chart) = (
        scene.line.address().to_string(),
        scene.site.path("chart.svg"),
    );
    let (pki, folder) = (scene.site.path("pki"), scene.site.path(""));
    let path = |path: &std::path::Path| path.display().to_string();
    let args = "load mixed --users 2 --gateways 2 --senders 2 --images 4 --image-bytes 100000 --lanes 1 \
        --batch-devices 20 --activations 80 --seconds 300 --limit-rounds 1 --json --server-name localhost";
    let args = args.split_whitespace().map(ToOwned::to_owned);
    let with = [
        ("--server", address),
        ("--pki", path(&pki)),
        ("--dir", path(&folder)),
        ("--chart", path(&chart)),
    ];
    let with = with
        .into_iter()
        .flat_map(|(flag, value)| [flag.to_owned(), value]);
    let found = dco(args.chain(with)).await.expect_code(0).json();
    assert_eq!(count(&found["intake"]["images"]), 4);
    assert_eq!(count(&found["activations"]["activations"]), 80);
    assert_eq!(
        found["service"],
        Value::Null,
        "nobody said which process it is"
    );
    for ratio in ["of_store", "of_disk", "of_tls", "of_sha256"] {
        assert!(
            found["ratios"]["intake"][ratio].as_f64() > Some(0.0),
            "{ratio}"
        );
    }
    let drawn = read_text(&chart);
    assert!(
        drawn.starts_with("<svg") && drawn.contains("stroke-dasharray"),
        "{drawn}"
    );
    let transfers = scene
        .user("user1")
        .await
        .transfers(&Default::default())
        .await;
    assert!(!transfers.unwrap().items.is_empty(), "it was this service");
    scene.no_faults();
}

#[tokio::test]
async fn the_limits_of_the_machine_are_measured_without_a_service() {
    let site = Site::new(|settings| settings).await;
    let found = load(&site, "limits --rounds 1").await.expect_code(0).json();
    let limits = found.as_object().unwrap();
    assert_eq!(limits.len(), 6);
    assert!(limits.values().all(|it| it.as_f64() > Some(0.0)), "{found}");
}

#[tokio::test]
async fn a_load_that_makes_no_sense_is_refused_with_what_to_give() {
    let site = Site::new(|settings| settings).await;
    for (args, word) in [
        ("intake --server 192.0.2.1:7443", "--beyond-loopback"),
        ("intake --server nowhere", "HOST:PORT"),
        ("intake --images 0 --limit-rounds 0", "images is zero"),
        (
            "activations --batch-devices 30000 --limit-rounds 0",
            "at most 25000",
        ),
    ] {
        let ended = load(&site, args).await.expect_code(2);
        assert!(ended.error().contains(word), "{word} in {ended:?}");
    }
}
