//! The policies that `deployer policy` prints: with one of them attached and everything else denied
//! the commands do their work, and with an action less they say which one it is.

use std::collections::BTreeSet;
use std::fs;

use deployer_tests::{Lab, Ran, deployer, finish, root};
use serde_json::{Value, json};
use tempfile::TempDir;

/// IAM's limit for the inline policies of a role, in characters that are not white space ("IAM and
/// AWS STS quotas" in the IAM user guide).
const LONGEST: usize = 10_240;

/// What is done to a stack in its life; what stands behind `|` is how the file differs by then.
const LIFE: [&str; 9] = [
    "apply --yes",
    "plan",
    "status",
    "drift",
    "outputs",
    "apply --yes|changed",
    "publish --yes|changed",
    "secret rotate databases/main --yes|changed",
    "destroy --yes|changed",
];

fn stack() -> String {
    let image = root().join("tests/contracts/images/answers.tar");
    format!(
        "\
stack: shop
region: eu-west-1
network: {{ cidr: 10.60.0.0/16, zones: 2, nat: single }}
load-balancers: {{ edge: {{ http: forward }} }}
repositories: {{ web: {{ force-delete: true }} }}
databases:
  main: {{ engine: postgres, version: \"16\", class: db.t4g.micro, storage: 20 GiB, protect: false, parameters: {{ log_min_duration_statement: 250 }} }}
secrets: {{ session: {{ length: 40, recovery: none }} }}
services:
  web:
    image: {{ repository: web, build: {{ archive: {} }} }}
    uses: [databases/main]
    ports:
      http: {{ port: 8080, route: {{ load-balancer: edge, path: /* }} }}
    secrets: {{ SESSION_KEY: secrets/session }}
",
        image.display()
    )
}

/// The same with something else of everything that can be changed.
fn changed() -> String {
    stack()
        .replace("/*", "/shop/*")
        .replace("storage: 20 GiB", "storage: 30 GiB")
        .replace("log_min_duration_statement: 250", "log_min_duration_statement: 500")
        .replace("force-delete: true", "force-delete: true, keep: 30")
        .replace(
            "secrets: { SESSION_KEY",
            "environment: { GREETING: hello }\n    secrets: { SESSION_KEY",
        )
}

struct World {
    lab: Lab,
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        Self { lab: Lab::start_hollow(), folder: tempfile::tempdir().expect("a folder") }
    }

    fn run(&self, step: &str) -> Ran {
        let (line, version) = step.split_once('|').unwrap_or((step, ""));
        let text = match version {
            "" => stack(),
            // Long names, and the number of an account, which stands in every ARN.
            "home" => {
                stack().replace("stack: shop", "stack: administration\naccount: 111122223333")
            }
            _ => changed(),
        };
        fs::write(self.folder.path().join("deployer.yaml"), text).expect("a file");
        let words: Vec<&str> = line.split(' ').collect();
        finish(deployer(&self.lab, &words).current_dir(self.folder.path()))
    }

    fn policy(&self, who: &str) -> Value {
        let printed = self.run(&format!("policy {who}")).expect(0);
        serde_json::from_str(&printed.stdout).expect("a policy")
    }
}

/// A policy without an action, whichever way the others are written.
fn without(policy: &Value, action: &str) -> Value {
    let mut less = policy.clone();
    let denial = json!({ "Effect": "Deny", "Action": [action], "Resource": ["*"] });
    less["Statement"].as_array_mut().expect("statements").push(denial);
    less
}

/// Lives a life; gives the actions that were asked for.
fn live(world: &World) -> BTreeSet<String> {
    for step in LIFE {
        world.run(step).expect(0);
    }
    let seen = world.lab.permitted();
    assert_eq!(seen["denied"], json!([]));
    let allowed = seen["allowed"].as_array().expect("a list");
    allowed.iter().map(|pair| pair[0].as_str().expect("an action").to_owned()).collect()
}

#[test]
fn a_deployer_needs_no_more_than_its_policy() {
    let world = World::new();
    let policy = world.policy("deployer");
    world.lab.permit(&policy);
    let used = live(&world);
    assert!(used.len() > 90, "{used:?}");
}

#[test]
fn a_reader_looks_and_changes_nothing() {
    let world = World::new();
    world.run("apply --yes").expect(0);
    world.lab.permit(&world.policy("reader"));
    for look in ["plan", "status", "drift", "outputs"] {
        world.run(look).expect(0);
    }
    assert_eq!(world.lab.permitted()["denied"], json!([]));
    let there = world.lab.everything();
    let ran = world.run("apply --yes|changed");
    assert_ne!(ran.code, Some(0));
    assert!(ran.stderr.contains("ssm:PutParameter"), "{}", ran.stderr);
    assert_eq!(world.lab.everything(), there);
}

#[test]
fn every_policy_fits_into_a_role() {
    let world = World::new();
    for who in ["reader", "deployer", "break-glass"] {
        let size = world.policy(who).to_string().len();
        assert!(size <= LONGEST, "{who}: {size}");
        let home = world.run(&format!("policy {who}|home")).expect(0).stdout;
        let size = home.split_whitespace().collect::<String>().len();
        assert!(size <= LONGEST, "{who} of one account: {size}");
    }
}

/// Takes actions out of the policy, each for a life of its own, which ends with the first command
/// that is denied something.
fn names_each(actions: impl IntoIterator<Item = String>, policy: &Value) {
    let mut unnamed = Vec::new();
    for action in actions {
        let world = World::new();
        world.lab.permit(&without(policy, &action));
        let ran = LIFE.iter().map(|step| world.run(step)).find(|ran| ran.code != Some(0));
        let said = ran.map(|ran| ran.stderr).unwrap_or_default();
        if !said.contains(&action) {
            unnamed.push(format!("{action}:\n{said}"));
        }
    }
    assert!(unnamed.is_empty(), "{}", unnamed.join("\n"));
}

/// Those that a life asks for.
fn used() -> (Value, BTreeSet<String>) {
    let world = World::new();
    let policy = world.policy("deployer");
    world.lab.permit(&policy);
    (policy, live(&world))
}

#[test]
fn a_missing_action_is_named() {
    let (policy, used) = used();
    names_each(used.into_iter().step_by(20), &policy);
}

#[test]
#[ignore = "a life for each action: a quarter of an hour, in `make nightly`"]
fn each_missing_action_is_named() {
    let (policy, used) = used();
    names_each(used, &policy);
}
