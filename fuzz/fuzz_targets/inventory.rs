//! See `dco_fuzz::inventory`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dco_fuzz::inventory::run(bytes));
