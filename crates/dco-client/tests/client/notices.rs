use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dco_client::{ClientError, NoticeParty, NoticeSubject, NoticesClient, RetryPolicy};
use dco_proto::v1 as pb;
use futures::{Stream, stream};
use pb::notice::Subject;
use pb::notices_server::{Notices, NoticesServer};
use tonic::transport::Server;
use tonic::{Request, Response, Status, async_trait};

use crate::peer::{Peer, serve};

const RETRY: RetryPolicy = RetryPolicy {
    tries_max: 3,
    first_delay: Duration::from_millis(1),
    delay_max: Duration::from_millis(1),
};

type Told = Result<pb::ListNoticesResponse, Status>;

/// Streams that are handed out one after the other, and the positions they were asked for from.
#[derive(Clone, Default)]
struct Board {
    streams: Arc<Mutex<VecDeque<Vec<Told>>>>,
    asked: Arc<Mutex<Vec<u64>>>,
}

#[async_trait]
impl Notices for Board {
    async fn list_notices(
        &self,
        request: Request<pb::ListNoticesRequest>,
    ) -> Result<Response<pb::ListNoticesResponse>, Status> {
        let request = request.into_inner();
        Ok(Response::new(pb::ListNoticesResponse {
            notices: vec![notice(request.position + 1, request.parent)],
            position: request.position + 1,
            complete: true,
        }))
    }

    type WatchNoticesStream = Pin<Box<dyn Stream<Item = Told> + Send>>;

    async fn watch_notices(
        &self,
        request: Request<pb::ListNoticesRequest>,
    ) -> Result<Response<Self::WatchNoticesStream>, Status> {
        self.asked
            .lock()
            .unwrap()
            .push(request.into_inner().position);
        let told = self.streams.lock().unwrap().pop_front().unwrap_or_default();
        Ok(Response::new(Box::pin(stream::iter(told))))
    }

    async fn get_limits(
        &self,
        _: Request<pb::GetLimitsRequest>,
    ) -> Result<Response<pb::Limits>, Status> {
        Ok(Response::new(pb::Limits {
            allowance: 500,
            ..Default::default()
        }))
    }
}

fn notice(position: u64, message: impl Into<String>) -> pb::Notice {
    pb::Notice {
        number: position,
        message: message.into(),
        subject: Some(Subject::ActionSettled(pb::ActionSettledNotice {
            action: "actions/5".to_owned(),
            approved: true,
        })),
        ..Default::default()
    }
}

fn told(positions: &[u64]) -> Told {
    Ok(pb::ListNoticesResponse {
        notices: positions.iter().map(|it| notice(*it, "")).collect(),
        position: positions.last().copied().unwrap(),
        complete: true,
    })
}

async fn board(streams: Vec<Vec<Told>>) -> (Peer, NoticesClient, Board) {
    let board = Board::default();
    *board.streams.lock().unwrap() = streams.into();
    let served = board.clone();
    let router = |_| Server::builder().add_service(NoticesServer::new(served));
    let (peer, link) = serve(router).await;
    (peer, NoticesClient::new(&link), board)
}

#[tokio::test]
async fn notices_are_followed_over_broken_streams_and_none_is_told_twice() {
    let gone = || Err(Status::unavailable("draining"));
    let streams = vec![vec![told(&[4, 5]), gone()], vec![gone()], vec![told(&[6])]];
    let (_peer, client, board) = board(streams).await;
    let mut watch = client.watch(NoticeParty::Own, 3, RETRY);
    let mut seen = Vec::new();
    while seen.len() < 3 {
        let told = watch.next().await.unwrap();
        seen.extend(told.iter().map(|notice| notice.position));
    }
    assert_eq!((seen, watch.position()), (vec![4, 5, 6], 6));
    assert_eq!(*board.asked.lock().unwrap(), [3, 5, 5]);
}

#[tokio::test]
async fn a_server_that_has_nothing_to_say_is_given_up() {
    let (_peer, client, _board) = board(Vec::new()).await;
    let mut watch = client.watch(NoticeParty::ServiceDesk, 0, RETRY);
    let error = watch.next().await.unwrap_err();
    assert!(
        matches!(error, ClientError::GaveUp { tries: 3, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn each_party_is_asked_for_by_its_name() {
    let (_peer, client, _board) = board(Vec::new()).await;
    let user = "90-B3-D5-1F-30-01-00-00";
    for (party, name) in [
        (NoticeParty::Own, ""),
        (NoticeParty::ServiceDesk, "serviceDesk"),
        (NoticeParty::Operators, "operators"),
        (
            NoticeParty::User(user.parse().unwrap()),
            "users/90-B3-D5-1F-30-01-00-00",
        ),
    ] {
        let told = client.notices(party, 7, 1).await.unwrap();
        let notice = &told.notices[0];
        assert_eq!((notice.position, notice.message.as_str()), (8, name));
        let settled = NoticeSubject::ActionSettled {
            action: 5,
            approved: true,
        };
        assert_eq!(notice.subject, Some(settled));
        assert!(told.complete);
    }
    let limits = client.limits(None).await.unwrap();
    assert_eq!(limits.allowance_per_service_day, 500);
}
