//! Releases that fail, each in its way, in one rollout: what each says while it fails, why, what is
//! different from the release that came up, and what to do.

use std::path::Path;

use deployer_tests::{Lab, root, run};
use serde_json::json;

/// One service: what is to come up, and the same broken.
struct Case {
    name: &'static str,
    good: &'static str,
    broken: &'static str,
    /// What is told of it, in this order.
    told: &'static [&'static str],
}

/// What is the same of each that works: it goes on running, and its check passes.
const WORKS: &str =
    "image: { build: { archive: IMAGES/fails.tar } }, health-command: [/fails, well]";

const CASES: &[Case] = &[
    Case {
        name: "foreign",
        good: WORKS,
        broken: "image: { build: { archive: IMAGES/foreign.tar } }, health-command: [/fails, well]",
        told: &[
            "foreign ended with exit code",
            "exec /foreign: exec format error",
            "changed since release 1, the last that came up: image: ",
            "help: the image is for another processor than its tasks: build it for linux/amd64, or \
             give it `architecture: arm64`; then roll it out again: `deployer publish foreign",
        ],
    },
    Case {
        name: "missing",
        good: WORKS,
        broken: "image: registry.example.com/gone:1, health-command: [/fails, well]",
        told: &[
            "CannotPullContainerError",
            "→ gone:1",
            "help: push the image registry.example.com/gone:1, or name one that is there; then roll \
             it out again: `deployer apply",
        ],
    },
    Case {
        name: "ill",
        good: WORKS,
        broken: "image: { build: { archive: IMAGES/fails.tar } }, health-command: [/fails, ill], \
                 environment: { LEVEL: debug-please }",
        told: &[
            "stopped: Task failed container health checks",
            "its health command is `/fails ill`, which has to end with 0 within 5 s",
            "the last that came up: LEVEL: added health: changed",
            "help: see what the command says in a task (`deployer exec ill",
        ],
    },
    Case {
        name: "hungry",
        good: "image: { build: { archive: IMAGES/fails.tar } }, health-command: [/fails, well], \
               sidecars: { feeder: { image: { of: hungry }, memory: 16 MiB, essential: true } }",
        broken: "image: { build: { archive: IMAGES/fails.tar } }, health-command: [/fails, well], \
                 sidecars: { feeder: { image: { of: hungry }, memory: 16 MiB, essential: true, \
                 command: [hungry] } }",
        told: &[
            "feeder ended with exit code 137; feeder: OutOfMemoryError",
            "the last that came up: feeder: command: added",
            "help: give `feeder` more `memory:` than 16 MiB, or let it take less",
        ],
    },
    Case {
        name: "roleless",
        good: WORKS,
        broken: "image: { build: { archive: IMAGES/fails.tar } }, health-command: [/fails, well], \
                 memory: 1 GiB",
        told: &[
            "ECS was unable to assume the role",
            "the last that came up: memory: 512 → 1024",
            "help: let the trust policy of the role `failing-default-roleless-execution` have the \
             service `ecs-tasks.amazonaws.com`",
        ],
    },
    Case {
        name: "nowhere",
        good: "image: { build: { archive: IMAGES/fails.tar } }, health-command: [/fails, well], \
               spot: { share: 100%, base: 0 }",
        broken: "image: { build: { archive: IMAGES/fails.tar } }, health-command: [/fails, well], \
                 spot: { share: 100%, base: 0 }, cpu: 512, memory: 1 GiB",
        told: &[
            "was unable to place a task. Reason: Capacity is unavailable at this time",
            "cpu: 256 → 512",
            "help: AWS has no room for it now",
        ],
    },
];

/// A stack of all of them; the role of one may be taken by others than ECS where they are broken.
fn write(file: &Path, is_broken: bool) {
    let images = root().join("tests/contracts/images");
    let mut text = "stack: failing\nregion: eu-west-1\n\
        network: { cidr: 10.24.0.0/16, zones: 2, nat: none }\nservices:\n"
        .to_owned();
    for Case { name, good, broken, .. } in CASES {
        let settings = if is_broken { broken } else { good };
        text.push_str(&format!("  {name}: {{ subnets: public, {settings} }}\n"));
    }
    if is_broken {
        text.push_str(
            "resources: { role/roleless-execution: { services: [ec2.amazonaws.com] } }\n",
        );
    }
    let text = text.replace("IMAGES", images.to_str().expect("a plain path"));
    std::fs::write(file, text).expect("a file");
}

/// What is told of the failure of one service, as one line.
fn failure(told: &str, name: &str) -> String {
    let (_, rest) = told.split_once(&format!("error: service/{name}:")).expect("it failed");
    let (failure, _) = rest.split_once("\n\n").expect("something stands after it");
    failure.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn each_way_to_fail_is_told_with_why_what_changed_and_what_to_do() {
    let lab = Lab::start(0.0);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("stack.yaml");
    let file = path.to_str().expect("a plain path");
    let go = |words: &[&str]| run(&lab, &[words, &["--file", file, "--yes"]].concat());
    write(&path, false);
    go(&["apply"]).expect(0);

    write(&path, true);
    lab.lack_capacity(&json!({ "provider": "FARGATE_SPOT", "times": null }));
    let applied = go(&["apply"]).expect(4).stderr;
    let published = go(&["publish", "foreign"]).expect(4).stderr;
    for Case { name, told, .. } in CASES {
        let all = if *name == "foreign" { &published } else { &applied };
        let failure = failure(all, name);
        let mut rest = failure.as_str();
        for part in *told {
            let Some((_, after)) = rest.split_once(part) else {
                panic!("{part}\nof {name}: {failure}")
            };
            rest = after;
        }
        assert!(!failure.contains("debug-please"), "a value: {failure}");
    }
    // It was said while ECS still tried.
    for (name, part) in [
        ("missing", "CannotPullContainerError"),
        ("ill", "failed container health checks"),
        ("hungry", "OutOfMemoryError"),
        ("roleless", "unable to assume the role"),
        ("nowhere", "Capacity is unavailable"),
    ] {
        let mut lines = applied.lines();
        let begins = format!("service/{name}: waiting: ");
        let is_said = |line: &str| line.contains(&begins) && line.contains(part);
        assert!(lines.any(is_said), "{begins}{part}\n{applied}");
    }
}
