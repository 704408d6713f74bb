//! A new version takes over requests as its stack says, nobody loses one, and a bad one comes back by
//! itself.

use std::time::Duration;

use deployer_tests::{Flow, Lab, Load, Ran, root, run};
use tempfile::TempDir;

struct World {
    lab: Lab,
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        Self { lab: Lab::start(0.02), folder: tempfile::tempdir().expect("a folder") }
    }

    /// Writes a service that answers with its name, and whatever else is in its environment.
    fn write(&self, environment: &str, rollout: &str) {
        let image = root().join("tests/contracts/images/shop.tar");
        let text = format!(
            "\
stack: shifted
region: eu-west-1
network: {{ cidr: 10.73.0.0/16, nat: none }}
load-balancers: {{ edge: {{}} }}
services:
  web:
    image: {{ build: {{ archive: {} }} }}
    subnets: public
    environment: {{ {environment} }}
    ports: {{ http: {{ port: 8080, drain: 0 s, health: /healthz, route: {{ load-balancer: edge }} }} }}
    rollout: {{ {rollout} }}
",
            image.display()
        );
        std::fs::write(self.file(), text).expect("a file");
    }

    fn file(&self) -> String {
        self.folder.path().join("stack.yaml").display().to_string()
    }

    fn run(&self, command: &str) -> Ran {
        let file = self.file();
        run(&self.lab, &command.split(' ').chain(["--file", &file]).collect::<Vec<_>>())
    }

    /// People who ask the service for something all the time.
    fn load(&self) -> Load {
        let url = self.run("outputs edge-url").expect(0).stdout;
        Load::begin(&[url.trim().to_owned()], &[Flow { path: "/healthz", rate: 40 }])
    }
}

#[test]
fn requests_are_shifted_to_a_new_version_and_stay_with_the_old_one_when_it_is_bad() {
    let world = World::new();
    let canary = "strategy: canary, step: 50%, step-bake: 2 min, bake: 1 min";
    world.write("NAME: one", canary);
    world.run("apply --yes").expect(0);
    world.run("plan --check").expect(0);

    // Both answer while the canary is watched.
    let load = world.load();
    world.write("NAME: two", canary);
    let applied = world.run("apply --yes").expect(0).stderr;
    assert!(applied.contains("50% of the requests"), "{applied}");
    for seen in load.end_after(Duration::from_millis(300)) {
        assert_eq!((seen.before.as_str(), seen.after.as_str()), ("200 one", "200 two"));
        assert_eq!(seen.strange(), 0, "{:?}", seen.answers);
    }
    world.run("plan --check").expect(0);
    // That one of the two groups has no targets is as it is to be.
    world.run("doctor").expect(0);

    // Tasks that end at once get no requests, and what ran before still does.
    let load = world.load();
    world.write("NAME: three, BROKEN: yes", "strategy: blue-green, bake: 1 min");
    let failed = world.run("apply --yes").expect(4);
    assert!(failed.stderr.contains("ECS has gone back to what ran before"), "{}", failed.stderr);
    for seen in load.end_after(Duration::from_millis(300)) {
        assert_eq!((seen.before.as_str(), seen.after.as_str()), ("200 two", "200 two"));
        assert_eq!(seen.strange(), 0, "{:?}", seen.answers);
    }

    // The old strategy takes over where the groups are, whichever of them serves.
    let load = world.load();
    world.write("NAME: four", "strategy: rolling");
    world.run("apply --yes").expect(0);
    world.run("plan --check").expect(0);
    for seen in load.end_after(Duration::from_millis(300)) {
        assert_eq!((seen.before.as_str(), seen.after.as_str()), ("200 two", "200 four"));
        assert_eq!(seen.strange(), 0, "{:?}", seen.answers);
    }
}
