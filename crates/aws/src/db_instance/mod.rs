//! Database instances of RDS: `CreateDBInstance`, `ModifyDBInstance`, `AddTagsToResource`,
//! `DescribeDBInstances`, `DeleteDBInstance`.

mod removal;
mod spec;
mod state;

use aws_sdk_rds::types::DbInstance as Description;
use deployer_engine::{Context, Found, Progress, Resource, Result, Survey};
use deployer_kinds::{DbInstance, DbInstanceOutput, DbInstanceSpec};

use crate::Aws;
use crate::call::{call, pages, read};
use crate::linked_role;
use crate::missing::Required;
use crate::ownership::Owned;
use crate::rds;

impl Resource<Aws> for DbInstance {
    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let request = survey.cloud.rds.describe_db_instances().max_records(100);
        let pages = pages(
            "find the databases (rds:DescribeDBInstances)",
            |token| request.clone().set_marker(token).send(),
            |page| page.marker(),
        )
        .await?;
        let instances = pages.iter().flat_map(|page| page.db_instances());
        instances
            .filter_map(|instance| {
                let tags = rds::tags(instance.tag_list());
                Some(found(&Owned::read::<Self>(survey.scope, &tags)?, instance))
            })
            .collect()
    }

    async fn create(cx: &Context<'_, Aws>, spec: &DbInstanceSpec) -> Result<DbInstanceOutput> {
        linked_role::ensure(cx.cloud, "rds.amazonaws.com").await?;
        let name = rds::name(cx.identity);
        let request = spec::create(&cx.cloud.rds, spec)
            .db_instance_identifier(&name)
            .set_tags(Some(rds::tagged(cx.identity, &spec::kept(spec))));
        let made = call("create the database (rds:CreateDBInstance)", || request.clone().send());
        let made = made.await.map_err(|failure| match failure.code.as_deref() {
            Some("DBInstanceAlreadyExists") => failure.help(format!(
                "another has made the database `{name}`: delete it, or give this one another name"
            )),
            _ => failure,
        })?;
        output(&made.db_instance.required("the database")?)
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &DbInstanceSpec,
    ) -> Result<DbInstanceOutput> {
        if let Some(request) = spec::modify(&cx.cloud.rds, &live.spec, spec) {
            let request = request.db_instance_identifier(&live.output.id);
            call("change the database (rds:ModifyDBInstance)", || request.clone().send()).await?;
        }
        if spec::kept(&live.spec) != spec::kept(spec) {
            let request = cx
                .cloud
                .rds
                .add_tags_to_resource()
                .resource_name(&live.output.arn)
                .set_tags(Some(rds::tagged(cx.identity, &spec::kept(spec))));
            call("tag the database (rds:AddTagsToResource)", || request.clone().send()).await?;
        }
        Ok(live.output.clone())
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        removal::delete(cx, live).await
    }

    async fn ready(
        cx: &Context<'_, Aws>,
        output: DbInstanceOutput,
    ) -> Result<Progress<DbInstanceOutput>> {
        let instance = describe(cx.cloud, &output.id).await?;
        Ok(match state::progress(&instance)? {
            Progress::Done(()) => Progress::Done(self::output(&instance)?),
            Progress::Waiting(on) => Progress::Waiting(on),
            Progress::Failed(why) => Progress::Failed(why),
        })
    }

    async fn gone(cx: &Context<'_, Aws>, output: &DbInstanceOutput) -> Result<Progress<()>> {
        // One that is not there is DBInstanceNotFound, which the engine takes for gone.
        let instance = describe(cx.cloud, &output.id).await?;
        Ok(Progress::Waiting(instance.db_instance_status.unwrap_or_default()))
    }
}

fn found(owned: &Owned, instance: &Description) -> Result<Found<DbInstance>> {
    let state = instance.db_instance_status().required("the status of a database")?;
    Ok(Found {
        name: owned.name.clone(),
        generation: owned.generation,
        spec: spec::read(owned, instance)?,
        output: output(instance)?,
        phase: state::phase(instance)?,
        state: state.to_owned(),
        foreign: spec::foreign(instance),
    })
}

fn output(instance: &Description) -> Result<DbInstanceOutput> {
    let text = |value: Option<&str>, what: &str| value.map(ToOwned::to_owned).required(what);
    let secret = instance.master_user_secret().and_then(|secret| secret.secret_arn());
    Ok(DbInstanceOutput {
        id: text(instance.db_instance_identifier(), "the identifier of a database")?,
        arn: text(instance.db_instance_arn(), "the ARN of a database")?,
        host: instance.endpoint().and_then(|it| it.address()).map(ToOwned::to_owned),
        port: spec::port(instance)?,
        database: text(instance.db_name(), "the name of the database in an instance")?,
        user: text(instance.master_username(), "the master user of a database")?,
        secret: secret.map(ToOwned::to_owned),
    })
}

async fn describe(aws: &Aws, id: &str) -> Result<Description> {
    let request = aws.rds.describe_db_instances().db_instance_identifier(id);
    let answer = read("look at the database (rds:DescribeDBInstances)", || request.clone().send());
    answer.await?.db_instances.and_then(|mut found| found.pop()).required("the database")
}
