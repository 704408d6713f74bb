//! Makes each change of a table to a stack under load and takes it back, then pairs of them, and
//! prints what the plan said beside what people saw.
//!
//! `CHANGES_ONLY=port,zone` plays those whose name contains one of these words; `CHANGES_PAIRS` so
//! many pairs, by default 12; `CHANGES_SEED` draws other pairs.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark is run to be read")]
#![expect(clippy::disallowed_methods, reason = "a program may read its own environment")]

use std::process::ExitCode;

use deployer_tests::{Change, Shop, changes, pairs};

/// Draws the pairs unless another is given.
const SEED: u64 = 20_261;

fn main() -> ExitCode {
    let only = std::env::var("CHANGES_ONLY").unwrap_or_default();
    let is_wanted = |change: &Change| only.split(',').any(|part| change.name.contains(part));
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().expect("a number"));
    let count = number("CHANGES_PAIRS").unwrap_or(if only.is_empty() { 12 } else { 0 });
    let shop = Shop::open();
    let mut all: Vec<Change> = changes().into_iter().filter(is_wanted).collect();
    let count = usize::try_from(count).expect("a number of pairs");
    let pairs = pairs(number("CHANGES_SEED").unwrap_or(SEED)).filter(|pair| shop.takes(pair));
    all.extend(pairs.take(count));
    println!(
        "| change | plan | people saw | of requests | back: plan | people saw | of requests |"
    );
    println!("|---|---|---|---:|---|---|---:|");
    let mut failed = 0;
    for change in &all {
        let ways = shop.play(change);
        let cells = ways.iter().map(|way| {
            format!("{} | {} | {} of {}", way.word, way.sight, way.strange, way.requests)
        });
        println!("| {} | {} |", change.name, cells.collect::<Vec<_>>().join(" | "));
        for (way, direction) in ways.iter().zip(["there", "back"]) {
            for wrong in &way.wrong {
                failed += 1;
                eprintln!("{}, {direction}: {wrong}", change.name);
            }
        }
    }
    let left = shop.close();
    for left in &left {
        eprintln!("left: {left}");
    }
    if failed == 0 && left.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
