//! SRV 11.3: from a batch to the outcome of each of its activations.

mod careful;
mod dated;
mod days;
mod explained;
mod faults;
mod stopped;
mod to_the_end;

use dco_client::{Activation, Micros};
use dco_tests::{Scene, Settings};

/// 1 June 2026, noon UTC: 13:00 in London.
pub(crate) const NOON_US: Micros = 1_780_315_200_000_000;
pub(crate) const HOUR_US: Micros = 3_600_000_000;

/// So much capacity that pacing is not felt, and so much patience that a slow machine runs into no timer.
pub(crate) fn quick(settings: Settings) -> Settings {
    patient(settings)
        .with("capacity.per_day", 10_000_000)
        .with("capacity.burst", 10_000)
}

/// Timers that nothing runs into, also where the clock runs fast; retries at once.
pub(crate) fn patient(settings: Settings) -> Settings {
    let day_minutes = 1_440;
    settings
        .with("attempt.answer_within_minutes", 14 * day_minutes)
        .with("attempt.no_progress_minutes", 7 * day_minutes)
        .with("attempt.hello_within_minutes", 7 * day_minutes)
        .with("breaker.failures", 0)
        .with("stop.attempts", 0)
        .with("retry.transfer.attempts_max", 2)
        .with("retry.transfer.backoff_minutes", 0)
        .with("retry.activation.attempts_max", 2)
        .with("retry.activation.backoff_minutes", 0)
        .with("retry.unknown.attempts_max", 2)
        .with("retry.unknown.backoff_minutes", 0)
}

/// Large images charged to each service day that has any, with the day.
pub(crate) async fn released(scene: &Scene) -> Vec<(String, u32)> {
    let days = scene
        .reports("auditor1")
        .await
        .capacity(None, None)
        .await
        .unwrap();
    let days = days.into_iter().filter(|day| day.released > 0);
    days.map(|day| (day.service_date, day.released)).collect()
}

/// All charges together.
pub(crate) async fn released_in_all(scene: &Scene) -> u32 {
    released(scene)
        .await
        .iter()
        .map(|(_, released)| released)
        .sum()
}

/// State, last outcome and number of attempts, as one can write them in a test.
pub(crate) fn ending(activation: &Activation) -> (String, &str, u32) {
    let outcome = activation.outcome.as_deref().unwrap_or("none");
    (activation.state.to_string(), outcome, activation.attempt)
}
