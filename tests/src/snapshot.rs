//! All that can be seen of the service's state from outside, to show that a refusal changed nothing.

use dco_client::{
    Batch, DecisionKind, DecisionLogQuery, OperationsClient, PageRequest, ServiceDay, SuccessRow,
    Transfer,
};

use crate::{Metrics, Scene};

/// What an auditor sees, and how many records the journal has besides those of what was refused and signed.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    transfers: Vec<Transfer>,
    batches: Vec<Batch>,
    service_days: Vec<ServiceDay>,
    successes: Vec<SuccessRow>,
    devices: f64,
    records: usize,
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
            records: records(scene).await,
        }
    }
}

async fn records(scene: &Scene) -> usize {
    let client = OperationsClient::new(&scene.link("auditor1").await);
    let mut kinds = DecisionKind::ALL.to_vec();
    kinds.retain(|kind| !matches!(kind, DecisionKind::Refusal | DecisionKind::Checkpoint));
    let query = DecisionLogQuery {
        kinds,
        ..DecisionLogQuery::default()
    };
    let (_, mut stream) = client.decision_log(query).await.expect("an auditor reads");
    let mut count = 0;
    while stream.next().await.expect("the log is whole").is_some() {
        count += 1;
    }
    count
}

/// What is expected changes by itself as time passes.
fn without_predictions(batch: Batch) -> Batch {
    Batch {
        predicted_release_us: None,
        predicted_completion_us: None,
        ..batch
    }
}
