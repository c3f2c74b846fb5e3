//! What a check has to say.

use std::fmt;

/// One thing that is not in order: where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    place: String,
    message: String,
}

impl Finding {
    /// About a whole file, crate or edge.
    pub(crate) fn at(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            message: message.into(),
        }
    }

    /// About one line of a file; `index` counts from zero, people count from one.
    pub(crate) fn at_line(path: &str, index: usize, message: impl Into<String>) -> Self {
        Self::at(format!("{path}:{}", index + 1), message)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.place, self.message)
    }
}
