//! How simulated meters and their links fail: at what rate, and the same way in every run.

use std::collections::BTreeMap;
use std::time::Duration;

use dco_block::Eui64;
use sha2::{Digest, Sha256};

use crate::meter::Defect;

/// What goes wrong in one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing goes wrong with the meter, but it has been brought to the version by other means.
    AlreadyAtVersion,
    /// The meter does not answer its gateway.
    NoAnswer,
    /// The link breaks midway, before a block that the roll chooses; the meter keeps what it has.
    FileTransferFailure,
    /// The gateway cannot reach the meter at all.
    NotReachable,
    /// Something inside the meter is broken.
    Meter(Defect),
}

/// Attempts in a thousand that go wrong in each way. The rest go well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// [`Fault::AlreadyAtVersion`].
    pub already_at_version: u16,
    /// [`Fault::NoAnswer`].
    pub no_answer: u16,
    /// [`Fault::FileTransferFailure`].
    pub file_transfer_failure: u16,
    /// [`Fault::NotReachable`].
    pub not_reachable: u16,
    /// [`Defect::OtherHardware`].
    pub hardware_mismatch: u16,
    /// [`Defect::DamagesHeader`].
    pub image_discarded: u16,
    /// [`Defect::DamagesImage`].
    pub hash_mismatch: u16,
    /// [`Defect::ForgetsImage`].
    pub no_image_held: u16,
    /// [`Defect::FailsActivation`].
    pub activation_failure: u16,
}

/// Why rates make no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{per_thousand} of a thousand attempts would fail; the rates together are at most 1000")]
pub struct RatesOverThousand {
    /// All rates together.
    pub per_thousand: u32,
}

/// Which attempts go wrong, and how: a pure function of seed, Device and attempt number.
#[derive(Clone, Debug, Default)]
pub struct Behaviour {
    seed: u64,
    rates: Rates,
    fixed: BTreeMap<Eui64, Fixed>,
}

/// What one attempt has been dealt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What goes wrong; `None` when all goes well.
    pub fault: Option<Fault>,
    roll: u64,
}

/// How long things take. All zero in tests of what happens, as nothing depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// One question to a meter and its answer.
    pub exchange: Duration,
    /// One block to a meter and its acknowledgement.
    pub block: Duration,
    /// The restart of a meter with the new firmware.
    pub activation: Duration,
    /// After this the gateway gives a silent meter up and reports that it did not answer. `None`:
    /// it never gives up, and only the DCO can end the attempt.
    pub no_answer_after: Option<Duration>,
    /// Before the first try to reach the DCO again; doubled for each further one.
    pub reconnect_min: Duration,
    /// The longest wait before the next try.
    pub reconnect_max: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Fixed {
    fault: Option<Fault>,
    last_attempt: u32,
}

impl Rates {
    /// Every fault with its rate, in the order in which a roll is dealt out.
    fn dealt(&self) -> [(u16, Fault); 9] {
        [
            (self.already_at_version, Fault::AlreadyAtVersion),
            (self.no_answer, Fault::NoAnswer),
            (self.file_transfer_failure, Fault::FileTransferFailure),
            (self.not_reachable, Fault::NotReachable),
            (self.hardware_mismatch, Fault::Meter(Defect::OtherHardware)),
            (self.image_discarded, Fault::Meter(Defect::DamagesHeader)),
            (self.hash_mismatch, Fault::Meter(Defect::DamagesImage)),
            (self.no_image_held, Fault::Meter(Defect::ForgetsImage)),
            (
                self.activation_failure,
                Fault::Meter(Defect::FailsActivation),
            ),
        ]
    }
}

impl Behaviour {
    /// Faults at these rates. Another seed lets them befall other attempts.
    pub fn new(seed: u64, rates: Rates) -> Result<Self, RatesOverThousand> {
        let per_thousand = rates.dealt().iter().map(|(rate, _)| u32::from(*rate)).sum();
        if per_thousand > THOUSAND {
            return Err(RatesOverThousand { per_thousand });
        }
        Ok(Self {
            seed,
            rates,
            fixed: BTreeMap::new(),
        })
    }

    /// A gateway whose meters all do as they are told.
    pub fn faultless() -> Self {
        Self::default()
    }

    /// Decides for one Device, whatever the rates: this fault, or none, in every attempt.
    pub fn always(self, device: Eui64, fault: Option<Fault>) -> Self {
        self.until(device, fault, u32::MAX)
    }

    /// Decides for the attempts of one Device up to and including `last_attempt`; the rates decide
    /// for later ones.
    pub fn until(mut self, device: Eui64, fault: Option<Fault>, last_attempt: u32) -> Self {
        self.fixed.insert(
            device,
            Fixed {
                fault,
                last_attempt,
            },
        );
        self
    }

    /// What an attempt has been dealt: the same whenever it is asked.
    pub fn plan(&self, device: Eui64, attempt: u32) -> Plan {
        let roll = self.roll(device, attempt);
        let fixed = self
            .fixed
            .get(&device)
            .filter(|fixed| attempt <= fixed.last_attempt);
        let fault = match fixed {
            Some(fixed) => fixed.fault,
            None => self.deal(roll),
        };
        Plan { fault, roll }
    }

    fn roll(&self, device: Eui64, attempt: u32) -> u64 {
        let digest = Sha256::new()
            .chain_update(self.seed.to_le_bytes())
            .chain_update(device.bits().to_le_bytes())
            .chain_update(attempt.to_le_bytes())
            .finalize();
        let (first, _) = digest.split_first_chunk().expect("a SHA-256 has 32 octets");
        u64::from_le_bytes(*first)
    }

    fn deal(&self, roll: u64) -> Option<Fault> {
        let mut left = roll % u64::from(THOUSAND);
        self.rates.dealt().into_iter().find_map(|(rate, fault)| {
            let rate = u64::from(rate);
            if left < rate {
                return Some(fault);
            }
            left -= rate;
            None
        })
    }
}

impl Plan {
    /// Before which block the link breaks, if it does: never before the first, so that something
    /// has gone to the meter, where the image has more than one.
    pub(crate) fn breaks_before(self, block_count: u32) -> Option<u32> {
        let chosen = || {
            let spread = u64::from(block_count.saturating_sub(1).max(1));
            let at = (self.roll / u64::from(THOUSAND)) % spread;
            u32::try_from(at).unwrap_or(0) + u32::from(block_count > 1)
        };
        (self.fault == Some(Fault::FileTransferFailure)).then(chosen)
    }
}

impl Latency {
    /// Nothing takes any time, a silent meter is given up at once, and the DCO is asked again
    /// after a hundredth of a second.
    pub const NONE: Self = Self {
        exchange: Duration::ZERO,
        block: Duration::ZERO,
        activation: Duration::ZERO,
        no_answer_after: Some(Duration::ZERO),
        reconnect_min: Duration::from_millis(10),
        reconnect_max: Duration::from_millis(100),
    };

    /// The same in a world that runs `speed` times as fast. Reconnecting stays as it is, because
    /// the network does not run faster.
    pub fn at_speed(self, speed: u32) -> Self {
        let speed = speed.max(1);
        Self {
            exchange: self.exchange / speed,
            block: self.block / speed,
            activation: self.activation / speed,
            no_answer_after: self.no_answer_after.map(|after| after / speed),
            ..self
        }
    }
}

impl Default for Latency {
    /// About what a meter on a cellular link needs: an hour for a megabyte.
    fn default() -> Self {
        Self {
            exchange: Duration::from_secs(5),
            block: Duration::from_secs(200),
            activation: Duration::from_secs(180),
            no_answer_after: Some(Duration::from_secs(1800)),
            reconnect_min: Duration::from_millis(250),
            reconnect_max: Duration::from_secs(10),
        }
    }
}

const THOUSAND: u32 = 1000;

#[cfg(test)]
mod tests;
