//! A server of our wire definitions on loopback. It runs whatever services a test gives it, and its links can be cut.

use std::sync::{Arc, Mutex};

use dco_client::{Endpoint, Link};
use rustls::ServerConfig;
use tokio::io::{DuplexStream, copy_bidirectional, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Router;

use crate::parties::Parties;

const PIPE_BYTES: usize = 64 * 1024;

pub(crate) struct Peer {
    pub(crate) endpoint: Endpoint,
    pub(crate) links: Links,
}

/// The connections that are up; cutting them closes their sockets in the middle of whatever goes on.
#[derive(Clone, Default)]
pub(crate) struct Links(Arc<Mutex<Vec<AbortHandle>>>);

impl Links {
    pub(crate) fn cut(&self) {
        for link in self.0.lock().unwrap().drain(..) {
            link.abort();
        }
    }
}

/// Serves and connects to it. The services may hold the links given to them, to cut them.
pub(crate) async fn serve(services: impl FnOnce(Links) -> Router) -> (Peer, Link) {
    let parties = Parties::new();
    let peer = serve_as(parties.server(), services).await;
    let link = Link::connect(&peer.endpoint, &parties.client())
        .await
        .unwrap();
    (peer, link)
}

pub(crate) async fn serve_as(
    tls: Arc<ServerConfig>,
    services: impl FnOnce(Links) -> Router,
) -> Peer {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let links = Links::default();
    let (accepted, incoming) = mpsc::channel(1);
    tokio::spawn(accept(
        listener,
        TlsAcceptor::from(tls),
        links.clone(),
        accepted,
    ));
    let router = services(links.clone());
    tokio::spawn(
        router.serve_with_incoming(ReceiverStream::new(incoming).map(Ok::<_, std::io::Error>)),
    );
    Peer {
        endpoint: Endpoint::new(address, "localhost"),
        links,
    }
}

async fn accept(
    listener: TcpListener,
    tls: TlsAcceptor,
    links: Links,
    accepted: mpsc::Sender<DuplexStream>,
) {
    while let Ok((tcp, _)) = listener.accept().await {
        let (inside, outside) = duplex(PIPE_BYTES);
        let link = tokio::spawn(carry(tls.clone(), tcp, outside));
        links.0.lock().unwrap().push(link.abort_handle());
        if accepted.send(inside).await.is_err() {
            return;
        }
    }
}

/// tonic takes a pipe, and takes no TLS stream unless it speaks TLS itself.
async fn carry(tls: TlsAcceptor, tcp: TcpStream, mut pipe: DuplexStream) {
    if let Ok(mut tls) = tls.accept(tcp).await {
        // Either side may end it at any time; both see that for themselves.
        let _ = copy_bidirectional(&mut tls, &mut pipe).await;
    }
}
