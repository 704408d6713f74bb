//! What a plan says of changes people make to a stack that runs: who notices, in which order it is
//! done, that one apply is enough.

use std::sync::Arc;
use std::time::Duration;

use deployer_cli::Exit;
use serde_json::Value;

use crate::lookalike::{Entry, Lookalike, Trouble, registry};
use crate::world::World;

/// A thing that is there: its kind, its identifier and its spec as text.
type Known = (&'static str, String, String);

const SHOP: &str = include_str!("shop.yaml");

/// A change, and what its plan is to say of it.
struct Case {
    name: &'static str,
    /// What stands in the stack, and what it becomes.
    edits: &'static [(&'static str, &'static str)],
    impact: &'static str,
    /// What is said about it; nothing when empty.
    because: &'static str,
    /// Steps, each of which is done before the next.
    order: &'static [&'static str],
}

const CASES: &[Case] = &[
    Case {
        name: "no task is left",
        edits: &[("scale: { min: 2 } # api", "scale: { min: 0 }")],
        impact: "outage",
        because: "requests for /api* find no task",
        order: &["update service/api"],
    },
    Case {
        name: "a port",
        edits: &[("port: 8080 # api", "port: 9090")],
        impact: "rolling",
        because: "",
        order: &[
            "first update security-group/service-api",
            "update service/api",
            "second update security-group/service-api",
        ],
    },
    Case {
        name: "a health check, with the tasks that answer it",
        edits: &[("health: /healthz # web", "health: /up"), ("RUST_LOG: info # web", "UP: /up")],
        impact: "rolling",
        because: "",
        order: &[
            "first update target-group/web-http",
            "update service/web",
            "second update target-group/web-http",
        ],
    },
    Case {
        name: "a protocol",
        edits: &[
            ("port: 8080 # api", "port: 8080\n        protocol: grpc"),
            ("RUST_LOG: info # api", "GRPC: \"1\""),
        ],
        impact: "rolling",
        because: "",
        order: &[
            "update target-group/api-http",
            "create target-group/api-http",
            "first update listener-rule/api-http-secure",
            "first update service/api",
            "second update listener-rule/api-http-secure",
            "second update service/api",
            "delete target-group/api-http",
        ],
    },
    Case {
        name: "a route goes elsewhere",
        edits: &[("path: \"/api*\"", "path: \"/v2*\"")],
        impact: "elsewhere",
        because: "requests for /api* go to service/web instead of service/api",
        order: &["update listener-rule/api-http-secure"],
    },
    Case {
        name: "two turns are swapped",
        edits: &[("priority: 10", "priority: 30"), ("priority: 20", "priority: 10")],
        impact: "elsewhere",
        because: "requests for /api* go to service/web instead of service/api",
        order: &[],
    },
    Case {
        name: "a database lets in somebody else",
        edits: &[("uses: [databases/main] # api", "uses: []")],
        impact: "rolling",
        because: "",
        order: &[
            "create task-definition/api",
            "update service/api",
            "update security-group/database-main",
        ],
    },
    Case {
        name: "the port of a database",
        edits: &[("engine: postgres", "engine: postgres\n    port: 5433")],
        impact: "restart",
        because: "",
        order: &[
            "first update security-group/database-main",
            "update db-instance/main",
            "create task-definition/api",
            "update service/api",
            "second update security-group/database-main",
        ],
    },
    Case {
        name: "a secret is renamed",
        edits: &[
            ("session: { length: 64, recovery: none }", "token: { length: 64, recovery: none }"),
            ("SESSION_KEY: secrets/session", "SESSION_KEY: secrets/token"),
        ],
        impact: "data-loss",
        because: "",
        order: &[
            "create secret/token",
            "first update role/web-execution",
            "create task-definition/web",
            "update service/web",
            "second update role/web-execution",
            "delete secret/session",
        ],
    },
    Case {
        name: "a rollout without a minimum",
        edits: &[
            ("RUST_LOG: info # web", "RUST_LOG: debug"),
            ("# rollout", "rollout: { minimum: 0% }"),
        ],
        impact: "outage",
        because: "no task while it rolls: its minimum is 0 %",
        order: &[],
    },
    Case {
        name: "logs are kept for less long",
        edits: &[("logs: { keep: 30 days } # web", "logs: { keep: 7 days }")],
        impact: "data-loss",
        because: "logs older than 7 days are deleted",
        order: &[],
    },
    Case {
        name: "fewer images are kept",
        edits: &[("keep: 20", "keep: 1")],
        impact: "data-loss",
        because: "with the next release those beyond the newest 1 are deleted",
        order: &[],
    },
    Case {
        name: "no backups are made",
        edits: &[("backup-retention: 7 days", "backup-retention: none")],
        impact: "data-loss",
        because: "its automatic backups are deleted, and none are made",
        order: &[],
    },
    Case {
        name: "a service takes a path that another had",
        edits: &[("# more", MORE)],
        impact: "elsewhere",
        because: "requests for /shop* go to service/shop instead of service/web",
        order: &[
            "create listener-rule/shop-http-secure",
            "create service/shop",
            "second update listener-rule/shop-http-secure",
        ],
    },
    Case {
        name: "a service is renamed",
        edits: &[("  api: # service", "  rest:")],
        impact: "data-loss",
        because: "requests for /api* go to service/rest instead of service/api",
        order: &[
            "create listener-rule/rest-http-secure",
            "create service/rest",
            "second update listener-rule/rest-http-secure",
            "delete listener-rule/api-http-secure",
            "delete service/api",
        ],
    },
    Case {
        name: "a database is renamed",
        edits: &[
            ("  main: # database", "  notes:"),
            ("uses: [databases/main] # web", "uses: [databases/notes]"),
            ("uses: [databases/main] # api", "uses: [databases/notes]"),
        ],
        impact: "data-loss",
        because: "",
        order: &[
            "create db-instance/notes",
            "create task-definition/web",
            "update service/web",
            "delete db-instance/main",
            "delete security-group/database-main",
        ],
    },
    Case {
        name: "a load balancer is renamed",
        edits: &[
            ("edge: { http", "front: { http"),
            ("load-balancer: edge, path: \"/*\"", "load-balancer: front, path: \"/*\""),
            ("load-balancer: edge, path: \"/api*\"", "load-balancer: front, path: \"/api*\""),
        ],
        impact: "outage",
        because: "",
        order: &[
            "create load-balancer/front",
            "create target-group/web-http",
            "create listener-rule/web-http-secure",
            "first update service/web",
            "delete listener-rule/web-http-secure",
            "second update service/web",
            "delete target-group/web-http",
            "delete load-balancer/edge",
            "delete security-group/load-balancer-edge",
        ],
    },
    Case {
        name: "a zone less",
        edits: &[("zones: 3", "zones: 2")],
        impact: "rolling",
        because: "",
        order: &["update service/web", "update load-balancer/edge", "delete subnet/public-c"],
    },
    Case {
        name: "no NAT gateway",
        edits: &[("nat: single", "nat: none")],
        impact: "rolling",
        because: "",
        order: &["update service/web", "update route-table/private-a", "delete nat-gateway/nat-a"],
    },
    Case {
        name: "a NAT gateway in each zone",
        edits: &[("nat: single", "nat: per-zone")],
        impact: "restart",
        because: "the internet is reached from service/api and service/web over nat-gateway/nat-b \
                  instead of nat-gateway/nat-a: open connections end",
        order: &["create nat-gateway/nat-b", "update route-table/private-b"],
    },
    Case {
        name: "a way that is taken out by hand",
        edits: &[("repositories:", NO_WAY)],
        impact: "outage",
        because: "the internet is no longer reached from service/api and service/web",
        order: &["update route-table/private-a"],
    },
    Case {
        name: "a way for those alone who have public addresses",
        edits: &[("repositories:", PUBLIC_WAY)],
        impact: "outage",
        because: "the internet is no longer reached from service/api and service/web",
        order: &["update route-table/public"],
    },
    Case {
        name: "a service leaves for where there is no way",
        edits: &[("repositories:", NOWHERE)],
        impact: "outage",
        because: "the internet is no longer reached from service/api",
        order: &["update service/api"],
    },
    Case {
        name: "a service goes",
        edits: &[
            ("  api: # service", "  # gone\n  other:"),
            ("path: \"/api*\"", "path: \"/other*\""),
        ],
        impact: "data-loss",
        because: "requests for /api* go to service/web instead of service/api",
        order: &[
            "delete listener-rule/api-http-secure",
            "delete service/api",
            "delete target-group/api-http",
        ],
    },
    Case {
        name: "plain requests are redirected no more",
        edits: &[("http: redirect", "http: forward")],
        impact: "elsewhere",
        because: "requests for /api* go to service/api",
        order: &[
            "create listener-rule/api-http",
            "create listener-rule/web-http",
            "update listener/edge-http",
        ],
    },
    Case {
        name: "HTTPS goes",
        edits: &[("http: redirect", "http: forward"), (CERTIFICATE, "")],
        impact: "outage",
        because: "requests for /*, /api* and all else find nobody who listens",
        order: &[
            "second update listener-rule/api-http",
            "second update listener-rule/web-http",
            "update listener/edge-http",
            "delete listener-rule/web-http-secure",
            "delete listener/edge-https",
        ],
    },
];

const CERTIFICATE: &str = ", certificate: \"arn:aws:acm:eu-west-1:123456789012:certificate/1\"";

const NO_WAY: &str = "\
resources:
  route-table: { private-a: { routes: { 0.0.0.0/0: null } } }
repositories:";

const PUBLIC_WAY: &str = "\
resources:
  route-table:
    private-a: { subnets: [] }
    public: { subnets: [public-a, public-b, public-c, private-a] }
repositories:";

const NOWHERE: &str = "\
resources:
  service: { api: { subnets: [data-a, data-b, data-c] } }
repositories:";

const MORE: &str = "\
shop:
    image: \"shop:1\"
    ports:
      http:
        port: 8080
        health: /healthz
        route: { load-balancer: edge, path: \"/shop*\", priority: 5 }
    scale: { min: 1 }";

#[tokio::test(start_paused = true)]
async fn a_plan_says_who_notices_and_one_apply_is_enough() {
    let mut wrong = Vec::new();
    for case in CASES {
        if let Err(why) = play(case).await {
            wrong.push(format!("{}: {why}", case.name));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n\n"));
}

/// Whatever fails, what waits for it is not begun, nobody runs on what is gone, and the next apply
/// finishes it.
#[tokio::test(start_paused = true)]
async fn when_a_step_fails_what_needs_it_waits_and_what_runs_runs_on() {
    let mut wrong = Vec::new();
    for case in CASES {
        each_step(case, Trouble::Fails, &mut wrong).await;
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n\n"));
}

/// What does not get ready in one run does not in the next: nobody is led there, and nothing that
/// is needed until then goes, however often it is tried.
#[tokio::test(start_paused = true)]
async fn what_waits_for_something_that_never_gets_ready_waits_in_the_next_run_too() {
    let mut wrong = Vec::new();
    for case in CASES {
        let (mut world, plan) = about_to(case).await;
        let before = world.memory.copy();
        for (dying, step) in steps(&plan).iter().enumerate() {
            let kind = step["address"].as_str().and_then(|address| address.split('/').next());
            let gets_ready = ["service", "db-instance", "load-balancer", "nat-gateway"];
            if step["action"] == "delete" || !kind.is_some_and(|kind| gets_ready.contains(&kind)) {
                continue;
            }
            world.memory = Arc::new(before.copy());
            if let Err(why) = run_twice(&world, &plan, dying).await {
                wrong.push(format!("{}, {}: {why}", case.name, word_of(step)));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n\n"));
}

async fn run_twice(world: &World<Lookalike>, plan: &Value, dying: usize) -> Result<(), String> {
    let was = world.memory.things();
    let (step, nth) = call_of(plan, dying);
    world.memory.trouble(&step, nth, Trouble::Dies);
    let address = |step: &Value| step["address"].as_str().unwrap_or_default().to_owned();
    let waits = |of: &String| {
        let mut all = steps(plan).iter().enumerate().filter(|(_, step)| address(step) == *of);
        all.all(|(place, _)| place != dying && is_before(plan, dying, place))
    };
    let waiting: Vec<String> = steps(plan).iter().map(address).filter(waits).collect();
    for run in ["first", "second"] {
        let ran = world.run("apply --env dev --yes").await;
        if ran.exit != Exit::Failed {
            return Err(format!("the {run} run ended with {:?}: {}", ran.exit, ran.stderr));
        }
        for entry in world.memory.journal() {
            let Entry::Begun(call) = entry else { continue };
            if waiting.iter().any(|it| call.ends_with(&format!(" {it}"))) {
                return Err(format!("{call} did not wait in the {run} run"));
            }
        }
        nobody_runs_on_what_is_gone(&was, &world.memory.things())?;
    }
    world.memory.recover();
    settle(world).await
}

#[tokio::test(start_paused = true)]
async fn when_a_step_takes_long_what_needs_it_waits() {
    let mut wrong = Vec::new();
    for case in CASES {
        each_step(case, Trouble::Lags(Duration::from_mins(2)), &mut wrong).await;
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n\n"));
}

/// A world in which the stack has been applied and the change is written, and the plan of it.
async fn about_to(case: &Case) -> (World<Lookalike>, Value) {
    let changed = case.changed().expect("a change of the stack");
    let world = applied().await;
    world.memory.recover();
    world.write("deployer.yaml", &changed);
    let plan = planned(&world).await.expect("a plan");
    (world, plan)
}

/// Gives each step of a change trouble in turn.
async fn each_step(case: &Case, trouble: Trouble, wrong: &mut Vec<String>) {
    let (mut world, plan) = about_to(case).await;
    let before = world.memory.copy();
    for troubled in 0..steps(&plan).len() {
        world.memory = Arc::new(before.copy());
        if let Err(why) = troubled_step(&world, &plan, troubled, trouble).await {
            let step = word_of(&steps(&plan)[troubled]);
            wrong.push(format!("{}, {trouble:?} at {step}: {why}", case.name));
        }
    }
}

async fn troubled_step(
    world: &World<Lookalike>,
    plan: &Value,
    troubled: usize,
    trouble: Trouble,
) -> Result<(), String> {
    let was = world.memory.things();
    let (step, nth) = call_of(plan, troubled);
    world.memory.trouble(&step, nth, trouble);
    let ran = world.run("apply --env dev --yes").await;
    let journal = world.memory.recover();

    let done = place(&journal, &Entry::Done(step), nth);
    for later in (0..steps(plan).len()).filter(|later| is_before(plan, troubled, *later)) {
        let (call, nth) = call_of(plan, later);
        let begun = place(&journal, &Entry::Begun(call), nth).filter(|_| later != troubled);
        if begun.is_some_and(|begun| done.is_none_or(|done| begun < done)) {
            return Err(format!("{} did not wait", word_of(&steps(plan)[later])));
        }
    }
    let expected = match trouble {
        Trouble::Fails | Trouble::Dies => Exit::Failed,
        Trouble::Lags(_) => Exit::Done,
    };
    if ran.exit != expected {
        return Err(format!("it ended with {:?}: {}", ran.exit, ran.stderr));
    }
    nobody_runs_on_what_is_gone(&was, &world.memory.things())?;
    match trouble {
        Trouble::Fails | Trouble::Dies => settle(world).await,
        Trouble::Lags(_) => Ok(()),
    }
}

/// What a step does to a thing, and how often the plan has done the same to it before.
fn call_of(plan: &Value, step: usize) -> (String, usize) {
    let call = |step: &Value| {
        let text = |key: &str| step[key].as_str().unwrap_or_default().to_owned();
        format!("{} {}", text("action"), text("address"))
    };
    let wanted = call(&steps(plan)[step]);
    let before = steps(plan)[..step].iter().filter(|step| call(step) == wanted).count();
    (wanted, before)
}

fn place(journal: &[Entry], entry: &Entry, nth: usize) -> Option<usize> {
    let places = journal.iter().enumerate().filter(|(_, other)| *other == entry);
    places.map(|(place, _)| place).nth(nth)
}

/// No service, and no task definition that one runs, names something that has been deleted.
fn nobody_runs_on_what_is_gone(was: &[Known], now: &[Known]) -> Result<(), String> {
    let gone = was.iter().filter(|(_, id, _)| !now.iter().any(|(_, other, _)| other == id));
    let gone: Vec<&Known> = gone.collect();
    for (_, service, spec) in now.iter().filter(|(kind, ..)| *kind == "service") {
        let run = now.iter().filter(|(kind, id, _)| {
            *kind == "task-definition" && spec.contains(&format!("\"{id}\""))
        });
        for text in run.map(|(_, _, text)| text).chain([spec]) {
            if let Some((_, id, _)) = gone.iter().find(|(_, id, _)| names(text, id)) {
                return Err(format!("{service} runs on {id}, which is gone"));
            }
        }
    }
    Ok(())
}

/// Whether an identifier stands in a text, and not only as the beginning of a longer one.
fn names(text: &str, id: &str) -> bool {
    text.match_indices(id)
        .any(|(at, _)| !text[at + id.len()..].starts_with(|next: char| next.is_ascii_digit()))
}

impl Case {
    /// The stack with the change.
    fn changed(&self) -> Result<String, String> {
        self.edits.iter().try_fold(SHOP.to_owned(), |stack, (from, to)| {
            match stack.matches(from).count() {
                1 => Ok(stack.replace(from, to)),
                _ => Err(format!("`{from}` does not stand in the stack once")),
            }
        })
    }
}

async fn play(case: &Case) -> Result<(), String> {
    let changed = case.changed()?;
    let world = applied().await;
    world.write("deployer.yaml", &changed);
    let plan = planned(&world).await?;
    if plan["impact"] != case.impact {
        return Err(format!("it says {}\n{}", plan["impact"], shown(&world).await));
    }
    let reasons: Vec<&str> = steps(&plan)
        .iter()
        .flat_map(|step| step["notices"].as_array().into_iter().flatten())
        .filter_map(|notice| notice["because"].as_str())
        .collect();
    let is_said = match case.because {
        "" => true,
        because => reasons.iter().any(|reason| reason.contains(because)),
    };
    if !is_said {
        return Err(format!("it says {reasons:?}"));
    }
    for pair in case.order.windows(2) {
        let place = |word: &str| steps(&plan).iter().position(|step| word_of(step) == *word);
        let (Some(first), Some(second)) = (place(pair[0]), place(pair[1])) else {
            let words: Vec<String> = steps(&plan).iter().map(word_of).collect();
            return Err(format!("{pair:?} is not in {words:#?}"));
        };
        if !is_before(&plan, first, second) {
            return Err(format!("{pair:?} is not in order"));
        }
    }
    settle(&world).await?;
    world.write("deployer.yaml", SHOP);
    settle(&world).await.map_err(|why| format!("on the way back {why}"))
}

/// Applies what there is to apply, once.
async fn settle(world: &World<Lookalike>) -> Result<(), String> {
    let ran = world.run("apply --env dev --yes").await;
    if ran.exit != Exit::Done {
        return Err(format!("it was not applied: {}", ran.stderr));
    }
    let rest = world.run("plan --env dev --check").await;
    match rest.exit {
        Exit::Done => Ok(()),
        _ => Err(format!("one apply was not enough:\n{}", rest.stdout)),
    }
}

async fn applied() -> World<Lookalike> {
    let world = World::new(registry, SHOP);
    let ran = world.run("apply --env dev --yes").await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    world
}

async fn planned(world: &World<Lookalike>) -> Result<Value, String> {
    let ran = world.run("plan --env dev --json").await;
    match ran.exit {
        Exit::Done => serde_json::from_str(&ran.stdout).map_err(|error| error.to_string()),
        _ => Err(ran.stderr),
    }
}

async fn shown(world: &World<Lookalike>) -> String {
    world.run("plan --env dev").await.stdout
}

fn steps(plan: &Value) -> &[Value] {
    plan["plan"]["steps"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A step as `second update listener-rule/web`.
fn word_of(step: &Value) -> String {
    let text = |key: &str| step[key].as_str().unwrap_or_default().to_owned();
    let half = match (text("half").as_str(), text("action").as_str()) {
        ("", _) | (_, "create") => String::new(),
        (half, _) => format!("{half} "),
    };
    format!("{half}{} {}", text("action"), text("address"))
}

fn is_before(plan: &Value, first: usize, second: usize) -> bool {
    let mut next = vec![second];
    while let Some(step) = next.pop() {
        if step == first {
            return true;
        }
        let after = steps(plan)[step]["after"].as_array().into_iter().flatten();
        next.extend(after.filter_map(|id| usize::try_from(id.as_u64()?).ok()));
    }
    false
}

#[tokio::test(start_paused = true)]
async fn a_site_gets_https_without_an_outage() {
    let certificate =
        "{ http: redirect, certificate: \"arn:aws:acm:eu-west-1:123456789012:certificate/1\" }";
    let before = SHOP.replace(certificate, "{ http: forward }");
    assert_ne!(before, SHOP);
    let mut world = World::new(registry, &before);
    assert_eq!(world.run("apply --env dev --yes").await.exit, Exit::Done);
    let before = world.memory.copy();
    for (http, impact) in [("forward", "none"), ("redirect", "elsewhere")] {
        world.memory = Arc::new(before.copy());
        world.write("deployer.yaml", &SHOP.replace("http: redirect", &format!("http: {http}")));
        let plan = planned(&world).await.expect("a plan");
        assert_eq!(plan["impact"], impact, "{http}: {}", shown(&world).await);
        settle(&world).await.expect("one apply");
    }
}

/// A target group is of one load balancer, so the other one gets its own, and nobody is led there
/// before the tasks are.
#[tokio::test(start_paused = true)]
async fn a_route_moves_to_another_load_balancer_once_its_tasks_are_there() {
    let inner = "certificate: \"arn:aws:acm:eu-west-1:123456789012:certificate/1\"";
    let inner = format!("  inner: {{ internal: true, {inner}, http: redirect }}\n\nrepositories:");
    let shop = SHOP.replace("repositories:", &inner);
    let world = World::new(registry, &shop);
    assert_eq!(world.run("apply --env dev --yes").await.exit, Exit::Done);
    let route = "load-balancer: edge, path: \"/api*\"";
    world.write("deployer.yaml", &shop.replace(route, "load-balancer: inner, path: \"/api*\""));
    let plan = planned(&world).await.expect("a plan");
    let order = [
        "create target-group/api-http",
        "create listener-rule/api-http-secure",
        "first update service/api",
        "second update listener-rule/api-http-secure",
        "delete listener-rule/api-http-secure",
        "second update service/api",
        "delete target-group/api-http",
    ];
    let words: Vec<String> = steps(&plan).iter().map(word_of).collect();
    let places = order.map(|word| words.iter().position(|it| it == word));
    let places: Vec<usize> = places.into_iter().flatten().collect();
    assert_eq!(places.len(), order.len(), "{words:#?}");
    for pair in places.windows(2) {
        assert!(is_before(&plan, pair[0], pair[1]), "{pair:?}: {words:#?}");
    }
    assert_eq!(plan["impact"], "elsewhere", "{}", shown(&world).await);
    settle(&world).await.expect("one apply");
    world.write("deployer.yaml", &shop);
    settle(&world).await.expect("one apply on the way back");
}

/// Whoever is called goes on until its callers have moved, and what it speaks is not changed in
/// place.
#[tokio::test(start_paused = true)]
async fn who_is_called_no_more_stays_until_its_callers_have_moved() {
    let uses = "uses: [databases/main] # web";
    let shop = SHOP.replace(uses, "uses: [databases/main, services/api]");
    let world = World::new(registry, &shop);
    assert_eq!(world.run("apply --env dev --yes").await.exit, Exit::Done);
    let planned_with = async |stack: &str| {
        world.write("deployer.yaml", stack);
        let plan = planned(&world).await.expect("a plan");
        let words: Vec<String> = steps(&plan).iter().map(word_of).collect();
        (plan, words)
    };
    let place = |words: &[String], word: &str| {
        let place = words.iter().position(|it| it == word);
        place.unwrap_or_else(|| panic!("{word} is not in {words:#?}"))
    };

    let (plan, words) = planned_with(SHOP).await;
    let (client, server) =
        (place(&words, "update service/web"), place(&words, "update service/api"));
    assert!(is_before(&plan, client, server), "{words:#?}");

    let gone = SHOP.replace("  api: # service", "  # gone\n  other:");
    let (plan, words) = planned_with(&gone).await;
    let (client, server) =
        (place(&words, "update service/web"), place(&words, "delete service/api"));
    assert!(is_before(&plan, client, server), "{words:#?}");

    let grpc = shop.replace("port: 8080 # api", "port: 8080\n        protocol: grpc");
    let (plan, words) = planned_with(&grpc).await;
    let [gone, made, client] = ["delete service/api", "create service/api", "update service/web"]
        .map(|word| place(&words, word));
    assert!(is_before(&plan, gone, made) && is_before(&plan, made, client), "{words:#?}");
    assert_eq!(plan["impact"], "outage");
    settle(&world).await.expect("one apply");
}

#[tokio::test(start_paused = true)]
async fn an_entry_of_a_section_stands_for_all_it_became() {
    let world = applied().await;
    let changed = SHOP
        .replace("scale: { min: 2 } # api", "scale: { min: 3 }\n    cpu: 512\n    memory: 1 GiB");
    assert_ne!(changed, SHOP);
    world.write("deployer.yaml", &changed.replace("keep: 30 days", "keep: 60 days"));
    let words = async |target: &str| {
        let ran = world.run(&format!("plan --env dev --json --target {target}")).await;
        assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
        let plan: Value = serde_json::from_str(&ran.stdout).unwrap();
        steps(&plan).iter().map(word_of).collect::<Vec<_>>()
    };
    let api = words("services/api").await;
    assert!(api.contains(&"update service/api".to_owned()), "{api:?}");
    assert!(api.iter().all(|word| word.ends_with("/api")), "{api:?}");
    assert_eq!(words("log-group/api").await, Vec::<String>::new());
    let none = world.run("plan --env dev --target services/zzz").await;
    assert_eq!(none.exit, Exit::Wrong);
}
