//! The words for what goes wrong at simulated meters.

use dco_block::Eui64;
use dco_client::AttemptResult;
use dco_gateway::{Defect, Fault, Rates};

/// So many attempts of a thousand go wrong in this way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Share {
    fault: Fault,
    per_thousand: u16,
}

/// One Device's every attempt goes wrong in this way, or never does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fixed {
    pub(crate) device: Eui64,
    pub(crate) fault: Option<Fault>,
}

const FAULTS: [(&str, Fault); 9] = [
    ("already-at-version", Fault::AlreadyAtVersion),
    ("no-answer", Fault::NoAnswer),
    ("file-transfer-failure", Fault::FileTransferFailure),
    ("not-reachable", Fault::NotReachable),
    ("hardware-mismatch", Fault::Meter(Defect::OtherHardware)),
    ("image-discarded", Fault::Meter(Defect::DamagesHeader)),
    ("hash-mismatch", Fault::Meter(Defect::DamagesImage)),
    ("no-image-held", Fault::Meter(Defect::ForgetsImage)),
    ("activation-failure", Fault::Meter(Defect::FailsActivation)),
];

impl Share {
    /// Reads `FAULT=N`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (fault, count) = text.split_once('=').ok_or("write it like no-answer=20")?;
        let per_thousand = count.parse().ok().filter(|count| *count <= 1_000);
        Ok(Self {
            fault: fault_of(fault)?,
            per_thousand: per_thousand
                .ok_or_else(|| format!("`{count}` is no share; write 0 to 1000 of a thousand"))?,
        })
    }
}

impl Fixed {
    /// Reads `EUI-64=FAULT` or `EUI-64=none`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (device, fault) = text
            .split_once('=')
            .ok_or("write it like 00-DB-12-34-00-00-00-01=no-answer")?;
        Ok(Self {
            device: device.parse().map_err(|why| format!("`{device}`: {why}"))?,
            fault: if fault == "none" {
                None
            } else {
                Some(fault_of(fault)?)
            },
        })
    }
}

/// All shares together; of two of the same fault the last counts.
pub(crate) fn rates(shares: &[Share]) -> Rates {
    let mut rates = Rates::default();
    for share in shares {
        *rate(&mut rates, share.fault) = share.per_thousand;
    }
    rates
}

fn rate(rates: &mut Rates, fault: Fault) -> &mut u16 {
    match fault {
        Fault::AlreadyAtVersion => &mut rates.already_at_version,
        Fault::NoAnswer => &mut rates.no_answer,
        Fault::FileTransferFailure => &mut rates.file_transfer_failure,
        Fault::NotReachable => &mut rates.not_reachable,
        Fault::Meter(Defect::OtherHardware) => &mut rates.hardware_mismatch,
        Fault::Meter(Defect::DamagesHeader) => &mut rates.image_discarded,
        Fault::Meter(Defect::DamagesImage) => &mut rates.hash_mismatch,
        Fault::Meter(Defect::ForgetsImage) => &mut rates.no_image_held,
        Fault::Meter(Defect::FailsActivation) => &mut rates.activation_failure,
    }
}

fn fault_of(name: &str) -> Result<Fault, String> {
    FAULTS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, fault)| *fault)
        .ok_or_else(|| {
            let known: Vec<_> = FAULTS.iter().map(|(known, _)| *known).collect();
            format!("`{name}` is no fault; choose one of {}", known.join(", "))
        })
}

/// How an attempt ended, in the words of the wire.
pub(crate) fn result_name(result: AttemptResult) -> &'static str {
    match result {
        AttemptResult::Success => "success",
        AttemptResult::AlreadyAtVersion => "alreadyAtVersion",
        AttemptResult::NoImageHeld => "noImageHeld",
        AttemptResult::HashMismatch => "hashMismatch",
        AttemptResult::ActivationFailure => "activationFailure",
        AttemptResult::FirmwareImageDiscarded => "FirmwareImageDiscarded",
        AttemptResult::HardwareVersionMismatch => "HardwareVersionMismatch",
        AttemptResult::FileTransferFailure => "FileTransferFailure",
        AttemptResult::NoAnswer => "noAnswer",
        AttemptResult::Cancelled => "cancelled",
        AttemptResult::DeviceNotReachable => "deviceNotReachable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_rate_of_its_own() {
        for (name, fault) in FAULTS {
            let share = Share::parse(&format!("{name}=7")).unwrap();
            let mut only = rates(&[share]);
            assert_eq!(*rate(&mut only, fault), 7);
            *rate(&mut only, fault) = 0;
            assert_eq!(only, Rates::default(), "{name}");
        }
    }

    #[test]
    fn the_last_share_of_a_fault_counts() {
        let shares = ["no-answer=1", "no-answer=9"].map(|text| Share::parse(text).unwrap());
        assert_eq!(rates(&shares).no_answer, 9);
    }

    #[test]
    fn a_device_is_fixed_to_a_fault_or_to_none() {
        let fixed = Fixed::parse("00-DB-12-34-00-00-00-01=hash-mismatch").unwrap();
        assert_eq!(fixed.device.bits(), 0x00DB_1234_0000_0001);
        assert_eq!(fixed.fault, Some(Fault::Meter(Defect::DamagesImage)));
        assert_eq!(
            Fixed::parse("00-DB-12-34-00-00-00-01=none").unwrap().fault,
            None
        );
    }

    #[test]
    fn what_is_no_fault_is_refused_with_the_list() {
        assert!(
            Share::parse("no-anser=1")
                .unwrap_err()
                .contains("no-answer, file-transfer")
        );
        assert!(
            Share::parse("no-answer=1001")
                .unwrap_err()
                .contains("0 to 1000")
        );
        assert!(
            Share::parse("no-answer")
                .unwrap_err()
                .contains("like no-answer=20")
        );
        assert!(Fixed::parse("x=none").unwrap_err().contains("an EUI-64"));
        assert!(Fixed::parse("none").is_err());
    }
}
