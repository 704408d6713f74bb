//! The commands that only read.

use deployer_cli::Exit;
use serde_json::Value;

use crate::world::{STACK, World};

#[tokio::test(start_paused = true)]
async fn outputs_are_read_from_what_is_there() {
    let world = World::with(STACK);
    let ran = world.run("outputs --env dev").await;
    assert_eq!(ran.stdout, "store  (not known yet)\n");
    assert_eq!(world.run("outputs store --env dev").await.exit, Exit::Wrong);

    let world = World::applied(STACK).await;
    let ran = world.run("outputs store --env dev").await;
    assert_eq!(ran.exit, Exit::Done);
    assert!(ran.stdout.starts_with("store://"), "{}", ran.stdout);
    let json: Value =
        serde_json::from_str(&world.run("outputs --env dev --json").await.stdout).unwrap();
    assert!(json["store"].is_string());
    let ran = world.run("outputs stoer --env dev").await;
    assert_eq!(ran.exit, Exit::Wrong);
    assert!(ran.stderr.contains("did you mean `store`?"), "{}", ran.stderr);
}

#[tokio::test(start_paused = true)]
async fn status_lists_what_is_there() {
    let world = World::with(STACK);
    let ran = world.run("status --env dev").await;
    assert_eq!(ran.stdout, "There is nothing of notes/dev in eu-west-1.\n");
    let world = World::applied(STACK).await;
    let ran = world.run("status --env dev").await;
    assert_eq!(ran.exit, Exit::Done);
    insta::assert_snapshot!(ran.stdout);
    let json: Value =
        serde_json::from_str(&world.run("status --env dev --json").await.stdout).unwrap();
    assert_eq!(json["resources"].as_array().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_expanded_stack_is_a_stack() {
    let world = World::with(STACK);
    let ran = world.run("expand --env dev").await;
    assert_eq!(ran.exit, Exit::Done, "{ran:?}");
    world.write("expanded.yaml", &ran.stdout);
    let again = world.run("expand --file expanded.yaml").await;
    assert_eq!(again.stdout, ran.stdout);
    let json: Value =
        serde_json::from_str(&world.run("expand --env dev --json").await.stdout).unwrap();
    assert_eq!(json["stack"], "notes");
}

#[tokio::test(start_paused = true)]
async fn the_schema_and_the_completions_need_no_stack() {
    let world = World::with("");
    let schema = world.run("schema").await;
    assert_eq!(schema.exit, Exit::Done);
    assert!(serde_json::from_str::<Value>(&schema.stdout).is_ok());
    for shell in ["bash", "zsh", "fish"] {
        let ran = world.run(&format!("completions {shell}")).await;
        assert_eq!(ran.exit, Exit::Done);
        assert!(ran.stdout.contains("deployer"), "{shell}");
    }
}

#[tokio::test(start_paused = true)]
async fn help_goes_to_stdout_and_mistakes_on_the_command_line_to_stderr() {
    let world = World::with(STACK);
    let help = world.run("help").await;
    assert_eq!((help.exit, help.stderr.as_str()), (Exit::Done, ""));
    insta::assert_snapshot!(help.stdout);
    let version = world.run("--version").await;
    assert_eq!(version.exit, Exit::Done);
    let wrong = world.run("aply").await;
    assert_eq!((wrong.exit, wrong.stdout.as_str()), (Exit::Usage, ""));
    assert!(wrong.stderr.contains("apply"), "{}", wrong.stderr);
    assert_eq!(world.run("plan --var novalue").await.exit, Exit::Usage);
    assert_eq!(world.run("plan --target nonsense").await.exit, Exit::Usage);
}
