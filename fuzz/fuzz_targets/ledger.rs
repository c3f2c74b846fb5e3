//! See `dco_fuzz::ledger`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dco_fuzz::ledger::run(bytes));
