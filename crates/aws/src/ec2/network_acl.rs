//! Network ACLs on EC2: CreateNetworkAcl, CreateNetworkAclEntry, ReplaceNetworkAclEntry,
//! DeleteNetworkAclEntry, ReplaceNetworkAclAssociation, DescribeNetworkAcls, DeleteNetworkAcl.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{
    Filter, IcmpTypeCode, NetworkAclAssociation, NetworkAclEntry, PortRange, ResourceType,
    RuleAction,
};
use deployer_core::{Cause, Failure, Phase, Ref};
use deployer_engine::{Context, Found, Resource, Result, Survey};
use deployer_kinds::{
    AclAction, AclRule, NetworkAcl, NetworkAclOutput, NetworkAclSpec, Ports, Protocol,
};

use crate::Aws;
use crate::ec2::{self, filter, keeping, owned_by, tags};
use crate::missing::Required;
use crate::ownership::{self, Kept, Owned, readable};
use crate::send::{unless_gone, unless_taken};

type Described = aws_sdk_ec2::types::NetworkAcl;
type Rules = BTreeMap<String, AclRule>;

/// The field that keeps which rules and subnets were given, three characters for each.
const GIVEN: &str = "given";

impl Resource<Aws> for NetworkAcl {
    const SHOWN_LATE: bool = ec2::SHOWN_LATE;
    const MADE_ONCE: bool = true;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let acls = describe(survey.cloud, owned_by(survey.scope)).await?;
        acls.iter()
            .filter_map(|acl| {
                let owned = Owned::tagged::<Self>(survey.scope, &tags(acl.tags()))?;
                readable(survey, &owned, acl.network_acl_id(), found(&owned, acl))
            })
            .collect()
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let acls = describe(survey.cloud, vec![filter("network-acl-id", id)]).await?;
        let read = |acl: &Described| {
            found(&Owned::read::<Self>(survey.scope, None, &tags(acl.tags())), acl)
        };
        acls.first().map(read).transpose()
    }

    async fn ids(survey: &Survey<'_, Aws>) -> Result<Vec<String>> {
        let all = describe(survey.cloud, Vec::new()).await?;
        Ok(all.into_iter().filter_map(|it| it.network_acl_id).collect())
    }

    /// Subnets come to it once all of its rules are there: a new one lets nothing through.
    async fn create(cx: &Context<'_, Aws>, spec: &NetworkAclSpec) -> Result<NetworkAclOutput> {
        let request = cx
            .cloud
            .ec2
            .create_network_acl()
            .vpc_id(spec.vpc.id())
            .client_token(ownership::token(cx.identity, spec.vpc.id()))
            .tag_specifications(keeping(cx.identity, &kept(&[spec]), ResourceType::NetworkAcl));
        let made = cx
            .cloud
            .send(&ec2::CREATE_NETWORK_ACL, "create the network ACL", || request.clone().send())
            .await?;
        let id = made.network_acl.and_then(|acl| acl.network_acl_id);
        let id = id.required("the id of the network ACL")?;
        for (rules, is_egress) in [(&spec.ingress, false), (&spec.egress, true)] {
            set_rules(cx.cloud, &id, is_egress, &Rules::new(), rules).await?;
        }
        for subnet in &spec.subnets {
            associate(cx.cloud, &id, subnet.id()).await?;
        }
        Ok(NetworkAclOutput { id })
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &NetworkAclSpec,
    ) -> Result<NetworkAclOutput> {
        let id = &live.output.id;
        leave_others(cx, id, spec).await?;
        // Whenever this ends, what was given is known for ours.
        ec2::keep(cx, id, &kept(&[&live.spec, spec])).await?;
        let ways =
            [(&live.spec.ingress, &spec.ingress, false), (&live.spec.egress, &spec.egress, true)];
        for (before, rules, is_egress) in ways {
            set_rules(cx.cloud, id, is_egress, before, rules).await?;
        }
        for subnet in spec.subnets.difference(&live.spec.subnets) {
            associate(cx.cloud, id, subnet.id()).await?;
        }
        let leaving: Vec<&str> = live.spec.subnets.difference(&spec.subnets).map(Ref::id).collect();
        if !leaving.is_empty() {
            release(cx.cloud, id, |subnet| leaving.contains(&subnet)).await?;
        }
        ec2::keep(cx, id, &kept(&[spec])).await?;
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &NetworkAclOutput) -> Result<()> {
        ec2::remember(cx, &output.id).await
    }

    /// Its subnets go back to the one of their network.
    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let id = &live.output.id;
        release(cx.cloud, id, |_| true).await?;
        let request = cx.cloud.ec2.delete_network_acl().network_acl_id(id);
        cx.cloud
            .send(&ec2::DELETE_NETWORK_ACL, "delete the network ACL", || request.clone().send())
            .await?;
        Ok(Vec::new())
    }
}

fn found(owned: &Owned, acl: &Described) -> Result<Found<NetworkAcl>> {
    let id = acl.network_acl_id().required("the id of a network ACL")?;
    let mut foreign = Vec::new();
    let (mut ingress, mut egress) = (Rules::new(), Rules::new());
    for entry in acl.entries() {
        let is_egress = entry.egress().unwrap_or_default();
        // Those behind them are AWS's own, which let nothing through.
        let Some(number) = number(entry) else { continue };
        let said = told(is_egress, &number.to_string());
        match rule(entry).filter(|_| owned.is_given(GIVEN, &said)) {
            Some(rule) if is_egress => drop(egress.insert(number.to_string(), rule)),
            Some(rule) => drop(ingress.insert(number.to_string(), rule)),
            None => foreign.push(format!("the {said}")),
        }
    }
    let subnets = acl.associations().iter().filter_map(NetworkAclAssociation::subnet_id);
    let (subnets, others): (Vec<&str>, Vec<&str>) =
        subnets.partition(|it| owned.is_given(GIVEN, it));
    foreign.extend(others.iter().map(|subnet| format!("an association with {subnet}")));
    Ok(Found {
        badge: owned.badge(),
        spec: NetworkAclSpec {
            vpc: Ref::physical(acl.vpc_id().required("the VPC of a network ACL")?),
            subnets: subnets.into_iter().map(Ref::physical).collect(),
            ingress,
            egress,
        },
        output: NetworkAclOutput { id: id.to_owned() },
        phase: Phase::Ready,
        state: String::new(),
        foreign,
    })
}

/// Refuses to write over a rule that somebody else has added: each number is there once.
async fn leave_others(cx: &Context<'_, Aws>, id: &str, spec: &NetworkAclSpec) -> Result<()> {
    let acls = describe(cx.cloud, vec![filter("network-acl-id", id)]).await?;
    let Some(acl) = acls.first() else { return Ok(()) };
    let owned = Owned::read::<NetworkAcl>(&cx.identity.scope, None, &tags(acl.tags()));
    let theirs = acl.entries().iter().filter_map(|entry| {
        let is_egress = entry.egress().unwrap_or_default();
        let number = number(entry)?.to_string();
        let rules = if is_egress { &spec.egress } else { &spec.ingress };
        let said = told(is_egress, &number);
        (rules.contains_key(&number) && !owned.is_given(GIVEN, &said)).then_some(said)
    });
    match theirs.into_iter().next() {
        None => Ok(()),
        Some(said) => {
            let message = format!("the {said} is there and was not made by this stack");
            Err(Failure::new(Cause::Refused, "change the network ACL", message)
                .help("take another number"))
        }
    }
}

/// What neither a rule nor an association can carry itself: that it was given.
fn kept(specs: &[&NetworkAclSpec]) -> Kept {
    let given = specs.iter().flat_map(|spec| {
        let ingress = spec.ingress.keys().map(|number| told(false, number));
        let egress = spec.egress.keys().map(|number| told(true, number));
        let subnets = spec.subnets.iter().map(|subnet| subnet.id().to_owned());
        ingress.chain(egress).chain(subnets)
    });
    Kept::from([(GIVEN, ownership::codes(given))])
}

fn told(is_egress: bool, number: &str) -> String {
    format!("rule {number} for what gets {}", if is_egress { "out" } else { "in" })
}

/// The number as EC2 takes it.
fn turn(number: &str) -> Result<i32> {
    number.parse().ok().required("the number of a rule")
}

fn number(entry: &NetworkAclEntry) -> Option<u16> {
    let number = u16::try_from(entry.rule_number()?).ok()?;
    (number <= 32766).then_some(number)
}

/// A rule as a spec has it; none where it cannot.
fn rule(entry: &NetworkAclEntry) -> Option<AclRule> {
    let range = entry.cidr_block().or(entry.ipv6_cidr_block())?.parse().ok()?;
    let protocol = match entry.protocol()? {
        "-1" => Protocol::All,
        "1" => Protocol::Icmp,
        "6" => Protocol::Tcp,
        "17" => Protocol::Udp,
        "58" => Protocol::Icmpv6,
        number => Protocol::Number(number.parse().ok()?),
    };
    let is_some_icmp = entry.icmp_type_code().is_some_and(|it| it.r#type() != Some(-1));
    if is_some_icmp {
        return None;
    }
    let port = |port: Option<i32>| port.and_then(|port| u16::try_from(port).ok());
    let ports = entry.port_range().map(|range| (port(range.from()), port(range.to())));
    let port = match ports {
        Some((Some(0), Some(u16::MAX))) | None => Ports::All,
        Some((Some(first), Some(last))) => Ports::Range(first, last),
        Some(_) => return None,
    };
    let action = match entry.rule_action()? {
        RuleAction::Allow => AclAction::Allow,
        RuleAction::Deny => AclAction::Deny,
        _ => return None,
    };
    Some(AclRule { action, range, protocol, port })
}

/// What is added or changed comes first, what is taken away last: nobody is shut out in between.
async fn set_rules(
    aws: &Aws,
    id: &str,
    is_egress: bool,
    live: &Rules,
    wanted: &Rules,
) -> Result<()> {
    for (number, rule) in wanted.iter().filter(|(number, it)| live.get(*number) != Some(*it)) {
        if live.contains_key(number) {
            replace(aws, id, is_egress, number, rule).await?;
        } else {
            add(aws, id, is_egress, number, rule).await?;
        }
    }
    for number in live.keys().filter(|number| !wanted.contains_key(*number)) {
        let request = aws
            .ec2
            .delete_network_acl_entry()
            .network_acl_id(id)
            .egress(is_egress)
            .rule_number(turn(number)?);
        let deleted = aws
            .send(&ec2::DELETE_NETWORK_ACL_ENTRY, "delete a rule of the network ACL", || {
                request.clone().send()
            })
            .await;
        unless_gone(deleted)?;
    }
    Ok(())
}

/// A number that is taken, by a call of ours before, gets this rule instead.
async fn add(aws: &Aws, id: &str, is_egress: bool, number: &str, rule: &AclRule) -> Result<()> {
    let parts = Parts::of(rule);
    let request = aws
        .ec2
        .create_network_acl_entry()
        .network_acl_id(id)
        .egress(is_egress)
        .rule_number(turn(number)?)
        .rule_action(parts.action)
        .protocol(parts.protocol)
        .set_cidr_block(parts.v4)
        .set_ipv6_cidr_block(parts.v6)
        .set_port_range(parts.ports)
        .set_icmp_type_code(parts.icmp);
    let added = aws
        .send(&ec2::CREATE_NETWORK_ACL_ENTRY, "add a rule to the network ACL", || {
            request.clone().send()
        })
        .await;
    match unless_taken(added)? {
        Some(_) => Ok(()),
        None => replace(aws, id, is_egress, number, rule).await,
    }
}

async fn replace(aws: &Aws, id: &str, is_egress: bool, number: &str, rule: &AclRule) -> Result<()> {
    let parts = Parts::of(rule);
    let request = aws
        .ec2
        .replace_network_acl_entry()
        .network_acl_id(id)
        .egress(is_egress)
        .rule_number(turn(number)?)
        .rule_action(parts.action)
        .protocol(parts.protocol)
        .set_cidr_block(parts.v4)
        .set_ipv6_cidr_block(parts.v6)
        .set_port_range(parts.ports)
        .set_icmp_type_code(parts.icmp);
    aws.send(&ec2::REPLACE_NETWORK_ACL_ENTRY, "change a rule of the network ACL", || {
        request.clone().send()
    })
    .await?;
    Ok(())
}

/// A rule as EC2 takes it.
struct Parts {
    action: RuleAction,
    protocol: String,
    v4: Option<String>,
    v6: Option<String>,
    ports: Option<PortRange>,
    icmp: Option<IcmpTypeCode>,
}

impl Parts {
    fn of(rule: &AclRule) -> Self {
        let protocol = match rule.protocol {
            Protocol::All => "-1".to_owned(),
            Protocol::Icmp => "1".to_owned(),
            Protocol::Tcp => "6".to_owned(),
            Protocol::Udp => "17".to_owned(),
            Protocol::Icmpv6 => "58".to_owned(),
            Protocol::Number(number) => number.to_string(),
        };
        let (first, last) = match rule.port {
            Ports::All => (0, u16::MAX),
            Ports::Range(first, last) => (first, last),
        };
        let has_ports = matches!(rule.protocol, Protocol::Tcp | Protocol::Udp);
        let ports = PortRange::builder().from(first.into()).to(last.into()).build();
        let is_icmp = matches!(rule.protocol, Protocol::Icmp | Protocol::Icmpv6);
        let all = IcmpTypeCode::builder().r#type(-1).code(-1).build();
        let range = rule.range.to_string();
        let is_v6 = range.contains(':');
        Self {
            action: match rule.action {
                AclAction::Allow => RuleAction::Allow,
                AclAction::Deny => RuleAction::Deny,
            },
            protocol,
            v4: (!is_v6).then(|| range.clone()),
            v6: is_v6.then_some(range),
            ports: has_ports.then_some(ports),
            icmp: is_icmp.then_some(all),
        }
    }
}

/// Brings a subnet here from the ACL that it has.
async fn associate(aws: &Aws, id: &str, subnet: &str) -> Result<()> {
    let acls = describe(aws, vec![filter("association.subnet-id", subnet)]).await?;
    let association =
        acls.iter().flat_map(|acl| acl.associations()).find(|it| it.subnet_id() == Some(subnet));
    let association = association.required("the network ACL of a subnet")?;
    if association.network_acl_id() == Some(id) {
        return Ok(());
    }
    // It has another identifier each time, so another try looks again.
    let at = association.network_acl_association_id();
    place(aws, at.required("the association of a subnet")?, id).await
}

/// Gives subnets back to the ACL of their network.
async fn release(aws: &Aws, id: &str, is_one: impl Fn(&str) -> bool) -> Result<()> {
    let acls = describe(aws, vec![filter("network-acl-id", id)]).await?;
    let Some(acl) = acls.first() else { return Ok(()) };
    let vpc = acl.vpc_id().required("the VPC of a network ACL")?;
    let leaving = acl.associations().iter().filter(|it| it.subnet_id().is_some_and(&is_one));
    let leaving: Vec<&str> =
        leaving.filter_map(NetworkAclAssociation::network_acl_association_id).collect();
    if leaving.is_empty() {
        return Ok(());
    }
    let own = describe(aws, vec![filter("vpc-id", vpc), filter("default", "true")]).await?;
    let own = own.first().and_then(|acl| acl.network_acl_id());
    let own = own.required("the network ACL of a VPC")?;
    for association in leaving {
        unless_gone(place(aws, association, own).await)?;
    }
    Ok(())
}

async fn place(aws: &Aws, association: &str, acl: &str) -> Result<()> {
    let request =
        aws.ec2.replace_network_acl_association().association_id(association).network_acl_id(acl);
    aws.send(&ec2::REPLACE_NETWORK_ACL_ASSOCIATION, "move a subnet to a network ACL", || {
        request.clone().send()
    })
    .await?;
    Ok(())
}

async fn describe(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<Described>> {
    let request = aws.ec2.describe_network_acls().set_filters(Some(filters));
    let pages = aws
        .pages(
            &ec2::DESCRIBE_NETWORK_ACLS,
            "find the network ACLs",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await?;
    Ok(pages.into_iter().flat_map(|page| page.network_acls.unwrap_or_default()).collect())
}
