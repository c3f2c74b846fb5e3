//! All waiting of a gateway, in one place. It is told what to do by the desk.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use dco_client::{AttemptRef, ClientError, Code, DcoMessage, GatewayMessage, Offer};
use futures::future::{BoxFuture, pending};
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::attempt::{self, AttemptEvent, Tools};
use crate::backoff::Backoff;
use crate::dco::{Dco, Session, Speak};
use crate::desk::{Act, Desk};
use crate::gateway::GatewayError;
use crate::memory_file::{MemoryFile, MemoryFileError};

/// What attempts may tell before they are listened to.
const EVENTS_MAX: usize = 1024;

/// What is handled together, so that it shares one sync of the memory's file.
const GROUP_MAX: usize = 256;

/// With so much to say, the DCO is not listened to before some of it is said.
const OUTBOX_MAX: usize = 4096;

/// The DCO may ask for a longer pause before the next try than a gateway would make, up to this.
const TOLD_PAUSE_MAX: Duration = Duration::from_secs(60);

pub(crate) struct Driver {
    desk: Desk,
    file: Option<MemoryFile>,
    dco: Arc<dyn Dco>,
    tools: Arc<Tools>,
    backoff: Backoff,
    link: LinkState,
    outbox: VecDeque<GatewayMessage>,
    attempts: JoinSet<AttemptRef>,
    handles: BTreeMap<AttemptRef, Handle>,
    events: mpsc::Receiver<AttemptEvent>,
    tell: mpsc::Sender<AttemptEvent>,
}

/// What an attempt under way can be stopped by.
struct Handle {
    task: AbortHandle,
    call_back: CancellationToken,
}

enum LinkState {
    /// Until it is time for the next try.
    Waiting(Pin<Box<Sleep>>),
    Connecting(BoxFuture<'static, Result<Session, ClientError>>),
    Open(Session),
}

/// Everything that can happen to a gateway.
enum Input {
    TimeToConnect,
    Opened(Result<Session, ClientError>),
    Heard(DcoMessage),
    /// The stream is over, in order or not.
    Over(Option<ClientError>),
    /// The first message of the outbox is on its way.
    Said,
    Event(AttemptEvent),
    Finished(Result<AttemptRef, JoinError>),
}

impl Driver {
    pub(crate) fn new(
        desk: Desk,
        file: Option<MemoryFile>,
        dco: Arc<dyn Dco>,
        tools: Tools,
        backoff: Backoff,
    ) -> Self {
        let (tell, events) = mpsc::channel(EVENTS_MAX);
        Self {
            desk,
            file,
            dco,
            tools: Arc::new(tools),
            backoff,
            link: LinkState::Waiting(Box::pin(tokio::time::sleep(Duration::ZERO))),
            outbox: VecDeque::new(),
            attempts: JoinSet::new(),
            handles: BTreeMap::new(),
            events,
            tell,
        }
    }

    /// Runs until it is told to stop or cannot go on. What attempts have told by then is kept.
    pub(crate) async fn run(mut self, stop: CancellationToken) -> Result<(), GatewayError> {
        let ended = loop {
            let input = tokio::select! {
                () = stop.cancelled() => break Ok(()),
                input = self.next() => input,
            };
            if let Err(fault) = self.take_group(input) {
                break Err(fault);
            }
            self.perform().await?;
        };
        self.attempts.shutdown().await;
        while let Ok(event) = self.events.try_recv() {
            self.desk.see(event);
        }
        self.save().await?;
        ended
    }

    /// Takes what has happened, and whatever else has happened by now.
    fn take_group(&mut self, first: Input) -> Result<(), GatewayError> {
        self.take(first)?;
        for _ in 1..GROUP_MAX {
            let Some(input) = self.next().now_or_never() else {
                break;
            };
            self.take(input)?;
        }
        Ok(())
    }

    async fn next(&mut self) -> Input {
        if self.outbox.is_empty() {
            self.outbox.extend(self.desk.take_progress());
        }
        tokio::select! {
            input = self.link.next(&self.outbox) => input,
            Some(event) = self.events.recv() => Input::Event(event),
            Some(finished) = self.attempts.join_next() => Input::Finished(finished),
        }
    }

    fn take(&mut self, input: Input) -> Result<(), GatewayError> {
        match input {
            Input::TimeToConnect => self.connect(),
            Input::Opened(Ok(session)) => {
                self.link = LinkState::Open(session);
                self.desk.opened();
            }
            Input::Opened(Err(fault)) => return self.broken(Some(fault)),
            Input::Over(fault) => return self.broken(fault),
            Input::Heard(message) => {
                self.backoff.progressed();
                if let DcoMessage::Welcome { now_us } = &message {
                    self.tools.clock.told(*now_us);
                }
                self.desk.hear(message);
            }
            Input::Said => {
                self.outbox.pop_front();
            }
            Input::Event(event) => self.desk.see(event),
            Input::Finished(Ok(attempt)) => {
                self.handles.remove(&attempt);
            }
            Input::Finished(Err(fault)) => {
                if let Ok(panic) = fault.try_into_panic() {
                    std::panic::resume_unwind(panic);
                }
            }
        }
        Ok(())
    }

    /// Does what the desk wants, once what it rests on is kept.
    async fn perform(&mut self) -> Result<(), GatewayError> {
        self.save().await?;
        for act in self.desk.take_acts() {
            match act {
                Act::Say(message) => self.outbox.push_back(message),
                Act::Start(offer) => self.start(*offer),
                Act::Stop(attempt) => {
                    if let Some(handle) = self.handles.remove(&attempt) {
                        handle.task.abort();
                    }
                }
                Act::CallBack(attempt) => {
                    if let Some(handle) = self.handles.get(&attempt) {
                        handle.call_back.cancel();
                    }
                }
            }
        }
        if matches!(self.link, LinkState::Waiting(_)) {
            // The next hello says it all, as it is then.
            self.outbox.clear();
        }
        Ok(())
    }

    async fn save(&mut self) -> Result<(), GatewayError> {
        let changes = self.desk.take_unsaved();
        let Some(mut file) = self.file.take_if(|_| !changes.is_empty()) else {
            return Ok(());
        };
        let memory = self.desk.memory();
        // What is condensed has the changes in it already.
        let anew = file
            .is_long()
            .then(|| (memory.id().to_owned(), memory.condensed()));
        let saved = tokio::task::spawn_blocking(move || {
            match anew {
                Some((id, condensed)) => file.replace(&id, &condensed)?,
                None => file.save(&changes)?,
            }
            Ok::<_, MemoryFileError>(file)
        });
        let file = saved
            .await
            .expect("writing a file does not panic, and nobody aborts it")?;
        self.file = Some(file);
        Ok(())
    }

    fn start(&mut self, offer: Offer) {
        let attempt = offer.attempt;
        let call_back = CancellationToken::new();
        let (tools, tell) = (Arc::clone(&self.tools), self.tell.clone());
        let made = attempt::make(offer, tools, tell, call_back.clone());
        let task = self.attempts.spawn(async move {
            made.await;
            attempt
        });
        self.handles.insert(attempt, Handle { task, call_back });
    }

    fn connect(&mut self) {
        self.outbox.clear();
        let hello = self.desk.hello();
        info!(
            attempts = hello.attempts.len(),
            outcomes = hello.outcomes.len(),
            memory.id = hello.memory_id,
            "connecting to the DCO"
        );
        self.link = LinkState::Connecting(self.dco.connect(hello));
    }

    fn broken(&mut self, fault: Option<ClientError>) -> Result<(), GatewayError> {
        self.desk.broken();
        let told = fault
            .as_ref()
            .and_then(ClientError::retry_delay)
            .unwrap_or_default();
        let pause = self.backoff.after_failure().max(told.min(TOLD_PAUSE_MAX));
        self.link = LinkState::Waiting(Box::pin(tokio::time::sleep(pause)));
        let Some(fault) = fault else {
            info!("the DCO has ended the stream");
            return Ok(());
        };
        match fault.code() {
            // Another stream that was ended by the DCO, one that was not read in time, is opened anew.
            Some(Code::Aborted) if fault.reason() == Some("SESSION_SUPERSEDED") => {
                Err(GatewayError::Replaced)
            }
            Some(
                Code::PermissionDenied
                | Code::Unauthenticated
                | Code::InvalidArgument
                | Code::Unimplemented,
            ) => Err(GatewayError::Refused(fault)),
            _ => {
                warn!(%fault, pause_ms = pause.as_millis(), "no stream with the DCO");
                Ok(())
            }
        }
    }
}

impl LinkState {
    async fn next(&mut self, outbox: &VecDeque<GatewayMessage>) -> Input {
        match self {
            Self::Waiting(sleep) => {
                sleep.await;
                Input::TimeToConnect
            }
            Self::Connecting(connecting) => Input::Opened(connecting.await),
            Self::Open(session) => session.next(outbox).await,
        }
    }
}

impl Session {
    async fn next(&mut self, outbox: &VecDeque<GatewayMessage>) -> Input {
        let Self { speaker, listener } = self;
        tokio::select! {
            heard = listener.next(), if outbox.len() < OUTBOX_MAX => match heard {
                Some(Ok(message)) => Input::Heard(message),
                Some(Err(fault)) => Input::Over(Some(fault)),
                None => Input::Over(None),
            },
            said = say_first(speaker.as_mut(), outbox) => match said {
                Ok(()) => Input::Said,
                Err(fault) => Input::Over(Some(reason(listener).unwrap_or(fault))),
            },
        }
    }
}

/// Waits for ever where there is nothing to say.
async fn say_first(
    speaker: &mut dyn Speak,
    outbox: &VecDeque<GatewayMessage>,
) -> Result<(), ClientError> {
    match outbox.front() {
        Some(message) => speaker.send(message.clone()).await,
        None => pending().await,
    }
}

/// Who speaks only learns that the stream is over; who listens is told why.
fn reason(listener: &mut BoxStream<'_, Result<DcoMessage, ClientError>>) -> Option<ClientError> {
    while let Some(heard) = listener.next().now_or_never()? {
        if let Err(fault) = heard {
            return Some(fault);
        }
    }
    None
}
