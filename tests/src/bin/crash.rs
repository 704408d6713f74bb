//! The kill matrix: every call of every scenario, killed before it, after it and upon its reply.
//!
//! `CRASH_STACK` names another stack, `CRASH_ENVIRONMENT` its environment, `CRASH_HOST` the stack that
//! it is a guest of, and `CRASH_UPDATE`, `CRASH_REPLACE` and `CRASH_PUBLISH` what it is to become.
//! `CRASH_SERVICE` names a service of it that is restarted and run by hand, and gone back with from what
//! `CRASH_ROLLBACK` makes of it. `CRASH_ONLY=apply,destroy` plays some of the scenarios, `CRASH_JOBS` labs
//! at a time, and `CRASH_EVERY=7` each seventh point.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark is run to be read")]
#![expect(clippy::disallowed_methods, reason = "a program may read its own environment")]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use deployer_tests::{Moment, Point, Scenario, Stacks, Stage};

fn main() -> ExitCode {
    let stacks = stacks();
    let only = std::env::var("CRASH_ONLY").ok();
    let number = |name, otherwise| {
        variable(name).map_or(otherwise, |value| value.parse::<usize>().expect("a number"))
    };
    let (jobs, every) = (number("CRASH_JOBS", 2), number("CRASH_EVERY", 1));
    let scenarios = Scenario::ALL.into_iter().filter(|scenario| {
        let is_playable = match scenario {
            Scenario::Apply | Scenario::Abandon | Scenario::Destroy => true,
            Scenario::Restart | Scenario::Run => stacks.service.is_some(),
            _ => stacks.changed.contains_key(scenario),
        };
        let is_wanted = only
            .as_ref()
            .is_none_or(|only| only.split(',').any(|name| name == scenario.to_string()));
        is_playable && is_wanted
    });
    let rows = scenarios.map(|scenario| Row::play(scenario, &stacks, jobs, every));
    let rows: Vec<Row> = rows.collect();
    println!(
        "| what was killed | calls | points | converged | duplicates | orphans | extra calls, at most | seconds |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    for row in &rows {
        println!("{row}");
    }
    if rows.iter().all(|row| row.points == row.converged) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn stacks() -> Stacks {
    let Some(base) = variable("CRASH_STACK") else { return Stacks::sample() };
    let changed = [
        (Scenario::Update, "CRASH_UPDATE"),
        (Scenario::Replace, "CRASH_REPLACE"),
        (Scenario::Publish, "CRASH_PUBLISH"),
        (Scenario::Rollback, "CRASH_ROLLBACK"),
    ];
    Stacks {
        base: base.into(),
        changed: changed
            .into_iter()
            .filter_map(|(scenario, name)| Some((scenario, variable(name)?.into())))
            .collect::<BTreeMap<_, _>>(),
        environment: variable("CRASH_ENVIRONMENT").unwrap_or_else(|| "default".to_owned()),
        host: variable("CRASH_HOST").map(Into::into),
        service: variable("CRASH_SERVICE"),
    }
}

/// What came of a scenario.
struct Row {
    scenario: Scenario,
    calls: usize,
    points: usize,
    converged: usize,
    duplicates: usize,
    orphans: usize,
    extra: i64,
    seconds: u64,
}

impl Row {
    fn play(scenario: Scenario, stacks: &Stacks, jobs: usize, every: usize) -> Self {
        let begun = Instant::now();
        let first = Stage::set(scenario, stacks.clone());
        let calls = first.calls;
        let all = calls * Moment::ALL.len();
        let next = AtomicUsize::new(0);
        let ended = Mutex::new(Vec::new());
        let work = |mut stage: Stage| {
            loop {
                let number = next.fetch_add(every, Ordering::Relaxed);
                if number >= all {
                    break;
                }
                let (nth, moment) = (number / 3 + 1, Moment::ALL[number % 3]);
                let point = stage.play(nth, moment);
                for wrong in &point.wrong {
                    eprintln!("\n{scenario}, call {nth}, {moment:?}: {wrong}");
                }
                let mut ended = ended.lock().expect("no thread panics with it");
                ended.push(point);
                eprint!("\r{scenario}: {} of {} ", ended.len(), all.div_ceil(every));
            }
            let left = stage.end();
            if !left.is_empty() {
                let point = Point { wrong: left, ..Point::default() };
                ended.lock().expect("no thread panics with it").push(point);
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(|| work(first));
            for _ in 1..jobs {
                scope.spawn(|| work(Stage::set(scenario, stacks.clone())));
            }
        });
        eprintln!();
        let points = ended.into_inner().expect("no thread panics with it");
        let told = |what: &str| {
            points.iter().flat_map(|point| &point.wrong).filter(|it| it.starts_with(what)).count()
        };
        Self {
            scenario,
            calls,
            points: points.len(),
            converged: points.iter().filter(|point| point.wrong.is_empty()).count(),
            duplicates: told("duplicate"),
            orphans: told("orphan"),
            extra: points.iter().map(|point| point.extra).max().unwrap_or_default(),
            seconds: begun.elapsed().as_secs(),
        }
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { scenario, calls, points, converged, duplicates, orphans, extra, seconds } = self;
        write!(
            f,
            "| {scenario} | {calls} | {points} | {converged} | {duplicates} | {orphans} | {extra} | {seconds} |"
        )
    }
}
