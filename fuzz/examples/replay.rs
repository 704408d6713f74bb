//! Takes files through the checks of a target, without a fuzzer:
//! `cargo run --manifest-path fuzz/Cargo.toml --example replay -- tags fuzz/corpus/tags/*`.

use std::{env, fs};

use deployer_fuzz::{archive, lines, parameters, plan, stack, tags};

fn main() {
    let mut arguments = env::args().skip(1);
    let target = arguments.next().unwrap_or_default();
    for path in arguments {
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let text = String::from_utf8_lossy(&bytes);
        match target.as_str() {
            "archive" => archive::check(&bytes),
            "lines" => lines::check(&bytes),
            "parameters" => parameters::check(&text),
            "plan" => drop(plan::check(&bytes)),
            "stack" => stack::check(&text),
            "tags" => tags::check(&bytes),
            other => panic!("there is no target {other} that can be replayed"),
        }
        println!("{path}");
    }
}
