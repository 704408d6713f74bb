//! `deployer publish`, as far as a cloud without images goes.

use deployer_cli::Exit;

use crate::world::{STACK, World};

#[tokio::test(start_paused = true)]
async fn a_stack_without_images_has_nothing_to_publish() {
    let ran = World::with(STACK).run("publish --env dev").await;
    assert_eq!(ran.exit, Exit::Wrong);
    assert!(ran.stderr.contains("no service of the stack has an image"), "{}", ran.stderr);
}
