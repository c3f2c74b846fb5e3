//! See `dco_fuzz::products`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dco_fuzz::products::run(bytes));
