//! See `dco_fuzz::engine`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dco_fuzz::engine::run(bytes));
