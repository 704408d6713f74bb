//! Makes the alarms: for what usually goes wrong, of one's own, and those of several that are one.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Address, Code, Diagnostic, Kind, Ref};
use deployer_kinds::{
    Alarm, AlarmSpec, Comparison, CompositeAlarm, CompositeAlarmSpec, CompositeRule, Missing, Topic,
};

use super::body::{Form, Formless, Monitoring, Own};
use super::metrics::{
    DATABASE_WORDS, GIB, JOB_WORDS, LOAD_BALANCER_WORDS, Metric, QUEUE_WORDS, SERVICE_WORDS,
    of_database, of_job, of_load_balancer, of_queue, of_service, of_waiting,
};
use crate::draft::{Draft, Origin};
use crate::mistakes::{expected, listed, suggestion};
use crate::quantities::Seconds;
use crate::section::{Section, Sections};
use crate::sections::database::Database;
use crate::sections::job::{self, Job};
use crate::sections::load_balancer::LoadBalancer;
use crate::sections::queue::Queue;
use crate::sections::service::Service;

/// The topic that hears of all of them.
pub(super) const TOPIC: &str = "alarms";

/// Seconds that an alarm looks back where nothing is said.
const FIVE_MINUTES: Seconds = Seconds(300);

/// Seconds of an hour.
const HOUR: u32 = 60 * 60;

/// The alarms that measure something, by name, each with the part of the text it comes from.
type Measuring = BTreeMap<String, (AlarmSpec, Origin)>;

/// Makes them all; those of several come first in what is returned.
pub(super) fn expand(body: &Monitoring, all: &Sections, draft: &mut Draft) -> Vec<Address> {
    let alarms = Alarms { body, all, topics: topics(body) };
    let mut measuring = alarms.own(draft);
    if body.defaults {
        for (name, spec) in alarms.defaults() {
            if !body.alarms.contains_key(&name) {
                measuring.insert(name, (spec, Origin::new(&[Monitoring::KEY], &[])));
            }
        }
    }
    let mut made = alarms.composites(draft, &mut measuring);
    for (name, (spec, origin)) in measuring {
        draft.make::<Alarm>(&name, &spec, origin);
        made.push(Address::new(Alarm::NAME, &name));
    }
    made
}

fn topics(body: &Monitoring) -> BTreeSet<Ref<Topic>> {
    if body.notify.is_empty() { BTreeSet::new() } else { [Ref::named(TOPIC)].into() }
}

struct Alarms<'a> {
    body: &'a Monitoring,
    all: &'a Sections,
    topics: BTreeSet<Ref<Topic>>,
}

impl Alarms<'_> {
    /// What usually goes wrong. The thresholds are choices of ours, wide enough that a day without
    /// trouble passes none.
    fn defaults(&self) -> BTreeMap<String, AlarmSpec> {
        let mut found = BTreeMap::new();
        let mut add = |name: String, metric: Option<Metric>, against, seconds| {
            let spec = metric.map(|metric| self.alarm(&metric, against, seconds, String::new()));
            found.extend(spec.map(|spec| (name, spec)));
        };
        for (name, body) in self.all.of::<Service>() {
            for (end, metric, above, seconds) in [
                ("5xx", "5xx", 10.0, 300),
                ("latency", "latency-p99", 2.0, 300),
                ("unhealthy", "unhealthy", 0.0, 300),
                ("cpu", "cpu", 85.0, 600),
                ("memory", "memory", 85.0, 600),
            ] {
                let metric = of_service(self.all, name, body, metric);
                add(format!("{name}-{end}"), metric, (Comparison::Above, above), seconds);
            }
        }
        // Those that are not ours have alarms of whoever made them.
        let balancers = self.all.of::<LoadBalancer>().filter(|(_, it)| it.existing.is_none());
        for (name, _) in balancers {
            let metric = of_load_balancer(self.all, name, "elb-5xx");
            add(format!("load-balancer-{name}-5xx"), metric, (Comparison::Above, 10.0), 300);
        }
        for (name, body) in self.all.of::<Database>() {
            let metric = of_database(name, "cpu");
            add(format!("database-{name}-cpu"), metric, (Comparison::Above, 90.0), 900);
            let tenth = f64::from(body.storage.0) * GIB / 10.0;
            let metric = of_database(name, "storage");
            add(format!("database-{name}-storage"), metric, (Comparison::Below, tenth), 300);
        }
        for (name, job) in self.all.of::<Job>() {
            let metric = of_job(name, job, "failed");
            add(format!("job-{name}-failed"), metric, (Comparison::Above, 0.0), 300);
        }
        if self.all.of::<Job>().any(|(_, job)| job.schedule.is_some()) {
            let metric = Some(of_waiting(job::DEAD_LETTERS));
            add("jobs-not-started".to_owned(), metric, (Comparison::Above, 0.0), 300);
        }
        for (name, body) in self.all.of::<Queue>() {
            // Half of a short life is time enough to do something.
            let old = f64::from(body.retention.0.min(2 * HOUR)) / 2.0;
            let metric = of_queue(name, body, "age");
            add(format!("queue-{name}-age"), metric, (Comparison::Above, old), 300);
            let metric = of_queue(name, body, "dead-letters");
            add(format!("queue-{name}-dead-letters"), metric, (Comparison::Above, 0.0), 300);
        }
        found
    }

    /// Those of one's own that measure something; reports what none is made of.
    fn own(&self, draft: &mut Draft) -> Measuring {
        let mut found = Measuring::new();
        for (name, own) in &self.body.alarms {
            let path = [Monitoring::KEY, "alarms", name];
            match own.form() {
                Ok(Form::Metric { of, metric }) => {
                    let metric = self.measured(draft, name, of, metric);
                    let made = metric.and_then(|metric| self.measuring(draft, name, own, &metric));
                    found.extend(made.map(|made| (name.clone(), made)));
                }
                Ok(Form::AnyOf(_) | Form::AllOf(_)) => {}
                Err(Formless::Several) => {
                    let title = "an alarm either measures something or is made of others";
                    let help = "write `of:` and `metric:`, or `any-of:`, or `all-of:`";
                    draft.error(Code::BadValue, title, &path, "has more than one of them", help);
                }
                Err(Formless::Lacks(key)) => {
                    let place = draft.key_place(&path.map(str::to_owned));
                    let title = format!("`{}` needs `{key}`", path.join("."));
                    let help = format!("add `{key}:`, or make it of other alarms with `any-of:`");
                    let mistake = Diagnostic::error(Code::MissingKey, title)
                        .at(place, format!("`{key}` is missing here"))
                        .help(help);
                    draft.report(&path, mistake);
                }
            }
        }
        found
    }

    fn measuring(
        &self,
        draft: &mut Draft,
        name: &str,
        own: &Own,
        metric: &Metric,
    ) -> Option<(AlarmSpec, Origin)> {
        let path = [Monitoring::KEY, "alarms", name];
        let at = |key| [Monitoring::KEY, "alarms", name, key];
        let (comparison, key, written) = match (&own.above, &own.below) {
            (Some(above), None) => (Comparison::Above, "above", above),
            (None, Some(below)) => (Comparison::Below, "below", below),
            _ => {
                let title = "an alarm is either above a value or below one";
                let help = "write `above:` or `below:`";
                draft.error(Code::BadValue, title, &path, "needs one of them", help);
                return None;
            }
        };
        let Some(threshold) = metric.unit.read(written) else {
            let word = own.metric.as_deref().unwrap_or_default();
            let title = format!("`{written}` is no amount of `{word}`");
            let help = format!("expected one such as `{}`", metric.unit.example());
            draft.error(Code::BadValue, title, &at(key), "", help);
            return None;
        };
        let Seconds(seconds) = own.duration.unwrap_or(FIVE_MINUTES);
        if seconds == 0 || seconds % 60 != 0 {
            let title = "an alarm looks back on whole minutes";
            draft.error(Code::BadValue, title, &at("for"), "", "expected one such as `5 min`");
            return None;
        }
        let spec = self.alarm(metric, (comparison, threshold), seconds, own.description.clone());
        let fields = &[("periods", "for"), ("period", "for"), ("threshold", key)];
        Some((spec, Origin::new(&path, fields)))
    }

    /// Counts are those of the whole time; everything else has to be so in each of its minutes.
    fn alarm(
        &self,
        metric: &Metric,
        (comparison, threshold): (Comparison, f64),
        seconds: u32,
        description: String,
    ) -> AlarmSpec {
        let is_summed = metric.statistic == "sum";
        let (period, periods) = if is_summed { (seconds, 1) } else { (60, seconds / 60) };
        AlarmSpec {
            description,
            namespace: metric.namespace.to_owned(),
            metric: metric.name.to_owned(),
            dimensions: metric.dimensions.clone(),
            also: metric.also.clone(),
            statistic: metric.statistic.to_owned(),
            period,
            periods,
            datapoints: 0,
            threshold,
            comparison,
            missing: match comparison {
                // Nothing at all is less than anything.
                Comparison::Below if is_summed => Missing::Bad,
                _ if metric.is_sparse => Missing::Good,
                _ => Missing::Unknown,
            },
            topics: self.topics.clone(),
        }
    }

    /// What an alarm of one's own measures; reports what there is not.
    fn measured(&self, draft: &mut Draft, name: &str, of: &str, metric: &str) -> Option<Metric> {
        let path = [Monitoring::KEY, "alarms", name, "of"];
        let (section, entry) = of.split_once('/').unwrap_or((of, ""));
        let words: &[&str] = match section {
            Service::KEY => &SERVICE_WORDS,
            LoadBalancer::KEY => &LOAD_BALANCER_WORDS,
            Database::KEY => &DATABASE_WORDS,
            Job::KEY => &JOB_WORDS,
            Queue::KEY => &QUEUE_WORDS,
            _ => {
                let title = format!("`{of}` is nothing that is measured");
                let help = format!(
                    "expected an entry of {}, such as `services/web`",
                    listed(&[Service::KEY, LoadBalancer::KEY, Database::KEY, Job::KEY, Queue::KEY])
                );
                draft.error(Code::UnknownReference, title, &path, "not measured", help);
                return None;
            }
        };
        if !draft.must_have(section, entry, &path) {
            return None;
        }
        let found = match section {
            Service::KEY => of_service(self.all, entry, self.all.get::<Service>(entry)?, metric),
            LoadBalancer::KEY => of_load_balancer(self.all, entry, metric),
            Job::KEY => of_job(entry, self.all.get::<Job>(entry)?, metric),
            Queue::KEY => of_queue(entry, self.all.get::<Queue>(entry)?, metric),
            _ => of_database(entry, metric),
        };
        if found.is_none() {
            let title = format!("`{of}` has no `{metric}`");
            let help = if section == Job::KEY && words.contains(&metric) {
                "that is measured of jobs with a `schedule:`".to_owned()
            } else if section == Queue::KEY && words.contains(&metric) {
                "that is measured of queues with a dead-letter queue".to_owned()
            } else if words.contains(&metric) {
                "that is measured of what an application load balancer routes to".to_owned()
            } else {
                expected(metric, words.iter().copied())
            };
            let path = [Monitoring::KEY, "alarms", name, "metric"];
            draft.error(Code::UnknownReference, title, &path, "not measured", help);
        }
        found
    }

    /// Makes those of several that are one. Who hears of it hears once: each of the several notifies
    /// nobody itself.
    fn composites(&self, draft: &mut Draft, measuring: &mut Measuring) -> Vec<Address> {
        let mut made = Vec::new();
        for (name, own) in &self.body.alarms {
            let (key, children) = match own.form() {
                Ok(Form::AnyOf(children)) => ("any-of", children),
                Ok(Form::AllOf(children)) => ("all-of", children),
                _ => continue,
            };
            let mut alarms = BTreeSet::new();
            for (place, child) in children.iter().enumerate() {
                if let Some((spec, _)) = measuring.get_mut(child) {
                    spec.topics.clear();
                    alarms.insert(Ref::named(child));
                } else {
                    self.no_child(draft, (name, key, place), child, measuring);
                }
            }
            // What is reported leaves nothing to say of the rest.
            if alarms.is_empty() && !children.is_empty() {
                continue;
            }
            let rule = match key {
                "any-of" => CompositeRule::AnyOf(alarms),
                _ => CompositeRule::AllOf(alarms),
            };
            let spec = CompositeAlarmSpec {
                rule: rule.into(),
                description: own.description.clone(),
                topics: self.topics.clone(),
            };
            let path = [Monitoring::KEY, "alarms", name];
            let origin = Origin::new(&path, &[("rule", key), ("description", "description")]);
            draft.make::<CompositeAlarm>(name, &spec, origin);
            made.push(Address::new(CompositeAlarm::NAME, name));
        }
        made
    }

    /// Reports what is no alarm that another one can be made of.
    fn no_child(
        &self,
        draft: &mut Draft,
        (name, key, place): (&str, &str, usize),
        child: &str,
        measuring: &Measuring,
    ) {
        let place = place.to_string();
        let path = [Monitoring::KEY, "alarms", name, key, &place];
        match self.body.alarms.get(child).map(Own::form) {
            Some(Ok(Form::AnyOf(_) | Form::AllOf(_))) => {
                let title = format!("`{child}` is made of other alarms itself");
                let help = "name the alarms that it is made of";
                draft.error(Code::BadValue, title, &path, "measures nothing", help);
            }
            // What is wrong with it is reported.
            Some(_) => {}
            None if draft.may_be_unread(&Address::new(Alarm::NAME, child)) => {}
            None => {
                let title = format!("there is no alarm `{child}`");
                let help = suggestion(child, measuring.keys().map(String::as_str));
                draft.error(Code::UnknownReference, title, &path, "no alarm has this name", help);
            }
        }
    }
}
