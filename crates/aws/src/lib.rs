//! How each kind is scanned, created, changed and deleted on the AWS SDK.
//!
//! The only crate that links `aws-sdk-*`. One folder a service: its operations as data, its tags,
//! and one file a kind, all with the same sections in the same order: what it calls, its
//! `Resource`, how AWS's answer becomes a spec, how a spec becomes AWS's request.

#![expect(clippy::doc_markdown, reason = "the comments are full of the names of AWS's operations")]
#![expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the SDK's methods have paths longer than the closures"
)]

mod acm;
mod advice;
mod autoscaling;
mod cloud;
mod cloud_map;
mod cloudwatch;
mod connect;
mod credentials;
mod ec2;
mod ecr;
mod ecs;
mod elb;
mod failure;
mod fence;
mod foresee;
mod iam;
mod index;
mod logs;
mod missing;
mod moment;
mod network;
mod operations;
mod ownership;
mod policy;
mod random;
mod rds;
mod registry;
mod route53;
mod said;
mod scheduler;
mod secrets;
mod send;
mod service_quotas;
mod sns;
mod sqs;
mod ssm;
mod step_functions;
mod sts;
mod surroundings;
mod tagging;
mod wafv2;
mod witness;

pub use cloud::Aws;
pub use connect::{Connection, connect, connect_seen};
pub use operations::operations;
pub use policy::{LONGEST_INLINE, managed_policies, policy};
pub use registry::registry;
pub use witness::{Answer, Witness};
