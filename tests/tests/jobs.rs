//! Jobs: before a release, by the clock, and by hand.

use deployer_tests::{Lab, Ran, root, run_on, wait_until};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Of AWS's durations.
const SCALE: f64 = 0.02;

struct World {
    lab: Lab,
    folder: TempDir,
}

impl World {
    /// A service, and a job before it whose image runs with these words; `jobs` are others.
    fn new(jobs: &str) -> Self {
        let world = Self { lab: Lab::start(SCALE), folder: tempfile::tempdir().expect("a folder") };
        world.write("answers", "[]", jobs);
        world
    }

    fn write(&self, image: &str, words: &str, jobs: &str) {
        let images = root().join("tests/contracts/images");
        let images = images.display();
        let text = format!(
            "\
stack: shop
region: eu-west-1
origin: tests
network: {{ zones: 2, nat: none }}
load-balancers: {{ edge: {{ http: forward }} }}
repositories: {{ web: {{ force-delete: true }}, tools: {{ force-delete: true }} }}
services:
  web:
    image: {{ repository: web, build: {{ archive: {images}/{image}.tar }} }}
    subnets: public
    ports:
      http:
        port: 8080
        health: {{ path: /, interval: 5 s, timeout: 2 s }}
        route: {{ load-balancer: edge }}
jobs:
  migrate:
    image: {{ repository: tools, build: {{ archive: {images}/job.tar }} }}
    subnets: public
    command: {words}
    before: services/web
{jobs}"
        );
        std::fs::write(self.file(), text).expect("a file");
    }

    fn file(&self) -> String {
        self.folder.path().join("deployer.yaml").display().to_string()
    }

    /// The letters that say that an alarm went off.
    fn letters(&self, alarm: &str) -> Vec<Value> {
        let all = self.lab.get("/_lab/outbox?to=ops@example.com");
        let says = |it: &&Value| {
            let subject = it["subject"].as_str().unwrap_or_default();
            subject.contains("ALARM") && subject.contains(alarm)
        };
        all.as_array().into_iter().flatten().filter(says).cloned().collect()
    }

    fn run(&self, words: &[&str]) -> Ran {
        run_on(&self.lab, &self.file(), words)
    }
}

#[test]
fn a_release_waits_for_the_job_before_it_and_stays_away_where_that_fails() {
    let world = World::new("");
    let first = world.run(&["apply", "--yes"]).expect(0).stderr;
    assert!(first.contains("migrated 3 tables"), "its log is in the progress: {first}");
    let begun = first.find("service/web: creating").expect("the service");
    assert!(first.find("job/migrate: created").is_some_and(|ended| ended < begun), "{first}");
    world.run(&["plan", "--check"]).expect(0);
    let url = world.run(&["outputs", "edge-url"]).expect(0).stdout.trim().to_owned();

    world.write("other", "[fail]", "");
    let failed = world.run(&["publish", "--yes"]).expect(4);
    let said = format!("{}{}", failed.stdout, failed.stderr);
    for part in ["ended with exit code 3", "fatal: table notes is locked", "service/web"] {
        assert!(said.contains(part), "`{part}` is missing:\n{said}");
    }
    let answer = ureq::get(&url).call().expect("the old version answers");
    assert_eq!(answer.status(), 200);

    // It is run again, and nobody is said to have changed anything.
    let plan = world.run(&["plan"]).expect(0).stdout;
    assert!(plan.contains("job/migrate") && !plan.contains("changed outside"), "{plan}");
    world.run(&["apply", "--yes"]).expect(4);
    world.write("other", "[]", "");
    world.run(&["apply", "--yes"]).expect(0);
    world.run(&["plan", "--check"]).expect(0);
    world.run(&["destroy", "--yes"]).expect(0);
}

#[test]
fn a_job_that_fails_is_tried_again_as_often_as_it_says() {
    let world = World::new("");
    world.write("answers", "[fail]\n    retries: 2", "");
    let failed = world.run(&["apply", "--yes"]).expect(4);
    assert_eq!(failed.stderr.matches("it runs again").count(), 2, "{}", failed.stderr);
    world.run(&["destroy", "--yes"]).expect(0);
}

#[test]
fn a_job_that_takes_too_long_is_stopped() {
    let world = World::new("");
    world.write("answers", "[sleep]\n    timeout: 2 s", "");
    let failed = world.run(&["apply", "--yes"]).expect(4);
    let said = format!("{}{}", failed.stdout, failed.stderr);
    assert!(said.contains("it took longer than its timeout"), "{said}");
    world.run(&["destroy", "--yes"]).expect(0);
}

#[test]
fn a_job_runs_by_the_clock_and_somebody_hears_of_what_fails() {
    let nightly = "  nightly:
    like: migrate
    before: null
    schedule: { cron: \"30 3 * * *\", timezone: Europe/Zagreb }
    timeout: 1 h
  broken: { like: nightly, command: [fail], retries: 1 }
monitoring: { notify: [ops@example.com] }
";
    let world = World::new(nightly);
    world.run(&["apply", "--yes"]).expect(0);
    world.run(&["plan", "--check"]).expect(0);
    world.lab.confirm("ops@example.com");
    world.lab.advance(86_400);
    wait_until("both came round", || {
        let all = world.lab.get("/_lab/schedules");
        let all = all["invocations"].as_array().cloned().unwrap_or_default();
        all.len() == 2 && all.iter().all(|it| it["error"] == "" && it["started"][0].is_string())
    });
    // Of the one that fails somebody hears.
    wait_until("a mail says which failed", || !world.letters("job-broken-failed").is_empty());
    assert_eq!(world.letters("job-nightly-failed").len(), 0);
    world.run(&["plan", "--check"]).expect(0);
    world.run(&["destroy", "--yes"]).expect(0);
}

#[test]
fn a_job_is_run_by_hand_and_what_it_ends_with_is_what_the_command_ends_with() {
    let world = World::new("  report:\n    like: migrate\n    before: null\n");
    world.run(&["apply", "--yes"]).expect(0);
    let good = world.run(&["run", "report"]).expect(0);
    assert_eq!(good.stdout, "migrating\nmigrated 3 tables\n", "{}", good.stderr);
    let bad = world.run(&["run", "report", "--", "fail"]).expect(3);
    assert_eq!(bad.stdout, "migrating\nfatal: table notes is locked\n", "{}", bad.stderr);
    assert!(bad.stderr.contains("`report` ended with exit code 3"), "{}", bad.stderr);
    let told = world.run(&["run", "jobs/report", "--json"]).expect(0).stdout;
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!((&told["address"], &told["exit-code"]), (&json!("job/report"), &json!(0)));
    let unknown = world.run(&["run", "repot"]).expect(1).stderr;
    assert!(unknown.contains("did you mean `report`?"), "{unknown}");
    // A task of a service with another command ends as that does, beside those that serve.
    let told = world.run(&["run", "web", "--json", "--", "exits"]).expect(3);
    assert!(told.stderr.contains("fatal: DATABASE_URL is not set"), "{}", told.stderr);
    let told: Value = serde_json::from_str(&told.stdout).expect("JSON");
    assert_eq!((&told["address"], &told["exit-code"]), (&json!("service/web"), &json!(3)));
    world.run(&["plan", "--check"]).expect(0);
}

#[test]
fn a_run_whose_reply_is_lost_is_gone_on_with() {
    let world = World::new("");
    world
        .lab
        .fault(&json!({ "kind": "drop", "match": "ecs:RunTask", "when": "after", "times": 1 }));
    world.run(&["apply", "--yes"]).expect(0);
    let asked = json!({
        "cluster": "shop-default-main", "family": "shop-default-job-migrate",
        "desiredStatus": "STOPPED",
    });
    let operation = "AmazonEC2ContainerServiceV20141113.ListTasks";
    let tasks = world.lab.by_hand_in_json("ecs", operation, &asked);
    assert_eq!(tasks["taskArns"].as_array().map(Vec::len), Some(1), "{tasks}");
}

#[test]
fn a_role_that_is_seconds_old_costs_a_job_no_try() {
    let world = World::new("");
    let refusal = "ECS was unable to assume the role 'arn:aws:iam::123456789012:role/migrate' that \
                   was provided for this task.";
    world.lab.fault(&json!({
        "kind": "fail", "match": "ecs:RunTask", "times": 2,
        "code": "ClientException", "status": 400, "message": refusal,
    }));
    let applied = world.run(&["apply", "--yes"]).expect(0).stderr;
    assert!(applied.contains("unable to assume the role"), "{applied}");
    assert!(applied.contains("ended well") && !applied.contains("it runs again"), "{applied}");
}
