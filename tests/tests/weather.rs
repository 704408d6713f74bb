//! Bad weather: what goes wrong outside, and what is left of a run.

use deployer_tests::{Lab, after_script, begin, deployer, end, finish, run, wait_until};
use serde_json::json;

const NETWORK: &str = "tests/stacks/network.yaml";

#[test]
fn credentials_that_expire_in_mid_run_end_it_with_an_account_of_what_is_done() {
    let lab = Lab::start(0.05);
    let apply = begin(&mut deployer(&lab, &["apply", "--file", NETWORK, "--yes"]));
    wait_until("the gateway is begun", || lab.has_begun("natgateway"));
    lab.fault(&json!({ "kind": "fail", "match": "*", "code": "ExpiredToken", "status": 400 }));
    let ended = end(apply).expect(4);
    for told in ["nat-gateway/nat-a", "aws sso login", "not begun", "Run the same command again"] {
        assert!(ended.stderr.contains(told), "{told}: {}", ended.stderr);
    }
    lab.clear_faults();
    run(&lab, &["apply", "--file", NETWORK, "--yes"]).expect(0);
    run(&lab, &["plan", "--file", NETWORK, "--check"]).expect(0);
    run(&lab, &["destroy", "--file", NETWORK, "--yes"]).expect(0);
    assert_eq!(lab.everything(), Vec::<String>::new());
}

#[test]
fn a_plan_that_does_not_fit_on_the_disk_is_not_saved_in_part() {
    let lab = Lab::start(0.0);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("plan.json").display().to_string();
    let plan = deployer(&lab, &["plan", "--file", NETWORK, "--out", &path]);
    // No file of this shell's children may be longer than a block or two.
    let limited = &mut after_script("trap '' XFSZ; ulimit -f 1", &plan);
    let ran = finish(limited).expect(1);
    assert!(ran.stderr.contains("could not write"), "{}", ran.stderr);
    let left = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 0, "a part of the plan is left");
}

#[test]
fn what_is_told_late_and_slowly_comes_about_all_the_same() {
    let lab = Lab::start(0.0);
    lab.set_strict(true);
    lab.fault(&json!({ "kind": "delay", "milliseconds": 20, "jitter": 60 }));
    run(&lab, &["apply", "--file", NETWORK, "--yes"]).expect(0);
    run(&lab, &["plan", "--file", NETWORK, "--check"]).expect(0);
    run(&lab, &["destroy", "--file", NETWORK, "--yes"]).expect(0);
    assert_eq!(lab.everything(), Vec::<String>::new());
}

#[test]
fn an_account_that_keeps_no_locks_says_how_to_go_on_without() {
    let lab = Lab::start(0.0);
    lab.fault(&json!({ "kind": "deny", "match": "ssm:*" }));
    let denied = run(&lab, &["apply", "--file", NETWORK, "--yes"]).expect(1);
    for told in ["allow `ssm:GetParametersByPath`", "--no-lock"] {
        assert!(denied.stderr.contains(told), "{told}: {}", denied.stderr);
    }
    assert_eq!(lab.everything(), Vec::<String>::new(), "nothing was begun");
    run(&lab, &["apply", "--file", NETWORK, "--yes", "--no-lock"]).expect(0);
    run(&lab, &["plan", "--file", NETWORK, "--check"]).expect(0);
}
