//! What CloudWatch knows of a database instance, a replica or not.

use deployer_engine::{Found, Metrics, Result, Series, Unit, Window};
use deployer_kinds::{DbInstance, DbReplica};

use crate::Aws;
use crate::cloudwatch::{self, Metric};

/// Load, and what runs out ("Amazon CloudWatch metrics for Amazon RDS" in the RDS user guide).
const METRICS: &[Metric] = &[
    Metric { name: "CPUUtilization", statistic: "Average", unit: Unit::Percent },
    Metric { name: "FreeStorageSpace", statistic: "Minimum", unit: Unit::Bytes },
    Metric { name: "DatabaseConnections", statistic: "Maximum", unit: Unit::Count },
];

impl Metrics<Aws> for DbInstance {
    async fn metrics(aws: &Aws, live: &Found<Self>, window: &Window) -> Result<Vec<Series>> {
        of(aws, &live.output.id, window).await
    }
}

impl Metrics<Aws> for DbReplica {
    async fn metrics(aws: &Aws, live: &Found<Self>, window: &Window) -> Result<Vec<Series>> {
        of(aws, &live.output.id, window).await
    }
}

async fn of(aws: &Aws, id: &str, window: &Window) -> Result<Vec<Series>> {
    cloudwatch::series(aws, "AWS/RDS", &[("DBInstanceIdentifier", id)], METRICS, window).await
}
