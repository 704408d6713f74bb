//! AWS as the engine sees it: one client a service, and what the scans of one observation share.

use std::path::PathBuf;

use aws_config::SdkConfig;
use deployer_engine::{Calls, Cloud, Result};

use crate::ec2::{NatGateways, RouteTables};
use crate::ecr::Repositories;
use crate::ecs::Clusters;
use crate::elb::Inventory;
use crate::fence::Fence;
use crate::index::TagIndex;
use crate::rds::Databases;

/// One account and region of AWS.
pub struct Aws {
    pub(crate) cloudwatch: aws_sdk_cloudwatch::Client,
    pub(crate) ec2: aws_sdk_ec2::Client,
    pub(crate) ecr: aws_sdk_ecr::Client,
    pub(crate) ecs: aws_sdk_ecs::Client,
    pub(crate) elb: aws_sdk_elasticloadbalancingv2::Client,
    pub(crate) iam: aws_sdk_iam::Client,
    pub(crate) logs: aws_sdk_cloudwatchlogs::Client,
    pub(crate) rds: aws_sdk_rds::Client,
    pub(crate) secrets: aws_sdk_secretsmanager::Client,
    /// Systems Manager for what an environment keeps, the lock among it, which no fence keeps from
    /// being renewed.
    pub(crate) parameters: aws_sdk_ssm::Client,
    pub(crate) sts: aws_sdk_sts::Client,
    pub(crate) tagging: aws_sdk_resourcegroupstagging::Client,
    /// Through which all calls are made.
    pub(crate) calls: Calls,
    /// Before all that changes something.
    pub(crate) fence: Fence,
    pub(crate) region: String,
    /// What the clients were made with.
    pub(crate) config: SdkConfig,
    /// The folder that the paths of a stack are relative to.
    pub(crate) folder: PathBuf,
}

impl Cloud for Aws {
    type Shared = Shared;

    fn calls(&self) -> &Calls {
        &self.calls
    }

    async fn at(&self, role: Option<&str>, region: Option<&str>) -> Result<Self> {
        self.elsewhere(role, region).await
    }
}

/// What the scans of one observation share.
#[derive(Default)]
pub struct Shared {
    pub(crate) clusters: Clusters,
    pub(crate) databases: Databases,
    pub(crate) elb: Inventory,
    pub(crate) nat_gateways: NatGateways,
    pub(crate) repositories: Repositories,
    pub(crate) route_tables: RouteTables,
    pub(crate) tags: TagIndex,
}
