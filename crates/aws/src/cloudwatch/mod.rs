//! CloudWatch: its kind, and what it has measured: `GetMetricData`.

mod alarm;
mod operations;

use aws_sdk_cloudwatch::types::{
    Dimension, Metric as Measured, MetricDataQuery, MetricDataResult, MetricStat, ScanBy,
    StatusCode,
};
use deployer_engine::{Point, Result, Series, Unit, Window};

use crate::Aws;
use crate::missing::Required;
use crate::moment::{moment, of_moment};

pub(crate) use operations::*;

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
