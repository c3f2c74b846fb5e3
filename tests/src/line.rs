//! The way to the service: it can be cut, and lead to another process afterwards.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A local port that passes on to wherever the service listens now. What passes is TLS, so nothing is seen or changed.
#[derive(Debug)]
pub struct Line {
    address: SocketAddr,
    leads_to: watch::Sender<Option<SocketAddr>>,
}

impl Line {
    /// A line that leads nowhere yet: who connects is hung up on.
    pub async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("loopback has free ports");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let (leads_to, changes) = watch::channel(None);
        tokio::spawn(serve(listener, changes));
        Self { address, leads_to }
    }

    /// Where its callers connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts every connection; the next ones go to `target`.
    pub fn lead_to(&self, target: Option<SocketAddr>) {
        self.leads_to.send_replace(target);
    }

    /// Cuts every connection; new ones can be made at once.
    pub fn cut(&self) {
        self.leads_to.send_modify(|_| {});
    }
}

async fn serve(listener: TcpListener, changes: watch::Receiver<Option<SocketAddr>>) {
    // Nobody can change it any more: its test is over.
    let mut over = changes.clone();
    let gone = async move { while over.changed().await.is_ok() {} };
    tokio::pin!(gone);
    loop {
        tokio::select! {
            () = &mut gone => return,
            accepted = listener.accept() => {
                if let Ok((caller, _)) = accepted {
                    tokio::spawn(pass_on(caller, changes.clone()));
                }
            }
        }
    }
}

async fn pass_on(mut caller: TcpStream, mut changes: watch::Receiver<Option<SocketAddr>>) {
    let target = *changes.borrow_and_update();
    let Some(target) = target else { return };
    let Ok(mut service) = TcpStream::connect(target).await else {
        return;
    };
    let is_quick = caller
        .set_nodelay(true)
        .and_then(|()| service.set_nodelay(true));
    is_quick.expect("a TCP socket takes TCP_NODELAY");
    tokio::select! {
        _ended = copy_bidirectional(&mut caller, &mut service) => {}
        _cut = changes.changed() => {}
    }
}
