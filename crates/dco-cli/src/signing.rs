//! Who signs what, under which ticket, and why: the flags of everything that is kept with a signature.

use clap::Args;
use dco_client::{RequestId, SaidWhy, Signing};

/// What is kept with an act.
#[derive(Debug, Clone, Args)]
pub(crate) struct SigningArgs {
    /// Why, in one line; kept in the history
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// For officers of the Service Desk: the ticket under which it is done
    #[arg(long, value_name = "TEXT", default_value = "")]
    ticket: String,
    /// The same id gives the same answer; a new one when not given
    #[arg(long, value_name = "UUID")]
    request_id: Option<RequestId>,
    /// Have everything checked and change nothing
    #[arg(long)]
    validate_only: bool,
}

impl SigningArgs {
    /// Only officers act under a ticket.
    pub(crate) fn is_by_officer(&self) -> bool {
        !self.ticket.is_empty()
    }

    pub(crate) fn signing(&self) -> Signing {
        Signing {
            request_id: self.request_id.unwrap_or_else(RequestId::fresh),
            validate_only: self.validate_only,
            reason: self.reason.clone(),
            ticket: self.ticket.clone(),
        }
    }
}

/// What may be said of something, for the decision log.
#[derive(Debug, Clone, Args)]
pub(crate) struct WhyArgs {
    /// Where it is written down, for the decision log
    #[arg(long, default_value = "", hide_default_value = true)]
    ticket: String,
    /// Why, for the decision log
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
}

impl WhyArgs {
    pub(crate) fn said(&self) -> SaidWhy {
        SaidWhy {
            ticket: self.ticket.clone(),
            reason: self.reason.clone(),
        }
    }
}
