//! Any bytes as a message on the wire: it is no such message, or refused with all that a client needs to act on, or understood; then
//! it says the same when it is written down again, and an engine answers it.
//!
//! The first octet says which message.

mod written;

use dco_engine::{Event, Session};
use dco_server::{Message, Understood, understand};
use tonic_types::StatusExt;

use crate::samples::{GATEWAYS, USERS};
use crate::world::World;

/// One input.
pub fn run(bytes: &[u8]) {
    let Some((which, bytes)) = bytes.split_first() else {
        return;
    };
    let message = Message::ALL[usize::from(*which) % Message::ALL.len()];
    match understand(message, USERS[0], bytes) {
        Ok(None) => {}
        Ok(Some(understood)) => {
            if let Some(again) = written::again(&understood) {
                let again = understand(message, USERS[0], &again).expect("it was good");
                let again = again.expect("it was a message");
                assert_eq!(format!("{again:?}"), format!("{understood:?}"));
            }
            answered(understood);
        }
        Err(status) => {
            let info = status.get_error_details().error_info().cloned();
            let info = info.expect("every refusal has one");
            assert!(info.domain == "dco" && !info.reason.is_empty());
            assert!(!status.message().is_empty() && !status.message().contains('\n'));
        }
    }
}

fn answered(understood: Understood) {
    let mut world = World::new();
    let session = Session(1);
    match understood {
        Understood::Ask(request) => {
            // Refused or not: it is answered.
            let _answer = world.ask(*request);
        }
        Understood::Hello(hello) => world.handle(Event::GatewayHello {
            gateway: GATEWAYS[0],
            session,
            hello,
        }),
        Understood::Report(attempt, report) => {
            assert_ne!(attempt.attempt, 0, "attempts are counted from 1");
            world.handle(Event::GatewayReport {
                session,
                attempt,
                report,
            });
        }
        Understood::Device(entry) => world.import(vec![entry]),
    }
    world.is_what_a_start_gives();
}
