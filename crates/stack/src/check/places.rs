//! Whether resources that refer to each other are in one place.

use std::collections::BTreeSet;

use deployer_core::{Address, Code, Diagnostic, Kinds, Place};
use serde_json::Value;

use crate::draft::Draft;

/// References between places: AWS knows a VPC or a repository in its own account and region alone.
/// What is written into a text, such as an ARN, may be of anywhere.
pub(super) fn places(draft: &mut Draft, kinds: &Kinds) {
    let mut mistakes = Vec::new();
    for (address, made) in &draft.made {
        for other in referred(&made.spec) {
            let Some(there) = draft.made.get(&other).map(|other| &other.place) else { continue };
            let is_global =
                |address: &Address| kinds.find(&address.kind).is_some_and(|kind| kind.global);
            let is_together = if is_global(address) || is_global(&other) {
                made.place.account == there.account
            } else {
                made.place == *there
            };
            if !is_together {
                mistakes.push(apart(draft, (address, &made.place), (&other, there)));
            }
        }
    }
    for mistake in mistakes {
        draft.mistakes.push(mistake);
    }
}

fn apart(
    draft: &Draft,
    (address, here): (&Address, &Place),
    (other, there): (&Address, &Place),
) -> Diagnostic {
    let body = &draft.made[address].origin.body;
    let located =
        |place: &Place| if place.is_home() { "at home".into() } else { format!("in {place}") };
    let (here, there) = (located(here), located(there));
    let title = format!("{address} is {here}, and {other}, which it refers to, is {there}");
    Diagnostic::error(Code::BadPlace, title)
        .at(draft.key_place(body), "refers to what is elsewhere")
        .help("give both the same `at:`")
}

/// The resources that a spec refers to as such, and not by an output in a text.
fn referred(spec: &Value) -> BTreeSet<Address> {
    match spec {
        Value::Object(fields) => match (fields.len(), fields.get("ref").and_then(Value::as_str)) {
            (1, Some(address)) => address.parse().into_iter().collect(),
            _ => fields.values().flat_map(referred).collect(),
        },
        Value::Array(items) => items.iter().flat_map(referred).collect(),
        _ => BTreeSet::new(),
    }
}
