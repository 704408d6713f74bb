//! `deployer destroy`.

use deployer_cli::Exit;
use deployer_core::Cause;
use deployer_testkit::{Fault, Moment};
use serde_json::Value;

use crate::world::{STACK, World};

#[tokio::test(start_paused = true)]
async fn a_destroy_ends_with_a_receipt() {
    let world = World::applied(STACK).await;
    let ran = world.run("destroy --env dev --yes").await;
    assert_eq!(ran.exit, Exit::Done, "{ran:?}");
    insta::assert_snapshot!(ran.stdout);
    assert!(world.memory.census().is_empty());
    let again = world.run("destroy --env dev --yes").await;
    assert_eq!(again.exit, Exit::Done);
    assert_eq!(again.stdout, "There is nothing of notes/dev in eu-west-1.\n");
}

/// What a deletion leaves is what the file says by then, not what it said at the last apply.
#[tokio::test(start_paused = true)]
async fn what_a_deletion_leaves_is_what_the_file_says() {
    for (is, becomes, leaves) in [("false", "true", false), ("true", "false", true)] {
        let stack = |wipe: &str| STACK.replace("size: 20", &format!("size: 20, wipe: {wipe}"));
        let world = World::applied(&stack(is)).await;
        world.write("deployer.yaml", &stack(becomes));
        let ran = world.run("destroy --env dev --yes").await;
        assert_eq!(ran.exit, Exit::Done, "{ran:?}");
        assert_eq!(ran.stdout.contains("Kept on purpose"), leaves, "{}", ran.stdout);
    }
}

#[tokio::test(start_paused = true)]
async fn a_destroy_has_the_name_typed() {
    let mut world = World::applied(STACK).await;
    world.typed = Some("y\n".to_owned());
    let ran = world.run("destroy --env dev").await;
    assert_eq!(ran.exit, Exit::Refused);
    assert!(ran.stderr.contains("Type notes/dev to destroy it:"), "{}", ran.stderr);
    assert_eq!(world.memory.census().len(), 3);
    world.typed = Some("notes/dev\n".to_owned());
    assert_eq!(world.run("destroy --env dev").await.exit, Exit::Done);
    assert!(world.memory.census().is_empty());
}

#[tokio::test(start_paused = true)]
async fn without_anybody_to_ask_nothing_is_destroyed() {
    let world = World::applied(STACK).await;
    let ran = world.run("destroy --env dev").await;
    assert_eq!(ran.exit, Exit::Refused);
    assert!(ran.stderr.contains("add `--yes`"), "{}", ran.stderr);
    assert_eq!(world.memory.census().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_stack_full_of_mistakes_can_be_destroyed() {
    let world = World::applied(STACK).await;
    world.write("deployer.yaml", "stack: notes\nregion: eu-west-1\nnetwrk: {}\n");
    let ran = world.run("destroy --stack notes --env dev --yes").await;
    assert_eq!(ran.exit, Exit::Done, "{ran:?}");
    assert!(world.memory.census().is_empty());
    let world = World::applied(STACK).await;
    world.write("deployer.yaml", &STACK.replace("size: 20", "size: huge, what: now"));
    assert_eq!(world.run("destroy --env dev --yes").await.exit, Exit::Done);
    assert!(world.memory.census().is_empty());
}

#[tokio::test(start_paused = true)]
async fn other_environments_are_left_alone() {
    let world = World::applied(STACK).await;
    assert_eq!(world.run("apply --env prod --yes").await.exit, Exit::Done);
    assert_eq!(world.run("destroy --env dev --yes").await.exit, Exit::Done);
    let ran = world.run("plan --env prod --check").await;
    assert_eq!(ran.exit, Exit::Done, "{ran:?}");
}

#[tokio::test(start_paused = true)]
async fn protection_takes_more_than_a_yes() {
    let world = World::applied(&STACK.replace("size: 20", "size: 20, protected: true")).await;
    let ran = world.run("destroy --env dev --yes").await;
    assert_eq!(ran.exit, Exit::Refused, "{ran:?}");
    assert!(ran.stderr.contains("--unprotect store/main"), "{}", ran.stderr);
    assert_eq!(world.memory.census().len(), 3);
    let ran = world.run("destroy --env dev --yes --unprotect store/main").await;
    assert_eq!(ran.exit, Exit::Done, "{ran:?}");
    assert!(world.memory.census().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_deleted_is_named() {
    let world = World::applied(STACK).await;
    // After nine scans, the first delete.
    world.memory.arm(9, Fault::Fail(Moment::Before, Cause::Refused));
    let ran = world.run("destroy --env dev --yes").await;
    assert_eq!(ran.exit, Exit::Failed, "{ran:?}");
    insta::assert_snapshot!(ran.stdout);
    assert_eq!(world.run("destroy --env dev --yes").await.exit, Exit::Done);
    assert!(world.memory.census().is_empty());
}

#[tokio::test(start_paused = true)]
async fn without_a_last_sweep_nothing_is_promised() {
    let world = World::applied(STACK).await;
    let scans = world.memory.calls().len();
    let complete = world.memory.fork();
    assert_eq!(world.run("destroy --env dev --yes").await.exit, Exit::Done);
    let last = world.memory.calls().len() - scans - 1;
    let world = World { memory: std::sync::Arc::new(complete), ..world };
    world.memory.arm(last, Fault::Fail(Moment::Before, Cause::Denied));
    let ran = world.run("destroy --env dev --yes").await;
    assert_eq!((ran.exit, ran.stdout.as_str()), (Exit::Failed, ""), "{ran:?}");
    assert!(ran.stderr.contains("the last sweep did not happen"), "{}", ran.stderr);
}

#[tokio::test(start_paused = true)]
async fn json_ends_with_the_receipt() {
    let world = World::applied(STACK).await;
    let ran = world.run("destroy --env dev --yes --json").await;
    let receipt: Value = serde_json::from_str(ran.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(receipt["event"], "receipt");
    assert_eq!(receipt["gone"].as_array().unwrap().len(), 3);
    assert_eq!(receipt["still-there"], Value::Array(vec![]));
}
