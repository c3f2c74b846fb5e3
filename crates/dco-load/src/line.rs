//! The way to a service that is killed and started again: it stays at one address, and can be cut.

use std::io;
use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A local port that passes on to wherever the service listens now. What passes is TLS, so nothing is seen or changed.
#[derive(Debug)]
pub(crate) struct Line {
    address: SocketAddr,
    leads_to: watch::Sender<Option<SocketAddr>>,
    _over: DropGuard,
}

impl Line {
    /// A line that leads nowhere yet: who connects is hung up on.
    pub(crate) async fn new() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (leads_to, changes) = watch::channel(None);
        let over = CancellationToken::new();
        tokio::spawn(serve(listener, changes, over.clone()));
        Ok(Self {
            address,
            leads_to,
            _over: over.drop_guard(),
        })
    }

    /// Where its callers connect.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts every connection; the next ones go to `target`.
    pub(crate) fn lead_to(&self, target: Option<SocketAddr>) {
        self.leads_to.send_replace(target);
    }

    /// Cuts every connection; new ones can be made at once.
    pub(crate) fn cut(&self) {
        self.leads_to.send_modify(|_| {});
    }
}

async fn serve(
    listener: TcpListener,
    changes: watch::Receiver<Option<SocketAddr>>,
    over: CancellationToken,
) {
    loop {
        tokio::select! {
            () = over.cancelled() => return,
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
    if is_quick.is_ok() {
        tokio::select! {
            _ended = copy_bidirectional(&mut caller, &mut service) => {}
            _cut = changes.changed() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Connects, sends one octet, and says whether it came back.
    async fn echoed(line: &Line) -> Option<TcpStream> {
        let mut stream = TcpStream::connect(line.address()).await.unwrap();
        stream.write_all(b"x").await.ok()?;
        let mut back = [0];
        stream.read_exact(&mut back).await.ok()?;
        Some(stream)
    }

    #[tokio::test]
    async fn it_leads_where_it_is_told_until_it_is_cut() {
        let service = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = service.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = service.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        let line = Line::new().await.unwrap();
        assert!(echoed(&line).await.is_none(), "it leads nowhere yet");
        line.lead_to(Some(target));
        let mut stream = echoed(&line).await.unwrap();
        line.cut();
        assert_eq!(stream.read(&mut [0]).await.unwrap_or(0), 0, "it is cut");
        assert!(echoed(&line).await.is_some(), "and can be made anew");
    }
}
