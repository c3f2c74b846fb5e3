//! Why is this waiting, and until when? The engine's facts, in words.

use dco_block::Eui64;
use dco_engine::{
    ActivationState, ActivationView, CanaryView, Distrust, Explanation, Hold, Scope, Stage,
};
use dco_proto::v1 as pb;
use dco_schedule::Micros;

use super::{activation::activation, for_people, instant, past};

/// An explanation as it goes out.
pub(crate) fn explanation(explanation: &Explanation) -> pb::Explanation {
    pb::Explanation {
        activation: Some(activation(&explanation.activation)),
        holds: explanation.holds.iter().map(hold).collect(),
        ahead_count: explanation.ahead_count,
        in_security_lane: explanation.in_security_lane,
        earliest_time: explanation.earliest_us.map(instant),
        predicted_release_time: explanation.predicted_release_us.map(instant),
        due_time: Some(instant(explanation.due_us)),
        summary: summary(explanation),
    }
}

fn hold(hold: &Hold) -> pb::Hold {
    let Words {
        reason,
        message,
        until_us,
        remedy,
    } = words(hold);
    pb::Hold {
        reason: reason.to_owned(),
        message,
        until_time: until_us.map(instant),
        remedy: remedy.to_owned(),
    }
}

struct Words {
    reason: &'static str,
    message: String,
    until_us: Option<Micros>,
    remedy: &'static str,
}

impl Words {
    fn until(reason: &'static str, until_us: Micros, message: &str, remedy: &'static str) -> Self {
        Self {
            reason,
            message: message.to_owned(),
            until_us: Some(until_us),
            remedy,
        }
    }

    fn event(reason: &'static str, message: String, remedy: &'static str) -> Self {
        Self {
            reason,
            message,
            until_us: None,
            remedy,
        }
    }
}

fn words(hold: &Hold) -> Words {
    match *hold {
        Hold::DispatchPaused {
            scope,
            since_us,
            ref ticket,
            ref reason,
        } => dispatch_paused(scope, since_us, (ticket, reason)),
        Hold::ImageQuarantined { since_us } => quarantined(since_us),
        Hold::NotAllowed(ref distrust) => not_allowed(distrust),
        Hold::Canary(canary) => waits_for_canary(canary),
        Hold::GatewayFailing { gateway, until_us } => gateway_failing(gateway, until_us),
        Hold::ServiceDayNotStarted { until_us } => Words::until(
            "SERVICE_DAY_NOT_STARTED",
            until_us,
            "the service day it was sent for has not started",
            "none is needed: it is queued when that day starts",
        ),
        Hold::SystemDailyCapacityUsed { until_us } => Words::until(
            "SYSTEM_DAILY_CAPACITY_USED",
            until_us,
            "the large images that the system may release today are used",
            "none is needed: it stays queued for the next service day and keeps its due time",
        ),
        Hold::SecurityLaneUsed { limit, until_us } => security_lane_used(limit, until_us),
        Hold::OutsideWindow { until_us } => Words::until(
            "OUTSIDE_WINDOW",
            until_us,
            "the delivery schedule it was sent under has hours, and this is none of them",
            "none is needed: it goes in the next of these hours and keeps its due time",
        ),
        Hold::Paced { until_us } => Words::until(
            "PACED",
            until_us,
            "today's releases are spread over the day and the next is not due yet",
            "none is needed",
        ),
        Hold::BehindOthers { ahead_count } => behind_others(ahead_count),
        Hold::GatewayNotConnected { gateway } => Words::event(
            "GATEWAY_NOT_CONNECTED",
            format!("gateway {gateway}, which reaches the Device, is not connected"),
            "ask the SMETS1 Service Provider of the gateway",
        ),
        Hold::GatewayRateReached { gateway, until_us } => rate_reached(gateway, until_us),
        // How many that is says something about other Users.
        Hold::GatewayBusy { gateway, .. } => Words::event(
            "GATEWAY_BUSY",
            format!("gateway {gateway} has as many attempts under way as it takes"),
            "none is needed: it goes when one of them ends",
        ),
        Hold::RetryBackoff { until_us } => Words::until(
            "RETRY_BACKOFF",
            until_us,
            "the last attempt failed and the wait before the next one is not over",
            "none is needed",
        ),
        Hold::ExecutionTimeNotReached { until_us } => Words::until(
            "EXECUTION_TIME_NOT_REACHED",
            until_us,
            "the Device has the image and activates it at the execution time",
            "none is needed; cancel the batch to call it back before then",
        ),
        Hold::AttemptUnderWay { until_us } => Words::until(
            "ATTEMPT_UNDER_WAY",
            until_us,
            "an attempt is under way; without an outcome it is taken to have failed then",
            "none is needed",
        ),
    }
}

fn dispatch_paused(scope: Scope, since_us: Micros, why: (&str, &str)) -> Words {
    Words::event(
        paused_reason(scope),
        paused(scope, since_us, why),
        "ask the Service Desk; all goes on when they resume",
    )
}

fn waits_for_canary(canary: CanaryView) -> Words {
    let CanaryView {
        wanted, succeeded, ..
    } = canary;
    Words::event(
        "CANARY",
        format!(
            "the first {wanted} Devices of its batch, or under its schedule, must succeed with the image before the rest is released; {succeeded} have"
        ),
        "none is needed while they are under way; if one is given up, ask the Service Desk",
    )
}

/// Where none of its own User's go first, others' turn is what it waits for.
fn behind_others(ahead_count: u64) -> Words {
    let (message, remedy) = match ahead_count {
        0 => (
            "it is the first of its User in line, and other Users have their turn before"
                .to_owned(),
            "none is needed: it goes when it is its User's turn",
        ),
        _ => (
            format!("{ahead_count} activations of the same User that are due earlier go first"),
            "cancel what is less urgent",
        ),
    };
    Words::event("BEHIND_OTHERS", message, remedy)
}

/// While one attempt tries it, nobody knows when the others go on.
fn gateway_failing(gateway: Eui64, until_us: Option<Micros>) -> Words {
    let then = match until_us {
        Some(_) => "then one will try it",
        None => "one tries it now",
    };
    Words {
        reason: "GATEWAY_FAILING",
        message: format!(
            "attempts through gateway {gateway}, which reaches the Device, failed in a row; {then}"
        ),
        until_us,
        remedy: "none is needed: all goes on when one attempt comes through",
    }
}

fn rate_reached(gateway: Eui64, until_us: Micros) -> Words {
    let message = format!("as many attempts have left for gateway {gateway} as its rate allows");
    let remedy = "none is needed: it goes when the next one may leave";
    Words::until("GATEWAY_RATE_REACHED", until_us, &message, remedy)
}

fn security_lane_used(limit: u32, until_us: Micros) -> Words {
    let message = format!("the security lane has released the {limit} units that it may today");
    let remedy = "none is needed: it waits in line as others do, and goes first again on the next service day";
    Words::until("SECURITY_LANE_USED", until_us, &message, remedy)
}

fn quarantined(since_us: Micros) -> Words {
    let since = past(since_us);
    Words::event(
        "IMAGE_QUARANTINED",
        format!("what is kept of the image was found damaged at {since}"),
        "send the image again with a new transfer; once that is STORED all goes on",
    )
}

/// The list is the operators'; which version a Device runs is the User's.
fn not_allowed(distrust: &Distrust) -> Words {
    let remedy = match distrust {
        Distrust::NotListed | Distrust::NotForDevice => {
            "ask the Service Desk; it goes on when the Central Products List has an entry for it"
        }
        Distrust::NotActive { .. } => {
            "cancel it, or wait: it goes on when the image is Active on the Central Products List again"
        }
        Distrust::PathwayClosed { .. } => {
            "cancel it and send the Device a version of the pathway first"
        }
    };
    Words::event(distrust.reason(), distrust.to_string(), remedy)
}

/// The stable word for a pause.
pub(crate) const fn paused_reason(scope: Scope) -> &'static str {
    match scope {
        Scope::All => "DISPATCH_PAUSED",
        Scope::User(_) => "USER_PAUSED",
        Scope::Image(_) => "IMAGE_PAUSED",
        Scope::Gateway(_) => "GATEWAY_PAUSED",
        Scope::Schedule(_) => "SCHEDULE_PAUSED",
        Scope::Batch { .. } => "BATCH_PAUSED",
    }
}

/// Whether it was an officer or a rule that counts attempts of all Users is not said.
fn paused(scope: Scope, since_us: Micros, (ticket, reason): (&str, &str)) -> String {
    let mut text = format!("{scope} are paused since {}", past(since_us));
    if !ticket.is_empty() {
        text += &format!(", ticket {ticket}");
    }
    if !reason.is_empty() {
        text += &format!(": {reason}");
    }
    text
}

fn summary(explanation: &Explanation) -> String {
    let view = &explanation.activation;
    let mut text = format!("Device {} {}", view.device, standing(view));
    if let Some(strongest) = explanation.holds.first() {
        text += ": ";
        text += &words(strongest).message;
    }
    if let Some(at_us) = explanation.predicted_release_us {
        text += &format!("; its release is expected at {}", for_people(at_us));
    }
    text + "."
}

fn standing(view: &ActivationView) -> String {
    let outcome = view
        .outcome
        .map_or_else(String::new, |outcome| format!(" ({outcome})"));
    match view.state {
        ActivationState::Parked => "is parked".to_owned(),
        ActivationState::Queued => "is queued".to_owned(),
        ActivationState::Released(stage) => {
            format!(
                "has attempt {} under way, {}",
                view.attempt,
                progress(stage)
            )
        }
        ActivationState::RetryWait { until_us } => {
            format!(
                "waits until {} before another attempt{outcome}",
                for_people(until_us)
            )
        }
        ActivationState::Succeeded => format!("is done{outcome}"),
        ActivationState::Failed => format!("was given up after attempt {}{outcome}", view.attempt),
        ActivationState::Cancelled => "is cancelled".to_owned(),
    }
}

fn progress(stage: Stage) -> String {
    match stage {
        Stage::Offered => "offered to its gateway".to_owned(),
        Stage::Accepted => "accepted by its gateway".to_owned(),
        Stage::Transferring { blocks_done } => format!("with {blocks_done} blocks delivered"),
        Stage::Delivered => "with the whole image delivered".to_owned(),
        Stage::Scheduled => "with the whole image at the Device".to_owned(),
        Stage::Unknown => "how far is not known because its gateway is away".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explain(state: ActivationState, holds: Vec<Hold>) -> String {
        summary(&Explanation {
            activation: ActivationView {
                user: Eui64::from_bits(1),
                batch: 1,
                device: Eui64::from_bits(0x90B3_D51F_3001_0000),
                state,
                attempt: 2,
                outcome: None,
                released_us: None,
                ended_us: None,
                message: String::new(),
                running_version: None,
                device_image_hash: None,
                may_have_image: false,
            },
            holds,
            ahead_count: None,
            in_security_lane: false,
            earliest_us: None,
            predicted_release_us: Some(86_400_000_000),
            due_us: 0,
        })
    }

    #[test]
    fn one_sentence_says_where_it_stands_why_and_until_when() {
        let until_us = 3_600_000_000;
        assert_eq!(
            explain(
                ActivationState::Queued,
                vec![Hold::SystemDailyCapacityUsed { until_us }]
            ),
            "Device 90-B3-D5-1F-30-01-00-00 is queued: the large images that the system may release \
             today are used; its release is expected at 1970-01-02T00:00:00Z."
        );
        assert_eq!(
            explain(ActivationState::RetryWait { until_us }, Vec::new()),
            "Device 90-B3-D5-1F-30-01-00-00 waits until 1970-01-01T01:00:00Z before another attempt; \
             its release is expected at 1970-01-02T00:00:00Z."
        );
    }

    #[test]
    fn instants_in_sentences_have_whole_seconds_and_are_never_too_early() {
        let told = |at_us| for_people(at_us).to_string();
        assert_eq!(told(1_000_000), "1970-01-01T00:00:01Z");
        assert_eq!(told(1_000_001), "1970-01-01T00:00:02Z");
        assert_eq!(told(1_999_999), "1970-01-01T00:00:02Z");
        let until_us = 3_600_000_001;
        let sentence = explain(ActivationState::RetryWait { until_us }, Vec::new());
        assert!(
            sentence.contains("until 1970-01-01T01:00:01Z before"),
            "{sentence}"
        );
    }

    #[test]
    fn a_pause_says_what_it_is_for_and_begins_in_the_second_in_which_it_began() {
        let said = |ticket: &str, reason: &str| {
            hold(&Hold::DispatchPaused {
                scope: Scope::All,
                since_us: 1_999_999,
                ticket: ticket.to_owned(),
                reason: reason.to_owned(),
            })
            .message
        };
        let since = "all releases are paused since 1970-01-01T00:00:01Z";
        let jumped = "the clock jumped ahead by 121 minutes";
        assert_eq!(said("", jumped), format!("{since}: {jumped}"));
        assert_eq!(said("INC-1", ""), format!("{since}, ticket INC-1"));
        let since_us = 1_999_999;
        let damaged = hold(&Hold::ImageQuarantined { since_us }).message;
        assert!(damaged.ends_with("at 1970-01-01T00:00:01Z"), "{damaged}");
    }

    #[test]
    fn a_user_is_not_told_how_much_others_have_under_way() {
        let busy = hold(&Hold::GatewayBusy {
            gateway: Eui64::from_bits(0x90B3_D51F_3003_0000),
            attempt_count: 7_777,
        });
        assert!(!busy.message.contains("7777"), "{}", busy.message);
        let attempts = "gateway 90-B3-D5-1F-30-03-00-00 has as many attempts under way as it takes";
        assert_eq!(busy.message, attempts);
    }

    #[test]
    fn every_hold_says_what_would_free_it() {
        let gateway = Eui64::from_bits(2);
        for one in [
            Hold::DispatchPaused {
                scope: Scope::Gateway(gateway),
                since_us: 1,
                ticket: String::new(),
                reason: String::new(),
            },
            Hold::Canary(CanaryView {
                wanted: 3,
                succeeded: 1,
                failed: 0,
                passed: false,
            }),
            Hold::GatewayFailing {
                gateway,
                until_us: Some(1),
            },
            Hold::GatewayFailing {
                gateway,
                until_us: None,
            },
            Hold::NotAllowed(Distrust::NotListed),
            Hold::NotAllowed(Distrust::NotForDevice),
            Hold::ServiceDayNotStarted { until_us: 1 },
            Hold::SystemDailyCapacityUsed { until_us: 1 },
            Hold::SecurityLaneUsed {
                limit: 300,
                until_us: 1,
            },
            Hold::OutsideWindow { until_us: 1 },
            Hold::Paced { until_us: 1 },
            Hold::BehindOthers { ahead_count: 0 },
            Hold::BehindOthers { ahead_count: 1 },
            Hold::GatewayNotConnected { gateway },
            Hold::GatewayRateReached {
                gateway,
                until_us: 1,
            },
            Hold::GatewayBusy {
                gateway,
                attempt_count: 3,
            },
            Hold::RetryBackoff { until_us: 1 },
            Hold::AttemptUnderWay { until_us: 1 },
        ] {
            let told = hold(&one);
            assert!(
                !told.message.is_empty() && !told.remedy.is_empty(),
                "{one:?}"
            );
            let said = format!("{one:?}");
            let ends = said.contains("until_us") && !said.contains("until_us: None");
            assert_eq!(ends, told.until_time.is_some(), "{one:?}");
        }
    }
}
