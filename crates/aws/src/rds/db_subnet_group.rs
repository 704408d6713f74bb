//! DB subnet groups of RDS: `CreateDBSubnetGroup`, `ModifyDBSubnetGroup`,
//! `DescribeDBSubnetGroups`, `ListTagsForResource`, `DeleteDBSubnetGroup`.

use std::collections::BTreeMap;

use aws_sdk_rds::types::DbSubnetGroup as Description;
use deployer_core::{Phase, Ref, Scope};
use deployer_engine::{Context, Found, Resource, Result, Survey};
use deployer_kinds::{DbSubnetGroup, DbSubnetGroupOutput, DbSubnetGroupSpec};

use crate::Aws;
use crate::iam::linked_role;
use crate::index::TagIndex;
use crate::missing::Required;
use crate::ownership::{Kept, Owned, readable};
use crate::rds::{self, Databases};
use crate::send::unless_gone;

/// What it is called in what is said of it.
const WHAT: &str = "DB subnet group";

impl Resource<Aws> for DbSubnetGroup {
    const READ_BY_NAME: bool = true;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        if let Some(all) = of_databases(survey).await? {
            return Ok(all);
        }
        let aws = survey.cloud;
        // See `deployer_core::Naming` for how names begin.
        let scope = survey.scope;
        let prefix = rds::prefix(scope);
        let mut groups = describe(aws, None).await?;
        groups.retain(|group| {
            group.db_subnet_group_name().is_some_and(|name| name.starts_with(&prefix))
        });
        let arns = groups.iter().map(arn).collect::<Result<Vec<_>>>()?;
        let tags = survey
            .shared
            .get::<TagIndex>()
            .of(survey, arns, |arns| rds::tags_of(aws, arns, WHAT))
            .await?;
        groups
            .iter()
            .filter_map(|group| {
                let tags = tags.get(&arn(group).ok()?)?;
                let owned = Owned::named::<Self>(scope, group.db_subnet_group_name(), tags)?;
                readable(survey, &owned, group.db_subnet_group_name(), found(&owned, group))
            })
            .collect()
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let groups = unless_gone(describe(survey.cloud, Some(id)).await)?.unwrap_or_default();
        let Some(group) = groups.first() else { return Ok(None) };
        let tags = rds::tags_of(survey.cloud, vec![arn(group)?], WHAT).await?;
        let read = |tags| Owned::read::<Self>(survey.scope, group.db_subnet_group_name(), tags);
        // One without tags, not even none, went away between the calls.
        tags.values().next().map(|tags| found(&read(tags), group)).transpose()
    }

    fn misnamed(scope: &Scope, output: &DbSubnetGroupOutput) -> Option<String> {
        Some(rds::prefix(scope)).filter(|prefix| !output.id.starts_with(prefix))
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

/// The DB subnet groups that databases are in, where there are no others: then nobody need ask for
/// them. DescribeDBInstances shows the whole group with each database, but for its ARN (seen; that
/// its subnets are as new as those of DescribeDBSubnetGroups is an assumption).
async fn of_databases(survey: &Survey<'_, Aws>) -> Result<Option<Vec<Found<DbSubnetGroup>>>> {
    let databases = survey.shared.get::<Databases>().if_any(survey).await?;
    let groups: BTreeMap<&str, (&Description, &str)> = databases
        .iter()
        .filter_map(|database| {
            let group = database.db_subnet_group()?;
            Some((group.db_subnet_group_name()?, (group, database.db_instance_arn()?)))
        })
        .collect();
    let is_shown = |name: &str| groups.contains_key(name);
    let index = survey.shared.get::<TagIndex>();
    let all = index.all_of::<DbSubnetGroup>(survey, ("rds", "subgrp:"), is_shown).await;
    let Some(all) = all else { return Ok(None) };
    all.iter()
        .filter_map(|(name, tags)| {
            let owned = Owned::named::<DbSubnetGroup>(survey.scope, Some(name), tags)?;
            let (group, database) = groups.get(name)?;
            let mut group = (*group).clone();
            group.db_subnet_group_arn = beside(database, name);
            Some(found(&owned, &group))
        })
        .collect::<Result<_>>()
        .map(Some)
}

/// The ARN of a DB subnet group in the account and region of a database ("Amazon Resource Names
/// (ARNs) in Amazon RDS" in its user guide).
fn beside(database: &str, name: &str) -> Option<String> {
    let (place, _) = database.split_once(":db:")?;
    Some(format!("{place}:subgrp:{name}"))
}

/// The group of this name, or all of the account.
async fn describe(aws: &Aws, name: Option<&str>) -> Result<Vec<Description>> {
    let name = name.map(ToOwned::to_owned);
    let request =
        aws.rds.describe_db_subnet_groups().set_db_subnet_group_name(name).max_records(100);
    let pages = aws
        .pages(
            &rds::DESCRIBE_DB_SUBNET_GROUPS,
            "find the DB subnet groups",
            |token| request.clone().set_marker(token).send(),
            |page| page.marker(),
        )
        .await?;
    Ok(pages.into_iter().flat_map(|page| page.db_subnet_groups.unwrap_or_default()).collect())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arn_of_a_group_follows_from_that_of_a_database_in_it() {
        let database = "arn:aws-cn:rds:cn-north-1:123456789012:db:notes-dev-main";
        let group = "arn:aws-cn:rds:cn-north-1:123456789012:subgrp:notes-dev-db";
        assert_eq!(beside(database, "notes-dev-db").as_deref(), Some(group));
    }
}
