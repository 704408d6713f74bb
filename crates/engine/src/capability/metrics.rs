//! What is measured of a resource.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::capability;

capability! {
    /// A kind whose resources the cloud measures.
    Metrics, AnyMetrics {
        /// What is worth knowing of it, always the same series in the same order. Where nothing was
        /// measured a series has no points, which is not the same as zero. The last one or two
        /// minutes may be incomplete.
        fn metrics(window: Window) -> Vec<Series>;
    }
}

/// Which time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Window {
    /// Its beginning, included.
    pub since: Timestamp,
    /// Its end, excluded.
    pub until: Timestamp,
    /// What one point stands for, in seconds: a multiple of 60.
    pub period: u32,
}

/// One thing that is measured, over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Series {
    /// The cloud's name for it: `CPUUtilization`.
    pub name: String,
    /// The cloud's word for how one point is made of many values: `Average`, `Sum`, `p95`.
    pub statistic: String,
    /// What its values are in.
    pub unit: Unit,
    /// The oldest first.
    pub points: Vec<Point>,
    /// The cloud's word for why points are missing: `Forbidden`; none where it has given all it has.
    pub trouble: Option<String>,
}

/// What values are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// A number of things.
    Count,
    /// Of a hundred.
    Percent,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
}

/// One value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Point {
    /// The beginning of the period that it stands for.
    pub at: Timestamp,
    /// The value, in the unit of its series.
    pub value: f64,
}
