//! What each kind finds in its own specs, reported at the keys they come from.

use deployer_core::{Address, Code, Diagnostic, Kinds, Problem, Span};

use crate::draft::Draft;

/// What each kind finds in its own specs.
pub(super) fn problems(draft: &mut Draft, kinds: &Kinds) {
    for (address, made) in draft.made.clone() {
        let Some(kind) = kinds.find(&address.kind) else { continue };
        if draft.is_broken(&made.origin.body) {
            continue;
        }
        for problem in kind.check(&made.spec) {
            let path = made.origin.path(&problem.path);
            let place = draft.place(&path);
            draft.mistakes.push(mistake(&problem, &address, place));
        }
    }
}

fn mistake(problem: &Problem, address: &Address, span: Span) -> Diagnostic {
    let mistake =
        Diagnostic::error(Code::BadValue, &problem.message).at(span, format!("of {address}"));
    match &problem.help {
        Some(help) => mistake.help(help),
        None => mistake,
    }
}
