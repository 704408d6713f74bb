//! Feeds stacks with environments to the reader of stacks.

#![no_main]

use deployer_fuzz::overlay::check;
use deployer_fuzz::written::Written;

libfuzzer_sys::fuzz_target!(|written: Written| check(&written));
