//! The service on loopback, and connections to it.

use std::fs::OpenOptions;
use std::net::SocketAddr;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use dco_block::{Eui64, FirmwareVersion, Manifest, OtaHeader, RawBlock, split, wrap};
use dco_proto::v1 as pb;
use dco_server::{Bound, Clock, Config, ServeError, serve};
use hyper_util::rt::TokioIo;
use pb::activate_firmware_client::ActivateFirmwareClient;
use pb::gateway_client::GatewayClient;
use pb::notices_client::NoticesClient;
use pb::operations_client::OperationsClient;
use pb::reports_client::ReportsClient;
use pb::update_firmware_client::UpdateFirmwareClient;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};
use tonic_types::StatusExt;
use x509_cert::ext::pkix::KeyUsages;

use crate::pki::{Authority, Identity, PartyKey};

pub(crate) const USER: Eui64 = Eui64::from_bits(0x90B3_D51F_3001_0000);
pub(crate) const OTHER_USER: Eui64 = Eui64::from_bits(0x90B3_D51F_3002_0000);
pub(crate) const GATEWAY: Eui64 = Eui64::from_bits(0x90B3_D51F_3003_0000);
pub(crate) const OTHER_GATEWAY: Eui64 = Eui64::from_bits(0x90B3_D51F_3003_0001);
pub(crate) const OPERATOR: Eui64 = Eui64::from_bits(0x90B3_D51F_3004_0000);
pub(crate) const STRANGER: Eui64 = Eui64::from_bits(0x90B3_D51F_3009_0000);
pub(crate) const DEVICE: Eui64 = Eui64::from_bits(0x00DB_1234_5678_90A0);

/// A folder with certificates and data, and the service on it.
pub(crate) struct World {
    folder: TempDir,
    authority: Authority,
    running: Option<Running>,
}

struct Running {
    bound: Bound,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Result<(), ServeError>>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let authority = Authority::new("authority");
        let folder = tempfile::tempdir().unwrap();
        let server = authority.issue(None);
        put(folder.path(), "ca.pem", &authority.pem);
        put(folder.path(), "server.pem", &server.certificate_pem);
        put(folder.path(), "server.key", &server.key_pem);
        let mut world = Self {
            folder,
            authority,
            running: None,
        };
        world.start().await;
        world
    }

    pub(crate) async fn start(&mut self) {
        let (stop, stopped) = oneshot::channel();
        let (ready, bound) = oneshot::channel();
        let config = self.config();
        let ended = tokio::spawn(async move {
            let stop = async {
                let _ = stopped.await;
            };
            serve(config, Clock::wall(), stop, |bound| {
                ready.send(bound).unwrap()
            })
            .await
        });
        let Ok(bound) = bound.await else {
            panic!("the service has not started: {:?}", ended.await);
        };
        self.running = Some(Running { bound, stop, ended });
    }

    pub(crate) fn config(&self) -> Config {
        let party = |name: &str, eui64: Eui64| {
            format!("[[party]]\nname = \"{name}\"\neui64 = \"{eui64}\"\nroles = [\"{name}\"]\n")
        };
        let text = format!(
            "data_dir = \"data\"\nlisten = \"127.0.0.1:0\"\nhttp_listen = \"127.0.0.1:0\"\n\
             drain_seconds = 1\n\
             [trust]\nimage_signature = false\nproducts_list = false\nupgrade_pathway = false\n\
             [tls]\nca = \"ca.pem\"\ncertificate = \"server.pem\"\nkey = \"server.key\"\n{}{}{}{}{}",
            party("user", USER),
            party("user", OTHER_USER),
            party("gateway", GATEWAY),
            party("gateway", OTHER_GATEWAY),
            party("operator", OPERATOR),
        );
        Config::parse(&text, self.folder.path()).unwrap()
    }

    /// Changes one byte of the first place in the data folder where these bytes lie.
    pub(crate) fn damage(&self, bytes: &[u8]) {
        let folder = self.folder.path().join("data");
        let files = std::fs::read_dir(folder).unwrap();
        let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        paths.sort();
        for path in paths.iter().filter(|path| path.is_file()) {
            let content = read(path);
            let mut places = content.windows(bytes.len());
            if let Some(at) = places.position(|window| window == bytes) {
                return overwrite(path, at, content[at] ^ 1);
            }
        }
        panic!("these bytes are in none of {paths:?}");
    }

    /// Stops the service and says how it ended.
    pub(crate) async fn stop(&mut self) -> Result<(), ServeError> {
        let running = self.running.take().unwrap();
        running.stop.send(()).unwrap();
        running.ended.await.unwrap()
    }

    /// Asks the service to stop and does not wait for it.
    pub(crate) fn begin_stop(&mut self) -> JoinHandle<Result<(), ServeError>> {
        let running = self.running.take().unwrap();
        running.stop.send(()).unwrap();
        running.ended
    }

    pub(crate) fn bound(&self) -> Bound {
        self.running.as_ref().unwrap().bound
    }

    pub(crate) fn identity(&self, eui64: Option<Eui64>) -> Arc<ClientConfig> {
        client(&self.authority, &self.authority.issue(eui64))
    }

    /// What a party connects with that has another key than most, or one for something else.
    pub(crate) fn issued(
        &self,
        party: Eui64,
        key: &PartyKey,
        usage: Option<KeyUsages>,
    ) -> Arc<ClientConfig> {
        let identity = self.authority.issue_for(Some(party), key, usage);
        client(&self.authority, &identity)
    }

    /// What a client that trusts the service connects with under somebody else's certificate.
    pub(crate) fn forged(&self, identity: &Identity) -> Arc<ClientConfig> {
        client(&self.authority, identity)
    }

    pub(crate) async fn channel(&self, eui64: Eui64) -> Channel {
        let identity = self.identity(Some(eui64));
        connect(self.bound().grpc, identity).await.unwrap()
    }

    pub(crate) async fn update(&self, eui64: Eui64) -> UpdateFirmwareClient<Channel> {
        UpdateFirmwareClient::new(self.channel(eui64).await)
    }

    pub(crate) async fn activate(&self, eui64: Eui64) -> ActivateFirmwareClient<Channel> {
        ActivateFirmwareClient::new(self.channel(eui64).await)
    }

    pub(crate) async fn gateway(&self, eui64: Eui64) -> GatewayClient<Channel> {
        GatewayClient::new(self.channel(eui64).await)
    }

    pub(crate) async fn operations(&self, eui64: Eui64) -> OperationsClient<Channel> {
        OperationsClient::new(self.channel(eui64).await)
    }

    pub(crate) async fn notices(&self, eui64: Eui64) -> NoticesClient<Channel> {
        NoticesClient::new(self.channel(eui64).await)
    }

    pub(crate) async fn reports(&self, eui64: Eui64) -> ReportsClient<Channel> {
        ReportsClient::new(self.channel(eui64).await)
    }

    /// The body of a plain HTTP answer.
    pub(crate) async fn get(&self, path: &str) -> String {
        get(self.bound().http, path).await
    }

    pub(crate) async fn import(&self, devices: &[Eui64]) {
        self.import_for(USER, devices).await;
    }

    pub(crate) async fn import_for(&self, user: Eui64, devices: &[Eui64]) {
        let entries = devices.iter().map(|device| pb::DeviceEntry {
            device: device.to_string(),
            user: user.to_string(),
            gateway: GATEWAY.to_string(),
            manufacturer: "Acme".to_owned(),
            model: "M1".to_owned(),
            hardware_version: "0100".to_owned(),
            firmware_version: "00000001".to_owned(),
        });
        let request = pb::ImportDevicesRequest {
            request_id: request_id(if user == USER { 900 } else { 901 }),
            validate_only: false,
            devices: entries.collect(),
            ..Default::default()
        };
        let mut operations = self.operations(OPERATOR).await;
        let parts = tokio_stream::iter([request]);
        operations.import_devices(parts).await.unwrap();
    }
}

/// TLS with this identity, trusting the authority.
fn client(authority: &Authority, identity: &Identity) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap();
    roots.add(root).unwrap();
    let own = CertificateDer::from_pem_slice(identity.certificate_pem.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![own], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(config)
}

pub(crate) async fn connect(
    address: SocketAddr,
    identity: Arc<ClientConfig>,
) -> Result<Channel, tonic::transport::Error> {
    let connector = tower::service_fn(move |_: tonic::transport::Uri| {
        let tls = TlsConnector::from(Arc::clone(&identity));
        async move {
            let tcp = TcpStream::connect(address).await?;
            let name = rustls_pki_types::ServerName::try_from("localhost").unwrap();
            Ok::<_, std::io::Error>(TokioIo::new(tls.connect(name, tcp).await?))
        }
    });
    Endpoint::from_static("http://localhost")
        .connect_with_connector(connector)
        .await
}

pub(crate) async fn get(address: SocketAddr, path: &str) -> String {
    let mut tcp = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await.unwrap();
    answer
}

/// A small signed image and its manifest; `seed` makes it another one.
pub(crate) fn image(seed: u8, bytes: usize) -> (Manifest, Vec<RawBlock>) {
    let header = OtaHeader {
        manufacturer_code: 1,
        image_type: 2,
        file_version: FirmwareVersion::new(0x0200_0000 + u32::from(seed)),
        stack_version: 2,
        header_string: [0; 32],
        total_image_bytes: 0,
        security_credential_version: None,
        upgrade_file_destination: None,
        hardware_versions: None,
    };
    let image: Bytes = wrap(header, &vec![seed; bytes], &[7; 64]);
    let manifest = Manifest::of_image(&image, 4_096).unwrap();
    let blocks = split(&image, 4_096).collect();
    (manifest, blocks)
}

pub(crate) fn open_request(id: u32, manifest: &Manifest) -> pb::OpenTransferRequest {
    let parts = manifest.parts();
    pb::OpenTransferRequest {
        parent: format!("users/{USER}"),
        request_id: request_id(id),
        validate_only: false,
        manifest: Some(pb::Manifest {
            image_id: parts.image_id.as_bytes().to_vec().into(),
            image_bytes: parts.image_bytes,
            block_bytes: parts.block_bytes,
            manufacturer_image_hash: parts.manufacturer_image_hash.as_bytes().to_vec().into(),
            firmware_version: parts.firmware_version.to_string(),
            ota_header: parts.ota_header,
        }),
        devices: vec![DEVICE.to_string()],
        signed_request: Bytes::new(),
        originator_counter: None,
    }
}

pub(crate) fn naming(transfer: &str) -> pb::SendBlocksRequest {
    let kind = pb::send_blocks_request::Kind::Transfer(transfer.to_owned());
    pb::SendBlocksRequest { kind: Some(kind) }
}

pub(crate) fn carrying(block: &RawBlock) -> pb::SendBlocksRequest {
    let block = pb::Block {
        index: block.index,
        crc32: block.crc32,
        data: block.data.clone(),
    };
    let kind = pb::send_blocks_request::Kind::Block(block);
    pb::SendBlocksRequest { kind: Some(kind) }
}

pub(crate) fn request_id(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

/// The stable reason of an error.
pub(crate) fn reason(status: &Status) -> String {
    let info = status.get_details_error_info();
    info.map_or_else(|| format!("no reason: {status:?}"), |info| info.reason)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a disk that changes what the service has written"
)]
fn overwrite(path: &Path, at: usize, byte: u8) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(&[byte], u64::try_from(at).unwrap())
        .unwrap();
}

#[expect(
    clippy::disallowed_methods,
    reason = "the files that the service has written"
)]
fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the files that the service is to read"
)]
fn put(folder: &Path, file: &str, text: &str) {
    std::fs::write(folder.join(file), text).unwrap();
}
