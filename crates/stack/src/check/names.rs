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

/// Names in AWS that would be the same, now or after a replacement, where AWS has one set of them.
fn alike(draft: &mut Draft, kinds: &Kinds) {
    let mut taken = BTreeMap::new();
    let mut clashes = Vec::new();
    for (address, made) in &draft.made {
        let Some((kind, naming)) = kinds.find(&address.kind).and_then(|it| Some((it, it.naming?)))
        else {
            continue;
        };
        let name = kind.physical_name(&draft.scope, address, 1).to_lowercase();
        let set = (&made.place, naming.among.unwrap_or(kind.name));
        if let Some(other) = taken.insert((set, name.clone()), (address, kind)) {
            clashes.push(Clash { address, other: other.0, name, is_later: false });
        }
    }
    for ((set, name), (address, _)) in &taken {
        // `web-2` is what the second `web` would be called.
        let Some((base, number)) = name.rsplit_once('-') else { continue };
        let generation = number.parse::<u32>().ok().filter(|generation| *generation > 1);
        let other = taken.get(&(*set, base.to_owned()));
        let (Some(generation), Some((other, kind))) = (generation, other) else { continue };
        if kind.physical_name(&draft.scope, other, generation).to_lowercase() == *name {
            clashes.push(Clash { address, other, name: name.clone(), is_later: true });
        }
    }
    let mistakes: Vec<Diagnostic> = clashes.iter().map(|clash| clash.mistake(draft)).collect();
    draft.mistakes.extend(mistakes);
}

/// Two resources that would have one name.
struct Clash<'a> {
    address: &'a Address,
    other: &'a Address,
    name: String,
    /// Whether it is the name of a successor of the other.
    is_later: bool,
}

impl Clash<'_> {
    fn mistake(&self, draft: &Draft) -> Diagnostic {
        let Self { address, other, name, is_later } = self;
        let place = |address| draft.key_place(&draft.made[address].origin.body);
        let (second, help) = if *is_later {
            let other_name = letters(&address.name);
            let help = format!("rename one: `{other_name}` instead of `{}`", address.name);
            (format!("a successor of {other}"), help)
        } else {
            (other.to_string(), "give one of them another name".to_owned())
        };
        let title = format!("{address} and {second} would both be called `{name}` in AWS");
        Diagnostic::error(Code::SameName, title)
            .at(place(address), "one of the two")
            .at(place(other), "the other")
            .help(help)
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
