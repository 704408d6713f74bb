//! `deployer policy`: what the cloud says that somebody needs.

use crate::world::{STACK, World};

#[tokio::test]
async fn a_policy_is_printed_as_it_goes_into_iam_without_a_look_at_the_account() {
    let world = World::with(STACK);
    for (who, access) in
        [("reader", "Reader"), ("deployer", "Deployer"), ("break-glass", "BreakGlass")]
    {
        for json in ["", " --json"] {
            let ran = world.run(&format!("policy {who} --env dev{json}")).await;
            assert_eq!(ran.exit.code(), 0, "{}", ran.stderr);
            let policy: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
            assert_eq!(policy["access"], access);
            let is_too_long = ran.stderr.contains("60 at most together");
            assert_eq!(is_too_long, ran.stdout.len() > 60, "{}", ran.stderr);
        }
    }
    assert!(world.memory.calls().is_empty());
}

#[tokio::test]
async fn in_parts_it_is_a_list_of_policies() {
    let world = World::with(STACK);
    let ran = world.run("policy deployer --env dev --managed").await;
    assert_eq!(ran.exit.code(), 0, "{}", ran.stderr);
    let parts: Vec<serde_json::Value> = serde_json::from_str(&ran.stdout).expect("a list");
    assert!(parts.len() == 2 && parts.iter().all(|it| it["access"] == "Deployer"), "{parts:?}");
    assert_eq!(ran.stderr, "", "each of them fits");
}

#[tokio::test]
async fn whose_policy_it_is_has_to_be_said() {
    let world = World::with(STACK);
    for line in ["policy", "policy admin"] {
        let ran = world.run(line).await;
        assert_eq!(ran.exit.code(), 2);
        assert!(ran.stderr.contains("break-glass") || line == "policy", "{}", ran.stderr);
    }
}
