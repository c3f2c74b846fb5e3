//! How much may whom send, on which service day?
