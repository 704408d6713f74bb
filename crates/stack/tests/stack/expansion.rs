//! What the sections become.

use crate::support::{loaded, read};
use deployer_core::Address;
use deployer_stack::{Options, expanded, load, to_yaml};

#[test]
fn the_sample_stack_expands_for_dev() {
    let loaded = loaded(&read("stacks/notes.yaml"), Some("dev"));
    insta::assert_snapshot!("notes-dev", to_yaml(&expanded(&loaded.stack)));
    assert_eq!(loaded.warnings, []);
    assert_eq!(loaded.images["web"], Address::new("image", "web"));
}

#[test]
fn the_sample_stack_expands_for_prod() {
    let loaded = loaded(&read("stacks/notes.yaml"), Some("prod"));
    insta::assert_snapshot!("notes-prod", to_yaml(&expanded(&loaded.stack)));
}

#[test]
fn what_expand_prints_loads_as_the_same_resources() {
    let kinds = deployer_kinds::all();
    for environment in ["dev", "prod"] {
        let first = loaded(&read("stacks/notes.yaml"), Some(environment)).stack;
        let text = to_yaml(&expanded(&first));
        let second = load(&text, &Options::default(), &kinds);
        let second = second.unwrap_or_else(|mistakes| {
            panic!("{}", crate::support::rendered("expanded.yaml", &text, &mistakes))
        });
        assert_eq!(second.stack, first, "{environment}");
    }
}
