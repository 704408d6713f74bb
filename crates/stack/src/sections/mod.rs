//! What people write: the sections of a stack, one file or folder each.

mod database;
mod existing;
mod job;
mod load_balancer;
mod monitoring;
mod network;
mod queue;
mod repository;
pub(crate) mod roles;
mod secret;
mod service;

pub(crate) use self::service::{Access, Owner};
use crate::section::SectionInfo;

/// All sections, in the order in which they are expanded: what others ask about comes first.
pub(crate) const LIST: &[SectionInfo] = &[
    SectionInfo::of::<roles::Roles>(),
    SectionInfo::of::<network::Network>(),
    SectionInfo::of::<load_balancer::LoadBalancer>(),
    SectionInfo::of::<repository::Repository>(),
    SectionInfo::of::<database::Database>(),
    SectionInfo::of::<secret::Secret>(),
    SectionInfo::of::<queue::Queue>(),
    SectionInfo::of::<service::Service>(),
    SectionInfo::of::<job::Job>(),
    SectionInfo::of::<monitoring::Monitoring>(),
    SectionInfo::later("caches", "Caches (ElastiCache), by name."),
    SectionInfo::later("brokers", "Message brokers (MSK), by name."),
    SectionInfo::later("buckets", "Buckets (S3), by name."),
    SectionInfo::later("volumes", "Shared volumes (EFS), by name."),
    SectionInfo::later("keys", "Keys that encrypt (KMS), by name."),
    SectionInfo::later("backups", "Backups beyond those of each database, by name."),
    SectionInfo::later("delivery", "What a build server may do."),
];

/// The section at a key.
pub(crate) fn find(key: &str) -> Option<&'static SectionInfo> {
    LIST.iter().find(|section| section.key == key)
}
