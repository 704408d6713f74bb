//! How the number of a service's tasks follows the load and the clock becomes a scalable target.

use std::collections::BTreeMap;

use deployer_core::{Code, Diagnostic, Ref};
use deployer_kinds::{
    Backlog, RequestsTo, ScalableTarget, ScalableTargetSpec, ScalingMetric, ScalingPolicy,
    ScalingSchedule,
};

use super::body::{Scale, ScaleTime, Service};
use crate::draft::{Draft, Origin, owned};
use crate::section::{Section, Sections};
use crate::sections::load_balancer;
use crate::sections::queue::Queue;

/// How many tasks there are, where that is one number.
pub(super) fn count(draft: &mut Draft, name: &str, body: &Service) -> Option<u32> {
    let Some(scale) = &body.scale else { return Some(body.count.unwrap_or(1)) };
    if body.count.is_some() {
        draft.error(
            Code::CountTwice,
            format!("`{name}` has both a count and a scale"),
            &["services", name, "count"],
            "`scale` says it too",
            "keep one of the two",
        );
    }
    scale.is_one_number().then_some(scale.min)
}

pub(super) fn expand(draft: &mut Draft, all: &Sections, name: &str, body: &Service) {
    let Some(scale) = &body.scale else { return };
    if scale.is_one_number() {
        if let Some(key) = scale.followed().first() {
            draft.error(
                Code::NothingScales,
                format!("`{name}` always has {} tasks", scale.min),
                &["services", name, "scale", key],
                "there are never more or fewer",
                match scale.max {
                    Some(_) => format!("let `max` be more, such as `max: {}`", more(scale)),
                    None => format!("write `max: {}` beside it", more(scale)),
                },
            );
        }
        return;
    }
    let max = scale.max.unwrap_or(scale.min);
    if max > scale.min && scale.followed().is_empty() && scale.schedules.is_empty() {
        draft.error(
            Code::NothingScales,
            format!("nothing says when `{name}` is to have more than {} tasks", scale.min),
            &["services", name, "scale"],
            "a number of tasks, and no load or time that it follows",
            "write `cpu: 60%` beside it",
        );
        return;
    }
    warn_of_endless(draft, name, scale);
    let mut schedules = BTreeMap::new();
    let mut origin = Origin::new(
        &["services", name],
        &[
            ("min", "scale.min"),
            ("max", "scale.max"),
            ("policies.cpu", "scale.cpu"),
            ("policies.memory", "scale.memory"),
            ("policies.requests", "scale.requests"),
            ("policies.backlog", "scale.backlog"),
            ("policies.backlog.target", "scale.backlog.per-task"),
        ],
    );
    for (place, time) in scale.schedules.iter().enumerate() {
        let key = format!("schedule-{}", place + 1);
        let at = ["scale", "schedules", &place.to_string()].map(str::to_owned);
        let when = if time.once.is_some() { "once" } else { "cron" };
        for (field, written) in [("", when), (".min", "min"), (".max", "max")] {
            let path = at.iter().cloned().chain([written.to_owned()]).collect();
            origin.fields.push((format!("schedules.{key}{field}"), path));
        }
        schedules.extend(schedule(draft, name, place, time).map(|schedule| (key, schedule)));
    }
    let spec = ScalableTargetSpec {
        service: Ref::named(name),
        min: scale.min,
        max,
        policies: policies(draft, all, name, body, scale),
        schedules,
    };
    draft.make::<ScalableTarget>(name, &spec, origin);
}

/// A number of tasks that leaves room.
fn more(scale: &Scale) -> u32 {
    scale.min.max(1).saturating_mul(4)
}

impl Scale {
    /// Whether it is no more than a number of tasks.
    fn is_one_number(&self) -> bool {
        self.max.is_none_or(|max| max == self.min) && self.schedules.is_empty()
    }

    /// The keys of the loads that it follows.
    fn followed(&self) -> Vec<&'static str> {
        let keys = [
            ("cpu", self.cpu.is_some()),
            ("memory", self.memory.is_some()),
            ("requests", self.requests.is_some()),
            ("backlog", self.backlog.is_some()),
        ];
        keys.into_iter().filter(|(_, is_there)| *is_there).map(|(key, _)| key).collect()
    }
}

fn policies(
    draft: &mut Draft,
    all: &Sections,
    name: &str,
    body: &Service,
    scale: &Scale,
) -> BTreeMap<String, ScalingPolicy> {
    let policy = ScalingPolicy::keeping;
    let mut policies = BTreeMap::new();
    let cpu = scale.cpu.map(|share| ("cpu", policy(ScalingMetric::Cpu, share.0)));
    let memory = scale.memory.map(|share| ("memory", policy(ScalingMetric::Memory, share.0)));
    let requests = scale.requests.and_then(|rate| {
        let to = requests_to(draft, all, name, body)?;
        Some(("requests", policy(ScalingMetric::Requests(to), rate.0)))
    });
    let backlog = scale.backlog.as_ref().and_then(|backlog| {
        let path = ["services", name, "scale", "backlog", "queue"];
        let is_there = draft.must_have(Queue::KEY, &backlog.queue, &path);
        let of = Backlog { queue: Ref::named(&backlog.queue) };
        is_there.then(|| ("backlog", policy(ScalingMetric::Backlog(of), backlog.per_task)))
    });
    for (key, policy) in [cpu, memory, requests, backlog].into_iter().flatten() {
        policies.insert(key.to_owned(), policy);
    }
    policies
}

/// Where the requests come in that are counted: the one route of a service.
fn requests_to(
    draft: &mut Draft,
    all: &Sections,
    name: &str,
    body: &Service,
) -> Option<RequestsTo> {
    let routed = body.ports.iter().filter_map(|(port, it)| Some((port, it.route.as_ref()?)));
    let routed: Vec<_> = routed.collect();
    let [(port, route)] = routed.as_slice() else {
        let (label, help) = if routed.is_empty() {
            ("no load balancer leads any to it", "give a port a `route:`, or scale by `cpu: 60%`")
        } else {
            ("it has several routes, and AWS counts those of one", "scale by `cpu: 60%`")
        };
        let title = format!("the requests of `{name}` cannot be counted");
        let path = ["services", name, "scale", "requests"];
        draft.error(Code::NothingScales, title, &path, label, help);
        return None;
    };
    if load_balancer::is_network(all, &route.load_balancer) {
        let title = format!("the requests of `{name}` cannot be counted");
        let label = format!("`{}` does not read them", route.load_balancer);
        let path = ["services", name, "scale", "requests"];
        draft.error(Code::NothingScales, title, &path, label, "scale by `cpu: 60%`");
        return None;
    }
    Some(RequestsTo {
        load_balancer: Ref::named(&route.load_balancer),
        target_group: Ref::named(format!("{name}-{port}")),
    })
}

fn schedule(
    draft: &mut Draft,
    name: &str,
    place: usize,
    time: &ScaleTime,
) -> Option<ScalingSchedule> {
    let at = match (&time.cron, &time.once) {
        (Some(cron), None) => cron.aws(),
        (None, Some(once)) => once.aws(),
        (cron, _) => {
            let label = if cron.is_some() { "one of the two" } else { "it does not say when" };
            draft.error(
                Code::NothingScales,
                "a schedule has one time, or times that come again",
                &["services", name, "scale", "schedules", &place.to_string()],
                label,
                "write `cron: \"0 8 * * MON-FRI\"`, or `once: 2027-01-01T08:00`",
            );
            return None;
        }
    };
    let timezone = time.timezone.as_ref().map_or("UTC", |zone| zone.as_str()).to_owned();
    Some(ScalingSchedule { at, timezone, min: time.min, max: time.max })
}

/// Bounds that a schedule gives stay until another gives others: AWS does not put them back. So one
/// has to give those of the file again.
fn warn_of_endless(draft: &mut Draft, name: &str, scale: &Scale) {
    let max = scale.max.unwrap_or(scale.min);
    for (key, before, of) in [
        ("min", scale.min, (|time| time.min) as fn(&ScaleTime) -> Option<u32>),
        ("max", max, |time| time.max),
    ] {
        let given = scale.schedules.iter().enumerate();
        let given: Vec<_> = given.filter_map(|(place, time)| Some((place, of(time)?))).collect();
        let is_back = given.iter().any(|(_, value)| *value == before);
        let Some((place, value)) = given.last().filter(|_| !is_back) else { continue };
        let path = ["services", name, "scale", "schedules", &place.to_string(), key];
        let span = draft.place(&owned(&path));
        let warning = Diagnostic::warning(
            Code::StaysScaled,
            format!("`{name}` never has `{key}: {before}` again after `{key}: {value}`"),
        );
        let help = format!("add a schedule with `{key}: {before}` for when that is over");
        draft.report(&path, warning.at(span, "no schedule gives it back").help(help));
    }
}
