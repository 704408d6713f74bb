//! Feeds texts to the reader of stacks.

#![no_main]

use deployer_fuzz::stack::check;

libfuzzer_sys::fuzz_target!(|text: &str| check(text));
