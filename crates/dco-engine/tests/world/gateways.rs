//! What gateways say to it, and what they are told.

use dco_block::Eui64;
use dco_engine::{
    AttemptEnd, AttemptRef, Event, Hello, Offer, Outcome, Report, Session, ToGateway,
};

use super::World;

impl World {
    /// A gateway connects with the memory that it always had, and nothing in hand.
    pub(crate) fn connect(&mut self, gateway: Eui64) -> Session {
        self.hello(gateway, hello("first"))
    }

    pub(crate) fn hello(&mut self, gateway: Eui64, hello: Hello) -> Session {
        let session = Session(self.count());
        self.streams.insert(gateway, session);
        self.handle(Event::GatewayHello {
            gateway,
            session,
            hello,
        });
        session
    }

    /// The stream of a gateway that is connected.
    pub(crate) fn stream(&self, gateway: Eui64) -> Option<Session> {
        self.streams.get(&gateway).copied()
    }

    pub(crate) fn disconnect(&mut self, gateway: Eui64) {
        if let Some(session) = self.streams.remove(&gateway) {
            self.handle(Event::GatewayGone { session });
        }
    }

    pub(crate) fn report(&mut self, session: Session, attempt: AttemptRef, report: Report) {
        self.handle(Event::GatewayReport {
            session,
            attempt,
            report,
        });
    }

    pub(crate) fn end(&mut self, session: Session, attempt: AttemptRef, outcome: Outcome) {
        self.report(session, attempt, Report::Ended(ended(outcome)));
    }

    /// Offers that the test has not looked at, in order; the rest of what was told is dropped.
    pub(crate) fn offers(&mut self) -> Vec<Offer> {
        let told = std::mem::take(&mut self.told);
        let offers = told.into_iter().filter_map(|(_, message)| match message {
            ToGateway::Offer(offer) => Some(offer),
            _ => None,
        });
        offers.collect()
    }

    /// The only offer that the test has not looked at.
    pub(crate) fn offer(&mut self) -> Offer {
        let offers = self.offers();
        assert_eq!(offers.len(), 1, "{offers:?}");
        offers[0].clone()
    }
}

/// A hello with this memory and nothing in hand.
pub(crate) fn hello(memory_id: &str) -> Hello {
    Hello {
        memory_id: memory_id.to_owned(),
        attempts: Vec::new(),
        outcomes: Vec::new(),
        concurrency: 1_000,
    }
}

/// An end about which the gateway says no more.
pub(crate) fn ended(outcome: Outcome) -> AttemptEnd {
    AttemptEnd {
        outcome,
        nothing_sent: false,
        running_version: None,
        device_image_hash: None,
        message: String::new(),
    }
}

/// The habit of a gateway whose Devices all take the image.
pub(crate) fn succeed(_: &Offer) -> Option<Report> {
    Some(Report::Ended(ended(Outcome::Success)))
}
