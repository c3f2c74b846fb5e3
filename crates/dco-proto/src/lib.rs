//! What do we say to each other?
