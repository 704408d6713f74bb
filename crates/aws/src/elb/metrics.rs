//! What CloudWatch knows of a load balancer.

use deployer_engine::{Found, Metrics, Result, Series, Unit, Window};
use deployer_kinds::{BalancerType, LoadBalancer};

use crate::Aws;
use crate::cloudwatch::{self, Metric};

/// Requests, failures by who failed, and how long targets take ("CloudWatch metrics for your
/// Application Load Balancer" in the Elastic Load Balancing user guide).
const METRICS: &[Metric] = &[
    Metric { name: "RequestCount", statistic: "Sum", unit: Unit::Count },
    Metric { name: "HTTPCode_Target_5XX_Count", statistic: "Sum", unit: Unit::Count },
    Metric { name: "HTTPCode_ELB_5XX_Count", statistic: "Sum", unit: Unit::Count },
    Metric { name: "TargetResponseTime", statistic: "p95", unit: Unit::Seconds },
];

/// Connections, and those that were broken off ("CloudWatch metrics for your Network Load Balancer" in
/// the Elastic Load Balancing user guide). It reads no requests.
const OF_NETWORK: &[Metric] = &[
    Metric { name: "NewFlowCount", statistic: "Sum", unit: Unit::Count },
    Metric { name: "ActiveFlowCount", statistic: "Average", unit: Unit::Count },
    Metric { name: "TCP_Target_Reset_Count", statistic: "Sum", unit: Unit::Count },
    Metric { name: "TCP_ELB_Reset_Count", statistic: "Sum", unit: Unit::Count },
];

impl Metrics<Aws> for LoadBalancer {
    async fn metrics(aws: &Aws, live: &Found<Self>, window: &Window) -> Result<Vec<Series>> {
        let balancer = [("LoadBalancer", dimension(&live.output.id))];
        let (namespace, metrics) = match live.spec.kind.known() {
            Some(BalancerType::Network) => ("AWS/NetworkELB", OF_NETWORK),
            _ => ("AWS/ApplicationELB", METRICS),
        };
        cloudwatch::series(aws, namespace, &balancer, metrics, window).await
    }
}

/// How metrics name a load balancer: the end of its ARN, `app/name/id`.
fn dimension(arn: &str) -> &str {
    arn.split_once(":loadbalancer/").map_or(arn, |(_, end)| end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_name_a_load_balancer_by_the_end_of_its_arn() {
        let arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/edge/50dc";
        assert_eq!(dimension(arn), "app/edge/50dc");
    }
}
