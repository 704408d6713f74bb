//! What is in the way before anything begins.

use deployer_cli::Exit;
use deployer_core::{Cause, Failure};
use deployer_testkit::{Fault, Moment};

use crate::world::{STACK, World};

#[tokio::test(start_paused = true)]
async fn missing_credentials_are_one_clear_error() {
    let mut world = World::with(STACK);
    let failure = Failure::new(Cause::Credentials, "find AWS credentials", "there are none");
    world.failure = Some(failure);
    for command in ["plan", "apply --yes", "destroy --yes", "outputs", "status"] {
        let ran = world.run(&format!("{command} --env dev")).await;
        assert_eq!((ran.exit, ran.stdout.as_str()), (Exit::Wrong, ""), "{command}");
        assert!(ran.stderr.contains("aws sso login"), "{command}: {}", ran.stderr);
    }
    insta::assert_snapshot!(world.run("plan --env dev").await.stderr);
}

#[tokio::test(start_paused = true)]
async fn a_denied_scan_says_what_to_do() {
    let world = World::with(STACK);
    world.memory.arm(0, Fault::Fail(Moment::Before, Cause::Denied));
    let ran = world.run("plan --env dev").await;
    assert_eq!(ran.exit, Exit::Wrong);
    assert!(ran.stderr.contains("get-caller-identity"), "{}", ran.stderr);
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_is_not_there_is_said_to_be() {
    let world = World::with(STACK);
    let ran = world.run("plan --file nowhere.yaml").await;
    assert_eq!(ran.exit, Exit::Wrong);
    assert!(ran.stderr.contains("could not read nowhere.yaml"), "{}", ran.stderr);
}
