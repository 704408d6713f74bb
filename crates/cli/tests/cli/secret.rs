//! `deployer secret`.

use deployer_cli::Exit;

use crate::lookalike::{NOTES, applied, registry};
use crate::world::World;

#[tokio::test(start_paused = true)]
async fn a_password_is_another_secret_that_the_database_and_then_its_services_are_given() {
    let world = applied().await;
    let ran = world.run("secret rotate databases/main --env dev --yes").await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    insta::assert_snapshot!(ran.stderr);
    let after = world.run("plan --env dev --check").await;
    assert_eq!(after.exit, Exit::Done, "{}", after.stdout);
}

#[tokio::test(start_paused = true)]
async fn a_secret_of_the_stack_is_made_anew_and_nothing_else_is_changed() {
    let world = applied().await;
    let ran = world.run("secret rotate secrets/session --env dev --yes").await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    assert!(!ran.stderr.contains("db-instance"), "{}", ran.stderr);
    assert_eq!(world.run("plan --env dev --check").await.exit, Exit::Done);
}

#[tokio::test(start_paused = true)]
async fn what_has_no_secret_or_is_not_there_cannot_be_rotated() {
    let world = World::new(registry, NOTES);
    let early = world.run("secret rotate databases/main --env dev --yes").await;
    assert_eq!(early.exit, Exit::Wrong);
    assert!(early.stderr.contains("run `deployer apply --env dev` first"), "{}", early.stderr);
    let none = world.run("secret rotate services/web --env dev").await;
    assert_eq!(none.exit, Exit::Wrong);
    assert!(none.stderr.contains("has no secret that the stack keeps"), "{}", none.stderr);
    let other = world.run("secret rotate secrets/sesion --env dev").await;
    assert_eq!(other.exit, Exit::Wrong, "{}", other.stderr);
}
