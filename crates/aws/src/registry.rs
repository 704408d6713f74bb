//! The list of kinds that AWS knows, and of what they offer after a deploy.

use deployer_engine::Registry;

use crate::Aws;

/// Every kind, with how it is handled on AWS, and what it offers after a deploy.
pub fn registry() -> Registry<Aws> {
    Registry::default()
        .with::<deployer_kinds::Cluster>()
        .with::<deployer_kinds::DbInstance>()
        .with::<deployer_kinds::DbParameterGroup>()
        .with::<deployer_kinds::DbReplica>()
        .with::<deployer_kinds::DbSubnetGroup>()
        .with::<deployer_kinds::ElasticIp>()
        .with::<deployer_kinds::Image>()
        .with::<deployer_kinds::InternetGateway>()
        .with::<deployer_kinds::Listener>()
        .with::<deployer_kinds::ListenerRule>()
        .with::<deployer_kinds::LoadBalancer>()
        .with::<deployer_kinds::LogGroup>()
        .with::<deployer_kinds::NatGateway>()
        .with::<deployer_kinds::Repository>()
        .with::<deployer_kinds::Role>()
        .with::<deployer_kinds::RouteTable>()
        .with::<deployer_kinds::Secret>()
        .with::<deployer_kinds::SecurityGroup>()
        .with::<deployer_kinds::Service>()
        .with::<deployer_kinds::Subnet>()
        .with::<deployer_kinds::TargetGroup>()
        .with::<deployer_kinds::TaskDefinition>()
        .with::<deployer_kinds::Vpc>()
        .with_logs::<deployer_kinds::LogGroup>()
        .with_logs::<deployer_kinds::Service>()
        .with_tasks::<deployer_kinds::Service>()
        .with_releases::<deployer_kinds::Image>()
        .with_rollouts::<deployer_kinds::Service>()
        .with_shell::<deployer_kinds::Service>()
        .with_metrics::<deployer_kinds::DbInstance>()
        .with_metrics::<deployer_kinds::DbReplica>()
        .with_metrics::<deployer_kinds::LoadBalancer>()
        .with_metrics::<deployer_kinds::Service>()
}
