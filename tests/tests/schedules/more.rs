//! What a schedule still wants is found beside what is agreed of it.

use super::Table;

#[tokio::test]
async fn what_is_not_agreed_yet_of_a_request_is_found_and_agreed() {
    let table = Table::new().await;
    table.request("user1", 3_000, (1, 3)).await;
    let name = table.name("user1", 1);
    let some = table.quota((1, 2), 400);
    let offer = [&name, "--quota", &some, "--window", "20-24"];
    table.act("desk1", "offer", &offer).await;
    table.act("user1", "accept", &["schedules/1"]).await;

    // 2,200 are left, for which days within the request are found: in the hours that are agreed where none are named.
    let fit = ["schedule", "fit", &name];
    let found = table.done("desk1", &fit).await;
    let days = table.units(&found["flattest"]["days"]);
    assert_eq!(days.iter().map(|(_, units)| units).sum::<u64>(), 2_200);
    let in_hours = [&fit[..], &["--window", "20-24"]].concat();
    assert_eq!(table.done("desk1", &in_hours).await, found);
    let whole = [&fit[..], &["--window", "none"]].concat();
    let whole = table.done("desk1", &whole).await;
    assert_eq!(found["window_hours"], serde_json::json!([20, 24]));
    assert!(whole["window_hours"].is_null(), "{whole}");
    let free = |fits: &serde_json::Value| fits["flattest"]["days"][0]["free_before"].as_u64();
    assert!(free(&found) < free(&whole), "{found} {whole}");

    let mut amend = vec![name.clone()];
    let agreed = [(1, 400), (2, 400), (3, 0)];
    for (day, before) in agreed {
        let more = days.iter().find(|(of, _)| *of == day);
        let units = before + more.map_or(0, |(_, units)| *units);
        amend.extend(["--quota".to_owned(), format!("{}={units}", table.day(day))]);
    }
    let amend: Vec<_> = amend.iter().map(String::as_str).collect();
    table.act("desk1", "amend", &amend).await;
    let amended = table.act("user1", "accept", &["schedules/1"]).await;
    assert_eq!(amended["agreed"]["quota_total"], 3_000);
    let told = table.refused("desk1", &fit, "AGREED_IN_FULL").await;
    assert_eq!(told["deviceCount"], "3000");
    for party in ["user1", "user2"] {
        table.refused(party, &fit, "CALLER_NOT_PERMITTED").await;
    }
    table.scene.no_faults();
}
