//! Saved plans.

use deployer_cli::Exit;

use crate::lookalike::{NOTES, registry};
use crate::world::{STACK, World};

async fn planned() -> World {
    let world = World::with(STACK);
    let ran = world.run("plan --env dev --out p.json").await;
    assert_eq!(ran.exit, Exit::Done);
    assert!(ran.stderr.contains("deployer apply"), "{}", ran.stderr);
    world
}

#[tokio::test(start_paused = true)]
async fn a_saved_plan_is_applied_as_it_is() {
    let world = planned().await;
    // The stack is not looked at again.
    world.write("deployer.yaml", "stack: [");
    let ran = world.run("apply p.json").await;
    assert_eq!(ran.exit, Exit::Done, "{ran:?}");
    assert!(ran.stdout.starts_with("store  store://"), "{}", ran.stdout);
    assert_eq!(world.memory.census().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_saved_plan_is_refused_once_the_account_has_moved() {
    let world = planned().await;
    assert_eq!(world.run("apply --env dev --yes --target part/a").await.exit, Exit::Done);
    let before = world.memory.census();
    let ran = world.run("apply --plan p.json").await;
    assert_eq!(ran.exit, Exit::Refused);
    insta::assert_snapshot!(ran.stderr);
    assert_eq!(world.memory.census(), before);
}

#[tokio::test(start_paused = true)]
async fn a_saved_plan_is_refused_in_another_account_or_region() {
    let mut world = planned().await;
    let ran = world.run("apply p.json --region us-east-1").await;
    assert_eq!(ran.exit, Exit::Refused);
    assert!(ran.stderr.contains("(it was eu-west-1, now it is us-east-1)"), "{}", ran.stderr);
    world.account = "210987654321".to_owned();
    let ran = world.run("apply p.json").await;
    assert_eq!(ran.exit, Exit::Refused);
    assert!(ran.stderr.contains("now it is 210987654321"), "{}", ran.stderr);
    assert!(world.memory.census().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_saved_plan_is_refused_for_another_stack() {
    let world = planned().await;
    world.write("other.yaml", &STACK.replace("stack: notes", "stack: other"));
    let ran = world.run("apply p.json --file other.yaml").await;
    assert_eq!(ran.exit, Exit::Refused, "{ran:?}");
    assert!(ran.stderr.contains("the stack (it was notes, now it is other)"), "{}", ran.stderr);
    assert_eq!(world.run("apply p.json --file deployer.yaml").await.exit, Exit::Done);
}

#[tokio::test(start_paused = true)]
async fn a_saved_plan_is_refused_for_a_namesake_that_is_kept_elsewhere() {
    let world = World::with(&format!("{STACK}origin: git.test/acme/notes:stack.yaml\n"));
    assert_eq!(world.run("plan --env dev --out p.json").await.exit, Exit::Done);
    world.write("other.yaml", &format!("{STACK}origin: git.test/other/notes:stack.yaml\n"));
    let ran = world.run("apply p.json --file other.yaml").await;
    assert_eq!(ran.exit, Exit::Refused, "{ran:?}");
    assert!(ran.stderr.contains("where the stack is kept"), "{}", ran.stderr);
    assert!(world.memory.census().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_no_plan_is_distinguished_from_a_damaged_one() {
    let world = planned().await;
    let ran = world.run("apply deployer.yaml").await;
    assert_eq!(ran.exit, Exit::Wrong);
    assert!(ran.stderr.contains("is not a saved plan"), "{}", ran.stderr);
    world.write("p.json", &world.read("p.json").replace("\"action\"", "\"deed\""));
    let ran = world.run("apply p.json").await;
    assert_eq!(ran.exit, Exit::Wrong);
    assert!(ran.stderr.contains("p.json is damaged"), "{}", ran.stderr);
    let ran = world.run("apply nowhere.json").await;
    assert_eq!(ran.exit, Exit::Wrong);
    assert!(ran.stderr.contains("could not read"), "{}", ran.stderr);
}

#[tokio::test(start_paused = true)]
async fn a_saved_plan_takes_no_targets() {
    let ran = planned().await.run("apply p.json --target part/a").await;
    assert_eq!(ran.exit, Exit::Usage);
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_cannot_be_saved_is_one_error_and_nothing_else() {
    let world = World::with(STACK);
    let ran = world.run("plan --env dev --json --out nowhere/p.json").await;
    assert_eq!(ran.exit, Exit::Wrong);
    let error: serde_json::Value = serde_json::from_str(&ran.stdout).expect("one document");
    assert_eq!(error["event"], "error");
}

#[tokio::test(start_paused = true)]
async fn a_saved_plan_takes_no_targets_however_it_is_named() {
    let world = World::with(STACK);
    for saved in ["p.json", "--plan p.json"] {
        let ran = world.run(&format!("apply {saved} --target store/main")).await;
        assert_eq!(ran.exit, Exit::Usage, "{ran:?}");
    }
}

/// The plan of a world as text, changed.
fn edited(world: &World, then: &str, now: &str) {
    let text = world.read("p.json");
    assert!(text.contains(then), "{text}");
    world.write("p.json", &text.replace(then, now));
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_was_edited_is_shown_and_asked_about() {
    let mut world = planned().await;
    edited(&world, "10.0.0.0/16", "10.9.0.0/16");
    let ran = world.run("apply p.json").await;
    assert_eq!(ran.exit, Exit::Refused, "{ran:?}");
    insta::assert_snapshot!(ran.stderr);
    world.typed = Some("n\n".to_owned());
    assert_eq!(world.run("apply p.json").await.exit, Exit::Refused);
    assert!(world.memory.census().is_empty());
    world.typed = Some("y\n".to_owned());
    assert_eq!(world.run("apply p.json").await.exit, Exit::Done);
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_somebody_else_made_is_asked_about() {
    let mut world = planned().await;
    world.environment.clear();
    let ran = world.run("apply p.json").await;
    assert_eq!(ran.exit, Exit::Refused, "{ran:?}");
    assert!(ran.stderr.contains("made elsewhere"), "{}", ran.stderr);
    assert_eq!(world.run("apply p.json --yes").await.exit, Exit::Done);
}

#[tokio::test(start_paused = true)]
async fn what_a_plan_of_somebody_else_runs_here_is_shown() {
    let mut world = World::new(registry, NOTES);
    assert_eq!(world.run("plan --env dev --out p.json").await.exit, Exit::Done);
    world.environment.clear();
    let ran = world.run("apply p.json").await;
    assert_eq!(ran.exit, Exit::Refused, "{ran:?}");
    let folder = world.folder.path().display().to_string();
    assert!(ran.stderr.contains(&format!("In {folder} it:")), "{}", ran.stderr);
    assert!(ran.stderr.contains("runs cargo here, in ../app"), "{}", ran.stderr);
}

#[tokio::test(start_paused = true)]
async fn two_machines_with_the_same_key_trust_each_others_plans() {
    let mut world = World::with(STACK);
    let key = ("DEPLOYER_PLAN_KEY".to_owned(), "0123456789abcdef0123456789abcdef".to_owned());
    world.environment = [key.clone()].into();
    assert_eq!(world.run("plan --env dev --out p.json").await.exit, Exit::Done);
    world.environment = [key, ("HOME".to_owned(), "/nonexistent".to_owned())].into();
    assert_eq!(world.run("apply p.json").await.exit, Exit::Done);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_too_short_is_refused_before_anything_is_saved() {
    let mut world = World::with(STACK);
    world.environment.insert("DEPLOYER_PLAN_KEY".to_owned(), "secret".to_owned());
    let ran = world.run("plan --env dev --out p.json").await;
    assert_eq!(ran.exit, Exit::Wrong, "{ran:?}");
    assert!(ran.stderr.contains("DEPLOYER_PLAN_KEY has 6 characters"), "{}", ran.stderr);
    assert!(!world.folder.path().join("p.json").exists());
}

/// Whatever is edited, nothing that is not what the plan's stack gives is done, `--yes` or not.
#[tokio::test(start_paused = true)]
async fn a_plan_whose_steps_were_edited_is_refused() {
    let world = World::applied(STACK).await;
    let shrunk = STACK
        .replace("size: 20", "size: 40")
        .replace("  part:\n    a: { network: main, zone: a }\n", "");
    world.write("deployer.yaml", &shrunk);
    assert_eq!(world.run("plan --env dev --out p.json").await.exit, Exit::Done);
    let (whole, before) = (world.read("p.json"), world.memory.census());
    let plan: serde_json::Value = serde_json::from_str(&whole).expect("JSON");
    let steps = plan["plan"]["steps"].as_array().expect("steps");
    assert!(steps.len() >= 2, "{steps:#?}");
    let mut edits: Vec<(String, serde_json::Value)> = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        if step["live"].is_object() {
            edits.push((format!("/plan/steps/{at}/live/output/id"), "another".into()));
        }
        if step["wanted"].is_object() {
            edits.push((format!("/plan/steps/{at}/wanted/size"), 4000.into()));
        }
        edits.push((format!("/plan/steps/{at}/action"), "delete".into()));
        edits.push((format!("/plan/steps/{at}/impact"), "none".into()));
        edits.push((format!("/plan/steps/{at}/after"), serde_json::json!([])));
    }
    edits.push(("/plan/known".to_owned(), serde_json::json!({})));
    let mut refused = 0;
    for (place, value) in edits {
        let mut edited = plan.clone();
        let field = edited.pointer_mut(&place).unwrap_or_else(|| panic!("{place}: {plan:#}"));
        if *field == value {
            continue;
        }
        *field = value;
        world.write("p.json", &edited.to_string());
        let ran = world.run("apply p.json --yes").await;
        assert_eq!(ran.exit, Exit::Refused, "{place}: {ran:?}");
        assert!(ran.stderr.contains("it has been edited"), "{place}: {}", ran.stderr);
        assert_eq!(world.memory.census(), before, "{place}");
        refused += 1;
    }
    assert!(refused >= 5, "{refused}");
    world.write("p.json", &whole);
    assert_eq!(world.run("apply p.json").await.exit, Exit::Done);
}
