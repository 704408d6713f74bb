//! The commands that only read.

use std::time::Duration;

use deployer_cli::Exit;
use deployer_engine::{Rollout, Task, Unit, Vital, pause};
use serde_json::{Value, json};

use crate::world::{STACK, World};

#[tokio::test(start_paused = true)]
async fn outputs_are_read_from_what_is_there() {
    let world = World::with(STACK);
    let ran = world.run("outputs --env dev").await;
    assert_eq!(ran.stdout, "store  (not known yet)\n");
    assert_eq!(world.run("outputs store --env dev").await.exit, Exit::Wrong);

    let world = World::applied(STACK).await;
    let ran = world.run("outputs store --env dev").await;
    assert_eq!(ran.exit, Exit::Done);
    assert!(ran.stdout.starts_with("store://"), "{}", ran.stdout);
    let json: Value =
        serde_json::from_str(&world.run("outputs --env dev --json").await.stdout).unwrap();
    assert!(json["store"].is_string());
    let ran = world.run("outputs stoer --env dev").await;
    assert_eq!(ran.exit, Exit::Wrong);
    assert!(ran.stderr.contains("did you mean `store`?"), "{}", ran.stderr);
}

#[tokio::test(start_paused = true)]
async fn status_lists_what_is_there() {
    let world = World::with(STACK);
    let ran = world.run("status --env dev").await;
    assert_eq!(ran.stdout, "There is nothing of notes/dev in eu-west-1.\n");
    let world = World::applied(STACK).await;
    let ran = world.run("status --env dev").await;
    assert_eq!(ran.exit, Exit::Done);
    insta::assert_snapshot!(ran.stdout);
    let json: Value =
        serde_json::from_str(&world.run("status --env dev --json").await.stdout).unwrap();
    assert_eq!(json["resources"].as_array().unwrap().len(), 3);
}

/// Two services.
const SERVICES: &str = "\
stack: notes
region: eu-west-1
environments: { dev: {} }
resources:
  network: { main: { range: 10.0.0.0/16 } }
  part: { a: { network: main, zone: a } }
  gate: { front: { network: main, port: 80, protocol: http } }
  revision: { web: { image: one, url: nowhere } }
  service:
    web: { revision: web, gates: [], parts: [a] }
    api: { revision: web, gates: [], parts: [a] }
  store: { main: { network: main, engine: pg, size: 20 } }
";

/// A task of a service.
fn task(state: &str, health: &str, revision: &str) -> Task {
    let arn = format!("arn:aws:ecs:eu-west-1:123456789012:task-definition/{revision}");
    let task = json!({
        "id": "t", "state": state, "status": "", "desired": "RUNNING", "health": health,
        "revision": arn, "containers": [],
    });
    serde_json::from_value(task).expect("a task")
}

fn rollout(state: &str, reason: Option<&str>) -> Rollout {
    let rollout = json!({
        "id": "r", "state": state, "status": "", "reason": reason, "from": [], "alarms": {},
        "to": { "id": "2", "digests": {}, "wanted": 2, "running": 1, "pending": 1 }, "holds": [],
    });
    serde_json::from_value(rollout).expect("a rollout")
}

#[tokio::test(start_paused = true)]
async fn status_says_how_services_are_and_where_clients_connect_to() {
    let mut world = World::applied(SERVICES).await;
    world.memory.act("service/web", |activity| {
        activity.tasks = vec![
            task("starting", "unknown", "notes-dev-web:4"),
            task("running", "healthy", "notes-dev-web:3"),
            task("running", "unhealthy", "notes-dev-web:3"),
        ];
        activity.rollouts =
            vec![rollout("going-back", Some("tasks failed to start")), rollout("succeeded", None)];
    });
    world.memory.act("service/api", |activity| {
        activity.tasks = vec![task("running", "healthy", "notes-dev-api:1")];
        activity.rollouts = vec![rollout("succeeded", None)];
    });
    world.memory.act("store/main", |activity| {
        activity.vitals = vec![
            Vital::new("CPU", 12.0, Unit::Percent),
            Vital::new("free", 1_073_741_824.0, Unit::Bytes).bad_if(true),
        ];
    });
    let piped = world.run("status --env dev").await;
    assert_eq!(piped.exit, Exit::Done);
    insta::assert_snapshot!("status_piped", piped.stdout);
    world.is_terminal = true;
    let shown = world.run("status --env dev --no-color").await.stdout;
    let widest = shown.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(80), "{shown}");
    insta::assert_snapshot!("status_in_a_terminal", shown);
    let json: Value =
        serde_json::from_str(&world.run("status --env dev --json").await.stdout).unwrap();
    let web = json["services"].as_array().unwrap().iter().find(|it| it["name"] == "web").unwrap();
    assert_eq!((&web["running"], &web["unhealthy"]), (&json!(2), &json!(1)));
    assert_eq!(web["rollout"]["state"], "going-back");
    assert!(json["endpoints"][0]["endpoint"].is_string(), "{json:#}");
    let free = json!({ "name": "free", "value": 1_073_741_824.0, "of": null, "unit": "bytes",
        "is-bad": true });
    assert_eq!(json["measured"][0]["vitals"][1], free);
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_is_held_is_said_with_what_to_type() {
    let world = World::applied(SERVICES).await;
    let mut held = rollout("under-way", None);
    held.holds = vec![
        serde_json::from_value(json!({
            "id": "h", "status": "AWAITING_ACTION", "is-for-people": true,
        }))
        .expect("a hold"),
    ];
    world.memory.act("service/web", |activity| activity.rollouts = vec![held.clone()]);
    let shown = world.run("status --env dev").await.stdout;
    assert!(shown.contains("waits for an answer"), "{shown}");
    assert!(shown.contains("deployer continue web"), "{shown}");
}

/// In a file, what has not changed is not printed again.
#[tokio::test(start_paused = true)]
async fn status_is_watched_until_somebody_interrupts_it() {
    let world = World::applied(SERVICES).await;
    let cancel = world.cancel.clone();
    tokio::spawn(async move {
        pause(Duration::from_mins(1)).await;
        cancel.cancel();
    });
    let ran = world.run("status --env dev --watch=5").await;
    assert_eq!(ran.exit, Exit::Interrupted);
    assert_eq!(ran.stdout.matches("RESOURCE").count(), 1, "{}", ran.stdout);
}

#[tokio::test(start_paused = true)]
async fn an_expanded_stack_is_a_stack() {
    let world = World::with(STACK);
    let ran = world.run("expand --env dev").await;
    assert_eq!(ran.exit, Exit::Done, "{ran:?}");
    world.write("expanded.yaml", &ran.stdout);
    let again = world.run("expand --file expanded.yaml").await;
    assert_eq!(again.stdout, ran.stdout);
    let json: Value =
        serde_json::from_str(&world.run("expand --env dev --json").await.stdout).unwrap();
    assert_eq!(json["stack"], "notes");
}

#[tokio::test(start_paused = true)]
async fn the_schema_and_the_completions_need_no_stack() {
    let world = World::with("");
    let schema = world.run("schema").await;
    assert_eq!(schema.exit, Exit::Done);
    assert!(serde_json::from_str::<Value>(&schema.stdout).is_ok());
    for shell in ["bash", "zsh", "fish"] {
        let ran = world.run(&format!("completions {shell}")).await;
        assert_eq!(ran.exit, Exit::Done);
        assert!(ran.stdout.contains("deployer"), "{shell}");
    }
}

#[tokio::test(start_paused = true)]
async fn help_goes_to_stdout_and_mistakes_on_the_command_line_to_stderr() {
    let world = World::with(STACK);
    let help = world.run("help").await;
    assert_eq!((help.exit, help.stderr.as_str()), (Exit::Done, ""));
    insta::assert_snapshot!(help.stdout);
    let version = world.run("--version").await;
    assert_eq!(version.exit, Exit::Done);
    let wrong = world.run("aply").await;
    assert_eq!((wrong.exit, wrong.stdout.as_str()), (Exit::Usage, ""));
    assert!(wrong.stderr.contains("apply"), "{}", wrong.stderr);
    assert_eq!(world.run("plan --var novalue").await.exit, Exit::Usage);
    assert_eq!(world.run("plan --target nonsense").await.exit, Exit::Usage);
}

#[tokio::test]
async fn what_other_tools_call_it_is_answered_with_what_it_is_called_here() {
    let world = World::with(STACK);
    for (typed, meant) in [
        ("deploy", "'apply'"),
        ("up", "'apply'"),
        ("down", "'destroy'"),
        ("diff", "'plan'"),
        ("import", "'adopt'"),
        ("apply -auto-approve", "'--yes'"),
        ("apply --auto-approve", "'--yes'"),
        ("plan --environment=dev", "'--env'"),
        ("plan -target=service/web", "'--target'"),
    ] {
        let ran = world.run(typed).await;
        assert_eq!(ran.exit.code(), 2, "{typed}");
        assert!(ran.stderr.contains(meant), "{typed}: {}", ran.stderr);
        assert!(typed == "down" || !ran.stderr.contains("destroy"), "{typed}: {}", ran.stderr);
    }
}

#[tokio::test]
async fn advice_names_the_environment_that_the_command_named() {
    let world = World::with(STACK);
    let ran = world.run("drift --env prod").await;
    let text = format!("{}{}", ran.stdout, ran.stderr);
    assert!(text.contains("`deployer apply --env prod`"), "{text}");
}
