//! A peer that means harm: octets on a TLS connection, from an address of its own.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use dco_client::Identity;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::wire::config;

/// Kinds of HTTP/2 frames (RFC 9113).
pub mod kind {
    pub const DATA: u8 = 0;
    pub const HEADERS: u8 = 1;
    pub const RST_STREAM: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const PING: u8 = 6;
    pub const CONTINUATION: u8 = 9;
}

const ACK: u8 = 1;
/// What every side takes without having said so (RFC 9113, 6.5.2).
const FRAME_BYTES: usize = 16 * 1024;
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// One of its connections.
#[derive(Debug)]
pub struct Attacker {
    tls: TlsStream<TcpStream>,
}

impl Attacker {
    /// Another address than everybody else's.
    pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

    /// A connection without a word on it, from an address of this machine.
    pub async fn tcp(from: Ipv4Addr, service: SocketAddr) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        socket.connect(service).await
    }

    /// A connection that has shown a certificate, and speaks HTTP/2.
    pub async fn connect(service: SocketAddr, identity: &Identity) -> io::Result<Self> {
        let tls = TlsConnector::from(Arc::new(config(identity, Some(identity))));
        let name = "localhost".try_into().expect("localhost is a server name");
        let tls = tls
            .connect(name, Self::tcp(Self::ADDRESS, service).await?)
            .await?;
        let mut attacker = Self { tls };
        attacker.send(PREFACE).await?;
        attacker.send(&frame(kind::SETTINGS, 0, 0, &[])).await?;
        // The service's windows hold from when its settings were acknowledged; before, less would be taken.
        let mut settings = [0; 64];
        if attacker.tls.read(&mut settings).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        attacker.send(&frame(kind::SETTINGS, ACK, 0, &[])).await?;
        Ok(attacker)
    }

    /// Sends octets; what comes back is left unread.
    pub async fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        self.tls.write_all(octets).await?;
        self.tls.flush().await
    }

    /// Sends what stands in a call, in frames as short as any service takes.
    pub async fn send_data(&mut self, stream: u32, octets: &[u8]) -> io::Result<()> {
        for part in octets.chunks(FRAME_BYTES) {
            self.send(&frame(kind::DATA, 0, stream, part)).await?;
        }
        Ok(())
    }

    /// Reads and forgets until the service hangs up.
    pub async fn until_hung_up(&mut self) {
        let mut buffer = [0; 16 * 1024];
        while matches!(self.tls.read(&mut buffer).await, Ok(1..)) {}
    }
}

/// A frame of HTTP/2.
#[expect(clippy::big_endian_bytes, reason = "HTTP/2 counts so")]
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("frames are short");
    let mut octets = length.to_be_bytes()[1..].to_vec();
    octets.extend([kind, flags]);
    octets.extend(stream.to_be_bytes());
    octets.extend(payload);
    octets
}

/// The header block of a gRPC call, without compression.
pub fn header_block(path: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    for (name, value) in [
        (":method", "POST"),
        (":scheme", "https"),
        (":path", path),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ] {
        header(&mut octets, name, value);
    }
    octets
}

/// One header, as a literal that is not indexed.
pub fn header(octets: &mut Vec<u8>, name: &str, value: &str) {
    octets.push(0);
    for text in [name, value] {
        let length = u8::try_from(text.len()).ok().filter(|length| *length < 127);
        octets.push(length.expect("headers here are short"));
        octets.extend(text.as_bytes());
    }
}
