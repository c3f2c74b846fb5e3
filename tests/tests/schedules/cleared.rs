//! What was set for one service day is taken back.

use serde_json::json;

use super::Table;

#[tokio::test]
async fn a_day_follows_what_runs_on_once_its_own_capacity_is_taken_back() {
    let mut table = Table::new().await;
    let day = table.day(1);
    let set = |span: &'static str, units: &'static str| {
        let day = day.clone();
        move || {
            [
                "capacity",
                "set",
                span,
                &day,
                "--capacity",
                units,
                "--reason",
                "x",
            ]
            .map(str::to_owned)
        }
    };
    for set in [set("--on", "12000"), set("--from", "9000")] {
        let set = set();
        let set: Vec<_> = set.iter().map(String::as_str).collect();
        table.done("desk1", &set).await;
    }
    table.agree("user1", (1, 1), 8_000).await;
    let clear = ["capacity", "clear", "--on", &day, "--reason", "no holiday"];
    for party in ["user1", "operator1"] {
        let clear = [&clear[..], &["--ticket", "INC-1"]].concat();
        table.refused(party, &clear, "CALLER_NOT_PERMITTED").await;
    }
    let checked = [&clear[..], &["--validate-only"]].concat();
    // Of 9,000 are 2,980 reserved.
    let over = json!([{ "service_date": day, "units": 1_980 }]);
    let would = table.done("desk1", &checked).await;
    assert_eq!(would["over_agreed"], over);
    assert_eq!(would["validated_only"], true);
    let cleared = table.done("desk1", &clear).await;
    assert_eq!(cleared["over_agreed"], over);
    let told = table.refused("desk1", &clear, "CAPACITY_NOT_SET").await;
    assert_eq!(told["serviceDate"], day);
    table.scene.kill_service().await;
    table.scene.start_service().await;
    let show = ["capacity", "show", "--first", &day, "--last", &day];
    let shown = table.done("desk1", &show).await;
    assert_eq!(
        (
            &shown["days"][0]["capacity"],
            &shown["days"][0]["over_agreed"]
        ),
        (&9_000.into(), &1_980.into())
    );
    let notices = table.done("user1", &["notices"]).await;
    let last = notices["notices"].as_array().unwrap().last().unwrap();
    let expected = json!({ "capacity_set": {
        "first_date": day, "one_day": true, "capacity": 9_000, "cleared": true, "agreed_days": 1,
    }});
    assert_eq!(last["subject"], expected);
    table.scene.no_faults();
}
