//! What an alarm measures: one metric, or the same one of several things together.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudwatch::types::{
    Dimension, Metric, MetricAlarm, MetricDataQuery, MetricStat, Statistic,
};
use deployer_core::Text;
use deployer_kinds::AlarmSpec;

/// The name of the expression that an alarm over several compares.
const TOGETHER: &str = "together";

type Dimensions = BTreeMap<String, Text>;

/// What an alarm was found to measure.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Measured {
    pub(super) namespace: String,
    pub(super) metric: String,
    pub(super) dimensions: Dimensions,
    pub(super) also: BTreeSet<Dimensions>,
    pub(super) statistic: String,
    pub(super) period: u32,
}

impl Measured {
    /// What somebody has made of it by hand that no stack can say is put right.
    pub(super) fn of(alarm: &MetricAlarm) -> Self {
        if alarm.metrics().is_empty() {
            return Self {
                namespace: alarm.namespace().unwrap_or_default().to_owned(),
                metric: alarm.metric_name().unwrap_or_default().to_owned(),
                dimensions: read(alarm.dimensions()),
                also: BTreeSet::new(),
                statistic: named(alarm).unwrap_or_default(),
                period: alarm.period().and_then(|it| u32::try_from(it).ok()).unwrap_or_default(),
            };
        }
        Self::together(alarm.metrics())
            .unwrap_or_else(|| Self { metric: "(an expression)".to_owned(), ..Self::default() })
    }

    /// What the queries of [`several`] measure; none for others.
    fn together(queries: &[MetricDataQuery]) -> Option<Self> {
        let (last, of) = queries.split_last()?;
        let mut all = of.iter().map(|query| {
            let measured = query.metric_stat()?;
            let metric = measured.metric()?;
            Some(Self {
                namespace: metric.namespace()?.to_owned(),
                metric: metric.metric_name()?.to_owned(),
                dimensions: read(metric.dimensions()),
                also: BTreeSet::new(),
                statistic: word(measured.stat()?),
                period: u32::try_from(measured.period()?).ok()?,
            })
        });
        let mut first = all.next()??;
        if last.expression() != Some(expression(&first.statistic, of.len()).as_str()) {
            return None;
        }
        for other in all {
            let Self { dimensions, .. } = other?;
            first.also.insert(dimensions);
        }
        Some(first)
    }
}

/// The queries of an alarm over several things: the metric of each, and what is compared.
pub(super) fn several(spec: &AlarmSpec) -> Vec<MetricDataQuery> {
    let all = || [&spec.dimensions].into_iter().chain(&spec.also);
    let of_each = all().enumerate().map(|(place, of)| {
        let metric = Metric::builder().namespace(&spec.namespace).metric_name(&spec.metric);
        let measured = MetricStat::builder()
            .metric(metric.set_dimensions(Some(dimensions(of))).build())
            .period(i32::try_from(spec.period).unwrap_or(i32::MAX))
            .stat(stat(&spec.statistic));
        let query = MetricDataQuery::builder().id(id(place)).metric_stat(measured.build());
        query.return_data(false).build()
    });
    let expression = expression(&spec.statistic, all().count());
    let together = MetricDataQuery::builder().id(TOGETHER).expression(expression).return_data(true);
    of_each.chain([together.build()]).collect()
}

/// What is compared. Where a metric has no value, such as where a target group gets no requests, it
/// would leave a gap in what is made of all ("Using metric math" in the CloudWatch user guide).
fn expression(statistic: &str, count: usize) -> String {
    let act = if statistic.starts_with('p') { "MAX" } else { "SUM" };
    let filled: Vec<String> = (0..count).map(|place| format!("FILL({},0)", id(place))).collect();
    format!("{act}([{}])", filled.join(","))
}

fn id(place: usize) -> String {
    format!("m{place}")
}

/// Dimensions as CloudWatch takes them.
pub(super) fn dimensions(of: &Dimensions) -> Vec<Dimension> {
    let dimension = |(name, value): (&String, &Text)| {
        Dimension::builder().name(name).value(value.resolved()).build()
    };
    of.iter().map(dimension).collect()
}

fn read(dimensions: &[Dimension]) -> Dimensions {
    let read = |it: &Dimension| Some((it.name()?.to_owned(), Text::from(it.value()?)));
    dimensions.iter().filter_map(read).collect()
}

/// The statistics that have a name, in the words of the kind.
const NAMED: [(&str, Statistic); 5] = [
    ("average", Statistic::Average),
    ("sum", Statistic::Sum),
    ("minimum", Statistic::Minimum),
    ("maximum", Statistic::Maximum),
    ("samples", Statistic::SampleCount),
];

/// A statistic as CloudWatch takes it: one that has a name, or a percentile.
pub(super) fn statistic(word: &str) -> (Option<Statistic>, Option<String>) {
    match NAMED.iter().find(|(name, _)| *name == word) {
        Some((_, plain)) => (Some(plain.clone()), None),
        None => (None, Some(word.to_owned())),
    }
}

/// The same as a query has it.
fn stat(word: &str) -> String {
    let (plain, percentile) = statistic(word);
    percentile.unwrap_or_else(|| plain.map_or_else(String::new, |it| it.as_str().to_owned()))
}

/// A statistic of a query in the words of the kind.
fn word(stat: &str) -> String {
    let named = NAMED.iter().find(|(_, plain)| plain.as_str() == stat);
    named.map_or(stat, |(name, _)| name).to_owned()
}

fn named(alarm: &MetricAlarm) -> Option<String> {
    match alarm.statistic() {
        Some(plain) => NAMED.iter().find(|(_, it)| it == plain).map(|(name, _)| (*name).to_owned()),
        None => alarm.extended_statistic().map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec(statistic: &str) -> AlarmSpec {
        let spec = json!({
            "namespace": "AWS/ApplicationELB", "metric": "HTTPCode_Target_5XX_Count",
            "dimensions": { "TargetGroup": "blue" }, "also": [{ "TargetGroup": "green" }],
            "statistic": statistic, "period": 300, "threshold": 10,
        });
        serde_json::from_value(spec).unwrap()
    }

    #[test]
    fn what_was_asked_of_several_reads_as_what_was_wanted() {
        for statistic in ["sum", "maximum", "p99"] {
            let spec = spec(statistic);
            let alarm = MetricAlarm::builder().set_metrics(Some(several(&spec))).build();
            let measured = Measured::of(&alarm);
            assert_eq!((measured.dimensions, measured.also), (spec.dimensions, spec.also));
            assert_eq!((measured.statistic.as_str(), measured.period), (statistic, 300));
        }
        assert_eq!(expression("p99", 2), "MAX([FILL(m0,0),FILL(m1,0)])");
    }

    #[test]
    fn an_expression_of_somebody_elses_is_none_of_a_stack() {
        let mut queries = several(&spec("sum"));
        queries[2].expression = Some("m0 / m1".to_owned());
        let alarm = MetricAlarm::builder().set_metrics(Some(queries)).build();
        assert_eq!(Measured::of(&alarm).metric, "(an expression)");
    }
}
