//! What CloudWatch measures of services, load balancers, databases, jobs and queues.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Address, Text};

use crate::quantities::{Gibibytes, Percent, Seconds};
use crate::section::Sections;
use crate::sections::job::Job;
use crate::sections::load_balancer;
use crate::sections::queue::{self, Queue};
use crate::sections::service::{self, Service};

/// Bytes of a GiB.
pub(super) const GIB: f64 = 1_073_741_824.0;

pub(super) const SERVICE_WORDS: [&str; 8] =
    ["5xx", "cpu", "latency-p50", "latency-p95", "latency-p99", "memory", "requests", "unhealthy"];
pub(super) const LOAD_BALANCER_WORDS: [&str; 6] =
    ["5xx", "elb-5xx", "latency-p50", "latency-p95", "latency-p99", "requests"];
pub(super) const DATABASE_WORDS: [&str; 3] = ["connections", "cpu", "storage"];
pub(super) const JOB_WORDS: [&str; 1] = ["failed"];
pub(super) const QUEUE_WORDS: [&str; 3] = ["age", "dead-letters", "messages"];

/// In what a metric is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Percent,
    Seconds,
    Count,
    Bytes,
}

impl Unit {
    /// An amount as people write it, as CloudWatch counts.
    pub(super) fn read(self, text: &str) -> Option<f64> {
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

    pub(super) fn example(self) -> &'static str {
        match self {
            Self::Percent => "80%",
            Self::Seconds => "2 s",
            Self::Count => "10",
            Self::Bytes => "5 GiB",
        }
    }
}

/// A metric of something.
#[derive(Clone, Debug)]
pub(super) struct Metric {
    pub(super) namespace: &'static str,
    pub(super) name: &'static str,
    /// In the words of the kind `alarm`.
    pub(super) statistic: &'static str,
    pub(super) unit: Unit,
    pub(super) dimensions: BTreeMap<String, Text>,
    /// What else it is measured of, together with that.
    pub(super) also: BTreeSet<BTreeMap<String, Text>>,
    /// Whether there is no value where nothing happens.
    pub(super) is_sparse: bool,
}

fn output(kind: &str, name: &str, field: &str) -> Text {
    Text::output(Address::new(kind, name), field)
}

fn dimensions<const N: usize>(of: [(&str, Text); N]) -> BTreeMap<String, Text> {
    of.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A metric of a service: its own, or that of the first of its ports that requests are routed to.
pub(super) fn of_service(
    all: &Sections,
    name: &str,
    body: &Service,
    metric: &str,
) -> Option<Metric> {
    match metric {
        "cpu" => return Some(of_tasks(name, "CPUUtilization", "average")),
        "memory" => return Some(of_tasks(name, "MemoryUtilization", "average")),
        _ => {}
    }
    let (group, balancer) = service::routed(name, body)?;
    let of = |group: &str| {
        dimensions([
            ("LoadBalancer", output("load-balancer", balancer, "metrics")),
            ("TargetGroup", output("target-group", group, "metrics")),
        ])
    };
    // Of two groups that requests are shifted between, either may serve.
    let alternate = service::alternate_of(body, &group);
    let (of, also) = (of(&group), alternate.iter().map(|group| of(group)).collect());
    if load_balancer::is_network(all, balancer) {
        // "CloudWatch metrics for your Network Load Balancer" in the ELB user guide.
        let found = of_requests(metric, of).filter(|_| metric == "unhealthy");
        return found.map(|metric| Metric { namespace: "AWS/NetworkELB", ..metric });
    }
    of_requests(metric, of).map(|metric| Metric { also, ..metric })
}

/// What every task of a service reports.
pub(super) fn of_tasks(name: &str, metric: &'static str, statistic: &'static str) -> Metric {
    Metric {
        namespace: "AWS/ECS",
        name: metric,
        statistic,
        unit: Unit::Percent,
        dimensions: dimensions([
            ("ClusterName", output("cluster", "main", "name")),
            ("ServiceName", output("service", name, "name")),
        ]),
        also: BTreeSet::new(),
        is_sparse: false,
    }
}

/// A metric of requests; none of a load balancer that does not read them.
pub(super) fn of_load_balancer(all: &Sections, name: &str, metric: &str) -> Option<Metric> {
    if load_balancer::is_network(all, name) {
        return None;
    }
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
    let is_sparse = metric != "unhealthy";
    Some(Metric {
        namespace: "AWS/ApplicationELB",
        name,
        statistic,
        unit,
        dimensions,
        also: BTreeSet::new(),
        is_sparse,
    })
}

/// A metric of a job that runs by the clock ("Monitoring Step Functions metrics" in the Step Functions
/// developer guide): a try that takes too long fails, and nothing says how often it ran well that day.
pub(super) fn of_job(name: &str, job: &Job, metric: &str) -> Option<Metric> {
    let is_measured = metric == "failed" && job.schedule.is_some();
    is_measured.then(|| Metric {
        namespace: "AWS/States",
        name: "ExecutionsFailed",
        statistic: "sum",
        unit: Unit::Count,
        dimensions: dimensions([("StateMachineArn", output("state-machine", name, "id"))]),
        also: BTreeSet::new(),
        is_sparse: true,
    })
}

/// A metric of a queue of the section, or of its dead-letter queue.
pub(super) fn of_queue(name: &str, body: &Queue, metric: &str) -> Option<Metric> {
    match metric {
        "messages" => Some(of_waiting(name)),
        "age" => Some(of_messages(name, "ApproximateAgeOfOldestMessage", Unit::Seconds)),
        "dead-letters" if body.has_dead_letters() => Some(of_waiting(&queue::dead(name))),
        _ => None,
    }
}

/// How many messages wait in a queue.
pub(super) fn of_waiting(name: &str) -> Metric {
    of_messages(name, "ApproximateNumberOfMessagesVisible", Unit::Count)
}

/// A metric of what waits in a queue. SQS measures none of one that nobody has used for hours
/// ("Available CloudWatch metrics for Amazon SQS" in the SQS developer guide).
fn of_messages(name: &str, metric: &'static str, unit: Unit) -> Metric {
    Metric {
        namespace: "AWS/SQS",
        name: metric,
        statistic: "maximum",
        unit,
        dimensions: dimensions([("QueueName", output("queue", name, "name"))]),
        also: BTreeSet::new(),
        is_sparse: true,
    }
}

pub(super) fn of_database(name: &str, metric: &str) -> Option<Metric> {
    let of = Address::new("db-instance", name);
    let (metric, statistic, unit) = match metric {
        "cpu" => ("CPUUtilization", "average", Unit::Percent),
        "storage" => ("FreeStorageSpace", "minimum", Unit::Bytes),
        "connections" => ("DatabaseConnections", "maximum", Unit::Count),
        _ => return None,
    };
    Some(of_instance(of, metric, statistic, unit))
}

/// A metric of a database or a replica ("Amazon CloudWatch instance-level metrics for Amazon RDS" in
/// the RDS user guide).
pub(super) fn of_instance(
    of: Address,
    name: &'static str,
    statistic: &'static str,
    unit: Unit,
) -> Metric {
    let dimensions = dimensions([("DBInstanceIdentifier", Text::output(of, "id"))]);
    let also = BTreeSet::new();
    Metric { namespace: "AWS/RDS", name, statistic, unit, dimensions, also, is_sparse: false }
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
