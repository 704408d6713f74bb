//! Feeds texts to the readers of the lock, the record and the keys.

#![no_main]

use deployer_fuzz::parameters::check;

libfuzzer_sys::fuzz_target!(|text: &str| check(text));
