//! A few kinds of resources, which between them show every rule that a kind can have.

mod capabilities;
mod gate;
mod mark;
mod network;
mod part;
mod plain;
mod revision;
mod rule;
mod service;
mod store;
mod wall;

use deployer_engine::Registry;

use crate::Memory;

pub use gate::Gate;
pub use mark::Mark;
pub use network::Network;
pub use part::Part;
pub use revision::Revision;
pub use rule::Rule;
pub use service::Service;
pub use store::Store;
pub use wall::Wall;

/// All of them, with how they are handled in [`Memory`], and what they offer after a deploy.
pub fn registry() -> Registry<Memory> {
    Registry::default()
        .with::<Gate>()
        .with::<Mark>()
        .with::<Network>()
        .with::<Part>()
        .with::<Revision>()
        .with::<Rule>()
        .with::<Service>()
        .with::<Store>()
        .with::<Wall>()
        .with_logs::<Service>()
        .with_tasks::<Service>()
        .with_rollouts::<Service>()
        .with_runs::<Service>()
        .with_checks::<Service>()
        .with_shell::<Service>()
        .with_metrics::<Service>()
        .with_metrics::<Store>()
        .with_vitals::<Store>()
        .with_workloads::<Service>()
        .with_releases::<Revision>()
        .with_versions::<Revision>()
}
