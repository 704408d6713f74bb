//! The `services` section.

mod body;
mod capacity;
mod containers;
mod egress;
mod expand;
mod forms;
mod image;
mod mounts;
mod needs;
mod roles;
mod routes;
mod scale;
mod sidecars;
mod uses;

pub(super) use self::body::Service;
pub(super) use self::needs::{Need, needs};
pub(super) use self::uses::{group, users};
use crate::draft::Draft;
use crate::section::{Section, Sections};

/// Whether a service wants to be in the public subnets.
pub(super) fn is_any_public(all: &Sections) -> bool {
    all.of::<Service>().any(|(_, service)| service.subnets == Some(body::Place::Public))
}

/// The target group of the first of a service's ports that requests are routed to, and the load
/// balancer that they come through.
pub(super) fn routed<'s>(name: &str, body: &'s Service) -> Option<(String, &'s str)> {
    let mut routed = body.ports.iter().filter_map(|(port, it)| Some((port, it.route.as_ref()?)));
    let (port, route) = routed.next()?;
    Some((format!("{name}-{port}"), &route.load_balancer))
}

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
