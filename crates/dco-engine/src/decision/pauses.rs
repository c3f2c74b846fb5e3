//! Pauses, and gateways that are left alone.

use dco_block::Eui64;

use super::agreed::schedule_name;
use super::work::batch_name;
use super::{Decision, DecisionKind};
use crate::event::Scope;
use crate::record::{BreakerChanged, ClockJumped, PauseChanged};
use crate::terms::MINUTE_US;

pub(super) fn changed(what: &'static str, it: &PauseChanged) -> Decision {
    let found = it.stop.map_or_else(String::new, |found| {
        format!(
            "{} of the last {} attempts failed",
            found.failed, found.attempts
        )
    });
    let mut decision = Decision::new(DecisionKind::Pause, what)
        .on(it.of_what().map_or_else(String::new, name))
        .saying(found)
        .because(&it.reason)
        .ticket(&it.ticket)
        .asked_by(it.request.as_ref());
    // 0 is a rule.
    decision.by = Some(it.by).filter(|by| *by != 0).map(Eui64::from_bits);
    decision
}

/// What the record of a pause says itself is not said twice.
pub(super) fn clock_jumped(it: ClockJumped) -> Decision {
    Decision::new(DecisionKind::Pause, "clock jumped ahead")
        .saying(format!("by {} minutes", it.ahead_us / MINUTE_US))
        .because(
            "releases were paused already; see that the clock is right before they are resumed",
        )
}

/// The name of what is paused; empty for all releases.
fn name(scope: Scope) -> String {
    match scope {
        Scope::All => String::new(),
        Scope::User(user) => format!("users/{user}"),
        Scope::Image(hash) => format!("images/{hash}"),
        Scope::Gateway(gateway) => format!("gateways/{gateway}"),
        Scope::Schedule(it) => schedule_name(it.user.bits(), it.number),
        Scope::Batch { user, number } => batch_name(user.bits(), number),
    }
}

pub(super) fn breaker_changed(it: BreakerChanged) -> Decision {
    let (what, text) = match it.probe_us {
        Some(_) => (
            "failing gateway left alone",
            format!("{} attempts in a row failed there", it.failures),
        ),
        None => ("gateway used again", String::new()),
    };
    Decision::new(DecisionKind::Event, what)
        .on(format!("gateways/{}", Eui64::from_bits(it.gateway)))
        .saying(text)
}
