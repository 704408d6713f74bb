//! What a shell is offered.

use deployer_cli::Exit;

use crate::lookalike::{NOTES, registry};
use crate::world::{STACK, World};

/// What is offered after these words, asked as fish does: it takes the last word for the one that
/// is being written.
async fn offered(stack: &str, words: &str) -> Vec<String> {
    let mut world = World::with(stack);
    world.environment.insert("COMPLETE".to_owned(), "fish".to_owned());
    let ran = world.run(&format!("-- deployer {words}")).await;
    assert_eq!(ran.exit, Exit::Done, "{ran:?}");
    // Behind a tab stands what it is.
    let values = ran.stdout.lines().map(|line| line.split('\t').next().unwrap_or(line));
    values.map(str::to_owned).collect()
}

#[tokio::test]
async fn commands_and_options_are_offered() {
    assert_eq!(offered(STACK, "pl").await, ["plan"]);
    assert!(offered(STACK, "plan --ch").await.contains(&"--check".to_owned()));
}

#[tokio::test]
async fn the_environments_of_the_stack_are_offered() {
    assert_eq!(offered(STACK, "plan --env p").await, ["prod"]);
    assert_eq!(offered(STACK, "apply --env=d").await, ["--env=dev"]);
}

#[tokio::test]
async fn what_is_in_the_stack_is_offered_by_its_address() {
    assert_eq!(offered(STACK, "plan --env dev --target sto").await, ["store/main"]);
    assert_eq!(offered(STACK, "adopt net").await, ["network/main"]);
    assert_eq!(offered(STACK, "outputs st").await, ["store"]);
}

#[tokio::test]
async fn the_services_of_the_stack_are_offered_to_what_is_for_those_that_run() {
    let mut world = World::new(registry, NOTES);
    world.environment.insert("COMPLETE".to_owned(), "fish".to_owned());
    for command in ["rollback", "continue", "restart", "scale", "history", "events"] {
        let ran = world.run(&format!("-- deployer {command} w")).await;
        assert_eq!(ran.stdout.trim(), "web", "{command}");
    }
}

#[tokio::test]
async fn a_stack_with_mistakes_still_has_its_environments() {
    let broken = STACK.replace("size: 20", "size: many");
    assert_eq!(offered(&broken, "plan --env p").await, ["prod"]);
    assert!(offered(&broken, "plan --target sto").await.is_empty());
    assert_eq!(offered("", "pl").await, ["plan"]);
}

#[tokio::test]
async fn the_script_asks_the_binary() {
    for shell in ["bash", "zsh", "fish"] {
        let script = World::with(STACK).run(&format!("completions {shell}")).await.stdout;
        assert!(
            script.contains(&format!("COMPLETE=\"{shell}\""))
                || script.contains(&format!("COMPLETE={shell}")),
            "{script}"
        );
    }
}

#[tokio::test]
async fn nothing_is_offered_where_nothing_is_asked() {
    let mut world = World::with(STACK);
    for (shell, words, exit) in [
        ("fish", "--", Exit::Done),
        ("powershell", "--", Exit::Done),
        ("ksh", "-- deployer p", Exit::Wrong),
    ] {
        world.environment.insert("COMPLETE".to_owned(), shell.to_owned());
        let ran = world.run(words).await;
        assert_eq!((ran.exit, ran.stdout.as_str()), (exit, ""), "{shell}");
    }
}
