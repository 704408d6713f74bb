//! A new version takes over requests as its stack says, nobody loses one, and a bad one comes back by
//! itself.

use std::time::Duration;

use deployer_tests::{Flow, Lab, Load, Ran, begin_until, deployer, end, root, run_on};
use tempfile::TempDir;

struct World {
    lab: Lab,
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        Self { lab: Lab::start(0.02), folder: tempfile::tempdir().expect("a folder") }
    }

    /// Writes a service that answers with its name, and whatever else is in its environment; with an
    /// alarm on its failures.
    fn write(&self, environment: &str, rollout: &str) {
        let image = root().join("tests/contracts/images/shop.tar");
        let text = format!(
            "\
stack: shifted
region: eu-west-1
network: {{ cidr: 10.73.0.0/16, nat: none }}
load-balancers: {{ edge: {{}} }}
monitoring:
  defaults: false
  alarms: {{ failing: {{ of: services/web, metric: 5xx, above: 2, for: 1 min }} }}
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
        run_on(&self.lab, &file, &command.split(' ').collect::<Vec<_>>())
    }

    /// People who ask the service for something all the time.
    fn load(&self) -> Load {
        Load::begin(&[self.url()], &[Flow { path: "/", rate: 40 }])
    }

    fn url(&self) -> String {
        self.run("outputs edge-url").expect(0).stdout.trim().to_owned()
    }

    /// Rolls out a version that is healthy and fails at every request, and gives how many of a hundred
    /// answers were failures until the alarm took it back.
    fn fails(&self, rollout: &str) -> usize {
        let load = self.load();
        self.write("NAME: bad, FAILS: yes", &format!("{rollout}, alarms: [failing]"));
        let failed = self.run("apply --yes").expect(4).stderr;
        assert!(failed.contains("shifted-default-failing went off"), "{failed}");
        assert!(failed.contains("ECS has gone back to what ran before"), "{failed}");
        let seen = load.end_after(Duration::from_millis(300)).remove(0);
        assert_eq!((seen.before.as_str(), seen.after.as_str()), ("200 good", "200 good"));
        let failures = seen.answers.get("500").copied().unwrap_or_default();
        assert_eq!(seen.strange(), failures, "nothing else is lost: {:?}", seen.answers);
        assert!(failures > 0, "{:?}", seen.answers);
        failures * 100 / seen.total()
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

#[test]
fn a_version_that_fails_is_taken_back_by_its_alarm() {
    let world = World::new();
    world.write("NAME: good", "strategy: rolling");
    world.run("apply --yes").expect(0);
    world.write("NAME: good", "strategy: canary");
    world.run("apply --yes").expect(0);
    let share = world.fails("strategy: canary, step: 25%, step-bake: 10 min, bake: 1 min");
    assert!(share <= 40, "the canary gets a quarter of the requests: {share}%");
    let share = world.fails("strategy: linear, step: 20%, step-bake: 10 min, bake: 1 min");
    assert!(share <= 35, "the first step is a fifth of the requests: {share}%");
    // All requests are shifted at once, and back once the alarm has gone off while it bakes.
    world.fails("strategy: blue-green, bake: 10 min");
    world.write("NAME: good", "strategy: blue-green, bake: 1 min");
    world.run("apply --yes").expect(0);
}

#[test]
fn a_new_version_answers_at_its_port_for_tests_before_anybody_gets_it() {
    let world = World::new();
    world.write("NAME: one", "strategy: blue-green, bake: 0 min");
    world.run("apply --yes").expect(0);
    let tested = "test: { port: 9000 }, approve: { at: test-traffic }";
    world.write("NAME: two", &format!("strategy: blue-green, bake: 0 min, {tested}"));
    let file = world.file();
    let mut apply = deployer(&world.lab, &["apply", "--yes", "--file", &file]);
    let waits = || world.run("status").stdout.contains("waits for an answer");
    let applying = begin_until(&mut apply, "it waits", waits);
    let url = world.url();
    let answer = |port: &str| {
        let mut answer = ureq::get(format!("{url}{port}/")).call().ok()?;
        answer.body_mut().read_to_string().ok()
    };
    assert_eq!(answer("").as_deref(), Some("one"), "nobody gets it yet");
    assert_eq!(answer(":9000").as_deref(), Some("two"), "tests do");
    world.run("continue web").expect(0);
    end(applying).expect(0);
    assert_eq!(answer("").as_deref(), Some("two"));
    world.run("plan --check").expect(0);
}
