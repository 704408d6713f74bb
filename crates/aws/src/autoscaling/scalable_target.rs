//! Scalable targets of Application Auto Scaling: `RegisterScalableTarget`,
//! `DescribeScalableTargets`, `DeregisterScalableTarget`, with what is inside of them.

use std::collections::BTreeMap;

use aws_sdk_applicationautoscaling::types::{
    ScalableTarget as Description, ScalingPolicy, ScheduledAction,
};
use deployer_core::{Arn, Phase, Ref};
use deployer_engine::{Context, Found, Resource, Result, Rival, Survey};
use deployer_kinds::{ScalableTarget, ScalableTargetOutput, ScalableTargetSpec};
use futures_util::future::{try_join, try_join_all};

use super::{DIMENSION, NAMESPACE, OURS, number, policy, schedule};
use crate::Aws;
use crate::autoscaling::{self, tagged};
use crate::ecs::service::find::Services;
use crate::index::{TagIndex, one_by_one};
use crate::missing::Required;
use crate::ownership::{self, Owned, readable};

/// The most targets that `DescribeScalableTargets` takes (Application Auto Scaling API reference).
const TARGETS_A_CALL: usize = 50;

/// Of how many targets what is inside is asked for one by one. Of more, a list of all that the
/// account has takes fewer calls, if others do not have a lot.
const ONE_BY_ONE: usize = 5;

const OTHERWISE: &str = "take its auto scaling away: `aws application-autoscaling \
                         deregister-scalable-target --service-namespace ecs --scalable-dimension \
                         ecs:service:DesiredCount --resource-id …`";

impl Resource<Aws> for ScalableTarget {
    /// Terraform's provider looks for a new one for two minutes (appautoscaling/target.go).
    const SHOWN_LATE: bool = true;

    /// Of services that are ours: a target goes with its service.
    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let index = survey.shared.get::<TagIndex>();
        // Most environments have none, and then nobody need ask.
        let arns = ("application-autoscaling", "scalable-target/");
        if index.all_of::<Self>(survey, arns, |_| false).await.is_some() {
            return Ok(Vec::new());
        }
        let services = survey.shared.get::<Services>().of(survey).await?;
        let ids = services.iter().filter_map(|(_, service)| scaled(service.service_arn()?));
        let targets = describe(survey.cloud, ids.collect()).await?;
        let arns = targets.iter().map(|target| arn(target).map(str::to_owned));
        let arns = arns.collect::<Result<Vec<_>>>()?;
        let ask = |arns| one_by_one(survey.cloud, arns, autoscaling::tags);
        let tags = index.of(survey, arns, ask).await?;
        let mut ours = Vec::new();
        for target in &targets {
            let owned =
                tags.get(arn(target)?).and_then(|it| Owned::tagged::<Self>(survey.scope, it));
            ours.extend(owned.map(|owned| (owned, target)));
        }
        let inside = Inside::of(survey.cloud, ours.iter().map(|(_, it)| it.resource_id())).await?;
        let read = ours.iter().filter_map(|(owned, target)| {
            readable(survey, owned, Some(target.resource_id()), found(owned, target, &inside))
        });
        read.collect()
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let targets = describe(survey.cloud, vec![id.to_owned()]).await?;
        let Some(target) = targets.first() else { return Ok(None) };
        let Some(tags) = autoscaling::tags(survey.cloud, arn(target)?).await? else {
            return Ok(None);
        };
        let inside = Inside::of(survey.cloud, [id].into_iter()).await?;
        found(&Owned::read::<Self>(survey.scope, None, &tags), target, &inside).map(Some)
    }

    /// Of all services: one that has lost its tags may be that of a service which has as well.
    async fn ids(survey: &Survey<'_, Aws>) -> Result<Vec<String>> {
        let targets = listed(survey.cloud, None).await?;
        Ok(targets.iter().map(|target| target.resource_id().to_owned()).collect())
    }

    async fn rival(
        survey: &Survey<'_, Aws>,
        _name: &str,
        spec: &ScalableTargetSpec,
    ) -> Result<Option<Rival<Self>>> {
        let Some(id) = spec.service.known().and_then(scaled) else { return Ok(None) };
        let found = Self::read(survey, &id).await?;
        Ok(found.map(|found| Rival { found, what: what(), otherwise: OTHERWISE.to_owned() }))
    }

    async fn create(
        cx: &Context<'_, Aws>,
        spec: &ScalableTargetSpec,
    ) -> Result<ScalableTargetOutput> {
        let id = scaled(spec.service.id()).required("the name of the service")?;
        let there = describe(cx.cloud, vec![id.clone()]).await?;
        let arn = match there.first() {
            // A call would change it, whosever it is.
            Some(target) => {
                let arn = arn(target)?;
                let tags = autoscaling::tags(cx.cloud, arn).await?;
                if !ownership::is_this::<Self>(cx, &id, None, tags.as_ref()) {
                    return Err(cx.in_the_way("scale the service", &id, &what(), OTHERWISE));
                }
                let is = |number: i32, wanted: u32| u32::try_from(number) == Ok(wanted);
                let min = (!is(target.min_capacity(), spec.min)).then_some(spec.min);
                let max = (!is(target.max_capacity(), spec.max)).then_some(spec.max);
                register(cx, &id, (min, max), false).await?;
                arn.to_owned()
            }
            None => register(cx, &id, (Some(spec.min), Some(spec.max)), true).await?,
        };
        put(cx.cloud, &id, None, spec).await?;
        Ok(ScalableTargetOutput { id, arn })
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &ScalableTargetSpec,
    ) -> Result<ScalableTargetOutput> {
        let id = &live.output.id;
        let min = (live.spec.min != spec.min).then_some(spec.min);
        let max = (live.spec.max != spec.max).then_some(spec.max);
        if min.or(max).is_some() {
            register(cx, id, (min, max), false).await?;
        }
        put(cx.cloud, id, Some(&live.spec), spec).await?;
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &ScalableTargetOutput) -> Result<()> {
        autoscaling::remember(cx, &output.arn).await
    }

    /// Its policies, their alarms and its scheduled actions go with it.
    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let request = cx
            .cloud
            .autoscaling
            .deregister_scalable_target()
            .service_namespace(NAMESPACE)
            .resource_id(&live.output.id)
            .scalable_dimension(DIMENSION);
        cx.cloud
            .send(&autoscaling::DEREGISTER_SCALABLE_TARGET, "delete the scalable target", || {
                request.clone().send()
            })
            .await?;
        Ok(Vec::new())
    }
}

/// What is inside of some targets.
struct Inside {
    policies: Vec<ScalingPolicy>,
    schedules: Vec<ScheduledAction>,
}

impl Inside {
    async fn of(aws: &Aws, targets: impl ExactSizeIterator<Item = &str>) -> Result<Self> {
        let targets: Vec<Option<&str>> = match targets.len() {
            0..=ONE_BY_ONE => targets.map(Some).collect(),
            _ => vec![None],
        };
        let policies = try_join_all(targets.iter().map(|target| policy::list(aws, *target)));
        let schedules = try_join_all(targets.iter().map(|target| schedule::list(aws, *target)));
        let (policies, schedules) = try_join(policies, schedules).await?;
        Ok(Self { policies: policies.concat(), schedules: schedules.concat() })
    }
}

fn found(owned: &Owned, target: &Description, inside: &Inside) -> Result<Found<ScalableTarget>> {
    let id = target.resource_id();
    let place = Arn::read(arn(target)?).required("the ARN of a scalable target")?;
    let Arn { partition, region, account, .. } = place;
    let service = format!("arn:{partition}:ecs:{region}:{account}:{id}");
    let number = |number: i32| u32::try_from(number).ok();
    let mut spec = ScalableTargetSpec {
        service: Ref::physical(service),
        min: number(target.min_capacity()).required("the fewest tasks of a scalable target")?,
        max: number(target.max_capacity()).required("the most tasks of a scalable target")?,
        policies: BTreeMap::new(),
        schedules: BTreeMap::new(),
    };
    let suspended = target.suspended_state();
    let is_suspended = suspended.is_some_and(|it| {
        [
            it.dynamic_scaling_in_suspended(),
            it.dynamic_scaling_out_suspended(),
            it.scheduled_scaling_suspended(),
        ]
        .contains(&Some(true))
    });
    let mut foreign = Vec::new();
    // What has a name of ours and is not as a stack can say it is none: it is made anew.
    for it in inside.policies.iter().filter(|it| it.resource_id() == id) {
        match it.policy_name().strip_prefix(OURS) {
            Some(name) => {
                let read = policy::read(it, &place).map(|read| (name.to_owned(), read));
                spec.policies.extend(read);
            }
            None => foreign.push(format!("the scaling policy {}", it.policy_name())),
        }
    }
    for it in inside.schedules.iter().filter(|it| it.resource_id() == id) {
        match it.scheduled_action_name().strip_prefix(OURS) {
            Some(name) => {
                let read = schedule::read(it).map(|read| (name.to_owned(), read));
                spec.schedules.extend(read);
            }
            None => foreign.push(format!("the scheduled action {}", it.scheduled_action_name())),
        }
    }
    Ok(Found {
        badge: owned.badge(),
        spec,
        output: ScalableTargetOutput { id: id.to_owned(), arn: arn(target)?.to_owned() },
        phase: Phase::Ready,
        state: if is_suspended { "suspended".to_owned() } else { String::new() },
        foreign,
    })
}

fn arn(target: &Description) -> Result<&str> {
    target.scalable_target_arn().required("the ARN of a scalable target")
}

/// What a service's tasks are called here: `service/CLUSTER/NAME`, the end of its ARN.
fn scaled(service: &str) -> Option<String> {
    let (_, end) = service.split_once(":service/")?;
    end.contains('/').then(|| format!("service/{end}"))
}

fn what() -> String {
    "the scaling of its service".to_owned()
}

async fn describe(aws: &Aws, ids: Vec<String>) -> Result<Vec<Description>> {
    let mut targets = Vec::new();
    for ids in ids.chunks(TARGETS_A_CALL) {
        targets.extend(listed(aws, Some(ids.to_vec())).await?);
    }
    Ok(targets)
}

/// The targets of these services, or of all.
async fn listed(aws: &Aws, ids: Option<Vec<String>>) -> Result<Vec<Description>> {
    let request = aws
        .autoscaling
        .describe_scalable_targets()
        .service_namespace(NAMESPACE)
        .set_resource_ids(ids)
        .scalable_dimension(DIMENSION);
    let pages = aws
        .pages(
            &autoscaling::DESCRIBE_SCALABLE_TARGETS,
            "find the scalable targets",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await?;
    Ok(pages.into_iter().flat_map(|it| it.scalable_targets.unwrap_or_default()).collect())
}

/// Makes a target or sets its bounds, those that are given: a schedule may have set the other one
/// since. Gives its ARN. Tags go with the first call alone: one that is there refuses them.
async fn register(
    cx: &Context<'_, Aws>,
    id: &str,
    (min, max): (Option<u32>, Option<u32>),
    is_new: bool,
) -> Result<String> {
    let request = cx
        .cloud
        .autoscaling
        .register_scalable_target()
        .service_namespace(NAMESPACE)
        .resource_id(id)
        .scalable_dimension(DIMENSION)
        .set_min_capacity(min.map(number))
        .set_max_capacity(max.map(number))
        .set_tags(is_new.then(|| tagged(cx.identity)));
    let made = cx
        .cloud
        .send(&autoscaling::REGISTER_SCALABLE_TARGET, "scale the service", || {
            request.clone().send()
        })
        .await?;
    made.scalable_target_arn.required("the ARN of a scalable target")
}

/// Makes what is inside as it is wanted: what is new comes before what is old goes.
async fn put(
    aws: &Aws,
    id: &str,
    live: Option<&ScalableTargetSpec>,
    spec: &ScalableTargetSpec,
) -> Result<()> {
    let Inside { policies, schedules } = Inside::of(aws, [id].into_iter()).await?;
    for (name, wanted) in &spec.policies {
        if live.and_then(|live| live.policies.get(name)) == Some(wanted) {
            continue;
        }
        // What kind of policy it is cannot be changed.
        let ours = format!("{OURS}{name}");
        let other = policies.iter().find(|it| it.policy_name() == ours);
        if other.is_some_and(|it| it.target_tracking_scaling_policy_configuration().is_none()) {
            policy::delete(aws, id, &ours).await?;
        }
        policy::put(aws, id, name, wanted).await?;
    }
    for (name, wanted) in &spec.schedules {
        let before = live.and_then(|live| live.schedules.get(name));
        if before == Some(wanted) {
            continue;
        }
        if before.is_some_and(|before| schedule::is_narrower(before, wanted)) {
            schedule::delete(aws, id, &format!("{OURS}{name}")).await?;
        }
        schedule::put(aws, id, name, wanted).await?;
    }
    for policy in &policies {
        let name = policy.policy_name();
        if name.strip_prefix(OURS).is_some_and(|name| !spec.policies.contains_key(name)) {
            policy::delete(aws, id, name).await?;
        }
    }
    for action in &schedules {
        let name = action.scheduled_action_name();
        if name.strip_prefix(OURS).is_some_and(|name| !spec.schedules.contains_key(name)) {
            schedule::delete(aws, id, name).await?;
        }
    }
    Ok(())
}
