//! Plain HTTP, as a metrics collector speaks it.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::within;

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body as text.
    pub body: String,
}

/// GET of a path over HTTP/1.1, on a connection of its own.
pub async fn get(address: SocketAddr, path: &str) -> Answer {
    within("an answer over HTTP", ask(address, path)).await
}

async fn ask(address: SocketAddr, path: &str) -> Answer {
    let mut stream = TcpStream::connect(address)
        .await
        .expect("the service listens for HTTP");
    let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("the request goes out");
    let mut text = String::new();
    stream
        .read_to_string(&mut text)
        .await
        .expect("the answer is text");
    let (head, body) = text.split_once("\r\n\r\n").expect("an answer has a head");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    Answer {
        status: status.unwrap_or_else(|| panic!("no HTTP status in {head}")),
        body: body.to_owned(),
    }
}
