//! What runs as tasks, as people name it: `web`, `services/web`, `jobs/migrate`.

use deployer_core::{Address, Live, Snapshot};

/// The kind of what keeps running.
pub(crate) const SERVICE: &str = "service";

/// The kind of what runs to its end.
pub(crate) const JOB: &str = "job";

/// How many characters of a task's identifier it is named by.
const SHORT: usize = 6;

/// The sections whose entries run as tasks, each with the kind of what they become.
const SECTIONS: [(&str, &str); 2] = [("services", SERVICE), ("jobs", JOB)];

/// All services that there are.
pub(crate) fn services(snapshot: &Snapshot) -> Vec<&Live> {
    let mut all = workloads(snapshot);
    all.retain(|live| live.address.kind == SERVICE);
    all
}

/// All services and jobs that there are.
pub(crate) fn workloads(snapshot: &Snapshot) -> Vec<&Live> {
    let lives = snapshot.lives.iter().filter(|live| snapshot.is_current(live));
    lives.filter(|live| SECTIONS.iter().any(|(_, kind)| live.address.kind == *kind)).collect()
}

/// How one is named: a service by its name alone.
pub(crate) fn named(address: &Address) -> String {
    if address.kind == SERVICE { address.name.clone() } else { in_full(address) }
}

/// How one is named so that it is mistaken for no other: `services/web`.
pub(crate) fn in_full(address: &Address) -> String {
    match SECTIONS.iter().find(|(_, kind)| address.kind == *kind) {
        Some((section, _)) => format!("{section}/{}", address.name),
        None => address.to_string(),
    }
}

/// Whether somebody who types this means that resource. A bare name is a service's.
pub(crate) fn is_meant(asked: &str, address: &Address) -> bool {
    let (kind, name) = split(asked);
    address.kind == kind.unwrap_or(SERVICE) && address.name == name
}

/// The beginning of a task's identifier, by which people know it from others.
pub(crate) fn short_id(task: &str) -> &str {
    task.get(..SHORT).unwrap_or(task)
}

/// The kind that somebody names who types this, where they do, and the name.
pub(crate) fn split(asked: &str) -> (Option<&'static str>, &str) {
    let named = SECTIONS
        .iter()
        .find_map(|(section, kind)| Some((*kind, asked.strip_prefix(section)?.strip_prefix('/')?)));
    match named {
        Some((kind, name)) => (Some(kind), name),
        None => (None, asked),
    }
}
