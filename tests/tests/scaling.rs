//! The number of a service's tasks follows the load and the clock, and nobody else's hand is forced.

use std::time::Duration;

use deployer_tests::{Flow, Lab, Load, Ran, root, run_on, wait_until};
use jiff::tz::TimeZone;
use jiff::{ToSpan, Zoned};
use serde_json::{Value, json};
use tempfile::TempDir;

/// As much shorter as makes a minute a second.
const SCALE: f64 = 1.0 / 60.0;

/// What a task is to have in a minute, which lasts a second.
const REQUESTS: u32 = 5;

struct World {
    lab: Lab,
    folder: TempDir,
}

impl World {
    fn new(lab: Lab) -> Self {
        Self { lab, folder: tempfile::tempdir().expect("a folder") }
    }

    fn write(&self, scale: &str) {
        let image = root().join("tests/contracts/images/answers.tar");
        let text = format!(
            "\
stack: busy
region: eu-west-1
network: {{ nat: none }}
load-balancers: {{ edge: {{ http: forward }} }}
repositories: {{ web: {{ force-delete: true }} }}
services:
  web:
    subnets: public
    image: {{ build: {{ archive: {} }} }}
    ports: {{ http: {{ port: 8080, drain: 0 s, route: {{ load-balancer: edge }} }} }}
    {scale}
",
            image.display()
        );
        std::fs::write(self.folder.path().join("deployer.yaml"), text).expect("a file");
    }

    fn run(&self, command: &str) -> Ran {
        let file = self.folder.path().join("deployer.yaml").display().to_string();
        run_on(&self.lab, &file, &command.split(' ').collect::<Vec<_>>())
    }

    fn ask(&self, operation: &str, more: &Value) -> Value {
        let mut body = json!({
            "ServiceNamespace": "ecs",
            "ResourceId": "service/busy-default-main/busy-default-web",
            "ScalableDimension": "ecs:service:DesiredCount",
        });
        let fields = more.as_object().cloned().unwrap_or_default();
        body.as_object_mut().expect("an object").extend(fields);
        let target = format!("AnyScaleFrontendService.{operation}");
        self.lab.by_hand_in_json("application-autoscaling", &target, &body)
    }

    /// How many tasks run, and how many are wanted.
    fn tasks(&self) -> (u64, u64) {
        self.run("status --json").expect(0).tasks()
    }
}

#[test]
fn a_load_brings_tasks_and_takes_them_away_again() {
    let world = World::new(Lab::start(SCALE));
    world.write(&format!("scale: {{ min: 2, max: 8, requests: {REQUESTS}/min }}"));
    let plan = world.run("plan").expect(0).stdout;
    assert!(plan.contains("it says how many tasks service/web has: 2 to 8"), "{plan}");
    world.run("apply --yes").expect(0);
    assert_eq!(world.tasks(), (2, 2), "a new one begins with the fewest");
    let url = world.run("outputs edge-url").expect(0).stdout;
    let flows = [Flow { path: "/", rate: REQUESTS * 20 }];
    let load = Load::begin(&[url.trim().to_owned()], &flows);
    wait_until("eight tasks run", || world.tasks().0 == 8);
    // Nobody's plan takes them back, and neither does a change of something else.
    world.run("plan --check").expect(0);
    for seen in load.end_after(Duration::from_secs(1)) {
        assert_eq!(seen.strange(), 0, "{seen:?}");
    }
    wait_until("two tasks run", || world.tasks() == (2, 2));
    let causes = world.ask("DescribeScalingActivities", &json!({})).to_string();
    assert!(causes.contains("AlarmHigh") && causes.contains("AlarmLow"), "{causes}");
    world.run("destroy --yes").expect(0);
    assert_eq!(world.lab.everything(), Vec::<String>::new());
}

#[test]
fn the_clock_gives_other_bounds_and_they_are_no_drift() {
    let world = World::new(Lab::start(0.0));
    let write = |at: &str, more: &str| {
        world.write(&format!(
            "scale: {{ min: 1, max: 5, cpu: 60% }}
    {more}
resources:
  scalable-target: {{ web: {{ schedules: {{ soon: {{ at: \"at({at})\", min: 3 }} }} }} }}"
        ));
    };
    write("2099-01-01T08:00:00", "");
    world.run("apply --yes").expect(0);
    assert_eq!(world.tasks(), (1, 1));
    let at = Zoned::now().with_time_zone(TimeZone::UTC).saturating_add(6.seconds());
    let at = at.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    write(&at, "");
    world.run("apply --yes").expect(0);
    wait_until("three tasks run", || world.tasks() == (3, 3));
    world.run("plan --check").expect(0);
    let drift = world.run("drift").expect(0).stdout;
    assert!(!drift.contains("scalable-target"), "{drift}");
    // A change of something else leaves the bounds as the clock has set them, and the number.
    write(&at, "grace-period: 90 s");
    world.run("apply --yes").expect(0);
    assert_eq!(world.tasks(), (3, 3));
}

#[test]
fn a_plan_says_which_tasks_end_when_bounds_come_and_what_others_scale_is_theirs() {
    let world = World::new(Lab::start_hollow());
    world.write("count: 8");
    world.run("apply --yes").expect(0);
    world.write("scale: { min: 1, max: 4, cpu: 60% }");
    let plan = world.run("plan").expect(0).stdout;
    assert!(plan.contains("8 tasks run, and at most 4 may: 4 end"), "{plan}");

    let bounds = json!({ "MinCapacity": 2, "MaxCapacity": 9 });
    world.ask("RegisterScalableTarget", &bounds);
    assert!(plan.contains("scalable-target/web"), "{plan}");
    let refused = world.run("apply --yes").expect(1).stderr;
    assert!(refused.contains("service/busy-default-main/busy-default-web"), "{refused}");
    let targets = world.lab.by_hand_in_json(
        "application-autoscaling",
        "AnyScaleFrontendService.DescribeScalableTargets",
        &json!({ "ServiceNamespace": "ecs" }),
    );
    assert_eq!(targets["ScalableTargets"][0]["MaxCapacity"], 9, "{targets}");
    world.ask("DeregisterScalableTarget", &json!({}));

    world.run("apply --yes").expect(0);
    assert_eq!(world.tasks().1, 4);
    // The number is the scaler's from now on.
    world.write("scale: { min: 1, max: 4, cpu: 60% }\n    grace-period: 90 s");
    world.run("apply --yes").expect(0);
    assert_eq!(world.tasks().1, 4);
    // Somebody scales by a policy of their own beside ours: it stays.
    world.ask(
        "PutScheduledAction",
        &json!({
            "ScheduledActionName": "theirs", "Schedule": "cron(0 3 * * ? *)",
            "ScalableTargetAction": { "MinCapacity": 1 },
        }),
    );
    let plan = world.run("plan --check").expect(0);
    assert!(plan.stdout.contains("the scheduled action theirs"), "{}", plan.stdout);
    let refused = world.run("destroy --yes").expect(5).stderr;
    assert!(refused.contains("the scheduled action theirs"), "{refused}");
    world.run("destroy --yes --unprotect scalable-target/web").expect(0);
    assert_eq!(world.lab.everything(), Vec::<String>::new());
}
