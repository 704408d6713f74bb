//! Listeners on ELB: CreateListener, ModifyListener, DescribeListeners, DeleteListener.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::types::{
    Certificate as Shown, Listener as Described, ProtocolEnum, Rule as DescribedRule,
};
use deployer_core::{Cause, Failure, Phase, Ref, Scope, Text};
use deployer_engine::{Concern, Context, Found, Look, Progress, Resource, Result, Rival, Survey};
use deployer_kinds::{
    Certificate, Listener, ListenerCertificate, ListenerOutput, ListenerProtocol, ListenerRule,
    ListenerSpec,
};
use futures_util::future::try_join_all;

use crate::Aws;
use crate::acm::{self, certificate};
use crate::elb::inventory::{self, Inventory, Tagged};
use crate::elb::{self, action, certificates, tagged};
use crate::index::TagIndex;
use crate::missing::Required;
use crate::ownership::{self, Owned, Tags, named_owner, readable};
use crate::send::unless_gone;

const CREATE: &str = "create the listener";

/// What helps where a port is taken.
const OTHERWISE: &str = "take another port";

impl Resource<Aws> for Listener {
    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let inventory = survey.shared.get::<Inventory>();
        let (listeners, rules) =
            tokio::try_join!(inventory.listeners(survey), inventory.rules(survey))?;
        let ours = listeners.iter().filter_map(|listener| {
            Some((Owned::tagged::<Self>(survey.scope, &listener.tags)?, listener))
        });
        let ours: Vec<_> = ours.collect();
        let certificates = try_join_all(ours.iter().map(|(_, it)| beside(survey, &it.thing)));
        ours.iter()
            .zip(certificates.await?)
            .filter_map(|((owned, listener), (certificates, mut foreign))| {
                foreign.extend(foreign_rules(survey, &listener.arn, rules));
                let read = found(owned, &listener.thing, certificates, foreign);
                readable(survey, owned, Some(&listener.arn), read)
            })
            .collect()
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let Some(listener) = unless_gone(look(survey.cloud, id).await)? else { return Ok(None) };
        let (tags, rules) =
            tokio::try_join!(elb::tags_of(survey.cloud, id), inventory::tagged_rules(survey, id))?;
        let Some(tags) = tags else { return Ok(None) };
        let owned = Owned::read::<Self>(survey.scope, None, &tags);
        let (certificates, mut foreign) = beside(survey, &listener).await?;
        foreign.extend(foreign_rules(survey, id, &rules));
        found(&owned, &listener, certificates, foreign).map(Some)
    }

    async fn ids(survey: &Survey<'_, Aws>) -> Result<Vec<String>> {
        inventory::all_listeners(survey).await
    }

    async fn rival(
        survey: &Survey<'_, Aws>,
        _name: &str,
        spec: &ListenerSpec,
    ) -> Result<Option<Rival<Self>>> {
        let Some(balancer) = spec.load_balancer.known() else { return Ok(None) };
        let Some(id) = on_port(survey.cloud, balancer, spec).await? else { return Ok(None) };
        let found = Self::read(survey, &id).await?;
        let what = port(spec);
        Ok(found.map(|found| Rival { found, what, otherwise: OTHERWISE.to_owned() }))
    }

    async fn verify(aws: &Aws, spec: &ListenerSpec) -> Result<Vec<Concern>> {
        let shown = spec.certificate.iter().map(|arn| ("certificate", arn));
        let beside = spec.certificates.iter().map(|arn| ("certificates", arn));
        let each = shown.chain(beside).filter_map(|(path, arn)| Some((path, arn.literal()?)));
        let looks = each.map(|(path, arn)| acm::verify::verify(aws, path, arn));
        Ok(try_join_all(looks).await?.into_iter().flatten().collect())
    }

    async fn create(cx: &Context<'_, Aws>, spec: &ListenerSpec) -> Result<ListenerOutput> {
        // CreateListener hands back one of the same port and settings whosever it is, so it is
        // looked for first.
        if let Some(id) = standing(cx, spec).await? {
            modify(cx.cloud, &id, None, spec).await?;
            let there = certificates::beside_id(cx.cloud, &id).await?;
            let scope = &cx.identity.scope;
            let (there, _) = certificates::apart(cx.cloud, scope, &id, &[], there).await?;
            certificates::add(cx.cloud, &id, &there, spec).await?;
            certificates::remove(cx.cloud, &id, &there, spec).await?;
            return Ok(ListenerOutput { id });
        }
        let action = spec.default_action.wanted()?;
        let action = action::wanted(cx.cloud, None, action, spec.reserves.as_ref()).await?;
        let request = cx
            .cloud
            .elb
            .create_listener()
            .load_balancer_arn(spec.load_balancer.id())
            .port(spec.port.into())
            .protocol(protocol(*spec.protocol.wanted()?))
            .set_certificates(certificates::default(spec))
            .set_ssl_policy(spec.tls_policy.clone())
            .default_actions(action)
            .set_tags(Some(tagged(cx.identity)));
        let made = cx.cloud.send(&elb::CREATE_LISTENER, CREATE, || request.clone().send()).await;
        let listener = usable(cx.cloud, spec, made).await?.listeners.unwrap_or_default().pop();
        let id = listener.and_then(|listener| listener.listener_arn);
        let id = id.required("the ARN of the listener")?;
        certificates::add(cx.cloud, &id, &BTreeSet::new(), spec).await?;
        Ok(ListenerOutput { id })
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &ListenerSpec,
    ) -> Result<ListenerOutput> {
        let id = &live.output.id;
        let has_others =
            |spec: &ListenerSpec| spec.protocol.known().is_some_and(|it| it.is_encrypted());
        // Those of one that turns to HTTPS or TLS are added once it has.
        let there = if has_others(&live.spec) { &live.spec.certificates } else { &BTreeSet::new() };
        if has_others(&live.spec) {
            certificates::add(cx.cloud, id, there, spec).await?;
        }
        modify(cx.cloud, id, Some(&live.spec), spec).await?;
        if has_others(spec) && !has_others(&live.spec) {
            certificates::add(cx.cloud, id, there, spec).await?;
        }
        if has_others(spec) {
            certificates::remove(cx.cloud, id, there, spec).await?;
        }
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &ListenerOutput) -> Result<()> {
        elb::remember(cx, &output.id).await
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let request = cx.cloud.elb.delete_listener().listener_arn(&live.output.id);
        cx.cloud
            .send(&elb::DELETE_LISTENER, "delete the listener", || request.clone().send())
            .await?;
        Ok(Vec::new())
    }

    /// A new one is not found at once: Terraform's AWS provider asks again for minutes
    /// (`internal/service/elbv2`).
    async fn ready(
        cx: &Context<'_, Aws>,
        output: ListenerOutput,
    ) -> Result<Progress<ListenerOutput>> {
        look(cx.cloud, &output.id).await?;
        Ok(Progress::Done(output))
    }
}

/// The certificates beside a listener's default one, and in words those of other environments.
async fn beside(
    survey: &Survey<'_, Aws>,
    listener: &Described,
) -> Result<(BTreeSet<Text>, Vec<String>)> {
    let there = certificates::beside(survey.cloud, listener).await?;
    if there.is_empty() {
        return Ok((there, Vec::new()));
    }
    let id = listener.listener_arn().required("the ARN of a listener")?;
    // Its own are the scope's, unless something else of the scope may have put them there.
    let declared = survey.declared::<ListenerCertificate>();
    let recorded = survey.recorded::<ListenerCertificate>();
    let own = if declared.is_some_and(|it| it.is_empty()) && recorded.is_empty() {
        survey.shared.get::<TagIndex>().nominated::<Certificate>(survey, "acm").await
    } else {
        Vec::new()
    };
    let apart = certificates::apart(survey.cloud, survey.scope, id, &own, there).await?;
    let (ours, mut others) = apart;
    // As rules of guests, they are no drift.
    if survey.look == Look::Close {
        others.clear();
    }
    Ok((ours, others))
}

async fn look(aws: &Aws, id: &str) -> Result<Described> {
    let request = aws.elb.describe_listeners().listener_arns(id);
    let answer = aws
        .send(&elb::DESCRIBE_LISTENERS, "look at the listener", || request.clone().send())
        .await?;
    answer.listeners.unwrap_or_default().pop().required("the listener asked for")
}

fn found(
    owned: &Owned,
    listener: &Described,
    certificates: BTreeSet<Text>,
    mut foreign: Vec<String>,
) -> Result<Found<Listener>> {
    let read = action::read(listener.default_actions())?;
    foreign.extend(read.foreign);
    let mode = listener.mutual_authentication().and_then(|mutual| mutual.mode());
    if let Some(mode) = mode.filter(|mode| *mode != "off") {
        foreign.push(format!("client certificates in the mode {mode}"));
    }
    let spoken = match listener.protocol().required("the protocol of a listener")? {
        ProtocolEnum::Http => Some(ListenerProtocol::Http),
        ProtocolEnum::Https => Some(ListenerProtocol::Https),
        ProtocolEnum::Tcp => Some(ListenerProtocol::Tcp),
        ProtocolEnum::Udp => Some(ListenerProtocol::Udp),
        ProtocolEnum::TcpUdp => Some(ListenerProtocol::TcpUdp),
        ProtocolEnum::Tls => Some(ListenerProtocol::Tls),
        other => {
            foreign.push(format!("the protocol {other}"));
            None
        }
    };
    let port = listener.port().and_then(|port| u16::try_from(port).ok());
    let balancer = listener.load_balancer_arn().required("the load balancer of a listener")?;
    // DescribeListeners names the default certificate only (ELB API reference).
    let certificate = listener.certificates().first().and_then(Shown::certificate_arn);
    Ok(Found {
        badge: owned.badge(),
        spec: ListenerSpec {
            load_balancer: Ref::physical(balancer),
            port: port.required("the port of a listener")?,
            protocol: spoken.into(),
            certificate: certificate.map(Text::from),
            certificates,
            tls_policy: listener.ssl_policy().map(ToOwned::to_owned),
            default_action: read.action,
            reserves: read.reserves,
        },
        output: ListenerOutput {
            id: listener.listener_arn().required("the ARN of a listener")?.to_owned(),
        },
        phase: Phase::Ready,
        state: String::new(),
        foreign,
    })
}

/// The rules of a listener that are not ours, in words.
fn foreign_rules(
    survey: &Survey<'_, Aws>,
    listener: &str,
    rules: &[Tagged<DescribedRule>],
) -> Vec<String> {
    let foreign = rules.iter().filter(|rule| {
        inventory::parent_arn(&rule.arn, "listener-rule", "listener").as_deref() == Some(listener)
            && !inventory::is_ours::<ListenerRule>(survey, rule)
    });
    // Guests have rules of their own there, which is no drift; a plan that takes the listener away
    // has to know of them.
    let is_shown = |rule: &&Tagged<DescribedRule>| {
        survey.look != Look::Close || !is_of_guest(&rule.tags, survey.scope)
    };
    foreign.filter(is_shown).map(foreign_rule).collect()
}

/// Whether something says it is another environment's.
fn is_of_guest(tags: &Tags, scope: &Scope) -> bool {
    named_owner(tags).is_some_and(|owner| owner != scope.to_string())
}

fn foreign_rule(rule: &Tagged<DescribedRule>) -> String {
    let turn = rule.thing.priority().unwrap_or("?");
    match named_owner(&rule.tags) {
        Some(owner) => format!("rule {turn} of {owner}, not made by this stack"),
        None => format!("rule {turn}, not made by this stack"),
    }
}

fn protocol(protocol: ListenerProtocol) -> ProtocolEnum {
    match protocol {
        ListenerProtocol::Http => ProtocolEnum::Http,
        ListenerProtocol::Https => ProtocolEnum::Https,
        ListenerProtocol::Tcp => ProtocolEnum::Tcp,
        ListenerProtocol::Udp => ProtocolEnum::Udp,
        ListenerProtocol::TcpUdp => ProtocolEnum::TcpUdp,
        ListenerProtocol::Tls => ProtocolEnum::Tls,
    }
}

/// What was answered, with what is known of a certificate that was not taken.
async fn usable<T>(aws: &Aws, spec: &ListenerSpec, answer: Result<T>) -> Result<T> {
    match answer {
        Err(failure) => {
            let arns: Vec<&str> = spec.certificate.iter().map(Text::resolved).collect();
            Err(certificate::not_usable(aws, &arns, failure).await)
        }
        answer => answer,
    }
}

/// What is left out stays as it is, but for what comes with HTTPS or TLS: that goes when a listener
/// turns to HTTP or TCP (ELB API reference, ModifyListener). So what cannot be read stays.
async fn modify(
    aws: &Aws,
    id: &str,
    live: Option<&ListenerSpec>,
    spec: &ListenerSpec,
) -> Result<()> {
    let is_spoken_known = live.is_none_or(|live| live.protocol.known().is_some());
    let is_action_known = live.is_none_or(|live| live.default_action.known().is_some());
    let spoken = protocol(*spec.protocol.wanted()?);
    let action = spec.default_action.wanted()?;
    let action = action::wanted(aws, None, action, spec.reserves.as_ref()).await?;
    let request = aws
        .elb
        .modify_listener()
        .listener_arn(id)
        .port(spec.port.into())
        .set_protocol(is_spoken_known.then_some(spoken))
        .set_certificates(certificates::default(spec))
        .set_ssl_policy(spec.tls_policy.clone())
        .set_default_actions(is_action_known.then(|| vec![action]));
    let changed =
        aws.send(&elb::MODIFY_LISTENER, "change the listener", || request.clone().send()).await;
    usable(aws, spec, changed).await?;
    Ok(())
}

/// The listener that has the port already, if a call whose reply was lost made it: on a load
/// balancer that is not ours a scan depends on the tagging index, which lags behind.
async fn standing(cx: &Context<'_, Aws>, spec: &ListenerSpec) -> Result<Option<String>> {
    let balancer = spec.load_balancer.id();
    let Some(id) = on_port(cx.cloud, balancer, spec).await? else { return Ok(None) };
    let tags = elb::tags(cx.cloud, std::slice::from_ref(&id)).await?;
    // One without an entry went away since.
    let Some(tags) = tags.get(&id) else { return Ok(None) };
    if ownership::is_this::<Listener>(cx, &id, None, Some(tags)) {
        return Ok(Some(id));
    }
    let attempted = elb::CREATE_LISTENER.attempted(CREATE);
    // One of ours is on its way elsewhere, or out.
    let owned = Owned::tagged::<Listener>(&cx.identity.scope, tags);
    if let Some(owned) = owned.filter(|_| ownership::owns::<Listener>(cx, &id, None, tags)) {
        let message = format!("listener/{} has {}", owned.name(), port(spec));
        return Err(Failure::new(Cause::Busy, attempted, message)
            .help("give each listener of a load balancer a port of its own"));
    }
    Err(cx.in_the_way(attempted, &id, &port(spec), OTHERWISE))
}

/// The listener of a load balancer that has the port.
async fn on_port(aws: &Aws, balancer: &str, spec: &ListenerSpec) -> Result<Option<String>> {
    let listeners = inventory::listeners(aws, balancer).await?;
    let same = listeners.into_iter().find(|listener| listener.port() == Some(spec.port.into()));
    Ok(same.and_then(|listener| listener.listener_arn))
}

fn port(spec: &ListenerSpec) -> String {
    format!("the port {}", spec.port)
}
