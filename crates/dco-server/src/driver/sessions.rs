//! The streams of gateways, as the driver sees them.

use std::collections::BTreeMap;

use dco_engine::{Session, ToGateway};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use crate::status::Fault;

/// Messages that may wait for a gateway to read them: all that a hello can bring forth, and all offers
/// it can be made.
const MESSAGES_MAX: usize = 4 * crate::GATEWAY_ATTEMPTS_MAX as usize;

/// The sending end of a gateway's stream.
#[derive(Debug)]
pub(crate) struct Line {
    messages: mpsc::Sender<ToGateway>,
    end: oneshot::Sender<LineEnd>,
}

/// Why a gateway's stream ended.
#[derive(Debug)]
pub(crate) enum LineEnd {
    /// The gateway has hung up.
    HungUp,
    /// A newer hello has taken its place.
    Superseded,
    /// It does not read what it is told.
    Overrun,
    /// It says what cannot be understood, or the service is stopping.
    Fault(Fault),
}

impl Line {
    /// A line, what is said on it, and how it ended.
    pub(crate) fn new() -> (Self, mpsc::Receiver<ToGateway>, oneshot::Receiver<LineEnd>) {
        let (messages, said) = mpsc::channel(MESSAGES_MAX);
        let (end, ended) = oneshot::channel();
        (Self { messages, end }, said, ended)
    }
}

impl LineEnd {
    /// What the gateway is told at the end, if anything.
    pub(crate) fn fault(self) -> Option<Fault> {
        match self {
            Self::HungUp => None,
            Self::Superseded => Some(Fault::session_superseded()),
            Self::Overrun => Some(Fault::session_overrun()),
            Self::Fault(fault) => Some(fault),
        }
    }
}

/// All streams. Numbers rise, so that a newer stream can be told from an older one.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    newest: u64,
    lines: BTreeMap<Session, Line>,
    unheard: Vec<Session>,
}

impl Sessions {
    pub(super) fn open(&mut self, line: Line) -> Session {
        self.newest += 1;
        let session = Session(self.newest);
        self.lines.insert(session, line);
        session
    }

    pub(super) fn has(&self, session: Session) -> bool {
        self.lines.contains_key(&session)
    }

    /// Ends a stream. Says whether there was one.
    pub(super) fn close(&mut self, session: Session, why: LineEnd) -> bool {
        let line = self.lines.remove(&session);
        line.map(|line| line.end.send(why)).is_some()
    }

    /// Says something on a stream. One that has no room is ended, and not by waiting: the driver waits
    /// for nobody. One that nobody hears is ended as well: what is said into it must not count as said.
    pub(super) fn tell(&mut self, session: Session, message: ToGateway) {
        let Some(line) = self.lines.get(&session) else {
            return;
        };
        let why = match line.messages.try_send(message) {
            Ok(()) => return,
            Err(TrySendError::Full(_)) => LineEnd::Overrun,
            Err(TrySendError::Closed(_)) => LineEnd::HungUp,
        };
        tracing::warn!(
            session = session.0,
            ?why,
            "a gateway does not read; its stream is ended"
        );
        self.close(session, why);
        self.unheard.push(session);
    }

    /// Streams that were ended because they had no room, or nobody heard them.
    pub(super) fn take_unheard(&mut self) -> Vec<Session> {
        std::mem::take(&mut self.unheard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WELCOME: ToGateway = ToGateway::Welcome { now_us: 0 };

    #[test]
    fn a_gateway_that_does_not_read_is_cut_off_once_and_the_others_are_not() {
        let mut sessions = Sessions::default();
        let (line, said, mut ended) = Line::new();
        let (other_line, mut other_said, _other_ended) = Line::new();
        let session = sessions.open(line);
        let other = sessions.open(other_line);
        assert!(other > session);
        for _ in 0..=MESSAGES_MAX {
            sessions.tell(session, WELCOME);
        }
        sessions.tell(session, WELCOME);
        sessions.tell(other, WELCOME);
        assert_eq!(sessions.take_unheard(), [session]);
        assert!(sessions.take_unheard().is_empty());
        assert!(matches!(ended.try_recv(), Ok(LineEnd::Overrun)));
        assert_eq!(said.len(), MESSAGES_MAX);
        assert!(other_said.try_recv().is_ok());
        assert!(!sessions.has(session) && sessions.has(other));
    }

    #[test]
    fn a_stream_that_nobody_hears_is_ended_as_well() {
        let mut sessions = Sessions::default();
        let (line, said, _ended) = Line::new();
        let session = sessions.open(line);
        drop(said);
        sessions.tell(session, WELCOME);
        assert_eq!(sessions.take_unheard(), [session]);
        assert!(!sessions.has(session));
    }

    #[test]
    fn a_stream_ends_once_and_with_its_reason() {
        let mut sessions = Sessions::default();
        let (line, _said, mut ended) = Line::new();
        let session = sessions.open(line);
        assert!(sessions.close(session, LineEnd::Superseded));
        assert!(!sessions.close(session, LineEnd::HungUp));
        let fault = ended.try_recv().unwrap().fault().unwrap();
        assert_eq!(fault.reason(), "SESSION_SUPERSEDED");
        assert!(LineEnd::HungUp.fault().is_none());
    }
}
