//! Feeds texts to the reader of saved plans.

#![no_main]

use deployer_fuzz::mutated::mutated;
use deployer_fuzz::plan::check;
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|text: &[u8]| {
    check(text);
});

fuzz_mutator!(|text: &mut [u8], size: usize, most: usize, seed: u32| {
    let changed = mutated(&text[..size], seed).filter(|changed| changed.len() <= most);
    match changed.filter(|_| !seed.is_multiple_of(8)) {
        Some(changed) => {
            text[..changed.len()].copy_from_slice(&changed);
            changed.len()
        }
        None => fuzzer_mutate(text, size, most),
    }
});
