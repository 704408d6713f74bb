//! What was changed outside.

use deployer_cli::Exit;
use serde_json::json;

use crate::world::{STACK, World};

async fn applied() -> World {
    let world = World::with(STACK);
    world.run("apply --env dev --yes").await;
    world
}

#[tokio::test(start_paused = true)]
async fn what_is_as_it_was_given_is_no_drift() {
    let ran = applied().await.run("drift --env dev").await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    insta::assert_snapshot!(ran.stdout);
}

#[tokio::test(start_paused = true)]
async fn what_somebody_changed_is_shown_with_what_it_was_given() {
    let world = applied().await;
    world.memory.meddle("store/main", "protected", json!(true));
    let ran = world.run("drift --env dev").await;
    assert_eq!(ran.exit, Exit::Pending);
    insta::assert_snapshot!(ran.stdout);
    let printed: serde_json::Value =
        serde_json::from_str(&world.run("drift --env dev --json").await.stdout).unwrap();
    assert_eq!(
        printed["changed"][0]["fields"][0],
        json!({ "path": "protected", "given": false, "now": true })
    );

    let plan = world.run("plan --env dev").await.stdout;
    assert!(plan.contains("changed outside:\n"), "{plan}");
    world.run("apply --env dev --yes").await;
    assert_eq!(world.run("drift --env dev").await.exit, Exit::Done);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_somebody_wrote_outside_is_not_shown() {
    let world = applied().await;
    let url = json!({ "url": "postgres://notes:s3cr3t@db.example/main" });
    world.memory.meddle("network/main", "labels", url);
    for command in
        ["drift --env dev", "drift --env dev --json", "plan --env dev", "plan --env dev --json"]
    {
        let ran = world.run(command).await;
        assert!(ran.stdout.contains("postgres://notes:…@"), "{command}: {}", ran.stdout);
        assert!(!ran.stdout.contains("s3cr3t"), "{command}: {}", ran.stdout);
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_file_changed_is_no_drift() {
    let world = applied().await;
    world.write("deployer.yaml", &STACK.replace("size: 20", "size: 30"));
    let ran = world.run("drift --env dev").await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stdout);
    let plan = world.run("plan --env dev").await.stdout;
    assert!(plan.contains("20 → 30") && !plan.contains("changed outside"), "{plan}");
    world.run("apply --env dev --yes").await;
    assert_eq!(world.run("drift --env dev").await.exit, Exit::Done, "the mark goes along");
}

#[tokio::test(start_paused = true)]
async fn what_does_not_exist_is_reported() {
    let world = applied().await;
    world.memory.lose("part/a");
    let ran = world.run("drift --env dev").await;
    assert_eq!(ran.exit, Exit::Pending);
    assert!(ran.stdout.contains("part/a is not there"), "{}", ran.stdout);
}

#[tokio::test(start_paused = true)]
async fn before_the_first_apply_there_is_one_line() {
    let ran = World::with(STACK).run("drift --env dev").await;
    assert_eq!(ran.exit, Exit::Pending);
    let line = "Nothing of notes/dev exists. `deployer apply --env dev` makes its 3 resources.\n";
    assert_eq!(ran.stdout, line);
}
