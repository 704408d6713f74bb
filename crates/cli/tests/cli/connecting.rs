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

/// A stack for an account that is not the one of the credentials.
fn for_another() -> World {
    World::with(&STACK.replace("prod: {}", "prod: { account: 012345678901 }"))
}

#[tokio::test(start_paused = true)]
async fn of_another_account_nothing_is_read_or_changed() {
    let world = for_another();
    for command in [
        "plan",
        "apply --yes",
        "destroy --yes",
        "adopt network/main n-1",
        "drift",
        "status",
        "outputs",
        "outputs --json",
    ] {
        let ran = world.run(&format!("{command} --env prod")).await;
        assert_eq!(ran.exit, Exit::Refused, "{command}: {ran:?}");
        assert!((ran.stdout + &ran.stderr).contains("wrong-account"), "{command}");
    }
    assert!(world.memory.calls().is_empty(), "{:?}", world.memory.calls());
    assert_eq!(world.memory.parameter_names(), Vec::<String>::new());
    insta::assert_snapshot!(world.run("plan --env prod").await.stderr);
    let other = world.run("plan --env dev").await;
    assert_eq!(other.exit, Exit::Done, "{other:?}");
}

#[tokio::test(start_paused = true)]
async fn whoever_destroys_a_stack_full_of_mistakes_is_asked_for_the_right_account_too() {
    let world = for_another();
    world.write("deployer.yaml", &(world.read("deployer.yaml") + "colour: blue\n"));
    let ran = world.run("destroy --env prod --yes").await;
    assert_eq!(ran.exit, Exit::Refused, "{ran:?}");
    assert!(ran.stderr.contains("wrong-account"), "{}", ran.stderr);
}

#[tokio::test(start_paused = true)]
async fn the_role_is_the_way_in_and_its_account_the_one_that_counts() {
    let role = "arn:aws:iam::012345678901:role/deploy";
    let text =
        STACK.replace("prod: {}", &format!("prod: {{ account: 012345678901, role: \"{role}\" }}"));
    let world = World::with(&text);
    let ran = world.run("plan --env prod --out p.json").await;
    assert_eq!(ran.exit, Exit::Done, "{ran:?}");
    let ran = world.run("apply p.json").await;
    assert_eq!(ran.exit, Exit::Done, "{ran:?}");
    let ran = world.run("destroy --env prod --yes").await;
    assert_eq!(ran.exit, Exit::Done, "{ran:?}");
    let entered = world.entered.lock().expect("no panic").clone();
    assert_eq!(entered, vec![Some(role.to_owned()); 3]);
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
