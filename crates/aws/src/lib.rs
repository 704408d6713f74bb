//! How each kind is scanned, created, changed and deleted on the AWS SDK.
//!
//! The only crate that links `aws-sdk-*`. One file a kind, all with the same sections in the same
//! order: what it calls, its `Resource`, how AWS's answer becomes a spec, how a spec becomes
//! AWS's request.

#![expect(clippy::doc_markdown, reason = "the comments are full of the names of AWS's operations")]
#![expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the SDK's methods have paths longer than the closures"
)]

mod action;
mod blockers;
mod call;
mod cloud;
mod cluster;
mod connect;
mod db_instance;
mod db_replica;
mod db_subnet_group;
mod ec2;
mod ecr;
mod ecs;
mod elastic_ip;
mod elb;
mod failure;
mod fence;
mod image;
mod index;
mod internet_gateway;
mod linked_role;
mod listener;
mod listener_rule;
mod load_balancer;
mod log_group;
mod missing;
mod nat_gateway;
mod ownership;
mod parameters;
mod policy;
mod random;
mod rds;
mod registry;
mod repository;
mod role;
mod route_table;
mod secret;
mod security_group;
mod service;
mod subnet;
mod target_group;
mod task_definition;
mod vpc;

pub use cloud::Aws;
pub use connect::{Connection, connect};
pub use registry::registry;
