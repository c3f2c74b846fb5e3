//! What TLS 1.3 on loopback can do, without HTTP/2 and without a service.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rustls::crypto::aws_lc_rs;
use rustls::version::TLS13;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use crate::LoadError;
use crate::figures::mb_s;
use crate::stopwatch::Stopwatch;

const SENT_BYTES: u64 = 256 * 1024 * 1024;
/// As large as a block.
const WRITE_BYTES: usize = 64 * 1024;

/// A server's certificate, its key and its authority, each as the text of a PEM file.
#[derive(Clone)]
pub struct TlsFiles {
    /// The authority.
    pub ca_pem: Vec<u8>,
    /// The certificate, for `localhost`, followed by what leads to its authority.
    pub certificate_pem: Vec<u8>,
    /// Its private key.
    pub key_pem: Vec<u8>,
}

impl std::fmt::Debug for TlsFiles {
    /// Never shows the key.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("TlsFiles").finish_non_exhaustive()
    }
}

/// Sends over one connection, one thread at each end; gives millions of octets a second.
pub(crate) fn tls_throughput(files: &TlsFiles) -> Result<f64, LoadError> {
    let (client, server) = (client(files)?, server(files)?);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let receiving = thread::spawn(move || receive(&listener, server));
    let tcp = TcpStream::connect(address)?;
    tcp.set_nodelay(true)?;
    let mut stream = StreamOwned::new(client, tcp);
    // The handshake is no part of it.
    stream.write_all(&[0])?;
    stream.flush()?;
    let part = vec![0x5A; WRITE_BYTES];
    let stopwatch = Stopwatch::start();
    for _ in 0..SENT_BYTES / WRITE_BYTES as u64 {
        stream.write_all(&part)?;
    }
    stream.conn.send_close_notify();
    stream.flush()?;
    let received = receiving
        .join()
        .map_err(|_| LoadError::wrong("the receiver of the TLS measurement panicked"))??;
    let took = stopwatch.elapsed();
    if received == SENT_BYTES + 1 {
        Ok(mb_s(SENT_BYTES, took))
    } else {
        Err(LoadError::wrong(format!(
            "{received} octets arrived of {SENT_BYTES} that were sent over TLS"
        )))
    }
}

fn receive(listener: &TcpListener, server: ServerConnection) -> io::Result<u64> {
    let (tcp, _) = listener.accept()?;
    let mut stream = StreamOwned::new(server, tcp);
    let mut buffer = vec![0; WRITE_BYTES];
    let mut received = 0;
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(received),
            count => received += u64::try_from(count).unwrap_or(u64::MAX),
        }
    }
}

fn client(files: &TlsFiles) -> Result<ClientConnection, LoadError> {
    let mut roots = RootCertStore::empty();
    for authority in certificates(&files.ca_pem)? {
        roots.add(authority).map_err(unusable)?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .map_err(unusable)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").map_err(unusable)?;
    ClientConnection::new(Arc::new(config), name).map_err(unusable)
}

fn server(files: &TlsFiles) -> Result<ServerConnection, LoadError> {
    let key = PrivateKeyDer::from_pem_slice(&files.key_pem).map_err(unusable)?;
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(certificates(&files.certificate_pem)?, key)
        .map_err(unusable)?;
    ServerConnection::new(Arc::new(config)).map_err(unusable)
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, LoadError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    certificates.map_err(unusable)
}

fn unusable(fault: impl ToString) -> LoadError {
    LoadError::Tls(fault.to_string())
}
