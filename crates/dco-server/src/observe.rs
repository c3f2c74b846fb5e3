//! One span, one line of log and one count for each call, and the one place where an error that was not
//! made by us gets the details that every error has.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use dco_block::Eui64;
use http_body::{Frame, SizeHint};
use prost::Message;
use prost_types::FileDescriptorSet;
use tokio::sync::watch;
use tokio::time::timeout;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::{Code, Status};
use tower::Layer;
use tracing::{Instrument, Span};

use crate::config::Connections;
use crate::idle::{Line, OnLine};
use crate::metrics::Metrics;
use crate::refusals::Refusals;
use crate::shares::{Held, Shares};
use crate::status::{Fault, code_name, is_ours};

/// Watches calls.
#[derive(Debug, Clone)]
pub(crate) struct Observer {
    /// An answer that has not begun by then does not come.
    within: Duration,
    calls_per_peer_max: u32,
    /// Calls that have not ended.
    peers: Shares<Option<Eui64>>,
    metrics: Arc<Metrics>,
    refusals: Refusals,
    calls: OpenCalls,
    methods: Arc<BTreeSet<Arc<str>>>,
    unknown: Arc<str>,
}

/// Calls that have not ended, by method.
#[derive(Debug, Clone)]
pub(crate) struct OpenCalls(Arc<watch::Sender<BTreeMap<Arc<str>, usize>>>);

/// A service whose calls are watched.
#[derive(Debug, Clone)]
pub(crate) struct Observed<S> {
    inner: S,
    observer: Observer,
}

/// One call. It ends once: with its status, or with its drop when the caller has gone.
#[derive(Debug)]
struct Call {
    method: Arc<str>,
    caller: Option<Eui64>,
    observer: Observer,
    span: Span,
    code: Option<Code>,
    /// Given back when it ends; nothing when its peer has too many.
    held: Option<Held<Option<Eui64>>>,
    /// Keeps its connection from being idle.
    _on_line: Option<OnLine>,
}

/// The body of an answer, watched for the status at its end.
struct ObservedBody {
    inner: Body,
    call: Option<Call>,
}

impl Observer {
    pub(crate) fn new(metrics: Arc<Metrics>, refusals: Refusals, bounds: &Connections) -> Self {
        Self {
            within: bounds.call_within,
            calls_per_peer_max: bounds.calls_per_peer_max,
            peers: Shares::new(bounds.calls_per_peer_max),
            metrics,
            refusals,
            calls: OpenCalls(Arc::new(watch::Sender::new(BTreeMap::new()))),
            methods: Arc::new(methods()),
            unknown: "other".into(),
        }
    }

    /// What is still going on.
    pub(crate) fn open_calls(&self) -> OpenCalls {
        self.calls.clone()
    }

    fn begin(&self, path: &str, line: Option<&Line>) -> Call {
        // Only what exists gets a label of its own: a caller must not be able to make up metrics.
        let method = Arc::clone(self.methods.get(path).unwrap_or(&self.unknown));
        self.metrics.call_started();
        self.calls.add(&method);
        let caller = line.and_then(|line| line.peer.eui64);
        let shown = caller.map(tracing::field::display);
        Call {
            span: tracing::info_span!("call", method = &*method, caller = shown),
            method,
            caller,
            held: self.peers.take(caller),
            _on_line: line.map(Line::call),
            observer: self.clone(),
            code: None,
        }
    }
}

impl OpenCalls {
    /// Names and numbers, for the log.
    pub(crate) fn names(&self) -> String {
        let calls = self.0.borrow();
        let names: Vec<_> = calls
            .iter()
            .map(|(method, count)| format!("{count} x {method}"))
            .collect();
        names.join(", ")
    }

    fn add(&self, method: &Arc<str>) {
        self.0
            .send_modify(|calls| *calls.entry(Arc::clone(method)).or_default() += 1);
    }

    fn remove(&self, method: &Arc<str>) {
        self.0.send_modify(|calls| {
            if let Some(count) = calls.get_mut(method) {
                *count -= 1;
                if *count == 0 {
                    calls.remove(method);
                }
            }
        });
    }
}

impl<S> Layer<S> for Observer {
    type Service = Observed<S>;

    fn layer(&self, inner: S) -> Observed<S> {
        Observed {
            inner,
            observer: self.clone(),
        }
    }
}

impl<S> Service<http::Request<Body>> for Observed<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        let line: Option<Line> = request.extensions_mut().remove();
        let call = self.observer.begin(request.uri().path(), line.as_ref());
        if let Some(line) = line {
            request.extensions_mut().insert(line.peer);
        }
        let is_ours = request.uri().path().starts_with("/dco.v1.");
        let (span, within) = (call.span.clone(), self.observer.within);
        if call.held.is_none() {
            let limit = self.observer.calls_per_peer_max;
            let refused = Status::from(Fault::overloaded("calls of one peer", limit)).into_http();
            return Box::pin(ready(Ok(watch_response(refused, call, is_ours))));
        }
        let answer = self.inner.call(request);
        Box::pin(
            async move {
                let response = match timeout(within, answer).await {
                    Ok(answered) => answered?,
                    // Its message has not come, or came too slowly: what it holds is for others.
                    Err(_) => Status::deadline_exceeded("the call took too long").into_http(),
                };
                Ok(watch_response(response, call, is_ours))
            }
            .instrument(span),
        )
    }
}

/// An answer with a status in its head is over; one without has it at its end.
fn watch_response(
    response: http::Response<Body>,
    mut call: Call,
    is_ours: bool,
) -> http::Response<Body> {
    let Some(status) = Status::from_header_map(response.headers()) else {
        return response.map(|inner| {
            let call = Some(call);
            Body::new(ObservedBody { inner, call })
        });
    };
    let bare = status.details().is_empty() && status.code() != Code::Ok;
    if bare && (is_ours || status.code() == Code::Unimplemented) {
        let status = Status::from(Fault::transport(&status));
        call.ends_with(&status);
        return status.into_http();
    }
    call.ends_with(&status);
    response
}

impl http_body::Body for ObservedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let span = this.call.as_ref().map(|call| call.span.clone());
        let _entered = span.as_ref().map(Span::enter);
        let polled = Pin::new(&mut this.inner).poll_frame(context);
        if let (Poll::Ready(Some(Ok(frame))), Some(call)) = (&polled, &mut this.call)
            && let Some(status) = frame.trailers_ref().and_then(Status::from_header_map)
        {
            call.ends_with(&status);
            this.call = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Call {
    fn ends_with(&mut self, status: &Status) {
        self.code = Some(status.code());
        let refusals = &self.observer.refusals;
        refusals.add(self.caller, &self.method, status);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let code = self.code.unwrap_or(Code::Cancelled);
        self.observer.metrics.call_ended(&self.method, code);
        self.observer.calls.remove(&self.method);
        let _entered = self.span.enter();
        let code_name = code_name(code);
        if is_ours(code) {
            tracing::error!(code = code_name, "call failed");
        } else {
            // Mistakes of callers are theirs to know, and must not drown what operators have to: the decision log counts them.
            tracing::debug!(code = code_name, "call ended");
        }
    }
}

/// The paths of all calls.
fn methods() -> BTreeSet<Arc<str>> {
    let ours = FileDescriptorSet::decode(dco_proto::FILE_DESCRIPTOR_SET)
        .expect("the build made it and a test of dco-proto reads it");
    let of_libraries = [
        "/grpc.health.v1.Health/Check",
        "/grpc.health.v1.Health/Watch",
        "/grpc.health.v1.Health/List",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    ];
    let services = ours.file.iter().flat_map(|file| {
        let package = file.package();
        file.service.iter().map(move |service| (package, service))
    });
    services
        .flat_map(|(package, service)| {
            let paths = service.method.iter();
            paths.map(move |method| format!("/{package}.{}/{}", service.name(), method.name()))
        })
        .map(Arc::from)
        .chain(of_libraries.map(Arc::from))
        .collect()
}
