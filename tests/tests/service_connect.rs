//! One service asks another by its name: ECS Service Connect.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use deployer_tests::{Lab, Ran, root, run_on};
use tempfile::TempDir;

/// Of AWS's durations.
const SCALE: f64 = 0.02;

struct World {
    lab: Lab,
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        Self { lab: Lab::start(SCALE), folder: tempfile::tempdir().expect("a folder") }
    }

    /// A gateway that answers with what the service answers that it uses: its name.
    fn write(&self, name: &str, uses: &str) {
        let archive = root().join("tests/contracts/images/asks.tar");
        let archive = archive.display();
        let text = format!(
            "\
stack: mesh
region: eu-west-1
origin: tests
network: {{ zones: 2, nat: none }}
load-balancers: {{ edge: {{ http: forward }} }}
repositories: {{ gateway: {{ force-delete: true }}, users: {{ force-delete: true }} }}
services:
  gateway:
    image: {{ repository: gateway, build: {{ archive: {archive} }} }}
    subnets: public
    uses: {uses}
    ports:
      http:
        port: 8080
        health: {{ path: /healthz, interval: 5 s, timeout: 2 s }}
        drain: 0 s
        route: {{ load-balancer: edge }}
  users:
    image: {{ repository: users, build: {{ archive: {archive} }} }}
    subnets: public
    environment: {{ NAME: {name} }}
    health-command: [/asks, itself]
    ports: {{ http: {{ port: 8080 }} }}
"
        );
        std::fs::write(self.file(), text).expect("a file");
    }

    fn file(&self) -> String {
        self.folder.path().join("deployer.yaml").display().to_string()
    }

    fn run(&self, words: &[&str]) -> Ran {
        run_on(&self.lab, &self.file(), words)
    }
}

/// What the gateway answers; nothing where it reaches nobody.
fn asked(url: &str) -> String {
    let answer = ureq::get(url).call().map(|mut it| it.body_mut().read_to_string());
    answer.unwrap_or_else(|_| Ok(String::new())).expect("text")
}

#[test]
fn a_service_asks_another_by_name_from_the_first_deploy_on_and_while_that_one_changes() {
    let world = World::new();
    world.write("first", "[services/users]");
    let first = world.run(&["apply", "--yes"]).expect(0).stderr;
    let server = first.find("service/users: created").expect("the server");
    let client = first.find("service/gateway: creating").expect("the client");
    assert!(server < client, "who is asked comes first: {first}");
    let url = world.run(&["outputs", "edge-url"]).expect(0).stdout.trim().to_owned();
    assert_eq!(asked(&url), "first");
    world.run(&["plan", "--check"]).expect(0);

    // Another version of the server, while somebody keeps asking.
    world.write("second", "[services/users]");
    let is_over = AtomicBool::new(false);
    let lost = thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut lost = 0;
            while !is_over.load(Ordering::Relaxed) {
                lost += usize::from(!["first", "second"].contains(&asked(&url).as_str()));
            }
            lost
        });
        let ran = world.run(&["apply", "--yes"]);
        is_over.store(true, Ordering::Relaxed);
        ran.expect(0);
        asking.join().expect("it asked")
    });
    assert_eq!((lost, asked(&url).as_str()), (0, "second"));

    // Somebody deletes the server. Tasks that run never see the one that comes in its place.
    let lab = &world.lab;
    lab.by_hand_in_json(
        "ecs",
        "AmazonEC2ContainerServiceV20141113.DeleteService",
        &serde_json::json!({
            "cluster": "mesh-default-main", "service": "mesh-default-users", "force": true,
        }),
    );
    let plan = world.run(&["plan"]).expect(0).stdout;
    assert!(plan.contains("service/gateway"), "the client is deployed again: {plan}");
    world.run(&["apply", "--yes"]).expect(0);
    assert_eq!(asked(&url), "second");
    world.run(&["plan", "--check"]).expect(0);

    // Without the use there is no name, no namespace, and no proxy.
    world.write("second", "[]");
    world.run(&["apply", "--yes"]).expect(0);
    world.run(&["plan", "--check"]).expect(0);
    let left = lab.owned();
    assert!(!left.iter().any(|it| it.contains("namespace")), "{left:?}");
    world.run(&["destroy", "--yes"]).expect(0);
}
