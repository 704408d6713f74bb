//! Feeds files to the reader of archives of images.

#![no_main]

use deployer_fuzz::archive::check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check(bytes));
