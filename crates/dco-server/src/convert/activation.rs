//! One Device of a batch.

use bytes::Bytes;
use dco_engine::{ActivationName, ActivationState, ActivationView, Stage};
use dco_proto::v1 as pb;
use pb::activation::{Stage as PbStage, State};

use super::{instant, name};

/// An activation as it goes out.
pub(crate) fn activation(view: &ActivationView) -> pb::Activation {
    let stage = match view.state {
        ActivationState::Released(stage) => Some(stage),
        _ => None,
    };
    let hash = view.device_image_hash;
    pb::Activation {
        name: name::activation(&ActivationName {
            user: view.user,
            batch: view.batch,
            device: view.device,
        }),
        device: view.device.to_string(),
        state: state(view.state).into(),
        attempt: view.attempt.into(),
        stage: stage.map_or(PbStage::Unspecified, on_the_wire).into(),
        blocks_done: match stage {
            Some(Stage::Transferring { blocks_done }) => blocks_done,
            _ => 0,
        },
        outcome: view
            .outcome
            .map_or_else(String::new, |outcome| outcome.to_string()),
        release_time: view.released_us.map(instant),
        end_time: view.ended_us.map(instant),
        retry_time: match view.state {
            ActivationState::RetryWait { until_us } => Some(instant(until_us)),
            _ => None,
        },
        running_version: view
            .running_version
            .map_or_else(String::new, |version| version.to_string()),
        device_image_hash: hash.map_or_else(Bytes::new, |hash| hash.as_bytes().to_vec().into()),
        message: view.message.clone(),
        may_have_image: view.may_have_image,
    }
}

fn state(state: ActivationState) -> State {
    match state {
        ActivationState::Parked => State::Parked,
        ActivationState::Queued => State::Queued,
        ActivationState::Released(_) => State::Released,
        ActivationState::RetryWait { .. } => State::RetryWait,
        ActivationState::Succeeded => State::Succeeded,
        ActivationState::Failed => State::Failed,
        ActivationState::Cancelled => State::Cancelled,
    }
}

fn on_the_wire(stage: Stage) -> PbStage {
    match stage {
        Stage::Offered => PbStage::Offered,
        Stage::Accepted => PbStage::Accepted,
        Stage::Transferring { .. } => PbStage::Transferring,
        Stage::Delivered => PbStage::Delivered,
        Stage::Scheduled => PbStage::Scheduled,
        Stage::Unknown => PbStage::Unknown,
    }
}
