//! No wait without an end.

use std::time::Duration;

/// Longer than anything here takes, on any machine that is not broken.
pub const DEADLINE: Duration = Duration::from_secs(90);

/// Waits, and fails the test when it takes longer than [`DEADLINE`]. `what` completes "waited too long for ..".
pub async fn within<T>(what: &str, wait: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, wait).await {
        Ok(done) => done,
        Err(_) => panic!("waited too long for {what}"),
    }
}
