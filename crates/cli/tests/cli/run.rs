//! `deployer run`: a command with what a service has.

use std::time::Duration;

use deployer_cli::Exit;
use deployer_engine::{Container, Health, Stop, StopCause, Task, TaskState};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::world::World;

pub(crate) const STACK: &str = "\
stack: notes
region: eu-west-1
environments: { dev: {} }
resources:
  network: { main: { range: 10.0.0.0/16 } }
  part: { a: { network: main, zone: a } }
  revision: { web: { image: one, url: nowhere } }
  service:
    web: { revision: web, gates: [], parts: [a] }
";

/// The task of a run, over with this code.
pub(crate) fn ended(id: &str, code: i32) -> Task {
    let now = Some(Timestamp::now());
    Task {
        id: id.to_owned(),
        state: TaskState::Stopped,
        status: "STOPPED".to_owned(),
        desired: "STOPPED".to_owned(),
        health: Health::Unknown,
        revision: "web:1".to_owned(),
        started_by: None,
        containers: vec![Container {
            name: "web".to_owned(),
            image: "one".to_owned(),
            digest: None,
            status: "STOPPED".to_owned(),
            health: Health::Unknown,
            exit_code: Some(code),
            reason: None,
            has_shell: false,
        }],
        created: now,
        started: now,
        stopping: now,
        stopped: now,
        stop: Some(Stop {
            cause: StopCause::Ended,
            code: Some("EssentialContainerExited".to_owned()),
            reason: Some("Essential container in task exited".to_owned()),
        }),
        zone: None,
        address: None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_of_a_service_ends_as_its_container_does() {
    let world = World::applied(STACK).await;
    world.memory.act("service/web", |activity| activity.tasks.push(ended("run-1", 3)));
    let ran = world.run("run web --env dev --json -- /app console").await;
    assert_eq!(ran.exit, Exit::Ran(3), "{ran:?}");
    let told: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(
        (&told["address"], &told["task"], &told["exit-code"]),
        (&json!("service/web"), &json!("run-1"), &json!(3))
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_run_is_said() {
    let world = World::applied(STACK).await;
    let ran = world.run("run services/web --env dev").await;
    assert_eq!(ran.exit, Exit::Wrong, "{ran:?}");
    for part in ["services/web is a service", "deployer run services/web", "-- COMMAND"] {
        assert!(ran.stderr.contains(part), "`{part}`: {}", ran.stderr);
    }
    let ran = world.run("run wbe --env dev -- ls").await;
    assert_eq!(ran.exit, Exit::Wrong);
    assert!(ran.stderr.contains("did you mean `web`?"), "{}", ran.stderr);
    let ran = world.run("run jobs/web --env dev -- ls").await;
    assert!(ran.stderr.contains("no service or job `web`"), "{}", ran.stderr);
}

#[tokio::test(start_paused = true)]
async fn who_stops_following_leaves_the_task_alone() {
    let world = World::applied(STACK).await;
    let mut task = ended("run-1", 0);
    (task.state, task.status) = (TaskState::Running, "RUNNING".to_owned());
    (task.stop, task.stopped) = (None, None);
    world.memory.act("service/web", |activity| activity.tasks.push(task));
    let stop = async {
        pass(Duration::from_secs(5)).await;
        world.cancel.cancel();
    };
    let (ran, ()) = tokio::join!(world.run("run web --env dev -- ls"), stop);
    assert_eq!(ran.exit, Exit::Interrupted, "{ran:?}");
    assert!(ran.stderr.contains("task run-1"), "{}", ran.stderr);
}

#[expect(clippy::disallowed_methods, reason = "time passes for who stops it")]
async fn pass(length: Duration) {
    tokio::time::sleep(length).await;
}
