//! Who uses what.

use super::body::Service;
use super::forms::Use;
use super::owner::Owner;
use crate::section::Sections;
use crate::sections::job::Job;

/// Whose tasks use an entry of a section: services', then jobs'.
pub(in crate::sections) fn users<'a>(
    all: &'a Sections,
    section: &str,
    name: &str,
) -> impl Iterator<Item = Owner<'a>> {
    let wanted = format!("{section}/{name}");
    let others = wanted.clone();
    let services = all.of::<Service>().filter(move |(_, it)| is_used(&it.uses, &wanted));
    let jobs = all.of::<Job>().filter(move |(_, it)| is_used(&it.uses, &others));
    let services = services.map(|(name, _)| Owner::service(name));
    services.chain(jobs.map(|(name, _)| Owner::job(name)))
}

fn is_used(uses: &[Use], wanted: &str) -> bool {
    uses.iter().any(|used| used.target == wanted)
}
