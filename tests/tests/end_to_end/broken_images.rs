//! An image that does not work is published: the failure explains itself, and what ran before
//! goes on.

mod each_way;

use deployer_tests::{Lab, root, run, wait_until};
use serde_json::Value;

/// A service whose image works.
const WEB: &str = "tests/stacks/web.yaml";

/// Brings the service up and publishes it with something of the stack changed, then checks what
/// is the same whatever broke it. Gives what was told.
fn publish_with(change: impl FnOnce(&str) -> String) -> String {
    let lab = Lab::start(0.0);
    run(&lab, &["apply", "--file", WEB, "--yes"]).expect(0);
    let good = running(&lab);
    let url = run(&lab, &["outputs", "--file", WEB, "edge-url"]).expect(0).stdout;

    let broken = changed(change);
    let file = broken.path().to_str().expect("a plain path");
    let told = run(&lab, &["publish", "--file", file, "--yes"]).expect(4).stderr;

    wait_until("ECS has gone back", || {
        answer(url.trim()).expect("the old version answers all the time");
        let status = run(&lab, &["status", "--file", WEB, "--json"]).expect(0).stdout;
        is_ready(&status, "service/web") && running(&lab) == good
    });
    told
}

/// The stack with something changed, in a file of its own.
fn changed(change: impl FnOnce(&str) -> String) -> tempfile::NamedTempFile {
    let stacks = root().join("tests/stacks");
    let stacks = stacks.to_str().expect("a plain path");
    let stack = std::fs::read_to_string(format!("{stacks}/web.yaml")).expect("the stack");
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().expect("a file");
    let text = change(&stack.replace("../contracts/", &format!("{stacks}/../contracts/")));
    std::fs::write(file.path(), text).expect("a file");
    file
}

/// The failure as one line, however it was broken into lines.
fn flat(told: &str) -> String {
    let failure = told.split("error: service/web:").nth(1).expect("the service failed");
    failure.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The tasks that run.
fn running(lab: &Lab) -> Vec<Value> {
    let tasks = lab.get("/_lab/tasks")["tasks"].as_array().cloned().expect("a list");
    let running = tasks.into_iter().filter(|task| task["status"] == "RUNNING");
    running.map(|task| task["id"].clone()).collect()
}

fn answer(url: &str) -> Result<(), ureq::Error> {
    ureq::get(url).call().map(drop)
}

fn is_ready(status: &str, address: &str) -> bool {
    let status: Value = serde_json::from_str(status).expect("JSON");
    let resources = status["resources"].as_array().expect("a list");
    resources.iter().any(|one| one["address"] == address && one["phase"] == "ready")
}

#[test]
fn an_image_that_exits_is_told_with_its_exit_code_and_last_words() {
    let told = flat(&publish_with(|stack| stack.replace("answers.tar", "exits.tar")));
    for part in [
        "task ",
        "stopped: Essential container in task exited; web ended with exit code 3",
        "the end of its log in /web/default/web: starting fatal: DATABASE_URL is not set",
        "changed since release 1, the last that came up: image: ",
        "back to what ran before",
        "help: find out why `web` ends",
        "`deployer publish web",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn an_image_that_is_never_healthy_is_told_with_what_its_check_was_answered() {
    let told = flat(&publish_with(|stack| stack.replace("answers.tar", "unwell.tar")));
    for part in [
        "= GET / on port 8080 answered 500; expected 200",
        "stopped: Task failed ELB health checks in (target-group web-default-web-http)",
        "ECS has gone back to what ran before",
        "help: check that `web` passes its health check on port 8080: see in its log why",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains("exit code"), "ECS ended it, so its exit code says nothing: {told}");
}

#[test]
fn an_image_that_listens_elsewhere_is_told_with_the_port_it_is_asked_at() {
    let told = flat(&publish_with(|stack| stack.replace("answers.tar", "elsewhere.tar")));
    for part in [
        "= GET / on port 8080 was not answered",
        "stopped: Task failed ELB health checks in (target-group web-default-web-http)",
        "ECS has gone back to what ran before",
        "help: check that `web` listens on port 8080, and on all addresses (0.0.0.0)",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn an_image_that_needs_a_missing_secret_is_told_with_its_name() {
    let secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:gone-a1b2c3";
    let line = format!("    secrets: {{ TOKEN: {secret} }}\n    subnets: public");
    let told = flat(&publish_with(|stack| stack.replace("    subnets: public", &line)));
    for part in [
        "stopped: ResourceInitializationError: unable to pull secrets or registry auth",
        secret,
        "can't find the specified secret",
        "back to what ran before",
        "changed since release 1, the last that came up: TOKEN: added, secret gone-a1b2c3",
        "help: make what it names, or name another one in `secrets:`",
        "`deployer apply",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

/// The service without anything that asks it: its tasks are only started.
fn as_worker(stack: &str, archive: &str) -> String {
    let (stack, _) = stack.split_once("    ports:").expect("the service has ports");
    let edge = "load-balancers:\n  edge: { http: forward }\n";
    stack.replace(edge, "").replace("answers.tar", archive)
}

#[test]
fn a_worker_that_ends_again_and_again_is_not_done() {
    let lab = Lab::start(0.0);
    let worker = changed(|stack| as_worker(stack, "dies.tar"));
    let file = worker.path().to_str().expect("a plain path");
    let told = flat(&run(&lab, &["apply", "--file", file, "--yes"]).expect(4).stderr);
    for part in [
        "stopped: Essential container in task exited; web ended with exit code 7",
        "working fatal: the queue is gone",
        "ECS goes on trying: its circuit breaker does not count tasks that end after they ran",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn a_worker_that_stays_is_done() {
    let lab = Lab::start(0.0);
    let worker = changed(|stack| as_worker(stack, "answers.tar"));
    let file = worker.path().to_str().expect("a plain path");
    run(&lab, &["apply", "--file", file, "--yes"]).expect(0);
}

#[test]
fn a_release_that_ecs_rolled_back_is_not_shipped_by_the_next_apply() {
    let lab = Lab::start(0.0);
    let with = |archive: &str, more: &str| {
        let settings = format!("{more}    subnets: public");
        changed(|stack| {
            stack.replace("answers.tar", archive).replace("    subnets: public", &settings)
        })
    };
    let go = |stack: &tempfile::NamedTempFile, command: &str, more: &[&str]| {
        let file = stack.path().to_str().expect("a plain path");
        run(&lab, &[&[command, "--file", file], more].concat())
    };
    let (good, broken) = (with("answers.tar", ""), with("exits.tar", ""));
    go(&good, "apply", &["--yes"]).expect(0);
    go(&broken, "publish", &["--yes"]).expect(4);
    wait_until("ECS has gone back", || {
        is_ready(&go(&good, "status", &["--json"]).expect(0).stdout, "service/web")
    });

    let rolled_back = "image/web was rolled back: web-2 failed, web-1 runs";
    let plan = go(&broken, "plan", &["--check"]).expect(0).stdout;
    for part in [rolled_back, "exit code 3", "No changes.", "deployer publish web"] {
        assert!(plan.contains(part), "{part}: {plan}");
    }
    assert!(go(&broken, "drift", &[]).expect(0).stderr.contains(rolled_back));
    assert!(go(&broken, "status", &[]).expect(0).stderr.contains(rolled_back));

    // A variable goes out with the release that runs, now and afterwards.
    for variable in ["one", "two"] {
        let more = format!("    environment: {{ WORD: {variable} }}\n");
        let edited = with("exits.tar", &more);
        go(&edited, "apply", &["--yes"]).expect(0);
        go(&edited, "plan", &["--check"]).expect(0);
    }
    let mended = with("other.tar", "    environment: { WORD: two }\n");
    go(&mended, "publish", &["--yes"]).expect(0);
    let plan = go(&mended, "plan", &["--check"]).expect(0).stdout;
    assert!(!plan.contains("failed") && !plan.contains("publish"), "{plan}");
    go(&mended, "destroy", &["--yes"]).expect(0);
    assert_eq!(lab.everything(), Vec::<String>::new());
}

#[test]
fn a_first_deploy_that_failed_is_mended_by_the_next_apply() {
    let lab = Lab::start(0.0);
    let apply = |archive: &str| {
        let stack = changed(|stack| stack.replace("answers.tar", archive));
        let file = stack.path().to_str().expect("a plain path").to_owned();
        let ran = run(&lab, &["apply", "--file", &file, "--yes"]);
        (stack, file, ran)
    };
    let (_, _, failed) = apply("exits.tar");
    let told = failed.expect(4).stderr;
    assert!(!told.contains("Run the same command again"), "{told}");
    let (_stack, file, mended) = apply("answers.tar");
    mended.expect(0);
    run(&lab, &["plan", "--file", &file, "--check"]).expect(0);
}
