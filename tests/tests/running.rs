//! What those see who run the service.

mod front;
mod seen;
mod start_stop;
