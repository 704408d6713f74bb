//! The `services` section.

mod body;
mod capacity;
mod connect;
mod containers;
mod egress;
mod expand;
mod forms;
mod image;
mod led;
mod logging;
mod mounts;
mod needs;
mod owner;
mod roles;
mod rollout;
mod routes;
mod rules;
mod scale;
mod secrets;
mod settings;
mod shifting;
mod sidecars;
mod test_ports;
mod turns;
mod users;
mod uses;

pub(super) use self::body::{Logs, Permission, Place, Service, cpu, memory, stop_timeout, storage};
pub(super) use self::containers::{Mount, Sidecar};
pub(super) use self::expand::{place, tasks};
pub(crate) use self::forms::Access;
pub(super) use self::forms::{EgressRules, ImageSource, OneOrMore, Use, paths, paths_schema};
pub(super) use self::led::{Led, check as check_led, led};
pub(super) use self::needs::{Need, needs};
pub(crate) use self::owner::Owner;
pub(super) use self::roles::role_name;
pub(super) use self::rollout::Rollout;
pub(super) use self::test_ports::test_ports;
pub(super) use self::turns::{Asked, values};
pub(super) use self::users::users;
use crate::draft::Draft;
use crate::section::{Offer, Section, Sections};
use crate::sections::job::Job;

/// Whether a service or a job wants to be in the public subnets.
pub(super) fn is_any_public(all: &Sections) -> bool {
    let mut jobs = all.of::<Job>().map(|(_, job)| job.subnets);
    let mut places = all.of::<Service>().map(|(_, service)| service.subnets);
    places.any(|place| place == Some(Place::Public)) || jobs.any(|it| it == Some(Place::Public))
}

/// The target group of the first of a service's ports that requests are routed to, and the load
/// balancer that they come through.
pub(super) fn routed<'s>(name: &str, body: &'s Service) -> Option<(String, &'s str)> {
    let mut routed = body.ports.iter().filter_map(|(port, it)| Some((port, it.route.as_ref()?)));
    let (port, route) = routed.next()?;
    Some((format!("{name}-{port}"), &route.load_balancer))
}

/// The target group that requests of a service are shifted to from one of its own, and back.
pub(super) fn alternate_of(body: &Service, group: &str) -> Option<String> {
    body.rollout.shifts().then(|| shifting::alternate(group))
}

impl Section for Service {
    const KEY: &'static str = "services";
    const ABOUT: &'static str = "Services, by name.";
    const IS_USABLE: bool = true;

    fn expand(&self, name: &str, all: &Sections, draft: &mut Draft) {
        expand::expand(draft, all, name, self);
    }

    fn offer(&self, name: &str, _all: &Sections) -> Option<Offer> {
        Some(connect::offer(name, self))
    }

    fn together(all: &Sections, draft: &mut Draft) {
        expand::cluster(draft, all);
        connect::namespace(draft, all);
        routes::expand(draft, all);
    }
}
