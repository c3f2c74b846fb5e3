//! No attempt is started twice, nor two attempts for one Device: neither by a gateway that kept its memory, nor by
//! one that lost it, because then nobody knows how far the attempt came and it is not offered again.

use std::collections::{BTreeMap, BTreeSet};

use dco_block::Eui64;
use dco_engine::AttemptRef;

use super::{Breach, Checker};
use crate::happened::Happened;

/// What each gateway has ever started, and what each Device is at.
#[derive(Debug, Default)]
pub(super) struct StartedOnce {
    started: BTreeSet<(Eui64, AttemptRef)>,
    in_hand: BTreeMap<(Eui64, Eui64), AttemptRef>,
}

impl Checker for StartedOnce {
    fn promise(&self) -> &'static str {
        "no attempt is started twice, nor two attempts for one Device"
    }

    fn see(&mut self, happened: &Happened<'_>) -> Result<(), Breach> {
        match *happened {
            Happened::AttemptStarted { gateway, attempt } => {
                let device = attempt.activation.device;
                if let Some(other) = self.in_hand.insert((gateway, device), attempt) {
                    return Err(format!("{attempt:?} is started while {other:?} is in hand"));
                }
                if !self.started.insert((gateway, attempt)) {
                    return Err(format!("{gateway} has started {attempt:?} before"));
                }
            }
            Happened::AttemptLeft { gateway, attempt } => {
                self.in_hand.remove(&(gateway, attempt.activation.device));
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use dco_block::Eui64;

    use super::StartedOnce;
    use crate::checkers::history::{attempt, broken, kept};
    use crate::happened::Happened;

    const GATEWAY: Eui64 = Eui64::from_bits(5);

    fn started(number: u16) -> Happened<'static> {
        Happened::AttemptStarted {
            gateway: GATEWAY,
            attempt: attempt(0, number),
        }
    }

    fn left(number: u16) -> Happened<'static> {
        Happened::AttemptLeft {
            gateway: GATEWAY,
            attempt: attempt(0, number),
        }
    }

    #[test]
    fn the_same_attempt_never_starts_again() {
        let mut checker = StartedOnce::default();
        kept(&mut checker, &started(1));
        kept(&mut checker, &left(1));
        kept(&mut checker, &started(2));
        kept(&mut checker, &left(2));
        broken(&mut checker, &started(1));
    }

    #[test]
    fn two_attempts_in_hand_for_one_device_are_seen() {
        let mut checker = StartedOnce::default();
        kept(&mut checker, &started(1));
        broken(&mut checker, &started(2));
    }
}
