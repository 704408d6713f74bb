//! What CloudWatch knows of a service.

use deployer_engine::{Found, Metrics, Result, Series, Unit, Window};
use deployer_kinds::Service;

use crate::Aws;
use crate::cloudwatch::{self, Metric};

/// Of the size that the task definition asks for (ECS developer guide, "Amazon ECS CloudWatch
/// metrics").
const METRICS: &[Metric] = &[
    Metric { name: "CPUUtilization", statistic: "Average", unit: Unit::Percent },
    Metric { name: "MemoryUtilization", statistic: "Average", unit: Unit::Percent },
];

impl Metrics<Aws> for Service {
    async fn metrics(aws: &Aws, live: &Found<Self>, window: &Window) -> Result<Vec<Series>> {
        let cluster = live.output.cluster.rsplit('/').next().unwrap_or_default();
        let service = [("ClusterName", cluster), ("ServiceName", live.output.name.as_str())];
        cloudwatch::series(aws, "AWS/ECS", &service, METRICS, window).await
    }
}
