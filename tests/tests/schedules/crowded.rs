//! A window whose hours cannot take its quota any more: told to who sets it, to the desk, and to the User.

use super::*;

#[tokio::test]
async fn a_profile_that_leaves_a_window_too_little_names_the_schedule_to_all_whom_it_concerns() {
    let table = Table::new().await;
    table.request("user1", 900, (1, 1)).await;
    let (first, quota) = (table.name("user1", 1), table.quota((1, 1), 900));
    let offer = [&first, "--quota", &quota, "--window", "22-24"];
    table.act("desk1", "offer", &offer).await;
    table.act("user1", "accept", &["schedules/1"]).await;
    table.agree("user2", (1, 1), 500).await;

    // Two hours of a weight of 1 beside 22 of 3: 2 of 68 parts of 12,000.
    let profile = [vec!["3"; 22], vec!["1"; 2]].concat().join(",");
    let day = table.day(1);
    let set = [
        "capacity",
        "set",
        "--on",
        &day,
        "--hour-profile",
        &profile,
        "--reason",
        "busy nights",
    ];
    let expected = json!([{
        "schedule": first,
        "service_date": day,
        "window_hours": [22, 24],
        "fits": 352,
        "agreed": 900,
    }]);
    let tried = table
        .done("desk1", &[&set[..], &["--validate-only"]].concat())
        .await;
    assert_eq!(tried["crowded_windows"], expected);
    let set = table.done("desk1", &set).await;
    assert_eq!(
        (&set["crowded_windows"], &set["over_agreed"]),
        (&expected, &json!([]))
    );

    for party in ["desk2", "user1"] {
        let notices = table.done(party, &["notices"]).await;
        let all = notices["notices"].as_array().unwrap();
        let crowded: Vec<_> = all
            .iter()
            .filter_map(|it| it["subject"].get("windows_crowded"))
            .collect();
        assert_eq!(crowded.len(), 1, "{party}: {notices}");
        assert_eq!(crowded[0]["windows"], expected, "{party}");
        assert_eq!(table.units(&crowded[0]["days"]), [(1, 548)], "{party}");
    }
    let of_other = table.done("user2", &["notices"]).await;
    assert!(!told(&of_other).contains(&json!(["windows_crowded", null])));
    let replan = table.done("desk1", &["schedule", "replan"]).await;
    assert_eq!(
        (&replan["crowded_windows"], &replan["amendments"]),
        (&expected, &json!([]))
    );
    table.scene.no_faults();
}
