//! Security groups on EC2: CreateSecurityGroup, DescribeSecurityGroups, DeleteSecurityGroup; for
//! their rules see [`rules`].

mod change;
mod rules;

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{Filter, ResourceType};
use deployer_core::{Address, Cause, Failure, Kind, Phase, Ref};
use deployer_engine::{Context, Found, Resource, Result, Rival, Survey};
use deployer_kinds::{SecurityGroup, SecurityGroupOutput, SecurityGroupSpec};

use crate::Aws;
use crate::ec2::{self, blockers, filter, owned_by, tagged, tags};
use crate::missing::Required;
use crate::ownership::{self, Owned};
use rules::Standing;

type Described = aws_sdk_ec2::types::SecurityGroup;

impl Resource<Aws> for SecurityGroup {
    const SHOWN_LATE: bool = ec2::SHOWN_LATE;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let groups = describe(survey.cloud, owned_by(survey.scope)).await?;
        let ours = groups.iter().filter_map(|group| {
            let (name, tags) = (group.group_name(), tags(group.tags()));
            Some((Owned::named::<Self>(survey.scope, name, &tags)?, group))
        });
        with_rules(survey, ours.collect()).await
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let groups = describe(survey.cloud, vec![filter("group-id", id)]).await?;
        let read = groups.iter().map(|group| {
            let (name, tags) = (group.group_name(), tags(group.tags()));
            (Owned::read::<Self>(survey.scope, name, &tags), group)
        });
        Ok(with_rules(survey, read.collect()).await?.pop())
    }

    async fn ids(survey: &Survey<'_, Aws>) -> Result<Vec<String>> {
        let all = describe(survey.cloud, Vec::new()).await?;
        Ok(all.into_iter().filter_map(|it| it.group_id).collect())
    }

    async fn rival(
        survey: &Survey<'_, Aws>,
        name: &str,
        spec: &SecurityGroupSpec,
    ) -> Result<Option<Rival<Self>>> {
        let Some(vpc) = spec.vpc.known() else { return Ok(None) };
        let groups = namesakes(survey.cloud, name, vpc).await?;
        let Some(id) = groups.first().and_then(|group| group.group_id()) else { return Ok(None) };
        let found = Self::read(survey, id).await?;
        Ok(found.map(|found| Rival::namesake(found, name)))
    }

    async fn create(
        cx: &Context<'_, Aws>,
        spec: &SecurityGroupSpec,
    ) -> Result<SecurityGroupOutput> {
        let request = cx
            .cloud
            .ec2
            .create_security_group()
            .group_name(&cx.identity.name)
            .description(&spec.description)
            .vpc_id(spec.vpc.id())
            .tag_specifications(tagged(cx.identity, ResourceType::SecurityGroup));
        let id = match cx
            .cloud
            .send(&ec2::CREATE_SECURITY_GROUP, "create the security group", || {
                request.clone().send()
            })
            .await
        {
            Ok(made) => made.group_id.required("the id of the security group")?,
            Err(failure) => return Err(explained(cx, spec.vpc.id(), failure).await),
        };
        let standing = change::standing(cx, &id).await?;
        if standing.is_empty() {
            let attempted = ec2::DESCRIBE_SECURITY_GROUP_RULES
                .attempted("read the security group's first rule");
            let message = "the rule that AWS gives every new group is not there yet";
            return Err(Failure::new(Cause::NotYet, attempted, message));
        }
        change::apply(cx, &id, &standing, spec).await?;
        Ok(SecurityGroupOutput { id })
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &SecurityGroupSpec,
    ) -> Result<SecurityGroupOutput> {
        let standing = change::standing(cx, &live.output.id).await?;
        change::apply(cx, &live.output.id, &standing, spec).await?;
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &SecurityGroupOutput) -> Result<()> {
        ec2::remember(cx, &output.id).await?;
        change::retag(cx, &output.id).await
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let id = &live.output.id;
        let request = cx.cloud.ec2.delete_security_group().group_id(id);
        match cx
            .cloud
            .send(&ec2::DELETE_SECURITY_GROUP, "delete the security group", || {
                request.clone().send()
            })
            .await
        {
            Ok(_) => Ok(Vec::new()),
            Err(failure) => Err(blockers::name_users(cx.cloud, failure, id).await),
        }
    }
}

/// The groups with their rules, which are told apart by whether we made them.
async fn with_rules(
    survey: &Survey<'_, Aws>,
    groups: Vec<(Owned, &Described)>,
) -> Result<Vec<Found<SecurityGroup>>> {
    let whose: BTreeMap<&str, (Address, u32)> = groups
        .iter()
        .filter_map(|(owned, group)| {
            let id = group.group_id()?;
            // The record knows, whatever its tags say.
            let recorded = survey.deeds.record.whose(survey.place, SecurityGroup::NAME, id);
            let recorded = recorded.map(|(address, generation, _)| (address.clone(), generation));
            let tagged = || (Address::new(SecurityGroup::NAME, owned.name()), owned.generation());
            Some((id, recorded.unwrap_or_else(tagged)))
        })
        .collect();
    let ids: Vec<&str> = whose.keys().copied().collect();
    let mut by_group: BTreeMap<String, Vec<Standing>> = BTreeMap::new();
    for rule in rules::describe(survey.cloud, &ids).await? {
        let group = rule.group_id().required("the group of a rule")?;
        let vouches = |part: &str, proof: &str| {
            whose.get(group).is_some_and(|(address, generation)| {
                survey.vouches(address, *generation, part, proof)
            })
        };
        by_group.entry(group.to_owned()).or_default().push(rules::read(&rule, vouches)?);
    }
    groups
        .into_iter()
        .map(|(owned, group)| {
            let id = group.group_id().required("the id of a security group")?;
            found(&owned, id, group, by_group.remove(id).unwrap_or_default())
        })
        .collect()
}

fn found(
    owned: &Owned,
    id: &str,
    group: &Described,
    standing: Vec<Standing>,
) -> Result<Found<SecurityGroup>> {
    let foreign = standing.iter().filter_map(|rule| rule.foreign()).collect();
    let (mut ingress, mut egress) = (Vec::new(), Vec::new());
    let is_open = standing.iter().any(Standing::is_open);
    let counts = |rule: &Standing| rule.counts() && !(is_open && rule.is_shadow());
    for rule in standing.into_iter().filter(counts) {
        match rule.key {
            Some(key) if key.is_egress => egress.push(key.into_egress(rule.description)),
            Some(key) => ingress.push(key.into_ingress(rule.description)),
            None => {}
        }
    }
    Ok(Found {
        badge: owned.badge(),
        spec: SecurityGroupSpec {
            vpc: Ref::physical(group.vpc_id().required("the VPC of a security group")?),
            description: group
                .description()
                .required("the description of a security group")?
                .to_owned(),
            ingress: ingress.into_iter().collect(),
            egress: egress.into_iter().collect(),
        },
        output: SecurityGroupOutput { id: id.to_owned() },
        phase: Phase::Ready,
        state: String::new(),
        foreign,
    })
}

async fn describe(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<Described>> {
    let request = aws.ec2.describe_security_groups().set_filters(Some(filters));
    let pages = aws
        .pages(
            &ec2::DESCRIBE_SECURITY_GROUPS,
            "find the security groups",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await?;
    Ok(pages.into_iter().flat_map(|page| page.security_groups.unwrap_or_default()).collect())
}

/// The groups of a VPC that have a name: one at most.
async fn namesakes(aws: &Aws, name: &str, vpc: &str) -> Result<Vec<Described>> {
    describe(aws, vec![filter("group-name", name), filter("vpc-id", vpc)]).await
}

/// Names are unique in a VPC. One taken by the very group that a lost call made is no mistake:
/// a scan will find it.
async fn explained(cx: &Context<'_, Aws>, vpc: &str, mut failure: Failure) -> Failure {
    if failure.cause != Cause::Taken {
        return failure;
    }
    let groups = match namesakes(cx.cloud, &cx.identity.name, vpc).await {
        Ok(groups) => groups,
        Err(reason) => return reason,
    };
    let is_ours = |group: &Described| {
        let (id, name) = (group.group_id().unwrap_or_default(), group.group_name());
        ownership::is_this::<SecurityGroup>(cx, id, name, Some(&tags(group.tags())))
    };
    if groups.iter().any(is_ours) {
        failure.cause = Cause::NotYet;
        return failure;
    }
    // None that is shown yet is the engine's to judge.
    let Some(id) = groups.first().and_then(|group| group.group_id()) else { return failure };
    ownership::taken(cx, failure.attempted, id)
}
