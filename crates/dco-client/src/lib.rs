//! How does a program talk to it?
