//! How many outcomes of each batch the service has noted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use dco_client::BatchName;
use tokio::sync::Notify;

/// Counted by gateways, waited for by Users. A batch is known from the first word of it, whoever says it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    batches: Mutex<BTreeMap<BatchName, Batch>>,
}

#[derive(Debug, Default)]
struct Batch {
    noted: u64,
    wanted: Option<u64>,
    all_noted: Arc<Notify>,
}

impl Tally {
    /// One more outcome of the batch is noted.
    pub(crate) fn noted(&self, name: BatchName) {
        self.with(name, |batch| {
            batch.noted += 1;
            if batch.wanted == Some(batch.noted) {
                batch.all_noted.notify_one();
            }
        });
    }

    /// Waits until so many outcomes of the batch are noted; then forgets it.
    pub(crate) async fn all_noted(&self, name: BatchName, wanted: u64) {
        let waiting = self.with(name, |batch| {
            batch.wanted = Some(wanted);
            (batch.noted < wanted).then(|| Arc::clone(&batch.all_noted))
        });
        if let Some(all_noted) = waiting {
            all_noted.notified().await;
        }
        self.lock().remove(&name);
    }

    fn with<T>(&self, name: BatchName, act: impl FnOnce(&mut Batch) -> T) -> T {
        act(self.lock().entry(name).or_default())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<BatchName, Batch>> {
        // Counts are whole between any two operations.
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use dco_block::Eui64;

    use super::*;

    const NAME: BatchName = BatchName {
        user: Eui64::from_bits(1),
        number: 1,
    };

    #[tokio::test]
    async fn outcomes_before_and_after_the_question_count_alike() {
        let tally = Arc::new(Tally::default());
        tally.noted(NAME);
        let waiting = tokio::spawn({
            let tally = Arc::clone(&tally);
            async move { tally.all_noted(NAME, 3).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        tally.noted(NAME);
        tally.noted(NAME);
        waiting.await.unwrap();
        assert!(tally.lock().is_empty());
    }

    #[tokio::test]
    async fn nothing_is_waited_for_that_is_there() {
        let tally = Tally::default();
        tally.noted(NAME);
        tally.all_noted(NAME, 1).await;
    }
}
