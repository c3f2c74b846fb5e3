//! The decision log: shown, exported, verified without the service.

use dco_tests::{Ended, Image, Scene, names, read, settled, submit_batch, write};
use serde_json::Value;

use crate::activation::quick;
use crate::care::here;

async fn export(scene: &Scene, name: &str, more: &[&str]) -> Ended {
    let file = scene.site.path(name).display().to_string();
    let args = [&["log", "export", file.as_str()], more].concat();
    scene.dco("auditor1", &args).await
}

async fn verify(scene: &Scene, name: &str) -> Ended {
    here(&["log", "verify"], &scene.site.path(name)).await
}

async fn verify_with(scene: &Scene, name: &str, more: &[&str]) -> Ended {
    let args = [&["log", "verify"], more].concat();
    here(&args, &scene.site.path(name)).await
}

fn public(scene: &Scene, name: &str) -> String {
    let file = scene.site.party(&format!("{name}.public.pem"));
    file.display().to_string()
}

async fn shown(scene: &Scene, args: &[&str]) -> Vec<Value> {
    let args = [&["log", "show"], args].concat();
    let json = scene.dco("auditor1", &args).await.expect_code(0).json();
    json["decisions"].as_array().expect("a list").clone()
}

/// A service that has decided something of most kinds.
async fn decided() -> Scene {
    let mut scene = Scene::start(quick).await;
    let devices = scene.install(0, 3, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    scene.store(&user, &image, &devices).await;
    for act in ["pause", "resume"] {
        let args = [act, "--ticket", "INC-7", "--reason", "to look at it"];
        scene.dco("operator1", &args).await.expect_code(0);
    }
    let _gateway = scene.gateway("gateway1", &[]).await;
    let batch = user.submit_batch(submit_batch(&image, &devices)).await;
    settled(&user, batch.unwrap().name.unwrap()).await;
    scene.stop_service().await;
    scene.start_service().await;
    scene
}

#[tokio::test]
async fn who_decided_what_when_and_why_is_shown_to_staff_only() {
    let scene = decided().await;
    let user1 = scene.site.eui64("user1").to_string();
    let pauses = shown(&scene, &["--kind", "pause"]).await;
    assert_eq!(pauses.len(), 2, "{pauses:#?}");
    assert_eq!(pauses[0]["by"], scene.site.eui64("operator1").to_string());
    assert_eq!(pauses[0]["ticket"], "INC-7");
    assert_eq!(pauses[0]["reason"], "to look at it");
    let admitted = shown(&scene, &["--kind", "admission", "--by", &user1]).await;
    let admitted: Vec<_> = admitted.iter().map(|it| it["what"].clone()).collect();
    assert_eq!(admitted, ["transfer opened", "batch accepted"]);
    let released = shown(&scene, &["--kind", "release"]).await;
    assert_eq!(released.len(), 3);
    let subject = released[0]["subject"].as_str().unwrap();
    let batch = format!("users/{user1}/batches/1/activations/");
    assert!(subject.starts_with(&batch), "{subject}");
    let file = scene.site.path("one.csv");
    let gateway1 = scene.site.eui64("gateway1");
    write(
        &file,
        format!(
            "device,user,gateway,manufacturer,model,hardware_version,firmware_version\n\
             00-DB-12-34-00-00-99-99,{user1},{gateway1},Acme,E470,0100,00000001\n"
        ),
    );
    let file = file.display().to_string();
    let why = ["--ticket", "INC-9", "--reason", "a new Device"];
    let import = [&["devices", "import", file.as_str()], &why[..]].concat();
    scene.dco("operator1", &import).await.expect_code(0);
    let imports = shown(&scene, &["--kind", "import", "--newest", "1"]).await;
    assert_eq!(imports[0]["ticket"], "INC-9");
    assert_eq!(imports[0]["reason"], "a new Device");
    assert_eq!(imports[0]["text"], "1 Devices");
    let newest = shown(&scene, &["--newest", "2"]).await;
    assert_eq!(newest.len(), 2);
    let from = newest[1]["time"].as_str().unwrap();
    assert!(!shown(&scene, &["--from", from]).await.is_empty());
    assert!(shown(&scene, &["--to", "2020-01-01"]).await.is_empty());

    for party in ["user1", "gateway1"] {
        let refused = scene.dco(party, &["log", "show"]).await.expect_code(1);
        let reason = refused.json()["error"]["details"]["reason"].clone();
        assert_eq!(reason, "CALLER_NOT_PERMITTED", "{party}");
    }
    scene.no_faults();
}

#[tokio::test]
async fn an_export_is_verified_offline_and_whatever_was_done_to_it_is_found() {
    let mut scene = decided().await;
    let exported = export(&scene, "log.jsonl", &[]).await.expect_code(0).json();
    let count = exported["records"].as_u64().unwrap();
    let part = export(&scene, "part.jsonl", &["--first", "4"]).await;
    assert_eq!(part.expect_code(0).json()["records"], count - 3);
    export(&scene, "log.jsonl", &[]).await.expect_code(65);
    scene.stop_service().await;

    let good = verify(&scene, "log.jsonl").await.expect_code(0).json();
    assert_eq!(
        (&good["good"], &good["records"]),
        (&Value::Bool(true), &exported["records"])
    );
    let before = scene.site.path("part.jsonl").display().to_string();
    let kept = ["--kept", before.as_str()];
    verify_with(&scene, "log.jsonl", &kept).await.expect_code(0);
    let part = verify(&scene, "part.jsonl").await.expect_code(0).json();
    assert_eq!(part["first_seq"], 4);
    assert_eq!(part["chain"], good["chain"], "the same records");

    let text = String::from_utf8(read(&scene.site.path("log.jsonl"))).unwrap();
    let lines: Vec<_> = text.lines().map(|line| format!("{line}\n")).collect();
    let last = lines.len() - 1;
    let mut without = lines.clone();
    without.remove(5);
    let (key, other) = (public(&scene, "log"), public(&scene, "signer"));
    let known = ["--key", key.as_str()];
    let signed = verify_with(&scene, "log.jsonl", &known).await;
    let signed = signed.expect_code(0).json();
    assert_eq!(signed["end_is_signed"], true);
    assert!(signed["checkpoints"].as_u64().unwrap() > 0, "{signed}");
    let foreign = verify_with(&scene, "log.jsonl", &["--key", &other]).await;
    let foreign = foreign.expect_code(1).json()["damage"]["what"].clone();
    assert!(foreign.as_str().unwrap().contains("another key"));
    verify_with(&scene, "log.jsonl", &["--key", "absent"])
        .await
        .expect_code(2);

    let changed = text.replace("INC-7", "INC-8");
    let cut = lines[..last].concat();
    for (bad, line) in [(without.concat(), 6), (cut, last + 1)] {
        write(&scene.site.path("bad.jsonl"), bad);
        let found = verify(&scene, "bad.jsonl").await.expect_code(1).json();
        assert_eq!(found["damage"]["line"], line, "{found}");
    }
    write(&scene.site.path("bad.jsonl"), changed);
    let found = verify(&scene, "bad.jsonl").await.expect_code(1).json();
    assert!(found["damage"]["record"].is_u64(), "{found}");
    verify(&scene, "absent.jsonl").await.expect_code(2);
    verify(&scene, "dco.toml").await.expect_code(2);
}

#[tokio::test]
async fn an_earlier_export_shows_that_a_tail_was_cut_off_though_the_file_is_whole() {
    let mut scene = decided().await;
    export(&scene, "early.jsonl", &[]).await.expect_code(0);
    let (data, copy) = (scene.site.path("data"), scene.site.path("copy"));
    scene.stop_service().await;
    copy_folder(&data, &copy);
    scene.start_service().await;
    scene.install(10, 1, "user1", "gateway1").await;
    export(&scene, "later.jsonl", &[]).await.expect_code(0);
    scene.stop_service().await;
    let path = |name: &str| scene.site.path(name).display().to_string();
    let kept = ["--kept", &path("early.jsonl")];
    verify_with(&scene, "later.jsonl", &kept)
        .await
        .expect_code(0);

    // Somebody goes on with an older copy of the data.
    let copied = copy.display().to_string();
    scene.site.set(|settings| settings.with("data_dir", copied));
    scene.start_service().await;
    export(&scene, "cut.jsonl", &[]).await.expect_code(0);
    verify(&scene, "cut.jsonl").await.expect_code(0);
    let kept = [
        "--kept",
        &scene.site.path("later.jsonl").display().to_string(),
    ];
    let found = verify_with(&scene, "cut.jsonl", &kept).await;
    found.expect_code(1);
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir(to).unwrap();
    for name in names(from) {
        std::fs::copy(from.join(&name), to.join(&name)).unwrap();
    }
}

#[tokio::test]
async fn what_was_refused_is_on_record_with_who_and_why_however_often_it_was_asked() {
    let scene = Scene::start(quick).await;
    let devices = scene.install(0, 1, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    for _ in 0..30 {
        user.submit_batch(submit_batch(&image, &devices))
            .await
            .unwrap_err();
    }
    scene.dco("user1", &["log", "show"]).await.expect_code(1);
    let refused = shown(&scene, &["--kind", "refusal"]).await;
    // One at once, and one for each minute in which there were more.
    assert!((2..=4).contains(&refused.len()), "{refused:#?}");
    let text = |it: &Value| it["text"].as_str().unwrap().to_owned();
    let all: Vec<String> = refused.iter().map(text).collect();
    assert!(
        all[0].starts_with("1 x SubmitBatch IMAGE_NOT_FOUND: "),
        "{all:#?}"
    );
    assert!(
        all.concat()
            .contains("x GetDecisionLog CALLER_NOT_PERMITTED")
    );
    let by = scene.site.eui64("user1").to_string();
    assert!(refused.iter().all(|it| it["by"] == by.as_str()));
    let again = shown(&scene, &["--kind", "refusal"]).await;
    assert_eq!(again.len(), refused.len(), "reading refuses nothing");
    scene.no_faults();
}
