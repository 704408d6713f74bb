//! Bad weather: what goes wrong outside, and what is left of a run.

use deployer_tests::{Lab, after_script, begin_until, deployer, end, finish, root, run};
use serde_json::json;

/// A small stack without anything that runs.
const NETWORK: &str = "tests/stacks/network.yaml";

/// A small stack with domains, endpoints, network ACLs, flow logs and alarms.
const PUBLIC: &str = "tests/stacks/public.yaml";

/// A stack with something of all that there is.
const EVERYTHING: &str = "tests/stacks/everything.yaml";

/// A stack with an image.
const WEB: &str = "tests/stacks/web.yaml";

/// Lets every call fail in the midst of an apply, once something has been begun, and looks at what
/// is told and at the next run.
fn fails_in_mid_run(
    (stack, begun, address): (&str, &str, &str),
    (code, message, advice): (&str, &str, &str),
) {
    let lab = Lab::start(0.05);
    lab.hosted_zone("example.com");
    let before = lab.everything();
    let mut apply = deployer(&lab, &["apply", "--file", stack, "--yes"]);
    let apply = begin_until(&mut apply, "it is begun", || lab.has_begun(begun));
    let fault =
        json!({ "kind": "fail", "match": "*", "code": code, "message": message, "status": 400 });
    lab.fault(&fault);
    let ended = end(apply).expect(4);
    for told in [address, advice, "not begun", "Run the same command again"] {
        assert!(ended.stderr.contains(told), "{told}: {}", ended.stderr);
    }
    lab.clear_faults();
    run(&lab, &["apply", "--file", stack, "--yes"]).expect(0);
    run(&lab, &["plan", "--file", stack, "--check"]).expect(0);
    run(&lab, &["destroy", "--file", stack, "--yes"]).expect(0);
    assert_eq!(lab.everything(), before);
}

const GATEWAY: (&str, &str, &str) = (NETWORK, "natgateway", "nat-gateway/nat-a");

const EXPIRED: (&str, &str, &str) =
    ("ExpiredToken", "The security token included in the request is expired", "aws sso login");

#[test]
fn credentials_that_expire_in_mid_run_end_it_with_an_account_of_what_is_done() {
    fails_in_mid_run(GATEWAY, EXPIRED);
}

#[test]
fn credentials_that_expire_before_a_domain_is_served_lose_nothing_of_it() {
    fails_in_mid_run((PUBLIC, "loadbalancer", "load-balancer/edge"), EXPIRED);
}

#[test]
fn a_clock_that_jumps_in_mid_run_ends_it_with_an_account_of_what_is_done() {
    let message = "Signature not yet current: 20261121T120000Z is still later than \
                   20261121T110500Z (20261121T110000Z + 5 min.)";
    let advice = "set this machine's clock";
    fails_in_mid_run(GATEWAY, ("InvalidSignatureException", message, advice));
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

/// Brings a stack up and takes it down where AWS shows everything late, limits calls and is slow.
fn comes_about(lab: &Lab, stack: &[&str]) {
    lab.hosted_zone("example.com");
    let before = lab.everything();
    lab.set_strict(true);
    lab.fault(&json!({ "kind": "delay", "milliseconds": 20, "jitter": 60 }));
    for command in [["apply", "--yes"], ["plan", "--check"], ["destroy", "--yes"]] {
        run(lab, &[&command[..], &["--file"], stack].concat()).expect(0);
    }
    assert_eq!(lab.everything(), before);
}

#[test]
fn what_is_told_late_and_slowly_comes_about_all_the_same() {
    comes_about(&Lab::start(0.0), &[NETWORK]);
}

#[test]
fn everything_comes_about_although_it_is_told_late_and_slowly() {
    comes_about(&Lab::start_hollow(), &[EVERYTHING, "--env", "dev"]);
}

#[test]
fn an_account_that_keeps_no_parameters_for_us_says_what_to_allow() {
    let lab = Lab::start(0.0);
    lab.fault(&json!({ "kind": "deny", "match": "ssm:*" }));
    for command in ["plan", "apply --yes", "destroy --yes", "status"] {
        let words: Vec<&str> = command.split(' ').chain(["--file", NETWORK]).collect();
        let denied = run(&lab, &words).expect(1);
        let advice = "allow `ssm:GetParametersByPath`";
        assert!(denied.stderr.contains(advice), "{command}: {}", denied.stderr);
    }
    assert_eq!(lab.everything(), Vec::<String>::new(), "nothing was begun");
}

#[test]
fn a_push_in_bad_weather_comes_through() {
    let lab = Lab::start(0.0);
    lab.fault(&json!([
        { "kind": "throttle", "match": "registry:*", "fraction": 0.1, "seed": 3 },
        { "kind": "drop", "match": "registry:Put*", "when": "after", "nth": 2 },
        { "kind": "fail", "match": "registry:Post*", "when": "before", "nth": 1 },
    ]));
    let apply = run(&lab, &["apply", "--file", WEB, "--yes"]).expect(0);
    assert!(apply.stderr.contains("will ask the registry again"), "{}", apply.stderr);
    lab.clear_faults();
    run(&lab, &["plan", "--file", WEB, "--check"]).expect(0);
}

#[test]
fn what_is_built_anew_and_is_not_what_the_plan_had_is_not_pushed() {
    let lab = Lab::start_hollow();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("deployer.yaml");
    let stack = "stack: moved\nregion: eu-west-1\nnetwork: { nat: none }\nservices:\n  \
                 web: { count: 0, subnets: public, image: { build: { archive: image.tar } } }\n";
    std::fs::write(&file, stack).expect("a file");
    let put = |name: &str| {
        let from = root().join("tests/contracts/images").join(name);
        let new = folder.path().join("new.tar");
        std::fs::copy(from, &new).expect("an archive");
        std::fs::rename(new, folder.path().join("image.tar")).expect("a file");
    };
    let file = file.display().to_string();
    put("answers.tar");
    run(&lab, &["apply", "--file", &file, "--yes"]).expect(0);

    put("other.tar");
    lab.fault(&json!({ "kind": "delay", "match": "ssm:PutParameter", "milliseconds": 2000 }));
    lab.reset_calls();
    let looked = || !lab.calls()["operations"]["ecr:GetLifecyclePolicy"].is_null();
    let mut publish = deployer(&lab, &["publish", "--file", &file, "--yes"]);
    let publish = begin_until(&mut publish, "it has built and looks at what is there", looked);
    put("shop.tar");
    let refused = end(publish).expect(4).stderr;
    assert!(refused.contains("where the plan has sha256:"), "{refused}");
    assert!(refused.contains("plan again"), "{refused}");
    lab.clear_faults();
    run(&lab, &["publish", "--file", &file, "--yes"]).expect(0);
}
