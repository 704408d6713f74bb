//! `deployer rollback` and `deployer history` of services that run real task definitions.

use deployer_cli::Exit;
use serde_json::Value;

use crate::lookalike::{Lookalike, NOTES, Trouble, applied};
use crate::world::World;

/// The digests of the first build and of the one after.
const FIRST: &str = "sha256:0000";
const SECOND: &str = "sha256:0001";

/// The sample stack after a second release, which has another setting too.
async fn released() -> World<Lookalike> {
    let world = applied().await;
    world.write("deployer.yaml", &NOTES.replace("RUST_LOG: info", "RUST_LOG: debug"));
    world.memory.edit_sources();
    let ran = world.run("publish --env dev --yes").await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    world
}

/// What the service runs.
fn runs(world: &World<Lookalike>) -> String {
    let things = world.memory.things();
    let (_, _, service) = things.iter().find(|it| it.0 == "service").expect("a service");
    let service: Value = serde_json::from_str(service).expect("JSON");
    let id = service["task-definition"]["id"].as_str().expect("an identifier").to_owned();
    things.into_iter().find(|it| it.1 == id).expect("what it runs").2
}

#[tokio::test(start_paused = true)]
async fn the_release_before_comes_back_as_a_new_one_and_stays() {
    let world = released().await;
    assert!(runs(&world).contains(SECOND));
    let ran = world.run("rollback web --env dev --yes").await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    insta::assert_snapshot!(ran.stderr);
    let now = runs(&world);
    assert!(now.contains(FIRST) && now.contains("info"), "{now}");
    let again = world.run("rollback web --env dev --yes").await;
    assert_eq!(again.exit, Exit::Done, "{}", again.stderr);
    assert!(again.stderr.contains("runs release 1 again already, as release 3"), "{again:?}");
    assert_eq!(runs(&world), now, "it goes no further");
    // The file still has the setting, and a plan says so; the image is the one that was gone back to.
    let plan = world.run("plan --env dev").await.stdout;
    assert!(plan.contains("RUST_LOG"), "{plan}");
    assert!(!plan.contains("image/web") && !plan.contains(SECOND), "{plan}");
    world.write("deployer.yaml", NOTES);
    assert_eq!(world.run("plan --env dev --check").await.exit, Exit::Done);
    // By its number it goes anywhere that has run.
    let ran = world.run("rollback web --to 2 --env dev --yes").await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    assert!(runs(&world).contains(SECOND));
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_was_cut_short_anywhere_is_done_by_the_next() {
    for step in ["create image/web", "create task-definition/web", "update service/web"] {
        let world = released().await;
        world.memory.recover();
        world.memory.trouble(step, 0, Trouble::Fails);
        let ran = world.run("rollback web --env dev --yes").await;
        assert_eq!(ran.exit, Exit::Failed, "{step}: {}", ran.stderr);
        world.memory.recover();
        let ran = world.run("rollback web --env dev --yes").await;
        assert_eq!(ran.exit, Exit::Done, "{step}: {}", ran.stderr);
        let now = runs(&world);
        assert!(now.contains(FIRST) && now.contains("info"), "{step}: {now}");
        world.write("deployer.yaml", NOTES);
        let ran = world.run("plan --env dev --check").await;
        assert_eq!(ran.exit, Exit::Done, "{step}: {}", ran.stdout);
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_gone_back_to_is_refused_before_anything_is_begun() {
    let world = applied().await;
    let ran = world.run("rollback web --env dev --yes").await;
    assert_eq!(ran.exit, Exit::Wrong);
    assert!(ran.stderr.contains("service/web has nothing to go back to"), "{}", ran.stderr);
    let ran = world.run("rollback wbe --env dev --yes").await;
    assert_eq!(ran.exit, Exit::Wrong);
    assert!(ran.stderr.contains("did you mean `web`?"), "{}", ran.stderr);
    let world = released().await;
    let ran = world.run("rollback web --to 9 --env dev --yes").await;
    assert_eq!(ran.exit, Exit::Wrong);
    assert!(ran.stderr.contains("has no release 9"), "{}", ran.stderr);
    let ran = world.run("rollback web --env dev").await;
    assert_eq!(ran.exit, Exit::Refused, "nobody is there to answer");
    world.memory.lose_image(FIRST);
    let before = world.memory.things();
    let ran = world.run("rollback web --env dev --yes").await;
    assert_eq!(ran.exit, Exit::Refused, "{}", ran.stderr);
    assert!(ran.stderr.contains("is no longer in its repository"), "{}", ran.stderr);
    assert_eq!(world.memory.things(), before);
}

#[tokio::test(start_paused = true)]
async fn releases_are_listed_with_who_made_them_and_what_changed() {
    let mut world = released().await;
    world.environment.insert("CI_JOB_URL".to_owned(), "https://ci.example/7".to_owned());
    assert_eq!(world.run("rollback --env dev --yes").await.exit, Exit::Done);
    let ran = world.run("history --env dev").await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    insta::assert_snapshot!(ran.stdout);
    let ran = world.run("history web --env dev --json").await;
    let json: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let releases = &json["services"][0]["releases"];
    assert_eq!(releases[0]["again"], 1);
    assert_eq!(releases[0]["run"], "https://ci.example/7");
    assert_eq!(releases[0]["by"], "arn:aws:iam::123456789012:user/alice");
    assert_eq!(releases[1]["changed"], serde_json::json!(["RUST_LOG", "image"]));
    assert!(!ran.stdout.contains("debug"), "names alone: {}", ran.stdout);
}
