//! What a person sees of other runs.

use std::process::Command;

use deployer_cli::Exit;
use deployer_engine::{Claim, Holder, Parameters, Secrecy, read_book};
use deployer_testkit::scope;

use crate::world::{STACK, World};

/// A world in which alice is writing, or was.
async fn taken_by(process: Option<String>) -> World {
    let world = World::with(STACK);
    let alice = Holder {
        name: "alice@build-7".to_owned(),
        command: "apply".to_owned(),
        since: "2026-05-04 10:11:12 UTC".to_owned(),
        run: Some("https://ci.example/7".to_owned()),
        process,
        ..Holder::default()
    };
    let alice = serde_json::to_string(&alice).expect("a holder is JSON");
    let made = world.memory.make(&scope(), "lock/1", &alice, Secrecy::Open).await;
    assert!(made.expect("the cloud keeps parameters"));
    world
}

#[tokio::test(start_paused = true)]
async fn who_has_the_lock_is_named_and_nothing_is_changed() {
    let world = taken_by(None).await;
    for command in ["apply --env dev --yes", "destroy --env dev --yes"] {
        let ran = world.run(&format!("{command} --lock-timeout 10s")).await;
        assert_eq!(ran.exit, Exit::Refused, "{}", ran.stderr);
        insta::allow_duplicates! {
            insta::assert_snapshot!(ran.stderr);
        }
    }
    assert!(world.memory.census().is_empty());
}

#[tokio::test(start_paused = true)]
async fn looking_needs_no_lock() {
    let world = taken_by(None).await;
    for command in ["plan", "status", "outputs"] {
        let ran = world.run(&format!("{command} --env dev")).await;
        assert_ne!(ran.exit, Exit::Refused, "{}", ran.stderr);
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_killed_here_is_followed_at_once_and_it_is_said() {
    let mut child = Command::new("true").spawn().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    let began = status.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap().to_owned();
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let space = std::fs::read_link("/proc/self/ns/pid").unwrap();
    child.wait().unwrap();
    let process = format!("{}/{}#{}.{began}", boot.trim(), space.display(), child.id());
    let world = taken_by(Some(process)).await;
    let ran = world.run("apply --env dev --yes --lock-timeout 0").await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    let shown: Vec<&str> = ran.stderr.lines().take(7).collect();
    insta::assert_snapshot!(shown.join("\n"));
    let claims: Vec<Claim> = read_book(&*world.memory, &scope()).await.unwrap().claims;
    assert_eq!(claims, []);
}

#[tokio::test(start_paused = true)]
async fn machines_read_of_it_too() {
    let world = taken_by(None).await;
    let ran = world.run("apply --env dev --yes --json --lock-timeout 0").await;
    let first: serde_json::Value =
        serde_json::from_str(ran.stdout.lines().next().unwrap()).unwrap();
    assert_eq!((&first["event"], &first["lock"]), (&"lock".into(), &"waiting".into()));
    assert_eq!(first["holder"]["name"], "alice@build-7");
}
