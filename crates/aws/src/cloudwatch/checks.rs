//! Alarms that have gone off.

use deployer_engine::{Checks, Finding, Found, Result, Stage};
use deployer_kinds::{Alarm, CompositeAlarm};

use super::alarms::{IN_ALARM, why_in_alarm};
use crate::Aws;

impl Checks<Aws> for Alarm {
    async fn findings(aws: &Aws, live: &Found<Self>) -> Result<Vec<Finding>> {
        of(aws, &live.badge.name, &live.output.id, &live.state).await
    }
}

impl Checks<Aws> for CompositeAlarm {
    async fn findings(aws: &Aws, live: &Found<Self>) -> Result<Vec<Finding>> {
        of(aws, &live.badge.name, &live.output.id, &live.state).await
    }
}

/// Why is asked for of those alone that have gone off: they are few.
async fn of(aws: &Aws, name: &str, id: &str, state: &str) -> Result<Vec<Finding>> {
    if state != IN_ALARM {
        return Ok(Vec::new());
    }
    let reason = why_in_alarm(aws, id).await?;
    let help = "what stands above may be why; `deployer status` and `deployer logs` show more";
    Ok(vec![
        Finding::new(Stage::Alarms, format!("the alarm `{name}` has gone off"), help)
            .because(reason),
    ])
}
