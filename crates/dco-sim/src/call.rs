//! Who asks the service something.

use dco_engine::AttemptRef;

/// Where an answer of the engine goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A User's errand; the answer travels, and only the newest call's is heard.
    Errand {
        /// Which errand.
        errand: usize,
        /// Which of its calls.
        call: u64,
    },
    /// The operator, for whom nothing but an answer counts.
    Operator,
    /// Somebody who looks at everything, without a network between.
    Auditor,
    /// A gateway that wants an image for an attempt.
    Gateway {
        /// Which gateway.
        gateway: usize,
        /// What for.
        attempt: AttemptRef,
    },
}
