//! How a service goes from one revision to the next, as ECS tells it and as ECS is asked for it: its
//! deployment configuration.

use std::collections::BTreeSet;

use aws_sdk_ecs::types::builders::DeploymentConfigurationBuilder;
use aws_sdk_ecs::types::{
    CanaryConfiguration, DeploymentAlarms, DeploymentCircuitBreaker, DeploymentConfiguration,
    DeploymentLifecycleHook, DeploymentLifecycleHookAction, DeploymentLifecycleHookStage,
    DeploymentLifecycleHookTargetType, DeploymentLifecycleHookTimeoutConfiguration,
    DeploymentStrategy, LinearConfiguration, Service as Description,
};
use deployer_core::{Opaque, Ref};
use deployer_engine::Result;
use deployer_kinds::{
    Alarm, BlueGreen, CircuitBreaker, Pause, ServiceSpec, Stage, Steps, Strategy,
};

use crate::missing::Required;

/// What ECS takes where a configuration says nothing (`CanaryConfiguration` and
/// `LinearConfiguration` in the ECS API reference), a share and minutes.
const CANARY: (f64, i32) = (5.0, 10);
const LINEAR: (f64, i32) = (10.0, 6);

/// How long a pause lasts that says nothing of it, in minutes
/// (`DeploymentLifecycleHookTimeoutConfiguration` in the ECS API reference).
const PAUSE: i32 = 1440;

/// The stages that a deployment can wait in ("Pause hooks" in the ECS developer guide).
const STAGES: [(Stage, DeploymentLifecycleHookStage); 6] = [
    (Stage::ReconcileService, DeploymentLifecycleHookStage::ReconcileService),
    (Stage::PreScaleUp, DeploymentLifecycleHookStage::PreScaleUp),
    (Stage::PostScaleUp, DeploymentLifecycleHookStage::PostScaleUp),
    (Stage::PostTestTrafficShift, DeploymentLifecycleHookStage::PostTestTrafficShift),
    (Stage::PreProductionTrafficShift, DeploymentLifecycleHookStage::PreProductionTrafficShift),
    (Stage::PostProductionTrafficShift, DeploymentLifecycleHookStage::PostProductionTrafficShift),
];

/// The strategy; unread where this version does not know it.
pub(super) fn read(deployment: &DeploymentConfiguration) -> Opaque<Strategy> {
    let minutes = |minutes: Option<i32>| minutes.and_then(|it| u32::try_from(it).ok()).unwrap_or(0);
    let bake = minutes(deployment.bake_time_in_minutes());
    let steps = |(step, step_bake): (Option<f64>, Option<i32>), usual: (f64, i32)| Steps {
        step: step.unwrap_or(usual.0),
        step_bake: minutes(step_bake.or(Some(usual.1))),
        bake,
    };
    Opaque::Known(match deployment.strategy() {
        None | Some(DeploymentStrategy::Rolling) => Strategy::Rolling,
        Some(DeploymentStrategy::BlueGreen) => Strategy::BlueGreen(BlueGreen { bake }),
        Some(DeploymentStrategy::Canary) => {
            let set = deployment.canary_configuration();
            let set = set.map(|it| (it.canary_percent(), it.canary_bake_time_in_minutes()));
            Strategy::Canary(steps(set.unwrap_or_default(), CANARY))
        }
        Some(DeploymentStrategy::Linear) => {
            let set = deployment.linear_configuration();
            let set = set.map(|it| (it.step_percent(), it.step_bake_time_in_minutes()));
            Strategy::Linear(steps(set.unwrap_or_default(), LINEAR))
        }
        Some(_) => return Opaque::Unread,
    })
}

/// Whether ECS shifts requests from one target group of a service to another.
pub(super) fn shifts(service: &Description) -> bool {
    let deployment = service.deployment_configuration();
    deployment.is_some_and(|it| read(it).known().is_none_or(|strategy| strategy.shifts()))
}

/// What ECS does with tasks that keep failing; unread where it has no circuit breaker, which is the
/// rolling strategy's alone (`DeploymentConfiguration` in the ECS API reference).
pub(super) fn circuit_breaker(deployment: &DeploymentConfiguration) -> Opaque<CircuitBreaker> {
    if read(deployment).known() != Some(&Strategy::Rolling) {
        return Opaque::Unread;
    }
    Opaque::Known(match deployment.deployment_circuit_breaker() {
        Some(breaker) if breaker.enable() && breaker.rollback() => CircuitBreaker::Rollback,
        Some(breaker) if breaker.enable() => CircuitBreaker::Stop,
        _ => CircuitBreaker::None,
    })
}

/// The alarms that take a rollout back; unread where they only end it.
pub(super) fn alarms(deployment: &DeploymentConfiguration) -> Opaque<BTreeSet<Ref<Alarm>>> {
    match deployment.alarms().filter(|alarms| alarms.enable()) {
        Some(alarms) if !alarms.rollback() => Opaque::Unread,
        alarms => {
            let names = alarms.into_iter().flat_map(|alarms| alarms.alarm_names());
            Opaque::Known(names.map(Ref::physical).collect())
        }
    }
}

/// Where a rollout waits; unread where it also waits for functions, or goes on by itself.
pub(super) fn pauses(deployment: &DeploymentConfiguration) -> Opaque<BTreeSet<Pause>> {
    let pauses = deployment.lifecycle_hooks().iter().map(pauses_of).collect::<Option<Vec<_>>>();
    pauses.map(|pauses| pauses.into_iter().flatten().collect()).into()
}

fn pauses_of(hook: &DeploymentLifecycleHook) -> Option<Vec<Pause>> {
    let timeout = hook.timeout_configuration();
    let action = timeout.and_then(|it| it.action());
    let minutes = timeout.and_then(|it| it.timeout_in_minutes()).unwrap_or(PAUSE);
    // One without a type is a function.
    let waits = hook.target_type() == Some(&DeploymentLifecycleHookTargetType::Pause)
        && action.is_none_or(|action| *action == DeploymentLifecycleHookAction::Rollback);
    let minutes = u32::try_from(minutes).ok().filter(|_| waits)?;
    let stage = |stage| STAGES.iter().find(|(_, theirs)| theirs == stage).map(|(stage, _)| *stage);
    let stages = hook.lifecycle_stages().iter().map(stage);
    stages.map(|stage| Some(Pause { stage: stage?, minutes })).collect()
}

/// How a new service goes from one revision to the next.
pub(super) fn new(spec: &ServiceSpec) -> Result<DeploymentConfiguration> {
    let strategy = *spec.strategy.wanted()?;
    let configuration = with(percents(spec), strategy);
    let configuration = match strategy {
        Strategy::Rolling => configuration.deployment_circuit_breaker(breaker(spec)?),
        _ => configuration,
    };
    let alarms = spec.alarms.wanted()?;
    let hooks: Vec<_> = spec.pauses.wanted()?.iter().copied().map(hook).collect();
    Ok(configuration
        .set_alarms(if alarms.is_empty() { None } else { Some(watched(alarms)?) })
        .set_lifecycle_hooks((!hooks.is_empty()).then_some(hooks))
        .build())
}

/// What changes of that. What is left out stays as it is (`UpdateService` in the ECS API reference), and
/// so does what is unread. The circuit breaker is sent whole, since ECS merges its pieces in ways of
/// their own.
pub(super) fn change(
    live: &ServiceSpec,
    spec: &ServiceSpec,
) -> Result<Option<DeploymentConfiguration>> {
    let (is, will) = (live.strategy.known(), *spec.strategy.wanted()?);
    let is_known = is.is_some();
    let is_other = is_known && is != Some(&will);
    let has_breaker = live.circuit_breaker.known().is_some() || is_other;
    let is_other_breaker = has_breaker && live.circuit_breaker != spec.circuit_breaker;
    let of_percents = |it: &ServiceSpec| (it.minimum_percent, it.maximum_percent);
    let is_other_alarm = live.alarms.known().is_some() && live.alarms != spec.alarms;
    let is_other_pause = live.pauses.known().is_some() && live.pauses != spec.pauses;
    let differs = of_percents(live) != of_percents(spec)
        || is_other
        || is_other_breaker && !will.shifts()
        || is_other_alarm
        || is_other_pause;
    if !differs {
        return Ok(None);
    }
    let mut change = percents(spec);
    if is_other {
        change = with(change, will);
    }
    if is_known && will.shifts() {
        // "Can only be used" with rolling updates, so the one there was is turned off.
        let none = DeploymentCircuitBreaker::builder().enable(false).rollback(false).build();
        change = change.deployment_circuit_breaker(none);
    } else if has_breaker {
        change = change.deployment_circuit_breaker(breaker(spec)?);
    }
    if is_other_alarm {
        change = change.alarms(watched(spec.alarms.wanted()?)?);
    }
    if is_other_pause {
        let hooks = spec.pauses.wanted()?.iter().copied().map(hook).collect();
        change = change.set_lifecycle_hooks(Some(hooks));
    }
    Ok(Some(change.build()))
}

/// Whether another strategy takes the place of one that is known, and shifts requests.
pub(super) fn comes(live: &ServiceSpec, spec: &ServiceSpec) -> bool {
    let shifts = spec.strategy.known().is_some_and(|strategy| strategy.shifts());
    shifts && live.strategy.known().is_some() && live.strategy != spec.strategy
}

fn percents(spec: &ServiceSpec) -> DeploymentConfigurationBuilder {
    DeploymentConfiguration::builder()
        .minimum_healthy_percent(number(spec.minimum_percent))
        .maximum_percent(number(spec.maximum_percent))
}

fn with(
    configuration: DeploymentConfigurationBuilder,
    strategy: Strategy,
) -> DeploymentConfigurationBuilder {
    match strategy {
        Strategy::Rolling => configuration.strategy(DeploymentStrategy::Rolling),
        Strategy::BlueGreen(BlueGreen { bake }) => {
            configuration.strategy(DeploymentStrategy::BlueGreen).bake_time_in_minutes(number(bake))
        }
        Strategy::Canary(Steps { step, step_bake, bake }) => {
            let canary = CanaryConfiguration::builder().canary_percent(step);
            configuration
                .strategy(DeploymentStrategy::Canary)
                .canary_configuration(canary.canary_bake_time_in_minutes(number(step_bake)).build())
                .bake_time_in_minutes(number(bake))
        }
        Strategy::Linear(Steps { step, step_bake, bake }) => {
            let linear = LinearConfiguration::builder().step_percent(step);
            configuration
                .strategy(DeploymentStrategy::Linear)
                .linear_configuration(linear.step_bake_time_in_minutes(number(step_bake)).build())
                .bake_time_in_minutes(number(bake))
        }
    }
}

fn breaker(spec: &ServiceSpec) -> Result<DeploymentCircuitBreaker> {
    let wanted = *spec.circuit_breaker.wanted()?;
    let breaker = DeploymentCircuitBreaker::builder().enable(wanted != CircuitBreaker::None);
    Ok(breaker.rollback(wanted == CircuitBreaker::Rollback).build())
}

fn watched(alarms: &BTreeSet<Ref<Alarm>>) -> Result<DeploymentAlarms> {
    let names = alarms.iter().map(|alarm| alarm.id().to_owned()).collect();
    let are_there = !alarms.is_empty();
    let alarms = DeploymentAlarms::builder().set_alarm_names(Some(names));
    alarms.enable(are_there).rollback(are_there).build().ok().required("the alarms of a rollout")
}

fn hook(pause: Pause) -> DeploymentLifecycleHook {
    let stage = STAGES.iter().find(|(stage, _)| *stage == pause.stage).map(|(_, it)| it.clone());
    let timeout = DeploymentLifecycleHookTimeoutConfiguration::builder()
        .timeout_in_minutes(number(pause.minutes))
        .action(DeploymentLifecycleHookAction::Rollback);
    DeploymentLifecycleHook::builder()
        .target_type(DeploymentLifecycleHookTargetType::Pause)
        .set_lifecycle_stages(stage.map(|stage| vec![stage]))
        .timeout_configuration(timeout.build())
        .build()
}

pub(super) fn number(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec(fields: &serde_json::Value) -> ServiceSpec {
        let mut spec = json!({
            "cluster": { "id": "c" }, "task-definition": { "id": "t" },
            "subnets": [{ "id": "s" }], "security-groups": [{ "id": "g" }],
        });
        let fields = fields.as_object().cloned().unwrap_or_default();
        spec.as_object_mut().unwrap().extend(fields);
        serde_json::from_value(spec).unwrap()
    }

    fn unread(spec: ServiceSpec) -> ServiceSpec {
        ServiceSpec { strategy: Opaque::Unread, circuit_breaker: Opaque::Unread, ..spec }
    }

    #[test]
    fn what_was_asked_for_reads_as_what_was_wanted() {
        for strategy in [
            json!("rolling"),
            json!({ "blue-green": { "bake": 5 } }),
            json!({ "canary": { "step": 0.5, "step-bake": 10, "bake": 5 } }),
            json!({ "linear": { "step": 25.0, "step-bake": 0, "bake": 0 } }),
        ] {
            let wanted = spec(&json!({
                "strategy": strategy,
                "alarms": [{ "id": "web-5xx" }],
                "pauses": [{ "stage": "pre-production-traffic-shift", "minutes": 60 }],
            }));
            let asked = new(&wanted).unwrap();
            assert_eq!(read(&asked), wanted.strategy);
            assert_eq!(
                (alarms(&asked), pauses(&asked)),
                (wanted.alarms.clone(), wanted.pauses.clone())
            );
            let is_rolling = wanted.strategy == Opaque::Known(Strategy::Rolling);
            assert_eq!(asked.deployment_circuit_breaker().is_some(), is_rolling);
        }
    }

    #[test]
    fn a_strategy_that_this_version_does_not_know_stays() {
        let wanted = spec(&json!({}));
        assert_eq!(change(&wanted, &wanted).unwrap(), None, "what does not differ is not sent");
        assert_eq!(change(&unread(wanted.clone()), &wanted).unwrap(), None);
        let other = unread(spec(&json!({ "maximum-percent": 150 })));
        let percents = change(&other, &wanted).unwrap().unwrap();
        assert_eq!((percents.strategy(), percents.deployment_circuit_breaker()), (None, None));
        assert_eq!(percents.maximum_percent(), Some(200));
        let rolling =
            change(&spec(&json!({ "circuit-breaker": "stop" })), &wanted).unwrap().unwrap();
        assert!(rolling.deployment_circuit_breaker().is_some_and(|it| it.rollback()));
        assert_eq!(rolling.strategy(), None);
    }

    #[test]
    fn a_circuit_breaker_goes_with_the_rolling_strategy_and_comes_with_it() {
        let rolling = spec(&json!({}));
        let shifting = ServiceSpec {
            circuit_breaker: Opaque::Unread,
            ..spec(&json!({ "strategy": { "blue-green": { "bake": 5 } } }))
        };
        let breaker = |live: &ServiceSpec, wanted: &ServiceSpec| {
            let change = change(live, wanted).unwrap().unwrap();
            change.deployment_circuit_breaker().map(|it| it.enable())
        };
        assert_eq!(
            breaker(&rolling, &spec(&json!({ "strategy": shifting.strategy }))),
            Some(false)
        );
        assert_eq!(breaker(&shifting, &rolling), Some(true));
    }

    #[test]
    fn hooks_of_functions_are_unread() {
        let function = DeploymentLifecycleHook::builder()
            .hook_target_arn("arn")
            .lifecycle_stages(DeploymentLifecycleHookStage::PreScaleUp)
            .build();
        let deployment = DeploymentConfiguration::builder().lifecycle_hooks(function).build();
        assert_eq!(pauses(&deployment), Opaque::Unread);
    }
}
