//! Gateways that have no meters behind them: an offer is accepted and has succeeded at once. What is measured is the DCO's part.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dco_client::{
    AttemptOutcome, AttemptRef, AttemptResult, DcoMessage, GatewayLink, GatewayMessage,
    GatewayReceiver, GatewaySender, Hello, Link, Offer, RequestId,
};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::latency::Latencies;
use crate::stopwatch::Stopwatch;
use crate::tally::Tally;
use crate::{LoadError, Target, joined};

/// Handshakes at one time.
const CONNECTING: usize = 32;

/// All gateways of a load, connected.
#[derive(Debug)]
pub(crate) struct Answering {
    gateways: JoinSet<Result<Latencies, LoadError>>,
    begin: watch::Sender<Stopwatch>,
    stop: CancellationToken,
}

/// What they share.
#[derive(Clone)]
struct Shared {
    tally: Arc<Tally>,
    begin: watch::Receiver<Stopwatch>,
    stop: CancellationToken,
}

impl Answering {
    /// Connects every gateway of the target; returns when the service has welcomed all.
    pub(crate) async fn connect(
        target: &Target,
        concurrency: u32,
        tally: &Arc<Tally>,
    ) -> Result<Self, LoadError> {
        let stop = CancellationToken::new();
        let (begin, begins) = watch::channel(Stopwatch::start());
        let shared = Shared {
            tally: Arc::clone(tally),
            begin: begins,
            stop: stop.clone(),
        };
        let mut connecting = JoinSet::new();
        let room = Arc::new(Semaphore::new(CONNECTING));
        for party in &target.gateways {
            let (endpoint, identity) = (target.endpoint.clone(), party.identity.clone());
            let room = Arc::clone(&room);
            connecting.spawn(async move {
                // The semaphore is never closed.
                let _place = room.acquire().await;
                let link = Link::connect(&endpoint, &identity).await?;
                open(GatewayLink::new(&link), concurrency).await
            });
        }
        let mut gateways = JoinSet::new();
        while let Some(opened) = connecting.join_next().await {
            gateways.spawn(answer(joined(opened)?, shared.clone()));
        }
        Ok(Self {
            gateways,
            begin,
            stop,
        })
    }

    /// From now on latencies are told by this clock.
    pub(crate) fn begin(&self, begin: Stopwatch) {
        self.begin.send_replace(begin);
    }

    /// Ends the streams; gives the latencies from offer to noted outcome.
    pub(crate) async fn stop(mut self) -> Result<Latencies, LoadError> {
        self.stop.cancel();
        let mut all = Latencies::default();
        while let Some(found) = self.gateways.join_next().await {
            all.merge(&joined(found)?);
        }
        Ok(all)
    }

    /// Waits until one ends by itself, which none should; gives why.
    pub(crate) async fn fault(&mut self) -> LoadError {
        match self.gateways.join_next().await {
            Some(ended) => joined(ended)
                .err()
                .unwrap_or_else(|| LoadError::wrong("the service has ended a gateway's stream")),
            // Without gateways nothing can go wrong with one.
            None => std::future::pending().await,
        }
    }
}

struct Stream {
    /// The connection ends with its last user.
    _link: GatewayLink,
    sender: GatewaySender,
    receiver: GatewayReceiver,
}

async fn open(link: GatewayLink, concurrency: u32) -> Result<Stream, LoadError> {
    let hello = Hello {
        memory_id: RequestId::fresh().to_string(),
        attempts: Vec::new(),
        outcomes: Vec::new(),
        concurrency,
    };
    let (sender, mut receiver) = link.connect(hello).await?;
    match receiver.recv().await? {
        Some(DcoMessage::Welcome { .. }) => Ok(Stream {
            _link: link,
            sender,
            receiver,
        }),
        other => Err(LoadError::wrong(format!(
            "a gateway was not welcomed but told {other:?}"
        ))),
    }
}

async fn answer(mut stream: Stream, shared: Shared) -> Result<Latencies, LoadError> {
    let mut offered: BTreeMap<AttemptRef, Duration> = BTreeMap::new();
    let mut found = Latencies::default();
    loop {
        let heard = tokio::select! {
            () = shared.stop.cancelled() => return Ok(found),
            heard = stream.receiver.recv() => heard?,
        };
        match heard {
            Some(DcoMessage::Offer(offer)) => {
                offered.insert(offer.attempt, shared.begin.borrow().elapsed());
                for message in answers(&offer) {
                    stream.sender.send(message).await?;
                }
            }
            Some(DcoMessage::Noted(attempt)) => {
                let now = shared.begin.borrow().elapsed();
                if let Some(at) = offered.remove(&attempt) {
                    found.record(now, now.saturating_sub(at));
                    shared.tally.noted(attempt.activation.batch);
                }
            }
            Some(_) => {}
            None => return Ok(found),
        }
    }
}

fn answers(offer: &Offer) -> [GatewayMessage; 2] {
    let attempt = offer.attempt;
    [
        GatewayMessage::Accept(attempt),
        GatewayMessage::Outcome(AttemptOutcome {
            attempt,
            result: AttemptResult::Success,
            nothing_sent: false,
            running_version: Some(offer.manifest.firmware_version()),
            device_image_hash: Some(offer.manifest.manufacturer_image_hash()),
            message: String::new(),
        }),
    ]
}
