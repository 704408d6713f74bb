//! Feeds what comes from outside to what writes to a terminal.

#![no_main]

use deployer_fuzz::lines::check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check(bytes));
