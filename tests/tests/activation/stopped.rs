//! Parts of the releases that officers, or the stop rule, have paused, as people see them.

use dco_tests::{Image, Metrics, Scene, settled, submit_batch};

use super::quick;

#[tokio::test]
async fn an_image_that_fails_is_stopped_told_shown_and_resumed() {
    let scene = Scene::start(|it| {
        quick(it)
            .with("stop.attempts", 6)
            .with("stop.failed_percent", 50)
    })
    .await;
    let devices = scene.install(0, 12, "user1", "gateway1").await;
    let others = scene.install(100, 2, "user2", "gateway1").await;
    let (user, other) = (scene.user("user1").await, scene.user("user2").await);
    let (bad, good) = (Image::small(2), Image::small(3));
    scene.store(&user, &bad, &devices).await;
    scene.store(&other, &good, &others).await;
    let failing: Vec<_> = devices
        .iter()
        .flat_map(|device| ["--always".to_owned(), format!("{device}=hash-mismatch")])
        .collect();
    let mut args: Vec<_> = failing.iter().map(String::as_str).collect();
    args.extend(["--concurrency", "2"]);
    let _gateway = scene.gateway("gateway1", &args).await;
    let batch = user.submit_batch(submit_batch(&bad, &devices)).await;
    let name = batch.unwrap().name.unwrap();
    Metrics::until(scene.service(), |it| it.reaches("dco_stopped", 1)).await;

    let batch = other.submit_batch(submit_batch(&good, &others)).await;
    let settled = settled(&other, batch.unwrap().name.unwrap()).await;
    assert_eq!(settled.counts.succeeded, 2, "another image goes on");
    assert!(user.batch(name).await.unwrap().counts.queued > 0);
    let hash = bad.hash().to_string();
    let pauses = scene.dco("auditor1", &["pauses"]).await;
    let pauses = pauses.expect_code(0).json();
    let pause = &pauses["pauses"][0];
    assert_eq!(pause["scope"]["manufacturer_image_hash"], hash.as_str());
    assert_eq!(pause["stop"]["attempts"], 6);
    for (party, says_figures) in [("desk1", true), ("user1", false)] {
        let told = scene.dco(party, &["notices"]).await.expect_code(0);
        let text = told.out.join("\n");
        let stopped = text.contains(&format!("Manufacturer Image Hash {hash} are paused"));
        assert!(stopped, "{party}: {text}");
        let figures = text.contains("of the last 6 Devices");
        assert_eq!(figures, says_figures, "{party}: {text}");
    }
    let why = ["--ticket", "INC-1", "--reason", "its maker has looked"];
    let resume = [&["resume", "--image", &hash], &why[..]].concat();
    scene.dco("user1", &resume).await.expect_code(1);
    let resumed = scene.dco("desk1", &resume).await.expect_code(0);
    assert_eq!(resumed.json()["pause"], serde_json::Value::Null);
    scene.no_faults();
}

#[tokio::test]
async fn a_paused_user_waits_and_another_does_not() {
    let scene = Scene::start(quick).await;
    let image = Image::small(2);
    let why = ["--ticket", "INC-2", "--reason", "asked for by its Supplier"];
    let mut batches = Vec::new();
    for (at, party) in [(0, "user1"), (100, "user2")] {
        let devices = scene.install(at, 2, party, "gateway1").await;
        let user = scene.user(party).await;
        scene.store(&user, &image, &devices).await;
        batches.push((user, devices));
    }
    let eui64 = batches[0].0.user().to_string();
    let pause = [&["pause", "--user", &eui64], &why[..]].concat();
    scene.dco("desk1", &pause).await.expect_code(0);
    let again = scene.dco("operator1", &pause).await;
    assert!(
        again.error().contains("paused already"),
        "{}",
        again.error()
    );
    let _gateway = scene.gateway("gateway1", &[]).await;
    let mut names = Vec::new();
    for (user, devices) in &batches {
        let batch = user.submit_batch(submit_batch(&image, devices)).await;
        names.push(batch.unwrap().name.unwrap());
    }
    settled(&batches[1].0, names[1]).await;
    let held = format!("{}/activations/{}", names[0], batches[0].1[0]);
    assert_eq!(batches[0].0.batch(names[0]).await.unwrap().counts.queued, 2);
    let explained = scene.dco("user1", &["explain", &held]).await;
    let explained = explained.expect_code(0);
    let explained = explained.out.join("\n");
    assert!(explained.contains("ticket INC-2"), "{explained}");
    let resume = [&["resume", "--user", &eui64], &why[..]].concat();
    scene.dco("operator1", &resume).await.expect_code(0);
    settled(&batches[0].0, names[0]).await;
    scene.no_faults();
}
