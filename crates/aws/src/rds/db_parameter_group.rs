//! DB parameter groups of RDS: `CreateDBParameterGroup`, `ModifyDBParameterGroup`,
//! `ResetDBParameterGroup`, `DescribeDBParameterGroups`, `DescribeDBParameters`,
//! `DescribeEngineDefaultParameters`, `ListTagsForResource`, `DeleteDBParameterGroup`.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_rds::types::{
    ApplyMethod, DbParameterGroup as Description, Filter, Parameter as Described,
};
use deployer_core::{Cause, Failure, Phase, Scope};
use deployer_engine::{Context, Found, Resource, Result, Survey};
use deployer_kinds::{
    DbParameterGroup, DbParameterGroupOutput, DbParameterGroupSpec, is_same_value,
};

use crate::Aws;
use crate::index::TagIndex;
use crate::missing::Required;
use crate::ownership::{Kept, Owned, readable};
use crate::rds;
use crate::send::unless_gone;

/// What it is called in what is said of it.
const WHAT: &str = "DB parameter group";

/// The tag with the parameters that were given the values RDS has them at anyway, `name=value` each:
/// RDS shows them as nobody's (terraform-provider-aws #593).
const PLAIN: &str = "plain";

/// How long a tag may be (RDS user guide, "Tagging Amazon RDS resources").
const TAG: usize = 256;

/// How many parameters one call takes (`ModifyDBParameterGroup` in the RDS API reference).
const AT_ONCE: usize = 20;

/// What RDS takes in one call or not at all, so that it goes first (Terraform's provider,
/// rds/parameter_group.go).
const TOGETHER: &[&str] = &[
    "character_set_server",
    "collation_server",
    "enforce_gtid_consistency",
    "gtid-mode",
    "password_encryption",
    "rds.accepted_password_auth_method",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
];

impl Resource<Aws> for DbParameterGroup {
    const READ_BY_NAME: bool = true;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let (aws, scope) = (survey.cloud, survey.scope);
        let index = survey.shared.get::<TagIndex>();
        // Most environments have none, and then nobody need ask.
        let none = index.all_of::<Self>(survey, ("rds", "pg:"), |_| false).await;
        if none.is_some() {
            return Ok(Vec::new());
        }
        let prefix = rds::prefix(scope);
        let mut groups = describe(aws, None).await?;
        groups.retain(|group| {
            group.db_parameter_group_name().is_some_and(|name| name.starts_with(&prefix))
        });
        let arns = groups.iter().map(arn).collect::<Result<Vec<_>>>()?;
        let tags = index.of(survey, arns, |arns| rds::tags_of(aws, arns, WHAT)).await?;
        let mut all = Vec::new();
        for group in &groups {
            let Some(tags) = tags.get(&arn(group)?) else { continue };
            let owned = Owned::named::<Self>(scope, group.db_parameter_group_name(), tags);
            if let Some(owned) = owned {
                let read = found(aws, &owned, group).await.transpose();
                let id = group.db_parameter_group_name();
                all.extend(read.and_then(|it| readable(survey, &owned, id, it)).transpose()?);
            }
        }
        Ok(all)
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let groups = unless_gone(describe(survey.cloud, Some(id)).await)?.unwrap_or_default();
        let Some(group) = groups.first() else { return Ok(None) };
        let tags = rds::tags_of(survey.cloud, vec![arn(group)?], WHAT).await?;
        // One without tags, not even none, went away between the calls.
        let Some(tags) = tags.values().next() else { return Ok(None) };
        let owned = Owned::read::<Self>(survey.scope, group.db_parameter_group_name(), tags);
        found(survey.cloud, &owned, group).await
    }

    fn misnamed(scope: &Scope, output: &DbParameterGroupOutput) -> Option<String> {
        Some(rds::prefix(scope)).filter(|prefix| !output.id.starts_with(prefix))
    }

    async fn create(
        cx: &Context<'_, Aws>,
        spec: &DbParameterGroupSpec,
    ) -> Result<DbParameterGroupOutput> {
        let known = Known::of(cx.cloud, &spec.family, spec.parameters.keys()).await?;
        let mut kept = known.kept(&spec.parameters)?;
        kept.retain(|_, text| !text.is_empty());
        let request = cx
            .cloud
            .rds
            .create_db_parameter_group()
            .db_parameter_group_name(rds::name(cx.identity))
            .db_parameter_group_family(&spec.family)
            .description(&spec.description)
            .set_tags(Some(rds::tagged(cx.identity, &kept)));
        let made = cx
            .cloud
            .send(&rds::CREATE_DB_PARAMETER_GROUP, "create the DB parameter group", || {
                request.clone().send()
            })
            .await?;
        let output = output(&made.db_parameter_group.required("the DB parameter group")?)?;
        set(cx.cloud, &output.id, &spec.parameters, &known).await?;
        Ok(output)
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &DbParameterGroupSpec,
    ) -> Result<DbParameterGroupOutput> {
        let (set_now, reset_now) = (spec.to_set(&live.spec), spec.to_reset(&live.spec));
        let names = live.spec.parameters.keys().chain(spec.parameters.keys());
        let known = Known::of(cx.cloud, &spec.family, names).await?;
        let kept = known.kept(&spec.parameters)?;
        reset(cx.cloud, &live.output.id, &reset_now, &known).await?;
        set(cx.cloud, &live.output.id, &set_now, &known).await?;
        rds::remember(cx, &live.output.arn, &kept).await?;
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &DbParameterGroupOutput) -> Result<()> {
        rds::remember(cx, &output.arn, &Kept::new()).await
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let request =
            cx.cloud.rds.delete_db_parameter_group().db_parameter_group_name(&live.output.id);
        cx.cloud
            .send(&rds::DELETE_DB_PARAMETER_GROUP, "delete the DB parameter group", || {
                request.clone().send()
            })
            .await?;
        Ok(Vec::new())
    }
}

/// What RDS knows of the parameters that are to be changed: by name, its own value and whether a
/// change waits for a restart.
struct Known(BTreeMap<String, (Option<String>, bool)>);

impl Known {
    /// Asks for parameters of a family by their names.
    ///
    /// # Errors
    /// When there is none of a name, or it is not for users to change.
    async fn of(aws: &Aws, family: &str, names: impl Iterator<Item = &String>) -> Result<Self> {
        let names: BTreeSet<String> = names.cloned().collect();
        let names: Vec<String> = names.into_iter().collect();
        let mut known = BTreeMap::new();
        for names in names.chunks(AT_ONCE) {
            for it in defaults(aws, family, names).await? {
                let Some(name) = it.parameter_name() else { continue };
                if it.is_modifiable() == Some(false) {
                    return Err(refused(family, name, "has one that RDS sets itself"));
                }
                let waits = it.apply_type() != Some("dynamic");
                let own = it.parameter_value().map(str::to_owned);
                known.insert(name.to_owned(), (own, waits));
            }
        }
        match names.iter().find(|name| !known.contains_key(*name)) {
            Some(name) => Err(refused(family, name, "has none of that name")),
            None => Ok(Self(known)),
        }
    }

    /// The tag that says which parameters are given RDS's own values; it is empty where none is, so
    /// that it does not say what was so before.
    ///
    /// # Errors
    /// When a tag does not take them.
    fn kept(&self, wanted: &BTreeMap<String, String>) -> Result<Kept> {
        let own = |name: &str| self.0.get(name).and_then(|(own, _)| own.as_deref());
        let plain: Vec<String> = wanted
            .iter()
            .filter(|(name, value)| own(name).is_some_and(|own| is_same_value(own, value)))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let text = plain.join(" ");
        let takes = |sign: char| sign.is_ascii_alphanumeric() || "_.:/=+-@".contains(sign);
        let fits = plain.iter().all(|pair| pair.chars().all(takes));
        if text.len() > TAG || !fits {
            let message = format!("RDS has these values anyway: {text}");
            return Err(Failure::new(Cause::Refused, "remember the parameters", message)
                .help("leave out the parameters that have RDS's own values"));
        }
        Ok(Kept::from([(PLAIN, text)]))
    }

    fn method(&self, name: &str) -> ApplyMethod {
        let waits = self.0.get(name).is_none_or(|(_, waits)| *waits);
        if waits { ApplyMethod::PendingReboot } else { ApplyMethod::Immediate }
    }
}

fn refused(family: &str, name: &str, why: &str) -> Failure {
    let message = format!("the family {family} {why}");
    let help = format!(
        "`aws rds describe-engine-default-parameters --db-parameter-group-family {family}` lists \
         those that can be set"
    );
    Failure::new(Cause::Refused, format!("set the parameter `{name}`"), message).help(help)
}

async fn defaults(aws: &Aws, family: &str, names: &[String]) -> Result<Vec<Described>> {
    let filter = Filter::builder().name("parameter-name").set_values(Some(names.to_vec())).build();
    let request = aws
        .rds
        .describe_engine_default_parameters()
        .db_parameter_group_family(family)
        .filters(filter);
    let answer = aws
        .send(&rds::DESCRIBE_ENGINE_DEFAULT_PARAMETERS, "look which parameters there are", || {
            request.clone().send()
        })
        .await?;
    Ok(answer.engine_defaults.and_then(|all| all.parameters).unwrap_or_default())
}

/// Gives parameters their values: what goes together first, and what is in force at once before
/// what waits for a restart.
async fn set(
    aws: &Aws,
    group: &str,
    wanted: &BTreeMap<String, String>,
    known: &Known,
) -> Result<()> {
    let mut parameters: Vec<Described> = wanted
        .iter()
        .map(|(name, value)| {
            Described::builder()
                .parameter_name(name)
                .parameter_value(value)
                .apply_method(known.method(name))
                .build()
        })
        .collect();
    in_turn(&mut parameters);
    for some in parameters.chunks(AT_ONCE) {
        let request = aws
            .rds
            .modify_db_parameter_group()
            .db_parameter_group_name(group)
            .set_parameters(Some(some.to_vec()));
        aws.send(&rds::MODIFY_DB_PARAMETER_GROUP, "set the parameters", || request.clone().send())
            .await?;
    }
    Ok(())
}

/// Gives parameters back RDS's own values.
async fn reset(aws: &Aws, group: &str, names: &[String], known: &Known) -> Result<()> {
    let mut parameters: Vec<Described> = names
        .iter()
        .map(|name| {
            let method = known.method(name);
            Described::builder().parameter_name(name).apply_method(method).build()
        })
        .collect();
    in_turn(&mut parameters);
    for some in parameters.chunks(AT_ONCE) {
        let request = aws
            .rds
            .reset_db_parameter_group()
            .db_parameter_group_name(group)
            .reset_all_parameters(false)
            .set_parameters(Some(some.to_vec()));
        aws.send(&rds::RESET_DB_PARAMETER_GROUP, "reset parameters", || request.clone().send())
            .await?;
    }
    Ok(())
}

fn in_turn(parameters: &mut [Described]) {
    parameters.sort_by_key(|it| {
        let name = it.parameter_name().unwrap_or_default();
        let waits = it.apply_method() == Some(&ApplyMethod::PendingReboot);
        (!TOGETHER.contains(&name), waits)
    });
}

/// The group of this name, or all of the account.
async fn describe(aws: &Aws, name: Option<&str>) -> Result<Vec<Description>> {
    let name = name.map(ToOwned::to_owned);
    let request =
        aws.rds.describe_db_parameter_groups().set_db_parameter_group_name(name).max_records(100);
    let pages = aws
        .pages(
            &rds::DESCRIBE_DB_PARAMETER_GROUPS,
            "find the DB parameter groups",
            |token| request.clone().set_marker(token).send(),
            |page| page.marker(),
        )
        .await?;
    Ok(pages.into_iter().flat_map(|page| page.db_parameter_groups.unwrap_or_default()).collect())
}

/// The parameters of a group that somebody has set; none where the group is gone.
async fn set_by_users(aws: &Aws, name: &str) -> Result<Option<BTreeMap<String, String>>> {
    let request = aws.rds.describe_db_parameters().db_parameter_group_name(name).source("user");
    let pages = aws
        .pages(
            &rds::DESCRIBE_DB_PARAMETERS,
            "look at the parameters",
            |token| request.clone().set_marker(token).send(),
            |page| page.marker(),
        )
        .await;
    let pages = unless_gone(pages)?;
    Ok(pages.map(|pages| {
        let all = pages.into_iter().flat_map(|page| page.parameters.unwrap_or_default());
        all.filter_map(|it| Some((it.parameter_name?, it.parameter_value?))).collect()
    }))
}

async fn found(
    aws: &Aws,
    owned: &Owned,
    group: &Description,
) -> Result<Option<Found<DbParameterGroup>>> {
    let output = output(group)?;
    let Some(set) = set_by_users(aws, &output.id).await? else { return Ok(None) };
    let plain = owned.kept(PLAIN).unwrap_or_default().split(' ');
    let plain = plain.filter_map(|pair| pair.split_once('='));
    let mut parameters: BTreeMap<String, String> =
        plain.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    parameters.extend(set);
    let family = group.db_parameter_group_family();
    let description = group.description();
    Ok(Some(Found {
        badge: owned.badge(),
        spec: DbParameterGroupSpec {
            family: family.required("the family of a DB parameter group")?.to_owned(),
            description: description
                .required("the description of a DB parameter group")?
                .to_owned(),
            parameters,
        },
        output,
        phase: Phase::Ready,
        state: String::new(),
        foreign: Vec::new(),
    }))
}

fn output(group: &Description) -> Result<DbParameterGroupOutput> {
    let name = group.db_parameter_group_name().required("the name of a DB parameter group")?;
    Ok(DbParameterGroupOutput { id: name.to_owned(), arn: arn(group)? })
}

fn arn(group: &Description) -> Result<String> {
    let arn = group.db_parameter_group_arn().required("the ARN of a DB parameter group")?;
    Ok(arn.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_one_call_comes_first_and_what_waits_for_a_restart_last() {
        let of = |name: &str, method: ApplyMethod| {
            Described::builder().parameter_name(name).apply_method(method).build()
        };
        let mut parameters = [
            of("max_connections", ApplyMethod::PendingReboot),
            of("work_mem", ApplyMethod::Immediate),
            of("password_encryption", ApplyMethod::Immediate),
            of("collation_server", ApplyMethod::PendingReboot),
        ];
        in_turn(&mut parameters);
        let names = parameters.iter().filter_map(Described::parameter_name);
        let expected = ["password_encryption", "collation_server", "work_mem", "max_connections"];
        assert_eq!(names.collect::<Vec<_>>(), expected);
    }
}
