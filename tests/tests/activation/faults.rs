//! Meters and gateways that do not do what they should: every activation ends, and the ledger is right.

use dco_client::{
    ActivationName, AttemptOutcome, AttemptResult, DcoMessage, GatewayMessage, Stage,
};
use dco_tests::{Image, Player, Scene, activations, settled, submit_batch, within};

use super::{NOON_US, ending, patient, quick, released_in_all};

#[tokio::test]
async fn a_meter_that_never_answers_ends_without_a_person_and_stays_charged() {
    let scene = Scene::start(quick).await;
    let devices = scene.install(0, 2, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    scene.store(&user, &image, &devices).await;
    let silent = format!("{}=no-answer", devices[1]);
    let args = ["--no-answer-ms", "20", "--always", &silent];
    let _gateway = scene.gateway("gateway1", &args).await;
    let batch = user
        .submit_batch(submit_batch(&image, &devices))
        .await
        .unwrap();
    let name = batch.name.unwrap();
    settled(&user, name).await;
    let done = activations(&user, name).await;
    assert_eq!(ending(&done[0]), ("SUCCEEDED".to_owned(), "success", 1));
    assert_eq!(ending(&done[1]), ("FAILED".to_owned(), "noAnswer", 2));
    // Nobody can say that nothing went to it, so each of its attempts is charged.
    assert_eq!(released_in_all(&scene).await, 3);
    scene.no_faults();
}

#[tokio::test]
async fn a_release_of_which_nothing_was_sent_is_refunded() {
    let scene = Scene::start(quick).await;
    let devices = scene.install(0, 3, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    scene.store(&user, &image, &devices).await;
    let has_it = format!("{}=already-at-version", devices[1]);
    let away = format!("{}=not-reachable", devices[2]);
    let args = ["--always", &has_it, "--always", &away];
    let _gateway = scene.gateway("gateway1", &args).await;
    let batch = user
        .submit_batch(submit_batch(&image, &devices))
        .await
        .unwrap();
    let name = batch.name.unwrap();
    settled(&user, name).await;
    let done = activations(&user, name).await;
    assert_eq!(ending(&done[0]), ("SUCCEEDED".to_owned(), "success", 1));
    assert_eq!(
        ending(&done[1]),
        ("SUCCEEDED".to_owned(), "alreadyAtVersion", 1)
    );
    assert_eq!(
        done[1].running_version,
        Some(image.manifest.firmware_version())
    );
    assert_eq!(
        ending(&done[2]),
        ("FAILED".to_owned(), "deviceNotReachable", 2)
    );
    assert_eq!(released_in_all(&scene).await, 1);
    scene.no_faults();
}

#[tokio::test]
async fn every_fault_of_a_meter_has_its_own_outcome() {
    let scene = Scene::start(quick).await;
    let faults = [
        ("file-transfer-failure", "FileTransferFailure", 2),
        ("hardware-mismatch", "HardwareVersionMismatch", 1),
        ("image-discarded", "FirmwareImageDiscarded", 2),
        ("hash-mismatch", "hashMismatch", 2),
        ("no-image-held", "noImageHeld", 2),
        ("activation-failure", "activationFailure", 2),
    ];
    let count = u32::try_from(faults.len()).unwrap();
    let devices = scene.install(0, count, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::small(2);
    scene.store(&user, &image, &devices).await;
    let always: Vec<_> = devices
        .iter()
        .zip(faults)
        .flat_map(|(device, (fault, ..))| ["--always".to_owned(), format!("{device}={fault}")])
        .collect();
    let args: Vec<_> = always.iter().map(String::as_str).collect();
    let _gateway = scene.gateway("gateway1", &args).await;
    let batch = user
        .submit_batch(submit_batch(&image, &devices))
        .await
        .unwrap();
    let name = batch.name.unwrap();
    settled(&user, name).await;
    for (activation, (fault, outcome, attempts)) in
        activations(&user, name).await.iter().zip(faults)
    {
        assert_eq!(
            ending(activation),
            ("FAILED".to_owned(), outcome, attempts),
            "{fault}"
        );
    }
    scene.no_faults();
}

#[tokio::test]
async fn a_gateway_that_takes_an_offer_and_says_no_more_is_not_waited_for() {
    let scene = Scene::start_inside(NOON_US, 30, |settings| {
        patient(settings)
            .with("attempt.no_progress_minutes", 1)
            .with("retry.unknown.attempts_max", 1)
    })
    .await;
    let devices = scene.install(0, 1, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    scene.store(&user, &image, &devices).await;
    let mut gateway = Player::connect(&scene, "gateway1", "one").await;
    let batch = user
        .submit_batch(submit_batch(&image, &devices))
        .await
        .unwrap();
    let name = batch.name.unwrap();
    let offer = gateway.offer().await;
    gateway.say(GatewayMessage::Accept(offer.attempt)).await;
    settled(&user, name).await;
    let done = activations(&user, name).await;
    assert_eq!(ending(&done[0]), ("FAILED".to_owned(), "noProgress", 1));
    assert_eq!(gateway.hear().await, DcoMessage::Withdrawn(offer.attempt));

    // Another failure changes nothing; a success is a fact, whenever it is told. Either is noted so that it can forget.
    let late = AttemptOutcome {
        attempt: offer.attempt,
        result: AttemptResult::Success,
        nothing_sent: false,
        running_version: Some(image.manifest.firmware_version()),
        device_image_hash: Some(image.hash()),
        message: String::new(),
    };
    let failure = AttemptOutcome {
        result: AttemptResult::HashMismatch,
        ..late.clone()
    };
    gateway.say(GatewayMessage::Outcome(failure)).await;
    assert_eq!(gateway.hear().await, DcoMessage::Noted(offer.attempt));
    assert_eq!(activations(&user, name).await, done);
    gateway.say(GatewayMessage::Outcome(late)).await;
    assert_eq!(gateway.hear().await, DcoMessage::Noted(offer.attempt));
    let corrected = activations(&user, name).await;
    assert_eq!(
        ending(&corrected[0]),
        ("SUCCEEDED".to_owned(), "success", 1)
    );
    assert_eq!(released_in_all(&scene).await, 1);
    scene.stop_in_order().await;
}

#[tokio::test]
async fn a_gateway_that_goes_away_for_too_long_leaves_an_unknown_outcome() {
    let scene = Scene::start_inside(NOON_US, 30, |settings| {
        patient(settings)
            .with("attempt.hello_within_minutes", 1)
            .with("retry.unknown.attempts_max", 1)
    })
    .await;
    let devices = scene.install(0, 1, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    scene.store(&user, &image, &devices).await;
    let mut gateway = Player::connect(&scene, "gateway1", "one").await;
    let batch = user
        .submit_batch(submit_batch(&image, &devices))
        .await
        .unwrap();
    let name = batch.name.unwrap();
    let offer = gateway.offer().await;
    gateway.say(GatewayMessage::Accept(offer.attempt)).await;
    drop(gateway);
    settled(&user, name).await;
    let done = activations(&user, name).await;
    assert_eq!(ending(&done[0]), ("FAILED".to_owned(), "unknown", 1));
    assert_eq!(released_in_all(&scene).await, 1, "it stays charged");
    scene.stop_in_order().await;
}

#[tokio::test]
async fn a_gateway_that_lost_its_memory_reads_the_version_before_a_new_attempt() {
    let scene = Scene::start(quick).await;
    let devices = scene.install(0, 1, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    scene.store(&user, &image, &devices).await;
    let mut before = Player::connect(&scene, "gateway1", "one").await;
    let batch = user
        .submit_batch(submit_batch(&image, &devices))
        .await
        .unwrap();
    let offer = before.offer().await;
    assert!(!offer.read_version_first);
    before.say(GatewayMessage::Accept(offer.attempt)).await;
    drop(before);

    // The same memory without the attempt: the same attempt again, for no charge.
    let mut same = Player::connect(&scene, "gateway1", "one").await;
    let again = same.offer().await;
    assert_eq!(again.attempt, offer.attempt);
    assert_eq!(released_in_all(&scene).await, 1);
    drop(same);

    // Another memory: nobody knows what became of it, so a new attempt begins with a question.
    let mut other = Player::connect(&scene, "gateway1", "two").await;
    let new = other.offer().await;
    assert_eq!((new.attempt.attempt, new.read_version_first), (2, true));
    assert_eq!(released_in_all(&scene).await, 2);
    other.say(GatewayMessage::Accept(new.attempt)).await;
    let outcome = AttemptOutcome {
        attempt: new.attempt,
        result: AttemptResult::AlreadyAtVersion,
        nothing_sent: true,
        running_version: Some(image.manifest.firmware_version()),
        device_image_hash: None,
        message: String::new(),
    };
    other.say(GatewayMessage::Outcome(outcome)).await;
    assert_eq!(other.hear().await, DcoMessage::Noted(new.attempt));
    settled(&user, batch.name.unwrap()).await;
    assert_eq!(
        released_in_all(&scene).await,
        1,
        "the second was refunded, the first stays"
    );
    scene.no_faults();
}

#[tokio::test]
async fn a_newer_hello_ends_the_older_stream() {
    let scene = Scene::start(quick).await;
    let link = scene.gateway_link("gateway1").await;
    let hello = dco_client::Hello {
        memory_id: "one".to_owned(),
        attempts: Vec::new(),
        outcomes: Vec::new(),
        concurrency: 1,
    };
    let (_speaks, mut listens) = link.connect(hello).await.unwrap();
    let welcome = listens.recv().await.unwrap();
    assert!(matches!(welcome, Some(DcoMessage::Welcome { .. })));
    let _newer = Player::connect(&scene, "gateway1", "one").await;
    let ended = within("the end of the older stream", listens.recv())
        .await
        .unwrap_err();
    assert_eq!(ended.code(), Some(dco_client::Code::Aborted));
    assert_eq!(ended.reason(), Some("SESSION_SUPERSEDED"));
    scene.no_faults();
}

#[tokio::test]
async fn stages_are_told_as_the_gateway_tells_them() {
    let scene = Scene::start(quick).await;
    let devices = scene.install(0, 1, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    scene.store(&user, &image, &devices).await;
    let mut gateway = Player::connect(&scene, "gateway1", "one").await;
    let batch = user
        .submit_batch(submit_batch(&image, &devices))
        .await
        .unwrap();
    let name = batch.name.unwrap();
    let name = ActivationName {
        batch: name,
        device: devices[0],
    };
    // Stages are not journalled, so no change feed tells of them: ask until it is so.
    let until = async |wanted: Stage, blocks_done: Option<u32>| {
        let asking = async {
            loop {
                let now = user.activation(name).await.unwrap();
                if now.stage == Some(wanted) && blocks_done.is_none_or(|it| it == now.blocks_done) {
                    return;
                }
            }
        };
        within("a stage to be told", asking).await;
    };
    let offer = gateway.offer().await;
    until(Stage::Offered, None).await;
    gateway.say(GatewayMessage::Accept(offer.attempt)).await;
    until(Stage::Accepted, None).await;
    let progress = GatewayMessage::Progress {
        attempt: offer.attempt,
        blocks_done: 7,
    };
    gateway.say(progress).await;
    until(Stage::Transferring, Some(7)).await;
    gateway.say(GatewayMessage::Delivered(offer.attempt)).await;
    until(Stage::Delivered, None).await;
    scene.no_faults();
}
