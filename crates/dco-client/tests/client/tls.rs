use dco_client::{
    ClientError, Endpoint, Identity, InvalidIdentity, Link, OperationsClient, PageRequest,
};
use dco_proto::v1::operations_server::OperationsServer;
use tonic::transport::Server;
use tonic::transport::server::Router;

use crate::desk::Desk;
use crate::parties::Parties;
use crate::peer::{Links, serve_as};

fn desk(_: Links) -> Router {
    Server::builder().add_service(OperationsServer::new(Desk::default()))
}

async fn ask(link: &Link) -> Result<(), ClientError> {
    let operations = OperationsClient::new(link);
    operations.gateways(&PageRequest::default()).await.map(drop)
}

async fn refused(endpoint: &Endpoint, identity: &Identity) -> ClientError {
    Link::connect(endpoint, identity).await.unwrap_err()
}

#[tokio::test]
async fn parties_of_one_ca_understand_each_other() {
    let parties = Parties::new();
    let peer = serve_as(parties.server(), desk).await;
    let link = Link::connect(&peer.endpoint, &parties.client())
        .await
        .unwrap();
    ask(&link).await.unwrap();
}

#[tokio::test]
async fn a_lazy_link_connects_with_its_first_call() {
    let parties = Parties::new();
    let peer = serve_as(parties.server(), desk).await;
    let link = Link::connect_lazy(&peer.endpoint, &parties.client()).unwrap();
    ask(&link).await.unwrap();
}

#[tokio::test]
async fn a_link_that_was_cut_is_made_anew_by_the_next_call() {
    let parties = Parties::new();
    let peer = serve_as(parties.server(), desk).await;
    let link = Link::connect(&peer.endpoint, &parties.client())
        .await
        .unwrap();
    ask(&link).await.unwrap();
    peer.links.cut();
    // The call that finds the link broken may fail; the one after it does not.
    let _ = ask(&link).await;
    ask(&link).await.unwrap();
}

#[tokio::test]
async fn a_server_of_another_ca_is_not_trusted() {
    let peer = serve_as(Parties::new().server(), desk).await;
    let error = refused(&peer.endpoint, &Parties::new().client()).await;
    assert!(matches!(error, ClientError::Untrusted { .. }), "{error:?}");
    assert!(error.to_string().contains("UnknownIssuer"), "{error}");
    assert!(!error.is_temporary());
}

#[tokio::test]
async fn a_server_under_another_name_is_not_trusted() {
    let parties = Parties::new();
    let mut peer = serve_as(parties.server(), desk).await;
    peer.endpoint.server_name = "dco.example".to_owned();
    let error = refused(&peer.endpoint, &parties.client()).await;
    assert!(matches!(error, ClientError::Untrusted { .. }), "{error:?}");
    assert!(error.to_string().contains("dco.example"), "{error}");
}

#[tokio::test]
async fn a_server_that_speaks_something_else_is_refused() {
    let parties = Parties::new();
    let peer = serve_as(parties.server_of(b"http/1.1"), desk).await;
    let error = refused(&peer.endpoint, &parties.client()).await;
    assert!(
        matches!(error, ClientError::Unreachable { .. }),
        "{error:?}"
    );
    assert!(
        error.to_string().contains("NoApplicationProtocol"),
        "{error}"
    );
}

#[tokio::test]
async fn a_client_of_another_ca_learns_that_it_is_not_trusted() {
    let parties = Parties::new();
    let peer = serve_as(parties.server(), desk).await;
    let stranger = Identity {
        ca_pem: parties.client().ca_pem,
        ..Parties::new().client()
    };
    // TLS 1.3 lets a client finish before the server has looked at its certificate, so either may say it.
    let error = match Link::connect(&peer.endpoint, &stranger).await {
        Ok(link) => ask(&link).await.unwrap_err(),
        Err(error) => error,
    };
    assert!(matches!(error, ClientError::Untrusted { .. }), "{error:?}");
    assert!(error.to_string().contains("UnknownCA"), "{error}");
    assert!(!error.is_temporary());
}

#[tokio::test]
async fn a_server_that_hangs_up_without_a_word_may_not_trust_us() {
    let parties = Parties::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let tls = tokio_rustls::TlsAcceptor::from(parties.server());
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            drop(tls.accept(tcp).await);
        }
    });
    let endpoint = Endpoint::new(address, "localhost");
    let error = match Link::connect(&endpoint, &parties.client()).await {
        Ok(link) => ask(&link).await.unwrap_err(),
        Err(error) => error,
    };
    assert!(error.to_string().contains("(--cert)"), "{error}");
}

#[tokio::test]
async fn an_address_where_nobody_listens_is_named() {
    let parties = Parties::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let error = refused(&Endpoint::new(&address, "localhost"), &parties.client()).await;
    assert!(matches!(&error, ClientError::Unreachable { address: named, .. } if *named == address));
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn addresses_and_names_that_cannot_be_are_refused() {
    let client = Parties::new().client();
    for (address, name) in [
        ("localhost", "localhost"),
        (":443", "localhost"),
        ("localhost:port", "localhost"),
        ("localhost:70000", "localhost"),
        ("local host:1", "localhost"),
        ("localhost:1", "local host"),
    ] {
        let error = refused(&Endpoint::new(address, name), &client).await;
        assert!(
            matches!(error, ClientError::Unreachable { .. }),
            "{address} {name}: {error:?}"
        );
    }
}

#[tokio::test]
async fn files_that_are_no_identity_are_told_apart() {
    let good = Parties::new().client();
    let other = Parties::new().client();
    let nowhere = Endpoint::new("127.0.0.1:1", "localhost");
    let identity = |ca: &[u8], certificate: &[u8], key: &[u8]| Identity {
        ca_pem: ca.to_vec(),
        certificate_pem: certificate.to_vec(),
        key_pem: key.to_vec(),
    };
    let (ca, certificate, key) = (&good.ca_pem, &good.certificate_pem, &good.key_pem);
    let (critical, its_key) = Parties::new().critical_policies();
    for (wrong, expected) in [
        (identity(ca, &critical, &its_key), "the certificate file"),
        (identity(b"", certificate, key), "the CA file"),
        (identity(key, certificate, key), "the CA file"),
        (identity(ca, b"text", key), "the certificate file"),
        (identity(ca, certificate, certificate), "the key file"),
        (
            identity(ca, certificate, &other.key_pem),
            "do not go together",
        ),
    ] {
        let error = refused(&nowhere, &wrong).await;
        assert!(matches!(error, ClientError::Identity(_)), "{error:?}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert!(matches!(
        refused(&nowhere, &identity(ca, certificate, b"")).await,
        ClientError::Identity(InvalidIdentity::Key { .. })
    ));
    assert!(!format!("{good:?}").contains("PRIVATE"));
    let one_line = str::from_utf8(key).unwrap().replace('\n', " ");
    let error = refused(&nowhere, &identity(ca, certificate, one_line.as_bytes())).await;
    let error = error.to_string();
    let octets = format!("{:?}", &key[30..40]);
    assert!(error.contains("the key file"), "{error}");
    assert!(!error.contains(octets.trim_matches(['[', ']'])), "{error}");
}
