use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use dco_block::{Eui64, ManufacturerImageHash};
use dco_client::{
    ActivationState, BatchName, ClientError, Code, PageRequest, RequestId, RetryPolicy, Stage,
    SubmitBatch, UserClient,
};
use dco_proto::v1 as pb;
use pb::activate_firmware_server::{ActivateFirmware, ActivateFirmwareServer};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status, async_trait};

use crate::peer::{Peer, serve};

const USER: Eui64 = Eui64::from_bits(0x90B3_D51F_3001_0000);
const BATCH: &str = "users/90-B3-D5-1F-30-01-00-00/batches/7";
const DEVICE: &str = "90-B3-D5-1F-30-02-00-00";
const RETRY: RetryPolicy = RetryPolicy {
    tries_max: 3,
    first_delay: Duration::from_millis(1),
    delay_max: Duration::from_millis(1),
};

type Stream = Vec<Result<pb::WatchBatchResponse, Status>>;

/// The peer's SRV 11.3: one batch.
#[derive(Clone, Default)]
struct Batches {
    /// What each WatchBatch must ask for and brings.
    watches: Arc<Mutex<VecDeque<(u64, Stream)>>>,
    /// Open activations of the batch, as GetBatch tells them.
    open: u32,
}

fn batch(open: u32) -> pb::Batch {
    pb::Batch {
        name: BATCH.to_owned(),
        manufacturer_image_hash: vec![1; 32].into(),
        image_id: vec![2; 32].into(),
        large: true,
        service_date: "2026-03-29".to_owned(),
        due_time: Some(prost_types::Timestamp {
            seconds: 432_000,
            nanos: 0,
        }),
        counts: Some(pb::ActivationCounts {
            queued: open,
            succeeded: 10 - open,
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn activation(state: pb::activation::State, stage: pb::activation::Stage) -> pb::Activation {
    pb::Activation {
        name: format!("{BATCH}/activations/{DEVICE}"),
        device: DEVICE.to_owned(),
        state: state.into(),
        stage: stage.into(),
        attempt: 2,
        ..Default::default()
    }
}

fn change(position: u64, open: u32) -> Result<pb::WatchBatchResponse, Status> {
    use pb::activation::{Stage, State};
    Ok(pb::WatchBatchResponse {
        position,
        activations: vec![activation(State::Released, Stage::Transferring)],
        batch: Some(batch(open)),
    })
}

#[async_trait]
impl ActivateFirmware for Batches {
    type WatchBatchStream = ReceiverStream<Result<pb::WatchBatchResponse, Status>>;

    async fn submit_batch(
        &self,
        request: Request<pb::SubmitBatchRequest>,
    ) -> Result<Response<pb::Batch>, Status> {
        let request = request.into_inner();
        assert_eq!(request.parent, "users/90-B3-D5-1F-30-01-00-00");
        assert_eq!(request.manufacturer_image_hash, vec![1; 32]);
        assert_eq!(request.devices, [DEVICE]);
        assert_eq!(request.service_date, "");
        Ok(Response::new(batch(10)))
    }

    async fn get_batch(
        &self,
        _: Request<pb::GetBatchRequest>,
    ) -> Result<Response<pb::Batch>, Status> {
        Ok(Response::new(batch(self.open)))
    }

    async fn list_batches(
        &self,
        _: Request<pb::ListBatchesRequest>,
    ) -> Result<Response<pb::ListBatchesResponse>, Status> {
        let next_page_token = "more".to_owned();
        Ok(Response::new(pb::ListBatchesResponse {
            batches: vec![batch(3)],
            next_page_token,
        }))
    }

    async fn cancel_batch(
        &self,
        request: Request<pb::CancelBatchRequest>,
    ) -> Result<Response<pb::Batch>, Status> {
        assert!(request.into_inner().validate_only);
        Ok(Response::new(batch(0)))
    }

    async fn get_activation(
        &self,
        _: Request<pb::GetActivationRequest>,
    ) -> Result<Response<pb::Activation>, Status> {
        use pb::activation::{Stage, State};
        let mut activation = activation(State::Succeeded, Stage::Unspecified);
        activation.outcome = "success".to_owned();
        activation.running_version = "0102ABCD".to_owned();
        activation.device_image_hash = vec![1; 32].into();
        Ok(Response::new(activation))
    }

    async fn list_activations(
        &self,
        request: Request<pb::ListActivationsRequest>,
    ) -> Result<Response<pb::ListActivationsResponse>, Status> {
        use pb::activation::{Stage, State};
        assert_eq!(request.into_inner().parent, BATCH);
        let activations = vec![activation(State::Unspecified, Stage::Unspecified)];
        Ok(Response::new(pb::ListActivationsResponse {
            activations,
            next_page_token: String::new(),
        }))
    }

    async fn explain_activation(
        &self,
        _: Request<pb::ExplainActivationRequest>,
    ) -> Result<Response<pb::Explanation>, Status> {
        use pb::activation::{Stage, State};
        Ok(Response::new(pb::Explanation {
            activation: Some(activation(State::Queued, Stage::Unspecified)),
            holds: vec![pb::Hold {
                reason: "PACED".to_owned(),
                ..Default::default()
            }],
            ahead_count: Some(12),
            summary: "Waits.".to_owned(),
            ..Default::default()
        }))
    }

    async fn watch_batch(
        &self,
        request: Request<pb::WatchBatchRequest>,
    ) -> Result<Response<Self::WatchBatchStream>, Status> {
        let next = self.watches.lock().unwrap().pop_front();
        let (position, items) = next.ok_or_else(|| Status::unavailable("nobody is here"))?;
        assert_eq!(request.into_inner().position, position);
        let (answers, stream) = mpsc::channel(items.len().max(1));
        for item in items {
            answers.try_send(item).unwrap();
        }
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}

async fn scene(open: u32, watches: Vec<(u64, Stream)>) -> (Peer, UserClient) {
    let watches = Arc::new(Mutex::new(watches.into()));
    let batches = Batches { watches, open };
    let (peer, link) =
        serve(|_| Server::builder().add_service(ActivateFirmwareServer::new(batches))).await;
    (peer, UserClient::new(&link, USER))
}

fn name() -> BatchName {
    BATCH.parse().unwrap()
}

async fn positions(user: &UserClient, from: u64) -> Result<Vec<u64>, ClientError> {
    let mut watch = user.watch_batch(name(), from, RETRY);
    let mut positions = Vec::new();
    while let Some(change) = watch.next().await? {
        assert_eq!(change.activations[0].stage, Some(Stage::Transferring));
        positions.push(change.position);
    }
    assert_eq!(watch.position(), positions.last().copied().unwrap_or(from));
    assert!(watch.next().await?.is_none());
    Ok(positions)
}

#[tokio::test]
async fn a_batch_is_followed_over_broken_streams_where_it_was() {
    let streams = vec![
        (
            0,
            vec![
                change(1, 9),
                change(4, 6),
                Err(Status::unavailable("draining")),
            ],
        ),
        (4, vec![change(5, 5)]),
        (5, vec![change(9, 0)]),
    ];
    let (_peer, user) = scene(5, streams).await;
    assert_eq!(positions(&user, 0).await.unwrap(), [1, 4, 5, 9]);
}

#[tokio::test]
async fn a_batch_that_settled_before_is_at_its_end() {
    let (_peer, user) = scene(0, vec![(9, Vec::new()), (9, Vec::new())]).await;
    assert_eq!(positions(&user, 9).await.unwrap(), [0; 0]);
}

#[tokio::test]
async fn a_batch_that_settled_while_the_stream_broke_still_brings_its_last_changes() {
    let streams = vec![(0, vec![change(1, 9)]), (1, vec![change(2, 0)])];
    let (_peer, user) = scene(0, streams).await;
    assert_eq!(positions(&user, 0).await.unwrap(), [1, 2]);
}

#[tokio::test]
async fn a_server_that_only_ends_its_streams_is_given_up() {
    let streams = (0..9).map(|_| (3, Vec::new())).collect();
    let (_peer, user) = scene(1, streams).await;
    let error = positions(&user, 3).await.unwrap_err();
    assert!(
        matches!(error, ClientError::GaveUp { tries: 3, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_refusal_of_the_watch_is_given_back_at_once() {
    let refused = vec![(0, vec![Err(Status::permission_denied("not yours"))])];
    let (_peer, user) = scene(1, refused).await;
    let error = positions(&user, 0).await.unwrap_err();
    assert_eq!(error.code(), Some(Code::PermissionDenied));
}

#[tokio::test]
async fn batches_are_submitted_read_listed_and_cancelled() {
    let (_peer, user) = scene(3, Vec::new()).await;
    let submit = SubmitBatch {
        request_id: RequestId::fresh(),
        manufacturer_image_hash: ManufacturerImageHash::new([1; 32]),
        devices: vec![DEVICE.parse().unwrap()],
        execute_us: None,
        canary: 0,
        service_date: None,
        signed_request: Bytes::new(),
        originator_counter: None,
        validate_only: false,
    };
    let submitted = user.submit_batch(submit).await.unwrap();
    assert_eq!(submitted.name, Some(name()));
    assert_eq!(submitted.due_us, Some(432_000_000_000));
    assert!(submitted.large && !submitted.is_settled());
    let read = user.batch(name()).await.unwrap();
    assert_eq!((read.counts.total(), read.counts.open()), (10, 3));
    let page = user.batches(&PageRequest::default()).await.unwrap();
    assert_eq!((page.items.len(), page.next.as_deref()), (1, Some("more")));
    assert!(
        user.cancel_batch(name(), RequestId::fresh(), true)
            .await
            .unwrap()
            .is_settled()
    );
}

#[tokio::test]
async fn activations_are_read_and_explained_and_nonsense_is_named() {
    let (_peer, user) = scene(3, Vec::new()).await;
    let one = format!("{BATCH}/activations/{DEVICE}").parse().unwrap();
    let activation = user.activation(one).await.unwrap();
    assert_eq!(
        (activation.state, activation.stage),
        (ActivationState::Succeeded, None)
    );
    assert_eq!(activation.outcome.as_deref(), Some("success"));
    assert_eq!(activation.running_version.unwrap().to_string(), "0102ABCD");

    let explanation = user.explain(one).await.unwrap();
    assert_eq!(
        (
            explanation.ahead_count,
            explanation.holds[0].reason.as_str()
        ),
        (Some(12), "PACED")
    );

    let error = user
        .activations(name(), &PageRequest::default())
        .await
        .unwrap_err();
    let ClientError::BadAnswer(bad) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(
        (bad.field, bad.problem.as_str()),
        ("activation.state", "has the unknown number 0")
    );
}
