//! Taking something over that the stack did not make.

use deployer_cli::Exit;
use serde_json::Value;

use crate::world::{STACK, World};

/// A world in which another environment made a store, which is to become this one's.
async fn with_a_store() -> (World, String) {
    let world = World::with(STACK);
    world.run("apply --env prod --yes").await;
    world.run("apply --env dev --yes --target network/main").await;
    let printed = world.run("status --env prod --json").await.stdout;
    let status: Value = serde_json::from_str(&printed).expect("JSON");
    let resources = status["resources"].as_array().expect("resources");
    let store = resources.iter().find(|it| it["address"] == "store/main").expect("a store");
    (world, store["id"].as_str().expect("an identifier").to_owned())
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_over_is_shown_first_and_is_ours_then() {
    let (mut world, id) = with_a_store().await;
    world.typed = Some("y\n".to_owned());
    let ran = world.run(&format!("adopt store/main {id} --env dev")).await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    insta::assert_snapshot!(ran.stderr);
    insta::assert_snapshot!(ran.stdout);
    let ours = world.run("status --env dev").await.stdout;
    assert!(ours.contains(&id), "{ours}");
    let theirs = world.run("status --env prod").await.stdout;
    assert!(!theirs.contains(&id), "{theirs}");
}

#[tokio::test(start_paused = true)]
async fn without_a_yes_nothing_is_taken_over() {
    let (mut world, id) = with_a_store().await;
    world.typed = Some("n\n".to_owned());
    let ran = world.run(&format!("adopt store/main {id} --env dev")).await;
    assert_eq!(ran.exit, Exit::Refused);
    let theirs = world.run("status --env prod").await.stdout;
    assert!(theirs.contains(&id), "{theirs}");
}

#[tokio::test(start_paused = true)]
async fn what_exists_or_does_not_is_reported_before_anything_is_tagged() {
    let (world, id) = with_a_store().await;
    for (command, text) in [
        ("adopt network/main network-1 --env dev --yes".to_owned(), "exists already"),
        ("adopt store/main store-77 --env dev --yes".to_owned(), "there is no `store-77`"),
        (format!("adopt store/other {id} --env dev --yes"), "there is no resource `store/other`"),
    ] {
        let ran = world.run(&command).await;
        assert_eq!(ran.exit, Exit::Wrong, "{command}: {}", ran.stderr);
        assert!(ran.stderr.contains(text), "{command}: {}", ran.stderr);
    }
}
