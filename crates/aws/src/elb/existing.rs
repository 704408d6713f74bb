//! A load balancer that a stack names, whoever made it: `DescribeLoadBalancers`, `DescribeListeners`,
//! `DescribeTags`.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_elasticloadbalancingv2::types::{
    Listener, LoadBalancerSchemeEnum, LoadBalancerTypeEnum, ProtocolEnum,
};
use deployer_core::{ExistingBalancer, ExistingListener};
use deployer_engine::Result;

use crate::Aws;
use crate::elb::{self, inventory, load_balancer};
use crate::index;
use crate::missing::Required;
use crate::ownership::Tags;
use crate::send::unless_gone;

impl Aws {
    /// What a load balancer is like, and what listens there.
    pub(crate) async fn existing_balancer(&self, arn: &str) -> Result<Option<ExistingBalancer>> {
        let Some(found) = unless_gone(load_balancer::look(self, arn).await)? else {
            return Ok(None);
        };
        let output = load_balancer::output(&found)?;
        let listeners = inventory::listeners(self, &output.id).await?;
        Ok(Some(ExistingBalancer {
            vpc: found.vpc_id().required("the VPC of a load balancer")?.to_owned(),
            dns: output.dns,
            zone: output.zone,
            is_application: found.r#type() == Some(&LoadBalancerTypeEnum::Application),
            is_internal: found.scheme() == Some(&LoadBalancerSchemeEnum::Internal),
            groups: found.security_groups().iter().cloned().collect(),
            listeners: listeners.iter().map(read).collect::<Result<_>>()?,
        }))
    }
}

impl Aws {
    /// The load balancers that carry some tags, by their ARNs. ELB has no filter for tags, so the
    /// tagging index names them; what it has not heard of yet is looked for among all.
    pub(crate) async fn tagged_balancers(
        &self,
        tags: &BTreeMap<String, String>,
    ) -> Result<BTreeSet<String>> {
        let nominated = index::carrying(self, "elasticloadbalancing:loadbalancer", tags).await?;
        let found = self.carrying(nominated, tags).await?;
        if !found.is_empty() {
            return Ok(found);
        }
        let all = inventory::balancers(self, None).await?;
        self.carrying(all.into_iter().filter_map(|it| it.load_balancer_arn).collect(), tags).await
    }

    /// Those of some load balancers that are there and carry some tags.
    async fn carrying(
        &self,
        arns: Vec<String>,
        tags: &BTreeMap<String, String>,
    ) -> Result<BTreeSet<String>> {
        let found = elb::tags(self, &arns).await?.into_iter();
        let carries = |of: &Tags| tags.iter().all(|(key, value)| of.get(key) == Some(value));
        Ok(found.filter(|(_, of)| carries(of)).map(|(arn, _)| arn).collect())
    }
}

fn read(listener: &Listener) -> Result<(u16, ExistingListener)> {
    let port = listener.port().and_then(|port| u16::try_from(port).ok());
    let id = listener.listener_arn().required("the ARN of a listener")?.to_owned();
    let is_secure = listener.protocol() == Some(&ProtocolEnum::Https);
    let port = port.required("the port of a listener")?;
    Ok((port, ExistingListener { id, port, is_secure }))
}
