//! How the services ask the engine.

use std::sync::Arc;

use dco_block::Eui64;
use dco_engine::{
    AttemptRef, BlockSource, EngineStats, Hello, Refusal, Reply, Report, Request, Session, Topic,
    TransferState,
};
use dco_store::{History, Pinned, StoreError};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::sessions::{Line, LineEnd};
use crate::status::{Concern, Fault, fault_of};

/// What the engine answers.
pub(super) type Answer = Result<Reply, Refusal>;

/// What the driver can be told.
#[derive(Debug)]
pub(super) enum Command {
    Ask {
        request: Request,
        answer: oneshot::Sender<Answer>,
    },
    Watch {
        topic: Topic,
        answer: oneshot::Sender<watch::Receiver<()>>,
    },
    Hello {
        gateway: Eui64,
        hello: Hello,
        line: Line,
        answer: oneshot::Sender<Session>,
    },
    Report {
        session: Session,
        attempt: AttemptRef,
        report: Report,
    },
    Gone {
        session: Session,
        why: LineEnd,
    },
    PinJournal {
        answer: oneshot::Sender<Result<Pinned, StoreError>>,
    },
    History {
        answer: oneshot::Sender<Result<History, StoreError>>,
    },
    Stats {
        answer: oneshot::Sender<EngineStats>,
    },
}

/// Asks the engine. Clones ask the same one. A full queue holds the caller up.
#[derive(Debug, Clone)]
pub(crate) struct EngineHandle {
    commands: mpsc::Sender<Command>,
    service_desk_url: Arc<str>,
    draining: CancellationToken,
}

impl EngineHandle {
    pub(super) fn new(
        commands: mpsc::Sender<Command>,
        service_desk_url: Arc<str>,
        draining: CancellationToken,
    ) -> Self {
        Self {
            commands,
            service_desk_url,
            draining,
        }
    }

    /// Asks about what belongs to `user`. The answer is given when all it rests on is durable.
    pub(crate) async fn ask(&self, user: Eui64, request: Request) -> Result<Reply, Fault> {
        let concern = Concern {
            user,
            transfer: transfer_of(&request),
            service_desk_url: &self.service_desk_url,
        };
        let answer = self.send(|answer| Command::Ask { request, answer }).await?;
        answer.map_err(|refusal| fault_of(&refusal, concern))
    }

    /// Where blocks of a transfer go. Who sends blocks for one that was rejected is told why it was.
    pub(crate) async fn attach(&self, user: Eui64, number: u64) -> Result<BlockSource, Fault> {
        let request = Request::AttachTransfer { user, number };
        match self.ask(user, request).await {
            Ok(Reply::Blocks(source)) => Ok(source),
            Ok(_) => Err(Fault::wrong_answer("where blocks go")),
            Err(fault) => Err(self.why_rejected(user, number).await.unwrap_or(fault)),
        }
    }

    /// The reason in the 11.1 Response of a transfer that was rejected; it stays so for ever.
    async fn why_rejected(&self, user: Eui64, number: u64) -> Option<Fault> {
        let request = Request::GetTransfer { user, number };
        let Ok(Reply::Transfer(view)) = self.ask(user, request).await else {
            return None;
        };
        let response = view.response.as_ref();
        let rejected = response.filter(|_| view.state == TransferState::Rejected)?;
        Some(Fault::transfer_rejected(user, number, rejected))
    }

    /// Wakes whoever holds the answer after each change of the topic from now on.
    pub(crate) async fn watch(&self, topic: Topic) -> Result<watch::Receiver<()>, Fault> {
        self.send(|answer| Command::Watch { topic, answer }).await
    }

    /// A gateway has said hello; what it is told goes to `line`.
    pub(crate) async fn hello(
        &self,
        gateway: Eui64,
        hello: Hello,
        line: Line,
    ) -> Result<Session, Fault> {
        self.send(|answer| Command::Hello {
            gateway,
            hello,
            line,
            answer,
        })
        .await
    }

    /// A gateway has said something.
    pub(crate) async fn report(
        &self,
        session: Session,
        attempt: AttemptRef,
        report: Report,
    ) -> Result<(), Fault> {
        let command = Command::Report {
            session,
            attempt,
            report,
        };
        let sent = self.commands.send(command).await;
        sent.map_err(|_| self.gone_fault())
    }

    /// A gateway's stream has ended, or is to be ended, for this reason.
    pub(crate) async fn gone(&self, session: Session, why: LineEnd) {
        // When the driver has ended, all streams have.
        let _ended = self.commands.send(Command::Gone { session, why }).await;
    }

    /// Holds the journal's files as they are, with all that is durable.
    pub(crate) async fn pin_journal(&self) -> Result<Pinned, Fault> {
        let pinned = self.send(|answer| Command::PinJournal { answer }).await?;
        pinned.map_err(|error| {
            tracing::error!(%error, "the journal's files cannot be told");
            Fault::store_closed()
        })
    }

    /// The journal's records up to the last that is durable, to be read.
    pub(crate) async fn history(&self) -> Result<History, Fault> {
        let history = self.send(|answer| Command::History { answer }).await?;
        history.map_err(|error| {
            tracing::error!(%error, "the journal cannot be read");
            Fault::store_closed()
        })
    }

    /// The engine in numbers; nothing when it has ended.
    pub(crate) async fn stats(&self) -> Option<EngineStats> {
        self.send(|answer| Command::Stats { answer }).await.ok()
    }

    async fn send<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, Fault> {
        let (sender, answer) = oneshot::channel();
        let sent = self.commands.send(command(sender)).await;
        sent.map_err(|_| self.gone_fault())?;
        answer.await.map_err(|_| self.gone_fault())
    }

    /// The driver ends for two reasons only.
    fn gone_fault(&self) -> Fault {
        if self.draining.is_cancelled() {
            Fault::draining()
        } else {
            Fault::store_closed()
        }
    }
}

/// The transfer that a request names, for the refusal.
fn transfer_of(request: &Request) -> Option<u64> {
    match request {
        Request::AttachTransfer { number, .. } | Request::GetTransfer { number, .. } => {
            Some(*number)
        }
        Request::CancelTransfer(cancel) => Some(cancel.number),
        _ => None,
    }
}
