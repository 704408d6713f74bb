//! `deployer publish`, and a whole stack of real kinds.

use deployer_cli::Exit;

use crate::lookalike::{NOTES, applied, registry};
use crate::world::{STACK, World};

#[tokio::test(start_paused = true)]
async fn a_whole_stack_goes_up_settles_and_comes_down() {
    let world = World::new(registry, NOTES);
    insta::assert_snapshot!(world.run("plan --env dev").await.stdout);
    assert_eq!(world.run("apply --env dev --yes").await.exit, Exit::Done);
    let ran = world.run("plan --env dev --check").await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stdout);
    let ran = world.run("destroy --env dev --yes").await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    assert!(ran.stdout.ends_with("Last sweep: nothing of notes/dev is left.\n"), "{}", ran.stdout);
}

/// Names that follow from it look like identifiers then.
#[tokio::test(start_paused = true)]
async fn a_stack_and_a_service_with_digits_in_their_names_come_down() {
    let stack = NOTES.replace("stack: notes", "stack: notes2").replace("  web:\n", "  web2:\n");
    let world = World::new(registry, &stack);
    let ran = world.run("apply --env dev --yes").await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    world.write("deployer.yaml", &stack.replace("  web2:\n", "  site3:\n"));
    let ran = world.run("apply --env dev --yes").await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    let ran = world.run("destroy --env dev --yes").await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
}

#[tokio::test(start_paused = true)]
async fn changes_of_a_whole_stack_say_who_notices() {
    let world = applied().await;
    let changed = NOTES
        .replace("class: db.t4g.micro", "class: db.t4g.small")
        .replace("  notes: { keep: 20, scan", "  notes: { keep: 5, scan")
        .replace("RUST_LOG: info, PORT: \"8080\"", "RUST_LOG: debug, API_TOKEN: s3cr3t")
        .replace("port: 8080", "port: 9090")
        .replace("health: /healthz", "health: /up")
        .replace("uses: [databases/main]", "uses: []")
        .replace("  session: { length: 64 }", "  session: { length: 32 }");
    world.write("deployer.yaml", &changed);
    let ran = world.run("plan --env dev").await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    insta::assert_snapshot!(ran.stdout);
}

#[tokio::test(start_paused = true)]
async fn a_new_image_is_rolled_out_and_nothing_else_is_changed() {
    let world = applied().await;
    world.memory.edit_sources();
    let ran = world.run("publish web --env dev").await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    insta::assert_snapshot!(ran.stderr);
    let again = world.run("publish --env dev").await;
    assert_eq!(again.exit, Exit::Done);
    assert!(again.stderr.contains("No changes."), "{}", again.stderr);
    assert_eq!(world.run("plan --env dev --check").await.exit, Exit::Done);
}

#[tokio::test(start_paused = true)]
async fn what_else_would_change_is_named_and_needs_a_yes() {
    let world = World::new(registry, NOTES);
    let ran = world.run("publish --env dev").await;
    assert_eq!(ran.exit, Exit::Refused, "{}", ran.stderr);
    let shown = ran.stderr.split("error: ").last().unwrap_or_default();
    insta::assert_snapshot!(shown);
}

#[tokio::test(start_paused = true)]
async fn a_pending_change_elsewhere_is_left_for_an_apply() {
    let world = applied().await;
    let spare = NOTES.replace("  session: { length: 64 }", "  session: {}\n  spare: {}");
    world.write("deployer.yaml", &spare);
    world.memory.edit_sources();
    let ran = world.run("publish --env dev").await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    assert_eq!(world.run("plan --env dev --check").await.exit, Exit::Pending);
}

#[tokio::test(start_paused = true)]
async fn a_stack_without_images_has_nothing_to_publish() {
    let ran = World::with(STACK).run("publish --env dev").await;
    assert_eq!(ran.exit, Exit::Wrong);
    assert!(ran.stderr.contains("no service of the stack has an image"), "{}", ran.stderr);
    let ran = World::new(registry, NOTES).run("publish wbe --env dev").await;
    assert_eq!(ran.exit, Exit::Wrong);
    assert!(ran.stderr.contains("did you mean `web`?"), "{}", ran.stderr);
}
