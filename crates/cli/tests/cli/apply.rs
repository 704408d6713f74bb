//! `deployer apply`.

use deployer_cli::Exit;
use deployer_core::Cause;
use deployer_testkit::{Fault, Moment};
use serde_json::Value;

use crate::world::{STACK, World};

#[tokio::test(start_paused = true)]
async fn an_apply_shows_what_happens_and_prints_the_outputs() {
    let world = World::with(STACK);
    let ran = world.run("apply --env dev --yes").await;
    assert_eq!(ran.exit, Exit::Done, "{ran:?}");
    insta::assert_snapshot!(ran.stderr);
    assert!(ran.stdout.starts_with("store  store://"), "{}", ran.stdout);
    assert_eq!(world.memory.census().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_apply_asks_first() {
    let mut world = World::with(STACK);
    world.typed = Some("no\n".to_owned());
    let ran = world.run("apply --env dev").await;
    assert_eq!(ran.exit, Exit::Refused);
    assert!(ran.stderr.contains("Apply this? [y/N]"), "{}", ran.stderr);
    assert!(world.memory.census().is_empty());
    world.typed = Some("y\n".to_owned());
    assert_eq!(world.run("apply --env dev").await.exit, Exit::Done);
    assert_eq!(world.memory.census().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn without_anybody_to_ask_nothing_is_begun() {
    let world = World::with(STACK);
    let ran = world.run("apply --env dev").await;
    assert_eq!(ran.exit, Exit::Refused);
    assert!(ran.stderr.contains("add `--yes`"), "{}", ran.stderr);
    assert!(world.memory.census().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_people_would_notice_more_than_they_may_is_not_begun() {
    let world = World::with(STACK);
    // Nobody notices a first apply.
    assert_eq!(world.run("apply --env dev --yes --up-to nobody").await.exit, Exit::Done);
    world.write("deployer.yaml", &STACK.replace("10.0.0.0/16", "10.1.0.0/16"));
    assert_eq!(world.run("plan --env dev --out plan.json").await.exit, Exit::Done);
    let before = world.memory.census();
    for command in ["apply --env dev --yes --up-to outage", "apply plan.json --yes --up-to outage"]
    {
        let ran = world.run(command).await;
        assert_eq!(ran.exit, Exit::Refused, "{}", ran.stderr);
        let refusal = "refused: more would be noticed than `outage`: ";
        assert!(ran.stderr.contains(refusal), "{}", ran.stderr);
        assert!(ran.stderr.contains("store/main (data loss)"), "{}", ran.stderr);
        assert_eq!(world.memory.census(), before);
    }
    assert_eq!(world.run("apply plan.json --yes").await.exit, Exit::Done);
    let unknown = world.run("apply --yes --up-to little").await;
    assert_eq!(unknown.exit, Exit::Usage);
    assert!(unknown.stderr.contains("nobody, rolling, elsewhere, restart, outage"));
}

#[tokio::test(start_paused = true)]
async fn with_nothing_to_do_nothing_is_asked() {
    let world = World::applied(STACK).await;
    let ran = world.run("apply --env dev").await;
    assert_eq!(ran.exit, Exit::Done);
    assert!(ran.stderr.starts_with("No changes."), "{}", ran.stderr);
    assert!(ran.stdout.starts_with("store  store://"), "{}", ran.stdout);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_fails_is_reported_in_full_and_the_next_run_continues() {
    let world = World::with(STACK);
    // A scan of each of the three kinds that are declared, and a look for the name of the store; then
    // the create of the network.
    let fault = Fault::Fail(Moment::Before, Cause::Refused);
    world.memory.arm(4, fault);
    let ran = world.run("apply --env dev --yes").await;
    assert_eq!(ran.exit, Exit::Failed, "{ran:?}");
    insta::assert_snapshot!(ran.stderr);
    assert_eq!(ran.stdout, "");
    let ran = world.run("apply --env dev --yes").await;
    assert_eq!(ran.exit, Exit::Done);
    assert_eq!(world.memory.census().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn json_is_one_object_a_line_and_ends_with_the_result() {
    let world = World::with(STACK);
    let ran = world.run("apply --env dev --yes --json").await;
    let lines: Vec<Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["event"], "plan");
    assert!(lines.iter().any(|line| line["event"] == "waiting"), "{}", ran.stdout);
    let result = lines.last().unwrap();
    assert_eq!((&result["event"], &result["exit"]), (&"result".into(), &0.into()));
    assert!(result["outputs"]["store"].as_str().unwrap().starts_with("store://"));
    assert_eq!(ran.stderr, "");
}

#[tokio::test(start_paused = true)]
async fn a_terminal_gets_a_board() {
    let mut world = World::with(STACK);
    world.is_terminal = true;
    let ran = world.run("apply --env dev --yes").await;
    assert_eq!(ran.exit, Exit::Done);
    assert!(ran.stderr.contains("store/main creating"), "{}", ran.stderr);
    assert!(ran.stderr.contains("Done in"), "{}", ran.stderr);
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_run_says_what_is_left_and_continues_later() {
    let world = World::with(STACK);
    let cancel = world.cancel.clone();
    let (ran, ()) = tokio::join!(world.run("apply --env dev --yes"), async {
        deployer_testkit::pass(std::time::Duration::from_mins(1)).await;
        cancel.cancel();
    });
    assert_eq!(ran.exit, Exit::Interrupted, "{ran:?}");
    insta::assert_snapshot!(ran.stderr.split_once("[ 60").unwrap().1);
    let again = World { cancel: tokio_util::sync::CancellationToken::new(), ..world };
    assert_eq!(again.run("apply --env dev --yes").await.exit, Exit::Done);
    assert_eq!(again.memory.census().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_before_anything_began_begins_nothing() {
    let world = World::with(STACK);
    world.cancel.cancel();
    let ran = world.run("apply --env dev --yes").await;
    assert_eq!(ran.exit, Exit::Interrupted);
    assert!(world.memory.census().is_empty());
}
