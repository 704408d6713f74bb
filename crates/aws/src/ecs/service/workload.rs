//! What is done to the tasks of a service by hand, and what ECS has said of it: `UpdateService`,
//! `DescribeServices`.

use aws_sdk_ecs::operation::update_service::builders::UpdateServiceFluentBuilder;
use deployer_core::{Cause, Failure};
use deployer_engine::{Found, Remark, Result, Workloads};
use deployer_kinds::{Service, ServiceOutput};
use serde_json::Value;

use super::find::{is_there, not_found};
use super::{changed, described, explain, look, strategy};
use crate::Aws;
use crate::ecs;
use crate::ecs::stopped::with_names;
use crate::missing::Required;
use crate::moment::moment;

impl Workloads<Aws> for Service {
    async fn restart(aws: &Aws, live: &Found<Self>) -> Result<Value> {
        let service = look(aws, &live.output).await?.filter(is_there).ok_or_else(not_found)?;
        let newest = described::primary(&service).and_then(|it| it.id());
        if newest != live.output.deployment.as_deref() {
            return written(&changed(&service)?);
        }
        // A new deployment of the same task definition (`UpdateService` in the ECS API reference).
        let request = request(aws, &live.output).force_new_deployment(true);
        update(aws, "restart the service", request).await
    }

    async fn scale(aws: &Aws, live: &Found<Self>, count: &u32) -> Result<Value> {
        let request = request(aws, &live.output).desired_count(strategy::number(*count));
        update(aws, "scale the service", request).await
    }

    /// The last hundred (`events` of `Service` in the ECS API reference).
    async fn remarks(aws: &Aws, live: &Found<Self>) -> Result<Vec<Remark>> {
        let service = look(aws, &live.output).await?.ok_or_else(not_found)?;
        let remark = |event: &aws_sdk_ecs::types::ServiceEvent| {
            let text = with_names(explain::words(event.message()?));
            Some(Remark { at: moment(event.created_at())?, text })
        };
        Ok(service.events().iter().filter_map(remark).collect())
    }
}

/// What is left out stays as it is (`UpdateService` in the ECS API reference).
fn request(aws: &Aws, output: &ServiceOutput) -> UpdateServiceFluentBuilder {
    aws.ecs.update_service().cluster(&output.cluster).service(&output.id)
}

async fn update(aws: &Aws, purpose: &str, request: UpdateServiceFluentBuilder) -> Result<Value> {
    let answer = aws.send(&ecs::UPDATE_SERVICE, purpose, || request.clone().send()).await?;
    written(&changed(&answer.service.required("the service")?)?)
}

fn written(output: &ServiceOutput) -> Result<Value> {
    serde_json::to_value(output)
        .map_err(|error| Failure::new(Cause::Refused, "write a value as JSON", error.to_string()))
}
