//! What peers can make the log say as often as they like: said once in a while, with how often it was not.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Each kind of line has one. Clones count together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seldom(Arc<Mutex<Said>>);

#[derive(Debug, Default)]
struct Said {
    last: Option<Instant>,
    unsaid: u64,
}

impl Seldom {
    const EVERY: Duration = Duration::from_secs(1);

    /// Whether it is time to say it again; then how often it was left unsaid since the last time.
    pub(crate) fn is_due(&self) -> Option<u64> {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if said.last.is_some_and(|last| now < last + Self::EVERY) {
            said.unsaid = said.unsaid.saturating_add(1);
            return None;
        }
        said.last = Some(now);
        Some(std::mem::take(&mut said.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_line_is_said_once_a_second_with_how_often_it_was_not() {
        let seldom = Seldom::default();
        assert_eq!(seldom.is_due(), Some(0));
        for _ in 0..7 {
            assert_eq!(seldom.clone().is_due(), None);
        }
        tokio::time::advance(Seldom::EVERY).await;
        assert_eq!(seldom.is_due(), Some(7));
        tokio::time::advance(Seldom::EVERY).await;
        assert_eq!(seldom.is_due(), Some(0));
    }
}
