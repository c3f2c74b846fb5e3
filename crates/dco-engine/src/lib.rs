//! What happens?
