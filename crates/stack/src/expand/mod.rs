//! What the sections become: one file each, in the same order as the sections.

mod database;
mod image;
mod load_balancer;
mod network;
mod outputs;
mod repository;
mod roles;
mod routes;
mod secret;
mod service;
mod uses;

use crate::draft::Draft;
use crate::sections::Sections;

/// Expands all sections into resources.
pub(crate) fn expand(draft: &mut Draft, sections: &Sections) {
    network::expand(draft, sections);
    load_balancer::expand(draft, sections);
    repository::expand(draft, sections);
    database::expand(draft, sections);
    secret::expand(draft, sections);
    service::expand(draft, sections);
    routes::expand(draft, sections);
    outputs::expand(draft, sections);
}
