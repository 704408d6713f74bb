//! The `services` section.

mod body;
mod egress;
mod expand;
mod forms;
mod image;
mod roles;
mod routes;
mod uses;

pub(super) use self::body::Service;
pub(super) use self::uses::{group, users};
use crate::draft::Draft;
use crate::section::{Section, Sections};

impl Section for Service {
    const KEY: &'static str = "services";
    const ABOUT: &'static str = "Services, by name.";

    fn expand(&self, name: &str, all: &Sections, draft: &mut Draft) {
        expand::expand(draft, all, name, self);
    }

    fn together(all: &Sections, draft: &mut Draft) {
        expand::cluster(draft, all);
        routes::expand(draft, all);
    }
}
