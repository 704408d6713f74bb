//! Alarms go off, and people hear of it.

use std::time::Duration;

use deployer_tests::{Flow, Lab, Load, Ran, root, run_on, wait_until};
use serde_json::Value;
use tempfile::TempDir;

/// As much shorter as makes a minute a second.
const SCALE: f64 = 1.0 / 60.0;

struct World {
    lab: Lab,
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self { lab: Lab::start(SCALE), folder: tempfile::tempdir().expect("a folder") };
        let image = root().join("tests/contracts/images/shop.tar");
        let text = format!(
            "\
stack: watched
region: eu-west-1
network: {{ nat: none, private-access: true }}
load-balancers: {{ edge: {{ http: forward }} }}
repositories: {{ web: {{ force-delete: true }} }}
secrets: {{ session: {{ recovery: none }} }}
services:
  web:
    image: {{ repository: web, build: {{ archive: {} }} }}
    secrets: {{ SESSION_KEY: secrets/session }}
    ports: {{ http: {{ port: 8080, health: /, route: {{ load-balancer: edge }} }} }}
monitoring:
  notify: [ops@example.com]
  dashboard: true
  alarms:
    busy: {{ of: services/web, metric: requests, above: 3, for: 1 min }}
    rush: {{ any-of: [busy, web-cpu], description: there is a rush }}
",
            image.display()
        );
        std::fs::write(world.folder.path().join("deployer.yaml"), text).expect("a file");
        world
    }

    fn run(&self, command: &str) -> Ran {
        let file = self.folder.path().join("deployer.yaml").display().to_string();
        run_on(&self.lab, &file, &command.split(' ').collect::<Vec<_>>())
    }

    /// The letters to somebody whose subject has a word.
    fn letters(&self, word: &str) -> Vec<Value> {
        let all = self.lab.get("/_lab/outbox?to=ops@example.com");
        let has = |it: &&Value| it["subject"].as_str().is_some_and(|it| it.contains(word));
        all.as_array().into_iter().flatten().filter(has).cloned().collect()
    }

    /// A service in a network without a way out: its image, its logs and its secret come by
    /// endpoints.
    fn up(&self) {
        self.run("apply --yes").expect(0);
        let status = self.run("status").expect(0).stdout;
        assert!(status.contains("ops@example.com has to confirm"), "{status}");
        assert_eq!(self.letters("Confirmation").len(), 1, "one letter asks");
        self.lab.confirm("ops@example.com");
        self.run("plan --check").expect(0);
        assert_eq!(self.letters("Confirmation").len(), 1, "nobody is asked again");
    }
}

#[test]
fn an_alarm_goes_off_and_is_over_and_its_mails_are_sent() {
    let world = World::new();
    world.up();
    let url = world.run("outputs edge-url").expect(0).stdout.trim().to_owned();
    wait_until("the alarm goes off", || {
        let _ = ureq::get(&url).call();
        !world.letters("ALARM").is_empty()
    });
    let body = world.letters("ALARM")[0]["body"].as_str().unwrap_or_default().to_owned();
    assert!(body.contains("watched-default-rush-composite"), "{body}");
    assert!(body.contains("there is a rush"), "{body}");
    assert_eq!(world.letters("watched-default-busy"), Vec::<Value>::new(), "one letter is enough");
    wait_until("it is over", || !world.letters("OK").is_empty());
    world.run("destroy --yes").expect(0);
    assert_eq!(world.lab.owned(), Vec::<String>::new());
}

/// One of those that there are without being asked for.
#[test]
fn requests_that_fail_set_off_an_alarm_that_nobody_wrote() {
    let world = World::new();
    world.up();
    let url = world.run("outputs edge-url").expect(0).stdout.trim().to_owned();
    // There is no database, so this path is answered with 503.
    let load = Load::begin(&[url], &[Flow { path: "/data", rate: 10 }]);
    wait_until("the alarm goes off", || {
        !world.letters("ALARM: \"watched-default-web-5xx\"").is_empty()
    });
    for seen in load.end_after(Duration::ZERO) {
        assert!(seen.total() > 10, "no more than what is usual: {seen:?}");
    }
    wait_until("it is over", || !world.letters("OK: \"watched-default-web-5xx\"").is_empty());
}
