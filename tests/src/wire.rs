//! The wire itself: for requests that no well-behaved client makes, and answers that must be the same to the byte.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes};
use dco_client::Identity;
use dco_proto::v1::activate_firmware_client::ActivateFirmwareClient;
use dco_proto::v1::delivery_schedules_client::DeliverySchedulesClient;
use dco_proto::v1::gateway_client::GatewayClient;
use dco_proto::v1::notices_client::NoticesClient;
use dco_proto::v1::operations_client::OperationsClient;
use dco_proto::v1::reports_client::ReportsClient;
use dco_proto::v1::update_firmware_client::UpdateFirmwareClient;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, version};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint, Error};
use tonic::{Request, Status};

use crate::within;

/// The generated clients of one caller, on one connection.
#[derive(Clone, Debug)]
pub struct Wire {
    /// SRV 11.1.
    pub transfers: UpdateFirmwareClient<Channel>,
    /// SRV 11.3.
    pub batches: ActivateFirmwareClient<Channel>,
    /// For Users and the Service Desk.
    pub schedules: DeliverySchedulesClient<Channel>,
    /// What parties are told.
    pub notices: NoticesClient<Channel>,
    /// Southbound.
    pub gateway: GatewayClient<Channel>,
    /// For operators.
    pub operations: OperationsClient<Channel>,
    /// What happened.
    pub reports: ReportsClient<Channel>,
}

impl Wire {
    /// Speaks over a channel.
    pub fn new(channel: Channel) -> Self {
        Self {
            transfers: UpdateFirmwareClient::new(channel.clone()),
            batches: ActivateFirmwareClient::new(channel.clone()),
            schedules: DeliverySchedulesClient::new(channel.clone()),
            notices: NoticesClient::new(channel.clone()),
            gateway: GatewayClient::new(channel.clone()),
            operations: OperationsClient::new(channel.clone()),
            reports: ReportsClient::new(channel),
        }
    }
}

/// A connection under TLS 1.3 that trusts the authority of `trusted` and shows the certificate of `shown`, or none.
pub async fn channel(
    address: SocketAddr,
    trusted: &Identity,
    shown: Option<&Identity>,
) -> Result<Channel, Error> {
    let tls = TlsConnector::from(Arc::new(config(trusted, shown)));
    let dial = move |_| dial(address, tls.clone());
    // The connector speaks TLS, so tonic is told of plain HTTP.
    let endpoint = Endpoint::from_shared(format!("http://{address}"));
    let endpoint = endpoint.expect("an address makes a URI");
    endpoint
        .connect_with_connector(tower::service_fn(dial))
        .await
}

async fn dial(
    address: SocketAddr,
    tls: TlsConnector,
) -> io::Result<TokioIo<tokio_rustls::client::TlsStream<TcpStream>>> {
    let name = "localhost".try_into().expect("localhost is a server name");
    let tcp = TcpStream::connect(address).await?;
    tcp.set_nodelay(true)?;
    Ok(TokioIo::new(tls.connect(name, tcp).await?))
}

pub(crate) fn config(trusted: &Identity, shown: Option<&Identity>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&trusted.ca_pem) {
        roots
            .add(certificate)
            .expect("the development authority is a good one");
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13])
        .expect("aws-lc-rs has cipher suites for TLS 1.3")
        .with_root_certificates(roots);
    let mut config = match shown {
        None => config.with_no_client_auth(),
        Some(shown) => {
            let key = PrivateKeyDer::from_pem_slice(&shown.key_pem).expect("a key as PEM");
            config
                .with_client_auth_cert(certificates(&shown.certificate_pem), key)
                .expect("certificate and key go together")
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

fn certificates(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    let certificates: Result<_, _> = CertificateDer::pem_slice_iter(pem).collect();
    certificates.expect("certificates as PEM")
}

/// Makes a call with one message as it stands on the wire. It returns with the head of the answer: a stream that was opened is left.
pub async fn call(channel: &Channel, path: &'static str, message: Bytes) -> Result<(), Status> {
    let mut grpc = Grpc::new(channel.clone());
    within("a connection that takes a call", grpc.ready())
        .await
        .expect("the connection is good");
    let path = PathAndQuery::from_static(path);
    let messages = Request::new(tokio_stream::once(message));
    let answer = grpc.streaming(messages, path, Octets);
    within("the head of an answer", answer).await.map(drop)
}

/// Messages that are octets already.
#[derive(Debug, Clone, Copy)]
struct Octets;

impl Codec for Octets {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Octets {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Octets {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
