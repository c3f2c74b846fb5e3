//! Which service days have a signed checkpoint of the decision log.

use dco_schedule::ServiceDate;

/// How far it is signed.
#[derive(Debug, Default)]
pub(crate) struct Checkpoints {
    /// The last service day that has one.
    pub(crate) signed: Option<ServiceDate>,
    /// The last that was asked for in this life. Not in the journal: after a start it is asked for again.
    pub(crate) asked: Option<ServiceDate>,
}
