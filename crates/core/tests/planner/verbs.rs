//! What becomes of one resource.

use std::collections::BTreeSet;

use deployer_core::{Action, Code, Impact, Phase, Reason, Replacement, Step};
use deployer_testkit::{StackBuilder, everything, everything_changed, registry};
use serde_json::{Value, json};

use crate::world::{World, is_before, word, words};

/// The only step that leads from `everything` to the same with one spec changed.
fn only_step(address: &str, spec: Value) -> Step {
    let plan = World::with(&everything().build()).plan(&everything().with(address, spec).build());
    assert_eq!(plan.steps.len(), 1, "{:?}", words(&plan));
    plan.steps.into_iter().next().unwrap()
}

fn network(labels: &Value, names: &Value) -> Value {
    json!({ "range": "10.0.0.0/16", "labels": labels, "names": names })
}

#[test]
fn what_the_stack_has_and_the_account_lacks_is_made() {
    let plan = World::default().plan(&everything().build());
    assert!(plan.steps.iter().all(|step| {
        (step.action, step.reason, step.generation) == (Action::Create, Reason::Missing, 1)
    }));
    assert_eq!((plan.summary().create, plan.impact()), (9, Impact::None));
}

#[test]
fn what_is_as_the_stack_says_is_left_alone() {
    assert!(World::with(&everything().build()).plan(&everything().build()).is_empty());
}

#[test]
fn a_field_that_changes_in_place_is_an_update_and_named_to_its_depth() {
    let step = only_step("network/main", network(&json!({ "team": "b" }), &Value::Null));
    assert_eq!((step.action, step.reason), (Action::Update, Reason::Differs));
    assert_eq!(step.differences[0].path, "labels.team");
    assert_eq!(step.impact, Impact::None);
}

#[test]
fn an_option_written_down_is_managed_and_one_left_out_is_not() {
    let step = only_step("network/main", network(&json!({ "team": "a" }), &json!(true)));
    assert_eq!(step.differences[0].path, "names");
    let mut world = World::with(&everything().build());
    world.at("network/main").spec["names"] = json!(true);
    assert!(world.plan(&everything().build()).is_empty());
}

#[test]
fn a_delegated_field_is_nobodys_business_once_the_resource_is_there() {
    let mut world = World::with(&everything().build());
    world.at("service/web").spec["count"] = json!(7);
    assert!(world.plan(&everything().build()).is_empty());
}

#[test]
fn a_change_of_what_nobody_can_read_counts_as_the_worst() {
    let mut world = World::with(&everything().build());
    world.at("network/main").spec["names"] = json!("as they come");
    let wanted = network(&json!({ "team": "b" }), &Value::Null);
    let plan = world.plan(&everything().with("network/main", wanted).build());
    assert_eq!(words(&plan), ["update network/main"]);
    assert_eq!(plan.steps[0].impact, Impact::Unknown);
    assert_eq!(plan.steps[0].notices[0].because, "what it does now cannot be read");
}

#[test]
fn a_successor_under_a_name_of_its_own_comes_before_the_old_one_goes() {
    let plan = World::with(&everything().build()).plan(
        &everything().with("gate/edge", json!({ "network": "main", "protocol": "tls" })).build(),
    );
    assert_eq!(
        words(&plan),
        [
            "create gate/edge",
            // Bound, so that the service may fill it.
            "update rule/web",
            // At both.
            "update service/web",
            "update rule/web",
            "update service/web",
            "delete gate/edge"
        ]
    );
    assert_eq!(plan.steps[0].generation, 2);
    assert_eq!((plan.summary().replace, plan.summary().delete), (1, 0));
}

#[test]
fn what_cannot_stand_beside_its_successor_goes_first_and_takes_along_what_needs_it() {
    let plan = World::with(&everything().build())
        .plan(&everything().with("part/a", json!({ "network": "main", "zone": "c" })).build());
    assert_eq!(
        words(&plan),
        ["delete service/web", "delete part/a", "create part/a", "create service/web"]
    );
}

#[test]
fn what_is_superseded_stays_as_history() {
    let newer = everything().with("revision/web", json!({ "image": "web:2", "url": "x" })).build();
    let mut world = World::with(&everything().build());
    let plan = world.plan(&newer);
    assert_eq!(words(&plan), ["create revision/web", "update service/web"]);
    assert_eq!(plan.steps[0].reason, Reason::Replaced(Replacement::Supersede));
    world.perform(&plan, &[]);
    assert!(world.plan(&newer).is_empty());
}

#[test]
fn what_is_kept_in_its_parent_goes_with_it_and_not_before() {
    let mut world = World::with(&everything().build());
    assert!(world.plan(&everything().without("mark/main").build()).is_empty());
    let end = world.plan(&StackBuilder::default().build());
    assert!(!words(&end).contains(&"delete mark/main".to_owned()));
    world.perform(&end, &[]);
    assert!(world.lives.is_empty());
}

#[test]
fn history_goes_when_the_resource_is_no_longer_wanted() {
    let mut world = World::with(&everything().build());
    let newer = everything().with("revision/web", json!({ "image": "web:2", "url": "x" })).build();
    world.perform(&world.plan(&newer), &[]);
    let plan = world.plan(&everything().without("service/web").without("revision/web").build());
    let gone = words(&plan).into_iter().filter(|word| word == "delete revision/web");
    assert_eq!(gone.count(), 2);
}

/// An account in which the second revision failed and the first runs again.
fn rolled_back() -> World {
    let newer = everything().with("revision/web", json!({ "image": "web:2", "url": "x" })).build();
    let mut world = World::with(&everything().build());
    let first = world.at("revision/web").output["id"].clone();
    world.perform(&world.plan(&newer), &[]);
    world.at("service/web").spec["revision"]["id"] = first;
    let failed = world.lives.iter_mut().find(|it| it.spec["image"] == "web:2").unwrap();
    (failed.phase, failed.state) = (Phase::Failed, "it ended".to_owned());
    world
}

#[test]
fn a_release_that_failed_is_not_the_current_one() {
    let world = rolled_back();
    let plan = world.plan(&everything().build());
    assert!(plan.is_empty(), "what runs is compared: {:?}", words(&plan));
    let [failed] = plan.failed.as_slice() else { panic!("{:?}", plan.failed) };
    assert_eq!((failed.because.as_str(), failed.current.is_some()), ("it ended", true));
    let next = everything().with("revision/web", json!({ "image": "web:3", "url": "x" })).build();
    let plan = world.plan(&next);
    assert_eq!(words(&plan), ["create revision/web", "update service/web"]);
    assert_eq!(plan.steps[0].generation, 3, "the name of the failed one is taken");
}

#[test]
fn a_release_that_failed_goes_with_its_history_in_one_step() {
    let end =
        rolled_back().plan(&everything().without("service/web").without("revision/web").build());
    let gone: Vec<u32> = end
        .steps
        .iter()
        .filter(|step| step.address.to_string() == "revision/web")
        .map(|step| step.generation)
        .collect();
    assert_eq!(gone, [2], "the record has the newest");
    // The service runs on the one before it.
    assert!(is_before(&end, "delete service/web", "delete revision/web"), "{:?}", words(&end));
}

#[test]
fn a_first_release_that_failed_is_made_again() {
    let mut world = World::with(&everything().build());
    world.at("revision/web").phase = Phase::Failed;
    let plan = world.plan(&everything().build());
    assert_eq!(words(&plan), ["create revision/web", "update service/web"]);
    assert_eq!(plan.failed[0].current, None);
}

#[test]
fn what_an_earlier_run_began_is_waited_for() {
    let mut world = World::with(&everything().build());
    world.at("store/main").phase = Phase::Settling;
    let plan = world.plan(&everything().build());
    assert_eq!(words(&plan), ["await store/main"]);
    assert_eq!(plan.summary().wait, 1);
}

#[test]
fn what_is_on_its_way_out_is_made_anew() {
    let mut world = World::with(&everything().build());
    world.at("service/web").phase = Phase::Leaving;
    let plan = world.plan(&everything().build());
    assert_eq!(words(&plan), ["create service/web", "delete service/web"]);
    assert_eq!(plan.steps[0].generation, 2);
}

#[test]
fn of_twins_the_one_in_use_is_kept_and_the_other_goes() {
    let mut world = World::with(&everything().build());
    let twin = world.twin("rule/web");
    let plan = world.plan(&everything().build());
    assert_eq!(words(&plan), ["delete rule/web"]);
    assert_eq!(plan.steps[0].reason, Reason::Twin);
    assert_eq!(plan.steps[0].live.as_ref().unwrap().id(), twin);

    for used in ["network-0-first", "network-9-last"] {
        let mut world = World::with(&StackBuilder::default().with("network/main", range()).build());
        world.twin("network/main");
        world.lives[1].output["id"] = json!(used);
        let mut part = World::with(&everything().build()).at("part/a").clone();
        part.spec["network"] = json!({ "id": used });
        world.lives.push(part);
        let stack = StackBuilder::default().with("network/main", range()).build();
        let plan = world.plan(&stack);
        assert_eq!(plan.known[&"network/main".parse().unwrap()]["id"], json!(used));
        assert!(words(&plan).contains(&"delete network/main".to_owned()), "{:?}", words(&plan));
    }
}

fn range() -> Value {
    json!({ "range": "10.0.0.0/16", "labels": { "team": "a" } })
}

#[test]
fn of_twins_the_one_on_its_way_out_is_not_the_one_to_keep() {
    let mut world = World::with(&everything().build());
    world.at("network/main").output["id"] = json!("network-0");
    world.at("network/main").phase = Phase::Leaving;
    world.lives.retain(|live| live.address.kind == "network");
    world.twin("network/main");
    world.lives[1].phase = Phase::Ready;
    let stack = everything().build();
    let plan = world.plan(&stack);
    let about_network: Vec<String> =
        words(&plan).into_iter().filter(|word| word.ends_with("network/main")).collect();
    assert_eq!(about_network, ["delete network/main"]);
    assert_eq!(plan.known[&"network/main".parse().unwrap()]["id"], json!("network-0-twin"));
}

#[test]
fn a_successor_never_takes_a_name_that_is_on_its_way_out() {
    let mut world = World::with(&everything().build());
    world.twin("gate/edge");
    let newer = world.lives.last_mut().unwrap();
    (newer.generation, newer.phase) = (2, Phase::Leaving);
    let tls = everything().with("gate/edge", json!({ "network": "main", "protocol": "tls" }));
    let plan = world.plan(&tls.build());
    let made = plan.steps.iter().find(|step| word(step) == "create gate/edge").unwrap();
    assert_eq!(made.generation, 3);
}

#[test]
fn what_is_not_ours_is_reported_and_left_alone() {
    let mut world = World::with(&everything().build());
    world.at("gate/edge").foreign = vec!["a rule made by hand".to_owned()];
    let plan = world.plan(&everything().build());
    assert!(plan.is_empty());
    assert_eq!(plan.foreign.len(), 1);
}

#[test]
fn a_plan_says_the_worst_that_users_notice() {
    let world = World::with(&everything().build());
    assert_eq!(world.plan(&everything_changed().build()).impact(), Impact::DataLoss);
    let end = world.plan(&StackBuilder::default().build());
    let store = end.steps.iter().find(|step| word(step) == "delete store/main").unwrap();
    assert_eq!(store.impact, Impact::DataLoss);
}

#[test]
fn what_was_changed_outside_is_distinguished_from_what_the_file_changed() {
    let drifts = |world: &World, stack: &deployer_core::Stack| -> Vec<(String, bool)> {
        let steps = world.plan(stack).steps;
        let differences = steps.into_iter().flat_map(|step| step.differences);
        differences.map(|difference| (difference.path, difference.drift)).collect()
    };
    let stack = everything().build();
    let mut world = World::with(&stack);
    world.at("network/main").spec["labels"]["team"] = json!("b");
    assert_eq!(drifts(&world, &stack), [("labels.team".to_owned(), true)]);

    let names = json!(false);
    let changed = everything().with("network/main", network(&json!({ "team": "a" }), &names));
    let world = World::with(&stack);
    assert!(drifts(&world, &changed.clone().build()).iter().all(|(_, drift)| !drift));

    let mut world = World::with(&stack);
    world.at("network/main").spec["labels"]["team"] = json!("b");
    let both = drifts(&world, &changed.build());
    assert!(both.contains(&("labels.team".to_owned(), true)), "{both:?}");
    assert!(both.iter().any(|(path, drift)| path.starts_with("names") && !drift), "{both:?}");

    let mut world = World::with(&stack);
    let mark = world.at("network/main").mark.clone().unwrap();
    world.at("network/main").mark = Some(mark.replacen("1:", "2:", 1));
    world.at("network/main").spec["labels"]["team"] = json!("b");
    assert_eq!(drifts(&world, &stack), [("labels.team".to_owned(), false)]);
}

#[test]
fn a_release_that_adds_a_field_knows_what_an_earlier_one_gave_the_others() {
    let stack = everything().build();
    let mut world = World::with(&stack);
    // Without the six characters of the first field, `range`, as if that were new.
    let mark = world.at("network/main").mark.clone().unwrap();
    world.at("network/main").mark = Some(format!("1:{}", &mark[8..]));
    assert!(world.snapshot().strays.is_empty(), "nothing says that it is a copy");
    world.at("network/main").spec["labels"]["team"] = json!("b");
    let plan = world.plan(&stack);
    let difference = &plan.steps[0].differences[0];
    assert_eq!((difference.path.as_str(), difference.drift), ("labels.team", true));
}

#[test]
fn what_lost_its_tags_is_not_made_a_second_time_beside_it() {
    let stack = everything().build();
    let mut world = World::with(&stack);
    let id = world.at("network/main").id().to_owned();
    world.lives.retain(|live| live.address.kind != "network");
    let mistakes = world.try_plan(&stack).unwrap_err();
    assert_eq!(mistakes[0].code, Code::Untagged);
    assert!(mistakes[0].title.contains(&id), "{}", mistakes[0].title);
    assert!(mistakes[0].help.as_ref().unwrap().contains("deployer adopt network/main"));
    let another = everything().with("network/other", network(&json!({}), &json!(true))).build();
    let mistakes = world.try_plan(&another).unwrap_err();
    assert_eq!(mistakes.len(), 1, "what is new has lost nothing: {mistakes:?}");
    let all_the_same = BTreeSet::from(["network/main".parse().unwrap()]);
    let kinds = registry().kinds();
    assert!(deployer_core::plan(&stack, &world.snapshot(), &kinds, &all_the_same).is_ok());
}

#[test]
fn what_others_attached_does_not_go_along_unless_it_is_said() {
    let mut world = World::with(&everything().build());
    world.at("gate/edge").foreign.push("listener :8443".to_owned());
    let nothing = StackBuilder::default().build();
    let mistakes = world.try_plan(&nothing).unwrap_err();
    assert_eq!(mistakes.len(), 1);
    assert_eq!(mistakes[0].code, Code::Attached);
    assert!(mistakes[0].title.contains("listener :8443"), "{}", mistakes[0].title);
    assert!(world.try_plan(&everything().build()).unwrap().is_empty());
    let all_the_same = BTreeSet::from(["gate/edge".parse().unwrap()]);
    let kinds = registry().kinds();
    assert!(deployer_core::plan(&nothing, &world.snapshot(), &kinds, &all_the_same).is_ok());
}

#[test]
fn tags_of_the_users_own_are_an_update_that_nobody_notices() {
    let mut stack = everything().build();
    let mut world = World::with(&stack);
    let tags = |team: &str| [("team".to_owned(), team.to_owned())].into();
    stack.scope.tags = tags("notes");
    let plan = world.plan(&stack);
    let kinds = registry().kinds();
    let tagged = |kind: &str| kinds.find(kind).is_some_and(|kind| kind.part_of.is_none());
    let all = stack.resources.keys().filter(|address| tagged(&address.kind)).count();
    assert_eq!(plan.steps.len(), all, "{:?}", words(&plan));
    for step in &plan.steps {
        assert_eq!((step.action, step.reason), (Action::Update, Reason::Unsigned));
        assert_eq!((step.impact, step.differences[0].path.as_str()), (Impact::None, "tags.team"));
    }
    for live in &mut world.lives {
        if tagged(&live.address.kind) {
            live.tags = tags("notes");
        }
    }
    assert!(world.plan(&stack).is_empty());
    stack.scope.tags.clear();
    assert_eq!(world.plan(&stack).steps[0].differences[0].after, Value::Null);
}
