//! What was answered once stays true: nothing that was told is gone, undone or different later.

use std::collections::BTreeMap;

use dco_block::Eui64;
use dco_engine::{
    ActivationName, ActivationState, ActivationView, BatchView, Reply, Request, RequestId,
    TransferState, TransferView,
};

use super::{Breach, Checker};
use crate::happened::Happened;

/// The last that was told of everything.
#[derive(Debug, Default)]
pub(super) struct Word {
    transfers: BTreeMap<(Eui64, u64), TransferView>,
    batches: BTreeMap<(Eui64, u64), BatchView>,
    activations: BTreeMap<ActivationName, ActivationView>,
    /// What a request made.
    made: BTreeMap<(Eui64, RequestId), Made>,
}

#[derive(Debug, PartialEq)]
enum Made {
    Transfer(Option<u64>),
    Batch(Box<BatchView>),
}

impl Checker for Word {
    fn promise(&self) -> &'static str {
        "what was answered once stays true"
    }

    fn see(&mut self, happened: &Happened<'_>) -> Result<(), Breach> {
        let Happened::Answered { request, reply } = happened else {
            return Ok(());
        };
        match reply {
            Ok(reply) => self.hear(request, reply),
            Err(refusal) if self.is_known(request) => Err(format!(
                "what was told to exist is refused: {request:?}: {refusal}"
            )),
            Err(_) => Ok(()),
        }
    }
}

impl Word {
    fn hear(&mut self, request: &Request, reply: &Reply) -> Result<(), Breach> {
        match (request, reply) {
            (Request::OpenTransfer(asked), Reply::Transfer(view)) => {
                self.make(asked.user, asked.id, Made::Transfer(view.number))?;
                self.transfer(view)
            }
            (Request::SubmitBatch(asked), _) if asked.validate_only => Ok(()),
            (Request::SubmitBatch(asked), Reply::Batch(view)) => {
                self.make(asked.user, asked.id, Made::Batch(Box::new(view.clone())))?;
                self.identity(view)
            }
            (_, Reply::Transfer(view)) => self.transfer(view),
            (_, Reply::Batch(view)) => self.batch(view),
            (_, Reply::Activations { activations, .. }) => activations
                .iter()
                .try_for_each(|view| self.activation(view)),
            _ => Ok(()),
        }
    }

    /// Whether this reads what an answer has named.
    fn is_known(&self, request: &Request) -> bool {
        match request {
            Request::GetTransfer { user, number } => self.transfers.contains_key(&(*user, *number)),
            Request::GetBatch { user, number } | Request::ListActivations { user, number, .. } => {
                self.batches.contains_key(&(*user, *number))
            }
            _ => false,
        }
    }

    /// The same request has the same answer: a batch to the letter, a transfer under the same number.
    fn make(&mut self, user: Eui64, id: RequestId, made: Made) -> Result<(), Breach> {
        match self.made.get(&(user, id)) {
            Some(before) if *before != made => Err(format!(
                "one request was answered {before:?} and then {made:?}"
            )),
            Some(_) => Ok(()),
            None => {
                self.made.insert((user, id), made);
                Ok(())
            }
        }
    }

    fn transfer(&mut self, view: &TransferView) -> Result<(), Breach> {
        let Some(number) = view.number else {
            return Ok(());
        };
        let Some(before) = self.transfers.insert((view.user, number), view.clone()) else {
            return Ok(());
        };
        let same = before.manifest == view.manifest
            && before.created_us == view.created_us
            && before.expire_us == view.expire_us
            && before.device_count == view.device_count;
        let forward = is_forward(before.state, view.state)
            && (before.response.is_none() || before.response == view.response)
            && (before.state != view.state || before.blocks_held <= view.blocks_held);
        if same && forward {
            return Ok(());
        }
        Err(format!(
            "transfer {}/{number} was {} with {} blocks and is {} with {}",
            view.user, before.state, before.blocks_held, view.state, view.blocks_held
        ))
    }

    fn batch(&mut self, view: &BatchView) -> Result<(), Breach> {
        let key = (view.user, view.number.unwrap_or(0));
        let before = self.batches.get(&key).map(|before| before.counts);
        self.identity(view)?;
        let (Some(before), now) = (before, view.counts) else {
            return Ok(());
        };
        self.batches.insert(key, view.clone());
        let ended = |it: dco_engine::ActivationCounts| it.succeeded + it.failed + it.cancelled;
        // A late success moves what had failed or was cancelled, and nothing moves anything back.
        let forward = before.succeeded <= now.succeeded && ended(before) <= ended(now);
        if forward {
            return Ok(());
        }
        Err(format!(
            "batch {}/{}: {before:?} became {now:?}",
            key.0, key.1
        ))
    }

    /// What of a batch never changes.
    fn identity(&mut self, view: &BatchView) -> Result<(), Breach> {
        let key = (view.user, view.number.unwrap_or(0));
        let before = self.batches.entry(key).or_insert_with(|| view.clone());
        let same = before.image_id == view.image_id
            && before.service_date == view.service_date
            && before.due_us == view.due_us
            && before.created_us == view.created_us
            && size(before) == size(view);
        if same {
            return Ok(());
        }
        Err(format!(
            "batch {}/{} was {before:?} and is {view:?}",
            key.0, key.1
        ))
    }

    fn activation(&mut self, view: &ActivationView) -> Result<(), Breach> {
        let name = ActivationName {
            user: view.user,
            batch: view.batch,
            device: view.device,
        };
        let Some(before) = self.activations.insert(name, view.clone()) else {
            return Ok(());
        };
        let late_success =
            before.state != ActivationState::Succeeded && view.state == ActivationState::Succeeded;
        let stays = !has_ended(before.state) || before == *view || late_success;
        if stays && before.attempt <= view.attempt {
            return Ok(());
        }
        Err(format!("{before:?} became {view:?}"))
    }
}

fn is_forward(before: TransferState, now: TransferState) -> bool {
    match before {
        TransferState::Receiving => true,
        TransferState::Verifying => now != TransferState::Receiving,
        _ => before == now,
    }
}

fn size(view: &BatchView) -> u32 {
    let counts = view.counts;
    counts.open() + counts.succeeded + counts.failed + counts.cancelled
}

fn has_ended(state: ActivationState) -> bool {
    matches!(
        state,
        ActivationState::Succeeded | ActivationState::Failed | ActivationState::Cancelled
    )
}

#[cfg(test)]
mod tests;
