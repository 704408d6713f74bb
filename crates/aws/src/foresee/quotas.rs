//! Whether the quotas of the account have room for what a plan makes.
//!
//! Codes and names are Service Quotas' own, as its console and the tables of each service's guide
//! have them ("Amazon VPC quotas", "Amazon ECS service quotas", "Quotas for your Application Load
//! Balancers", "Quotas and constraints for Amazon RDS").

use std::collections::BTreeMap;

use deployer_core::{Action, Address, Place, Stack, Step};
use deployer_engine::{Concern, Foreseen, Result};
use futures_util::future::try_join_all;
use serde_json::Value;

use crate::elb::inventory::count;
use crate::elb::target_group;
use crate::service_quotas::{self, Limit};
use crate::{Aws, ec2, rds};

/// What a quota is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Of {
    Addresses,
    ApplicationBalancers,
    Databases,
    /// In one zone.
    NatGateways(String),
    NetworkBalancers,
    TargetGroups,
    /// Of Fargate, for capacity that stays.
    Vcpus,
    /// The same for spare capacity.
    SpotVcpus,
    Vpcs,
}

impl Of {
    /// The codes of the service and the quota.
    fn codes(&self) -> (&'static str, &'static str) {
        match self {
            Self::Addresses => ("ec2", "L-0263D0A3"),
            Self::ApplicationBalancers => ("elasticloadbalancing", "L-53DA6B97"),
            Self::Databases => ("rds", "L-7B6409FD"),
            Self::NatGateways(_) => ("vpc", "L-FE5A380F"),
            Self::NetworkBalancers => ("elasticloadbalancing", "L-69A177A2"),
            Self::TargetGroups => ("elasticloadbalancing", "L-B22855CB"),
            Self::Vcpus => ("fargate", "L-3032A538"),
            Self::SpotVcpus => ("fargate", "L-36FBB829"),
            Self::Vpcs => ("vpc", "L-F678F1CE"),
        }
    }

    /// What a resource counts against; none where it counts against nothing that is looked at.
    fn limiting(stack: &Stack, kind: &str, spec: &Value) -> Option<Self> {
        Some(match kind {
            "db-instance" | "db-replica" => Self::Databases,
            "elastic-ip" => Self::Addresses,
            "load-balancer" if spec["type"] == "network" => Self::NetworkBalancers,
            "load-balancer" => Self::ApplicationBalancers,
            "nat-gateway" => Self::NatGateways(zone(stack, spec)?),
            "target-group" => Self::TargetGroups,
            "vpc" => Self::Vpcs,
            _ => return None,
        })
    }

    /// How many of these the account has in the region, whoever made them.
    async fn used(&self, aws: &Aws) -> Result<usize> {
        Ok(match self {
            Self::Addresses => ec2::usage::addresses(aws).await?,
            Self::ApplicationBalancers => count(aws, false).await?,
            Self::Databases => rds::fetch(aws).await?.len(),
            Self::NatGateways(zone) => {
                ec2::usage::nat_gateways(aws).await?.get(zone).copied().unwrap_or_default()
            }
            Self::NetworkBalancers => count(aws, true).await?,
            Self::TargetGroups => target_group::describe(aws, None).await?.len(),
            // What others run shows in no cheap call.
            Self::Vcpus | Self::SpotVcpus => 0,
            Self::Vpcs => ec2::usage::vpcs(aws).await?,
        })
    }
}

/// What comes of one quota.
#[derive(Default)]
struct Coming<'a> {
    /// The first that comes.
    first: Option<&'a Address>,
    made: usize,
    deleted: usize,
}

/// Looks at the quotas of what the steps make, and at those of the tasks that the stack runs where
/// they change a service.
pub(super) async fn look(
    aws: &Aws,
    stack: &Stack,
    place: &Place,
    steps: &[&Step],
) -> Result<Vec<Foreseen>> {
    let mut coming: BTreeMap<Of, Coming> = BTreeMap::new();
    for step in steps {
        let live = step.live.as_ref().map(|live| &live.spec);
        let Some(spec) = step.wanted.as_ref().or(live) else { continue };
        let Some(of) = Of::limiting(stack, &step.address.kind, spec) else { continue };
        let coming = coming.entry(of).or_default();
        match step.action {
            Action::Create => {
                coming.first.get_or_insert(&step.address);
                coming.made += 1;
            }
            Action::Delete => coming.deleted += 1,
            Action::Update | Action::Await => {}
        }
    }
    coming.retain(|_, coming| coming.made > 0);
    let counted = coming.iter().map(async |(of, coming)| counted(aws, of, coming).await);
    let mut foreseen: Vec<Foreseen> = try_join_all(counted).await?.into_iter().flatten().collect();
    let starts = |step: &&&Step| step.address.kind == "service" && step.action != Action::Delete;
    if let Some(step) = steps.iter().find(starts) {
        let (stays, spare) = vcpus(stack, place);
        for (of, vcpus) in [(Of::Vcpus, stays), (Of::SpotVcpus, spare)] {
            foreseen.extend(tasks(aws, &of, vcpus, &step.address).await?);
        }
    }
    Ok(foreseen)
}

async fn limit(aws: &Aws, of: &Of) -> Result<Option<Limit>> {
    let (service, quota) = of.codes();
    service_quotas::limit(aws, service, quota).await
}

async fn counted(aws: &Aws, of: &Of, coming: &Coming<'_>) -> Result<Option<Foreseen>> {
    let Some(Limit { name, value }) = limit(aws, of).await? else { return Ok(None) };
    let used = of.used(aws).await?;
    let whole = used + coming.made;
    if is_within(whole, value) {
        return Ok(None);
    }
    let place = match of {
        Of::NatGateways(zone) => format!(" of {zone}"),
        _ => String::new(),
    };
    let title = format!(
        "the quota `{name}`{place} is {value}: {used} are in use, and {} are to come",
        coming.made
    );
    // What goes may go before the other comes, or only after it.
    let is_sure = !is_within(whole.saturating_sub(coming.deleted), value);
    let help = more(aws, of, whole);
    let concern = if is_sure { Concern::sure } else { Concern::maybe };
    Ok(Some((coming.first.cloned(), concern("", title, help))))
}

/// The tasks that the stack itself is to run, beside which others may run too.
async fn tasks(aws: &Aws, of: &Of, vcpus: f64, first: &Address) -> Result<Option<Foreseen>> {
    if vcpus <= 0.0 {
        return Ok(None);
    }
    let Some(Limit { name, value }) = limit(aws, of).await? else { return Ok(None) };
    if vcpus <= value {
        return Ok(None);
    }
    let title = format!(
        "the quota `{name}` is {value}, and the tasks of this stack alone have {vcpus} vCPUs"
    );
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "what Fargate runs is a small number"
    )]
    let help = more(aws, of, vcpus.ceil() as usize);
    Ok(Some((Some(first.clone()), Concern::sure("", title, help))))
}

#[expect(clippy::cast_precision_loss, reason = "counts of resources are small")]
fn is_within(count: usize, value: f64) -> bool {
    count as f64 <= value
}

/// The command that asks for more (`RequestServiceQuotaIncrease` in the Service Quotas API
/// reference).
fn more(aws: &Aws, of: &Of, wanted: usize) -> String {
    let (service, quota) = of.codes();
    format!(
        "ask AWS for more, which may take days: `aws service-quotas \
         request-service-quota-increase --service-code {service} --quota-code {quota} \
         --desired-value {wanted} --region {}`",
        aws.region
    )
}

/// The zone that a NAT gateway of the stack is in, where its subnet is one of the stack's.
fn zone(stack: &Stack, gateway: &Value) -> Option<String> {
    let subnet = referred(stack, &gateway["subnet"])?;
    Some(subnet["zone"].as_str()?.to_owned())
}

/// What a reference of a spec leads to in the stack.
fn referred<'a>(stack: &'a Stack, reference: &Value) -> Option<&'a Value> {
    let address: Address = reference["ref"].as_str()?.parse().ok()?;
    stack.resources.get(&address).map(|desired| &desired.spec)
}

/// The vCPUs of the tasks that services are to have in a place, on capacity that stays and on spare
/// one. Of the latter so many as their weight is a share of both ("Amazon ECS capacity providers for
/// Fargate" in the ECS developer guide).
fn vcpus(stack: &Stack, place: &Place) -> (f64, f64) {
    let services = stack.resources.iter();
    let services = services.filter(|(address, it)| address.kind == "service" && it.place == *place);
    let each = services.filter_map(|(_, service)| {
        let spec = &service.spec;
        let count = spec["count"].as_f64().or_else(|| spec["initial-count"].as_f64())?;
        let definition = referred(stack, &spec["task-definition"])?;
        let vcpus = definition["cpu"].as_f64()? / 1024.0;
        let capacity = &spec["capacity"];
        let base = capacity["base"].as_f64().unwrap_or_default().min(count);
        let (stays, spare) = (
            capacity["fargate"].as_f64().unwrap_or(1.0),
            capacity["spot"].as_f64().unwrap_or_default(),
        );
        let part = if spare > 0.0 { spare / (stays + spare) } else { 0.0 };
        let on_spot = ((count - base) * part).floor();
        Some(((count - on_spot) * vcpus, on_spot * vcpus))
    });
    each.fold((0.0, 0.0), |(stays, spare), (more, rest)| (stays + more, spare + rest))
}
