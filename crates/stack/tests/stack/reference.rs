//! The generated references are as fresh as the code: `UPDATE=1 cargo test --workspace --test stack`
//! writes them anew.

use std::fmt::Write;
use std::fs;

use crate::support::root;
use crate::{mistakes, pages};

#[expect(clippy::disallowed_methods, reason = "asks a person's shell whether to write files anew")]
fn is_update() -> bool {
    std::env::var("UPDATE").is_ok()
}

fn fresh(name: &str, generated: &str) {
    let path = root().join("docs/reference").join(name);
    if is_update() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, generated).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == generated,
        "{} is not what the code says; run `UPDATE=1 cargo test --workspace --test stack`",
        path.display()
    );
}

#[test]
fn the_schema_is_written_down() {
    let schema = deployer_stack::schema(&deployer_kinds::all());
    fresh("schema.json", &(serde_json::to_string_pretty(&schema).unwrap() + "\n"));
}

#[test]
fn the_kinds_are_written_down() {
    fresh("kinds.md", &pages::page(&deployer_kinds::all()));
}

#[test]
fn the_sections_are_written_down() {
    let schema = deployer_stack::schema(&deployer_kinds::all());
    fresh("sections.md", &pages::sections(&schema));
}

#[test]
fn the_mistakes_are_written_down() {
    let mut page =
        "# Mistakes\n\nWhat `deployer` says about a stack file that has a mistake, one file \
                    each. Generated from\n`crates/stack/tests/mistakes` by the tests of \
                    `deployer-stack`; do not edit.\n"
            .to_owned();
    for (name, text) in mistakes::mistakes() {
        let shown = mistakes::rendered_mistakes(&name, &text);
        let title = name.replace('-', " ");
        let text = text.trim_end();
        // Writing to a string cannot fail.
        let _ = write!(page, "\n## {title}\n\n```yaml\n{text}\n```\n\n```text\n{shown}```\n");
    }
    fresh("mistakes.md", &page);
}
