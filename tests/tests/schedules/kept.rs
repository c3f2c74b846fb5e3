//! What release keeps to of a schedule's terms: canaries, work that runs ahead, security priority.

use dco_client::{BatchName, SubmitBatch};
use dco_tests::{Device, Image, Metrics, Player, Scene, settled, submit_batch};

use super::Table;
use crate::activation::quick;

impl Table {
    /// A User's first schedule, agreed under these terms with two officers where they need it.
    async fn agree_under(&self, user: &str, (day, units): (i32, u32), terms: &[&str]) {
        self.request(user, units, (day, day)).await;
        let (name, quota) = (self.name(user, 1), self.quota((day, day), units));
        let offer = [
            &["schedule", "offer", &name, "--quota", &quota][..],
            terms,
            &["--reason", "as talked over"],
        ];
        self.done("desk1", &offer.concat()).await;
        if terms.contains(&"--security") {
            let approve = ["actions", "approve", "1", "--reason", "looked at"];
            self.done("desk2", &approve).await;
        }
        let agreed = self.act(user, "accept", &["schedules/1"]).await;
        assert_eq!(agreed["state"], "AGREED", "{agreed}");
    }

    /// Puts Devices of a User into the inventory and stores a large image for them.
    async fn stored(&self, user: &str, from: u32, count: u32) -> (Image, Vec<Device>) {
        let devices = self.scene.install(from, count, user, "gateway1").await;
        let image = Image::large(2);
        let client = self.scene.user(user).await;
        self.scene.store(&client, &image, &devices).await;
        (image, devices)
    }

    async fn send(&self, user: &str, batch: SubmitBatch) -> BatchName {
        let sent = self.scene.user(user).await.submit_batch(batch).await;
        sent.unwrap().name.unwrap()
    }

    /// What a day says of its capacity.
    async fn capacity(&self, day: i32) -> serde_json::Value {
        let day = self.day(day);
        let asked = ["capacity", "show", "--first", &day, "--last", &day];
        self.done("desk1", &asked).await["days"][0].clone()
    }
}

#[tokio::test]
async fn the_rest_waits_for_the_first_devices_and_stops_when_one_is_given_up() {
    let table = Table::on(Scene::start(quick).await).await;
    let (image, devices) = table.stored("user1", 0, 8).await;
    table.agree_under("user1", (0, 8), &["--canary", "2"]).await;
    let user = table.scene.user("user1").await;
    let broken = format!("{}=hardware-mismatch", devices[5]);
    let first = table
        .send("user1", submit_batch(&image, &devices[..4]))
        .await;
    assert_eq!(user.batch(first).await.unwrap().counts.queued, 4);
    let held = format!("{first}/activations/{}", devices[2]);
    let explained = table.done("user1", &["explain", &held]).await;
    assert_eq!(explained["holds"][0]["reason"], "CANARY", "{explained}");
    let _gateway = table
        .scene
        .gateway("gateway1", &["--always", &broken])
        .await;
    let done = settled(&user, first).await;
    assert_eq!(done.counts.succeeded, 4, "the first two, and then the rest");
    let second = table
        .send("user1", submit_batch(&image, &devices[4..]))
        .await;
    let done = settled(&user, second).await;
    let counts = (done.counts.succeeded, done.counts.failed);
    assert_eq!(counts, (3, 1), "the image has been proven: nothing waits");
    table.scene.no_faults();
}

#[tokio::test]
async fn work_of_tomorrow_runs_ahead_and_is_lent_today_s_capacity() {
    let table = Table::on(Scene::start(quick).await).await;
    let (image, devices) = table.stored("user1", 0, 3).await;
    table.agree_under("user1", (1, 3), &["--run-ahead"]).await;
    let asked = SubmitBatch {
        service_date: Some(table.day(1)),
        ..submit_batch(&image, &devices)
    };
    let batch = table.send("user1", asked).await;
    let user = table.scene.user("user1").await;
    assert_eq!(user.batch(batch).await.unwrap().counts.parked, 3);
    let _gateway = table.scene.gateway("gateway1", &[]).await;
    let done = settled(&user, batch).await;
    assert_eq!(done.counts.succeeded, 3);
    let (today, tomorrow) = (table.capacity(0).await, table.capacity(1).await);
    // A test that runs over midnight finds it on its day.
    let lent = &today["lent"];
    let used = [&today["used"], &tomorrow["used"]].map(|it| it.as_u64().unwrap());
    assert_eq!(used.iter().sum::<u64>(), 3, "{today} {tomorrow}");
    assert_eq!(*lent, today["used"], "what left today was lent: {today}");
    table.scene.no_faults();
}

#[tokio::test]
async fn what_has_security_priority_is_offered_before_what_came_first() {
    let table = Table::on(Scene::start(quick).await).await;
    let (image, ordinary) = table.stored("user2", 100, 4).await;
    let (same, secure) = table.stored("user1", 0, 2).await;
    table.agree_under("user1", (0, 2), &["--security"]).await;
    table.send("user2", submit_batch(&image, &ordinary)).await;
    let urgent = table.send("user1", submit_batch(&same, &secure)).await;
    Metrics::until(table.scene.service(), |it| {
        it.reaches("dco_security_queued", 2)
    })
    .await;
    let mut gateway = Player::connect(&table.scene, "gateway1", "one").await;
    let mut offered = Vec::new();
    for _ in 0..6 {
        offered.push(gateway.offer().await.device);
    }
    assert_eq!(offered[..2], secure[..], "{offered:?}");
    let day = table.capacity(0).await;
    assert_eq!(
        (&day["used_security"], &day["used"]),
        (&2.into(), &6.into())
    );
    let report = table.done("desk1", &["report", "capacity"]).await;
    let rows = report["days"].as_array().unwrap();
    let all = rows.iter().find(|row| row["user"] == "all").unwrap();
    assert_eq!(all["security"], 2, "{report}");
    let log = table
        .done("auditor1", &["log", "show", "--kind", "release"])
        .await;
    let told = log.to_string();
    assert_eq!(
        told.matches("through the security lane").count(),
        2,
        "{told}"
    );
    let released = format!("{urgent}/activations/{}", secure[0]);
    let explained = table.done("user1", &["explain", &released]).await;
    assert_eq!(explained["activation"]["state"], "RELEASED", "{explained}");
    table.scene.no_faults();
}
