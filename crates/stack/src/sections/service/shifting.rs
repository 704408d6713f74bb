//! How ECS is to roll a service out: the strategy, and what it needs for shifting requests.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Code, Partition, Ref, principal};
use deployer_kinds::{self as kinds, BlueGreen, Pause, Role, RoleSpec, Shift, Stage, Steps};

use super::body::{Route, Service};
use super::owner::Owner;
use super::roles::role_name;
use super::rollout::{At, Rollout, Strategy, Test};
use super::rules::{Door, doors};
use crate::draft::Draft;
use crate::quantities::{Seconds, Share};
use crate::section::{Section, Sections};
use crate::sections::load_balancer::LoadBalancer;

/// What we choose where nothing is said.
const STEP: Share = Share(10.0);
const STEP_BAKE: Seconds = Seconds(5 * 60);
const BAKE: Seconds = Seconds(5 * 60);
const WITHIN: Seconds = Seconds(24 * 60 * 60);

/// What lets ECS shift requests ("Amazon ECS infrastructure IAM role for load balancers" in the ECS
/// developer guide).
const POLICY: &str = "AmazonECSInfrastructureRolePolicyForLoadBalancers";

/// What the role is for in which ECS changes load balancers.
const ROLE: &str = "infrastructure";

/// What the target group is called to which requests are shifted from that of a port, and back.
pub(super) fn alternate(group: &str) -> String {
    format!("{group}-green")
}

/// The strategy of a service.
pub(super) fn strategy(draft: &mut Draft, name: &str, body: &Service) -> kinds::Strategy {
    refuse_what_does_not_apply(draft, name, body);
    let Rollout { strategy, step, step_bake, bake, .. } = &body.rollout;
    let mut minutes =
        |key, time: Option<Seconds>, usual| minutes(draft, name, key, time.unwrap_or(usual));
    let bake = match strategy {
        Strategy::Rolling => return kinds::Strategy::Rolling,
        _ => minutes(&["bake"], *bake, BAKE),
    };
    let step = step.unwrap_or(STEP).0;
    match strategy {
        Strategy::Rolling => kinds::Strategy::Rolling,
        Strategy::BlueGreen => kinds::Strategy::BlueGreen(BlueGreen { bake }),
        Strategy::Canary => {
            let step_bake = minutes(&["step-bake"], *step_bake, STEP_BAKE);
            kinds::Strategy::Canary(Steps { step, step_bake, bake })
        }
        Strategy::Linear => {
            let step_bake = minutes(&["step-bake"], *step_bake, STEP_BAKE);
            kinds::Strategy::Linear(Steps { step, step_bake, bake })
        }
    }
}

/// Where a rollout waits. ECS has no pause where requests are being shifted, but before and after
/// that ("Pause hooks" in the ECS developer guide).
pub(super) fn pauses(draft: &mut Draft, name: &str, body: &Service) -> BTreeSet<Pause> {
    let Some(approve) = &body.rollout.approve else { return BTreeSet::new() };
    let stage = match approve.at {
        At::NewTasks => Stage::PreScaleUp,
        At::TestTraffic => Stage::PostTestTrafficShift,
        At::ProductionTraffic => Stage::PreProductionTrafficShift,
        At::Bake => Stage::PostProductionTrafficShift,
    };
    if !body.rollout.shifts() && stage != Stage::PreScaleUp {
        let path = [Service::KEY, name, "rollout", "approve", "at"];
        let title = "with `rolling` no requests are shifted that a rollout could wait before";
        let help = "write `at: new-tasks`, or a `strategy` of `blue-green`, `canary` or `linear`";
        draft.error(Code::BadValue, title, &path, "", help);
    }
    if body.rollout.shifts() && approve.at == At::TestTraffic && body.rollout.test.is_none() {
        let path = [Service::KEY, name, "rollout", "approve", "at"];
        let title = "no port leads to a new version for tests";
        let help = "add `test: { port: 9000 }` to the rollout, or write `at: production-traffic`";
        draft.error(Code::BadValue, title, &path, "nothing to wait after", help);
    }
    let within = approve.within.unwrap_or(WITHIN);
    let minutes = minutes(draft, name, &["approve", "within"], within);
    [Pause { stage, minutes }].into()
}

/// A time in minutes, as ECS counts it.
fn minutes(draft: &mut Draft, name: &str, key: &[&str], time: Seconds) -> u32 {
    if !time.0.is_multiple_of(60) {
        let path = [&[Service::KEY, name, "rollout"], key].concat();
        let title = format!("{time} are no whole minutes");
        let help = format!("ECS counts minutes: write `{} min`", time.0.div_ceil(60));
        draft.error(Code::BadValue, title, &path, "", help);
    }
    time.0 / 60
}

/// What ECS needs for shifting the requests of a route; none where they are not shifted.
pub(super) fn shift(
    draft: &mut Draft,
    all: &Sections,
    (name, port): (&str, &str),
    body: &Service,
    route: &Route,
) -> Option<Shift> {
    if !body.rollout.shifts() {
        return None;
    }
    let balancer = all.get::<LoadBalancer>(&route.load_balancer)?;
    let path = [Service::KEY, name, "ports", port, "route"];
    if balancer.is_network() {
        let title = "the requests of a network load balancer are not shifted yet";
        let help = "write `strategy: rolling`, or take an application load balancer";
        let path = [&path[..], &["load-balancer"]].concat();
        draft.error(Code::BadValue, title, &path, "a network load balancer", help);
        return None;
    }
    for (key, is_there, help) in [
        ("weight", route.weight.is_some(), "remove it: ECS shifts all requests of a rule"),
        ("sticky", route.sticky.is_some(), "remove it: clients would stay with the old version"),
    ] {
        if is_there {
            let title = format!("`{key}` does not go together with requests that are shifted");
            let help = format!("{help}; or write `strategy: rolling`");
            draft.key_error(Code::BadValue, title, &[&path[..], &[key]].concat(), "", help);
        }
    }
    let doors = doors(draft, &route.load_balancer, balancer);
    let [door] = doors.as_slice() else {
        let title = "ECS shifts the requests of one listener";
        let label = format!("`{}` listens for them twice", route.load_balancer);
        let help = "write `http: redirect` in the load balancer, or `strategy: rolling` here";
        draft.error(Code::BadValue, title, &[&path[..], &["load-balancer"]].concat(), label, help);
        return None;
    };
    let group = format!("{name}-{port}");
    let test_rule = match &body.rollout.test {
        Some(test) => Some(test_door(draft, (name, test), &route.load_balancer, balancer)?),
        None => None,
    };
    Some(Shift {
        alternate: Ref::named(alternate(&group)),
        test_rule: test_rule.map(|door| Ref::named(door.rule(&group))),
        rule: Ref::named(door.rule(&group)),
        role: Ref::named(role_name(Owner::service(name), ROLE)),
    })
}

/// The listener for the tests of a service at a load balancer; none, reported, where there can be none.
fn test_door(
    draft: &mut Draft,
    (name, test): (&str, &Test),
    balancer: &str,
    body: &LoadBalancer,
) -> Option<Door> {
    let path = [Service::KEY, name, "rollout", "test"];
    if body.existing.is_some() {
        let title = format!("`{balancer}` is not the stack's, and gets no port for tests");
        let help =
            "remove `test:`, or lead the service's routes through a load balancer of the stack";
        draft.key_error(Code::BadValue, title, &path, "for load balancers of the stack", help);
        return None;
    }
    if body.listens_on(test.port) {
        let title = format!("`{balancer}` listens on port {} for everybody", test.port);
        let path = [&path[..], &["port"]].concat();
        draft.error(Code::BadValue, title, &path, "taken", "write another port, such as `9000`");
        return None;
    }
    Some(Door::of_tests(balancer, body, test.port))
}

/// Makes the role in which ECS shifts requests.
pub(super) fn role(draft: &mut Draft, name: &str) {
    let partition = Partition::of(&draft.region).name();
    let spec = RoleSpec {
        services: [principal("ecs")].into(),
        // For whom ECS takes this role it does not say ("Amazon ECS infrastructure IAM role for load
        // balancers" in the ECS developer guide has no condition).
        own_account_only: false,
        conditions: BTreeMap::new(),
        inline: BTreeMap::new(),
        managed: [format!("arn:{partition}:iam::aws:policy/{POLICY}")].into(),
        boundary: None,
        path: "/".to_owned(),
    };
    let owner = Owner::service(name);
    draft.make::<Role>(&role_name(owner, ROLE), &spec, owner.origin(&[("managed", "rollout")]));
}

fn refuse_what_does_not_apply(draft: &mut Draft, name: &str, body: &Service) {
    let Rollout { strategy, step, step_bake, bake, .. } = &body.rollout;
    let path = [Service::KEY, name, "rollout"];
    let has_steps = matches!(strategy, Strategy::Canary | Strategy::Linear);
    let steps = "write `strategy: canary` or `strategy: linear`";
    for (key, is_there, applies, title, help) in [
        ("step", step.is_some(), has_steps, "requests are not shifted in steps", steps),
        ("step-bake", step_bake.is_some(), has_steps, "requests are not shifted in steps", steps),
        (
            "bake",
            bake.is_some(),
            body.rollout.shifts(),
            "with `rolling` no old version stays ready",
            "write `strategy: blue-green`, `canary` or `linear`",
        ),
    ] {
        if is_there && !applies {
            let help = format!("remove it, or {help}");
            let path = [&path[..], &[key]].concat();
            draft.key_error(Code::BadValue, title, &path, "not with this strategy", help);
        }
    }
    let is_routed = body.ports.values().any(|port| port.route.is_some());
    if body.rollout.test.is_some() && !(body.rollout.shifts() && is_routed) {
        let (title, help) = if body.rollout.shifts() {
            (
                format!("`{name}` gets no requests to be tested with"),
                "give one of its ports a `route`",
            )
        } else {
            let title = "with `rolling` a new version gets requests as its tasks come".to_owned();
            (title, "write `strategy: blue-green`, `canary` or `linear`")
        };
        let help = format!("remove it, or {help}");
        let path = [&path[..], &["test"]].concat();
        draft.key_error(Code::BadValue, title, &path, "nothing to test before that", help);
    }
    if !body.rollout.shifts() {
        return;
    }
    if draft.is_written(&path, "circuit-breaker") {
        let title = "a circuit breaker is for `strategy: rolling`";
        let help = "remove it: what fails gets no requests; `alarms:` take a release back";
        let path = [&path[..], &["circuit-breaker"]].concat();
        draft.key_error(Code::BadValue, title, &path, "not with this strategy", help);
    }
    if has_steps && !is_routed {
        let title = format!("`{name}` gets no requests that could be shifted");
        let help = "give one of its ports a `route`, or write `strategy: rolling`";
        draft.error(Code::BadValue, title, &[&path[..], &["strategy"]].concat(), "", help);
    }
    if body.scale.as_ref().is_some_and(|scale| scale.requests.is_some()) {
        let title = "requests are counted in one target group, and shifted to another";
        let path = [Service::KEY, name, "scale", "requests"];
        let help = "scale by `cpu` or `memory`, or write `strategy: rolling`";
        draft.error(Code::BadValue, title, &path, "", help);
    }
}
