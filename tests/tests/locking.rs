//! Two runs of one environment: at once, killed, suspended.

use std::process::Child;
use std::time::{Duration, Instant};

use deployer_tests::{Lab, begin_until, deployer, end, run, signal, wait_until};
use serde_json::json;

/// A small stack without anything that runs.
const NETWORK: &str = "tests/stacks/network.yaml";

/// What takes long enough to be caught in the midst of.
const GATEWAY: &str = "natgateway";

fn begin(lab: &Lab, arguments: &[&str], lease: &str) -> Child {
    deployer_tests::begin(deployer(lab, arguments).env("DEPLOYER_LOCK_LEASE", lease))
}

fn apply_until_the_gateway(lab: &Lab, lease: &str) -> Child {
    let mut apply = deployer(lab, &["apply", "--file", NETWORK, "--yes"]);
    apply.env("DEPLOYER_LOCK_LEASE", lease);
    begin_until(&mut apply, "the gateway is begun", || lab.has_begun(GATEWAY))
}

/// The stack is there, once, and the lock is not.
fn assert_converged(lab: &Lab) {
    run(lab, &["plan", "--file", NETWORK, "--check"]).expect(0);
    assert_eq!(lab.twins(), Vec::<String>::new(), "each resource is there once");
    let locks: Vec<String> =
        lab.everything().into_iter().filter(|resource| resource.contains("/lock/")).collect();
    assert_eq!(locks, Vec::<String>::new(), "the lock was given back");
}

#[test]
fn of_two_who_apply_at_once_one_waits_and_finds_it_done() {
    let lab = Lab::start(0.02);
    let apply = ["apply", "--file", NETWORK, "--yes"];
    let both = [begin(&lab, &apply, "60"), begin(&lab, &apply, "60")];
    let told: String = both.into_iter().map(|child| end(child).expect(0).stderr).collect();
    assert!(told.contains("another run is at work"), "{told}");
    assert!(told.contains("No changes"), "{told}");
    assert_converged(&lab);
}

#[test]
fn one_who_does_not_wait_is_refused_and_told_who_is_at_work() {
    let lab = Lab::start(0.05);
    let first = apply_until_the_gateway(&lab, "60");
    let second = begin(&lab, &["destroy", "--file", NETWORK, "--yes", "--lock-timeout", "0"], "60");
    let second = end(second).expect(5);
    assert!(second.stderr.contains("`deployer apply` since"), "{}", second.stderr);
    end(first).expect(0);
    assert_converged(&lab);
}

#[test]
fn a_writer_that_was_killed_is_followed_at_once() {
    let lab = Lab::start(0.05);
    let mut first = apply_until_the_gateway(&lab, "60");
    first.kill().expect("it is our child");
    first.wait().expect("it is our child");
    let begun = Instant::now();
    let second = end(begin(&lab, &["apply", "--file", NETWORK, "--yes"], "60")).expect(0);
    assert!(second.stderr.contains("took over the lock"), "{}", second.stderr);
    assert!(begun.elapsed() < Duration::from_secs(30), "it waited for the dead");
    assert_converged(&lab);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a lease runs out by the clock of the process")]
fn a_writer_that_cannot_renew_its_lock_changes_nothing_until_it_can() {
    let lab = Lab::start(0.05);
    let apply = apply_until_the_gateway(&lab, "2");
    lab.fault(&json!({ "kind": "fail", "match": "ssm:*" }));
    std::thread::sleep(Duration::from_secs(3));
    lab.reset_calls();
    wait_until("the gateway is ready", || {
        lab.by_hand("ec2", "DescribeNatGateways", &[]).contains("<state>available</state>")
    });
    std::thread::sleep(Duration::from_secs(3));
    let changing = lab.changes();
    assert!(changing.is_empty(), "the route has to wait: {changing:?}");
    lab.clear_faults();
    end(apply).expect(0);
    assert_converged(&lab);
}

#[test]
fn a_writer_suspended_past_its_lease_changes_nothing_when_it_is_resumed() {
    let lab = Lab::start(0.05);
    let first = apply_until_the_gateway(&lab, "1");
    signal("-STOP", &first);
    let second = end(begin(&lab, &["destroy", "--file", NETWORK, "--yes"], "60")).expect(0);
    assert!(second.stderr.contains("took over the lock"), "{}", second.stderr);
    assert_eq!(lab.everything(), Vec::<String>::new());
    lab.reset_calls();
    signal("-CONT", &first);
    let first = end(first).expect(4);
    assert!(first.stderr.contains("the lock was taken over by"), "{}", first.stderr);
    let changing = lab.changes();
    assert!(changing.is_empty(), "it changed something: {changing:?}");
    assert_eq!(lab.everything(), Vec::<String>::new());
}
