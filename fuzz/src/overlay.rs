//! Whatever an environment says: it loads or says why not, and one that says nothing new changes
//! nothing.

use deployer_core::{Diagnostic, Stack};
use deployer_stack::{Options, to_yaml};
use serde_json::{Map, Value, json};

use crate::stack::told;
use crate::written::Written;

/// Loads every environment of a stack.
///
/// # Panics
/// When something does not hold.
pub fn check(written: &Written) {
    let names = written.environments.keys().cloned().map(Some);
    let text = with_environments(&written.base, &written.environments);
    for environment in names.chain([None]) {
        let _ = load(&text, written, environment);
    }
    let alone = load(&to_yaml(&written.base), written, None);
    let of_default = |overlay: &Value| {
        let environments = Map::from_iter([("default".to_owned(), overlay.clone())]);
        load(&with_environments(&written.base, &environments), written, None)
    };
    assert_same(&alone, &of_default(&json!({})));
    let mut sections = written.base.clone();
    if let Value::Object(keys) = &mut sections {
        keys.remove("stack");
    }
    if !has_null(&sections) && alone.is_ok() {
        assert_same(&alone, &of_default(&sections));
    }
}

type Told = Result<Stack, Vec<Diagnostic>>;

fn load(text: &str, written: &Written, environment: Option<String>) -> Told {
    told(text, &Options { environment, variables: written.given.clone(), ..Options::default() })
}

/// The environments stand last, so that the places of all else are the same without them.
fn with_environments(base: &Value, environments: &Map<String, Value>) -> String {
    to_yaml(base) + &to_yaml(&json!({ "environments": environments }))
}

fn assert_same(one: &Told, other: &Told) {
    match (one, other) {
        (Ok(one), Ok(other)) => assert_eq!(one, other),
        (Err(one), Err(other)) => {
            let titles = |mistakes: &[Diagnostic]| -> Vec<String> {
                mistakes.iter().map(|mistake| mistake.title.clone()).collect()
            };
            assert_eq!(titles(one), titles(other));
        }
        _ => panic!("{one:#?}\n{other:#?}"),
    }
}

/// Null in an environment takes out what is there.
fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(has_null),
        Value::Object(fields) => fields.values().any(has_null),
        _ => false,
    }
}
