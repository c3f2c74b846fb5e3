//! How much does it bear?
