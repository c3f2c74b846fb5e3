//! Gateways' streams: in order both ways, until they break; then both ends notice, each in its own time. What was
//! on its way may still arrive before that, so what one stream said can come after what a newer one said.

use dco_engine::{AttemptRef, Event, HOUR_US, Report, SECOND_US, Session, ToGateway};
use dco_schedule::Micros;

use super::{Item, Said, World};
use crate::happened::Happened;

/// One stream of one gateway.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) gateway: usize,
    life: u32,
    /// Nothing arrives after this; nothing more is sent on a stream that has an end.
    ends_us: Option<Micros>,
    /// The service has noticed the end.
    is_over: bool,
    /// When the last message arrives: a later one comes after it.
    to_service_us: Micros,
    to_gateway_us: Micros,
}

impl Stream {
    /// Whether something can still arrive.
    fn carries(&self, now_us: Micros) -> bool {
        self.ends_us.is_none_or(|ends_us| now_us <= ends_us)
    }
}

impl World {
    /// A gateway without a stream opens one and says what it has in hand.
    pub(super) fn connect(&mut self, gateway: usize) {
        if self.gateways[gateway].session.is_some() {
            return;
        }
        if self.dice.chance(self.faults.memory_lost) {
            self.forget(gateway);
        }
        let Some(service) = &self.service else {
            let wait_us = self.dice.between(SECOND_US..=300 * SECOND_US);
            self.after(wait_us, Item::GatewayConnects { gateway });
            return;
        };
        let last = self.streams.last_key_value();
        let session = Session(last.map_or(1, |(session, _)| session.0 + 1));
        let stream = Stream {
            gateway,
            life: service.life,
            ends_us: None,
            is_over: false,
            to_service_us: self.now_us,
            to_gateway_us: self.now_us,
        };
        self.streams.insert(session, stream);
        let it = &mut self.gateways[gateway];
        it.session = Some(session);
        let hello = it.hello();
        self.watch
            .note(format_args!("{session:?} of gateway {gateway}: {hello:?}"));
        self.say_to_service(session, Said::Hello(hello));
    }

    fn forget(&mut self, gateway: usize) {
        let it = &mut self.gateways[gateway];
        let eui = it.eui;
        self.watch
            .note(format_args!("gateway {gateway} has lost its memory"));
        for attempt in it.forget() {
            let gateway = eui;
            self.watch.show(&Happened::AttemptLeft { gateway, attempt });
        }
    }

    /// Reports on a gateway's stream, if it thinks that it has one.
    pub(super) fn report(&mut self, gateway: usize, attempt: AttemptRef, report: Report) {
        if let Some(session) = self.gateways[gateway].session {
            self.say_to_service(session, Said::Report(attempt, report));
        }
    }

    fn say_to_service(&mut self, session: Session, said: Said) {
        let delay_us = self.delay_us();
        if self.breaks_now(session) {
            return;
        }
        let Some(stream) = self.streams.get_mut(&session) else {
            return;
        };
        stream.to_service_us = stream.to_service_us.max(self.now_us + delay_us);
        self.agenda
            .put(stream.to_service_us, Item::ToService { session, said });
    }

    /// Says something on a stream to its gateway.
    pub(super) fn say_to_gateway(&mut self, session: Session, message: ToGateway) {
        let delay_us = self.delay_us();
        let Some(stream) = self.streams.get_mut(&session) else {
            return;
        };
        let gateway = self.gateways[stream.gateway].eui;
        self.watch.show(&Happened::Told {
            gateway,
            message: &message,
        });
        if self.breaks_now(session) {
            return;
        }
        let Some(stream) = self.streams.get_mut(&session) else {
            return;
        };
        stream.to_gateway_us = stream.to_gateway_us.max(self.now_us + delay_us);
        self.agenda
            .put(stream.to_gateway_us, Item::ToGateway { session, message });
    }

    /// Whether the stream is broken, or breaks with this message.
    fn breaks_now(&mut self, session: Session) -> bool {
        let breaks = self.dice.chance(self.faults.stream_breaks);
        if breaks {
            self.break_stream(session);
        }
        self.streams
            .get(&session)
            .is_none_or(|it| it.ends_us.is_some())
    }

    /// A stream breaks: what is on its way in it is lost, from some instant on.
    pub(super) fn break_stream(&mut self, session: Session) {
        let ends_us = self.now_us + self.delay_us();
        let Some(stream) = self.streams.get_mut(&session) else {
            return;
        };
        if stream.ends_us.is_some() {
            return;
        }
        stream.ends_us = Some(ends_us);
        self.watch.note(format_args!("{session:?} breaks"));
        let (here_us, there_us) = (self.notices_after_us(), self.notices_after_us());
        self.after(here_us, Item::ServiceSeesEnd { session });
        self.after(there_us, Item::GatewaySeesEnd { session });
    }

    /// The service is gone, so all its streams are.
    pub(super) fn break_all_streams(&mut self) {
        let sessions: Vec<_> = self.streams.keys().copied().collect();
        for session in sessions {
            self.break_stream(session);
        }
    }

    fn notices_after_us(&mut self) -> Micros {
        if self.dice.chance(700) {
            self.dice.between(0..=2 * SECOND_US)
        } else {
            self.dice.between(0..=600 * SECOND_US)
        }
    }

    /// A message of a gateway arrives, if its stream is whole and of this life of the service.
    pub(super) fn hear_gateway(&mut self, session: Session, said: Said) {
        let Some(stream) = self
            .streams
            .get(&session)
            .filter(|it| it.carries(self.now_us))
        else {
            return;
        };
        if stream.is_over || self.service.as_ref().map(|it| it.life) != Some(stream.life) {
            return;
        }
        let gateway = self.gateways[stream.gateway].eui;
        let event = match said {
            Said::Hello(hello) => {
                for (attempt, end) in &hello.outcomes {
                    self.show_end(*attempt, end.nothing_sent);
                }
                let said = Happened::SaidHello {
                    gateway,
                    hello: &hello,
                };
                self.watch.show(&said);
                Event::GatewayHello {
                    gateway,
                    session,
                    hello,
                }
            }
            Said::Report(attempt, report) => {
                match &report {
                    Report::Declined { .. } => self.show_end(attempt, true),
                    Report::Ended(end) => self.show_end(attempt, end.nothing_sent),
                    Report::Accepted
                    | Report::Progress { .. }
                    | Report::Delivered
                    | Report::Scheduled => {}
                }
                Event::GatewayReport {
                    session,
                    attempt,
                    report,
                }
            }
        };
        self.tell(event);
    }

    fn show_end(&mut self, attempt: AttemptRef, nothing_sent: bool) {
        self.watch.show(&Happened::ReportedEnd {
            attempt,
            nothing_sent,
        });
    }

    /// A message of the service arrives at a gateway, if its stream is whole and the one it listens to.
    pub(super) fn hear_service(&mut self, session: Session, message: ToGateway) {
        let Some(stream) = self
            .streams
            .get(&session)
            .filter(|it| it.carries(self.now_us))
        else {
            return;
        };
        let gateway = stream.gateway;
        if self.gateways[gateway].session == Some(session) {
            self.gateway_hears(gateway, message);
        }
    }

    /// The service notices that a stream has ended.
    pub(super) fn service_sees_end(&mut self, session: Session) {
        let now_us = self.service_now_us();
        let Some(stream) = self.streams.get_mut(&session) else {
            return;
        };
        stream.is_over = true;
        let life = Some(stream.life);
        if let Some(service) = &mut self.service
            && Some(service.life) == life
        {
            service.gateway_gone(session, now_us);
        }
    }

    /// A gateway notices that its stream has ended, and will open another.
    pub(super) fn gateway_sees_end(&mut self, session: Session) {
        let Some(gateway) = self.streams.get(&session).map(|it| it.gateway) else {
            return;
        };
        let it = &mut self.gateways[gateway];
        if it.session == Some(session) {
            it.session = None;
            let wait_us = if self.dice.chance(self.faults.away) {
                self.dice.between(0..=12 * HOUR_US)
            } else {
                self.notices_after_us()
            };
            self.after(wait_us, Item::GatewayConnects { gateway });
        }
    }
}
