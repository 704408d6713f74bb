//! The messages that wait for each task: a metric that Application Auto Scaling computes of two.
//!
//! As in "Create a target tracking scaling policy using metric math" of its user guide, but for how
//! tasks are counted: there by Container Insights, which costs; here by how many of them have
//! reported their CPU in a minute, which each does once ("Amazon ECS service RUNNING task count" in
//! the ECS developer guide).

use std::collections::BTreeMap;

use aws_sdk_applicationautoscaling::types::{
    CustomizedMetricSpecification as Measured, TargetTrackingMetric as Metric,
    TargetTrackingMetricDataQuery as Query, TargetTrackingMetricDimension as Dimension,
    TargetTrackingMetricStat as Stat,
};
use deployer_core::{Arn, Ref};
use deployer_kinds::Backlog;

/// The identifiers of the three, and how the last comes of the others.
const MESSAGES: &str = "messages";
const TASKS: &str = "tasks";
const EACH: &str = "backlog";
const DIVIDED: &str = "messages / tasks";

/// What is measured for the target `service/CLUSTER/NAME`; none where something has another name
/// than those of AWS.
pub(super) fn written(backlog: &Backlog, target: &str) -> Option<Measured> {
    let (_, queue) = backlog.queue.id().rsplit_once(':')?;
    let (cluster, service) = target.strip_prefix("service/")?.split_once('/')?;
    let messages = ("AWS/SQS", "ApproximateNumberOfMessagesVisible", &[("QueueName", queue)][..]);
    let tasks = [("ClusterName", cluster), ("ServiceName", service)];
    let tasks = ("AWS/ECS", "CPUUtilization", &tasks[..]);
    let divided = Query::builder().id(EACH).expression(DIVIDED).return_data(true).build().ok()?;
    let measured = Measured::builder()
        .metrics(query(MESSAGES, messages, "Maximum")?)
        .metrics(query(TASKS, tasks, "SampleCount")?)
        .metrics(divided);
    Some(measured.build())
}

/// Which messages are counted; none where anything else is measured.
pub(super) fn read(measured: &Measured, target: &str, place: &Arn<'_>) -> Option<Backlog> {
    let stat = measured.metrics().iter().find(|it| it.id() == MESSAGES)?.metric_stat()?;
    let name = stat.metric()?.dimensions().first()?.value();
    let Arn { partition, region, account, .. } = place;
    let queue = Ref::physical(format!("arn:{partition}:sqs:{region}:{account}:{name}"));
    let backlog = Backlog { queue };
    let is_it = written(&backlog, target).is_some_and(|it| said(&it) == said(measured));
    is_it.then_some(backlog)
}

/// What decides the number, in one order: AWS may add labels and units to what it was given.
fn said(measured: &Measured) -> BTreeMap<&str, (Option<&str>, Vec<&str>)> {
    let queries = measured.metrics().iter().map(|query| {
        let stat = query.metric_stat();
        let metric = stat.and_then(Stat::metric);
        let dimensions = metric.map(Metric::dimensions).unwrap_or_default().iter();
        let mut words: Vec<&str> =
            dimensions.flat_map(|dimension| [dimension.name(), dimension.value()]).collect();
        words.sort_unstable();
        words.extend(metric.and_then(Metric::namespace));
        words.extend(metric.and_then(Metric::metric_name));
        words.extend(stat.map(Stat::stat));
        (query.id(), (query.expression(), words))
    });
    queries.collect()
}

/// One metric that goes into the third.
fn query(
    id: &str,
    (namespace, name, dimensions): (&str, &str, &[(&str, &str)]),
    statistic: &str,
) -> Option<Query> {
    let dimensions: Option<Vec<Dimension>> = dimensions
        .iter()
        .map(|(name, value)| Dimension::builder().name(*name).value(*value).build().ok())
        .collect();
    let metric = Metric::builder()
        .namespace(namespace)
        .metric_name(name)
        .set_dimensions(Some(dimensions?))
        .build();
    let stat = Stat::builder().metric(metric).stat(statistic).build().ok()?;
    Query::builder().id(id).metric_stat(stat).return_data(false).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backlog_reads_back_and_what_somebody_else_measures_does_not() {
        let place = "arn:aws:application-autoscaling:eu-west-1:1:scalable-target/0ec5";
        let (place, target) = (Arn::read(place).unwrap(), "service/shop-main/shop-worker");
        let backlog = Backlog { queue: Ref::physical("arn:aws:sqs:eu-west-1:1:shop-mails.fifo") };
        let measured = written(&backlog, target).unwrap();
        assert_eq!(read(&measured, target, &place), Some(backlog));
        assert_eq!(read(&measured, "service/shop-main/other", &place), None);
        let mut metrics = measured.metrics().to_vec();
        metrics.pop();
        let half = Measured::builder().set_metrics(Some(metrics)).build();
        assert_eq!(read(&half, target, &place), None);
    }
}
