//! A connection on which no call is open takes a place that others could use.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::peer::Peer;

/// What calls know of the connection that they came by.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) peer: Peer,
    calls: Arc<watch::Sender<u32>>,
}

/// A call that is open; it is not when this is dropped.
#[derive(Debug)]
pub(crate) struct OnLine(Arc<watch::Sender<u32>>);

impl Line {
    pub(crate) fn new(peer: Peer) -> Self {
        let calls = Arc::new(watch::Sender::new(0));
        Self { peer, calls }
    }

    pub(crate) fn call(&self) -> OnLine {
        self.calls.send_modify(|calls| *calls += 1);
        OnLine(Arc::clone(&self.calls))
    }

    /// Resolves when no call has been open for so long. Pings and settings of the peer are no calls.
    pub(crate) fn idle(&self, within: Duration) -> impl Future<Output = ()> + use<> {
        let calls = Arc::clone(&self.calls);
        async move {
            let mut changes = calls.subscribe();
            // Both waits fail only when the sender is gone, and here is one.
            loop {
                drop(changes.wait_for(|calls| *calls == 0).await);
                // Even a call that is over again is a change.
                if timeout(within, changes.changed()).await.is_err() {
                    return;
                }
            }
        }
    }
}

impl Drop for OnLine {
    fn drop(&mut self) {
        self.0.send_modify(|calls| *calls -= 1);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_line_is_idle_when_no_call_has_been_open_for_long_enough() {
        let line = Line::new(Peer { eui64: None });
        let (first, second) = (line.call(), line.call());
        let mut idle = tokio::spawn(line.idle(10 * SECOND));
        drop(first);
        assert!(
            timeout(100 * SECOND, &mut idle).await.is_err(),
            "a call is open"
        );
        drop(second);
        assert!(timeout(9 * SECOND, &mut idle).await.is_err());
        drop(line.call());
        let since = Instant::now();
        idle.await.unwrap();
        assert_eq!(
            since.elapsed().as_secs(),
            10,
            "it counts from the last call"
        );
    }
}
