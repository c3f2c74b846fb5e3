//! The lines in which activations of large images wait to be released.

/// From which line an attempt left, and so as what its unit is counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Line {
    /// That of the service day, in which Users share by weight.
    #[default]
    Ordinary,
    /// The security lane, which goes before it up to a bound of its own.
    Security,
    /// That of what may run ahead of its day: its unit is lent.
    Ahead,
}

impl Line {
    /// What a record says of the line; `None` when it says two things at once.
    pub(crate) const fn of(lent: bool, security: bool) -> Option<Self> {
        match (lent, security) {
            (false, false) => Some(Self::Ordinary),
            (false, true) => Some(Self::Security),
            (true, false) => Some(Self::Ahead),
            (true, true) => None,
        }
    }
}
