//! Whether resources wait for each other in a ring.

use std::collections::BTreeSet;

use deployer_core::{Address, Code, Diagnostic, Graph, references};

use crate::draft::Draft;

/// Resources that wait for each other in a ring.
pub(super) fn cycles(draft: &mut Draft) {
    let graph = Graph::new(
        draft.made.iter().map(|(address, made)| (address.clone(), references(&made.spec))),
    );
    let Err(cycle) = graph.order() else { return };
    let ring: Vec<String> = cycle.0.iter().chain(cycle.0.first()).map(Address::to_string).collect();
    if let [alone] = cycle.0.as_slice() {
        let Some(made) = draft.made.get(alone) else { return };
        let path = made.origin.overrides.as_ref().map_or(&made.origin.body, |(body, _)| body);
        let mistake = Diagnostic::error(Code::Cycle, format!("{alone} refers to itself"))
            .at(draft.key_place(path), "would wait for itself")
            .help("remove the reference; a rule of a security group says `itself`");
        return draft.mistakes.push(mistake);
    }
    let mut mistake = Diagnostic::error(Code::Cycle, "resources wait for each other in a ring");
    let mut places = BTreeSet::new();
    for address in &cycle.0 {
        let Some(made) = draft.made.get(address) else { continue };
        let path = made.origin.overrides.as_ref().map_or(&made.origin.body, |(body, _)| body);
        let span = draft.key_place(path);
        if places.insert(span) {
            mistake = mistake.at(span, format!("makes {address}"));
        }
    }
    draft
        .mistakes
        .push(mistake.help(format!("{}: remove one of these references", ring.join(" → "))));
}
