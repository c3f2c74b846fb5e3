//! See `dco_fuzz::split_join`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dco_fuzz::split_join::run(bytes));
