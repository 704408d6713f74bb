//! Whether names in AWS are accepted, and stay apart, now and after a replacement.

use std::collections::BTreeMap;

use deployer_core::{Address, Code, Diagnostic, Kinds};

use crate::draft::Draft;

/// Names in AWS that would be refused, or the same, now or after a replacement.
pub(super) fn names(draft: &mut Draft, kinds: &Kinds) {
    refused(draft, kinds);
    alike(draft, kinds);
}

/// A name in AWS begins with the stack's, so of a stack with the wrong name nothing of a kind could
/// ever be made, in no environment. That is so of the kinds that it does not have yet as well.
fn refused(draft: &mut Draft, kinds: &Kinds) {
    let refusal = kinds.iter().find_map(|kind| {
        let name = kind.physical_name(&draft.scope, &Address::new(kind.name, "x"), 1);
        Some((kind.name, kind.naming?.refusal(&name)?, name))
    });
    let Some((kind, prefix, name)) = refusal else { return };
    let stack = &draft.scope.stack;
    let title = format!("a stack cannot be called `{stack}`");
    let begin = name.trim_end_matches('x');
    let label =
        format!("the name of a {kind} would begin with `{begin}`, and AWS refuses `{prefix}…`");
    let path = ["stack".to_owned()];
    let mistake = Diagnostic::error(Code::BadName, title)
        .at(draft.place(&path), label)
        .help("use another name");
    draft.mistakes.push(mistake);
}

/// Names in AWS that would be the same, now or after a replacement.
fn alike(draft: &mut Draft, kinds: &Kinds) {
    let mut taken: BTreeMap<(String, String), Address> = BTreeMap::new();
    let addresses: Vec<Address> = draft.made.keys().cloned().collect();
    let mut clashes = Vec::new();
    for address in &addresses {
        let Some(kind) = kinds.find(&address.kind).filter(|kind| kind.naming.is_some()) else {
            continue;
        };
        let name = kind.physical_name(&draft.scope, address, 1).to_lowercase();
        if let Some(other) = taken.insert((address.kind.clone(), name.clone()), address.clone()) {
            clashes.push((address.clone(), other, name.clone()));
        }
        // `web-2` is what the second `web` would be called.
        let second = address.name.rsplit_once('-').and_then(|(base, number)| {
            let other = Address::new(&address.kind, base);
            let generation = number.parse::<u32>().ok().filter(|generation| *generation > 1)?;
            let later = kind.physical_name(&draft.scope, &other, generation).to_lowercase();
            (draft.made.contains_key(&other) && later == name).then_some(other)
        });
        if let Some(other) = second {
            clashes.push((address.clone(), other, name));
        }
    }
    for (address, other, name) in clashes {
        let body = |address: &Address| draft.made.get(address).map(|made| made.origin.body.clone());
        let (Some(first), Some(second)) = (body(&address), body(&other)) else { continue };
        let mistake = Diagnostic::error(
            Code::SameName,
            format!("{address} and a successor of {other} would both be called `{name}` in AWS"),
        )
        .at(draft.key_place(&first), "one of the two")
        .at(draft.key_place(&second), "the other")
        .help(format!(
            "rename one: `{}` instead of `{}`",
            letters(&address.name),
            address.name
        ));
        draft.mistakes.push(mistake);
    }
}

/// A name that ends in no number.
fn letters(name: &str) -> String {
    match name.rsplit_once('-') {
        Some((base, number)) => format!("{base}-{}", ordinal(number)),
        None => name.to_owned(),
    }
}

fn ordinal(number: &str) -> &'static str {
    match number {
        "2" => "second",
        "3" => "third",
        _ => "other",
    }
}
