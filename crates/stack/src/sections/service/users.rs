//! Who uses what, and what can be used.

use super::body::Service;
use super::forms::Use;
use super::owner::Owner;
use crate::section::{SectionInfo, Sections};
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

/// Whether a section is in the language and not built yet.
pub(super) fn is_later(all: &Sections, section: &str) -> bool {
    all.section(section).is_some_and(|section| section.is_later)
}

/// The section and the name of something that can be used.
pub(super) fn usable<'a>(all: &Sections, used: &'a str) -> Option<(&'static SectionInfo, &'a str)> {
    let (section, name) = used.split_once('/')?;
    Some((all.section(section).filter(|section| section.is_usable)?, name))
}
