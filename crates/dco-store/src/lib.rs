//! How is it kept?
