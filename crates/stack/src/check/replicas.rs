//! Whether RDS makes the read replicas that are asked for.

use deployer_core::{Code, Diagnostic, references};

use crate::draft::Draft;

/// Read replicas of databases whose password RDS manages: it makes none ("Limitations" of password
/// management with Secrets Manager in the RDS user guide).
pub(super) fn replicas(draft: &mut Draft) {
    let replicas = draft.made.iter().filter(|(address, _)| address.kind == "db-replica");
    let mut mistakes = Vec::new();
    for (address, made) in replicas {
        let sources = made.spec.get("source").map(references).unwrap_or_default();
        let managed = sources.into_iter().find(|source| {
            let source = draft.made.get(source);
            source.is_some_and(|source| source.spec["password"] == "managed")
        });
        let Some(source) = managed else { continue };
        let title = format!("RDS makes no read replica of {source}, whose password it manages");
        let place = draft.place(&made.origin.path("source"));
        mistakes.push(Diagnostic::error(Code::BadValue, title).at(place, format!("of {address}")).help(
            "write `password: kept` for the database; in `resources:`, `password: { kept: SECRET }`",
        ));
    }
    for mistake in mistakes {
        draft.mistakes.push(mistake);
    }
}
