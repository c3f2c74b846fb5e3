use std::sync::Arc;

use bytes::Bytes;
use dco_block::Eui64;
use dco_engine::{
    ActivationCounts, ActivationState, ActivationView, BatchView, Refusal, Reply, Request,
    RequestId, SubmitBatch, TransferState, TransferView,
};

use super::Word;
use crate::checkers::history::{batch_view, broken, kept};
use crate::dice::Dice;
use crate::estate::Estate;
use crate::happened::Happened;

const USER: Eui64 = Eui64::from_bits(1);
const GET_TRANSFER: Request = Request::GetTransfer {
    user: USER,
    number: 1,
};
const GET_BATCH: Request = Request::GetBatch {
    user: USER,
    number: 1,
};

fn answered<'a>(request: &'a Request, reply: &'a Result<Reply, Refusal>) -> Happened<'a> {
    Happened::Answered { request, reply }
}

fn transfer(state: TransferState, blocks_held: u32) -> Result<Reply, Refusal> {
    let estate = Estate::draw(&mut Dice::new(0));
    Ok(Reply::Transfer(TransferView {
        user: USER,
        number: Some(1),
        state,
        manifest: Arc::clone(&estate.images[0].manifest),
        blocks_held,
        missing: Vec::new(),
        created_us: 0,
        expire_us: 0,
        warned_us: None,
        device_count: 1,
        invalid: Arc::default(),
        response: None,
        signed_request: Bytes::new(),
    }))
}

fn batch(counts: ActivationCounts, due_us: i64) -> Result<Reply, Refusal> {
    Ok(Reply::Batch(BatchView {
        due_us,
        ..batch_view(counts)
    }))
}

fn queued(queued: u32, succeeded: u32) -> ActivationCounts {
    ActivationCounts {
        queued,
        succeeded,
        ..ActivationCounts::default()
    }
}

fn activations(state: ActivationState, attempt: u16) -> Result<Reply, Refusal> {
    let view = ActivationView {
        user: USER,
        batch: 1,
        device: Eui64::from_bits(2),
        state,
        attempt,
        outcome: None,
        released_us: None,
        ended_us: None,
        message: String::new(),
        running_version: None,
        device_image_hash: None,
        may_have_image: false,
    };
    Ok(Reply::Activations {
        activations: vec![view],
        total: 1,
    })
}

/// After the first answer the second breaks a promise.
fn breaks(
    request: &Request,
    first: &Result<Reply, Refusal>,
    then: &Request,
    second: &Result<Reply, Refusal>,
) {
    let mut checker = Word::default();
    kept(&mut checker, &answered(request, first));
    kept(&mut checker, &answered(request, first));
    broken(&mut checker, &answered(then, second));
}

#[test]
fn a_transfer_goes_only_forward() {
    let receiving = transfer(TransferState::Receiving, 2);
    let verifying = transfer(TransferState::Verifying, 3);
    let stored = transfer(TransferState::Stored, 3);
    let lost = transfer(TransferState::Receiving, 1);
    let rejected = transfer(TransferState::Rejected, 0);
    let get = &GET_TRANSFER;
    breaks(get, &receiving, get, &lost);
    breaks(get, &verifying, get, &receiving);
    breaks(get, &stored, get, &rejected);
    let gone = Err(Refusal::NotFound { kind: "transfer" });
    breaks(get, &receiving, get, &gone);
    let mut checker = Word::default();
    for reply in [&receiving, &verifying, &stored] {
        kept(&mut checker, &answered(get, reply));
    }
}

#[test]
fn a_batch_keeps_what_it_is_and_what_has_ended() {
    let get = &GET_BATCH;
    let now = batch(queued(1, 2), 7);
    breaks(get, &now, get, &batch(queued(1, 2), 8));
    breaks(get, &now, get, &batch(queued(1, 3), 7));
    breaks(get, &now, get, &batch(queued(2, 1), 7));
    breaks(get, &now, get, &Err(Refusal::NotFound { kind: "batch" }));
    let mut checker = Word::default();
    kept(&mut checker, &answered(get, &now));
    kept(&mut checker, &answered(get, &batch(queued(0, 3), 7)));
}

#[test]
fn an_activation_that_has_ended_stays_so_and_attempts_count_up() {
    let list = &Request::ListActivations {
        user: USER,
        number: 1,
        skip: 0,
        limit: 9,
    };
    let succeeded = activations(ActivationState::Succeeded, 2);
    let queued = activations(ActivationState::Queued, 2);
    breaks(list, &succeeded, list, &queued);
    let failed = activations(ActivationState::Failed, 2);
    breaks(list, &succeeded, list, &failed);
    breaks(list, &failed, list, &queued);
    let earlier = activations(ActivationState::Queued, 1);
    breaks(list, &queued, list, &earlier);
    let mut checker = Word::default();
    kept(&mut checker, &answered(list, &queued));
    kept(&mut checker, &answered(list, &failed));
    kept(&mut checker, &answered(list, &succeeded));
}

#[test]
fn the_same_request_has_the_same_answer() {
    let submit = &Request::SubmitBatch(SubmitBatch {
        user: USER,
        id: RequestId([1; 16]),
        validate_only: false,
        manufacturer_image_hash: dco_block::ManufacturerImageHash::new([0; 32]),
        devices: vec![Eui64::from_bits(2)],
        execute_us: None,
        canary: None,
        service_date: None,
        signed_request: Bytes::new(),
        originator_counter: None,
    });
    let first = batch(queued(3, 0), 7);
    breaks(submit, &first, submit, &batch(queued(2, 1), 7));
    breaks(submit, &first, &GET_BATCH, &batch(queued(2, 1), 8));
}
