//! What the service signs, so that a tail of its decision log that was cut off is noticed: text that anybody can read, and
//! verify with other tools.

use dco_schedule::{Micros, ServiceDate};

/// What is signed when a service day is over: how far the log had come, and the hash chain up to there.
pub fn checkpoint_text(date: ServiceDate, seq: u64, chain: &[u8; 32]) -> String {
    format!(
        "DCO decision log checkpoint 1\nservice day {date}\nrecord {seq}\nchain {}\n",
        hex(chain)
    )
}

/// What is signed at the end of an export made at `at_us`.
pub fn export_text(at_us: Micros, seq: u64, chain: &[u8; 32]) -> String {
    format!(
        "DCO decision log export 1\ntime {at_us} us\nrecord {seq}\nchain {}\n",
        hex(chain)
    )
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Other tools verify it, and it was signed: it stays to the letter.
    #[test]
    fn what_is_signed_is_text_that_stays_as_it_was() {
        let chain: [u8; 32] = std::array::from_fn(|at| u8::try_from(at * 7).expect("below 256"));
        let hex = "00070e151c232a31383f464d545b626970777e858c939aa1a8afb6bdc4cbd2d9";
        assert_eq!(
            checkpoint_text(ServiceDate::from_days(20_000), 12, &chain),
            format!(
                "DCO decision log checkpoint 1\nservice day 2024-10-04\nrecord 12\nchain {hex}\n"
            )
        );
        assert_eq!(
            export_text(-5, 13, &chain),
            format!("DCO decision log export 1\ntime -5 us\nrecord 13\nchain {hex}\n")
        );
    }
}
