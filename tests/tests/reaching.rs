//! Into tasks that run in the lab.

use std::process::Command;

use deployer_tests::{Lab, Ran, root, run_on};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A service that answers and has a shell, deployed with these settings.
struct World {
    lab: Lab,
    folder: TempDir,
}

impl World {
    fn deployed(settings: &str) -> Self {
        let world = Self { lab: Lab::start(0.0), folder: tempfile::tempdir().expect("a folder") };
        let with_shell = root().join("tests/contracts/images/with-shell");
        let made = Command::new("python3").arg("-B").arg(with_shell).arg(world.image()).status();
        assert!(made.is_ok_and(|it| it.success()), "an image with a shell is made");
        world.write(&world.image(), settings);
        world.run(&["apply", "--yes"]).expect(0);
        world
    }

    fn image(&self) -> String {
        self.folder.path().join("shell.tar").display().to_string()
    }

    fn write(&self, image: &str, settings: &str) {
        let text = format!(
            "\
stack: shop
region: eu-west-1
origin: tests
network: {{ zones: 2, nat: none }}
load-balancers: {{ edge: {{ http: forward }} }}
repositories: {{ web: {{ force-delete: true }} }}
services:
  web:
    image: {{ repository: web, build: {{ archive: {image} }} }}
    subnets: public
{settings}    ports:
      http:
        port: 8080
        health: {{ path: /, interval: 5 s, timeout: 2 s, unhealthy: 2 }}
        route: {{ load-balancer: edge }}
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

#[test]
fn a_command_runs_in_a_task_and_ends_as_it_does_there() {
    let world = World::deployed("    execute-command: true\n");
    let script = "echo it\\'s $0 && exit 7";
    let ran = world.run(&["exec", "web", "--", "sh", "-c", script, "in here"]);
    let ran = ran.expect(7);
    assert_eq!(ran.stdout, "it's in here\n", "{}", ran.stderr);
    let told = world.run(&["exec", "services/web", "--json", "--", "true"]).expect(0).stdout;
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!((&told["address"], &told["exit-code"]), (&json!("service/web"), &json!(0)));
    // Nobody types anything, so the shell ends.
    world.run(&["exec", "web"]).expect(0);
    let none = world.run(&["exec", "web", "--container", "proxy", "--", "true"]).expect(1).stderr;
    assert!(none.contains("there is no container `proxy`"), "{none}");
}
