//! How the services ask the engine.

use std::sync::Arc;

use dco_block::Eui64;
use dco_engine::{AttemptRef, EngineStats, Hello, Refusal, Reply, Report, Request, Session, Topic};
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
        let answer = self.send(|answer| Command::Ask { request, answer }).await?;
        let concern = Concern {
            user,
            service_desk_url: &self.service_desk_url,
        };
        answer.map_err(|refusal| fault_of(&refusal, concern))
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
