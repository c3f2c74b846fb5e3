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
