//! See `dco_fuzz::fair_queue`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dco_fuzz::fair_queue::run(bytes));
