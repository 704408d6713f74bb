//! Takes the whole way with a stack, by the commands that a user types: up, a page, nothing left to
//! do, down.

use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use tokio::process::Command;

use super::price::Estimate;
use crate::contract::{Diary, Lasted, Terms};
use crate::root;

/// What this part is called.
pub const STACK: &str = "stack";

/// The stack.
const FILE: &str = "tests/stacks/conformance.yaml";

/// A load balancer, two addresses, a database and a task for an hour, with the margin that contracts
/// have: half an hour is what a database takes to come and go, with time to spare.
pub(super) const fn estimate() -> Estimate {
    Estimate { minutes: 45.0, dollars: 0.4 }
}

/// The whole way. Each command leaves its answers in the folder.
pub(super) async fn take(terms: &Terms, folder: &Path, diary: &Diary) -> Result<(), String> {
    let there = there(terms, folder, diary).await;
    let back = step("destroy", &["destroy", "--yes"], terms, Some(folder), diary).await;
    there.and(back.map(drop))
}

async fn there(terms: &Terms, folder: &Path, diary: &Diary) -> Result<(), String> {
    let folder = Some(folder);
    step("apply", &["apply", "--yes"], terms, folder, diary).await?;
    let url = step("outputs", &["outputs", "edge-url"], terms, folder, diary).await?;
    page(url.trim(), diary).await?;
    step("plan", &["plan", "--check"], terms, folder, diary).await?;
    step("status", &["status", "--json"], terms, folder, diary).await.map(drop)
}

/// Deletes all of it, if there is something.
pub(super) async fn sweep(terms: &Terms) -> Result<(), String> {
    let diary = Diary::default();
    step("destroy", &["destroy", "--yes"], terms, None, &diary).await.map(drop)
}

/// Runs a command as a user would, with its answers recorded; gives what it printed.
async fn step(
    what: &str,
    arguments: &[&str],
    terms: &Terms,
    folder: Option<&Path>,
    diary: &Diary,
) -> Result<String, String> {
    let mut command = Command::new(std::env::current_exe().map_err(|error| error.to_string())?);
    command.arg("deployer");
    if let Some(folder) = folder {
        command.arg("--recording").arg(folder.join(format!("{STACK}-{what}.jsonl")));
    }
    command.arg("--").args(arguments);
    command.args(["--file", FILE, "--env", &terms.environment, "--region", &terms.region]);
    command
        .current_dir(root())
        // The stack is the same one, wherever this was cloned from.
        .env("GIT_CEILING_DIRECTORIES", root())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let begun = Instant::now();
    let output = command.output().await.map_err(|error| format!("{what}: {error}"))?;
    diary.add(Lasted { what: what.to_owned(), seconds: begun.elapsed().as_secs_f64() });
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("{what} ended with {}:\n{said}", output.status))
    }
}

/// Fetches the page: a name that is new is not known everywhere for a minute or two.
async fn page(url: &str, diary: &Diary) -> Result<(), String> {
    let begun = Instant::now();
    let patience = ["--retry", "36", "--retry-delay", "5", "--retry-all-errors"];
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--fail", "--max-time", "10", "--output", "/dev/null"])
        .args(patience)
        .arg(url)
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| format!("curl: {error}"))?;
    diary.add(Lasted { what: "page".to_owned(), seconds: begun.elapsed().as_secs_f64() });
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("{url} is not answered: {}", String::from_utf8_lossy(&output.stderr)))
    }
}
