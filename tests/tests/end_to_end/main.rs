//! The binary, the lab and whole stacks: what a user does, and what goes wrong for a user.

mod broken_images;
mod releases;

use std::time::{Duration, Instant};

use deployer_tests::{Lab, begin_until, deployer, end, finish, hostile_seed, run, signal};
use serde_json::json;

/// A small stack without anything that runs: quick to make.
const NETWORK: &str = "tests/stacks/network.yaml";

/// The same with a database that is protected.
const PROTECTED: &str = "tests/stacks/protected.yaml";

/// A load balancer that answers by itself.
const RULE: &str = "\
stack: tea
region: eu-west-1
network: { zones: 2, nat: none }
load-balancers: { edge: { http: forward } }
resources:
  listener-rule:
    tea:
      listener: edge-http
      priority: 10
      paths: [/tea]
      action: { respond: { status: 418 } }
";

/// One thing that takes no time.
const LOGS: &str =
    "stack: logs\nregion: eu-west-1\nresources: { log-group: { work: { retention-days: 7 } } }\n";

/// There is nothing left to do. Where replies are lost and told late, what was made twice shows after
/// the run alone, and goes with the next.
fn settled(lab: &Lab, file: &str) {
    if hostile_seed().is_some() {
        run(lab, &["apply", "--file", file, "--yes"]).expect(0);
    }
    run(lab, &["plan", "--file", file, "--check"]).expect(0);
}

#[test]
fn the_sample_stack_comes_up_green_and_goes_without_a_trace() {
    let lab = Lab::start(0.0);
    let sample = |command: &str, more: &[&str]| {
        let mut arguments = vec![command, "--file", "stacks/notes.yaml", "--env", "dev"];
        arguments.extend(more);
        run(&lab, &arguments)
    };
    sample("plan", &["--check"]).expect(3);
    sample("apply", &["--yes"]).expect(0);

    let url = sample("outputs", &["edge-url"]).expect(0).stdout;
    let mut page = ureq::get(url.trim()).call().expect("the page is served");
    let page = page.body_mut().read_to_string().expect("a page");
    assert!(page.contains("<title>"), "{page}");

    lab.reset_calls();
    sample("plan", &["--check"]).expect(0);
    let calls = lab.calls();
    let is_cheap = calls["total"].as_u64() <= Some(25) || hostile_seed().is_some();
    assert!(is_cheap, "too many for a plan without changes: {calls:#}");

    let again = sample("publish", &["--yes"]).expect(0);
    assert!(!again.stderr.contains("uploading"), "{}", again.stderr);

    let status = sample("status", &["--json"]).expect(0);
    assert!(status.stdout.contains("service/web"), "{}", status.stdout);

    sample("destroy", &["--yes"]).expect(0);
    assert_eq!(lab.everything(), Vec::<String>::new());
}

#[test]
fn a_saved_plan_is_applied_as_it_is_or_refused_when_the_account_has_moved() {
    let lab = Lab::start(0.0);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("plan.json");
    let path = path.to_str().expect("a plain path");
    run(&lab, &["plan", "--file", NETWORK, "--out", path]).expect(0);
    run(&lab, &["apply", path, "--yes"]).expect(0);
    settled(&lab, NETWORK);
    let moved = run(&lab, &["apply", path, "--yes"]).expect(5);
    assert!(moved.stderr.contains("plan"), "{}", moved.stderr);
}

#[test]
fn a_stack_that_gets_environments_is_told_of_the_one_it_leaves_behind() {
    let lab = Lab::start(0.0);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("stack.yaml");
    let file = path.to_str().expect("a plain path");
    std::fs::write(&path, LOGS).expect("a file");
    run(&lab, &["apply", "--file", file, "--yes"]).expect(0);
    std::fs::write(&path, format!("{LOGS}environments: {{ dev: {{}} }}\n")).expect("a file");
    let told = run(&lab, &["plan", "--file", file]).expect(0).stdout;
    assert!(told.contains("logs/default is still there"), "{told}");
}

/// The new rule takes the old one's turn, also where its place to wait at is somebody else's.
#[test]
fn a_rule_is_renamed_and_its_turn_stays_its_own() {
    let lab = Lab::start(0.0);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("stack.yaml");
    let file = path.to_str().expect("a plain path");
    std::fs::write(&path, RULE).expect("a file");
    run(&lab, &["apply", "--file", file, "--yes"]).expect(0);
    let url = run(&lab, &["outputs", "edge-url", "--file", file]).expect(0).stdout;
    let teapot =
        || ureq::get(format!("{}/tea", url.trim())).call().expect_err("an error").to_string();
    assert!(teapot().contains("418"), "{}", teapot());

    lab.by_hand(
        "elasticloadbalancing",
        "CreateRule",
        &[
            ("ListenerArn", &lab.arn_at("listener/edge-http")),
            ("Priority", "49990"),
            ("Conditions.member.1.Field", "path-pattern"),
            ("Conditions.member.1.Values.member.1", "/coffee"),
            ("Actions.member.1.Type", "fixed-response"),
            ("Actions.member.1.FixedResponseConfig.StatusCode", "404"),
        ],
    );
    std::fs::write(&path, RULE.replace("    tea:", "    pot:")).expect("a file");
    let ran = run(&lab, &["apply", "--file", file, "--yes"]).expect(0);
    assert!(teapot().contains("418"), "{}\n{}", teapot(), ran.stderr);
    settled(&lab, file);
}

#[test]
fn a_process_that_is_killed_leaves_nothing_to_repair() {
    let lab = Lab::start(0.02);
    let mut apply = deployer(&lab, &["apply", "--file", NETWORK, "--yes"]);
    let mut apply = begin_until(&mut apply, "something is made", || !lab.owned().is_empty());
    apply.kill().expect("it is our child");
    apply.wait().expect("it is our child");
    let made = lab.owned().len();
    run(&lab, &["apply", "--file", NETWORK, "--yes"]).expect(0);
    settled(&lab, NETWORK);
    assert!(lab.owned().len() > made, "the second run went on");
    run(&lab, &["destroy", "--file", NETWORK, "--yes"]).expect(0);
    assert_eq!(lab.everything(), Vec::<String>::new());
}

#[test]
fn an_interrupted_run_says_what_is_under_way_and_the_next_one_goes_on() {
    let lab = Lab::start(0.05);
    let mut apply = deployer(&lab, &["apply", "--file", NETWORK, "--yes"]);
    let gateway = || lab.has_begun("natgateway");
    let apply = begin_until(&mut apply, "the gateway is begun", gateway);
    signal("-INT", &apply);
    let told = end(apply).expect(130).stderr;
    assert!(told.contains("nat-gateway/"), "{told}");
    run(&lab, &["apply", "--file", NETWORK, "--yes"]).expect(0);
    settled(&lab, NETWORK);
}

#[test]
fn a_step_that_is_denied_stops_only_what_waits_for_it() {
    let lab = Lab::start(0.0);
    lab.fault(&json!({ "kind": "deny", "match": "ec2:CreateNatGateway" }));
    let failed = run(&lab, &["apply", "--file", NETWORK, "--yes"]).expect(4);
    assert!(failed.stderr.contains("allow `ec2:CreateNatGateway`"), "{}", failed.stderr);
    assert!(failed.stderr.contains("not begun"), "{}", failed.stderr);
    lab.clear_faults();
    run(&lab, &["apply", "--file", NETWORK, "--yes"]).expect(0);
    settled(&lab, NETWORK);
}

#[test]
fn in_bad_weather_nothing_is_made_twice() {
    let lab = Lab::start(0.0);
    lab.fault(&json!([
        { "kind": "throttle", "match": "*", "fraction": 0.1, "seed": 7 },
        { "kind": "fail", "match": "*:Create*", "when": "after", "fraction": 0.3, "seed": 11 },
        { "kind": "drop", "match": "*:*", "when": "after", "fraction": 0.03, "seed": 5 },
    ]));
    let weather = run(&lab, &["apply", "--file", PROTECTED, "--yes"]);
    assert!(weather.stderr.contains("trying again"), "there was no weather: {}", weather.stderr);
    lab.clear_faults();
    if weather.code != Some(0) {
        run(&lab, &["apply", "--file", PROTECTED, "--yes"]).expect(0);
    }
    settled(&lab, PROTECTED);
    assert_eq!(lab.twins(), Vec::<String>::new(), "each resource is there once");
}

#[test]
fn a_protected_database_outlives_destroy_yes() {
    let lab = Lab::start(0.0);
    run(&lab, &["apply", "--file", PROTECTED, "--yes"]).expect(0);
    let refused = run(&lab, &["destroy", "--file", PROTECTED, "--yes"]).expect(5);
    assert!(refused.stderr.contains("--unprotect db-instance/main"), "{}", refused.stderr);
    let owned = lab.owned().len();
    assert!(owned > 10, "nothing was begun: {owned} resources");
    let unprotect = ["--unprotect", "db-instance/main"];
    let destroyed =
        run(&lab, &[&["destroy", "--file", PROTECTED, "--yes"], &unprotect[..]].concat());
    let receipt = destroyed.expect(0);
    let told = receipt.stdout + &receipt.stderr;
    let left = lab.owned();
    let [snapshot, secret] = left.as_slice() else { panic!("not what is kept is left: {left:?}") };
    let name = snapshot.rsplit(':').next().unwrap_or_default();
    assert!(told.contains(name), "{name} is named as kept: {told}");
    // Its password: whoever restores the snapshot finds it.
    assert!(secret.contains("secret:safe/default/database-main"), "{secret}");
    assert!(told.contains("secret safe/default/database-main can be recovered"), "{told}");
}

#[test]
fn no_password_reaches_a_plan_an_output_or_a_process_list() {
    let lab = Lab::start(0.0);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("plan.json");
    let path = path.to_str().expect("a plain path");
    let mut told = String::new();
    for arguments in [
        &["plan", "--file", PROTECTED, "--out", path][..],
        &["apply", "--file", PROTECTED, "--yes", "--json", "-v"],
        &["outputs", "--file", PROTECTED, "--json"],
        &["status", "--file", PROTECTED, "--json"],
        &["plan", "--file", PROTECTED, "--json", "-v"],
    ] {
        let ran = run(&lab, arguments).expect(0);
        told += &ran.stdout;
        told += &ran.stderr;
    }
    told += &std::fs::read_to_string(path).expect("the plan was saved");
    let secrets = lab.secrets();
    assert!(secrets.len() >= 2, "a generated secret and the database's: {}", secrets.len());
    for secret in secrets {
        assert!(!told.contains(&secret), "a secret was told");
    }
}

#[test]
fn what_cannot_begin_says_so_once_with_what_to_do() {
    let lab = Lab::start(0.0);
    let silent = [("AWS_ENDPOINT_URL", "http://127.0.0.1:9")];
    let nobody = [("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")];
    for (environment, advice) in [(&silent[..], "AWS_ENDPOINT_URL"), (&nobody[..], "aws sso login")]
    {
        let mut command = deployer(&lab, &["plan", "--file", NETWORK]);
        let begun = Instant::now();
        let ran = finish(command.envs(environment.iter().copied())).expect(1);
        assert!(ran.stderr.contains(advice), "{}", ran.stderr);
        assert_eq!(ran.stderr.matches("error: ").count(), 1, "{}", ran.stderr);
        assert!(begun.elapsed() < Duration::from_secs(30), "{advice}: {:?}", begun.elapsed());
    }
    lab.fault(&json!({ "kind": "fail", "match": "*", "code": "ExpiredToken", "status": 400 }));
    let expired = run(&lab, &["apply", "--file", NETWORK, "--yes"]).expect(1);
    assert_eq!(expired.stderr.matches("error[").count(), 1, "{}", expired.stderr);
    assert!(expired.stderr.contains("aws sso login"), "{}", expired.stderr);
    lab.clear_faults();
    lab.fault(&json!({ "kind": "deny", "match": "ec2:DescribeVpcs" }));
    let denied = run(&lab, &["apply", "--file", NETWORK, "--yes"]).expect(1);
    assert!(denied.stderr.contains("allow `ec2:DescribeVpcs`"), "{}", denied.stderr);
    assert_eq!(lab.everything(), Vec::<String>::new(), "nothing was begun");
}

#[test]
fn an_unreadable_stack_is_told_before_any_call() {
    let lab = Lab::start(0.0);
    let missing = run(&lab, &["plan", "--file", "tests/stacks/none.yaml"]).expect(1);
    assert!(missing.stderr.contains("none.yaml"), "{}", missing.stderr);
    let mistaken = run(&lab, &["plan", "--file", "Cargo.toml"]).expect(1);
    assert!(mistaken.stderr.contains("error"), "{}", mistaken.stderr);
    assert_eq!(lab.calls()["total"], 0);
}
