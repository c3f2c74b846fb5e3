//! Metrics and readiness over plain HTTP, for programs on the same machine.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use dco_store::{BlockReader, Disk};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::codegen::http::{Method, Request, Response, StatusCode, header};
use tonic::transport::Server;

use crate::driver::EngineHandle;
use crate::intake::Intake;
use crate::metrics::{Metrics, Moment};
use crate::tls::Credentials;

/// What the answers are made of.
#[derive(Debug, Clone)]
pub(crate) struct Insight {
    pub metrics: Arc<Metrics>,
    pub engine: EngineHandle,
    pub intake: Intake,
    pub disk: Arc<dyn Disk>,
    pub reader: BlockReader,
    pub credentials: watch::Receiver<Credentials>,
    /// Cancelled when the service takes no new work.
    pub draining: CancellationToken,
}

/// Serves `GET /metrics` and `GET /ready` until `stop`.
pub(crate) async fn serve(listener: TcpListener, insight: Insight, stop: impl Future<Output = ()>) {
    let service = tower::service_fn(move |request: Request<Body>| {
        let insight = insight.clone();
        let (head, _) = request.into_parts();
        async move { Ok::<_, Infallible>(insight.answer(&head.method, head.uri.path()).await) }
    });
    let served = Server::builder()
        .accept_http1(true)
        .serve_with_incoming_shutdown(service, TcpListenerStream::new(listener), stop)
        .await;
    if let Err(error) = served {
        tracing::error!(%error, "metrics and readiness are not served any more");
    }
}

impl Insight {
    async fn answer(&self, method: &Method, path: &str) -> Response<Body> {
        if method != Method::GET {
            return text(StatusCode::METHOD_NOT_ALLOWED, "only GET\n".to_owned());
        }
        match path {
            "/metrics" => text(StatusCode::OK, self.metrics().await),
            "/ready" if self.draining.is_cancelled() => {
                text(StatusCode::SERVICE_UNAVAILABLE, "draining\n".to_owned())
            }
            "/ready" => text(StatusCode::OK, "ready\n".to_owned()),
            _ => text(StatusCode::NOT_FOUND, "try /metrics or /ready\n".to_owned()),
        }
    }

    async fn metrics(&self) -> String {
        let moment = Moment {
            engine: self.engine.stats().await,
            bytes_in_flight: self.intake.bytes_in_flight(),
            ends: self.credentials.borrow().ends,
            blocks: self.reader.stats(),
            room_bytes: self.disk.room_bytes().ok(),
        };
        self.metrics.text(&moment)
    }
}

fn text(status: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(Body::new(text));
    *response.status_mut() = status;
    let kind = header::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
