//! How does an S1SP gateway behave?
