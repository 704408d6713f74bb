//! Measures the release build against the lab, beside the budgets it has to keep.
//!
//! The lab adds 40 ms to each call, as a region some way off would.
#![expect(clippy::print_stdout, reason = "a benchmark is run to be read")]

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use deployer_tests::{Budgeted, Lab, budgeted, finish, root};
use serde_json::json;

/// What each call takes longer than in the lab alone.
const DISTANCE_MS: u32 = 40;

/// How often a start and a plan are measured; the median counts.
const RUNS: usize = 11;

/// The services of a large stack, which has some five hundred resources.
const SERVICES: usize = 60;

/// Nearly as many keys as a stack may have.
const KEYS: usize = 49_900;

fn main() -> ExitCode {
    let binary = release_binary();
    let mut table = Table::default();

    let size = std::fs::metadata(&binary).expect("the release build is there").len();
    table.row("size of the binary", megabytes(size), 30.0, "MB");

    let starts = (0..RUNS).map(|_| measure(Command::new(&binary).arg("--version")).wall);
    table.row("start-up", milliseconds(median(starts.collect())), 10.0, "ms");

    let directory = tempfile::tempdir().expect("a folder");
    let large = directory.path().join("deployer.yaml");
    std::fs::write(&large, stack_of(KEYS)).expect("the folder takes a file");
    let expand = || measure(Command::new(&binary).arg("expand").arg("--file").arg(&large));
    let reads: Vec<Run> = (0..RUNS).map(|_| expand()).collect();
    assert!(reads.iter().all(|run| run.is_success), "a stack of {KEYS} keys is read");
    let walls = reads.iter().map(|run| run.wall).collect();
    table.row("reading the largest stack", milliseconds(median(walls)), 1000.0, "ms");

    let lab = Lab::start(0.0);
    let deployer = |arguments: &[&str]| {
        let mut command = Command::new(&binary);
        command.args(arguments).args(["--file", "stacks/notes.yaml", "--env", "dev"]);
        command.current_dir(root());
        command.env("AWS_CONFIG_FILE", "/nonexistent").envs(lab.environment());
        command
    };
    println!("bringing the sample stack up …");
    assert!(measure(&mut deployer(&["apply", "--yes"])).is_success, "the apply failed");
    lab.fault(&json!({ "kind": "delay", "milliseconds": DISTANCE_MS }));

    assert!(measure(&mut deployer(&["plan", "--check"])).is_success, "the plan is not empty");
    let plans: Vec<Run> = (0..RUNS).map(|_| measure(&mut deployer(&["plan", "--check"]))).collect();
    let walls = plans.iter().map(|run| run.wall).collect();
    table.row("time of a plan without changes", milliseconds(median(walls)), 1000.0, "ms");
    let peak = plans.iter().map(|run| run.peak).max().unwrap_or_default();
    table.row("peak memory of a plan", megabytes(peak), 40.0, "MB");

    many_services(&binary, &mut table);

    println!("counting calls …");
    let hollow = Lab::start_hollow();
    let counted = budgeted(&hollow, |arguments| {
        let mut command = Command::new(&binary);
        command.args(arguments).current_dir(root());
        finish(command.env("AWS_CONFIG_FILE", "/nonexistent").envs(hollow.environment()))
    });
    for Budgeted { what, calls, budget, .. } in counted {
        table.row(what, count(calls), count(budget), "");
    }
    hundred_resources(&binary, &hollow, &mut table);

    table.print();
    if table.is_kept() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What a plan takes of the stack that was counted last, which has a hundred resources.
fn hundred_resources(binary: &Path, lab: &Lab, table: &mut Table) {
    lab.fault(&json!({ "kind": "delay", "milliseconds": DISTANCE_MS }));
    let plan = || {
        let mut command = Command::new(binary);
        let words = ["plan", "--check", "--file", "tests/stacks/everything.yaml", "--env", "dev"];
        command.args(words).current_dir(root());
        let run = measure(command.env("AWS_CONFIG_FILE", "/nonexistent").envs(lab.environment()));
        assert!(run.is_success, "the plan of everything is not empty");
        run
    };
    let plans: Vec<Run> = (0..RUNS).map(|_| plan()).collect();
    let walls = plans.iter().map(|run| run.wall).collect();
    table.row("time of a plan of everything", milliseconds(median(walls)), 1500.0, "ms");
    let peak = plans.iter().map(|run| run.peak).max().unwrap_or_default();
    table.row("peak memory of it", megabytes(peak), 50.0, "MB");
}

/// What a large stack takes, where nothing that it makes has to come up.
fn many_services(binary: &Path, table: &mut Table) {
    println!("bringing {SERVICES} services up …");
    let crowd = Lab::start_hollow();
    let directory = tempfile::tempdir().expect("a folder");
    let services = directory.path().join("services.yaml");
    std::fs::write(&services, stack_of_services(SERVICES)).expect("the folder takes a file");
    let many = |arguments: &[&str]| {
        let mut command = Command::new(binary);
        command.args(arguments).arg("--file").arg(&services).current_dir(root());
        let run = measure(command.env("AWS_CONFIG_FILE", "/nonexistent").envs(crowd.environment()));
        assert!(run.is_success, "{arguments:?} of {SERVICES} services failed");
        run
    };
    let applied = many(&["apply", "--yes"]);
    let planned = many(&["plan", "--check"]);
    let destroyed = many(&["destroy", "--yes"]);
    assert_eq!(crowd.everything(), Vec::<String>::new(), "nothing is left of {SERVICES} services");
    table.row("applying 60 services", seconds(applied.wall), 90.0, "s");
    table.row("peak memory of that", megabytes(applied.peak), 128.0, "MB");
    table.row("a plan of them without changes", seconds(planned.wall), 20.0, "s");
    table.row("peak memory of that", megabytes(planned.peak), 60.0, "MB");
    table.row("destroying them", seconds(destroyed.wall), 90.0, "s");
}

/// One run of a command.
struct Run {
    is_success: bool,
    wall: Duration,
    /// The most memory it had, in bytes.
    peak: u64,
}

fn measure(command: &mut Command) -> Run {
    let begun = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the release build runs");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        // The kernel keeps the highest value, so a look shortly before the end is enough.
        peak = high_water(&status).unwrap_or(0).max(peak);
        if let Some(exit) = child.try_wait().expect("it is our child") {
            return Run { is_success: exit.success(), wall: begun.elapsed(), peak };
        }
        std::thread::yield_now();
    }
}

fn high_water(status: &str) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kibibytes * 1024)
}

/// A stack of so many variables.
fn stack_of(keys: usize) -> String {
    let variables = (0..keys).map(|key| format!("  v{key}: \"{key}\""));
    let head = ["stack: large", "region: eu-west-1", "variables:"].map(ToOwned::to_owned);
    head.into_iter().chain(variables).collect::<Vec<_>>().join("\n")
}

/// A stack of so many services, each with an image and a repository of its own.
fn stack_of_services(count: usize) -> String {
    let image = root().join("tests/contracts/images/answers.tar");
    let repository = |number| format!("  s{number}: {{ force-delete: true }}");
    let service = |number| {
        let build = format!("{{ archive: {} }}", image.display());
        let route = format!("{{ load-balancer: edge, path: /s{number}/* }}");
        format!(
            "  s{number}:\n    image: {{ build: {build} }}\n    \
             ports: {{ http: {{ port: 8080, route: {route} }} }}"
        )
    };
    let head = "stack: services\nregion: eu-west-1\nnetwork: { nat: single }\n\
                load-balancers: { edge: { http: forward } }";
    let lines = std::iter::once(head.to_owned())
        .chain(std::iter::once("repositories:".to_owned()))
        .chain((0..count).map(repository))
        .chain(std::iter::once("services:".to_owned()))
        .chain((0..count).map(service));
    lines.collect::<Vec<_>>().join("\n")
}

fn release_binary() -> PathBuf {
    let this = std::env::current_exe().expect("a program knows where it is");
    let target = this.parent().and_then(|profile| profile.parent()).expect("target/<profile>");
    target.join("release/deployer")
}

fn median(mut values: Vec<Duration>) -> Duration {
    values.sort();
    values[values.len() / 2]
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "numbers far below 2^52")]
fn count(number: u64) -> f64 {
    number as f64
}

#[expect(clippy::cast_precision_loss, reason = "sizes far below 2^52")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[derive(Default)]
struct Table(Vec<(String, f64, f64, &'static str)>);

impl Table {
    fn row(&mut self, what: &str, value: f64, budget: f64, unit: &'static str) {
        self.0.push((what.to_owned(), value, budget, unit));
    }

    fn is_kept(&self) -> bool {
        self.0.iter().all(|(_, value, budget, _)| value <= budget)
    }

    fn print(&self) {
        println!("{:34} {:>10} {:>10}", "", "measured", "budget");
        for (what, value, budget, unit) in &self.0 {
            let verdict = if value <= budget { "" } else { "  over" };
            println!("{what:34} {value:>7.1} {unit:2} {budget:>7.0} {unit:2}{verdict}");
        }
    }
}
