//! What the environment says, and what is said of it.

use dco_client::RequestId;

/// What DCO_KILL_SEED says, or else a seed that nobody has used.
pub(super) fn seed() -> u64 {
    let fresh = RequestId::fresh().to_string();
    let fresh = u64::from_str_radix(&fresh[..8], 16).expect("a UUID begins with eight hex digits");
    number("DCO_KILL_SEED", fresh)
}

/// A whole number from the environment, or else what it is without.
pub(super) fn number(variable: &str, otherwise: u64) -> u64 {
    let Ok(text) = std::env::var(variable) else {
        return otherwise;
    };
    text.parse()
        .unwrap_or_else(|_| panic!("{variable} is `{text}` and must be a whole number"))
}

/// Shown when the test fails, and with `--nocapture` as it goes.
#[expect(
    clippy::print_stderr,
    reason = "captured unless somebody wants to see it"
)]
pub(super) fn say(line: &str) {
    eprintln!("{line}");
}
