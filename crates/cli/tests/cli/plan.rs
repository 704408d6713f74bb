//! `deployer plan`.

use deployer_cli::Exit;
use serde_json::Value;

use crate::world::{STACK, World};

#[tokio::test(start_paused = true)]
async fn a_plan_says_what_would_be_done_and_changes_nothing() {
    let world = World::with(STACK);
    let ran = world.run("plan --env dev").await;
    assert_eq!(ran.exit, Exit::Done);
    insta::assert_snapshot!(ran.stdout);
    assert_eq!(ran.stderr, "");
    assert!(world.memory.census().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_plan_after_an_apply_is_empty() {
    let world = World::applied(STACK).await;
    let ran = world.run("plan --env dev --check").await;
    assert_eq!(
        (ran.exit, ran.stdout.as_str()),
        (Exit::Done, "No changes. notes/dev is as the stack says.\n")
    );
}

#[tokio::test(start_paused = true)]
async fn a_check_reports_changes_by_its_exit_code() {
    let world = World::with(STACK);
    assert_eq!(world.run("plan --env dev --check").await.exit, Exit::Pending);
}

#[tokio::test(start_paused = true)]
async fn what_the_cloud_cannot_change_is_refused_at_its_line_and_the_rest_is_done() {
    let smaller = STACK.replace("size: 20", "size: 10").replace("zone: a", "zone: b");
    assert_ne!(smaller.matches("size: 10").count(), 0);
    let world = World::applied(STACK).await;
    world.write("deployer.yaml", &smaller);
    let plan = world.run("plan --env dev").await;
    assert_eq!(plan.exit, Exit::Refused);
    insta::assert_snapshot!(format!("{}\n{}", plan.stdout, plan.stderr));
    let json: Value =
        serde_json::from_str(&world.run("plan --env dev --json").await.stdout).unwrap();
    let refused = &json["plan"]["refused"][0];
    assert_eq!((&refused["path"], &refused["before"]), (&"size".into(), &20.into()), "{json:#}");
    assert_eq!(world.run("drift --env dev").await.exit, Exit::Done, "nobody changed it outside");
    let target = world.run("plan --env dev --check --target network/main").await;
    assert_eq!(target.exit, Exit::Done, "it is none of what is asked about");
    let applied = world.run("apply --env dev --yes").await;
    assert_eq!(applied.exit, Exit::Refused, "{}", applied.stderr);
    assert!(applied.stderr.contains(", 1 refused."), "{}", applied.stderr);
    let rest = world.run("plan --env dev").await;
    let nothing = "Nothing to do for notes/dev but 1 change that is refused.\n";
    assert_eq!((rest.exit, rest.stdout.as_str()), (Exit::Refused, nothing));
    assert_eq!(world.run("destroy --env dev --yes").await.exit, Exit::Done);
}

/// Whoever gives a stack environments makes everything anew beside what runs.
#[tokio::test(start_paused = true)]
async fn a_plan_of_a_new_environment_names_those_that_left_the_file() {
    let declared = "environments: { dev: {}, prod: {} }\n";
    let world = World::with(&STACK.replace(declared, ""));
    assert_eq!(world.run("apply --yes").await.exit, Exit::Done);
    world.write("deployer.yaml", STACK);
    let ran = world.run("plan --env dev").await;
    let text = "warning: notes/default is still there, and the file does not name it\n  \
                If nobody needs it:\n    deployer destroy --stack notes --env default --region eu-west-1\n";
    assert!(ran.stdout.contains(text), "{}", ran.stdout);
    let json = world.run("plan --env dev --json").await.stdout;
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["plan"]["left-behind"], serde_json::json!(["default"]));

    assert_eq!(world.run("apply --env dev --yes").await.exit, Exit::Done);
    let other = world.run("plan --env prod").await;
    assert!(!other.stdout.contains("notes/dev is still there"), "{}", other.stdout);
    let ran = world.run("destroy --stack notes --env default --region eu-west-1 --yes").await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    let ran = world.run("plan --env prod").await;
    assert!(!ran.stdout.contains("is still there"), "{}", ran.stdout);
}

#[tokio::test(start_paused = true)]
async fn a_plan_says_that_other_environments_could_not_be_looked_for() {
    let world = World::with(STACK);
    world.memory.hide_environments();
    let ran = world.run("plan --env dev").await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    assert!(ran.stdout.contains("there may be more of: environment"), "{}", ran.stdout);
    let json = world.run("plan --env dev --json").await.stdout;
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["plan"]["unseen"][0]["what"], serde_json::json!(["environment"]), "{json:#}");
}

#[tokio::test(start_paused = true)]
async fn environments_of_a_namesake_that_is_kept_elsewhere_are_none_of_ours() {
    let theirs = STACK.replace("environments: { dev: {}, prod: {} }", "origin: them/api");
    let world = World::with(&theirs);
    assert_eq!(world.run("apply --yes").await.exit, Exit::Done);
    world.write("deployer.yaml", &format!("{STACK}origin: us/api\n"));
    let ran = world.run("plan --env dev").await;
    assert!(!ran.stdout.contains("is still there"), "{}", ran.stdout);
}

#[tokio::test(start_paused = true)]
async fn every_sort_of_change_is_shown() {
    let world = World::applied(STACK).await;
    let changed = STACK
        .replace("10.0.0.0/16", "10.1.0.0/16")
        .replace("size: 20", "size: 30")
        .replace("    a: { network: main, zone: a }", "    b: { network: main, zone: b }");
    world.write("deployer.yaml", &changed);
    insta::assert_snapshot!(world.run("plan --env dev").await.stdout);
}

#[tokio::test(start_paused = true)]
async fn a_target_cuts_the_plan_down() {
    let world = World::with(STACK);
    let ran = world.run("plan --env dev --target part/a").await;
    assert!(ran.stdout.contains("network/main"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("store/main"), "{}", ran.stdout);
    let none = world.run("plan --env dev --target part/zzz").await;
    assert_eq!(none.exit, Exit::Wrong);
    assert!(none.stderr.contains("there is no resource `part/zzz`"), "{}", none.stderr);
}

#[tokio::test(start_paused = true)]
async fn json_holds_the_plan_and_its_summary() {
    let world = World::with(STACK);
    let ran = world.run("plan --env dev --json").await;
    let value: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(value["summary"]["create"], 3);
    assert_eq!(value["impact"], "none");
    assert_eq!(value["plan"]["steps"][0]["address"], "network/main");
}

#[tokio::test(start_paused = true)]
async fn colours_are_for_terminals_that_want_them() {
    let mut world = World::with(STACK);
    world.is_terminal = true;
    assert!(world.run("plan --env dev").await.stdout.contains("\x1b["));
    assert!(!world.run("plan --env dev --no-color").await.stdout.contains("\x1b["));
    world.environment.insert("NO_COLOR".to_owned(), "1".to_owned());
    assert!(!world.run("plan --env dev").await.stdout.contains("\x1b["));
}

#[tokio::test(start_paused = true)]
async fn a_mistake_in_the_stack_is_shown_where_it_is() {
    let world = World::with(&STACK.replace("engine:", "engin:"));
    let ran = world.run("plan --env dev").await;
    assert_eq!((ran.exit, ran.stdout.as_str()), (Exit::Wrong, ""));
    insta::assert_snapshot!(ran.stderr);
    let ran = world.run("plan --env dev --json").await;
    let value: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&value["event"], &value["exit"]), (&"error".into(), &1.into()));
    let label = &value["diagnostics"][0]["labels"][0];
    let line =
        world.read("deployer.yaml").lines().position(|line| line.contains("engin:")).unwrap();
    assert_eq!(label["file"], "deployer.yaml", "{value:#}");
    assert_eq!(label["line"], line + 1, "{value:#}");
    assert!(label["column"].as_u64() < label["end-column"].as_u64(), "{value:#}");
}

#[tokio::test(start_paused = true)]
async fn what_a_create_needs_and_is_not_there_is_reported_by_the_plan() {
    let revisions = "  revision:\n    web: { image: \"web:missing\", url: x }\n    api: { image: \"api:missing\", url: x }\n";
    let world = World::with(&format!("{STACK}{revisions}"));
    for command in ["plan --env dev", "apply --env dev --yes"] {
        let ran = world.run(command).await;
        assert_eq!((ran.exit, ran.stdout.as_str()), (Exit::Wrong, ""), "{command}: {ran:?}");
        for name in ["web", "api"] {
            let why = format!("could not build {name}: read the archive {name}: no such file");
            assert!(ran.stderr.contains(&why), "{command}: {}", ran.stderr);
        }
        assert!(ran.stderr.contains("deployer.yaml:15:"), "{}", ran.stderr);
    }
    assert!(world.memory.census().is_empty());
    let ran = world.run("plan --env dev --target network/main").await;
    assert_eq!(ran.exit, Exit::Done, "what is not made needs nothing: {ran:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_names_the_line_of_what_it_is_about() {
    let world = World::applied(&STACK.replace("size: 20", "size: 20, protected: true")).await;
    world.write("deployer.yaml", &STACK.replace("range: 10.0.0.0/16", "range: 10.1.0.0/16"));
    let ran = world.run("plan --env dev --json").await;
    assert_eq!(ran.exit, Exit::Refused, "{ran:?}");
    let value: Value = serde_json::from_str(&ran.stdout).unwrap();
    let labels: Vec<&Value> = value["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|diagnostic| &diagnostic["labels"][0]["line"])
        .collect();
    let line = STACK.lines().position(|line| line.contains("size: 20")).unwrap() + 1;
    assert!(labels.contains(&&Value::from(line)), "{value:#}");
}

#[tokio::test(start_paused = true)]
async fn so_many_columns_are_taken_as_are_asked_for() {
    let mut world = World::with(STACK);
    let longest = |text: &str| text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
    let plan = world.run("plan --env dev --full").await.stdout;
    assert!(longest(&plan) > 44, "{plan}");
    world.environment.insert("COLUMNS".to_owned(), "44".to_owned());
    let narrow = world.run("plan --env dev --full").await.stdout;
    assert!(longest(&narrow) <= 44, "{narrow}");
    world.environment.insert("COLUMNS".to_owned(), "many".to_owned());
    assert_eq!(world.run("plan --env dev --full").await.stdout, plan);
}

#[tokio::test(start_paused = true)]
async fn help_and_usage_have_colours_by_the_rules_of_all_that_is_printed() {
    let mut world = World::with(STACK);
    world.is_terminal = true;
    let is_coloured = |text: &str| text.contains("\x1b[");
    assert!(is_coloured(&world.run("help plan").await.stdout));
    assert!(is_coloured(&world.run("plan --wrong").await.stderr));
    assert!(!is_coloured(&world.run("plan --no-color --wrong").await.stderr));
    world.environment.insert("NO_COLOR".to_owned(), String::new());
    assert!(is_coloured(&world.run("help plan").await.stdout), "an empty one asks for nothing");
    world.environment.insert("TERM".to_owned(), "dumb".to_owned());
    assert!(!is_coloured(&world.run("help plan").await.stdout));
}

#[tokio::test(start_paused = true)]
async fn several_environments_need_a_choice() {
    let ran = World::with(STACK).run("plan").await;
    assert_eq!(ran.exit, Exit::Wrong);
    assert!(ran.stderr.contains("--env dev"), "{}", ran.stderr);
}

#[tokio::test(start_paused = true)]
async fn a_protected_resource_that_would_go_is_a_refusal() {
    let world = World::applied(&STACK.replace("size: 20", "size: 20, protected: true")).await;
    let without = STACK.split("  store:\n    main").next().unwrap();
    let without = without.replace("outputs:\n  store: store://${store/main.host}\n", "");
    world.write("deployer.yaml", &without);
    let ran = world.run("plan --env dev").await;
    assert_eq!(ran.exit, Exit::Refused, "{ran:?}");
    insta::assert_snapshot!(ran.stderr);
    let ran = world.run("plan --env dev --unprotect store/main").await;
    assert!(ran.stdout.contains("- delete   store/main"), "{}", ran.stdout);
}
