//! DB subnet groups of RDS: `CreateDBSubnetGroup`, `ModifyDBSubnetGroup`,
//! `DescribeDBSubnetGroups`, `ListTagsForResource`, `DeleteDBSubnetGroup`.

use std::collections::BTreeMap;

use aws_sdk_rds::types::DbSubnetGroup as Description;
use deployer_core::{Phase, Ref};
use deployer_engine::{Context, Found, Resource, Result, Survey, listed};
use deployer_kinds::{DbSubnetGroup, DbSubnetGroupOutput, DbSubnetGroupSpec};

use crate::Aws;
use crate::iam::linked_role;
use crate::missing::Required;
use crate::ownership::{Kept, Owned, Tags};
use crate::rds;

impl Resource<Aws> for DbSubnetGroup {
    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let aws = survey.cloud;
        let request = aws.rds.describe_db_subnet_groups().max_records(100);
        let pages = survey
            .cloud
            .pages(
                &rds::DESCRIBE_DB_SUBNET_GROUPS,
                "find the DB subnet groups",
                |token| request.clone().set_marker(token).send(),
                |page| page.marker(),
            )
            .await?;
        // See `deployer_core::Naming` for how names begin.
        let scope = survey.scope;
        let prefix = format!("{}-{}-", scope.stack, scope.environment).to_lowercase();
        let groups: Vec<&Description> = pages
            .iter()
            .flat_map(|page| page.db_subnet_groups())
            .filter(|group| {
                group.db_subnet_group_name().is_some_and(|name| name.starts_with(&prefix))
            })
            .collect();
        let arns = groups.iter().copied().map(arn).collect::<Result<Vec<_>>>()?;
        let tags = survey.shared.tags.of(survey, arns, |arns| tags(aws, arns)).await?;
        groups
            .into_iter()
            .filter_map(|group| {
                let tags = tags.get(&arn(group).ok()?)?;
                let name = group.db_subnet_group_name();
                let owned = Owned::named::<Self>(survey, name, name, tags)?;
                Some(found(&owned, group))
            })
            .collect()
    }

    async fn create(
        cx: &Context<'_, Aws>,
        spec: &DbSubnetGroupSpec,
    ) -> Result<DbSubnetGroupOutput> {
        linked_role::ensure(cx.cloud, "rds.amazonaws.com").await?;
        let request = cx
            .cloud
            .rds
            .create_db_subnet_group()
            .db_subnet_group_name(rds::name(cx.identity))
            .db_subnet_group_description(&spec.description)
            .set_subnet_ids(Some(subnets(spec)))
            .set_tags(Some(rds::tagged(cx.identity, &Kept::new())));
        let made = cx
            .cloud
            .send(&rds::CREATE_DB_SUBNET_GROUP, "create the DB subnet group", || {
                request.clone().send()
            })
            .await?;
        output(&made.db_subnet_group.required("the DB subnet group")?)
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &DbSubnetGroupSpec,
    ) -> Result<DbSubnetGroupOutput> {
        let request = cx
            .cloud
            .rds
            .modify_db_subnet_group()
            .db_subnet_group_name(&live.output.id)
            .db_subnet_group_description(&spec.description)
            .set_subnet_ids(Some(subnets(spec)));
        cx.cloud
            .send(&rds::MODIFY_DB_SUBNET_GROUP, "change the DB subnet group", || {
                request.clone().send()
            })
            .await?;
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &DbSubnetGroupOutput) -> Result<()> {
        rds::remember(cx, &output.arn, &Kept::new()).await
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let request = cx.cloud.rds.delete_db_subnet_group().db_subnet_group_name(&live.output.id);
        cx.cloud
            .send(&rds::DELETE_DB_SUBNET_GROUP, "delete the DB subnet group", || {
                request.clone().send()
            })
            .await?;
        Ok(Vec::new())
    }
}

fn found(owned: &Owned, group: &Description) -> Result<Found<DbSubnetGroup>> {
    let description = group.db_subnet_group_description();
    let subnets: Option<_> = group
        .subnets()
        .iter()
        .map(|subnet| subnet.subnet_identifier().map(Ref::physical))
        .collect();
    Ok(Found {
        badge: owned.badge(),
        spec: DbSubnetGroupSpec {
            subnets: subnets.required("the subnets of a DB subnet group")?,
            description: description.required("the description of a DB subnet group")?.to_owned(),
        },
        output: output(group)?,
        phase: Phase::Ready,
        state: group.subnet_group_status().unwrap_or_default().to_owned(),
        foreign: Vec::new(),
    })
}

fn output(group: &Description) -> Result<DbSubnetGroupOutput> {
    let name = group.db_subnet_group_name().required("the name of a DB subnet group")?;
    Ok(DbSubnetGroupOutput { id: name.to_owned(), arn: arn(group)? })
}

fn arn(group: &Description) -> Result<String> {
    let arn = group.db_subnet_group_arn().required("the ARN of a DB subnet group")?;
    Ok(arn.to_owned())
}

fn subnets(spec: &DbSubnetGroupSpec) -> Vec<String> {
    spec.subnets.iter().map(|subnet| subnet.id().to_owned()).collect()
}

async fn tags(aws: &Aws, arns: Vec<String>) -> Result<BTreeMap<String, Tags>> {
    let mut all = BTreeMap::new();
    for arn in arns {
        let request = aws.rds.list_tags_for_resource().resource_name(&arn);
        let answer = listed(|| {
            aws.send(&rds::LIST_TAGS_FOR_RESOURCE, "read the DB subnet group's tags", || {
                request.clone().send()
            })
        })
        .await?;
        all.extend(answer.map(|answer| (arn, rds::tags(answer.tag_list()))));
    }
    Ok(all)
}
