//! Why is this waiting, and until when?

use dco_client::{ActivationName, Explanation, GatewayMessage, SubmitBatch, UserClient};
use dco_tests::{Image, Player, Scene, submit_batch};

use super::{HOUR_US, NOON_US, patient, quick};

fn reasons(explanation: &Explanation) -> Vec<&str> {
    explanation
        .holds
        .iter()
        .map(|hold| hold.reason.as_str())
        .collect()
}

async fn explain(
    user: &UserClient,
    batch: &dco_client::Batch,
    device: dco_tests::Device,
) -> Explanation {
    let batch = batch.name.unwrap();
    let explanation = user
        .explain(ActivationName { batch, device })
        .await
        .unwrap();
    assert!(!explanation.summary.is_empty(), "one sentence says it all");
    for hold in &explanation.holds {
        assert!(
            !hold.message.is_empty() && !hold.remedy.is_empty(),
            "{hold:?}"
        );
    }
    explanation
}

#[tokio::test]
async fn an_activation_whose_gateway_is_away_says_so_and_one_under_way_until_when() {
    let scene = Scene::start(quick).await;
    let devices = scene.install(0, 2, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    scene.store(&user, &image, &devices).await;
    let batch = user
        .submit_batch(submit_batch(&image, &devices))
        .await
        .unwrap();

    let waiting = explain(&user, &batch, devices[1]).await;
    assert_eq!(waiting.activation.state.to_string(), "QUEUED");
    assert!(
        reasons(&waiting).contains(&"GATEWAY_NOT_CONNECTED"),
        "{waiting:#?}"
    );
    assert_eq!(waiting.ahead_count, Some(1));
    assert_eq!(waiting.earliest_us, None, "an event must come first");
    assert_eq!(waiting.due_us, batch.due_us);

    let mut gateway = Player::connect(&scene, "gateway1", "one").await;
    let offer = gateway.offer().await;
    gateway.say(GatewayMessage::Accept(offer.attempt)).await;
    let under_way = explain(&user, &batch, offer.device).await;
    assert_eq!(under_way.activation.state.to_string(), "RELEASED");
    assert_eq!(reasons(&under_way), ["ATTEMPT_UNDER_WAY"]);
    assert_eq!(under_way.holds[0].until_us, Some(offer.answer_by_us));
    assert_eq!(under_way.ahead_count, None);

    // Staff may ask as well, and a name that is not there is not there.
    let desk = scene.user_as("desk1", "user1").await;
    assert_eq!(
        explain(&desk, &batch, offer.device).await.holds,
        under_way.holds
    );
    let (batch, device) = (batch.name.unwrap(), dco_tests::devices(99, 1)[0]);
    let absent = user
        .explain(ActivationName { batch, device })
        .await
        .unwrap_err();
    assert_eq!(absent.reason(), Some("RESOURCE_NOT_FOUND"));
    scene.no_faults();
}

#[tokio::test]
async fn a_parked_activation_waits_for_its_service_day() {
    // The clock stands nearly still, so that noon stays noon.
    let scene = Scene::start_inside(NOON_US, 1, patient).await;
    let devices = scene.install(0, 1, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    scene.store(&user, &image, &devices).await;
    let asked = SubmitBatch {
        service_date: Some("2026-06-02".to_owned()),
        ..submit_batch(&image, &devices)
    };
    let batch = user.submit_batch(asked).await.unwrap();
    // Midnight in London is 23:00 UTC in summer.
    let start_us = NOON_US + 11 * HOUR_US;
    assert_eq!(batch.counts.parked, 1);
    assert_eq!(batch.service_date, "2026-06-02");
    assert_eq!(batch.trt_start_us, Some(start_us));
    assert_eq!(batch.due_us, Some(start_us + 120 * HOUR_US));
    let parked = explain(&user, &batch, devices[0]).await;
    assert_eq!(parked.activation.state.to_string(), "PARKED");
    let hold = parked
        .holds
        .iter()
        .find(|hold| hold.reason == "SERVICE_DAY_NOT_STARTED");
    assert_eq!(
        hold.expect("it says why").until_us,
        Some(start_us),
        "{parked:#?}"
    );
    scene.stop_in_order().await;
}

#[tokio::test]
async fn an_activation_that_is_paced_says_when_it_may_go() {
    let scene = Scene::start_inside(NOON_US, 1, |settings| {
        patient(settings)
            .with("capacity.per_day", 11)
            .with("capacity.burst", 1)
    })
    .await;
    let devices = scene.install(0, 3, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    scene.store(&user, &image, &devices).await;
    let _gateway = Player::connect(&scene, "gateway1", "one").await;
    let batch = user
        .submit_batch(submit_batch(&image, &devices))
        .await
        .unwrap();
    let last = explain(&user, &batch, devices[2]).await;
    assert!(reasons(&last).contains(&"PACED"), "{last:#?}");
    let predicted_us = last.predicted_release_us.unwrap();
    // Eleven in eleven hours: the first goes at once, the third about two hours later.
    let hours = (NOON_US + HOUR_US..NOON_US + 4 * HOUR_US).contains(&predicted_us);
    assert!(hours, "{last:#?}");
    assert!(last.summary.len() > 20, "{}", last.summary);
    scene.stop_in_order().await;
}

#[tokio::test]
async fn a_day_whose_capacity_is_used_says_so() {
    let scene = Scene::start_inside(NOON_US, 1, |settings| {
        patient(settings)
            .with("capacity.per_day", 1)
            .with("capacity.burst", 10)
    })
    .await;
    let devices = scene.install(0, 2, "user1", "gateway1").await;
    let user = scene.user("user1").await;
    let image = Image::large(2);
    scene.store(&user, &image, &devices).await;
    let mut gateway = Player::connect(&scene, "gateway1", "one").await;
    let batch = user
        .submit_batch(submit_batch(&image, &devices))
        .await
        .unwrap();
    let offer = gateway.offer().await;
    let other = if offer.device == devices[0] {
        devices[1]
    } else {
        devices[0]
    };
    let waiting = explain(&user, &batch, other).await;
    let hold = waiting
        .holds
        .iter()
        .find(|hold| hold.reason == "SYSTEM_DAILY_CAPACITY_USED");
    let until_us = hold.unwrap_or_else(|| panic!("{waiting:#?}")).until_us;
    assert_eq!(
        until_us,
        Some(NOON_US + 11 * HOUR_US),
        "until the next service day"
    );
    scene.stop_in_order().await;
}
