//! `deployer logs`: who wrote what, in order, until somebody stops it.

use std::time::Duration;

use deployer_cli::Exit;
use deployer_engine::Line;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::world::{Ran, World};

/// Two services.
const STACK: &str = "\
stack: notes
region: eu-west-1
environments: { dev: {} }
resources:
  network: { main: { range: 10.0.0.0/16 } }
  part: { a: { network: main, zone: a } }
  revision: { web: { image: one, url: nowhere } }
  service:
    web: { revision: web, gates: [], parts: [a] }
    api: { revision: web, gates: [], parts: [a] }
";

const TASK: &str = "0123456789abcdef0123456789abcdef";

/// Lets a service write something so many seconds ago.
fn write(world: &World, service: &str, seconds_ago: i64, text: &str) {
    let at = Timestamp::now() - SignedDuration::from_secs(seconds_ago);
    let container = if text.starts_with("proxy") { "proxy" } else { service };
    let line = Line {
        id: format!("{service}-{text}"),
        at,
        task: Some(TASK.to_owned()),
        container: Some(container.to_owned()),
        stream: format!("{service}/{container}/{TASK}"),
        text: text.to_owned(),
    };
    world.memory.act(&format!("service/{service}"), |activity| activity.lines.push(line));
}

/// What was shown, without the times.
fn shown(ran: &Ran) -> Vec<String> {
    ran.stdout.lines().filter_map(|line| Some(line.split_once(' ')?.1.to_owned())).collect()
}

#[tokio::test(start_paused = true)]
async fn lines_of_all_services_stand_in_order_with_who_wrote_them() {
    let world = World::applied(STACK).await;
    for (service, ago, text) in [
        ("web", 5000, "long ago"),
        ("web", 90, "first"),
        ("web", 50, "third"),
        ("api", 70, "second"),
        ("web", 40, "proxy on"),
        ("api", 30, "PASSWORD=s3cr3t"),
    ] {
        write(&world, service, ago, text);
    }
    let ran = world.run("logs --env dev").await;
    assert_eq!(ran.exit, Exit::Done, "{ran:?}");
    let all = [
        "web/012345 first",
        "api/012345 second",
        "web/012345 third",
        "web/012345/proxy proxy on",
        "api/012345 PASSWORD=…",
    ];
    assert_eq!(shown(&ran), all);
    let ran = world.run("logs --env dev web --since 2h --grep ir").await;
    assert_eq!(shown(&ran), ["web/012345 first", "web/012345 third"]);
    let ran = world.run("logs --env dev services/web --container proxy").await;
    assert_eq!(shown(&ran), ["web/012345/proxy proxy on"]);
    let ran = world.run("logs --env dev --since 2h --json").await;
    let lines: Vec<Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 6);
    assert_eq!(lines[0]["address"], "service/web");
    assert_eq!(lines[0]["text"], "long ago");
    assert_eq!(lines[0]["task"], TASK);
}

#[tokio::test(start_paused = true)]
async fn what_is_quiet_or_not_there_is_said() {
    let world = World::applied(STACK).await;
    let ran = world.run("logs --env dev web").await;
    assert_eq!((ran.exit, ran.stdout.as_str()), (Exit::Done, ""));
    assert!(ran.stderr.contains("`--since 1d` looks further back"), "{}", ran.stderr);
    let ran = world.run("logs --env dev wbe").await;
    assert_eq!(ran.exit, Exit::Wrong);
    assert!(ran.stderr.contains("no service or job `wbe`"), "{}", ran.stderr);
    assert!(ran.stderr.contains("did you mean `web`?"), "{}", ran.stderr);
    let ran = world.run("logs --env dev --since soon").await;
    assert_eq!(ran.exit, Exit::Usage);
    let world = World::with(STACK);
    let ran = world.run("logs --env dev").await;
    assert_eq!(ran.exit, Exit::Wrong);
    assert!(ran.stderr.contains("deployer apply"), "{}", ran.stderr);
}

#[tokio::test(start_paused = true)]
async fn what_is_followed_ends_without_a_word_and_loses_nothing() {
    let world = World::applied(STACK).await;
    write(&world, "web", 60, "before");
    let writer = async {
        pass(Duration::from_secs(3)).await;
        write(&world, "api", 1, "meanwhile");
        pass(Duration::from_millis(2500)).await;
        world.cancel.cancel();
    };
    let (ran, ()) = tokio::join!(world.run("logs --env dev --follow"), writer);
    assert_eq!(ran.exit, Exit::Interrupted);
    assert_eq!(shown(&ran), ["web/012345 before", "api/012345 meanwhile"]);
    assert_eq!(ran.stderr, "");
}

#[expect(clippy::disallowed_methods, reason = "time passes for who writes meanwhile")]
async fn pass(length: Duration) {
    tokio::time::sleep(length).await;
}
