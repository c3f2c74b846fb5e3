//! What an activation goes through: its gateway, in the hours of its schedule.

use dco_block::Eui64;
use dco_schedule::HourWindow;

/// A gateway, for work that is released in the same hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lane {
    pub(crate) gateway: Eui64,
    /// The local hours in which its work is released; any if absent.
    pub(crate) window: Option<HourWindow>,
}
