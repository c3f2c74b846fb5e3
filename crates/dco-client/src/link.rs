//! One connection to the server, shared by all who speak over it.

mod heard;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::Channel;

use self::heard::Heard;
use crate::error::innermost;
use crate::tls::client_config;
use crate::{ClientError, Identity};

/// A quarter to a third less CPU than with the 16 KiB that HTTP/2 starts with.
const FRAME_BYTES: u32 = 1024 * 1024;
const STREAM_WINDOW_BYTES: u32 = 4 * 1024 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 16 * 1024 * 1024;

/// Longer than any handshake takes on a link that works.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A link on which nothing has been heard for so long is asked whether it still lives.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(20);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// Where the server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// `host:port`; an IPv6 address stands in brackets.
    pub address: String,
    /// The name or IP address that the server's certificate must carry.
    pub server_name: String,
}

impl Endpoint {
    /// A server at `address` (`host:port`) whose certificate carries `server_name`.
    pub fn new(address: impl Into<String>, server_name: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            server_name: server_name.into(),
        }
    }
}

/// A connection to the server. Clones share it; when it breaks, the next call makes a new one.
#[derive(Clone, Debug)]
pub struct Link {
    channel: Channel,
}

impl Link {
    /// Connects over mutually authenticated TLS 1.3. Fails when nobody listens at the address, or when one side does not trust the
    /// other. A server that refuses our certificate says so only with the first call.
    pub async fn connect(endpoint: &Endpoint, identity: &Identity) -> Result<Self, ClientError> {
        let dialer = Dialer::new(endpoint, identity)?;
        let channel = settings(endpoint)?
            .connect_with_connector(tower::service_fn(move |_| dialer.clone().dial()))
            .await
            .map_err(|fault| {
                let reason = innermost(&fault);
                ClientError::distrust(&reason).unwrap_or_else(|| unreachable(endpoint, reason))
            })?;
        Ok(Self { channel })
    }

    /// As [`Link::connect`], but the first call connects: for programs that may start before their server.
    pub fn connect_lazy(endpoint: &Endpoint, identity: &Identity) -> Result<Self, ClientError> {
        let dialer = Dialer::new(endpoint, identity)?;
        let channel = settings(endpoint)?
            .connect_with_connector_lazy(tower::service_fn(move |_| dialer.clone().dial()));
        Ok(Self { channel })
    }

    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }
}

/// Makes the connections of one link.
#[derive(Clone)]
struct Dialer {
    address: String,
    server_name: ServerName<'static>,
    tls: TlsConnector,
}

impl Dialer {
    fn new(endpoint: &Endpoint, identity: &Identity) -> Result<Self, ClientError> {
        let name = endpoint.server_name.clone();
        let server_name = ServerName::try_from(name).map_err(|_| {
            let problem = format!("`{}` is not a server name", endpoint.server_name);
            unreachable(endpoint, problem)
        })?;
        Ok(Self {
            address: endpoint.address.clone(),
            server_name,
            tls: TlsConnector::from(Arc::new(client_config(identity)?)),
        })
    }

    async fn dial(self) -> io::Result<TokioIo<Heard<TlsStream<TcpStream>>>> {
        let tcp = TcpStream::connect(&self.address).await?;
        // Acknowledgements are small and somebody waits for them.
        tcp.set_nodelay(true)?;
        self.tls
            .connect(self.server_name, tcp)
            .await
            .map(|stream| TokioIo::new(Heard::new(stream)))
    }
}

fn settings(endpoint: &Endpoint) -> Result<tonic::transport::Endpoint, ClientError> {
    // The connector speaks TLS itself, so tonic must not be told `https` here; `origin` is what goes over the wire.
    let settings = uri("http", endpoint)
        .and_then(|uri| tonic::transport::Endpoint::from_shared(uri).ok())
        .ok_or_else(|| unreachable(endpoint, "the address is not host:port".to_owned()))?;
    let origin = uri("https", endpoint)
        .and_then(|uri| uri.parse().ok())
        .ok_or_else(|| unreachable(endpoint, "the address is not host:port".to_owned()))?;
    Ok(settings
        .origin(origin)
        .max_frame_size(FRAME_BYTES)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .keep_alive_while_idle(true))
}

fn uri(scheme: &str, endpoint: &Endpoint) -> Option<String> {
    let (host, port) = endpoint.address.rsplit_once(':')?;
    let port: u16 = port.parse().ok()?;
    (!host.is_empty()).then(|| format!("{scheme}://{host}:{port}"))
}

fn unreachable(endpoint: &Endpoint, reason: String) -> ClientError {
    ClientError::Unreachable {
        address: endpoint.address.clone(),
        reason,
    }
}
