//! The whole of it, from outside: end-to-end tests against the real server
//!
//! What the tests share. A [`Scene`] is a folder with certificates and a configuration, the program `dco` running `serve` in a
//! process of its own on ports that the system chooses, and a [`Line`] to it that can be cut. Users, operators and gateways of a
//! scene speak over that line, so that the service can be killed and started again behind it. Where service days must pass, the
//! service runs inside the test, by a clock that runs faster.
//!
//! It promises: nothing waits for ever ([`within`]), nothing sleeps, every process ends with its test, and what a process said is
//! printed when its test fails.
//!
//! Deliberately absent: anything that looks into the service. A test sees what a User, an operator or a gateway could see.

mod asks;
mod attacker;
mod child;
mod deadline;
mod files;
mod http;
mod image;
mod inventory;
mod line;
mod metrics;
mod player;
mod program;
mod refused;
mod scene;
mod service;
mod settings;
mod site;
mod snapshot;
mod wire;

pub use asks::{activations, open_transfer, send, settled, submit_batch, wire_open, wire_submit};
pub use attacker::{Attacker, frame, header, header_block, kind};
pub use child::{Child, Ended};
pub use deadline::{DEADLINE, within};
pub use files::{fill, flip_bit, names, read, read_text, room_bytes, write};
pub use http::{Answer, get};
pub use image::{Image, LARGE_BYTES, MARKER, SMALL_BYTES};
pub use inventory::{Device, devices};
pub use line::Line;
pub use metrics::Metrics;
pub use player::Player;
pub use program::{dco, dco_binary, dco_command};
pub use refused::{Refused, refused};
pub use scene::Scene;
pub use service::Service;
pub use settings::Settings;
pub use site::Site;
pub use snapshot::Snapshot;
pub use wire::{Wire, call, channel};
