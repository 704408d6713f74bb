//! What the fuzzer found worth keeping, once through what it was found with.

#![expect(unreachable_pub, reason = "the checks are those of the fuzz targets")]

#[path = "../../../../fuzz/src/lines.rs"]
mod lines;
#[path = "../../../../fuzz/src/parameters.rs"]
mod parameters;
#[path = "../../../../fuzz/src/plan.rs"]
mod plan;
#[path = "../../../../fuzz/src/stack.rs"]
mod stack;

use std::{fs, io};

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = format!("../../fuzz/corpus/{target}");
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let read = |file: io::Result<fs::DirEntry>| fs::read(file?.path());
    files.map(read).collect::<io::Result<_>>().expect("its files can be read")
}

#[test]
fn every_text_of_the_corpus_loads_or_says_why_not() {
    let texts: Vec<String> =
        corpus("stack").into_iter().filter_map(|text| String::from_utf8(text).ok()).collect();
    assert!(!texts.is_empty());
    for text in &texts {
        stack::check(text);
    }
}

#[test]
fn every_plan_of_the_corpus_that_is_read_is_shown_and_run() {
    let plans = corpus("plan").iter().filter(|text| plan::check(text)).count();
    assert!(plans > 0, "the format has changed: make the corpus anew");
}

#[test]
fn whatever_is_in_the_accounts_parameters_is_read_within_bounds() {
    for text in corpus("parameters") {
        parameters::check(&String::from_utf8_lossy(&text));
    }
}

#[test]
fn whatever_a_line_says_a_terminal_obeys_none_of_it() {
    for text in corpus("lines") {
        lines::check(&text);
    }
}
