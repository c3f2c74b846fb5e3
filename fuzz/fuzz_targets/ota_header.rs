//! See `dco_fuzz::ota_header`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dco_fuzz::ota_header::run(bytes));
