//! What CloudWatch knows of a load balancer, and how it does.

use aws_sdk_elasticloadbalancingv2::types::TargetHealthStateEnum;
use deployer_engine::{Found, Metrics, Result, Series, Unit, Vital, Vitals, Window};
use deployer_kinds::{BalancerType, LoadBalancer};
use futures_util::future::{try_join, try_join_all};
use jiff::Timestamp;

use crate::Aws;
use crate::cloudwatch::{self, Metric};
use crate::send::unless_gone;

use super::target_group::{behind, state, targets};

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

impl Vitals<Aws> for LoadBalancer {
    /// The targets of all groups that it leads to, and what it has answered. A target that is on its
    /// way out counts no more.
    async fn vitals(aws: &Aws, live: &Found<Self>, now: &Timestamp) -> Result<Vec<Vital>> {
        let groups = async {
            let groups = unless_gone(behind(aws, &live.output.id).await)?.unwrap_or_default();
            let looks = groups
                .iter()
                .map(async |arn| Ok(unless_gone(targets(aws, arn).await)?.unwrap_or_default()));
            try_join_all(looks).await
        };
        let window = Window::recent(*now);
        let (groups, series) = try_join(groups, Self::metrics(aws, live, &window)).await?;
        let states: Vec<&TargetHealthStateEnum> = groups
            .iter()
            .flatten()
            .filter_map(state)
            .filter(|state| **state != TargetHealthStateEnum::Draining)
            .collect();
        let healthy = states.iter().filter(|it| ***it == TargetHealthStateEnum::Healthy).count();
        let mut vitals = vec![
            Vital::new("targets healthy", count(healthy), Unit::Count)
                .of(count(states.len()))
                .bad_if(healthy < states.len() || states.is_empty()),
        ];
        let sum = |name: &str| series.iter().find(|it| it.name == name).and_then(Series::sum);
        if let Some(requests) = sum("RequestCount") {
            vitals.push(Vital::new("requests in 5 min", requests, Unit::Count));
            // Neither is measured where there was none (the user guide, as above).
            let failed = ["HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX_Count"].map(sum);
            let failed = failed.into_iter().flatten().fold(0.0, |all, some| all + some);
            vitals.push(Vital::new("answered 5xx", failed, Unit::Count).bad_if(failed > 0.0));
        }
        let took =
            series.iter().find(|it| it.name == "TargetResponseTime").and_then(Series::newest);
        vitals.extend(took.map(|took| Vital::new("p95", took, Unit::Seconds)));
        let flows = series.iter().find(|it| it.name == "ActiveFlowCount").and_then(Series::newest);
        vitals.extend(flows.map(|flows| Vital::new("connections", flows, Unit::Count)));
        Ok(vitals)
    }
}

/// As a number of a vital. There are never so many that it is not exact.
#[expect(clippy::cast_precision_loss, reason = "a load balancer has at most some thousand targets")]
fn count(things: usize) -> f64 {
    things as f64
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
