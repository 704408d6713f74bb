//! `deployer doctor`: what is wrong, in the order of the way of a request.

use deployer_cli::Exit;
use deployer_core::Cause;
use deployer_engine::{Finding, Stage};
use deployer_testkit::{Fault, Moment};
use serde_json::{Value, json};

use crate::run::STACK;
use crate::world::World;

#[tokio::test(start_paused = true)]
async fn what_is_well_is_said_to_be() {
    let world = World::applied(STACK).await;
    let ran = world.run("doctor --env dev").await;
    assert_eq!(ran.exit, Exit::Done, "{ran:?}");
    assert_eq!(ran.stdout, "notes/dev in eu-west-1: nothing is wrong\n");
    let world = World::with(STACK);
    let ran = world.run("doctor --env dev").await;
    assert_eq!(ran.exit, Exit::Pending, "{ran:?}");
    assert!(ran.stdout.contains("nothing of notes/dev is there"), "{}", ran.stdout);
    assert!(ran.stdout.contains("`deployer apply --env dev`"), "{}", ran.stdout);
}

#[tokio::test(start_paused = true)]
async fn findings_stand_in_the_order_of_the_way_with_what_to_type() {
    let world = World::applied(STACK).await;
    world.memory.act("service/web", |activity| {
        let targets = Finding::new(Stage::Targets, "2 of 2 targets fail", "look at the log");
        let data = Finding::new(Stage::Data, "the database is stopped", "start it");
        let said = "DB_PASSWORD=hunter2 is wrong".to_owned();
        activity.findings = vec![data.because([said, String::new()]), targets];
    });
    let ran = world.run("doctor --env dev").await;
    assert_eq!(ran.exit, Exit::Pending, "{ran:?}");
    let shown = "\
notes/dev in eu-west-1: 2 things are wrong, the first perhaps why

wrong: 2 of 2 targets fail
  = help: look at the log

wrong: the database is stopped
  = DB_PASSWORD=… is wrong
  = help: start it
";
    assert_eq!(ran.stdout, shown);
    let ran = world.run("doctor --env dev --json").await;
    let told: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(told["findings"][1]["stage"], "data");
    assert_eq!(told["findings"][1]["resource"]["address"], "service/web");
    assert_eq!(told["unread"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_or_cannot_be_read_is_no_health() {
    let world = World::applied(STACK).await;
    let more = STACK
        .replace("  part:", "  store: { main: { network: main, engine: pg, size: 20 } }\n  part:");
    world.write("deployer.yaml", &more);
    let ran = world.run("doctor --env dev").await;
    assert_eq!(ran.exit, Exit::Pending, "{ran:?}");
    assert!(ran.stdout.contains("store/main"), "{}", ran.stdout);
    world.write("deployer.yaml", &STACK.replace("parts: [a]", "parts: [b]"));
    let ran = world.run("doctor --env dev").await;
    assert!(ran.stdout.contains("the stack has mistakes"), "{ran:?}");
    world.write("deployer.yaml", STACK);
    // The last call is the one that asks the service.
    let before = world.memory.calls().len();
    assert_eq!(world.run("doctor --env dev").await.exit, Exit::Done);
    let last = world.memory.calls().len() - before - 1;
    world.memory.arm(last, Fault::Fail(Moment::Before, Cause::Denied));
    let ran = world.run("doctor --env dev").await;
    assert_eq!(ran.exit, Exit::Wrong, "{ran:?}");
    assert!(ran.stdout.contains("nothing was found"), "{}", ran.stdout);
    assert!(ran.stderr.contains("service/web: could not"), "{}", ran.stderr);
}
