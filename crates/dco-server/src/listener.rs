//! Connections: accepted, shaken hands with, counted.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::{io, time::Duration};

use rustls_pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

use crate::config::{Connections, Eui64From};
use crate::peer::Peer;
use crate::permit::Register;
use crate::standing::Standing;
use crate::tls::Credentials;

/// After a failed accept, which mostly means that the process is out of file descriptors.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Whom connections are taken from.
#[derive(Debug, Clone)]
pub(crate) struct Trust {
    pub(crate) credentials: watch::Receiver<Credentials>,
    pub(crate) register: Register,
    pub(crate) eui64_from: Eui64From,
}

/// A connection whose peer has shown its certificate.
pub(crate) struct Connection {
    stream: TlsStream<TcpStream>,
    peer: Peer,
    /// Resolves when the peer must go.
    lost: Pin<Box<dyn Future<Output = &'static str> + Send>>,
    /// Given back when the connection ends.
    _place: OwnedSemaphorePermit,
}

/// Connections as they come. Dropping the stream closes the socket.
pub(crate) fn connections(
    listener: TcpListener,
    trust: Trust,
    bounds: Connections,
) -> ReceiverStream<io::Result<Connection>> {
    let (ready, incoming) = mpsc::channel(1);
    let handshakes = Arc::new(Semaphore::new(bounds.handshakes_max));
    let places = Arc::new(Semaphore::new(bounds.max));
    let door = Door {
        trust,
        handshake_within: bounds.handshake_within,
        ready,
    };
    tokio::spawn(async move {
        tokio::select! {
            () = accept(&listener, &door, &handshakes, &places) => {}
            () = door.ready.closed() => {}
        }
    });
    ReceiverStream::new(incoming)
}

#[derive(Clone)]
struct Door {
    trust: Trust,
    handshake_within: Duration,
    ready: mpsc::Sender<io::Result<Connection>>,
}

/// Accepts only what there is a place for: what is over waits in the kernel's queue.
async fn accept(
    listener: &TcpListener,
    door: &Door,
    handshakes: &Arc<Semaphore>,
    places: &Arc<Semaphore>,
) {
    loop {
        let place = Arc::clone(places).acquire_owned().await;
        let turn = Arc::clone(handshakes).acquire_owned().await;
        let (Ok(place), Ok(turn)) = (place, turn) else {
            return;
        };
        match listener.accept().await {
            Ok((tcp, _)) => {
                let door = door.clone();
                // Apart, so that a slow handshake holds up nobody else.
                tokio::spawn(async move {
                    door.admit(tcp, place).await;
                    drop(turn);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
            }
        }
    }
}

impl Door {
    async fn admit(&self, tcp: TcpStream, place: OwnedSemaphorePermit) {
        match self.shake_hands(tcp).await {
            Ok(stream) => {
                let certificates = stream.get_ref().1.peer_certificates();
                let standing = self.trust.standing(certificates.unwrap_or_default());
                let connection = Connection {
                    stream,
                    peer: standing.peer,
                    lost: Box::pin(standing.lost()),
                    _place: place,
                };
                // Nobody takes it when the service is stopping.
                let _stopping = self.ready.send(Ok(connection)).await;
            }
            Err(error) => tracing::info!(%error, "a handshake failed"),
        }
    }

    async fn shake_hands(&self, tcp: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        tcp.set_nodelay(true)?;
        let config = Arc::clone(&self.trust.credentials.borrow().config);
        let handshake = TlsAcceptor::from(config).accept(tcp);
        tokio::time::timeout(self.handshake_within, handshake)
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }
}

impl Trust {
    fn standing(&self, chain: &[CertificateDer<'_>]) -> Standing {
        let own = chain.first();
        Standing {
            peer: own.map_or(Peer { eui64: None }, |own| Peer::of(own, self.eui64_from)),
            chain: chain.iter().map(|it| it.clone().into_owned()).collect(),
            register: self.register.clone(),
            credentials: self.credentials.clone(),
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Poll::Ready(why) = self.lost.as_mut().poll(context) {
            // The connection ends with this, so it is not asked again.
            self.lost = Box::pin(std::future::ready(why));
            let caller = self.peer.eui64.map(tracing::field::display);
            tracing::warn!(caller, why, "a peer is hung up on");
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::PermissionDenied, why)));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
