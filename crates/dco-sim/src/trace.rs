//! What happened, as a hash over all of it and as text of the last part.

use std::collections::VecDeque;
use std::fmt::{self, Write};

use dco_schedule::Micros;

/// Lines kept for whoever looks at a failure.
const LINES_KEPT: usize = 60;

/// The history of one run. Two runs of one seed must have equal ones.
#[derive(Debug)]
pub(crate) struct Trace {
    hash: u64,
    lines: VecDeque<String>,
}

impl Trace {
    /// Nothing has happened.
    pub(crate) fn new() -> Self {
        Self {
            hash: FNV_BASIS,
            lines: VecDeque::new(),
        }
    }

    /// Adds a line.
    pub(crate) fn note(&mut self, at_us: Micros, what: fmt::Arguments<'_>) {
        let mut line = format!("{} ", Instant(at_us));
        line.write_fmt(what)
            .expect("a String takes everything that formats");
        self.mix(line.as_bytes());
        if self.lines.len() == LINES_KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// Adds bytes that nobody wants to read.
    pub(crate) fn mix(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME);
        }
    }

    /// All of it as a number.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// The last lines, oldest first.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.iter().cloned().collect()
    }
}

/// An instant as service date in UTC and time of the day.
pub(crate) struct Instant(pub(crate) Micros);

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DAY_US: Micros = 86_400_000_000;
        let days = i32::try_from(self.0.div_euclid(DAY_US)).map_err(|_| fmt::Error)?;
        let date = dco_schedule::ServiceDate::from_days(days);
        let of_day = self.0.rem_euclid(DAY_US);
        let seconds = of_day / 1_000_000;
        let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
        write!(f, "{date} {hours:02}:{minutes:02}:{:02}.", seconds % 60)?;
        write!(f, "{:06}Z", of_day % 1_000_000)
    }
}

// FNV-1a.
const FNV_BASIS: u64 = 0xCBF2_9CE4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01B3;

#[cfg(test)]
mod tests {
    use super::Trace;

    #[test]
    fn the_hash_is_over_all_lines_and_the_text_of_the_last() {
        let trace = |first: u32| {
            let mut trace = Trace::new();
            for line in first..100 {
                trace.note(1_700_000_000_000_000, format_args!("line {line}"));
            }
            trace
        };
        assert_eq!(trace(0).hash(), trace(0).hash());
        assert_ne!(trace(0).hash(), trace(1).hash());
        assert_eq!(trace(0).lines(), trace(1).lines());
        assert_eq!(
            trace(0).lines().last().unwrap(),
            "2023-11-14 22:13:20.000000Z line 99"
        );
    }
}
