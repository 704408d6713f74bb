//! Target groups on ELB: CreateTargetGroup, ModifyTargetGroup, ModifyTargetGroupAttributes,
//! DescribeTargetGroups, DescribeTargetGroupAttributes, DeleteTargetGroup.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::operation::describe_target_groups::builders::DescribeTargetGroupsFluentBuilder;
use aws_sdk_elasticloadbalancingv2::types::{
    Matcher, ProtocolEnum, TargetDescription, TargetGroup as Described, TargetGroupAttribute,
    TargetHealthDescription, TargetHealthStateEnum, TargetTypeEnum,
};
use deployer_core::{Opaque, Phase, Ref};
use deployer_engine::{
    Context, Found, Look, Progress, Resource, Result, Survey, unless_gone_for_good,
};
use deployer_kinds::{
    CheckProtocol, HealthCheck, TargetGroup, TargetGroupOutput, TargetGroupSpec, TargetProtocol,
    TargetVersion,
};
use futures_util::future::try_join_all;

use crate::Aws;
use crate::ec2::blockers::interfaces;
use crate::ec2::{FILTERED, one_of};
use crate::elb::inventory::with_tags;
use crate::elb::{self, Attributes, Settings, setting, tagged};
use crate::index::{TagIndex, by_name, id};
use crate::missing::Required;
use crate::ownership::{self, Owned, readable};
use crate::send::unless_gone;

const DELAY: &str = "deregistration_delay.timeout_seconds";
const SLOW_START: &str = "slow_start.duration_seconds";
const STICKINESS: &str = "stickiness.enabled";
const STICKINESS_TYPE: &str = "stickiness.type";
const PRESERVE_CLIENT_IP: &str = "preserve_client_ip.enabled";
const TERMINATION: &str = "deregistration_delay.connection_termination.enabled";
const STICKINESS_SECONDS: &str = "stickiness.lb_cookie.duration_seconds";

/// Checks go to the port a target is registered with.
const TRAFFIC_PORT: &str = "traffic-port";

const CREATE: &str = "create the target group";

impl Resource<Aws> for TargetGroup {
    const READ_BY_NAME: bool = true;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let names = survey.shared.get::<TagIndex>().names::<Self>(survey, name).await;
        let (name, id) = (Described::target_group_name, Described::target_group_arn);
        let describe = |names| describe(survey.cloud, names);
        let groups = by_name::<Self, _, _>(survey, names, name, id, describe).await?;
        let groups = with_tags(survey, groups, |group| group.target_group_arn.clone()).await?;
        let ours = groups.iter().filter_map(|group| {
            let name = group.thing.target_group_name();
            Some((Owned::named::<Self>(survey.scope, name, &group.tags)?, group))
        });
        let lives = ours.map(|(owned, group)| {
            Box::pin(async move {
                let read = look(survey, &owned, &group.arn, &group.thing).await;
                let read = read.transpose();
                read.and_then(|it| readable(survey, &owned, Some(&group.arn), it)).transpose()
            })
        });
        Ok(try_join_all(lives).await?.into_iter().flatten().collect())
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let request = survey.cloud.elb.describe_target_groups();
        let request =
            if elb::is_arn(id) { request.target_group_arns(id) } else { request.names(id) };
        let answer = survey
            .cloud
            .send(&elb::DESCRIBE_TARGET_GROUPS, "look at the target group", || {
                request.clone().send()
            })
            .await;
        let groups = unless_gone(answer)?.and_then(|answer| answer.target_groups);
        let Some(group) = groups.and_then(|mut groups| groups.pop()) else { return Ok(None) };
        let id = group.target_group_arn().required("the ARN of a target group")?;
        let Some(tags) = elb::tags_of(survey.cloud, id).await? else { return Ok(None) };
        let owned = Owned::read::<Self>(survey.scope, group.target_group_name(), &tags);
        look(survey, &owned, id, &group).await
    }

    async fn create(cx: &Context<'_, Aws>, spec: &TargetGroupSpec) -> Result<TargetGroupOutput> {
        let name = &cx.identity.name;
        // CreateTargetGroup hands back one of that name and settings whosever it is, so it is
        // looked for first (Terraform's provider does the same).
        if let Some(other) = named(cx.cloud, name).await? {
            let arn = other.target_group_arn().required("the ARN of a target group")?;
            let tags = elb::tags(cx.cloud, &[arn.to_owned()]).await?;
            // One without an entry went away since.
            let tags = tags.get(arn);
            if tags.is_some() && !ownership::is_this::<Self>(cx, arn, Some(name), tags) {
                return Err(ownership::taken(cx, elb::CREATE_TARGET_GROUP.attempted(CREATE), arn));
            }
        }
        let health = spec.health_check.wanted()?;
        let (spoken, http) = (*spec.protocol.wanted()?, *spec.version.wanted()?);
        let is_http = !spoken.is_of_network();
        let request = cx
            .cloud
            .elb
            .create_target_group()
            .name(name)
            .vpc_id(spec.vpc.id())
            .target_type(TargetTypeEnum::Ip)
            .port(spec.port.into())
            .protocol(protocol(spoken))
            .set_protocol_version(is_http.then(|| version(http).to_owned()))
            .health_check_enabled(true)
            .health_check_protocol(check_protocol(health.protocol, spoken))
            .health_check_port(check_port(health.port))
            .set_health_check_path(check_path(health, spoken))
            .health_check_interval_seconds(seconds(health.interval))
            .health_check_timeout_seconds(seconds(health.timeout))
            .healthy_threshold_count(seconds(health.healthy))
            .unhealthy_threshold_count(seconds(health.unhealthy))
            .set_matcher(health.asks_http(spoken).then(|| matcher(http, &health.codes)))
            .set_tags(Some(tagged(cx.identity)));
        let made =
            cx.cloud.send(&elb::CREATE_TARGET_GROUP, CREATE, || request.clone().send()).await?;
        let group = made.target_groups.unwrap_or_default().pop();
        let id = group.and_then(|group| group.target_group_arn);
        let id = id.required("the ARN of the target group")?;
        let wanted = elb::differing(&new(spoken), settings(spec));
        set_attributes(cx.cloud, &id, wanted).await?;
        Ok(output(id))
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &TargetGroupSpec,
    ) -> Result<TargetGroupOutput> {
        let id = &live.output.id;
        if live.spec.health_check != spec.health_check {
            let health = spec.health_check.wanted()?;
            let (spoken, http) = (*spec.protocol.wanted()?, *spec.version.wanted()?);
            let request = cx
                .cloud
                .elb
                .modify_target_group()
                .target_group_arn(id)
                .health_check_enabled(true)
                .health_check_protocol(check_protocol(health.protocol, spoken))
                .health_check_port(check_port(health.port))
                .set_health_check_path(check_path(health, spoken))
                .health_check_interval_seconds(seconds(health.interval))
                .health_check_timeout_seconds(seconds(health.timeout))
                .healthy_threshold_count(seconds(health.healthy))
                .unhealthy_threshold_count(seconds(health.unhealthy))
                .set_matcher(health.asks_http(spoken).then(|| matcher(http, &health.codes)));
            cx.cloud
                .send(&elb::MODIFY_TARGET_GROUP, "change the health check", || {
                    request.clone().send()
                })
                .await?;
        }
        let wanted = elb::differing(&settings(&live.spec), settings(spec));
        set_attributes(cx.cloud, id, wanted).await?;
        Ok(live.output.clone())
    }

    /// Whether tasks that were healthy pass the check they have now.
    async fn holds(cx: &Context<'_, Aws>, output: &TargetGroupOutput) -> Result<Progress<()>> {
        let targets = targets(cx.cloud, &output.id).await?;
        let is = |wanted: TargetHealthStateEnum| {
            targets.iter().filter(move |target| state(target) == Some(&wanted))
        };
        let healthy = is(TargetHealthStateEnum::Healthy).count();
        Ok(match is(TargetHealthStateEnum::Unhealthy).next() {
            Some(target) => Progress::Failed(failing(target)),
            None if targets.is_empty() => Progress::Done(()),
            // ECS has begun to replace them.
            None if healthy == 0 => Progress::Failed("no target is healthy any more".to_owned()),
            None => Progress::Waiting(format!("{healthy} targets are healthy")),
        })
    }

    async fn remember(cx: &Context<'_, Aws>, output: &TargetGroupOutput) -> Result<()> {
        elb::remember(cx, &output.id).await
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let request = cx.cloud.elb.delete_target_group().target_group_arn(&live.output.id);
        cx.cloud
            .send(&elb::DELETE_TARGET_GROUP, "delete the target group", || request.clone().send())
            .await?;
        Ok(Vec::new())
    }

    /// A new one is not found at once: Terraform's AWS provider asks again for minutes
    /// (`internal/service/elbv2`).
    async fn ready(
        cx: &Context<'_, Aws>,
        output: TargetGroupOutput,
    ) -> Result<Progress<TargetGroupOutput>> {
        let request = cx.cloud.elb.describe_target_groups().target_group_arns(&output.id);
        cx.cloud
            .send(&elb::DESCRIBE_TARGET_GROUPS, "look at the target group", || {
                request.clone().send()
            })
            .await?;
        Ok(Progress::Done(output))
    }
}

fn found(owned: &Owned, group: &Described, attributes: &Attributes) -> Result<Found<TargetGroup>> {
    let port = group.port().and_then(|port| u16::try_from(port).ok());
    let version = match group.protocol_version() {
        Some("HTTP1") => Some(TargetVersion::Http1),
        Some("HTTP2") => Some(TargetVersion::Http2),
        Some("GRPC") => Some(TargetVersion::Grpc),
        _ => None,
    };
    let spoken = match group.protocol() {
        Some(ProtocolEnum::Http) => Some(TargetProtocol::Http),
        Some(ProtocolEnum::Https) => Some(TargetProtocol::Https),
        Some(ProtocolEnum::Tcp) => Some(TargetProtocol::Tcp),
        Some(ProtocolEnum::Udp) => Some(TargetProtocol::Udp),
        Some(ProtocolEnum::TcpUdp) => Some(TargetProtocol::TcpUdp),
        Some(ProtocolEnum::Tls) => Some(TargetProtocol::Tls),
        _ => None,
    };
    Ok(Found {
        badge: owned.badge(),
        spec: of_its_protocol(TargetGroupSpec {
            vpc: Ref::physical(group.vpc_id().required("the VPC of a target group")?),
            load_balancer: group.load_balancer_arns().first().map(Ref::physical),
            port: port.required("the port of a target group")?,
            protocol: spoken.into(),
            version: version.into(),
            health_check: spoken.and_then(|spoken| health_check(group, spoken)).into(),
            deregistration_delay: elb::attribute(attributes, DELAY),
            slow_start: elb::attribute(attributes, SLOW_START),
            stickiness: stickiness(attributes),
            preserve_client_ip: elb::attribute(attributes, PRESERVE_CLIENT_IP),
            connection_termination: elb::attribute(attributes, TERMINATION),
        }),
        output: output(group.target_group_arn().required("the ARN of a target group")?.to_owned()),
        phase: Phase::Ready,
        state: String::new(),
        foreign: foreign(group, attributes),
    })
}

/// What one of its protocol does not have is as a spec has it that does not speak of it.
fn of_its_protocol(spec: TargetGroupSpec) -> TargetGroupSpec {
    let Some(protocol) = spec.protocol.known() else { return spec };
    if !protocol.is_of_network() {
        return TargetGroupSpec {
            preserve_client_ip: false.into(),
            connection_termination: true.into(),
            ..spec
        };
    }
    let preserve_client_ip =
        if protocol.has_datagrams() { false.into() } else { spec.preserve_client_ip };
    TargetGroupSpec {
        version: TargetVersion::Http1.into(),
        slow_start: 0.into(),
        preserve_client_ip,
        ..spec
    }
}

fn output(id: String) -> TargetGroupOutput {
    TargetGroupOutput { metrics: elb::named_in_metrics(&id), id }
}

/// The health check; none where it is of a make that this version does not know.
fn health_check(group: &Described, spoken: TargetProtocol) -> Option<HealthCheck> {
    let of = |value: Option<i32>| value.and_then(|value| value.try_into().ok());
    let protocol = match group.health_check_protocol()? {
        usual if *usual == check_protocol(CheckProtocol::Usual, spoken) => CheckProtocol::Usual,
        ProtocolEnum::Http => CheckProtocol::Http,
        ProtocolEnum::Https => CheckProtocol::Https,
        ProtocolEnum::Tcp => CheckProtocol::Tcp,
        _ => return None,
    };
    let port = match group.health_check_port()? {
        TRAFFIC_PORT => 0,
        port => port.parse().ok()?,
    };
    let usual = HealthCheck { protocol, port, ..HealthCheck::default() };
    let asks_http = usual.asks_http(spoken);
    // It has those of gRPC or those of HTTP (ELB API reference, `Matcher`).
    let codes = group.matcher().and_then(|matcher| matcher.grpc_code().or(matcher.http_code()));
    let (path, codes) = match (group.health_check_path(), codes) {
        (Some(path), Some(codes)) if asks_http => (path.to_owned(), codes.to_owned()),
        _ if asks_http => return None,
        _ => (usual.path, usual.codes),
    };
    Some(HealthCheck {
        protocol,
        port,
        path,
        interval: of(group.health_check_interval_seconds())?,
        timeout: of(group.health_check_timeout_seconds())?,
        healthy: of(group.healthy_threshold_count())?,
        unhealthy: of(group.unhealthy_threshold_count())?,
        codes,
    })
}

/// What no spec can say of a target group.
fn foreign(group: &Described, attributes: &Attributes) -> Vec<String> {
    let mut foreign = Vec::new();
    let known = [
        ProtocolEnum::Http,
        ProtocolEnum::Https,
        ProtocolEnum::Tcp,
        ProtocolEnum::Udp,
        ProtocolEnum::TcpUdp,
        ProtocolEnum::Tls,
    ];
    if let Some(protocol) = group.protocol().filter(|protocol| !known.contains(protocol)) {
        foreign.push(format!("the protocol {protocol}"));
    }
    let known = [TargetVersion::Http1, TargetVersion::Http2, TargetVersion::Grpc].map(version);
    if let Some(version) = group.protocol_version().filter(|version| !known.contains(version)) {
        foreign.push(format!("the version {version}"));
    }
    let is_sticky = attributes.get(STICKINESS).is_some_and(|value| value == "true");
    if let Some(other) = attributes.get(STICKINESS_TYPE).filter(|other| *other != "lb_cookie")
        && is_sticky
    {
        foreign.push(format!("stickiness of the type {other}"));
    }
    foreign
}

fn stickiness(attributes: &Attributes) -> Opaque<u32> {
    match elb::attribute(attributes, STICKINESS) {
        Opaque::Known(true) => elb::attribute(attributes, STICKINESS_SECONDS),
        Opaque::Known(false) => 0.into(),
        Opaque::Unread => Opaque::Unread,
    }
}

/// What a new target group has: of attributes that are so already nothing is said, since a
/// partition may not know them (ELB user guide, "Target group attributes").
fn new(protocol: TargetProtocol) -> Settings {
    let as_usual = |key, value: &str| (key, Some(value.to_owned()));
    if protocol.is_of_network() {
        return Settings::from([
            as_usual(DELAY, "300"),
            as_usual(STICKINESS, "false"),
            as_usual(PRESERVE_CLIENT_IP, "false"),
            as_usual(TERMINATION, if protocol.has_datagrams() { "true" } else { "false" }),
        ]);
    }
    Settings::from([
        as_usual(DELAY, "300"),
        as_usual(SLOW_START, "0"),
        as_usual(STICKINESS, "false"),
        as_usual(STICKINESS_TYPE, "lb_cookie"),
    ])
}

fn settings(spec: &TargetGroupSpec) -> Settings {
    let is_sticky = spec.stickiness.known().map(|seconds| *seconds > 0);
    let protocol = spec.protocol.known().copied().unwrap_or_default();
    if protocol.is_of_network() {
        let mut settings = Settings::from([
            (DELAY, setting(&spec.deregistration_delay)),
            (STICKINESS, is_sticky.map(|is_sticky| is_sticky.to_string())),
            (TERMINATION, setting(&spec.connection_termination)),
        ]);
        if !protocol.has_datagrams() {
            settings.insert(PRESERVE_CLIENT_IP, setting(&spec.preserve_client_ip));
        }
        return settings;
    }
    let mut settings = Settings::from([
        (DELAY, setting(&spec.deregistration_delay)),
        (SLOW_START, setting(&spec.slow_start)),
        (STICKINESS, is_sticky.map(|is_sticky| is_sticky.to_string())),
    ]);
    // Who does not stick has no use for a duration.
    if is_sticky != Some(false) {
        settings.insert(STICKINESS_TYPE, is_sticky.map(|_| "lb_cookie".to_owned()));
        settings.insert(STICKINESS_SECONDS, setting(&spec.stickiness));
    }
    settings
}

fn protocol(protocol: TargetProtocol) -> ProtocolEnum {
    match protocol {
        TargetProtocol::Http => ProtocolEnum::Http,
        TargetProtocol::Https => ProtocolEnum::Https,
        TargetProtocol::Tcp => ProtocolEnum::Tcp,
        TargetProtocol::Udp => ProtocolEnum::Udp,
        TargetProtocol::TcpUdp => ProtocolEnum::TcpUdp,
        TargetProtocol::Tls => ProtocolEnum::Tls,
    }
}

/// How targets that are spoken to in a protocol are asked.
fn check_protocol(check: CheckProtocol, spoken: TargetProtocol) -> ProtocolEnum {
    match check {
        CheckProtocol::Usual if spoken.is_of_network() => ProtocolEnum::Tcp,
        CheckProtocol::Usual => protocol(spoken),
        CheckProtocol::Http => ProtocolEnum::Http,
        CheckProtocol::Https => ProtocolEnum::Https,
        CheckProtocol::Tcp => ProtocolEnum::Tcp,
    }
}

fn check_port(port: u16) -> String {
    if port == 0 { TRAFFIC_PORT.to_owned() } else { port.to_string() }
}

/// The path, where one is asked for.
fn check_path(health: &HealthCheck, spoken: TargetProtocol) -> Option<String> {
    health.asks_http(spoken).then(|| health.path.clone())
}

fn version(version: TargetVersion) -> &'static str {
    match version {
        TargetVersion::Http1 => "HTTP1",
        TargetVersion::Http2 => "HTTP2",
        TargetVersion::Grpc => "GRPC",
    }
}

fn matcher(version: TargetVersion, codes: &str) -> Matcher {
    match version {
        TargetVersion::Grpc => Matcher::builder().grpc_code(codes),
        TargetVersion::Http1 | TargetVersion::Http2 => Matcher::builder().http_code(codes),
    }
    .build()
}

/// The specs' numbers are checked to be small when the stack is loaded.
fn seconds(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

async fn set_attributes(aws: &Aws, id: &str, wanted: Attributes) -> Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let attributes = wanted
        .into_iter()
        .map(|(key, value)| TargetGroupAttribute::builder().key(key).value(value).build());
    let request = aws
        .elb
        .modify_target_group_attributes()
        .target_group_arn(id)
        .set_attributes(Some(attributes.collect()));
    aws.send(&elb::MODIFY_TARGET_GROUP_ATTRIBUTES, "set the target group's attributes", || {
        request.clone().send()
    })
    .await?;
    Ok(())
}

/// The attributes; none when the target group is gone.
async fn attributes(aws: &Aws, id: &str) -> Result<Option<Attributes>> {
    let request = aws.elb.describe_target_group_attributes().target_group_arn(id);
    let answer = unless_gone_for_good(|| {
        aws.send(
            &elb::DESCRIBE_TARGET_GROUP_ATTRIBUTES,
            "read the target group's attributes",
            || request.clone().send(),
        )
    })
    .await?;
    Ok(answer.map(|answer| {
        let attributes = answer.attributes.unwrap_or_default().into_iter();
        attributes.filter_map(|attribute| attribute.key.zip(attribute.value)).collect()
    }))
}

/// Seconds that clients stay with a target of a group; 0 where they do not, or where it is gone.
pub(super) async fn sticky(aws: &Aws, id: &str) -> Result<u32> {
    let attributes = attributes(aws, id).await?.unwrap_or_default();
    Ok(stickiness(&attributes).known().copied().unwrap_or_default())
}

/// The targets of a group, with what is said of their health.
pub(super) async fn targets(aws: &Aws, id: &str) -> Result<Vec<TargetHealthDescription>> {
    let request = aws.elb.describe_target_health().target_group_arn(id);
    let answer =
        aws.send(&elb::DESCRIBE_TARGET_HEALTH, "find the targets", || request.clone().send());
    Ok(answer.await?.target_health_descriptions.unwrap_or_default())
}

pub(super) fn state(target: &TargetHealthDescription) -> Option<&TargetHealthStateEnum> {
    target.target_health().and_then(|health| health.state())
}

/// What is said of a target that fails its checks.
fn failing(target: &TargetHealthDescription) -> String {
    let address = target.target().and_then(TargetDescription::id).unwrap_or("a target");
    let why = target.target_health().and_then(|health| health.description());
    format!("{address}: {}", why.unwrap_or("it is unhealthy"))
}

/// The targets that ECS did not register, so that somebody did by hand.
async fn strangers(aws: &Aws, id: &str) -> Result<Vec<String>> {
    let targets = unless_gone(targets(aws, id).await)?.unwrap_or_default();
    let targets: Vec<(String, i32)> = targets
        .into_iter()
        // What has been deregistered stays in the list until its connections have ended.
        .filter(|target| state(target) != Some(&TargetHealthStateEnum::Draining))
        .filter_map(|target| target.target)
        .map(|target| (target.id.unwrap_or_default(), target.port.unwrap_or_default()))
        .collect();
    let mut of_tasks = BTreeSet::new();
    for targets in targets.chunks(FILTERED) {
        let addresses = targets.iter().map(|(address, _)| address.as_str());
        let found = interfaces(aws, one_of("addresses.private-ip-address", addresses)).await?;
        // The interface of a task is described by the ARN of its attachment (seen; assumed to
        // stay so).
        of_tasks.extend(found.into_iter().filter_map(|interface| {
            let is_of_a_task = interface.description()?.contains(":attachment/");
            interface.private_ip_address.filter(|_| is_of_a_task)
        }));
    }
    let strangers = targets.into_iter().filter(|(address, _)| !of_tasks.contains(address));
    Ok(strangers.map(|(address, port)| format!("target {address}:{port}")).collect())
}

/// The target groups of these names, or all of the account.
pub(crate) async fn describe(aws: &Aws, names: Option<Vec<String>>) -> Result<Vec<Described>> {
    pages(aws, aws.elb.describe_target_groups().set_names(names)).await
}

/// The ARNs of the target groups that a load balancer leads to.
pub(super) async fn behind(aws: &Aws, balancer: &str) -> Result<Vec<String>> {
    let groups = pages(aws, aws.elb.describe_target_groups().load_balancer_arn(balancer)).await?;
    Ok(groups.into_iter().filter_map(|group| group.target_group_arn).collect())
}

/// All pages of an answer.
async fn pages(aws: &Aws, request: DescribeTargetGroupsFluentBuilder) -> Result<Vec<Described>> {
    let pages = aws
        .pages(
            &elb::DESCRIBE_TARGET_GROUPS,
            "find the target groups",
            |token| request.clone().set_marker(token).send(),
            |page| page.next_marker(),
        )
        .await?;
    Ok(pages.into_iter().flat_map(|page| page.target_groups.unwrap_or_default()).collect())
}

/// The target group of this name, whosever it is.
async fn named(aws: &Aws, name: &str) -> Result<Option<Described>> {
    let found = describe(aws, Some(vec![name.to_owned()])).await;
    Ok(unless_gone(found)?.and_then(|mut found| found.pop()))
}

/// The name of a target group in its ARN: `…:targetgroup/NAME/ID`.
fn name(arn: &str) -> Option<&str> {
    id(arn, ("elasticloadbalancing", "targetgroup/"))?.split('/').next()
}

/// Looks at what DescribeTargetGroups leaves out; none when the group is gone.
async fn look(
    survey: &Survey<'_, Aws>,
    owned: &Owned,
    id: &str,
    group: &Described,
) -> Result<Option<Found<TargetGroup>>> {
    let Some(attributes) = attributes(survey.cloud, id).await? else { return Ok(None) };
    let mut found = found(owned, group, &attributes)?;
    if survey.look != Look::Quick {
        found.foreign.extend(strangers(survey.cloud, id).await?);
    }
    Ok(Some(found))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec(fields: &serde_json::Value) -> TargetGroupSpec {
        let mut spec = json!({ "vpc": { "id": "vpc-1" }, "port": 80 });
        spec.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(spec).unwrap()
    }

    #[test]
    fn no_stickiness_leaves_its_duration_alone() {
        let is_set = |fields| settings(&spec(&fields)).contains_key(STICKINESS_SECONDS);
        assert!(!is_set(json!({})));
        assert!(is_set(json!({ "stickiness": 60 })));
    }

    #[test]
    fn a_grpc_group_is_healthy_by_its_own_codes() {
        assert_eq!(matcher(TargetVersion::Grpc, "0").grpc_code(), Some("0"));
        assert_eq!(matcher(TargetVersion::Http2, "200-299").http_code(), Some("200-299"));
    }
}
