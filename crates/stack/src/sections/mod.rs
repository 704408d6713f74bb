//! What people write: the high-level sections of a stack, one file each. Their doc comments are
//! what an editor shows, so they speak to the author of a stack.

mod database;
mod load_balancer;
mod network;
mod repository;
mod secret;
mod service;
mod service_forms;

use std::collections::BTreeMap;

pub(crate) use database::Database;
pub(crate) use load_balancer::{Http, LoadBalancer};
pub(crate) use network::{Nat, Network, Zones};
pub(crate) use repository::{Repository, Scan};
pub(crate) use secret::Secret;
pub(crate) use service::{Health, Place, Route, Service};

/// All sections of one environment that could be read.
#[derive(Debug, Default)]
pub(crate) struct Sections {
    pub(crate) network: Option<Network>,
    pub(crate) load_balancers: BTreeMap<String, LoadBalancer>,
    pub(crate) repositories: BTreeMap<String, Repository>,
    pub(crate) databases: BTreeMap<String, Database>,
    pub(crate) secrets: BTreeMap<String, Secret>,
    pub(crate) services: BTreeMap<String, Service>,
}

fn yes() -> bool {
    true
}
