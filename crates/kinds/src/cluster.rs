//! An ECS cluster: the place services run in.

use std::collections::BTreeSet;

use deployer_core::{Change, Grant, Impact, Kind, Naming, Opaque, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An ECS cluster.
pub struct Cluster;

impl Kind for Cluster {
    const NAME: &'static str = "cluster";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("container-insights", Change::InPlace(Impact::None)),
        ("capacity-providers", Change::InPlace(Impact::None)),
    ];
    const NAMING: Option<Naming> = Some(Naming::hyphens(255));
    const REFUSED_WHILE_USED: bool = true;
    // Services use them: one is there before the first of these, and goes after the last.
    const GRANTS: &'static [Grant] = &[Grant::of("capacity-providers")];
    // No service is in it any more, or it could not be deleted.
    const DELETION: Impact = Impact::None;
    const TYPICAL: Typical = Typical { create: 3, update: 1, delete: 3 };
    type Spec = ClusterSpec;
    type Output = ClusterOutput;

    /// What it has and need not have stays: AWS takes none away that a task runs on
    /// (`PutClusterCapacityProviders` in the ECS API reference), and a service that was on spare
    /// capacity once has a strategy for good, which is of no use without them.
    fn is_moved(field: &str, live: &ClusterSpec, wanted: &ClusterSpec) -> bool {
        field == "capacity-providers"
            && live.capacity_providers.is_superset(&wanted.capacity_providers)
    }
}

/// What we want of a cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ClusterSpec {
    /// Which metrics CloudWatch keeps of its tasks, at a price.
    #[serde(default)]
    pub container_insights: Opaque<Insights>,
    /// The capacity that services of it can choose from. Those that say nothing run on Fargate
    /// without it. What a cluster has had once stays, which costs nothing.
    #[serde(default)]
    pub capacity_providers: BTreeSet<CapacityProvider>,
}

/// Capacity that Fargate has.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum CapacityProvider {
    /// Capacity that stays.
    Fargate,
    /// Spare capacity, cheaper, that AWS takes back with two minutes' notice.
    FargateSpot,
}

/// Which metrics CloudWatch keeps of a cluster's tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Insights {
    /// None.
    #[default]
    Disabled,
    /// Container Insights.
    Enabled,
    /// Container Insights with enhanced observability.
    Enhanced,
}

/// What AWS returns for a cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterOutput {
    /// The ARN.
    pub id: String,
    /// The name.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capacity_that_a_cluster_has_had_stays_and_more_of_it_is_a_difference() {
        let spec = |capacity_providers: &[CapacityProvider]| ClusterSpec {
            container_insights: Insights::Disabled.into(),
            capacity_providers: capacity_providers.iter().copied().collect(),
        };
        let (none, both) =
            (spec(&[]), spec(&[CapacityProvider::Fargate, CapacityProvider::FargateSpot]));
        assert!(Cluster::is_moved("capacity-providers", &both, &none));
        assert!(!Cluster::is_moved("capacity-providers", &none, &both));
        assert!(!Cluster::is_moved("container-insights", &both, &none));
    }
}
