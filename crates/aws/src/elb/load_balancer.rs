//! Load balancers on ELB: CreateLoadBalancer, ModifyLoadBalancerAttributes, SetSubnets,
//! SetSecurityGroups, DescribeLoadBalancers, DescribeLoadBalancerAttributes, DeleteLoadBalancer. The
//! web ACL of an application load balancer is AWS WAF's.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::types::{
    IpAddressType, Listener as DescribedListener, LoadBalancer as Described, LoadBalancerAttribute,
    LoadBalancerSchemeEnum, LoadBalancerStateEnum, LoadBalancerTypeEnum, SubnetMapping,
};
use deployer_core::{Cause, Opaque, Phase, Ref, Text};
use deployer_engine::{Context, Found, Progress, Resource, Result, Survey, unless_gone_for_good};
use deployer_kinds::{
    BalancerType, Listener, LoadBalancer, LoadBalancerOutput, LoadBalancerSpec, StaticAddress,
};
use futures_util::future::try_join_all;

use crate::Aws;
use crate::ec2::{blockers, filter};
use crate::elb::inventory::{self, Inventory, Tagged};
use crate::elb::{self, Attributes, Settings, setting};
use crate::iam::linked_role;
use crate::missing::Required;
use crate::ownership::{self, Kept, Owned, readable};
use crate::send::unless_gone;
use crate::wafv2;

const PROTECTION: &str = "deletion_protection.enabled";
const IDLE_TIMEOUT: &str = "idle_timeout.timeout_seconds";
const KEEP_ALIVE: &str = "client_keep_alive.seconds";
const HTTP2: &str = "routing.http2.enabled";
const DROP_HEADERS: &str = "routing.http.drop_invalid_header_fields.enabled";
const PRESERVE_HOST: &str = "routing.http.preserve_host_header.enabled";
const CROSS_ZONE: &str = "load_balancing.cross_zone.enabled";

/// The field that keeps which web ACL we put there, three characters: what it is put on says nothing
/// of who did.
const GIVEN: &str = "web-acl";

const CREATE: &str = "create the load balancer";

impl Resource<Aws> for LoadBalancer {
    const READ_BY_NAME: bool = true;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let inventory = survey.shared.get::<Inventory>();
        let ours = inventory.balancers(survey).await?.iter().filter_map(|balancer| {
            let name = balancer.thing.load_balancer_name();
            Some((Owned::named::<Self>(survey.scope, name, &balancer.tags)?, balancer))
        });
        let ours: Vec<_> = ours.collect();
        let attributes =
            try_join_all(ours.iter().map(|(_, balancer)| attributes(survey.cloud, &balancer.arn)));
        let web_acls =
            try_join_all(ours.iter().map(|(owned, it)| web_acl(survey.cloud, owned, &it.arn)));
        let (attributes, web_acls, listeners) =
            tokio::try_join!(attributes, web_acls, inventory.listeners(survey))?;
        ours.into_iter()
            .zip(attributes.into_iter().zip(web_acls))
            .filter_map(|((owned, balancer), (attributes, web_acl))| {
                // One without attributes went away between the calls.
                let foreign = foreign_listeners(survey, &balancer.arn, listeners);
                let read = found(&owned, &balancer.thing, &attributes?, web_acl, foreign);
                readable(survey, &owned, Some(&balancer.arn), read)
            })
            .collect()
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let Some(balancer) = unless_gone(look(survey.cloud, id).await)? else { return Ok(None) };
        let id = balancer.load_balancer_arn().required("the ARN of a load balancer")?;
        let (tags, attributes, listeners) = tokio::try_join!(
            elb::tags_of(survey.cloud, id),
            attributes(survey.cloud, id),
            inventory::tagged_listeners(survey, id),
        )?;
        let Some((tags, attributes)) = tags.zip(attributes) else { return Ok(None) };
        let name = balancer.load_balancer_name();
        let owned = Owned::read::<Self>(survey.scope, name, &tags);
        let web_acl = web_acl(survey.cloud, &owned, id).await?;
        let foreign = foreign_listeners(survey, id, &listeners);
        found(&owned, &balancer, &attributes, web_acl, foreign).map(Some)
    }

    async fn create(cx: &Context<'_, Aws>, spec: &LoadBalancerSpec) -> Result<LoadBalancerOutput> {
        let name = &cx.identity.name;
        linked_role::ensure(cx.cloud, "elasticloadbalancing.amazonaws.com").await?;
        // CreateLoadBalancer hands back one of that name and settings whosever it is, so it is
        // looked for first (Terraform's provider does the same).
        if let Some(other) = unless_gone(look(cx.cloud, name).await)? {
            let arn = other.load_balancer_arn().required("the ARN of a load balancer")?;
            let tags = elb::tags(cx.cloud, &[arn.to_owned()]).await?;
            // One without an entry went away since.
            let tags = tags.get(arn);
            if tags.is_some() && !ownership::is_this::<Self>(cx, arn, Some(name), tags) {
                return Err(ownership::taken(cx, elb::CREATE_LOAD_BALANCER.attempted(CREATE), arn));
            }
        }
        let scheme = if spec.internal {
            LoadBalancerSchemeEnum::Internal
        } else {
            LoadBalancerSchemeEnum::InternetFacing
        };
        let kind = *spec.kind.wanted()?;
        let request = cx
            .cloud
            .elb
            .create_load_balancer()
            .name(name)
            .r#type(match kind {
                BalancerType::Application => LoadBalancerTypeEnum::Application,
                BalancerType::Network => LoadBalancerTypeEnum::Network,
            })
            .scheme(scheme)
            .set_subnets(subnets(spec))
            .set_subnet_mappings(mappings(spec))
            .set_security_groups(Some(ids(spec.security_groups.iter().map(Ref::id))))
            .set_tags(Some(elb::keeping(cx.identity, &kept(&[spec]))));
        let made =
            cx.cloud.send(&elb::CREATE_LOAD_BALANCER, CREATE, || request.clone().send()).await?;
        let balancer = made.load_balancers.unwrap_or_default().pop();
        let output = output(&balancer.required("the load balancer just made")?)?;
        // Attributes can be set while it is provisioning: the AWS Load Balancer Controller does.
        let wanted = elb::differing(&new(kind), settings(spec));
        set_attributes(cx.cloud, &output.id, wanted).await?;
        if let Some(web_acl) = wanted_web_acl(spec) {
            wafv2::put(cx.cloud, &output.id, web_acl, "").await?;
        }
        Ok(output)
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &LoadBalancerSpec,
    ) -> Result<LoadBalancerOutput> {
        let id = &live.output.id;
        if live.spec.security_groups != spec.security_groups {
            let groups = ids(spec.security_groups.iter().map(Ref::id));
            let request = cx
                .cloud
                .elb
                .set_security_groups()
                .load_balancer_arn(id)
                .set_security_groups(Some(groups));
            cx.cloud
                .send(&elb::SET_SECURITY_GROUPS, "set the load balancer's security groups", || {
                    request.clone().send()
                })
                .await?;
        }
        if (&live.spec.subnets, &live.spec.addresses) != (&spec.subnets, &spec.addresses) {
            let request = cx
                .cloud
                .elb
                .set_subnets()
                .load_balancer_arn(id)
                .set_subnets(subnets(spec))
                .set_subnet_mappings(mappings(spec));
            cx.cloud
                .send(&elb::SET_SUBNETS, "set the load balancer's subnets", || {
                    request.clone().send()
                })
                .await?;
        }
        let wanted = elb::differing(&settings(&live.spec), settings(spec));
        set_attributes(cx.cloud, id, wanted).await?;
        let (was, will) = (wanted_web_acl(&live.spec), wanted_web_acl(spec));
        if was != will {
            // Whenever this ends, what was put there is known for ours.
            elb::keep(cx.cloud, id, &kept(&[&live.spec, spec])).await?;
            match (was, will) {
                (_, Some(will)) => {
                    wafv2::put(cx.cloud, id, will, was.unwrap_or_default()).await?;
                }
                (was, None) => wafv2::take(cx.cloud, id, was.unwrap_or_default()).await?,
            }
            elb::keep(cx.cloud, id, &given(&[spec])).await?;
        }
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &LoadBalancerOutput) -> Result<()> {
        elb::remember(cx, &output.id).await
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let id = &live.output.id;
        if live.spec.deletion_protection == true.into() {
            let off = Attributes::from([(PROTECTION.to_owned(), "false".to_owned())]);
            set_attributes(cx.cloud, id, off).await?;
        }
        let request = cx.cloud.elb.delete_load_balancer().load_balancer_arn(id);
        cx.cloud
            .send(&elb::DELETE_LOAD_BALANCER, "delete the load balancer", || request.clone().send())
            .await?;
        Ok(Vec::new())
    }

    async fn ready(
        cx: &Context<'_, Aws>,
        output: LoadBalancerOutput,
    ) -> Result<Progress<LoadBalancerOutput>> {
        let balancer = look(cx.cloud, &output.id).await?;
        let state = balancer.state().required("the state of a load balancer")?;
        Ok(match state.code().required("the state of a load balancer")? {
            LoadBalancerStateEnum::Active | LoadBalancerStateEnum::ActiveImpaired => {
                Progress::Done(self::output(&balancer)?)
            }
            LoadBalancerStateEnum::Failed => {
                Progress::Failed(state.reason().unwrap_or("AWS does not say why").to_owned())
            }
            other => Progress::Waiting(other.to_string()),
        })
    }

    /// Its network interfaces outlive it for a while, and hold its subnets and security groups.
    async fn gone(cx: &Context<'_, Aws>, output: &LoadBalancerOutput) -> Result<Progress<()>> {
        match look(cx.cloud, &output.id).await {
            Ok(_) => return Ok(Progress::Waiting("deleting".to_owned())),
            Err(failure) if failure.cause == Cause::Gone => {}
            Err(failure) => return Err(failure),
        }
        let Some((_, tail)) = output.id.split_once(":loadbalancer/") else {
            return Ok(Progress::Done(()));
        };
        let interfaces =
            blockers::interfaces(cx.cloud, filter("description", &format!("ELB {tail}"))).await?;
        Ok(match interfaces.len() {
            0 => Progress::Done(()),
            1 => Progress::Waiting("1 network interface of the load balancer lingers".to_owned()),
            count => {
                Progress::Waiting(format!("{count} network interfaces of the load balancer linger"))
            }
        })
    }
}

/// One that failed counts as leaving, so that it is replaced.
fn found(
    owned: &Owned,
    balancer: &Described,
    attributes: &Attributes,
    web_acl: Option<String>,
    mut foreign: Vec<String>,
) -> Result<Found<LoadBalancer>> {
    let state = balancer.state().and_then(|state| state.code());
    let state = state.required("the state of a load balancer")?;
    let zones = balancer.availability_zones().iter();
    if let Some(other) = balancer.ip_address_type().filter(|other| **other != IpAddressType::Ipv4) {
        foreign.push(format!("addresses of the type {other}"));
    }
    let (ours, others): (Vec<_>, Vec<_>) =
        web_acl.into_iter().partition(|web_acl| owned.is_given(GIVEN, web_acl));
    let others = others.iter();
    foreign.extend(others.map(|arn| format!("the association of {arn}, not made by this stack")));
    let scheme = balancer.scheme().required("the scheme of a load balancer")?;
    let kind = match balancer.r#type().required("the type of a load balancer")? {
        LoadBalancerTypeEnum::Application => Some(BalancerType::Application),
        LoadBalancerTypeEnum::Network => Some(BalancerType::Network),
        other => {
            foreign.push(format!("the type {other}"));
            None
        }
    };
    let spec = LoadBalancerSpec {
        kind: kind.into(),
        subnets: zones.filter_map(|zone| zone.subnet_id()).map(Ref::physical).collect(),
        addresses: addresses(balancer),
        security_groups: balancer.security_groups().iter().map(Ref::physical).collect(),
        internal: *scheme == LoadBalancerSchemeEnum::Internal,
        deletion_protection: elb::attribute(attributes, PROTECTION),
        idle_timeout: elb::attribute(attributes, IDLE_TIMEOUT),
        client_keep_alive: elb::attribute(attributes, KEEP_ALIVE),
        http2: elb::attribute(attributes, HTTP2),
        drop_invalid_headers: elb::attribute(attributes, DROP_HEADERS),
        preserve_host: elb::attribute(attributes, PRESERVE_HOST),
        web_acl: Text::from(ours.concat()),
        cross_zone: elb::attribute(attributes, CROSS_ZONE),
    };
    Ok(Found {
        badge: owned.badge(),
        spec: of_its_type(spec),
        output: output(balancer)?,
        phase: match state {
            LoadBalancerStateEnum::Provisioning => Phase::Settling,
            LoadBalancerStateEnum::Failed => Phase::Leaving,
            _ => Phase::Ready,
        },
        state: state.to_string(),
        foreign,
    })
}

pub(super) fn output(balancer: &Described) -> Result<LoadBalancerOutput> {
    let of = |value: Option<&str>, what| value.required(what).map(ToOwned::to_owned);
    let id = of(balancer.load_balancer_arn(), "the ARN of a load balancer")?;
    Ok(LoadBalancerOutput {
        metrics: elb::named_in_metrics(&id),
        id,
        dns: of(balancer.dns_name(), "the host name of a load balancer")?,
        zone: of(balancer.canonical_hosted_zone_id(), "the hosted zone of a load balancer")?,
    })
}

/// The web ACL that a load balancer has, where we have put one there: others may have put theirs
/// wherever they like, and nobody is asked for that.
async fn web_acl(aws: &Aws, owned: &Owned, arn: &str) -> Result<Option<String>> {
    match owned.kept(GIVEN) {
        Some("") | None => Ok(None),
        Some(_) => wafv2::of(aws, arn).await,
    }
}

fn wanted_web_acl(spec: &LoadBalancerSpec) -> Option<&str> {
    Some(spec.web_acl.resolved()).filter(|arn| !arn.is_empty())
}

/// What is kept of what was put there; nothing where nothing was.
fn kept(specs: &[&LoadBalancerSpec]) -> Kept {
    let mut kept = given(specs);
    kept.retain(|_, codes| !codes.is_empty());
    kept
}

fn given(specs: &[&LoadBalancerSpec]) -> Kept {
    Kept::from([(GIVEN, ownership::codes(specs.iter().filter_map(|spec| wanted_web_acl(spec))))])
}

/// What one of its type does not have is as a spec has it that does not speak of it.
fn of_its_type(spec: LoadBalancerSpec) -> LoadBalancerSpec {
    match spec.kind {
        Opaque::Known(BalancerType::Application) => {
            LoadBalancerSpec { cross_zone: false.into(), ..spec }
        }
        Opaque::Known(BalancerType::Network) => LoadBalancerSpec {
            idle_timeout: 60.into(),
            client_keep_alive: 3600.into(),
            http2: true.into(),
            drop_invalid_headers: false.into(),
            preserve_host: false.into(),
            ..spec
        },
        Opaque::Unread => spec,
    }
}

/// The elastic IPs of a network load balancer, by its subnets.
fn addresses(balancer: &Described) -> BTreeSet<StaticAddress> {
    let zones = balancer.availability_zones().iter();
    let all = zones.filter_map(|zone| {
        let mut addresses = zone.load_balancer_addresses().iter();
        let elastic_ip = addresses.find_map(|address| address.allocation_id())?;
        let (subnet, elastic_ip) = (Ref::physical(zone.subnet_id()?), Ref::physical(elastic_ip));
        Some(StaticAddress { subnet, elastic_ip })
    });
    all.collect()
}

/// The listeners of a load balancer that are not ours, in words.
fn foreign_listeners(
    survey: &Survey<'_, Aws>,
    balancer: &str,
    listeners: &[Tagged<DescribedListener>],
) -> Vec<String> {
    let foreign = listeners.iter().filter(|listener| {
        listener.thing.load_balancer_arn() == Some(balancer)
            && !inventory::is_ours::<Listener>(survey, listener)
    });
    foreign.map(|listener| foreign_listener(&listener.thing)).collect()
}

fn foreign_listener(listener: &DescribedListener) -> String {
    let port = listener.port().map(|port| port.to_string()).unwrap_or_default();
    format!("listener :{port}, not made by this stack")
}

/// Its subnets, where nothing more is said of them: CreateLoadBalancer and SetSubnets take them or
/// mappings (ELB API reference).
fn subnets(spec: &LoadBalancerSpec) -> Option<Vec<String>> {
    spec.addresses.is_empty().then(|| ids(spec.subnets.iter().map(Ref::id)))
}

/// Its subnets with their addresses.
fn mappings(spec: &LoadBalancerSpec) -> Option<Vec<SubnetMapping>> {
    let mapping = |it: &StaticAddress| {
        let mapping = SubnetMapping::builder().subnet_id(it.subnet.id());
        mapping.allocation_id(it.elastic_ip.id()).build()
    };
    (!spec.addresses.is_empty()).then(|| spec.addresses.iter().map(mapping).collect())
}

fn ids<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<String> {
    ids.map(ToOwned::to_owned).collect()
}

/// What a new load balancer has: of attributes that are so already nothing is said, since a
/// partition may not know them (ELB user guide, "Load balancer attributes").
fn new(kind: BalancerType) -> Settings {
    let as_usual = |key, value: &str| (key, Some(value.to_owned()));
    if kind == BalancerType::Network {
        return Settings::from([as_usual(PROTECTION, "false"), as_usual(CROSS_ZONE, "false")]);
    }
    Settings::from([
        as_usual(PROTECTION, "false"),
        as_usual(IDLE_TIMEOUT, "60"),
        as_usual(KEEP_ALIVE, "3600"),
        as_usual(HTTP2, "true"),
        as_usual(DROP_HEADERS, "false"),
        as_usual(PRESERVE_HOST, "false"),
    ])
}

fn settings(spec: &LoadBalancerSpec) -> Settings {
    if spec.kind == BalancerType::Network.into() {
        return Settings::from([
            (PROTECTION, setting(&spec.deletion_protection)),
            (CROSS_ZONE, setting(&spec.cross_zone)),
        ]);
    }
    Settings::from([
        (PROTECTION, setting(&spec.deletion_protection)),
        (IDLE_TIMEOUT, setting(&spec.idle_timeout)),
        (KEEP_ALIVE, setting(&spec.client_keep_alive)),
        (HTTP2, setting(&spec.http2)),
        (DROP_HEADERS, setting(&spec.drop_invalid_headers)),
        (PRESERVE_HOST, setting(&spec.preserve_host)),
    ])
}

async fn set_attributes(aws: &Aws, id: &str, wanted: Attributes) -> Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let attributes = wanted
        .into_iter()
        .map(|(key, value)| LoadBalancerAttribute::builder().key(key).value(value).build());
    let request = aws
        .elb
        .modify_load_balancer_attributes()
        .load_balancer_arn(id)
        .set_attributes(Some(attributes.collect()));
    aws.send(&elb::MODIFY_LOAD_BALANCER_ATTRIBUTES, "set the load balancer's attributes", || {
        request.clone().send()
    })
    .await?;
    Ok(())
}

/// The attributes; none when the load balancer is gone.
async fn attributes(aws: &Aws, id: &str) -> Result<Option<Attributes>> {
    let request = aws.elb.describe_load_balancer_attributes().load_balancer_arn(id);
    let answer = unless_gone_for_good(|| {
        aws.send(
            &elb::DESCRIBE_LOAD_BALANCER_ATTRIBUTES,
            "read the load balancer's attributes",
            || request.clone().send(),
        )
    })
    .await?;
    Ok(answer.map(|answer| {
        let attributes = answer.attributes.unwrap_or_default().into_iter();
        attributes.filter_map(|attribute| attribute.key.zip(attribute.value)).collect()
    }))
}

/// The load balancer that has this ARN or this name, whosever it is.
pub(super) async fn look(aws: &Aws, id: &str) -> Result<Described> {
    let request = aws.elb.describe_load_balancers();
    let request = if elb::is_arn(id) { request.load_balancer_arns(id) } else { request.names(id) };
    let answer = aws
        .send(&elb::DESCRIBE_LOAD_BALANCERS, "look at the load balancer", || request.clone().send())
        .await?;
    answer.load_balancers.unwrap_or_default().pop().required("the load balancer asked for")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_is_said_of_an_attribute_that_a_partition_does_not_have() {
        let spec = |fields: serde_json::Value| -> LoadBalancerSpec {
            let mut spec = json!({ "subnets": [], "security-groups": [] });
            spec.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            serde_json::from_value(spec).unwrap()
        };
        let usual = spec(json!({}));
        assert_eq!(
            elb::differing(&new(BalancerType::Application), settings(&usual)),
            Attributes::new()
        );
        let lacking = spec(json!({ "client-keep-alive": { "unread": true }, "idle-timeout": 5 }));
        let wanted = elb::differing(&settings(&lacking), settings(&usual));
        assert_eq!(wanted, Attributes::from([(IDLE_TIMEOUT.to_owned(), "60".to_owned())]));
    }
}
