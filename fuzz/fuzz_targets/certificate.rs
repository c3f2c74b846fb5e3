//! See `dco_fuzz::certificate`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dco_fuzz::certificate::run(bytes));
