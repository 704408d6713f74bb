//! What it costs, at most, to keep the contracts in a real account.

use serde_json::Value;

use crate::contract::Extent;

/// What costs something by the hour, in US dollars, and whether an hour begun is an hour paid.
/// On-demand list prices of us-east-1, from the services' pricing pages as they are remembered: an
/// assumption, for which [`MARGIN`] stands.
const PRICES: &[(&str, f64, bool)] = &[
    ("nat-gateway", 0.045, true),
    ("load-balancer", 0.0225, true),
    ("elastic-ip", 0.005, true),
    ("db-instance", 0.05, false),
    ("db-replica", 0.05, false),
    ("service", 0.05, false),
];

/// What is paid for besides: secrets (0.40 a month), storage, requests, logs, traffic.
const BESIDES: f64 = 0.02;

/// How much more it may be: other regions ask up to 1.6 times as much.
const MARGIN: f64 = 2.0;

/// AWS may take so much longer than it typically does.
const PATIENCE: f64 = 2.0;

/// What a part of the run may take and cost at most.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    /// Minutes.
    pub minutes: f64,
    /// US dollars.
    pub dollars: f64,
}

impl Estimate {
    /// What all of these together take, so many at once, and cost.
    pub fn sum(parts: &[Self], at_once: usize) -> Self {
        let minutes: f64 = parts.iter().map(|part| part.minutes).sum();
        let longest = parts.iter().map(|part| part.minutes).fold(0.0, f64::max);
        let at_once = f64::from(u32::try_from(at_once.max(1)).unwrap_or(u32::MAX));
        Self {
            minutes: longest.max(minutes / at_once),
            dollars: parts.iter().map(|part| part.dollars).sum(),
        }
    }
}

/// What a contract takes and costs.
pub(super) fn estimate(extent: &Extent) -> Estimate {
    let minutes = f64::from(extent.seconds) / 60.0 * PATIENCE;
    let hours = minutes / 60.0;
    let prices = extent.resources.iter().filter_map(|(kind, spec, times)| {
        let (_, price, is_begun) = PRICES.iter().find(|(name, ..)| name == kind)?;
        let hours = if *is_begun { hours.ceil() + f64::from(*times - 1) } else { hours };
        Some(price * hours * copies(spec))
    });
    Estimate { minutes, dollars: (prices.sum::<f64>() + BESIDES) * MARGIN }
}

/// How many a spec stands for: tasks of a service, a standby of a database.
fn copies(spec: &Value) -> f64 {
    let standby = if spec["standby"] == true { 2.0 } else { 1.0 };
    spec["count"].as_f64().unwrap_or(1.0).max(1.0) * standby
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn extent(kind: &str, times: u32, seconds: u32) -> Extent {
        Extent { resources: vec![(kind.to_owned(), json!({}), times)], seconds }
    }

    #[test]
    fn an_hour_begun_is_paid_for_each_that_is_made() {
        let once = estimate(&extent("nat-gateway", 1, 60)).dollars;
        let thrice = estimate(&extent("nat-gateway", 3, 60)).dollars;
        assert!((thrice - once - 2.0 * 0.045 * MARGIN).abs() < 1e-9, "{once} {thrice}");
        let free = estimate(&extent("vpc", 1, 60)).dollars;
        assert!((free - BESIDES * MARGIN).abs() < 1e-9, "{free}");
    }

    #[test]
    fn several_at_once_take_as_long_as_the_longest_at_least() {
        let part = |minutes| Estimate { minutes, dollars: 1.0 };
        let sum = Estimate::sum(&[part(10.0), part(2.0), part(2.0)], 2);
        assert_eq!(sum, Estimate { minutes: 10.0, dollars: 3.0 });
        let sum = Estimate::sum(&[part(4.0), part(4.0), part(4.0)], 2);
        assert_eq!(sum, Estimate { minutes: 6.0, dollars: 3.0 });
    }
}
