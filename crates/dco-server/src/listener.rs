//! Connections: accepted, shaken hands with, counted.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::{io, time::Duration};

use dco_block::Eui64;
use rustls_pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::Sleep;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

use crate::clock::Clock;
use crate::config::{Connections, Eui64From};
use crate::expiry;
use crate::handshakes::{self, Handshakes};
use crate::idle::Line;
use crate::metrics::Metrics;
use crate::peer::Peer;
use crate::permit::Register;
use crate::seldom::Seldom;
use crate::shares::{Held, Shares, address};
use crate::standing::Standing;
use crate::tls::{self, Credentials, OffProfile};

const SECOND: Duration = Duration::from_secs(1);
/// How long a peer that is refused may take to read why.
const READ_WITHIN: Duration = Duration::from_secs(1);
/// After a failed accept, which mostly means that the process is out of file descriptors.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Whom connections are taken from.
#[derive(Debug, Clone)]
pub(crate) struct Trust {
    pub(crate) credentials: watch::Receiver<Credentials>,
    pub(crate) register: Register,
    pub(crate) eui64_from: Eui64From,
    /// Says how late it is, and how long before its end a certificate is worth a warning.
    pub(crate) warned: (Clock, Duration),
}

/// A connection whose peer has shown its certificate.
pub(crate) struct Connection {
    stream: TlsStream<TcpStream>,
    line: Line,
    /// Resolves when nobody has called for too long.
    idle: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// How long the peer may leave unread what it is sent, and since when it has: nothing while it reads.
    unread_within: Duration,
    unread: Option<Pin<Box<Sleep>>>,
    /// Resolves when the peer must go.
    lost: Pin<Box<dyn Future<Output = &'static str> + Send>>,
    /// Why it ends from this side, once that is decided and said.
    over: Option<Over>,
    /// Both are given back when the connection ends.
    _of_peer: Held<Option<Eui64>>,
    _place: OwnedSemaphorePermit,
}

/// Connections as they come. Dropping the stream closes the socket.
pub(crate) fn connections(
    listener: TcpListener,
    trust: Trust,
    bounds: Connections,
    metrics: Arc<Metrics>,
) -> ReceiverStream<io::Result<Connection>> {
    let (ready, incoming) = mpsc::channel(1);
    let door = Door {
        trust,
        bounds,
        metrics,
        places: Arc::new(Semaphore::new(bounds.max)),
        handshakes: Handshakes::new(bounds.handshakes_max, bounds.handshakes_per_address_max),
        peers: Shares::new(bounds.per_peer_max),
        ready,
        said: Said::default(),
    };
    tokio::spawn(async move {
        tokio::select! {
            () = door.accept(&listener) => {}
            () = door.ready.closed() => {}
        }
    });
    ReceiverStream::new(incoming)
}

#[derive(Clone)]
struct Door {
    trust: Trust,
    bounds: Connections,
    metrics: Arc<Metrics>,
    places: Arc<Semaphore>,
    handshakes: Handshakes,
    /// Connections; of those who are not registered together.
    peers: Shares<Option<Eui64>>,
    ready: mpsc::Sender<io::Result<Connection>>,
    said: Said,
}

/// What strangers and peers can have said in the log as often as they connect.
#[derive(Clone, Default)]
struct Said {
    failed: Seldom,
    off_profile: Seldom,
    too_many: Seldom,
    displaced: Seldom,
    full: Seldom,
    no_place: Seldom,
    ending: expiry::Warned,
}

/// Why there was no handshake.
enum NoHandshake {
    Failed(io::Error),
    /// Another has its place.
    Displaced,
}

impl Door {
    /// Accepts whoever comes: what waited in the kernel's queue would be in the way of others. What one address has over its share is
    /// closed at once. Places for connections are for those who have shown who they are, so that no stranger holds one.
    async fn accept(&self, listener: &TcpListener) {
        let mut second = tokio::time::interval(SECOND);
        // Only what came in the last second counts, so this holds no more than can be accepted in one.
        let mut lately: BTreeMap<IpAddr, u32> = BTreeMap::new();
        loop {
            let accepted = tokio::select! {
                _ = second.tick() => {
                    lately.clear();
                    continue;
                }
                accepted = self.next(listener) => accepted,
            };
            let Some((tcp, address)) = accepted else {
                continue;
            };
            let count = lately.entry(address).or_default();
            *count += 1;
            if *count > self.bounds.handshakes_per_address_second_max {
                self.metrics.connection_refused("rate");
                continue;
            }
            let Ok(place) = self.handshakes.enter(address).await else {
                self.metrics.connection_refused("address");
                continue;
            };
            let door = self.clone();
            // Apart, so that a slow handshake holds up nobody else.
            tokio::spawn(async move { door.admit(tcp, place).await });
        }
    }

    async fn next(&self, listener: &TcpListener) -> Option<(TcpStream, IpAddr)> {
        match listener.accept().await {
            Ok((tcp, from)) => Some((tcp, address(from.ip()))),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
                None
            }
        }
    }

    async fn admit(&self, tcp: TcpStream, mut handshake: handshakes::Place) {
        let stream = match self.shake_hands(tcp, &mut handshake).await {
            Ok(stream) => stream,
            Err(NoHandshake::Failed(error)) => return self.refuse(&error),
            Err(NoHandshake::Displaced) => return self.displaced(),
        };
        let certificates = stream.get_ref().1.peer_certificates();
        let standing = self.trust.standing(certificates.unwrap_or_default());
        let peer = standing.peer;
        // Who is not registered has one share with all others: certificates of the authority are many.
        let registered = self.trust.register.roles(peer).and(peer.eui64);
        let Some(of_peer) = self.peers.take(registered) else {
            self.metrics.connection_refused("peer");
            if let Some(unsaid) = self.said.too_many.is_due() {
                let caller = peer.eui64.map(tracing::field::display);
                tracing::info!(caller, unsaid, "a peer has all the connections that it may");
            }
            return;
        };
        // From here on its peer's share bounds it, and no stranger can have its place.
        drop(handshake);
        self.note_expiry(&standing);
        let Some(place) = self.place().await else {
            return self.found_no_place(peer.eui64);
        };
        let line = Line::new(peer);
        let connection = Connection {
            stream,
            idle: Box::pin(line.idle(self.bounds.idle_within)),
            line,
            unread_within: self.bounds.unread_within,
            unread: None,
            lost: Box::pin(standing.lost()),
            over: None,
            _of_peer: of_peer,
            _place: place,
        };
        // Nobody takes it when the service is stopping.
        let _stopping = self.ready.send(Ok(connection)).await;
    }

    /// A place for a connection; waits for one as long as a handshake may take.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        if self.places.available_permits() == 0
            && let Some(unsaid) = self.said.full.is_due()
        {
            tracing::warn!(
                unsaid,
                max = self.bounds.max,
                "all places for connections are taken; further ones wait"
            );
        }
        let place = Arc::clone(&self.places).acquire_owned();
        let waited = tokio::time::timeout(self.bounds.handshake_within, place).await;
        waited.ok()?.ok()
    }

    fn found_no_place(&self, caller: Option<Eui64>) {
        self.metrics.connection_refused("full");
        if let Some(unsaid) = self.said.no_place.is_due() {
            let caller = caller.map(tracing::field::display);
            tracing::warn!(
                caller,
                unsaid,
                "a peer found no place among all connections and is closed"
            );
        }
    }

    /// A certificate of an authority that is not of the profile is worth more than the noise of port scans.
    fn refuse(&self, error: &io::Error) {
        let Some(off) = OffProfile::behind(error) else {
            self.metrics.connection_refused("handshake");
            if let Some(unsaid) = self.said.failed.is_due() {
                tracing::info!(%error, unsaid, "a handshake failed");
            }
            return;
        };
        self.metrics.connection_refused("profile");
        if let Some(unsaid) = self.said.off_profile.is_due() {
            let caller = off.party.map(tracing::field::display);
            tracing::warn!(caller, why = %off.why, unsaid, "a certificate that is not of the profile is refused");
        }
    }

    fn displaced(&self) {
        self.metrics.connection_refused("displaced");
        if let Some(unsaid) = self.said.displaced.is_due() {
            tracing::info!(
                unsaid,
                max = self.bounds.handshakes_max,
                "all places for handshakes are taken; the oldest of the address with most gave its to another"
            );
        }
    }

    /// Of strangers nothing is kept: there can be any number of them.
    fn note_expiry(&self, standing: &Standing) {
        let (peer, trust) = (standing.peer, &self.trust);
        if let (Some(party), Some(_)) = (peer.eui64, trust.register.roles(peer))
            && let Some(Ok(ends)) = standing.chain.first().map(tls::ends_at)
        {
            let soon = trust.warned;
            self.said.ending.of_peer(party, ends, soon, &self.metrics);
        }
    }

    async fn shake_hands(
        &self,
        tcp: TcpStream,
        place: &mut handshakes::Place,
    ) -> Result<TlsStream<TcpStream>, NoHandshake> {
        tcp.set_nodelay(true).map_err(NoHandshake::Failed)?;
        let config = Arc::clone(&self.trust.credentials.borrow().config);
        let handshake = TlsAcceptor::from(config).accept(tcp).into_fallible();
        let handshake = async move {
            match handshake.await {
                Ok(stream) => Ok(stream),
                Err((error, tcp)) => {
                    hang_up(tcp).await;
                    Err(error)
                }
            }
        };
        tokio::select! {
            biased;
            shaken = tokio::time::timeout(self.bounds.handshake_within, handshake) => shaken
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
                .map_err(NoHandshake::Failed),
            () = place.displaced() => Err(NoHandshake::Displaced),
        }
    }
}

/// Closes a connection so that the peer can read what was said last, which is the alert that names the reason: were what the peer has
/// sent already left unread, the connection would be reset.
async fn hang_up(mut tcp: TcpStream) {
    let mut unread = [0; 4096];
    let drained = async {
        tcp.shutdown().await?;
        while tcp.read(&mut unread).await? > 0 {}
        Ok::<_, io::Error>(())
    };
    // A peer that does not close in time, or has, is let go either way.
    let _gone = tokio::time::timeout(READ_WITHIN, drained).await;
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
    type ConnectInfo = Line;

    fn connect_info(&self) -> Line {
        self.line.clone()
    }
}

/// Why a connection ends from this side.
#[derive(Debug, Clone, Copy)]
enum Over {
    Idle,
    Lost,
    Unread,
}

impl From<Over> for io::Error {
    fn from(over: Over) -> Self {
        let kind = match over {
            Over::Idle => io::ErrorKind::ConnectionAborted,
            Over::Lost => io::ErrorKind::PermissionDenied,
            Over::Unread => io::ErrorKind::TimedOut,
        };
        kind.into()
    }
}

impl Connection {
    /// Asked by reading and by writing: whoever does not read may keep both waiting, but never from being asked. It is asked again
    /// until the connection has ended, and decides once.
    fn over(&mut self, context: &mut Context<'_>) -> Option<Over> {
        if self.over.is_none() {
            let caller = self.line.peer.eui64.map(tracing::field::display);
            if let Poll::Ready(why) = self.lost.as_mut().poll(context) {
                tracing::warn!(caller, why, "a peer is hung up on");
                self.over = Some(Over::Lost);
            } else if self.idle.as_mut().poll(context).is_ready() {
                tracing::info!(caller, "a connection without calls is closed");
                self.over = Some(Over::Idle);
            }
        }
        self.over
    }

    /// Whether a write goes on waiting: not when the connection is over, or the peer has read nothing for too long.
    fn may_wait<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.unread = None;
            return written;
        }
        if let Some(over) = self.over(context) {
            return Poll::Ready(Err(over.into()));
        }
        let within = self.unread_within;
        let unread = self
            .unread
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(within)));
        if unread.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        let (caller, why) = (
            self.line.peer.eui64.map(tracing::field::display),
            "it did not read",
        );
        tracing::warn!(caller, why, "a peer is hung up on");
        self.over = Some(Over::Unread);
        Poll::Ready(Err(Over::Unread.into()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.over(context) {
            // As if the peer had closed it.
            Some(Over::Idle) => Poll::Ready(Ok(())),
            Some(over) => Poll::Ready(Err(over.into())),
            None => Pin::new(&mut self.stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.may_wait(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.may_wait(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.may_wait(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.may_wait(context, shut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_is_hung_up_on_reads_the_last_word_whatever_it_has_sent() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await;
        let mut peer = peer.unwrap();
        let (mut tcp, _) = listener.accept().await.unwrap();
        peer.write_all(&[7; 16 * 1024]).await.unwrap();
        tcp.readable().await.unwrap();
        tcp.write_all(b"alert").await.unwrap();
        let hung_up = tokio::spawn(hang_up(tcp));
        let mut said = Vec::new();
        peer.read_to_end(&mut said).await.unwrap();
        assert_eq!(said, b"alert");
        drop(peer);
        hung_up.await.unwrap();
    }
}
