//! What gateways say, and what they are told.

use bytes::Bytes;
use dco_engine::{AttemptEnd, AttemptRef, Hello, MESSAGE_BYTES_MAX, Outcome, Report, ToGateway};
use dco_proto::v1 as pb;
use dco_schedule::one_line;
use pb::outcome::Result as PbResult;

use super::name::{self, OfUser};
use super::{firmware_version, instant, manufacturer_image_hash, transfer};
use crate::GATEWAY_ATTEMPTS_MAX;
use crate::status::Fault;

const MEMORY_ID_CHARS_MAX: usize = 100;

/// What a gateway may hold: as many attempts as it can have under way, and as many outcomes of earlier
/// ones that were not noted.
const HELLO_ENTRIES_MAX: usize = GATEWAY_ATTEMPTS_MAX as usize;

/// A hello, with its lists bounded.
pub(crate) fn hello(hello: pb::Hello) -> Result<Hello, Fault> {
    let is_visible = hello.memory_id.bytes().all(|it| it.is_ascii_graphic());
    if !is_visible || !(1..=MEMORY_ID_CHARS_MAX).contains(&hello.memory_id.len()) {
        let message = format!(
            "memory_id must be 1 to {MEMORY_ID_CHARS_MAX} visible ASCII characters, without spaces, such as a UUID"
        );
        return Err(Fault::argument("HELLO_INVALID", "hello.memory_id", message));
    }
    if !(1..=GATEWAY_ATTEMPTS_MAX).contains(&hello.concurrency) {
        let message = format!("concurrency must be from 1 to {GATEWAY_ATTEMPTS_MAX}");
        return Err(Fault::argument(
            "HELLO_INVALID",
            "hello.concurrency",
            message,
        ));
    }
    bounded("hello.attempts", hello.attempts.len())?;
    bounded("hello.outcomes", hello.outcomes.len())?;
    Ok(Hello {
        memory_id: hello.memory_id,
        attempts: hello
            .attempts
            .into_iter()
            .map(|one| attempt(Some(one)))
            .collect::<Result<_, _>>()?,
        outcomes: hello
            .outcomes
            .into_iter()
            .map(outcome)
            .collect::<Result<_, _>>()?,
        concurrency: hello.concurrency,
    })
}

/// What a gateway says after its hello.
pub(crate) fn report(request: pb::ConnectRequest) -> Result<(AttemptRef, Report), Fault> {
    use pb::connect_request::Kind;
    match request.kind {
        Some(Kind::Accept(accept)) => Ok((attempt(accept.attempt)?, Report::Accepted)),
        Some(Kind::Decline(decline)) => {
            let message = cut(decline.message);
            Ok((attempt(decline.attempt)?, Report::Declined { message }))
        }
        Some(Kind::Progress(progress)) => {
            let blocks_done = progress.blocks_done;
            Ok((attempt(progress.attempt)?, Report::Progress { blocks_done }))
        }
        Some(Kind::Delivered(delivered)) => Ok((attempt(delivered.attempt)?, Report::Delivered)),
        Some(Kind::Scheduled(scheduled)) => Ok((attempt(scheduled.attempt)?, Report::Scheduled)),
        Some(Kind::Outcome(one)) => {
            let (attempt, end) = outcome(one)?;
            Ok((attempt, Report::Ended(end)))
        }
        Some(Kind::Hello(_)) => Err(Fault::out_of_turn(
            "a hello is the first message of a stream; open a new stream for a new hello",
        )),
        None => Err(Fault::out_of_turn("a message without content")),
    }
}

/// What a gateway is told.
pub(crate) fn told(message: ToGateway) -> pb::ConnectResponse {
    use pb::connect_response::Kind;
    let kind = match message {
        ToGateway::Welcome { now_us } => Kind::Welcome(pb::Welcome {
            now: Some(instant(now_us)),
        }),
        ToGateway::Offer(offer) => Kind::Offer(pb::Offer {
            attempt: Some(attempt_ref(&offer.attempt)),
            device: offer.attempt.activation.device.to_string(),
            manifest: Some(transfer::manifest(&offer.manifest)),
            answer_by_time: Some(instant(offer.answer_by_us)),
            read_version_first: offer.read_version_first,
            execution_time: offer.execute_us.map(instant),
        }),
        ToGateway::Noted(attempt) => Kind::Noted(attempt_ref(&attempt)),
        ToGateway::Withdrawn(attempt) => Kind::Withdrawn(attempt_ref(&attempt)),
        ToGateway::Cancel(attempt) => Kind::Cancel(attempt_ref(&attempt)),
    };
    pb::ConnectResponse { kind: Some(kind) }
}

/// A block as it goes out.
pub(crate) fn block(index: u32, data: Bytes) -> pb::Block {
    pb::Block {
        index,
        crc32: dco_block::crc32(&data),
        data,
    }
}

fn bounded(field: &'static str, entries: usize) -> Result<(), Fault> {
    if entries <= HELLO_ENTRIES_MAX {
        return Ok(());
    }
    let message = format!("{field} has {entries} entries, at most {HELLO_ENTRIES_MAX} are allowed");
    Err(Fault::argument("HELLO_INVALID", field, message))
}

fn attempt_ref(attempt: &AttemptRef) -> pb::AttemptRef {
    pb::AttemptRef {
        activation: name::activation(&attempt.activation),
        attempt: attempt.attempt.into(),
    }
}

fn attempt(attempt: Option<pb::AttemptRef>) -> Result<AttemptRef, Fault> {
    let invalid = |message: String| Fault::argument("ATTEMPT_INVALID", "attempt", message);
    let attempt = attempt.ok_or_else(|| invalid("attempt is missing".to_owned()))?;
    let number = u16::try_from(attempt.attempt)
        .ok()
        .filter(|number| *number > 0);
    Ok(AttemptRef {
        activation: OfUser::read(&attempt.activation, "attempt.activation")?.activation()?,
        attempt: number.ok_or_else(|| {
            invalid(format!(
                "attempt {} is not a number from 1 to 65535",
                attempt.attempt
            ))
        })?,
    })
}

fn outcome(outcome: pb::Outcome) -> Result<(AttemptRef, AttemptEnd), Fault> {
    let result = result(outcome.result())?;
    let version = Some(outcome.running_version).filter(|text| !text.is_empty());
    let hash = Some(outcome.device_image_hash).filter(|octets| !octets.is_empty());
    let end = AttemptEnd {
        outcome: result,
        nothing_sent: outcome.nothing_sent,
        running_version: version
            .map(|text| firmware_version(&text, "outcome.running_version"))
            .transpose()?,
        device_image_hash: hash
            .map(|octets| manufacturer_image_hash(&octets, "outcome.device_image_hash"))
            .transpose()?,
        message: cut(outcome.message),
    };
    Ok((attempt(outcome.attempt)?, end))
}

fn result(result: PbResult) -> Result<Outcome, Fault> {
    Ok(match result {
        PbResult::Success => Outcome::Success,
        PbResult::AlreadyAtVersion => Outcome::AlreadyAtVersion,
        PbResult::NoImageHeld => Outcome::NoImageHeld,
        PbResult::HashMismatch => Outcome::HashMismatch,
        PbResult::ActivationFailure => Outcome::ActivationFailure,
        PbResult::FirmwareImageDiscarded => Outcome::FirmwareImageDiscarded,
        PbResult::HardwareVersionMismatch => Outcome::HardwareVersionMismatch,
        PbResult::FileTransferFailure => Outcome::FileTransferFailure,
        PbResult::NoAnswer => Outcome::NoAnswer,
        PbResult::DeviceNotReachable => Outcome::DeviceNotReachable,
        PbResult::Cancelled => Outcome::Cancelled,
        PbResult::Unspecified => {
            let message = "result is missing or not one that this service knows";
            return Err(Fault::argument(
                "OUTCOME_INVALID",
                "outcome.result",
                message,
            ));
        }
    })
}

/// Cuts a text to what is kept, never inside a character. Users read it in their terminals, so it is one line
/// and cannot steer them.
fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MESSAGE_BYTES_MAX));
    one_line(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(attempt: u32) -> Option<pb::AttemptRef> {
        Some(pb::AttemptRef {
            activation:
                "users/90-B3-D5-1F-30-01-00-00/batches/7/activations/90-B3-D5-1F-30-01-00-01"
                    .to_owned(),
            attempt,
        })
    }

    #[test]
    fn a_reference_is_read_as_it_is_written() {
        let read = attempt(reference(3)).unwrap();
        assert_eq!(Some(attempt_ref(&read)), reference(3));
        for wrong in [None, reference(0), reference(65_536)] {
            assert_eq!(attempt(wrong).unwrap_err().reason(), "ATTEMPT_INVALID");
        }
    }

    #[test]
    fn every_outcome_but_the_missing_one_is_known() {
        let read = |result| {
            outcome(pb::Outcome {
                attempt: reference(1),
                result,
                ..pb::Outcome::default()
            })
        };
        for number in (1..=10).chain([25]) {
            let (_, end) = read(number).unwrap();
            assert_eq!(end.outcome.number(), u32::try_from(number).unwrap());
        }
        for number in [0, 11, -1] {
            assert_eq!(read(number).unwrap_err().reason(), "OUTCOME_INVALID");
        }
    }

    #[test]
    fn a_hello_is_bounded() {
        let good = pb::Hello {
            memory_id: "a".to_owned(),
            concurrency: 1,
            ..pb::Hello::default()
        };
        assert!(hello(good.clone()).is_ok());
        let wrong = [
            pb::Hello {
                memory_id: String::new(),
                ..good.clone()
            },
            pb::Hello {
                memory_id: "a".repeat(101),
                ..good.clone()
            },
            pb::Hello {
                memory_id: "\u{1b}[31mRED".to_owned(),
                ..good.clone()
            },
            pb::Hello {
                memory_id: "a b".to_owned(),
                ..good.clone()
            },
            pb::Hello {
                memory_id: "a\u{202e}b".to_owned(),
                ..good.clone()
            },
            pb::Hello {
                concurrency: 0,
                ..good.clone()
            },
            pb::Hello {
                concurrency: 10_001,
                ..good.clone()
            },
            pb::Hello {
                attempts: vec![pb::AttemptRef::default(); 10_001],
                ..good.clone()
            },
            pb::Hello {
                outcomes: vec![pb::Outcome::default(); 10_001],
                ..good
            },
        ];
        for one in wrong {
            assert_eq!(hello(one).unwrap_err().reason(), "HELLO_INVALID");
        }
    }

    #[test]
    fn a_second_hello_and_an_empty_message_are_out_of_turn() {
        use pb::connect_request::Kind;
        for kind in [None, Some(Kind::Hello(pb::Hello::default()))] {
            let fault = report(pb::ConnectRequest { kind }).unwrap_err();
            assert_eq!(fault.reason(), "MESSAGE_OUT_OF_TURN");
        }
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let text = cut("ä".repeat(200));
        assert_eq!(text.len(), 250);
        assert_eq!(cut("x".repeat(251)).len(), 250);
        assert_eq!(cut("a\u{1b}[2J\nb".to_owned()), "a [2J b");
        let unseen = "a\u{202e}b\u{200b}c\u{2028}d".to_owned();
        assert_eq!(cut(unseen), "a b c d");
    }
}
