//! CloudWatch: its kinds, what they share: how tags are written, read and rewritten, and what it has
//! measured: `GetMetricData`.

mod alarm;
pub(crate) mod alarms;
mod checks;
mod composite_alarm;
mod dashboard;
mod measured;
mod operations;

use aws_sdk_cloudwatch::types::{
    Dimension, Metric as Measured, MetricDataQuery, MetricDataResult, MetricStat, ScanBy,
    StatusCode, Tag,
};
use deployer_engine::{
    Context, Identity, Point, Result, Series, Unit, Window, unless_gone_for_good,
};

use crate::Aws;
use crate::missing::Required;
use crate::moment::{moment, of_moment};
use crate::ownership::{self, Kept, Tags};

pub(crate) use operations::*;

/// The tags of a new thing, for the call that makes it.
pub(crate) fn tagged(identity: &Identity) -> Vec<Tag> {
    let tags = ownership::tags(identity, &Kept::new()).into_iter();
    tags.map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// The tags of the thing with this ARN; none when it is gone.
pub(crate) async fn tags(aws: &Aws, arn: &str) -> Result<Option<Tags>> {
    let request = aws.cloudwatch.list_tags_for_resource().resource_arn(arn);
    let ask = || aws.send(&LIST_TAGS_FOR_RESOURCE, "read its tags", || request.clone().send());
    let answer = unless_gone_for_good(ask).await?;
    Ok(answer
        .map(|answer| ownership::collect(answer.tags().iter().map(|tag| (tag.key(), tag.value())))))
}

/// Writes who a thing is, and what it was last given.
pub(crate) async fn remember(cx: &Context<'_, Aws>, arn: &str) -> Result<()> {
    let client = &cx.cloud.cloudwatch;
    let request = client.tag_resource().resource_arn(arn).set_tags(Some(tagged(cx.identity)));
    cx.cloud.send(&TAG_RESOURCE, "tag it", || request.clone().send()).await?;
    let dropped = ownership::dropped(cx.identity);
    if !dropped.is_empty() {
        let request = client.untag_resource().resource_arn(arn).set_tag_keys(Some(dropped));
        cx.cloud.send(&UNTAG_RESOURCE, "take tags off", || request.clone().send()).await?;
    }
    Ok(())
}

/// One thing that a kind has measured of it. CloudWatch's answers do not say the unit.
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) statistic: &'static str,
    pub(crate) unit: Unit,
}

/// What was measured of a thing, all in one call: at most 500 (CloudWatch API reference).
pub(crate) async fn series(
    aws: &Aws,
    namespace: &str,
    thing: &[(&str, &str)],
    metrics: &[Metric],
    window: &Window,
) -> Result<Vec<Series>> {
    let queries = metrics.iter().enumerate().map(|(at, metric)| {
        MetricDataQuery::builder()
            .id(id(at))
            .metric_stat(statistic(namespace, thing, metric, window))
            .build()
    });
    let request = aws
        .cloudwatch
        .get_metric_data()
        .set_metric_data_queries(Some(queries.collect()))
        .start_time(of_moment(window.since))
        .end_time(of_moment(window.until))
        .scan_by(ScanBy::TimestampAscending);
    let pages = aws
        .pages(
            &GET_METRIC_DATA,
            "read the metrics",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await?;
    let results: Vec<MetricDataResult> =
        pages.into_iter().flat_map(|page| page.metric_data_results.unwrap_or_default()).collect();
    let of = |(at, metric)| of_results(&id(at), metric, &results);
    metrics.iter().enumerate().map(of).collect()
}

/// How the answer names a query. It begins with a lower-case letter (CloudWatch API reference).
fn id(at: usize) -> String {
    format!("m{at}")
}

fn statistic(
    namespace: &str,
    thing: &[(&str, &str)],
    metric: &Metric,
    window: &Window,
) -> MetricStat {
    let dimensions =
        thing.iter().map(|(name, value)| Dimension::builder().name(*name).value(*value).build());
    let measured = Measured::builder()
        .namespace(namespace)
        .metric_name(metric.name)
        .set_dimensions(Some(dimensions.collect()));
    MetricStat::builder()
        .metric(measured.build())
        .period(i32::try_from(window.period).unwrap_or(i32::MAX))
        .stat(metric.statistic)
        .build()
}

/// One series out of all pages. Each has a part of its points, and a word of its own for how it
/// went, though the call went well: the last one counts.
fn of_results(id: &str, metric: &Metric, results: &[MetricDataResult]) -> Result<Series> {
    let mut points = Vec::new();
    let mut status = None;
    for result in results.iter().filter(|result| result.id() == Some(id)) {
        for (at, value) in result.timestamps().iter().zip(result.values()) {
            let at = moment(Some(at)).required("the time of a value")?;
            points.push(Point { at, value: *value });
        }
        status = result.status_code();
    }
    let trouble = status.filter(|status| **status != StatusCode::Complete);
    Ok(Series {
        name: metric.name.to_owned(),
        statistic: metric.statistic.to_owned(),
        unit: metric.unit,
        points,
        trouble: trouble.map(|status| status.as_str().to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::DateTime;

    use super::*;

    fn page(status: StatusCode, at: i64, value: f64) -> MetricDataResult {
        MetricDataResult::builder()
            .id("m0")
            .timestamps(DateTime::from_secs(at))
            .values(value)
            .status_code(status)
            .build()
    }

    #[test]
    fn a_series_is_put_together_from_all_pages_and_says_what_is_missing() {
        let cpu = Metric { name: "CPUUtilization", statistic: "Average", unit: Unit::Percent };
        let pages = [page(StatusCode::PartialData, 0, 1.0), page(StatusCode::Complete, 60, 2.0)];
        let series = of_results("m0", &cpu, &pages).unwrap();
        let values: Vec<f64> = series.points.iter().map(|point| point.value).collect();
        assert_eq!((values, series.trouble), (vec![1.0, 2.0], None));
        let denied = of_results("m0", &cpu, &[page(StatusCode::Forbidden, 0, 1.0)]).unwrap();
        assert_eq!(denied.trouble.as_deref(), Some("Forbidden"));
        assert_eq!(of_results("m1", &cpu, &pages).unwrap().points, []);
    }
}
