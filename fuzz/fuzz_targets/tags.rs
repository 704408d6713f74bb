//! Feeds tags to what tells ours from others'.

#![no_main]

use deployer_fuzz::tags::check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check(bytes));
