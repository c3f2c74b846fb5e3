//! `dco fsck`.

use dco_tests::{Image, Metrics, Scene, flip_bit, names, read, write};

use super::{here, small};

/// A folder with sealed and open files of every kind, left in order.
async fn left() -> Scene {
    let mut scene = Scene::start(small).await;
    for part in 0..5 {
        scene
            .install(part * 20_000, 20_000, "user1", "gateway1")
            .await;
    }
    let user = scene.user("user1").await;
    let devices = dco_tests::devices(0, 1);
    for version in 2..5 {
        scene.store(&user, &Image::large(version), &devices).await;
    }
    let made = |metrics: &Metrics| metrics.reaches("dco_snapshots_made_total", 1);
    Metrics::until(scene.service(), made).await;
    scene.no_faults();
    scene.stop_service().await;
    scene
}

#[tokio::test]
async fn a_folder_that_was_left_in_order_is_clean_and_each_flipped_bit_is_found() {
    let scene = left().await;
    let data = scene.site.path("data");
    let before = names(&data);
    let found = here(&["fsck"], &data).await.expect_code(0).json();
    assert_eq!(found["clean"], true);
    assert_eq!(found["images"], 3);
    assert!(found["snapshots"].as_u64().unwrap() > 0, "{found}");
    let found = here(&["fsck", "--no-images"], &data).await.expect_code(0);
    assert_eq!(found.json()["images"], 0);
    assert_eq!(names(&data), before, "nothing is taken or left there");

    let kinds = ["journal-", "blocks-", "snapshot-"];
    let files = kinds.map(|kind| before.iter().find(|name| name.starts_with(kind)).unwrap());
    for file in files {
        for offset in [20, 4_000] {
            let path = data.join(file);
            flip_bit(&path, offset);
            let found = here(&["fsck"], &data).await.expect_code(1).json();
            let damage = found["damage"].as_array().unwrap();
            let is_named = damage.iter().any(|it| it["file"] == file.as_str());
            assert!(is_named, "{file} at {offset}: {found}");
            flip_bit(&path, offset);
        }
    }
    here(&["fsck"], &data).await.expect_code(0);

    // A file of nobody is a note; a missing one is damage.
    write(&data.join("stranger"), "x");
    let found = here(&["fsck"], &data).await.expect_code(0).json();
    assert_eq!(found["notes"][0]["file"], "stranger", "{found}");
    let sealed = before.iter().find(|name| name.starts_with("blocks-"));
    let sealed = data.join(sealed.unwrap());
    let bytes = read(&sealed);
    write(&sealed, &bytes[..bytes.len() / 2]);
    let found = here(&["fsck"], &data).await.expect_code(1).json();
    let damage = found["damage"].as_array().unwrap();
    let images = damage
        .iter()
        .filter(|it| it["file"].as_str().unwrap().starts_with("image "));
    assert!(images.count() > 0, "an image lacks blocks: {found}");
}

#[tokio::test]
async fn what_cannot_be_judged_is_told_apart_from_damage() {
    let scene = Scene::start(small).await;
    scene.install(0, 1, "user1", "gateway1").await;
    let used = here(&["fsck"], &scene.site.path("data"))
        .await
        .expect_code(2);
    assert!(used.error().contains("in use"), "{used:?}");
    let absent = here(&["fsck"], &scene.site.path("absent")).await;
    absent.expect_code(2);
    write(&scene.site.path("pki").join("journal-of-mine"), "x");
    let nonsense = here(&["fsck"], &scene.site.path("pki"))
        .await
        .expect_code(2);
    assert!(nonsense.error().contains("no data folder"), "{nonsense:?}");
    let begun = scene.site.path("begun");
    std::fs::create_dir(&begun).unwrap();
    write(&begun.join("blocks-0000000001.seg"), "x");
    write(&begun.join("backup.json.new"), "{}");
    let begun = here(&["fsck"], &begun).await.expect_code(2);
    assert!(begun.error().contains("never finished"), "{begun:?}");
    scene.no_faults();
}
