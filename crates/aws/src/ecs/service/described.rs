//! What ECS says of a service, as it is read everywhere.

use aws_sdk_ecs::types::{Deployment, Service as Description};
use deployer_engine::Result;
use deployer_kinds::ServiceOutput;

use crate::missing::Required;

/// What is known of a service by its description.
pub(super) fn output(service: &Description) -> Result<ServiceOutput> {
    let text = |value: Option<&str>, what: &str| value.map(ToOwned::to_owned).required(what);
    Ok(ServiceOutput {
        id: text(service.service_arn(), "the ARN of a service")?,
        name: text(service.service_name(), "the name of a service")?,
        cluster: text(service.cluster_arn(), "the cluster of a service")?,
        task_definition: text(service.task_definition(), "the task definition of a service")?,
        deployment: primary(service).and_then(|it| it.id()).map(ToOwned::to_owned),
        changed: None,
    })
}

/// The newest deployment of a service.
pub(super) fn primary(service: &Description) -> Option<&Deployment> {
    service.deployments().iter().find(|deployment| deployment.status() == Some("PRIMARY"))
}
