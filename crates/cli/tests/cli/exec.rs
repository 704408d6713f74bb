//! `deployer exec`: into a task in memory, which is a shell of this machine.

use deployer_cli::Exit;
use deployer_engine::{Task, TaskState};
use serde_json::{Value, json};

use crate::run::{STACK, ended};
use crate::world::World;

/// A task that runs, with a way in or without.
fn running(id: &str, has_shell: bool) -> Task {
    let mut task = ended(id, 0);
    (task.state, task.status) = (TaskState::Running, "RUNNING".to_owned());
    (task.stop, task.stopped) = (None, None);
    task.containers[0].has_shell = has_shell;
    task.containers[0].exit_code = None;
    task
}

async fn world() -> World {
    let world = World::applied(STACK).await;
    world.memory.act("service/web", |activity| {
        activity.tasks.extend([running("9new", false), running("1old", true)]);
    });
    // A shell of this machine takes the time that it takes.
    tokio::time::resume();
    world
}

#[tokio::test(start_paused = true)]
async fn a_command_ends_as_it_does_in_the_task_and_nothing_else_is_shown() {
    let world = world().await;
    let ran = world.run("exec web --env dev -- ls /nowhere-at-all").await;
    assert!(matches!(ran.exit, Exit::Ran(1..=2)), "{ran:?}");
    assert_eq!(ran.stdout, "");
    let ran = world.run("exec services/web --env dev -- echo $HOME it's").await;
    assert_eq!((ran.exit, ran.stdout.as_str()), (Exit::Done, "$HOME it's\n"), "{}", ran.stderr);
    assert!(ran.stderr.contains("task 1old"), "the one with a way in: {}", ran.stderr);
    let ran = world.run("exec web --env dev --task 9n --json -- echo hello").await;
    let told: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((&told["task"], &told["exit-code"]), (&json!("9new"), &json!(0)));
    assert!(ran.stderr.contains("hello"), "{}", ran.stderr);
}

#[tokio::test(start_paused = true)]
async fn what_is_piped_in_is_read_to_its_end() {
    let mut world = world().await;
    world.typed = Some("two\none\n".to_owned());
    let ran = world.run("exec web --env dev -- sort").await;
    assert_eq!((ran.exit, ran.stdout.as_str()), (Exit::Done, "one\ntwo\n"), "{}", ran.stderr);
    world.typed = Some("echo from a shell".to_owned());
    let ran = world.run("exec web --env dev").await;
    assert_eq!((ran.exit, ran.stdout.as_str()), (Exit::Done, "from a shell\n"), "{}", ran.stderr);
}

#[tokio::test(start_paused = true)]
async fn where_there_is_no_way_in_it_is_said() {
    let world = world().await;
    let ran = world.run("exec web --env dev --task 7 -- ls").await;
    assert_eq!(ran.exit, Exit::Wrong);
    for part in ["services/web has no task that runs and begins with `7`", "9new, 1old"] {
        assert!(ran.stderr.contains(part), "`{part}`: {}", ran.stderr);
    }
    world.memory.act("service/web", |activity| activity.tasks.clear());
    let ran = world.run("exec web --env dev").await;
    assert_eq!(ran.exit, Exit::Wrong);
    assert!(ran.stderr.contains("`deployer doctor --env dev`"), "{}", ran.stderr);
    let ran = world.run("exec wbe --env dev").await;
    assert!(ran.stderr.contains("did you mean `web`?"), "{}", ran.stderr);
}
