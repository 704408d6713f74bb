//! What people do with a resource after a deploy, its kind erased.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use deployer_core::{Cause, Live};
use deployer_engine::{
    Capability, Command, Container, Cursor, Health, Heard, Hold, LogQuery, Order, Point, Rollout,
    RolloutState, RunOrder, Series, Session, Steering, Stop, StopCause, Tail, Task, TaskState,
    Unit, Which, Window, follow,
};
use deployer_testkit::{
    Fault, Memory, Moment, Operation, converge, everything, line, observed, pass, registry,
};
use jiff::Timestamp;
use tokio::time::Instant;

/// A cloud with everything in it, and one of its resources.
async fn world(address: &str) -> (Arc<Memory>, Live) {
    let memory = Arc::new(Memory::default());
    let stack = everything().build();
    converge(&memory, &stack).await;
    let snapshot = observed(&memory, &stack).await.unwrap();
    let live = snapshot.lives.iter().find(|live| live.address.to_string() == address);
    let live = live.unwrap().clone();
    (memory, live)
}

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap()
}

fn task(id: &str, state: TaskState) -> Task {
    let stop = Stop { cause: StopCause::Ended, code: None, reason: None };
    Task {
        id: id.to_owned(),
        state,
        status: String::new(),
        desired: String::new(),
        health: Health::Unknown,
        revision: "revision-1".to_owned(),
        started_by: None,
        containers: Vec::new(),
        created: None,
        started: None,
        stopping: None,
        stopped: None,
        stop: (state == TaskState::Stopped).then_some(stop),
        zone: None,
        address: None,
    }
}

fn rollout(id: &str, state: RolloutState, holds: Vec<Hold>) -> Rollout {
    Rollout {
        id: id.to_owned(),
        state,
        status: String::new(),
        reason: None,
        stage: None,
        from: Vec::new(),
        to: None,
        back_to: None,
        bake: None,
        failures: None,
        alarms: BTreeMap::new(),
        holds,
        created: None,
        started: None,
        finished: None,
    }
}

fn texts(lines: &[deployer_engine::Line]) -> Vec<&str> {
    lines.iter().map(|line| line.text.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn each_kind_says_what_it_offers_and_the_others_offer_nothing() {
    use Capability::{
        Checks, Logs, Metrics, Releases, Rollouts, Runs, Shell, Tasks, Versions, Vitals, Workloads,
    };
    let registry = registry();
    let offers = registry.capabilities();
    let all = [Logs, Tasks, Rollouts, Runs, Shell, Metrics, Workloads, Checks];
    let all = BTreeSet::from(all);
    assert_eq!(offers["service"], all);
    assert_eq!(offers["store"], BTreeSet::from([Metrics, Vitals]));
    assert_eq!(offers["revision"], BTreeSet::from([Releases, Versions]));
    assert_eq!(offers.len(), 3);
    assert!(registry.metrics("store").is_some() && registry.tasks("store").is_none());
    assert!(registry.logs("network").is_none() && registry.logs("nonsense").is_none());
}

#[tokio::test(start_paused = true)]
async fn what_a_snapshot_shows_is_asked_without_another_scan() {
    let (memory, live) = world("service/web").await;
    memory.act("service/web", |activity| {
        activity.tasks = vec![task("two", TaskState::Running), task("one", TaskState::Stopped)];
    });
    let scans = |memory: &Memory| {
        memory.calls().iter().filter(|call| call.operation == Operation::Scan).count()
    };
    let before = scans(&memory);
    let tasks = registry().tasks("service").unwrap();
    let ids = |tasks: Vec<Task>| tasks.into_iter().map(|task| task.id).collect::<Vec<_>>();
    assert_eq!(ids(tasks.tasks(&memory, &live, &Which::All).await.unwrap()), ["two", "one"]);
    assert_eq!(ids(tasks.tasks(&memory, &live, &Which::Wanted).await.unwrap()), ["two"]);
    assert_eq!(ids(tasks.tasks(&memory, &live, &Which::Stopped).await.unwrap()), ["one"]);
    assert_eq!(scans(&memory), before);
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_meanwhile_is_a_failure_that_says_so() {
    let (memory, live) = world("service/web").await;
    memory.lose("service/web");
    let tasks = registry().tasks("service").unwrap();
    let failure = tasks.tasks(&memory, &live, &Which::All).await.unwrap_err();
    assert_eq!(failure.cause, Cause::Gone);
}

#[tokio::test(start_paused = true)]
async fn a_log_is_read_in_pages_from_either_end() {
    let (memory, live) = world("service/web").await;
    memory.act("service/web", |activity| {
        for n in 1..=7 {
            let task = if n % 2 == 0 { "even" } else { "odd" };
            activity.lines.push(line(&format!("l{n}"), n * 1000, task, &format!("line {n}")));
        }
    });
    let logs = registry().logs("service").unwrap();
    let query = LogQuery { since: Some(at(2000)), until: Some(at(6000)), ..LogQuery::default() };
    let first = logs.log(&memory, &live, &query).await.unwrap();
    assert_eq!(texts(&first.lines), ["line 2", "line 3", "line 4"]);
    let second = LogQuery { after: first.next, ..query.clone() };
    let second = logs.log(&memory, &live, &second).await.unwrap();
    assert_eq!((texts(&second.lines), second.next), (vec!["line 5", "line 6"], None));
    let last = LogQuery { order: Order::NewestFirst, limit: Some(1), ..LogQuery::default() };
    let last = logs.log(&memory, &live, &last).await.unwrap();
    assert_eq!(texts(&last.lines), ["line 7"]);
    let of_task = LogQuery { tasks: ["even".to_owned()].into(), ..LogQuery::default() };
    let of_task = logs.log(&memory, &live, &of_task).await.unwrap();
    assert_eq!(texts(&of_task.lines), ["line 2", "line 4", "line 6"]);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_followed_shows_every_line_once_though_some_come_late() {
    let (memory, live) = world("service/web").await;
    let write = |id: &str, at: i64| {
        memory.act("service/web", |activity| activity.lines.push(line(id, at, "one", id)));
    };
    for (id, at) in [("before", 900), ("a", 1000), ("b", 1000), ("c", 50_000), ("d", 51_000)] {
        write(id, at);
    }
    let logs = registry().logs("service").unwrap();
    let mut tail = Tail::new(LogQuery { since: Some(at(1000)), ..LogQuery::default() });
    let mut look = async || tail.look(logs, &memory, &live).await.unwrap();
    assert_eq!(texts(&look().await), ["a", "b", "c", "d"], "over several pages");
    assert_eq!(texts(&look().await), [""; 0]);
    write("late", 22_000);
    write("e", 51_000);
    write("too late", 20_000);
    assert_eq!(texts(&look().await), ["late", "e"]);
    write("f", 90_000);
    assert_eq!(texts(&look().await), ["f"]);
    assert_eq!(texts(&look().await), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn whoever_follows_a_quiet_log_waits_and_asks_at_a_pace_that_others_bear() {
    let (memory, live) = world("service/web").await;
    let (begun, calls) = (Instant::now(), memory.calls().len());
    let writer = async {
        pass(Duration::from_secs(61)).await;
        memory.act("service/web", |it| it.lines.push(line("a", 1000, "one", "at last")));
    };
    let logs = registry().logs("service").unwrap();
    let mut tail = Tail::new(LogQuery::default());
    let (lines, ()) = tokio::join!(tail.next(logs, &memory, &live), writer);
    assert_eq!(texts(&lines.unwrap()), ["at last"]);
    assert!(begun.elapsed() < Duration::from_secs(64), "{:?}", begun.elapsed());
    assert!(memory.calls().len() - calls <= 32, "{}", memory.calls().len() - calls);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_fails_in_the_midst_loses_no_line() {
    let (memory, live) = world("service/web").await;
    memory.act("service/web", |activity| {
        activity.lines = (1..=5).map(|n| line(&n.to_string(), n, "one", "x")).collect();
    });
    let logs = registry().logs("service").unwrap();
    let mut tail = Tail::new(LogQuery::default());
    memory.arm(1, Fault::Fail(Moment::Before, Cause::Denied));
    assert_eq!(tail.look(logs, &memory, &live).await.unwrap_err().cause, Cause::Denied);
    assert_eq!(tail.look(logs, &memory, &live).await.unwrap().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_rollout_is_found_by_its_id_let_go_on_and_taken_back() {
    let (memory, live) = world("service/web").await;
    let hold = Hold {
        id: "hold".to_owned(),
        status: String::new(),
        is_for_people: true,
        until: None,
        then: None,
    };
    memory.act("service/web", |activity| {
        activity.rollouts = vec![
            rollout("two", RolloutState::UnderWay, vec![hold]),
            rollout("one", RolloutState::Succeeded, Vec::new()),
        ];
    });
    let rollouts = registry().rollouts("service").unwrap();
    assert_eq!(rollouts.rollouts(&memory, &live).await.unwrap().len(), 2);
    assert_eq!(rollouts.rollout(&memory, &live, "none").await.unwrap(), None);
    let go_on = Steering::Continue("hold".to_owned());
    rollouts.steer(&memory, &live, "two", &go_on).await.unwrap();
    let two = rollouts.rollout(&memory, &live, "two").await.unwrap().unwrap();
    assert_eq!((two.state, two.holds.len()), (RolloutState::UnderWay, 0));
    rollouts.steer(&memory, &live, "two", &Steering::RollBack).await.unwrap();
    let two = rollouts.rollout(&memory, &live, "two").await.unwrap().unwrap();
    assert_eq!(two.state, RolloutState::GoingBack);
    let over = rollouts.steer(&memory, &live, "one", &Steering::RollBack).await.unwrap_err();
    assert_eq!(over.cause, Cause::Refused);
}

#[tokio::test(start_paused = true)]
async fn a_change_whose_reply_got_lost_is_not_made_again() {
    let (memory, live) = world("service/web").await;
    memory.act("service/web", |activity| {
        activity.tasks = vec![task("one", TaskState::Running)];
        activity.rollouts = vec![rollout("one", RolloutState::UnderWay, Vec::new())];
    });
    let count = |operation| memory.calls().iter().filter(|it| it.operation == operation).count();
    let rollouts = registry().rollouts("service").unwrap();
    memory.arm(0, Fault::LOST_REPLY);
    let lost = rollouts.steer(&memory, &live, "one", &Steering::RollBack).await.unwrap_err();
    assert_eq!((lost.cause, count(Operation::Steer)), (Cause::Ambiguous, 1));
    let shell = registry().shell("service").unwrap();
    let command = Command { task: "one".to_owned(), container: None, line: "sh".to_owned() };
    memory.arm(0, Fault::LOST_REPLY);
    let lost = shell.open(&memory, &live, &command).await.unwrap_err();
    assert_eq!((lost.cause, count(Operation::Open)), (Cause::Ambiguous, 1));
    // What only looks is asked for again.
    memory.arm(0, Fault::LOST_REPLY);
    assert_eq!(rollouts.rollouts(&memory, &live).await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_token_of_a_session_is_shown_to_nobody_who_does_not_ask_for_it() {
    let (memory, live) = world("service/web").await;
    memory.act("service/web", |it| it.tasks = vec![task("one", TaskState::Running)]);
    let shell = registry().shell("service").unwrap();
    let command = Command { task: "one".to_owned(), container: None, line: "sh".to_owned() };
    let session = shell.open(&memory, &live, &command).await.unwrap();
    assert_eq!(session.token.reveal(), "let-me-in-one-sh");
    let shown = format!("{session:?} {session:#?}");
    assert!(shown.contains("wss://") && !shown.contains("let-me-in"), "{shown}");
    let elsewhere = Command { task: "two".to_owned(), ..command };
    let failure = shell.open(&memory, &live, &elsewhere).await.unwrap_err();
    assert_eq!(failure.cause, Cause::Refused);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_lets_nobody_in_yet_is_asked_again_but_not_for_ever() {
    let (memory, live) = world("service/web").await;
    let set = |state| memory.act("service/web", |it| it.tasks = vec![task("one", state)]);
    set(TaskState::Starting);
    let shell = registry().shell("service").unwrap();
    let command = Command { task: "one".to_owned(), container: None, line: "sh".to_owned() };
    let begun = Instant::now();
    let never = Session::opened(shell, &*memory, &live, &command).await.unwrap_err();
    assert_eq!(never.cause, Cause::NotYet);
    assert!(begun.elapsed() < Duration::from_secs(32), "{:?}", begun.elapsed());
    let start = async {
        pass(Duration::from_secs(5)).await;
        set(TaskState::Running);
    };
    let (session, ()) = tokio::join!(Session::opened(shell, &*memory, &live, &command), start);
    assert_eq!(session.unwrap().id, "one-sh");
    set(TaskState::Stopped);
    let begun = Instant::now();
    let stopped = Session::opened(shell, &*memory, &live, &command).await.unwrap_err();
    assert_eq!(stopped.cause, Cause::Refused);
    assert!(begun.elapsed() < Duration::from_secs(1), "it is refused at once");
}

#[tokio::test(start_paused = true)]
async fn metrics_are_those_of_the_window_and_nothing_measured_is_not_zero() {
    let (memory, live) = world("store/main").await;
    let series = |name: &str, points: &[(i64, f64)]| Series {
        name: name.to_owned(),
        statistic: "Average".to_owned(),
        unit: Unit::Percent,
        points: points.iter().map(|(at_, value)| Point { at: at(*at_), value: *value }).collect(),
        trouble: None,
    };
    memory.act("store/main", |activity| {
        activity.series = vec![series("cpu", &[(0, 1.0), (60_000, 2.0), (120_000, 3.0)])];
    });
    let metrics = registry().metrics("store").unwrap();
    let window = Window { since: at(60_000), until: at(120_000), period: 60 };
    let found = metrics.metrics(&memory, &live, &window).await.unwrap();
    assert_eq!(found, [series("cpu", &[(60_000, 2.0)])]);
    let window = Window { since: at(500_000), until: at(560_000), period: 60 };
    let found = metrics.metrics(&memory, &live, &window).await.unwrap();
    assert_eq!(found, [series("cpu", &[])]);
}

#[tokio::test(start_paused = true)]
async fn a_plan_file_edited_by_hand_is_refused_and_not_guessed_at() {
    let (memory, mut live) = world("service/web").await;
    live.output = serde_json::json!({ "id": 7 });
    let logs = registry().logs("service").unwrap();
    let failure = logs.log(&memory, &live, &LogQuery::default()).await.unwrap_err();
    assert_eq!(failure.cause, Cause::Refused);
    let page = LogQuery { after: Some(Cursor("nonsense".to_owned())), ..LogQuery::default() };
    assert!(serde_json::to_string(&page).unwrap().contains("nonsense"));
}

#[tokio::test(start_paused = true)]
async fn a_run_is_followed_until_it_is_over_and_its_last_lines_are_there() {
    let (memory, live) = world("service/web").await;
    let (runs, logs) = (registry().runs("service").unwrap(), registry().logs("service").unwrap());
    let order = RunOrder::new(Vec::new());
    let id = runs.begin(&memory, &live, &order).await.unwrap();
    assert_eq!(runs.begin(&memory, &live, &order).await.unwrap(), id, "its reply got lost");
    let other = runs.begin(&memory, &live, &RunOrder::new(Vec::new())).await.unwrap();
    assert_ne!(other, id);
    let is = |state, status: &str, exit_code: Option<i32>| {
        let container = Container {
            name: "main".to_owned(),
            image: "image".to_owned(),
            digest: None,
            status: String::new(),
            health: Health::Unknown,
            exit_code,
            reason: None,
            has_shell: false,
        };
        let (status, started) = (status.to_owned(), Some(at(0)));
        let containers = vec![container];
        let run = Task { status, started, containers, ..task(&id, state) };
        memory.act("service/web", |activity| activity.tasks = vec![run]);
    };
    let write = |name: &str, at| {
        let written = line(name, at, &id, name);
        memory.act("service/web", |activity| activity.lines.push(written));
    };
    let goes_on = async {
        pass(Duration::from_secs(9)).await;
        is(TaskState::Running, "RUNNING", None);
        write("begun", 1000);
        memory.act("service/web", |it| it.lines.push(line("x", 1000, "another", "another")));
        pass(Duration::from_secs(9)).await;
        is(TaskState::Stopped, "STOPPED", Some(3));
        pass(Duration::from_secs(3)).await;
        write("late", 9000);
    };
    let mut heard = Vec::new();
    let following = follow((runs, logs), (&memory, &live), &id, |it| {
        heard.push(match it {
            Heard::State(state) => state.to_lowercase(),
            Heard::Line(written) => written.text.clone(),
            Heard::Unheard(failure) => failure.to_string(),
        });
    });
    let (run, ()) = tokio::join!(following, goes_on);
    assert_eq!(run.unwrap().exit_code, Some(3));
    assert_eq!(heard, ["running", "begun", "stopped", "late"]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_never_shows_is_given_up() {
    let (memory, live) = world("service/web").await;
    let (runs, logs) = (registry().runs("service").unwrap(), registry().logs("service").unwrap());
    let begun = Instant::now();
    let failure = follow((runs, logs), (&memory, &live), "nowhere", |_| ()).await.unwrap_err();
    assert!(failure.message.contains("does not show task nowhere"), "{failure}");
    assert!(begun.elapsed() < Duration::from_secs(310), "{:?}", begun.elapsed());
}
