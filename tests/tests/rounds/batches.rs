//! A batch as its sender knows it, held against what the service says of it.

use std::collections::BTreeMap;

use dco_client::{
    Activation, ActivationState, AttemptRef, Batch, BatchName, ClientError, SubmitBatch, UserClient,
};
use dco_tests::{Device, activations};

/// A SubmitBatch that was asked for, and all that was said of it.
pub(super) struct Submitted {
    pub(super) request: SubmitBatch,
    /// The first answer; every later one is the same.
    answer: Option<Batch>,
    /// As they were told last.
    activations: BTreeMap<Device, Activation>,
}

impl Submitted {
    /// Before it is asked for.
    pub(super) fn asked(request: SubmitBatch) -> Self {
        Self {
            request,
            answer: None,
            activations: BTreeMap::new(),
        }
    }

    /// Asks for it, for the first time or again.
    pub(super) async fn submit(&mut self, user: &UserClient) -> Result<(), ClientError> {
        let answer = user.submit_batch(self.request.clone()).await?;
        let first = self.answer.get_or_insert_with(|| answer.clone());
        assert_eq!(*first, answer);
        assert_eq!(answer.counts.total(), self.request.devices.len() as u64);
        assert_eq!(answer.signed_request, self.request.signed_request);
        Ok(())
    }

    /// After a start: asks again what was not answered, and if `again` also what was.
    pub(super) async fn ask_again(&mut self, user: &UserClient, again: bool) {
        if again || self.answer.is_none() {
            self.submit(user).await.expect("the same id is taken again");
        }
    }

    pub(super) fn name(&self) -> BatchName {
        self.answer().name.expect("it was acknowledged")
    }

    pub(super) fn is_large(&self) -> bool {
        self.answer().large
    }

    /// All attempts, those under way included.
    pub(super) fn attempts(&self) -> u32 {
        self.activations.values().map(|it| it.attempt).sum()
    }

    /// Every attempt but those under way.
    pub(super) fn attempts_over(&self) -> impl Iterator<Item = AttemptRef> {
        self.activations.values().flat_map(|it| {
            let under_way = u32::from(it.state == ActivationState::Released);
            let activation = it.name;
            (1..=it.attempt - under_way).map(move |attempt| AttemptRef {
                activation,
                attempt,
            })
        })
    }

    /// What was told last of a Device.
    pub(super) fn activation(&self, device: Device) -> &Activation {
        &self.activations[&device]
    }

    /// Whether something may still happen to it.
    pub(super) fn is_open(&self) -> bool {
        let told = self.activations.len() == self.request.devices.len();
        !told || self.activations.values().any(|it| !has_ended(it))
    }

    /// Holds a row of ListBatches against what was told.
    pub(super) fn check_listed(&self, row: &Batch) {
        let unchanging = |batch: &Batch| Batch {
            predicted_release_us: None,
            predicted_completion_us: None,
            counts: Default::default(),
            signed_request: Default::default(),
            ..batch.clone()
        };
        assert_eq!(unchanging(row), unchanging(self.answer()));
        assert_eq!(row.counts.total(), self.request.devices.len() as u64);
        if !self.is_open() {
            assert!(row.is_settled(), "{row:?}");
        }
    }

    /// Holds each activation against what was told of it: no attempt is taken back, and no end.
    pub(super) async fn check(&mut self, user: &UserClient) {
        let now = activations(user, self.name()).await;
        let now: BTreeMap<_, _> = now.into_iter().map(|it| (it.device, it)).collect();
        assert!(now.keys().eq(self.request.devices.iter()));
        for (device, before) in &self.activations {
            let now = &now[device];
            assert!(now.attempt >= before.attempt, "{now:?} after {before:?}");
            if has_ended(before) {
                assert_eq!(now, before);
            }
        }
        self.activations = now;
    }

    fn answer(&self) -> &Batch {
        self.answer.as_ref().expect("it was acknowledged")
    }
}

fn has_ended(activation: &Activation) -> bool {
    matches!(
        activation.state,
        ActivationState::Succeeded | ActivationState::Failed | ActivationState::Cancelled
    )
}
