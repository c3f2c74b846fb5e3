//! Why an activation is where it is.

use dco_client::Explanation;
use serde_json::{Value, json};

use super::{activation_json, time};
use crate::table::{grouped, properties, table};
use crate::when;

pub(crate) fn explanation_json(explanation: &Explanation) -> Value {
    let holds = explanation.holds.iter().map(|hold| {
        json!({
            "reason": hold.reason,
            "message": hold.message,
            "until_time": time(hold.until_us),
            "remedy": hold.remedy,
        })
    });
    json!({
        "summary": explanation.summary,
        "activation": activation_json(&explanation.activation),
        "holds": holds.collect::<Vec<_>>(),
        "ahead_count": explanation.ahead_count,
        "in_security_lane": explanation.in_security_lane,
        "earliest_time": time(explanation.earliest_us),
        "predicted_release_time": time(explanation.predicted_release_us),
        "due_time": time(explanation.due_us),
    })
}

/// The sentence first, then what holds it, then when.
pub(crate) fn explanation_text(explanation: &Explanation) -> String {
    let mut parts = vec![explanation.summary.clone()];
    if !explanation.holds.is_empty() {
        let head = ["HELD BY", "UNTIL", "WHAT IT IS", "WHAT WOULD FREE IT"];
        parts.push(table(
            &head,
            explanation.holds.iter().map(|hold| {
                vec![
                    hold.reason.clone(),
                    when::local_or(hold.until_us, "an event"),
                    hold.message.clone(),
                    hold.remedy.clone(),
                ]
            }),
        ));
    }
    parts.push(properties(&facts(explanation)));
    parts.join("\n\n")
}

fn facts(explanation: &Explanation) -> Vec<(&'static str, String)> {
    let activation = &explanation.activation;
    let mut rows = vec![("state", activation.state.to_string())];
    let mut known = |name, value: Option<String>| rows.extend(value.map(|value| (name, value)));
    known(
        "attempt",
        (activation.attempt > 0).then(|| activation.attempt.to_string()),
    );
    known("stage", activation.stage.map(|stage| stage.to_string()));
    let in_lane = explanation.in_security_lane;
    known("waits in", in_lane.then(|| "security lane".to_owned()));
    known("last outcome", activation.outcome.clone());
    let message = Some(&activation.message).filter(|text| !text.is_empty());
    known("message", message.cloned());
    known("goes before it", explanation.ahead_count.map(grouped));
    known("earliest release", explanation.earliest_us.map(when::local));
    known(
        "predicted release",
        explanation.predicted_release_us.map(when::local),
    );
    known("TRT ends", explanation.due_us.map(when::local));
    known("ended", activation.end_us.map(when::local));
    rows
}
