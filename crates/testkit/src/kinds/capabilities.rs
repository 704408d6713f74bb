//! What kinds offer after a deploy: what a test has said that goes on in them.

use deployer_engine::{
    Checks, Command, Finding, Found, LogPage, LogQuery, Logs, Metrics, Release, Releases, Remark,
    Result, Rollout, Rollouts, Run, RunOrder, Runs, Series, Session, Shell, Steering, Task, Tasks,
    Version, Versions, Vital, Vitals, Which, Window, Workloads,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::toy::Toy;
use crate::{Memory, Operation, Revision, Service, Store};

impl Logs<Memory> for Service {
    async fn log(cloud: &Memory, live: &Found<Self>, query: &LogQuery) -> Result<LogPage> {
        cloud.activity(Operation::Look, live, |activity| Ok(activity.page(query))).await
    }
}

impl Tasks<Memory> for Service {
    async fn tasks(cloud: &Memory, live: &Found<Self>, which: &Which) -> Result<Vec<Task>> {
        cloud.activity(Operation::Look, live, |activity| Ok(activity.tasks(*which))).await
    }
}

impl Rollouts<Memory> for Service {
    async fn rollouts(cloud: &Memory, live: &Found<Self>) -> Result<Vec<Rollout>> {
        cloud.activity(Operation::Look, live, |activity| Ok(activity.rollouts.clone())).await
    }

    async fn rollout(cloud: &Memory, live: &Found<Self>, id: &str) -> Result<Option<Rollout>> {
        cloud.activity(Operation::Look, live, |activity| Ok(activity.rollout(id))).await
    }

    async fn steer(cloud: &Memory, live: &Found<Self>, id: &str, how: &Steering) -> Result<()> {
        cloud.activity(Operation::Steer, live, |activity| activity.steer(id, how)).await
    }
}

impl Runs<Memory> for Service {
    async fn begin(cloud: &Memory, live: &Found<Self>, order: &RunOrder) -> Result<String> {
        cloud.activity(Operation::Steer, live, |activity| Ok(activity.begin(order))).await
    }

    async fn run(cloud: &Memory, live: &Found<Self>, id: &str) -> Result<Option<Run>> {
        cloud.activity(Operation::Look, live, |activity| Ok(activity.run(id))).await
    }
}

impl Checks<Memory> for Service {
    async fn findings(cloud: &Memory, live: &Found<Self>) -> Result<Vec<Finding>> {
        cloud.activity(Operation::Look, live, |activity| Ok(activity.findings.clone())).await
    }
}

impl Workloads<Memory> for Service {
    async fn restart(cloud: &Memory, live: &Found<Self>) -> Result<Value> {
        let output = json!(live.output);
        let restart = |activity: &mut crate::Activity| {
            activity.restarts += 1;
            Ok(output.clone())
        };
        cloud.activity(Operation::Steer, live, restart).await
    }

    async fn scale(cloud: &Memory, live: &Found<Self>, count: &u32) -> Result<Value> {
        let output = json!(live.output);
        let scale = |activity: &mut crate::Activity| {
            activity.count = Some(*count);
            Ok(output.clone())
        };
        cloud.activity(Operation::Steer, live, scale).await
    }

    async fn remarks(cloud: &Memory, live: &Found<Self>) -> Result<Vec<Remark>> {
        cloud.activity(Operation::Look, live, |activity| Ok(activity.remarks.clone())).await
    }
}

impl Versions<Memory> for Revision {
    async fn version(cloud: &Memory, live: &Found<Self>, id: &str) -> Result<Option<Version>> {
        let version = |activity: &mut crate::Activity| {
            Ok(activity.versions.iter().find(|version| version.id == id).cloned())
        };
        cloud.activity(Operation::Look, live, version).await
    }
}

impl Shell<Memory> for Service {
    async fn open(cloud: &Memory, live: &Found<Self>, command: &Command) -> Result<Session> {
        cloud.activity(Operation::Open, live, |activity| activity.open(command)).await
    }
}

impl Metrics<Memory> for Service {
    async fn metrics(cloud: &Memory, live: &Found<Self>, window: &Window) -> Result<Vec<Series>> {
        measured(cloud, live, window).await
    }
}

impl Metrics<Memory> for Store {
    async fn metrics(cloud: &Memory, live: &Found<Self>, window: &Window) -> Result<Vec<Series>> {
        measured(cloud, live, window).await
    }
}

impl Vitals<Memory> for Store {
    async fn vitals(cloud: &Memory, live: &Found<Self>, _now: &Timestamp) -> Result<Vec<Vital>> {
        cloud.activity(Operation::Look, live, |activity| Ok(activity.vitals.clone())).await
    }
}

impl Releases<Memory> for Revision {
    async fn releases(cloud: &Memory, live: &Found<Self>) -> Result<Vec<Release>> {
        cloud.activity(Operation::Look, live, |activity| Ok(activity.releases.clone())).await
    }

    async fn forget(cloud: &Memory, live: &Found<Self>, names: &[String]) -> Result<()> {
        let forget = |activity: &mut crate::Activity| {
            activity.releases.retain(|release| !names.contains(&release.name));
            Ok(())
        };
        cloud.activity(Operation::Steer, live, forget).await
    }
}

async fn measured<K: Toy>(cloud: &Memory, live: &Found<K>, window: &Window) -> Result<Vec<Series>> {
    cloud.activity(Operation::Look, live, |activity| Ok(activity.measured(window))).await
}
