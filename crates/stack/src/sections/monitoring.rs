//! The `monitoring` section.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Address, Code, Ref, Text};
use deployer_kinds::{Alarm, AlarmSpec, Comparison, Missing, Topic, TopicSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::database::Database;
use super::load_balancer::LoadBalancer;
use super::service::{self, Service};
use crate::draft::{Draft, Origin};
use crate::later::NotYet;
use crate::mistakes::{expected, listed};
use crate::quantities::{Gibibytes, Percent, Seconds};
use crate::section::{Section, Sections, yes};

/// The topic that hears of all of them.
const TOPIC: &str = "alarms";

/// Seconds that an alarm looks back where nothing is said.
const FIVE_MINUTES: Seconds = Seconds(300);

/// Alarms, and who hears of them.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Monitoring {
    /// Who hears of it: addresses of mail, which are asked first whether they want to be, and URLs of
    /// HTTPS.
    #[serde(default)]
    pub(crate) notify: BTreeSet<String>,
    /// Whether there are alarms for what usually goes wrong: failed requests, slow answers, tasks
    /// that are not healthy, CPU and memory of services, CPU and storage of databases.
    #[serde(default = "yes")]
    pub(crate) defaults: bool,
    /// Alarms of your own, by name. One with the name of a default takes its place.
    #[serde(default)]
    pub(crate) alarms: BTreeMap<String, Own>,
    /// A dashboard of all of it.
    pub(crate) dashboard: Option<NotYet>,
}

/// An alarm of your own: a metric of a service, a load balancer or a database that is above or below a
/// value for a while.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Own {
    /// What is measured: `services/web`, `load-balancers/edge`, `databases/main`.
    of: String,
    /// The metric: of services `cpu`, `memory`, `requests`, `5xx`, `latency-p50`, `latency-p95`,
    /// `latency-p99`, `unhealthy`; of load balancers `requests`, `5xx`, `latency-p99` and the like; of
    /// databases `cpu`, `storage`, `connections`.
    metric: String,
    /// The value that it is above: `80%`, `2 s`, `10`, `5 GiB`. A number is that of the whole time.
    #[schemars(extend("x-excludes" = ["below"]))]
    above: Option<String>,
    /// The value that it is below.
    #[schemars(extend("x-excludes" = ["above"]))]
    below: Option<String>,
    /// For how long: `5 min`, in minutes.
    #[serde(rename = "for", default = "five_minutes")]
    duration: Seconds,
    /// What it is for, as whoever hears of it reads.
    #[serde(default)]
    description: String,
}

fn five_minutes() -> Seconds {
    FIVE_MINUTES
}

/// In what a metric is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Percent,
    Seconds,
    Count,
    Bytes,
}

/// A metric of something.
#[derive(Clone, Debug)]
struct Metric {
    namespace: &'static str,
    name: &'static str,
    statistic: String,
    unit: Unit,
    dimensions: BTreeMap<String, Text>,
    /// Whether there is no value where nothing happens.
    is_sparse: bool,
}

impl Section for Monitoring {
    const KEY: &'static str = "monitoring";
    const ABOUT: &'static str = "Alarms, a dashboard, and who hears of them.";
    const IS_NAMED: bool = false;

    fn expand(&self, _name: &str, all: &Sections, draft: &mut Draft) {
        if !self.notify.is_empty() {
            let (urls, emails) = self.notify.iter().cloned().partition(|it| it.contains("://"));
            let fields = &[("emails", "notify"), ("urls", "notify"), ("", "notify")];
            let origin = Origin::new(&[Self::KEY], fields);
            draft.make::<Topic>(TOPIC, &TopicSpec { emails, urls }, origin);
        }
        for (name, own) in &self.alarms {
            self.own(draft, all, name, own);
        }
        if self.defaults {
            self.defaults(draft, all);
        }
    }
}

impl Monitoring {
    /// What usually goes wrong. The thresholds are choices of ours, wide enough that a day without
    /// trouble passes none.
    fn defaults(&self, draft: &mut Draft, all: &Sections) {
        for (name, body) in all.of::<Service>() {
            let of = |metric| of_service(name, body, metric);
            let mut make = |end: &str, metric, above, seconds| {
                if let Some(metric) = of(metric) {
                    self.default(
                        draft,
                        &format!("{name}-{end}"),
                        &metric,
                        (Comparison::Above, above),
                        seconds,
                    );
                }
            };
            make("5xx", "5xx", 10.0, 300);
            make("latency", "latency-p99", 2.0, 300);
            make("unhealthy", "unhealthy", 0.0, 300);
            make("cpu", "cpu", 85.0, 600);
            make("memory", "memory", 85.0, 600);
        }
        // Those that are not ours have alarms of whoever made them.
        for (name, _) in all.of::<LoadBalancer>().filter(|(_, it)| it.existing.is_none()) {
            if let Some(metric) = of_load_balancer(name, "elb-5xx") {
                let alarm = format!("load-balancer-{name}-5xx");
                self.default(draft, &alarm, &metric, (Comparison::Above, 10.0), 300);
            }
        }
        for (name, body) in all.of::<Database>() {
            let mut make = |end: &str, metric, against, seconds| {
                if let Some(metric) = of_database(name, metric) {
                    let alarm = format!("database-{name}-{end}");
                    self.default(draft, &alarm, &metric, against, seconds);
                }
            };
            make("cpu", "cpu", (Comparison::Above, 90.0), 900);
            let tenth = f64::from(body.storage.0) * GIB / 10.0;
            make("storage", "storage", (Comparison::Below, tenth), 300);
        }
    }

    fn default(
        &self,
        draft: &mut Draft,
        name: &str,
        metric: &Metric,
        against: (Comparison, f64),
        seconds: u32,
    ) {
        if !self.alarms.contains_key(name) {
            let origin = Origin::new(&[Self::KEY], &[]);
            let spec = self.alarm(metric, against, seconds, String::new());
            draft.make::<Alarm>(name, &spec, origin);
        }
    }

    fn own(&self, draft: &mut Draft, all: &Sections, name: &str, own: &Own) {
        let path = [Self::KEY, "alarms", name];
        let at = |key| [Self::KEY, "alarms", name, key];
        let Some(metric) = measured(draft, all, name, own) else { return };
        let (comparison, key, written) = match (&own.above, &own.below) {
            (Some(above), None) => (Comparison::Above, "above", above),
            (None, Some(below)) => (Comparison::Below, "below", below),
            _ => {
                let title = "an alarm is either above a value or below one";
                let help = "write `above:` or `below:`";
                draft.error(Code::BadValue, title, &path, "needs one of them", help);
                return;
            }
        };
        let Some(threshold) = metric.unit.read(written) else {
            let title = format!("`{written}` is no amount of `{}`", own.metric);
            let help = format!("expected one such as `{}`", metric.unit.example());
            draft.error(Code::BadValue, title, &at(key), "", help);
            return;
        };
        let Seconds(seconds) = own.duration;
        if seconds == 0 || seconds % 60 != 0 {
            let title = "an alarm looks back on whole minutes";
            draft.error(Code::BadValue, title, &at("for"), "", "expected one such as `5 min`");
            return;
        }
        let spec = self.alarm(&metric, (comparison, threshold), seconds, own.description.clone());
        let fields = &[("periods", "for"), ("period", "for"), ("threshold", key)];
        draft.make::<Alarm>(name, &spec, Origin::new(&path, fields));
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
        let topics = if self.notify.is_empty() { None } else { Some(Ref::named(TOPIC)) };
        AlarmSpec {
            description,
            namespace: metric.namespace.to_owned(),
            metric: metric.name.to_owned(),
            dimensions: metric.dimensions.clone(),
            statistic: metric.statistic.clone(),
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
            topics: topics.into_iter().collect(),
        }
    }
}

/// Bytes of a GiB.
const GIB: f64 = 1_073_741_824.0;

impl Unit {
    /// An amount as people write it, as CloudWatch counts.
    fn read(self, text: &str) -> Option<f64> {
        let text = text.to_owned();
        match self {
            Self::Percent => Percent::try_from(text).ok().map(|it| it.0.into()),
            Self::Seconds => match text.strip_suffix(" ms") {
                Some(number) => number.parse::<u32>().ok().map(|it| f64::from(it) / 1000.0),
                None => Seconds::try_from(text).ok().map(|it| it.0.into()),
            },
            Self::Count => text.parse::<u32>().ok().map(f64::from),
            Self::Bytes => Gibibytes::try_from(text).ok().map(|it| f64::from(it.0) * GIB),
        }
    }

    fn example(self) -> &'static str {
        match self {
            Self::Percent => "80%",
            Self::Seconds => "2 s",
            Self::Count => "10",
            Self::Bytes => "5 GiB",
        }
    }
}

/// What an alarm of one's own measures; reports what there is not.
fn measured(draft: &mut Draft, all: &Sections, name: &str, own: &Own) -> Option<Metric> {
    let path = [Monitoring::KEY, "alarms", name, "of"];
    let (section, entry) = own.of.split_once('/').unwrap_or((&own.of, ""));
    let words: &[&str] = match section {
        Service::KEY => &SERVICE_WORDS,
        LoadBalancer::KEY => &LOAD_BALANCER_WORDS,
        Database::KEY => &DATABASE_WORDS,
        _ => {
            let title = format!("`{}` is nothing that is measured", own.of);
            let help = format!(
                "expected an entry of {}, such as `services/web`",
                listed(&[Service::KEY, LoadBalancer::KEY, Database::KEY])
            );
            draft.error(Code::UnknownReference, title, &path, "not measured", help);
            return None;
        }
    };
    if !draft.must_have(section, entry, &path) {
        return None;
    }
    let metric = match section {
        Service::KEY => of_service(entry, all.get::<Service>(entry)?, &own.metric),
        LoadBalancer::KEY => of_load_balancer(entry, &own.metric),
        _ => of_database(entry, &own.metric),
    };
    if metric.is_none() {
        let is_known = words.contains(&own.metric.as_str());
        let title = format!("`{}` has no `{}`", own.of, own.metric);
        let help = if is_known {
            "that is measured of what a load balancer routes to".to_owned()
        } else {
            expected(&own.metric, words.iter().copied())
        };
        let path = [Monitoring::KEY, "alarms", name, "metric"];
        draft.error(Code::UnknownReference, title, &path, "not measured", help);
    }
    metric
}

const SERVICE_WORDS: [&str; 8] =
    ["5xx", "cpu", "latency-p50", "latency-p95", "latency-p99", "memory", "requests", "unhealthy"];
const LOAD_BALANCER_WORDS: [&str; 6] =
    ["5xx", "elb-5xx", "latency-p50", "latency-p95", "latency-p99", "requests"];
const DATABASE_WORDS: [&str; 3] = ["connections", "cpu", "storage"];

fn output(kind: &str, name: &str, field: &str) -> Text {
    Text::output(Address::new(kind, name), field)
}

fn dimensions<const N: usize>(of: [(&str, Text); N]) -> BTreeMap<String, Text> {
    of.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A metric of a service: its own, or that of the first of its ports that requests are routed to.
fn of_service(name: &str, body: &Service, metric: &str) -> Option<Metric> {
    let own = |name_of: &'static str| Metric {
        namespace: "AWS/ECS",
        name: name_of,
        statistic: "average".to_owned(),
        unit: Unit::Percent,
        dimensions: dimensions([
            ("ClusterName", output("cluster", "main", "name")),
            ("ServiceName", output("service", name, "name")),
        ]),
        is_sparse: false,
    };
    match metric {
        "cpu" => return Some(own("CPUUtilization")),
        "memory" => return Some(own("MemoryUtilization")),
        _ => {}
    }
    let (group, balancer) = service::routed(name, body)?;
    let of = dimensions([
        ("LoadBalancer", output("load-balancer", balancer, "metrics")),
        ("TargetGroup", output("target-group", &group, "metrics")),
    ]);
    of_requests(metric, of)
}

fn of_load_balancer(name: &str, metric: &str) -> Option<Metric> {
    let of = dimensions([("LoadBalancer", output("load-balancer", name, "metrics"))]);
    of_requests(metric, of).filter(|_| metric != "unhealthy")
}

/// What load balancers count ("CloudWatch metrics for your Application Load Balancer" in the ELB user
/// guide).
fn of_requests(metric: &str, dimensions: BTreeMap<String, Text>) -> Option<Metric> {
    let has_group = dimensions.contains_key("TargetGroup");
    let (name, statistic, unit) = match metric {
        "requests" => ("RequestCount", "sum", Unit::Count),
        "5xx" => ("HTTPCode_Target_5XX_Count", "sum", Unit::Count),
        // Those that the load balancer answered itself.
        "elb-5xx" if !has_group => ("HTTPCode_ELB_5XX_Count", "sum", Unit::Count),
        "unhealthy" => ("UnHealthyHostCount", "maximum", Unit::Count),
        "latency-p50" => ("TargetResponseTime", "p50", Unit::Seconds),
        "latency-p95" => ("TargetResponseTime", "p95", Unit::Seconds),
        "latency-p99" => ("TargetResponseTime", "p99", Unit::Seconds),
        _ => return None,
    };
    let statistic = statistic.to_owned();
    let is_sparse = metric != "unhealthy";
    Some(Metric { namespace: "AWS/ApplicationELB", name, statistic, unit, dimensions, is_sparse })
}

fn of_database(name: &str, metric: &str) -> Option<Metric> {
    let (metric, statistic, unit) = match metric {
        "cpu" => ("CPUUtilization", "average", Unit::Percent),
        "storage" => ("FreeStorageSpace", "minimum", Unit::Bytes),
        "connections" => ("DatabaseConnections", "maximum", Unit::Count),
        _ => return None,
    };
    let statistic = statistic.to_owned();
    let dimensions = dimensions([("DBInstanceIdentifier", output("db-instance", name, "id"))]);
    Some(Metric {
        namespace: "AWS/RDS",
        name: metric,
        statistic,
        unit,
        dimensions,
        is_sparse: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_in_the_unit_of_their_metric() {
        assert_eq!(Unit::Percent.read("80%"), Some(80.0));
        assert_eq!(Unit::Seconds.read("2 s"), Some(2.0));
        assert_eq!(Unit::Seconds.read("250 ms"), Some(0.25));
        assert_eq!(Unit::Count.read("10"), Some(10.0));
        assert_eq!(Unit::Bytes.read("2 GiB"), Some(2.0 * GIB));
        for (unit, text) in [(Unit::Percent, "80"), (Unit::Seconds, "80%"), (Unit::Count, "1 s")] {
            assert_eq!(unit.read(text), None, "{text}");
        }
    }
}
