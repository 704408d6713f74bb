//! Stacks in a network that another stack has made, or somebody by hand.

use deployer_cli::Exit;

use crate::lookalike::{Lookalike, registry};
use crate::world::{Ran, World};

const HOST: &str = "stack: platform\nregion: eu-west-1\nnetwork: {}\n";

const GUEST: &str = "\
stack: guest
region: eu-west-1
network: { existing: { stack: platform } }
load-balancers: { edge: {} }
services:
  web: { image: \"nginx:1\", ports: { http: { port: 80, route: { load-balancer: edge } } } }
";

/// What a command left that ended as it should.
async fn ran(world: &World<Lookalike>, line: &str, exit: Exit) -> Ran {
    let ran = world.run(line).await;
    assert_eq!(ran.exit, exit, "{line}: {}{}", ran.stdout, ran.stderr);
    ran
}

/// An account in which the host has been applied, and the files of both.
async fn hosted() -> World<Lookalike> {
    let world = World::new(registry, GUEST);
    world.write("platform.yaml", HOST);
    ran(&world, "apply --yes --file platform.yaml", Exit::Done).await;
    world
}

#[tokio::test(start_paused = true)]
async fn a_guest_comes_and_goes_and_its_host_stays_as_it_is() {
    let world = hosted().await;
    let before = world.run("status --file platform.yaml --json").await.stdout;
    let plan = ran(&world, "plan", Exit::Done).await;
    let of_the_host = ["vpc/", "subnet/", "route-table/", "gateway/"];
    let made: Vec<&str> =
        plan.stdout.lines().filter(|line| of_the_host.iter().any(|it| line.contains(it))).collect();
    assert_eq!(made, Vec::<&str>::new());
    ran(&world, "apply --yes", Exit::Done).await;
    ran(&world, "plan --check", Exit::Done).await;
    ran(&world, "drift", Exit::Done).await;
    ran(&world, "plan --check --file platform.yaml", Exit::Done).await;
    ran(&world, "destroy --yes", Exit::Done).await;
    let after = world.run("status --file platform.yaml --json").await.stdout;
    assert_eq!(before, after);
}

#[tokio::test(start_paused = true)]
async fn a_network_that_is_not_there_is_a_mistake_before_anything_is_made() {
    let world = World::new(registry, GUEST);
    let refused = ran(&world, "apply --yes", Exit::Wrong).await;
    assert!(
        refused.stderr.contains("there is no network of platform/default"),
        "{}",
        refused.stderr
    );
    assert!(refused.stderr.contains("deployer.yaml:3"), "{}", refused.stderr);
    let gone = GUEST.replace(
        "{ stack: platform }",
        "{ vpc: vpc-gone, public: [subnet-public-1, subnet-public-2], private: [subnet-1] }",
    );
    world.write("deployer.yaml", &gone);
    let refused = ran(&world, "apply --yes", Exit::Wrong).await;
    assert!(refused.stderr.contains("there is no VPC vpc-gone"), "{}", refused.stderr);
    assert!(world.run("status").await.stdout.contains("There is nothing of guest/default"));
}

#[tokio::test(start_paused = true)]
async fn a_network_made_by_hand_is_taken_by_its_identifiers() {
    let world = World::new(
        registry,
        &GUEST.replace(
            "{ stack: platform }",
            "{ vpc: vpc-1, public: [subnet-public-1, subnet-public-2], private: [subnet-1] }",
        ),
    );
    ran(&world, "apply --yes", Exit::Done).await;
    ran(&world, "plan --check", Exit::Done).await;
    let shown = ran(&world, "expand", Exit::Done).await.stdout;
    assert!(shown.contains("id: vpc-1") && shown.contains("id: subnet-public-2"), "{shown}");
    ran(&world, "destroy --yes", Exit::Done).await;
}

#[tokio::test(start_paused = true)]
async fn expand_says_that_nobody_has_looked() {
    let world = World::new(registry, GUEST);
    let shown = ran(&world, "expand", Exit::Done).await;
    assert!(shown.stderr.contains("Nobody has looked for what exists already"), "{}", shown.stderr);
}

#[tokio::test(start_paused = true)]
async fn a_guest_has_rules_at_the_load_balancer_of_its_host() {
    let world = hosted().await;
    let host = HOST.replace("{}", "{}\nload-balancers: { edge: {} }");
    world.write("platform.yaml", &host);
    ran(&world, "apply --yes --file platform.yaml", Exit::Done).await;
    world.write(
        "deployer.yaml",
        &GUEST.replace("edge: {}", "edge: { existing: { stack: platform } }"),
    );
    let before = world.run("status --file platform.yaml --json").await.stdout;
    let plan = ran(&world, "plan", Exit::Done).await.stdout;
    assert!(plan.contains("listener-rule/web-http"), "{plan}");
    assert!(!plan.contains(" load-balancer/edge") && !plan.contains(" listener/edge"), "{plan}");
    ran(&world, "apply --yes", Exit::Done).await;
    ran(&world, "plan --check", Exit::Done).await;
    ran(&world, "plan --check --file platform.yaml", Exit::Done).await;
    ran(&world, "destroy --yes", Exit::Done).await;
    assert_eq!(before, world.run("status --file platform.yaml --json").await.stdout);
}
