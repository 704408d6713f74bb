//! The `jobs` section: tasks that run to their end.

mod body;
mod expand;
mod schedule;
mod when;

pub(super) use self::body::Job;
pub(super) use self::schedule::DEAD_LETTERS;
use crate::draft::Draft;
use crate::section::{Section, Sections};

impl Section for Job {
    const KEY: &'static str = "jobs";
    const ABOUT: &'static str = "Tasks that run to their end, by name: by the clock, before \
        releases, and when somebody asks for it.";
    const EXAMPLE: &'static str = "{ like: services/web, command: [/web, migrate] }";

    fn expand(&self, name: &str, all: &Sections, draft: &mut Draft) {
        expand::expand(draft, all, name, self);
    }

    fn together(all: &Sections, draft: &mut Draft) {
        schedule::dead_letters(draft, all);
    }
}
