//! The policies that `deployer policy` prints: with one of them attached and everything else denied
//! the commands do their work, and with an action less they say which one it is.

use std::collections::BTreeSet;
use std::fs;

use deployer_tests::{Lab, Ran, deployer, finish, root};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The longest that a managed policy is, and how many of them a role has ("IAM and
/// AWS STS quotas" in the IAM user guide).
const LONGEST: usize = 6144;
const MOST_PARTS: usize = 10;

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
network: {{ cidr: 10.60.0.0/16, zones: 2, nat: single, private-access: [s3, logs], acls: tiers, flow-logs: 7 days }}
load-balancers: {{ edge: {{ http: forward, domains: [example.com, shop.example.org] }} }}
monitoring: {{ notify: [ops@example.com] }}
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
    scale: {{ min: 1, max: 5, cpu: 60%, requests: 500/min, schedules: [{{ cron: \"0 8 * * *\", min: 1 }}] }}
",
        image.display()
    )
}

/// The same with something else of everything that can be changed.
fn changed() -> String {
    stack()
        .replace("/*", "/shop/*")
        .replace("[example.com, shop.example.org]", "[shop.example.org]")
        .replace("private-access: [s3, logs], acls: tiers", "private-access: [s3, ecr]")
        .replace("ops@example.com", "dev@example.com")
        .replace("storage: 20 GiB", "storage: 30 GiB")
        .replace("log_min_duration_statement: 250", "log_min_duration_statement: 500")
        .replace("force-delete: true", "force-delete: true, keep: 30")
        .replace(
            "cpu: 60%, requests: 500/min, schedules: [{ cron: \"0 8 * * *\", min: 1 }]",
            "memory: 70%",
        )
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
        let lab = Lab::start_hollow();
        for zone in ["example.com", "example.org"] {
            lab.hosted_zone(zone);
        }
        Self { lab, folder: tempfile::tempdir().expect("a folder") }
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
        for home in ["", "|home"] {
            let printed = world.run(&format!("policy {who} --managed{home}")).expect(0).stdout;
            let parts: Vec<Value> = serde_json::from_str(&printed).expect("a list");
            assert!(parts.len() <= MOST_PARTS, "{who}: {}", parts.len());
            let longest = parts.iter().map(|part| part.to_string().len()).max();
            assert!(longest.is_some_and(|longest| longest <= LONGEST), "{who}: {longest:?}");
        }
    }
}

/// Takes actions out of the policy, each for a life of its own, which ends with the first command
/// that fails. A denial that a run can do without is named in a warning.
fn names_each(actions: impl IntoIterator<Item = String>, policy: &Value) {
    let mut unnamed = Vec::new();
    for action in actions {
        let world = World::new();
        world.lab.permit(&without(policy, &action));
        let mut said = String::new();
        for step in LIFE {
            let ran = world.run(step);
            said.push_str(&ran.stderr);
            if ran.code != Some(0) {
                break;
            }
        }
        if !said.contains(&action) {
            unnamed.push(format!("{action}: {}", world.lab.permitted()["denied"]));
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
    // A run ends well without these: one is a look alone, and the other is done by AWS where it was not
    // done before.
    let special = ["ecs:DescribeServiceRevisions", "iam:CreateServiceLinkedRole"];
    assert!(special.iter().all(|action| used.contains(*action)), "{used:?}");
    let some = used.into_iter().step_by(20).chain(special.map(str::to_owned));
    names_each(some, &policy);
}

#[test]
#[ignore = "a life for each action: a quarter of an hour, in `make nightly`"]
fn each_missing_action_is_named() {
    let (policy, used) = used();
    names_each(used, &policy);
}
