//! The Central Products List's import.

use dco_block::Eui64;

use super::{RequestId, SaidWhy};
use crate::view::ProductEntry;

/// Entries for the Central Products List. They take the place of all that it said of the same manufacturer, model and
/// firmware version.
#[derive(Debug, Clone)]
pub struct ImportProducts {
    /// The operator.
    pub by: Eui64,
    /// Its request id.
    pub id: RequestId,
    /// Check all, change nothing.
    pub validate_only: bool,
    /// What the operator says of it.
    pub why: SaidWhy,
    /// The entries; no two of them for the same Device Model, firmware version and hardware version.
    pub products: Vec<ProductEntry>,
}
