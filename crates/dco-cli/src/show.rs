//! What the service answers, as text for people and as JSON for programs.
//!
//! The JSON has the names of the wire: `snake_case`, `*_time` in RFC 3339, ids as they are written.

mod batch;
mod explanation;
mod report;
mod transfer;

pub(crate) use batch::{
    activation_json, activations_text, batch_json, batch_progress, batch_text, batches_text,
};
pub(crate) use explanation::{explanation_json, explanation_text};
pub(crate) use report::{
    capacity_text, day_json, gateway_json, gateways_text, pause_json, success_json, success_text,
    trt_json, trt_text,
};
pub(crate) use transfer::{transfer_json, transfer_text, transfers_text};

use dco_schedule::Micros;
use serde_json::Value;

use crate::when;

/// An instant for programs; null when there is none.
fn time(at_us: Option<Micros>) -> Value {
    at_us.map(when::rfc3339).into()
}

/// Anything that is written as text; null when there is none.
fn text(value: Option<impl ToString>) -> Value {
    value.map(|value| value.to_string()).into()
}

#[cfg(test)]
mod tests;
