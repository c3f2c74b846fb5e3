//! All that can be seen of the service's state from outside, to show that a refusal changed nothing.

use dco_client::{Batch, PageRequest, ServiceDay, SuccessRow, Transfer};

use crate::{Metrics, Scene};

/// What an auditor sees, and how many records the journal has.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    transfers: Vec<Transfer>,
    batches: Vec<Batch>,
    service_days: Vec<ServiceDay>,
    successes: Vec<SuccessRow>,
    devices: f64,
    records: f64,
}

impl Snapshot {
    /// Looks at everything of the first two Users.
    pub async fn of(scene: &Scene) -> Self {
        let (mut transfers, mut batches) = (Vec::new(), Vec::new());
        let whole = PageRequest {
            size: 1_000,
            token: None,
        };
        for user in ["user1", "user2"] {
            let client = scene.user_as("auditor1", user).await;
            transfers.extend(
                client
                    .transfers(&whole)
                    .await
                    .expect("an auditor reads")
                    .items,
            );
            let page = client.batches(&whole).await.expect("an auditor reads");
            batches.extend(page.items.into_iter().map(without_predictions));
        }
        let reports = scene.reports("auditor1").await;
        let metrics = Metrics::of(scene.service()).await;
        Self {
            transfers,
            batches,
            service_days: reports
                .capacity(None, None)
                .await
                .expect("an auditor reads"),
            successes: reports.success(None).await.expect("an auditor reads"),
            devices: metrics.value("dco_devices"),
            records: metrics.value("dco_journal_records_total"),
        }
    }
}

/// What is expected changes by itself as time passes.
fn without_predictions(batch: Batch) -> Batch {
    Batch {
        predicted_release_us: None,
        predicted_completion_us: None,
        ..batch
    }
}
