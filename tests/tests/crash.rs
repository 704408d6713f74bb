//! A sample of the kill matrix, with a fixed seed. `make crash-test` plays all of it.

use std::collections::BTreeSet;

use deployer_tests::{Lab, Moment, Scenario, Stacks, Stage, run};
use serde_json::Value;

/// How many points of each scenario are played.
const POINTS: usize = 4;

/// Changes which points are played.
const SEED: usize = 20_261;

fn play(scenario: Scenario) {
    play_with(scenario, Stacks::sample(), POINTS);
}

fn play_with(scenario: Scenario, stacks: Stacks, points: usize) {
    let mut stage = Stage::set(scenario, stacks);
    // One point from each part of the run, so that none is missed.
    for number in 0..points {
        let part = stage.calls / points;
        let nth = number * part + SEED * (number + 1) % part + 1;
        let moment = Moment::ALL[(SEED + number) % Moment::ALL.len()];
        let point = stage.play(nth, moment);
        assert_eq!(point.wrong, Vec::<String>::new(), "{scenario}, call {nth}, {moment:?}");
    }
    assert_eq!(stage.end(), Vec::<String>::new());
}

#[test]
fn an_apply_killed_anywhere_is_finished_by_the_next_one() {
    play(Scenario::Apply);
}

#[test]
fn an_update_killed_anywhere_is_finished_by_the_next_one() {
    play(Scenario::Update);
}

#[test]
fn a_replacement_killed_anywhere_is_finished_by_the_next_one() {
    play(Scenario::Replace);
}

#[test]
fn a_publication_killed_anywhere_is_finished_by_the_next_one() {
    play(Scenario::Publish);
}

#[test]
fn a_destroy_killed_anywhere_is_finished_by_the_next_one() {
    play(Scenario::Destroy);
}

#[test]
fn an_apply_of_domains_networks_and_alarms_is_finished_by_the_next_one() {
    play_with(Scenario::Apply, Stacks::public(), POINTS);
}

#[test]
fn what_a_killed_apply_of_them_has_made_is_taken_down_by_a_destroy() {
    play_with(Scenario::Abandon, Stacks::public(), POINTS);
}

#[test]
fn an_apply_of_jobs_in_the_network_of_another_stack_is_finished_by_the_next_one() {
    play_with(Scenario::Apply, Stacks::guest(), 2);
}

#[test]
fn a_rollback_killed_anywhere_is_finished_by_the_next_one() {
    play_with(Scenario::Rollback, Stacks::operated(), 2);
}

#[test]
fn a_restart_killed_anywhere_is_finished_by_the_next_one() {
    play_with(Scenario::Restart, Stacks::operated(), 2);
}

#[test]
fn a_run_killed_anywhere_leaves_nothing_in_the_way_of_the_next_one() {
    play_with(Scenario::Run, Stacks::operated(), 1);
}

#[test]
fn every_kind_there_is_is_in_a_stack_that_is_killed() {
    let lab = Lab::start_hollow();
    let stacks = [Stacks::sample(), Stacks::public(), Stacks::guest(), Stacks::replica()];
    let mut killed = BTreeSet::new();
    for stack in &stacks {
        for path in stack.changed.values().chain([&stack.base]) {
            let (path, environment) = (path.display().to_string(), &stack.environment);
            let words = ["expand", "--json", "--file", &path, "--env", environment];
            let expanded = run(&lab, &words).expect(0).stdout;
            let expanded: Value = serde_json::from_str(&expanded).expect("JSON");
            killed.extend(
                expanded["resources"].as_object().into_iter().flatten().map(|it| it.0.clone()),
            );
        }
    }
    let kinds = deployer_kinds::all();
    let spared: Vec<&str> =
        kinds.iter().map(|it| it.name).filter(|it| !killed.contains(*it)).collect();
    assert!(spared.is_empty(), "put them into a stack that `make crash-test` kills: {spared:?}");
}
