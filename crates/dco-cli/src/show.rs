//! What the service answers, as text for people and as JSON for programs.
//!
//! The JSON has the names of the wire: `snake_case`, `*_time` in RFC 3339, ids as they are written.

mod action;
mod batch;
mod calendar;
mod capacity;
mod decision;
mod explanation;
mod notice;
mod plan;
mod product;
mod report;
pub(crate) mod reports;
mod schedule;
mod transfer;

pub(crate) use action::{action_json, action_text, actions_text};
pub(crate) use batch::{
    activation_json, activations_text, batch_json, batch_progress, batch_text, batches_text,
};
pub(crate) use capacity::{capacity_csv, capacity_day_json, capacity_days_text, capacity_ics};
pub(crate) use decision::{decision_json, decisions_text};
pub(crate) use explanation::{explanation_json, explanation_text};
pub(crate) use notice::{limits_json, limits_text, notice_json, notice_line, notices_text};
pub(crate) use plan::{
    crowded_json, crowded_text, fits_json, fits_text, replan_json, replan_text, simulation_json,
    simulation_text,
};
pub(crate) use product::{product_json, products_text};
pub(crate) use report::{
    capacity_text, day_json, gateway_json, gateways_text, pause_json, pauses_text, success_json,
    success_text, trt_json, trt_text,
};
pub(crate) use schedule::{acted_answer, schedule_json, schedule_text, schedules_text, units_json};
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
