//! Writes plans between the sample stacks of the tests, for the corpus of `plan` to begin with:
//! `cargo run --manifest-path fuzz/Cargo.toml --example plans -- fuzz/corpus/plan`

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use deployer_testkit::{
    Memory, StackBuilder, apply, everything, everything_changed, planned, run_until,
};
use serde_json::json;

/// How many events are let happen before a plan is made of what is there: all, and few enough
/// that some things are only begun.
const ENOUGH: [(&str, usize); 2] = [("", usize::MAX), ("half-of-", 12)];

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let folder = PathBuf::from(std::env::args_os().nth(1).expect("a folder"));
    let stacks = [
        ("nothing", StackBuilder::default().build()),
        ("everything", everything().build()),
        ("changed", everything_changed().build()),
    ];
    for (from, before) in &stacks {
        for (to, after) in &stacks {
            for (half, enough) in ENOUGH {
                let memory = Arc::new(Memory::default());
                if *from == "changed" {
                    apply(&memory, &everything().build()).await;
                }
                let plan = planned(&memory, before, &BTreeSet::new()).await.expect("a plan");
                run_until(&memory, plan, |events| events >= enough).await;
                // Some changes the cloud does not make.
                let Ok(plan) = planned(&memory, after, &BTreeSet::new()).await else { continue };
                let saved = json!({
                    "format": "deployer-plan", "version": 1, "folder": ".", "plan": plan,
                });
                let path = folder.join(format!("{half}{from}-to-{to}"));
                std::fs::write(path, saved.to_string()).expect("the folder is there");
            }
        }
    }
}
