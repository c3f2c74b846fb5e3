//! See `dco_fuzz::held`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dco_fuzz::held::run(bytes));
