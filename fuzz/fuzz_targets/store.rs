//! See `dco_fuzz::store`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dco_fuzz::store::run(bytes));
