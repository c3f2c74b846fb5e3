//! See `dco_fuzz::snapshot`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dco_fuzz::snapshot::run(bytes));
