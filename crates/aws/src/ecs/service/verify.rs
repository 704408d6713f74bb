//! Whether there is room for the tasks of a service.

use deployer_core::Ref;
use deployer_engine::{Concern, Result};
use deployer_kinds::ServiceSpec;

use crate::Aws;
use crate::ec2;

/// Each task of Fargate has an address of its own, so a rollout takes as many more as it may start
/// ("Fargate task networking" in the ECS developer guide).
pub(super) async fn verify(aws: &Aws, spec: &ServiceSpec) -> Result<Vec<Concern>> {
    let subnets: Vec<String> =
        spec.subnets.iter().filter_map(Ref::known).map(str::to_owned).collect();
    if subnets.is_empty() || subnets.len() < spec.subnets.len() {
        return Ok(Vec::new());
    }
    let request = aws.ec2.describe_subnets().set_subnet_ids(Some(subnets));
    let purpose = "find room in the subnets";
    let answer = aws.send(&ec2::DESCRIBE_SUBNETS, purpose, || request.clone().send()).await?;
    let free = answer.subnets().iter().filter_map(|subnet| subnet.available_ip_address_count());
    let free: i64 = free.map(i64::from).sum();
    let needed = started(spec);
    if free >= needed {
        return Ok(Vec::new());
    }
    let title = format!(
        "a rollout starts up to {needed} tasks, and its subnets have {free} addresses left"
    );
    let help = "give it other subnets, or fewer tasks at a time";
    Ok(vec![Concern::maybe("subnets", title, help)])
}

/// How many tasks a rollout starts before it stops any: those beyond the number that there is to be.
/// The first one starts all of them.
fn started(spec: &ServiceSpec) -> i64 {
    let count = i64::from(spec.count.unwrap_or(spec.initial_count));
    let beyond = i64::from(spec.maximum_percent.saturating_sub(100));
    (count * beyond + 99) / 100
}
