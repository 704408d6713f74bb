//! What CloudWatch knows of a database instance, a replica or not, and how it does.

use deployer_engine::{Found, Metrics, Result, Series, Unit, Vital, Vitals, Window};
use deployer_kinds::{DbInstance, DbReplica};
use jiff::Timestamp;

use crate::Aws;
use crate::cloudwatch::{self, Metric};

/// Load, and what runs out ("Amazon CloudWatch metrics for Amazon RDS" in the RDS user guide).
const METRICS: &[Metric] = &[
    Metric { name: "CPUUtilization", statistic: "Average", unit: Unit::Percent },
    Metric { name: "FreeStorageSpace", statistic: "Minimum", unit: Unit::Bytes },
    Metric { name: "DatabaseConnections", statistic: "Maximum", unit: Unit::Count },
];

/// From which share of the processor on, and below how many bytes of free storage, somebody should
/// look: where the alarms that a stack has by default go off.
const BUSY: f64 = 80.0;
const SCARCE: f64 = 5_368_709_120.0;

impl Metrics<Aws> for DbInstance {
    async fn metrics(aws: &Aws, live: &Found<Self>, window: &Window) -> Result<Vec<Series>> {
        of(aws, &live.output.id, window).await
    }
}

impl Metrics<Aws> for DbReplica {
    async fn metrics(aws: &Aws, live: &Found<Self>, window: &Window) -> Result<Vec<Series>> {
        of(aws, &live.output.id, window).await
    }
}

impl Vitals<Aws> for DbInstance {
    async fn vitals(aws: &Aws, live: &Found<Self>, now: &Timestamp) -> Result<Vec<Vital>> {
        vitals(aws, &live.output.id, *now).await
    }
}

impl Vitals<Aws> for DbReplica {
    async fn vitals(aws: &Aws, live: &Found<Self>, now: &Timestamp) -> Result<Vec<Vital>> {
        vitals(aws, &live.output.id, *now).await
    }
}

async fn vitals(aws: &Aws, id: &str, now: Timestamp) -> Result<Vec<Vital>> {
    let series = of(aws, id, &Window::recent(now)).await?;
    let vital = |series: &Series| {
        let value = series.newest()?;
        let (name, is_bad) = match series.name.as_str() {
            "CPUUtilization" => ("CPU", value > BUSY),
            "FreeStorageSpace" => ("free", value < SCARCE),
            _ => ("connections", false),
        };
        Some(Vital::new(name, value, series.unit).bad_if(is_bad))
    };
    Ok(series.iter().filter_map(vital).collect())
}

async fn of(aws: &Aws, id: &str, window: &Window) -> Result<Vec<Series>> {
    cloudwatch::series(aws, "AWS/RDS", &[("DBInstanceIdentifier", id)], METRICS, window).await
}
