//! Who is released next, and when?
