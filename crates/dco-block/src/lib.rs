//! What is a block, and how does an image split into blocks?
