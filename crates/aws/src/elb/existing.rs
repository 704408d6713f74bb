//! A load balancer that a stack names, whoever made it: `DescribeLoadBalancers`, `DescribeListeners`.

use aws_sdk_elasticloadbalancingv2::types::{
    Listener, LoadBalancerSchemeEnum, LoadBalancerTypeEnum, ProtocolEnum,
};
use deployer_core::{ExistingBalancer, ExistingListener};
use deployer_engine::Result;

use crate::Aws;
use crate::elb::{inventory, load_balancer};
use crate::missing::Required;
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

fn read(listener: &Listener) -> Result<(u16, ExistingListener)> {
    let port = listener.port().and_then(|port| u16::try_from(port).ok());
    let id = listener.listener_arn().required("the ARN of a listener")?.to_owned();
    let is_secure = listener.protocol() == Some(&ProtocolEnum::Https);
    Ok((port.required("the port of a listener")?, ExistingListener { id, is_secure }))
}
