//! What is done to services that run: rollouts stopped and let go on, restarts, scaling, events.

use std::collections::BTreeMap;
use std::time::Duration;

use deployer_cli::Exit;
use deployer_engine::{Hold, Remark, Revision, Rollout, RolloutState};
use deployer_testkit::{Activity, Fault};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::world::{Ran, World};

const STACK: &str = "\
stack: notes
region: eu-west-1
environments: { dev: {} }
resources:
  network: { main: { range: 10.0.0.0/16 } }
  part: { a: { network: main, zone: a } }
  revision: { web: { image: one, url: nowhere } }
  service:
    web: { revision: web, gates: [], parts: [a], count: 2 }
    api: { revision: web, gates: [], parts: [a] }
";

fn revision(runs: &str) -> Revision {
    Revision { runs: Some(runs.to_owned()), wanted: 2, running: 1, ..Revision::default() }
}

fn rollout(state: RolloutState, from: &str, to: &str) -> Rollout {
    Rollout {
        id: format!("rollout/{to}"),
        state,
        status: String::new(),
        reason: None,
        stage: None,
        from: vec![revision(from)],
        to: Some(revision(to)),
        back_to: None,
        bake: None,
        failures: None,
        alarms: BTreeMap::new(),
        holds: vec![],
        created: Some(Timestamp::now() - SignedDuration::from_mins(5)),
        started: None,
        finished: None,
    }
}

fn hold(id: &str) -> Hold {
    Hold {
        id: id.to_owned(),
        status: "AWAITING_ACTION".to_owned(),
        is_for_people: true,
        until: None,
        then: None,
    }
}

fn act(world: &World, change: impl FnOnce(&mut Activity)) {
    world.memory.act("service/web", change);
}

/// Lets a rollout end a moment after a command has begun.
async fn ends(world: &World, state: RolloutState) {
    pass(Duration::from_secs(5)).await;
    act(world, |activity| activity.rollouts[0].state = state);
}

#[tokio::test(start_paused = true)]
async fn a_rollout_under_way_is_stopped_and_followed_back() {
    let world = World::applied(STACK).await;
    act(&world, |it| it.rollouts = vec![rollout(RolloutState::UnderWay, "one", "two")]);
    let ran = world.run("rollback web --env dev").await;
    assert_eq!(ran.exit, Exit::Refused, "nobody is there to answer");
    // Whose reply gets lost is looked at, and not told twice.
    let calls = world.memory.calls().len();
    let run = async { world.run("rollback web --env dev --yes").await };
    let (ran, ()) = tokio::join!(run, ends(&world, RolloutState::RolledBack));
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    assert!(ran.stderr.contains("going back") && ran.stderr.contains("rolled back"), "{ran:?}");
    let ran = world.run("rollback web --env dev --yes --json").await;
    assert_eq!(ran.exit, Exit::Wrong, "nothing is known to have run: {}", ran.stdout);
    assert!(world.memory.calls().len() > calls);
    // It may have come up before it could be stopped.
    act(&world, |it| it.rollouts = vec![rollout(RolloutState::GoingBack, "one", "two")]);
    let run = async { world.run("rollback web --env dev --yes --json").await };
    let (ran, ()) = tokio::join!(run, ends(&world, RolloutState::Failed));
    assert_eq!(ran.exit, Exit::Failed);
    let lines: Vec<Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.last().unwrap()["rollout"]["state"], "failed");
    act(&world, |it| it.rollouts = vec![rollout(RolloutState::GoingBack, "one", "two")]);
    let interrupted = async {
        pass(Duration::from_secs(5)).await;
        world.cancel.cancel();
    };
    let (ran, ()) = tokio::join!(world.run("rollback web --env dev --yes"), interrupted);
    assert_eq!(ran.exit, Exit::Interrupted);
    assert!(ran.stderr.contains("its rollout goes on"), "{}", ran.stderr);
}

#[tokio::test(start_paused = true)]
async fn a_rollout_goes_on_once_somebody_answers() {
    let world = World::applied(STACK).await;
    let ran = world.run("continue web --env dev").await;
    assert_eq!(ran.exit, Exit::Wrong);
    assert!(ran.stderr.contains("no rollout of service/web waits for an answer"), "{ran:?}");
    for (line, end, exit) in [
        ("continue web --env dev", RolloutState::Succeeded, Exit::Done),
        ("continue web --env dev", RolloutState::RolledBack, Exit::Failed),
        ("continue web --roll-back --env dev", RolloutState::RolledBack, Exit::Done),
    ] {
        let held = rollout(RolloutState::UnderWay, "one", "two");
        act(&world, |it| it.rollouts = vec![Rollout { holds: vec![hold("first")], ..held }]);
        let (ran, ()) = tokio::join!(world.run(line), ends(&world, end));
        assert_eq!(ran.exit, exit, "{line}: {}", ran.stderr);
    }
    let held = rollout(RolloutState::UnderWay, "one", "two");
    act(&world, |it| it.rollouts = vec![Rollout { holds: vec![hold("first")], ..held }]);
    let asked_again = async {
        pass(Duration::from_secs(5)).await;
        act(&world, |it| it.rollouts[0].holds = vec![hold("second")]);
    };
    let (ran, ()) = tokio::join!(world.run("continue web --env dev"), asked_again);
    assert_eq!(ran.exit, Exit::Done);
    assert!(
        ran.stderr.contains("answer it with `deployer continue web --env dev`"),
        "{}",
        ran.stderr
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_whose_reply_gets_lost_is_not_given_twice() {
    let world = World::applied(STACK).await;
    let held =
        || Rollout { holds: vec![hold("first")], ..rollout(RolloutState::UnderWay, "one", "two") };
    act(&world, |it| it.rollouts = vec![held()]);
    // Which call of a command it is that answers.
    let before = world.memory.calls().len();
    let (_, ()) =
        tokio::join!(world.run("continue web --env dev"), ends(&world, RolloutState::Succeeded));
    let steers = |calls: &[deployer_testkit::Call]| {
        calls.iter().filter(|it| it.operation == deployer_testkit::Operation::Steer).count()
    };
    let calls = world.memory.calls();
    let nth = calls[before..]
        .iter()
        .position(|it| it.operation == deployer_testkit::Operation::Steer)
        .expect("it answers");
    act(&world, |it| it.rollouts = vec![held()]);
    world.memory.arm(calls.len() + nth, Fault::LOST_REPLY);
    let (ran, ()) =
        tokio::join!(world.run("continue web --env dev"), ends(&world, RolloutState::Succeeded));
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    assert_eq!(steers(&world.memory.calls()), 2, "one for each command");
}

#[tokio::test(start_paused = true)]
async fn a_restart_is_followed_and_begins_none_beside_another_rollout() {
    let world = World::applied(STACK).await;
    let ran = world.run("restart web --env dev").await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    act(&world, |it| assert_eq!(it.restarts, 1));
    act(&world, |it| it.rollouts = vec![rollout(RolloutState::UnderWay, "one", "one")]);
    let ran = world.run("restart web --env dev --json").await;
    assert_eq!(ran.exit, Exit::Done, "it is followed: {}", ran.stderr);
    act(&world, |it| assert_eq!(it.restarts, 1));
    act(&world, |it| it.rollouts = vec![rollout(RolloutState::UnderWay, "one", "two")]);
    let ran = world.run("restart web --env dev").await;
    assert_eq!(ran.exit, Exit::Refused);
    assert!(ran.stderr.contains("a rollout of service/web is under way"), "{}", ran.stderr);
    let ran = world.run("restart wbe --env dev").await;
    assert!(ran.stderr.contains("did you mean `web`?"), "{}", ran.stderr);
    assert_eq!(world.run("plan --env dev --check").await.exit, Exit::Done);
}

#[tokio::test(start_paused = true)]
async fn a_number_of_tasks_that_the_file_does_not_say_is_said_to_be_put_back() {
    let world = World::applied(STACK).await;
    let ran = world.run("scale web 3 --env dev").await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    act(&world, |it| assert_eq!(it.count, Some(3)));
    assert!(ran.stderr.contains("the file says 2"), "{}", ran.stderr);
    let ran = world.run("scale web 2 --env dev").await;
    assert!(!ran.stderr.contains("the file says"), "{}", ran.stderr);
    assert_eq!(world.run("scale web 0 --env dev").await.exit, Exit::Refused);
    assert_eq!(world.run("scale web 0 --env dev --yes").await.exit, Exit::Done);
    assert_eq!(world.run("scale web 5001 --env dev").await.exit, Exit::Usage);
}

/// Interrupts an apply that rolls out another image, once its rollout is under way, and lets that end
/// when it goes back.
async fn interrupted_apply(typed: Option<&str>) -> (Ran, RolloutState) {
    let mut world = World::applied(STACK).await;
    world.typed = typed.map(str::to_owned);
    world.write("deployer.yaml", &STACK.replace("image: one", "image: two"));
    act(&world, |it| it.rollouts = vec![rollout(RolloutState::UnderWay, "one", "two")]);
    let is_update = |it: &deployer_testkit::Call| {
        it.operation == deployer_testkit::Operation::Update && it.kind == "service"
    };
    let interrupting = async {
        for _ in 0..600 {
            if world.memory.calls().iter().any(is_update) {
                break;
            }
            pass(Duration::from_millis(500)).await;
        }
        world.cancel.cancel();
        // For as long as it runs, however long that is.
        loop {
            pass(Duration::from_secs(1)).await;
            act(&world, |it| {
                if it.rollouts[0].state == RolloutState::GoingBack {
                    it.rollouts[0].state = RolloutState::RolledBack;
                }
            });
        }
    };
    let ran = tokio::select! {
        ran = world.run("apply --env dev --yes") => ran,
        () = interrupting => unreachable!("it goes on"),
    };
    let mut state = RolloutState::Unknown;
    act(&world, |it| state = it.rollouts[0].state);
    (ran, state)
}

#[tokio::test(start_paused = true)]
async fn whoever_interrupts_a_rollout_is_asked_whether_it_goes_back() {
    let question = "Leave it, or roll it back? [l/r]";
    let (ran, state) = interrupted_apply(Some("r\n")).await;
    assert_eq!((ran.exit, state), (Exit::Interrupted, RolloutState::RolledBack), "{}", ran.stderr);
    assert!(ran.stderr.contains(question), "{}", ran.stderr);
    assert!(ran.stderr.contains("service/web  rolled back"), "{}", ran.stderr);
    // It is left where that is the answer, and at the end of the input.
    for typed in ["l\n", "", "what?\n"] {
        let (ran, state) = interrupted_apply(Some(typed)).await;
        assert_eq!((ran.exit, state), (Exit::Interrupted, RolloutState::UnderWay), "{typed}");
        assert!(ran.stderr.contains("`deployer rollback web --env dev`"), "{}", ran.stderr);
    }
    let (ran, state) = interrupted_apply(None).await;
    assert_eq!((ran.exit, state), (Exit::Interrupted, RolloutState::UnderWay));
    assert!(!ran.stderr.contains(question), "nobody is there: {}", ran.stderr);
    assert!(ran.stderr.contains("`deployer rollback web --env dev`"), "{}", ran.stderr);
}

#[tokio::test(start_paused = true)]
async fn what_happened_stands_in_order() {
    let world = World::applied(STACK).await;
    let said = |minutes: i64, text: &str| Remark {
        at: Timestamp::now() - SignedDuration::from_mins(minutes),
        text: text.to_owned(),
    };
    act(&world, |it| {
        it.remarks = vec![said(1, "has reached a steady state"), said(300, "long ago")];
        it.rollouts = vec![rollout(RolloutState::UnderWay, "one", "two")];
    });
    let ran = world.run("events --env dev").await;
    let texts: Vec<&str> = ran.stdout.lines().map(|line| &line[20..]).collect();
    assert_eq!(texts, ["web the rollout begins", "web has reached a steady state"]);
    let ran = world.run("events web --since 1d --env dev --json").await;
    let first: Value = serde_json::from_str(ran.stdout.lines().next().unwrap()).unwrap();
    assert_eq!([&first["text"], &first["about"]], ["long ago", "service"]);
    let ran = world.run("events api --env dev").await;
    assert!(ran.stderr.contains("nothing is known to have happened"), "{}", ran.stderr);
    assert_eq!(world.run("events wbe --env dev").await.exit, Exit::Wrong);
}

#[expect(clippy::disallowed_methods, reason = "time passes for who acts meanwhile")]
async fn pass(length: Duration) {
    tokio::time::sleep(length).await;
}
