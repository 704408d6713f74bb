//! An alarm of CloudWatch over one metric.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Change, Impact, Kind, Naming, Problem, Ref, Text, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Topic;

/// The longest that an alarm looks back (`PutMetricAlarm` in the CloudWatch API reference): a day, and
/// a week where a period has an hour or more.
const DAY: u32 = 86_400;
const HOUR: u32 = 3600;

/// How many further sets of dimensions it takes: ten metrics in all, besides the expression (`Metrics`
/// of `PutMetricAlarm` in the CloudWatch API reference).
const MOST_ALSO: usize = 9;

/// An alarm.
pub struct Alarm;

impl Kind for Alarm {
    const NAME: &'static str = "alarm";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("description", Change::InPlace(Impact::None)),
        ("namespace", Change::InPlace(Impact::None)),
        ("metric", Change::InPlace(Impact::None)),
        ("dimensions", Change::InPlace(Impact::None)),
        ("also", Change::InPlace(Impact::None)),
        ("statistic", Change::InPlace(Impact::None)),
        ("period", Change::InPlace(Impact::None)),
        ("periods", Change::InPlace(Impact::None)),
        ("datapoints", Change::InPlace(Impact::None)),
        ("threshold", Change::InPlace(Impact::None)),
        ("comparison", Change::InPlace(Impact::None)),
        ("missing", Change::InPlace(Impact::None)),
        ("topics", Change::InPlace(Impact::None)),
    ];
    // `AlarmName` in the CloudWatch API reference.
    const NAMING: Option<Naming> = Some(Naming::hyphens(255));
    const DELETION: Impact = Impact::None;
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };
    type Spec = AlarmSpec;
    type Output = AlarmOutput;

    /// All of the periods is what 0 says as well.
    fn is_moved(field: &str, live: &AlarmSpec, wanted: &AlarmSpec) -> bool {
        let needed = |it: &AlarmSpec| if it.datapoints == 0 { it.periods } else { it.datapoints };
        field == "datapoints" && needed(live) == needed(wanted)
    }

    fn check(spec: &AlarmSpec) -> Vec<Problem> {
        let AlarmSpec { period, periods, datapoints, statistic, dimensions, topics, .. } = spec;
        let mut problems = Vec::new();
        if ![10, 20, 30].contains(period) && (*period == 0 || period % 60 != 0) {
            let message = format!("{{{period} s}} is not a period of an alarm");
            let help = "expected `{10}`, `{20}`, `{30}` or minutes, such as `{60}`";
            problems.push(Problem::amounts("period", message, help));
        }
        let most = if *period >= HOUR { 7 * DAY } else { DAY };
        if *periods == 0 || period.saturating_mul(*periods) > most {
            let message = format!("{periods} periods of {period} s are not looked back on");
            let help = "expected one or more, of a day in all, or a week by the hour";
            problems.push(Problem::new("periods", message, help).along(&["period"]));
        }
        if datapoints > periods {
            let message = "so many of the periods cannot be bad";
            let help = format!("expected 1 to {periods}, or `0` for all");
            problems.push(Problem::new("datapoints", message, help).along(&["periods"]));
        }
        if !is_statistic(statistic) {
            let message = format!("`{statistic}` is not a statistic");
            let help =
                "expected `average`, `sum`, `minimum`, `maximum`, `samples`, or one such as `p99`";
            problems.push(Problem::new("statistic", message, help));
        }
        if spec.description.chars().count() > 1024 {
            let message = "it is too long for the description of an alarm";
            problems.push(Problem::new("description", message, "expected at most 1024 characters"));
        }
        if !spec.threshold.is_finite() {
            let message = format!("{} is no value", spec.threshold);
            problems.push(Problem::new("threshold", message, "expected a number"));
        }
        if dimensions.len() > 30 {
            let message = format!("{} dimensions are too many", dimensions.len());
            problems.push(Problem::new("dimensions", message, "expected at most 30"));
        }
        if spec.also.len() > MOST_ALSO {
            let message = format!("{} further sets of dimensions are too many", spec.also.len());
            problems.push(Problem::new("also", message, "expected at most 9"));
        }
        if topics.len() > 5 {
            let message = format!("{} topics are too many for an alarm", topics.len());
            problems.push(Problem::new("topics", message, "expected at most 5"));
        }
        problems
    }
}

/// Whether a word is a statistic: a name, or a percentile from `p0` to `p100` with at most two
/// decimals.
fn is_statistic(word: &str) -> bool {
    if ["average", "sum", "minimum", "maximum", "samples"].contains(&word) {
        return true;
    }
    let Some(number) = word.strip_prefix('p') else { return false };
    let decimals = number.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let is_plain = number.bytes().all(|it| it.is_ascii_digit() || it == b'.');
    is_plain && decimals <= 2 && number.parse().is_ok_and(|it: f64| (0.0..=100.0).contains(&it))
}

/// What we want of an alarm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AlarmSpec {
    /// What it is for, as whoever hears of it reads.
    #[serde(default)]
    pub description: String,
    /// Whose metric it is: `AWS/ECS`.
    pub namespace: String,
    /// The metric: `CPUUtilization`.
    pub metric: String,
    /// What it was measured of.
    #[serde(default)]
    pub dimensions: BTreeMap<String, Text>,
    /// What else it was measured of. Compared is the sum of all, and with a percentile the greatest; of
    /// what there is no value it counts as 0.
    #[serde(default)]
    pub also: BTreeSet<BTreeMap<String, Text>>,
    /// What is made of the values of a period: `average`, `sum`, `minimum`, `maximum`, `samples`, or a
    /// percentile, `p99`.
    pub statistic: String,
    /// Seconds of a period: 10, 20, 30, or minutes.
    #[serde(default = "period")]
    pub period: u32,
    /// How many periods are looked at.
    #[serde(default = "periods")]
    pub periods: u32,
    /// How many of them have to be bad; all when 0.
    #[serde(default)]
    pub datapoints: u32,
    /// The value that they are compared with.
    pub threshold: f64,
    /// When a period is bad.
    #[serde(default)]
    pub comparison: Comparison,
    /// What a period without a value is.
    #[serde(default)]
    pub missing: Missing,
    /// The topics that hear when it goes off, and when it is over.
    #[serde(default)]
    pub topics: BTreeSet<Ref<Topic>>,
}

/// When a period is bad.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Comparison {
    /// With more than the threshold.
    #[default]
    Above,
    /// With as much or more.
    AtLeast,
    /// With less.
    Below,
    /// With as much or less.
    AtMost,
}

/// What a period without a value is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// Nothing: where all are missing nobody knows.
    #[default]
    Unknown,
    /// Good.
    Good,
    /// Bad.
    Bad,
    /// As what was before it.
    Ignored,
}

/// What AWS returns for an alarm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AlarmOutput {
    /// The name.
    pub id: String,
    /// The ARN.
    pub arn: String,
}

fn period() -> u32 {
    60
}

fn periods() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_cloudwatch_would_refuse_is_said_at_its_place() {
        let paths = |more: Value| -> Vec<String> {
            let mut spec = json!({
                "namespace": "AWS/ECS", "metric": "CPUUtilization", "statistic": "average",
                "threshold": 80,
            });
            spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let spec = serde_json::from_value(spec).unwrap();
            Alarm::check(&spec).into_iter().map(|it| it.path).collect()
        };
        assert_eq!(
            paths(json!({ "period": 20, "periods": 3, "datapoints": 2 })),
            Vec::<String>::new()
        );
        assert_eq!(paths(json!({ "period": 45 })), ["period"]);
        assert_eq!(paths(json!({ "period": 300, "periods": 289 })), ["periods"]);
        assert_eq!(paths(json!({ "period": 3600, "periods": 168 })), Vec::<String>::new());
        assert_eq!(paths(json!({ "periods": 2, "datapoints": 3 })), ["datapoints"]);
        assert_eq!(paths(json!({ "description": "x".repeat(1025) })), ["description"]);
        for (word, is_one) in
            [("p99.9", true), ("p100", true), ("p101", false), ("mean", false), ("p", false)]
        {
            let found = paths(json!({ "statistic": word }));
            assert_eq!(found.is_empty(), is_one, "{word}");
        }
    }
}
