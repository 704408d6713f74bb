//! Releases that fail, each in its way, side by side: what each says while it fails, why, what is
//! different from the release that came up, and what to do.

use std::fmt::Write;
use std::path::Path;

use deployer_tests::{Lab, root, run};
use serde_json::json;

/// One service: what is to come up, and the same broken.
struct Case {
    name: &'static str,
    good: &'static str,
    broken: &'static str,
    /// What is said while it is rolled out, of those that take long enough here to be looked at.
    waits: Option<&'static str>,
    /// What is told of its failure, in this order.
    told: &'static [&'static str],
}

/// What is the same of those that work: they go on running, and their check passes.
const WORKS: &str =
    "image: { build: { archive: IMAGES/fails.tar } }, health-command: [/fails, well]";

/// Those whose settings are broken, or whose role ECS may not take.
const APPLIED: &[Case] = &[
    Case {
        name: "missing",
        good: WORKS,
        broken: "image: registry.example.com/gone:1, health-command: [/fails, well]",
        waits: None,
        told: &[
            "stopped: CannotPullContainerError",
            "changed since release 1, the last that came up: image: failing-default-missing@",
            "→ gone:1",
            "help: push the image registry.example.com/gone:1, or name one that is there",
            "`deployer apply",
        ],
    },
    Case {
        name: "ill",
        good: WORKS,
        broken: "image: { build: { archive: IMAGES/fails.tar } }, health-command: [/fails, ill], \
                 environment: { LEVEL: debug-please }",
        waits: Some("failed container health checks"),
        told: &[
            "stopped: Task failed container health checks",
            "its health command is `/fails ill`, which has to end with 0 within 5 s",
            "LEVEL: added health: changed",
            "help: see what the command says in a task (`deployer exec ill",
            "`deployer apply",
        ],
    },
    Case {
        name: "hungry",
        good: "image: { build: { archive: IMAGES/fails.tar } }, health-command: [/fails, well], \
               sidecars: { feeder: { image: { of: hungry }, memory: 16 MiB } }",
        broken: "image: { build: { archive: IMAGES/fails.tar } }, health-command: [/fails, well], \
                 sidecars: { feeder: { image: { of: hungry }, memory: 16 MiB, command: [hungry] } }",
        waits: Some("OutOfMemoryError"),
        told: &[
            "feeder ended with exit code 137; feeder: OutOfMemoryError",
            "feeder: command: added",
            "help: give `feeder` more `memory:` than 16 MiB, or let it take less",
        ],
    },
    Case {
        name: "nowhere",
        good: "image: { build: { archive: IMAGES/fails.tar } }, health-command: [/fails, well], \
               spot: { share: 100%, base: 0 }",
        broken: "image: { build: { archive: IMAGES/fails.tar } }, health-command: [/fails, well], \
                 spot: { share: 100%, base: 0 }, cpu: 512, memory: 1 GiB",
        waits: None,
        told: &[
            "ECS says: was unable to place a task. Reason: Capacity is unavailable at this time",
            "cpu: 256 → 512 memory: 512 → 1024",
            "help: AWS has no room for it now",
        ],
    },
    Case {
        name: "roleless",
        good: WORKS,
        broken: "image: { build: { archive: IMAGES/fails.tar } }, health-command: [/fails, well], \
                 environment: { LEVEL: debug-please }",
        waits: None,
        told: &[
            "ECS was unable to assume the role",
            "LEVEL: added",
            "help: let the trust policy of the role `failing-default-roleless-execution` have the \
             service `ecs-tasks.amazonaws.com`: `deployer apply",
        ],
    },
];

/// The one whose image is.
const PUBLISHED: &[Case] = &[Case {
    name: "foreign",
    good: WORKS,
    broken: "image: { build: { archive: IMAGES/foreign.tar } }, health-command: [/fails, well]",
    waits: None,
    told: &[
        "the end of its log in /failing/default/foreign: exec /foreign: exec format error",
        "changed since release 1, the last that came up: image: ",
        "help: the image is for another processor than its tasks: build it for linux/amd64, or \
             give it `architecture: arm64`; then roll it out again: `deployer publish foreign",
    ],
}];

/// A role that machines may take, and tasks may not.
const UNTRUSTING: &str =
    "resources: { role: { roleless-execution: { services: [ec2.amazonaws.com] } } }";

/// A stack of all of them.
fn write(file: &Path, settings: impl Fn(&Case) -> &'static str, more: &str) {
    let images = root().join("tests/contracts/images");
    let mut text = format!(
        "stack: failing\nregion: eu-west-1\n\
         network: {{ cidr: 10.24.0.0/16, zones: 2, nat: none }}\n{more}\nservices:\n"
    );
    for case in APPLIED.iter().chain(PUBLISHED) {
        let (name, settings) = (case.name, settings(case));
        writeln!(text, "  {name}: {{ subnets: public, {settings} }}").expect("a text");
    }
    let text = text.replace("IMAGES", images.to_str().expect("a plain path"));
    std::fs::write(file, text).expect("a file");
}

/// Holds what was told of one of them against what is to be.
fn check(case: &Case, told: &str) {
    let Case { name, waits, .. } = case;
    let begins = format!("service/{name}: waiting: ");
    if let Some(waits) = waits {
        let mut lines = told.lines();
        assert!(lines.any(|it| it.contains(&begins) && it.contains(waits)), "{waits}: {told}");
    }

    let (_, rest) = told.split_once(&format!("error: service/{name}:")).expect("it failed");
    let (failure, _) = rest.split_once("\n\n").expect("something stands after it");
    let failure = failure.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(!failure.contains("debug-please"), "the value of a setting: {failure}");
    case.told.iter().fold(failure.as_str(), |rest, part| {
        let found = rest.split_once(part);
        found.unwrap_or_else(|| panic!("{part}\nis not told of {name}: {failure}")).1
    });
}

#[test]
fn each_way_to_fail_is_told_with_why_what_changed_and_what_to_do() {
    let lab = Lab::start(0.0);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("stack.yaml");
    let file = path.to_str().expect("a plain path");
    let go = |words: &[&str]| run(&lab, &[words, &["--file", file, "--yes"]].concat());
    write(&path, |case| case.good, "");
    go(&["apply"]).expect(0);
    // What is taken from a role goes once what it is taken from has come up.
    write(&path, |case| case.good, UNTRUSTING);
    go(&["apply"]).expect(0);

    write(&path, |case| case.broken, UNTRUSTING);
    lab.lack_capacity(&json!({ "provider": "FARGATE_SPOT", "times": null }));
    let told = go(&["apply"]).expect(4).stderr;
    for case in APPLIED {
        check(case, &told);
    }
    let told = go(&["publish", "foreign"]).expect(4).stderr;
    for case in PUBLISHED {
        check(case, &told);
    }
}
