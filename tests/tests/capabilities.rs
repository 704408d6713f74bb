//! What people do after a deploy, on a service that really runs in the lab: read its logs, look at
//! its tasks, follow and steer its rollouts, get into it, read its metrics.
//!
//! The binary deploys; the answers are those that `deployer-aws` gives by way of its registry.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a process asks, another reads it")]

use std::path::Path;
use std::process::{Command as Process, ExitCode};
use std::sync::Arc;

use deployer_aws::{Aws, Connection, connect, registry};
use deployer_core::Live;
use deployer_engine::{
    Command, LogQuery, Look, Places, Scan, Steering, Which, Window, observe, read_book,
};
use deployer_stack::{Options, load};
use deployer_tests::{Lab, root, run, wait_until};
use libtest_mimic::{Arguments, Trial};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The SDK takes the lab's address from the environment, and no process may change its own: so
/// the test starts itself again for each question, inside a lab's.
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, marker, file, address, question, argument] = &arguments[..]
        && marker == "--in-lab"
    {
        return in_lab(Path::new(file), address, question, argument);
    }
    let trial = |name: &str, test: fn()| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    let trials = vec![
        trial("tasks_say_what_runs_and_why_what_stopped_stopped", tasks),
        trial("a_log_tells_the_lines_of_each_task_apart", logs),
        trial("rollouts_are_listed_followed_and_taken_back", rollouts),
        trial("a_shell_opens_in_tasks_that_were_started_for_it", shell),
        trial("metrics_are_read_as_series_with_units", metrics),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A service in a lab, deployed as a user does it.
struct Web {
    lab: Lab,
    folder: TempDir,
}

impl Web {
    fn deployed(settings: &str) -> Self {
        let web = Self { lab: Lab::start(0.0), folder: tempfile::tempdir().expect("a folder") };
        let stacks = root().join("tests/stacks");
        let stacks = stacks.to_str().expect("a plain path");
        let text = std::fs::read_to_string(format!("{stacks}/web.yaml")).expect("the stack");
        let text = text
            .replace("../contracts/", &format!("{stacks}/../contracts/"))
            .replace("stack: web\n", "stack: web\norigin: tests\n")
            .replace("subnets: public\n", &format!("subnets: public\n{settings}"));
        std::fs::write(web.file(), text).expect("a file");
        run(&web.lab, &["apply", "--file", &web.file(), "--yes"]).expect(0);
        web
    }

    fn file(&self) -> String {
        self.folder.path().join("web.yaml").to_str().expect("a plain path").to_owned()
    }

    /// Publishes an image that ends at once, after it has written why. ECS goes back.
    fn break_it(&self) {
        let text = std::fs::read_to_string(self.file()).expect("the stack");
        std::fs::write(self.file(), text.replace("answers.tar", "exits.tar")).expect("a file");
        run(&self.lab, &["publish", "--file", &self.file(), "--yes"]).expect(4);
        wait_until("ECS has gone back", || self.state(0) == "rolled-back");
    }

    /// What is answered, or why nothing is.
    fn try_ask(&self, address: &str, question: &str, argument: &Value) -> Result<Value, String> {
        let output = Process::new(std::env::current_exe().expect("a test knows where it is"))
            .args(["--in-lab", &self.file(), address, question, &argument.to_string()])
            .env("AWS_CONFIG_FILE", "/nonexistent")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
            .envs(self.lab.environment())
            .output()
            .expect("it can be started");
        if output.status.success() {
            Ok(serde_json::from_slice(&output.stdout).expect("JSON"))
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    fn ask(&self, address: &str, question: &str, argument: &Value) -> Value {
        self.try_ask(address, question, argument).unwrap_or_else(|why| panic!("{why}"))
    }

    fn tasks(&self, which: &str) -> Vec<Value> {
        list(&self.ask("service/web", "tasks", &json!(which)))
    }

    fn rollouts(&self) -> Vec<Value> {
        list(&self.ask("service/web", "rollouts", &Value::Null))
    }

    /// How far a rollout is, the newest being the first.
    fn state(&self, nth: usize) -> Value {
        self.rollouts()[nth]["state"].clone()
    }

    fn update_by_hand(&self, change: &Value) {
        let mut body = json!({ "cluster": "web-default-main", "service": "web-default-web" });
        body.as_object_mut().expect("a map").extend(change.as_object().expect("a map").clone());
        let target = "AmazonEC2ContainerServiceV20141113.UpdateService";
        self.lab.by_hand_in_json("ecs", target, &body);
    }
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().expect("a list")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn tasks() {
    let web = Web::deployed("");
    let [task] = &web.tasks("wanted")[..] else { panic!("one task runs") };
    assert_eq!(
        [&task["state"], &task["status"], &task["desired"]],
        ["running", "RUNNING", "RUNNING"]
    );
    assert!(text(&task["revision"]).contains(":task-definition/"), "{task}");
    assert!(text(&task["started-by"]).starts_with("ecs-svc/"), "{task}");
    assert!(text(&task["containers"][0]["digest"]).starts_with("sha256:"), "{task}");
    assert!(text(&task["address"]).starts_with("10.20.") && task["stop"].is_null(), "{task}");
    assert!(text(&task["started"]) >= text(&task["created"]), "{task}");
    assert_eq!(web.tasks("stopped").len(), 0);

    web.break_it();
    let still: Vec<Value> = web.tasks("wanted").iter().map(|task| task["id"].clone()).collect();
    assert_eq!(still, std::slice::from_ref(&task["id"]), "what ran before runs on");
    let stopped = web.tasks("stopped");
    let failed = stopped.iter().find(|task| task["stop"]["cause"] == "ended");
    let failed = failed.unwrap_or_else(|| panic!("one ended by itself: {stopped:?}"));
    assert_eq!(failed["stop"]["code"], "EssentialContainerExited");
    assert_eq!(failed["containers"][0]["exit-code"], 3);
    let all = web.tasks("all");
    assert_eq!(all.len(), stopped.len() + 1);
    assert!(all.is_sorted_by_key(|task| std::cmp::Reverse(text(&task["created"]))), "{all:?}");
}

fn logs() {
    let web = Web::deployed("");
    assert_eq!(web.ask("service/web", "log", &json!({})), json!({ "lines": [], "pages": 1 }));
    web.break_it();
    let stopped = web.tasks("stopped");
    let failed = stopped.iter().find(|task| task["stop"]["cause"] == "ended").expect("one");
    let texts = |address: &str, query: Value| {
        let found = web.ask(address, "log", &query);
        let lines = list(&found["lines"]);
        let texts: Vec<String> = lines.iter().map(|line| text(&line["text"]).to_owned()).collect();
        (texts, lines, found["pages"].clone())
    };
    let said = ["starting", "fatal: DATABASE_URL is not set"];
    for address in ["service/web", "log-group/web"] {
        let (lines, found, _) = texts(address, json!({ "tasks": [failed["id"]] }));
        assert_eq!(lines, said, "{address}");
        let line = &found[0];
        assert_eq!([&line["task"], &line["container"]], [&failed["id"], &json!("web")]);
        let (all, ..) = texts(address, json!({}));
        assert!(all.len() > said.len() && all.len().is_multiple_of(said.len()), "{all:?}");
        let (one_by_one, _, pages) = texts(address, json!({ "limit": 1 }));
        assert_eq!((one_by_one.len(), pages), (all.len(), json!(all.len())), "{address}");
        let (fatal, ..) = texts(address, json!({ "containing": "DATABASE_URL is" }));
        assert!(fatal.len() == all.len() / 2 && fatal.iter().all(|it| it == said[1]), "{fatal:?}");
        let (none, ..) = texts(address, json!({ "container": "other" }));
        assert_eq!(none, [""; 0], "{address}");
    }
    let query = json!({ "tasks": [failed["id"]], "order": "newest-first", "limit": 1 });
    let (last, ..) = texts("service/web", query);
    assert_eq!(last, [said[1], said[0]]);
    let unheard = json!({ "tasks": ["0".repeat(32)] });
    assert_eq!(texts("service/web", unheard).0, [""; 0], "no task, no lines, no failure");
}

fn rollouts() {
    let web = Web::deployed("");
    let [first] = &web.rollouts()[..] else { panic!("there has been one") };
    assert_eq!([&first["state"], &first["status"]], ["succeeded", "SUCCESSFUL"]);
    assert_eq!((&first["from"], &first["to"]["running"]), (&json!([]), &json!(1)));
    assert!(text(&first["finished"]) >= text(&first["created"]), "{first}");
    web.break_it();
    let [failed, same] = &web.rollouts()[..] else { panic!("there have been two") };
    assert_eq!((&same["id"], &failed["state"]), (&first["id"], &json!("rolled-back")));
    assert_eq!(failed["from"][0]["id"], first["to"]["id"]);
    assert_eq!(failed["from"][0]["runs"], first["to"]["runs"]);
    assert_ne!(failed["to"]["runs"], first["to"]["runs"]);
    assert_ne!(failed["to"]["digests"], first["to"]["digests"], "another image");
    assert_eq!(failed["back-to"], first["to"]["id"]);
    assert!(text(&failed["reason"]).contains("circuit breaker"), "{failed}");
    let of_id = |id: &Value| web.ask("service/web", "rollout", id);
    assert_eq!(&of_id(&failed["id"]), failed);
    assert_eq!(of_id(&json!(format!("{}0", text(&failed["id"])))), Value::Null);

    // Without a circuit breaker it would try for ever.
    web.update_by_hand(&json!({
        "taskDefinition": failed["to"]["runs"],
        "deploymentConfiguration": {
            "deploymentCircuitBreaker": { "enable": false, "rollback": false },
        },
    }));
    let third = web.rollouts()[0].clone();
    assert_eq!([&third["state"], &third["failures"]], [&json!("under-way"), &Value::Null]);
    let hold = json!([third["id"], { "continue": "no-hook" }]);
    let refused = web.try_ask("service/web", "steer", &hold).expect_err("it is not held");
    assert!(refused.contains("ecs:ContinueServiceDeployment"), "{refused}");
    let roll_back = json!([third["id"], "roll-back"]);
    web.ask("service/web", "steer", &roll_back);
    wait_until("it is taken back", || web.state(0) == "rolled-back");
    let over = web.try_ask("service/web", "steer", &roll_back).expect_err("it is over");
    assert!(over.contains("ConflictException"), "{over}");
}

fn shell() {
    let web = Web::deployed("");
    let command = |task: &Value| json!({ "task": task, "container": null, "line": "sh" });
    let task = web.tasks("wanted")[0].clone();
    assert_eq!(task["containers"][0]["has-shell"], false);
    let refused = web.try_ask("service/web", "shell", &command(&task["id"]));
    let refused = refused.expect_err("it was started without");
    assert!(refused.contains("execute command was not enabled"), "{refused}");
    assert!(refused.contains("execute-command: true"), "{refused}");

    let file = std::fs::read_to_string(web.file()).expect("the stack");
    let file = file.replace("subnets: public\n", "subnets: public\n    execute-command: true\n");
    std::fs::write(web.file(), file).expect("a file");
    run(&web.lab, &["apply", "--file", &web.file(), "--yes"]).expect(0);
    wait_until("the new task runs alone", || {
        let tasks = web.tasks("wanted");
        tasks.len() == 1 && tasks[0]["containers"][0]["has-shell"] == true
    });
    let task = web.tasks("wanted")[0].clone();
    let session = web.ask("service/web", "shell", &command(&task["id"]));
    // That of the lab is on this machine, and needs no TLS.
    assert!(text(&session["url"]).starts_with("ws://"), "{session}");
    let begin = format!("ecs:web-default-main_{}_", text(&task["id"]));
    assert!(text(&session["target"]).starts_with(&begin), "{session}");
    assert!(session["token-length"].as_u64() > Some(100), "{session}");
    assert_eq!(session["debug-shows-token"], false);
    let nowhere = web.try_ask("service/web", "shell", &command(&json!("0".repeat(32))));
    assert!(nowhere.expect_err("there is no such task").contains("there is no task"));
}

fn metrics() {
    let web = Web::deployed("");
    let start = 1_700_000_040;
    let put = |namespace: &str, name: &str, dimensions: &Value, values: &[f64]| {
        let points = values.iter().zip(0..).map(|(value, nth)| json!([start + 60 * nth, value]));
        web.lab.measure(&json!({
            "namespace": namespace, "name": name, "dimensions": dimensions,
            "points": points.collect::<Vec<_>>(),
        }));
    };
    let service = json!({ "ClusterName": "web-default-main", "ServiceName": "web-default-web" });
    put("AWS/ECS", "CPUUtilization", &service, &[12.5, 50.0, 99.0]);
    let arn = web.lab.arn_at("load-balancer/edge");
    let balancer = arn.split_once(":loadbalancer/").expect("an ARN of a load balancer").1;
    let balancer = json!({ "LoadBalancer": balancer });
    put("AWS/ApplicationELB", "RequestCount", &balancer, &[7.0]);
    put("AWS/ApplicationELB", "TargetResponseTime", &balancer, &[0.25]);

    let window =
        json!({ "since": "2023-11-14T22:14:00Z", "until": "2023-11-14T22:16:00Z", "period": 60 });
    let found = list(&web.ask("service/web", "metrics", &window));
    let cpu = json!({
        "name": "CPUUtilization", "statistic": "Average", "unit": "percent",
        "points": [
            { "at": "2023-11-14T22:14:00Z", "value": 12.5 },
            { "at": "2023-11-14T22:15:00Z", "value": 50.0 },
        ],
        "trouble": null,
    });
    assert_eq!(found[0], cpu);
    let memory = (&found[1]["name"], &found[1]["points"]);
    assert_eq!(memory, (&json!("MemoryUtilization"), &json!([])), "nothing measured is no zero");
    let found = list(&web.ask("load-balancer/edge", "metrics", &window));
    let values: Vec<(&str, &str, Option<f64>)> = found
        .iter()
        .map(|it| (text(&it["name"]), text(&it["unit"]), it["points"][0]["value"].as_f64()))
        .collect();
    let expected = [
        ("RequestCount", "count", Some(7.0)),
        ("HTTPCode_Target_5XX_Count", "count", None),
        ("HTTPCode_ELB_5XX_Count", "count", None),
        ("TargetResponseTime", "seconds", Some(0.25)),
    ];
    assert_eq!(values, expected);
    web.lab.fault(&json!({ "kind": "deny", "match": "monitoring:GetMetricData" }));
    let denied = web.try_ask("service/web", "metrics", &window).expect_err("it is denied");
    assert!(denied.contains("allow `cloudwatch:GetMetricData`"), "{denied}");
}

fn in_lab(file: &Path, address: &str, question: &str, argument: &str) -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    match runtime.block_on(answer(file, address, question, argument)) {
        Ok(answer) => {
            println!("{answer}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// What the registry answers about a resource, as JSON.
async fn answer(
    file: &Path,
    address: &str,
    question: &str,
    argument: &str,
) -> Result<Value, String> {
    let (aws, live) = find(file, address).await?;
    let (aws, live, registry) = (&aws, &live, registry());
    let kind = live.address.kind.as_str();
    let none = || format!("{kind} has no {question}");
    match question {
        "tasks" => {
            let which = match argument {
                "\"wanted\"" => Which::Wanted,
                "\"stopped\"" => Which::Stopped,
                _ => Which::All,
            };
            as_json(registry.tasks(kind).ok_or_else(none)?.tasks(aws, live, &which).await)
        }
        "log" => {
            let logs = registry.logs(kind).ok_or_else(none)?;
            let mut query: LogQuery = read(argument)?;
            let (mut lines, mut pages) = (Vec::new(), 0);
            loop {
                let page = logs.log(aws, live, &query).await.map_err(|it| it.to_string())?;
                (query.after, pages) = (page.next, pages + 1);
                lines.extend(page.lines);
                if query.after.is_none() {
                    return Ok(json!({ "lines": lines, "pages": pages }));
                }
            }
        }
        "rollouts" => as_json(registry.rollouts(kind).ok_or_else(none)?.rollouts(aws, live).await),
        "rollout" => {
            let id: String = read(argument)?;
            as_json(registry.rollouts(kind).ok_or_else(none)?.rollout(aws, live, &id).await)
        }
        "steer" => {
            let (id, how): (String, Steering) = read(argument)?;
            as_json(registry.rollouts(kind).ok_or_else(none)?.steer(aws, live, &id, &how).await)
        }
        "shell" => {
            let command: Command = read(argument)?;
            let opened = registry.shell(kind).ok_or_else(none)?.open(aws, live, &command).await;
            let session =
                opened.map_err(|it| format!("{it} {}", it.help.clone().unwrap_or_default()))?;
            let token = session.token.reveal();
            Ok(json!({
                "url": session.url, "target": session.target, "token-length": token.len(),
                "debug-shows-token": format!("{session:?}").contains(token),
            }))
        }
        "metrics" => {
            let window: Window = read(argument)?;
            as_json(registry.metrics(kind).ok_or_else(none)?.metrics(aws, live, &window).await)
        }
        other => Err(format!("nobody knows how to ask for {other}")),
    }
}

/// The account, and what a stack has at an address in it.
async fn find(file: &Path, address: &str) -> Result<(Arc<Aws>, Live), String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let (registry, options) = (registry(), Options::default());
    let loaded = load(&text, &options, &registry.kinds()).map_err(|it| format!("{it:?}"))?;
    let scope = &loaded.stack.scope;
    let connected = connect(None, None, Path::new(".")).await.map_err(|it| it.to_string())?;
    let Connection { aws, region } = connected;
    let account = aws.account().await.map_err(|it| it.to_string())?;
    let places = Places::new(Arc::new(aws), account, region).of(&loaded.stack);
    let book = read_book(&**places.cloud(), scope).await.map_err(|it| it.to_string())?;
    let snapshot = observe(&registry, &places, scope, Scan::All(Look::Quick), &book.deeds).await;
    let lives = snapshot.map_err(|failures| format!("{failures:?}"))?.lives;
    let live = lives.into_iter().find(|live| live.address.to_string() == address);
    let live = live.ok_or_else(|| format!("there is no {address}"))?;
    let cloud = places.at(&live.place, &loaded.stack.roles).await.map_err(|it| it.to_string())?;
    Ok((cloud, live))
}

fn as_json<T: Serialize>(answer: deployer_engine::Result<T>) -> Result<Value, String> {
    let answer = answer.map_err(|it| format!("{it} {}", it.help.clone().unwrap_or_default()))?;
    serde_json::to_value(answer).map_err(|error| error.to_string())
}

fn read<T: DeserializeOwned>(argument: &str) -> Result<T, String> {
    serde_json::from_str(argument).map_err(|error| error.to_string())
}
