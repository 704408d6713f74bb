//! One file a mistake, beside what a person reads about it.

use std::fs;

use crate::existing::found;
use crate::support::{rendered, root};
use deployer_core::{Diagnostic, Place};
use deployer_stack::{Options, Zones, load};

/// The mistakes: the name of the file, and its text.
pub(crate) fn mistakes() -> Vec<(String, String)> {
    let folder = root().join("crates/stack/tests/mistakes");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    let name = |file: &std::path::Path| file.file_stem().unwrap().to_str().unwrap().to_owned();
    files.iter().map(|file| (name(file), fs::read_to_string(file).unwrap())).collect()
}

/// A mistake as the command line shows it.
pub(crate) fn rendered_mistakes(name: &str, text: &str) -> String {
    rendered(&format!("{name}.yaml"), text, &found_in(text))
}

/// Comments at the top say what was asked for, `# env: prod`, `# var: name=value`, which zones the
/// account has, `# zones: eu-west-1a eu-west-1b`, a line of a file, `# file: web.env=LOG=info`, where
/// there is no other, the parameters below a path, `# below: /app=token key`, and what was found of what exists already.
fn options(text: &str) -> Options {
    let mut options = Options { found: found(text), ..Options::default() };
    for line in text.lines() {
        if let Some(environment) = line.strip_prefix("# env: ") {
            options.environment = Some(environment.to_owned());
        }
        if let Some((name, value)) =
            line.strip_prefix("# var: ").and_then(|var| var.split_once('='))
        {
            options.variables.insert(name.to_owned(), value.to_owned());
        }
        if let Some((name, said)) = line.strip_prefix("# file: ").and_then(|it| it.split_once('='))
        {
            let no_other = Err("could not read agent.env: No such file or directory".to_owned());
            options.files.entry("agent.env".to_owned()).or_insert(no_other);
            let file = options.files.entry(name.to_owned()).or_insert_with(|| Ok(String::new()));
            if let Ok(text) = file {
                text.push_str(said);
                text.push('\n');
            }
        }
        if let Some((path, names)) =
            line.strip_prefix("# below: ").and_then(|it| it.split_once('='))
        {
            let names = names.split_terminator(' ').map(|name| format!("{path}/{name}"));
            options.found.parameters(path.to_owned(), names.collect());
        }
        if let Some(zones) = line.strip_prefix("# zones: ") {
            let there = zones.split(' ').map(str::to_owned).collect();
            options.zones = Some(Zones::default().and(Place::default(), there));
        }
    }
    options
}

fn found_in(text: &str) -> Vec<Diagnostic> {
    load(text, &options(text), &deployer_kinds::all())
        .err()
        .unwrap_or_else(|| panic!("no mistake in\n{text}"))
}

#[test]
fn every_mistake_is_reported_as_it_should_be() {
    let mistakes = mistakes();
    assert!(mistakes.len() >= 35, "{}", mistakes.len());
    for (name, text) in mistakes {
        let shown = rendered_mistakes(&name, &text);
        insta::with_settings!({
            snapshot_path => "../mistakes",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(name.clone(), shown);
        });
    }
}

#[test]
fn every_mistake_has_advice_and_a_place_in_the_text() {
    for (name, text) in mistakes() {
        for mistake in found_in(&text) {
            let of_options = mistake.title.contains("variable `zones`");
            assert!(of_options || !mistake.labels.is_empty(), "{name}: {}", mistake.title);
            for label in &mistake.labels {
                assert!(text.get(label.span.start..label.span.end).is_some(), "{name}");
            }
        }
    }
}
