//! What is no call, or a bad one: each is answered in the words of who asked wrongly, and the service goes on.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use dco_proto::Rpc;
use dco_tests::{Scene, within};
use tonic::body::Body;
use tonic::codegen::http::{HeaderMap, Method, Request, StatusCode, request::Builder};
use tonic::codegen::{Body as _, Service};
use tonic::transport::{Channel, Error};
use tonic::{Code, Status};

const PARTIES: [&str; 4] = ["user1", "desk1", "operator1", "gateway1"];

/// A message as it stands in a call, behind this flag.
#[expect(clippy::big_endian_bytes, reason = "gRPC counts so")]
fn framed(flag: u8, message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).expect("messages here are short");
    let head = [&[flag], &length.to_be_bytes()[..]].concat();
    [&head[..], message].concat().into()
}

/// Bodies of calls that nobody can understand.
fn bodies() -> Vec<(&'static str, Bytes)> {
    let nested: Vec<u8> = [0x0A, 0x80, 0x08].repeat(2_000);
    vec![
        ("no message", Bytes::new()),
        ("a message cut off", framed(0, &[0x0A, 0x7F])),
        ("a frame cut off", framed(0, &[1; 40]).slice(..20)),
        ("a length cut off", Bytes::from_static(&[0, 0, 0])),
        ("a number without end", framed(0, &[0xFF; 64])),
        ("tag nought", framed(0, &[0x00, 0x00])),
        ("a group without end", framed(0, &[0x0B; 4_000])),
        ("an end of no group", framed(0, &[0x0C])),
        ("messages in messages", framed(0, &nested)),
        ("no UTF-8", framed(0, b"\x0A\x04\xFF\xFE\xC0\x80")),
        (
            "a field of another kind",
            framed(0, b"\x08\x01\x10\x01\x1D\x01"),
        ),
        (
            "compressed without saying how",
            framed(1, b"\x78\x9C\x03\x00"),
        ),
        ("a flag that is none", framed(0xFF, &[])),
    ]
}

/// A body of one piece, and what comes after it.
struct Piece(Option<Bytes>, Option<HeaderMap>);

impl tonic::codegen::Body for Piece {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        let data = self.0.take().map(http_body::Frame::data);
        let frame = data.or_else(|| self.1.take().map(http_body::Frame::trailers));
        Poll::Ready(frame.map(Ok))
    }
}

/// The head of a call as it should be.
fn head(path: &str) -> Builder {
    let request = Request::builder().method(Method::POST).uri(path);
    request
        .header("content-type", "application/grpc")
        .header("te", "trailers")
}

fn with(head: Builder, body: Bytes, trailers: Option<HeaderMap>) -> Request<Body> {
    let request = head.body(Body::new(Piece(Some(body), trailers)));
    request.expect("a request that HTTP allows")
}

/// How a request was answered, with what came at its end.
async fn answer(
    channel: &Channel,
    request: Request<Body>,
) -> Result<(StatusCode, HeaderMap), Error> {
    let mut channel = channel.clone();
    let answered = async {
        poll_fn(|context| channel.poll_ready(context)).await?;
        let (head, body) = channel.call(request).await?.into_parts();
        let (mut headers, mut body) = (head.headers, pin!(body));
        while let Some(Ok(frame)) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
            if let Ok(trailers) = frame.into_trailers() {
                headers.extend(trailers);
            }
        }
        Ok((head.status, headers))
    };
    within("an answer", answered).await
}

/// Nothing of the service has failed. Fields that a message does not have are passed over, so some calls are even good.
fn has_not_failed(headers: &HeaderMap, what: &str) {
    let status = Status::from_header_map(headers);
    let status = status.unwrap_or_else(|| panic!("{what}: an answer without a status"));
    let failed = [Code::Unknown, Code::Internal, Code::DataLoss];
    assert!(!failed.contains(&status.code()), "{what}: {status:?}");
}

#[tokio::test]
async fn a_body_that_cannot_be_understood_is_no_fault_of_the_service_in_any_call() {
    let scene = Scene::start(|settings| settings).await;
    for party in PARTIES {
        let channel = scene.channel(party).await;
        for rpc in Rpc::ALL.iter().copied() {
            for (what, body) in bodies() {
                let asked = answer(&channel, with(head(rpc.path()), body, None)).await;
                let (_, headers) = asked.expect("the connection stays");
                has_not_failed(&headers, &format!("{what}, {rpc:?} by {party}"));
            }
        }
    }
    scene.no_faults();
}

const PATH: &str = Rpc::NoticesGetLimits.path();

/// A body that nobody reads, or nobody understands.
fn none() -> Bytes {
    framed(0, b"\x0A\x7F")
}

/// What no call is.
fn strange_paths() -> Vec<Request<Body>> {
    let paths = [
        "/".to_owned(),
        "//".to_owned(),
        "/dco.v1.Notices/".to_owned(),
        "/dco.v1.Notices/%00%FF".to_owned(),
        format!("/dco.v1.Notices/{}", "a".repeat(12_000)),
        format!("{PATH}/x"),
        format!("{PATH}?a=b"),
    ];
    let paths = paths.iter().map(|path| with(head(path), none(), None));
    paths.collect()
}

/// Calls in another way than gRPC has them.
fn strange_ways() -> Vec<Request<Body>> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    let kind = |kind| {
        let request = Request::builder().method(Method::POST).uri(PATH);
        request.header("content-type", kind)
    };
    let zipped = head(PATH).header("grpc-encoding", "gzip");
    vec![
        with(head(PATH).method(Method::GET), none(), None),
        with(head(PATH).method(Method::OPTIONS), none(), None),
        with(kind("application/grpc-web+proto"), none(), None),
        with(kind("application/json"), "{}".into(), None),
        with(head(PATH), none(), Some(trailers)),
        with(zipped, framed(1, &[31, 139]), None),
    ]
}

/// Calls with a header that cannot be read.
fn strange_headers() -> Vec<Request<Body>> {
    let headers: [(&str, &[u8]); 5] = [
        ("grpc-encoding", b"\xE9"),
        ("grpc-timeout", b"soon"),
        ("grpc-timeout", b"99999999999999999999H"),
        ("x-bin", b"?!"),
        ("x", b"\xE9\xFF"),
    ];
    let headers = headers.iter();
    let requests =
        headers.map(|(name, value)| with(head(PATH).header(*name, *value), none(), None));
    requests.collect()
}

#[tokio::test]
async fn a_request_that_is_no_call_is_answered_and_the_next_one_too() {
    let scene = Scene::start(|settings| settings).await;
    let channel = scene.channel("user1").await;
    let all = [strange_paths(), strange_ways(), strange_headers()];
    for request in all.into_iter().flatten() {
        let what = format!("{request:?}");
        let (status, headers) = answer(&channel, request).await.expect(&what);
        assert!(!status.is_server_error(), "{what}: {status}");
        if status == StatusCode::OK {
            has_not_failed(&headers, &what);
        }
    }
    // More headers than are taken are not looked at.
    let huge = head(PATH).header("x", "a".repeat(20_000));
    if let Ok((status, headers)) = answer(&channel, with(huge, none(), None)).await {
        let is_told = status.is_client_error() || Status::from_header_map(&headers).is_some();
        assert!(is_told, "{status} {headers:?}");
    }
    let user = scene.user("user1").await;
    user.transfers(&Default::default()).await.unwrap();
    scene.no_faults();
}
