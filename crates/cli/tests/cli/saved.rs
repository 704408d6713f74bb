//! Saved plans.

use deployer_cli::Exit;

use crate::world::{STACK, World};

async fn planned() -> World {
    let world = World::with(STACK);
    let ran = world.run("plan --env dev --out p.json").await;
    assert_eq!(ran.exit, Exit::Done);
    assert!(ran.stderr.contains("deployer apply"), "{}", ran.stderr);
    world
}

#[tokio::test(start_paused = true)]
async fn a_saved_plan_is_applied_as_it_is() {
    let world = planned().await;
    // The stack is not looked at again.
    world.write("deployer.yaml", "stack: [");
    let ran = world.run("apply p.json").await;
    assert_eq!(ran.exit, Exit::Done, "{ran:?}");
    assert!(ran.stdout.starts_with("store  store://"), "{}", ran.stdout);
    assert_eq!(world.memory.census().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_saved_plan_is_refused_once_the_account_has_moved() {
    let world = planned().await;
    assert_eq!(world.run("apply --env dev --yes --target part/a").await.exit, Exit::Done);
    let before = world.memory.census();
    let ran = world.run("apply --plan p.json").await;
    assert_eq!(ran.exit, Exit::Refused);
    insta::assert_snapshot!(ran.stderr);
    assert_eq!(world.memory.census(), before);
}

#[tokio::test(start_paused = true)]
async fn a_saved_plan_is_refused_in_another_account_or_region() {
    let mut world = planned().await;
    let ran = world.run("apply p.json --region us-east-1").await;
    assert_eq!(ran.exit, Exit::Refused);
    assert!(ran.stderr.contains("(it was eu-west-1, now it is us-east-1)"), "{}", ran.stderr);
    world.account = "210987654321".to_owned();
    let ran = world.run("apply p.json").await;
    assert_eq!(ran.exit, Exit::Refused);
    assert!(ran.stderr.contains("now it is 210987654321"), "{}", ran.stderr);
    assert!(world.memory.census().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_saved_plan_is_refused_for_another_stack() {
    let world = planned().await;
    world.write("other.yaml", &STACK.replace("stack: notes", "stack: other"));
    let ran = world.run("apply p.json --file other.yaml").await;
    assert_eq!(ran.exit, Exit::Refused, "{ran:?}");
    assert!(ran.stderr.contains("the stack (it was notes, now it is other)"), "{}", ran.stderr);
    assert_eq!(world.run("apply p.json --file deployer.yaml").await.exit, Exit::Done);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_no_plan_is_distinguished_from_a_damaged_one() {
    let world = planned().await;
    let ran = world.run("apply deployer.yaml").await;
    assert_eq!(ran.exit, Exit::Wrong);
    assert!(ran.stderr.contains("is not a saved plan"), "{}", ran.stderr);
    world.write("p.json", &world.read("p.json").replace("\"action\"", "\"deed\""));
    let ran = world.run("apply p.json").await;
    assert_eq!(ran.exit, Exit::Wrong);
    assert!(ran.stderr.contains("p.json is damaged"), "{}", ran.stderr);
    let ran = world.run("apply nowhere.json").await;
    assert_eq!(ran.exit, Exit::Wrong);
    assert!(ran.stderr.contains("could not read"), "{}", ran.stderr);
}

#[tokio::test(start_paused = true)]
async fn a_saved_plan_takes_no_targets() {
    let ran = planned().await.run("apply p.json --target part/a").await;
    assert_eq!(ran.exit, Exit::Usage);
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_cannot_be_saved_is_one_error_and_nothing_else() {
    let world = World::with(STACK);
    let ran = world.run("plan --env dev --json --out nowhere/p.json").await;
    assert_eq!(ran.exit, Exit::Wrong);
    let error: serde_json::Value = serde_json::from_str(&ran.stdout).expect("one document");
    assert_eq!(error["event"], "error");
}

#[tokio::test(start_paused = true)]
async fn a_saved_plan_takes_no_targets_however_it_is_named() {
    let world = World::with(STACK);
    for saved in ["p.json", "--plan p.json"] {
        let ran = world.run(&format!("apply {saved} --target store/main")).await;
        assert_eq!(ran.exit, Exit::Usage, "{ran:?}");
    }
}
