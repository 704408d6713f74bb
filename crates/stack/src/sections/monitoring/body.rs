//! What is written in the `monitoring` section.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::quantities::Seconds;
use crate::section::yes;

/// Alarms, and who hears of them.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Monitoring {
    /// Who hears of it: addresses of mail, which are asked first whether they want to be, and URLs of
    /// HTTPS.
    #[serde(default)]
    pub(super) notify: BTreeSet<String>,
    /// Whether there are alarms for what usually goes wrong: failed requests, slow answers, tasks
    /// that are not healthy, CPU and memory of services, CPU and storage of databases, jobs
    /// by the clock that fail, messages that wait for long, dead letters.
    #[serde(default = "yes")]
    pub(super) defaults: bool,
    /// Alarms of your own, by name. One with the name of a default takes its place.
    #[serde(default)]
    pub(super) alarms: BTreeMap<String, Own>,
    /// Whether there is a dashboard: the states of the alarms, and graphs of services, load balancers,
    /// databases and queues.
    #[serde(default)]
    pub(super) dashboard: bool,
}

/// An alarm of your own: a metric of a service, a load balancer, a database, a job or a queue that is
/// above or below a value for a while, or several alarms that are one.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Own {
    /// What is measured: `services/web`, `load-balancers/edge`, `databases/main`, `jobs/clean`,
    /// `queues/mails`.
    #[schemars(extend("x-excludes" = ["any-of", "all-of"]))]
    pub(super) of: Option<String>,
    /// The metric: of services `cpu`, `memory`, `requests`, `5xx`, `latency-p50`, `latency-p95`,
    /// `latency-p99`, `unhealthy`; of load balancers `requests`, `5xx`, `latency-p99` and the like; of
    /// databases `cpu`, `storage`, `connections`; of jobs by the clock `failed`; of queues `age`
    /// of the oldest message, `messages` that wait, `dead-letters`.
    #[schemars(extend("x-excludes" = ["any-of", "all-of"]))]
    pub(super) metric: Option<String>,
    /// The value that it is above: `80%`, `2 s`, `10`, `5 GiB`. A number is that of the whole time.
    #[schemars(extend("x-excludes" = ["below", "any-of", "all-of"]))]
    pub(super) above: Option<String>,
    /// The value that it is below.
    #[schemars(extend("x-excludes" = ["above", "any-of", "all-of"]))]
    pub(super) below: Option<String>,
    /// For how long: `10 min`, in minutes; five when left out.
    #[serde(rename = "for")]
    #[schemars(extend("x-excludes" = ["any-of", "all-of"]))]
    pub(super) duration: Option<Seconds>,
    /// Alarms of this section, default ones included: it goes off when one of them does. They notify
    /// nobody themselves any more.
    #[schemars(extend("x-excludes" = ["all-of", "of", "metric", "above", "below", "for"]))]
    pub(super) any_of: Option<Vec<String>>,
    /// Alarms of this section, default ones included: it goes off when all of them have. They notify
    /// nobody themselves any more.
    #[schemars(extend("x-excludes" = ["any-of", "of", "metric", "above", "below", "for"]))]
    pub(super) all_of: Option<Vec<String>>,
    /// What it is for, as whoever hears of it reads.
    #[serde(default)]
    pub(super) description: String,
}

/// What an alarm of one's own is made of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form<'a> {
    /// A metric, which is one word, of something.
    Metric { of: &'a str, metric: &'a str },
    /// Other alarms, any one of which is enough.
    AnyOf(&'a [String]),
    /// Other alarms, all together.
    AllOf(&'a [String]),
}

/// Why an alarm has no form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Formless {
    /// It has several.
    Several,
    /// This key is missing.
    Lacks(&'static str),
}

impl Own {
    pub(super) fn form(&self) -> Result<Form<'_>, Formless> {
        let measures = self.of.is_some()
            || self.metric.is_some()
            || self.above.is_some()
            || self.below.is_some()
            || self.duration.is_some();
        match (&self.any_of, &self.all_of) {
            (Some(any), None) if !measures => Ok(Form::AnyOf(any)),
            (None, Some(all)) if !measures => Ok(Form::AllOf(all)),
            (None, None) => {
                let of = self.of.as_deref().ok_or(Formless::Lacks("of"))?;
                let metric = self.metric.as_deref().ok_or(Formless::Lacks("metric"))?;
                Ok(Form::Metric { of, metric })
            }
            _ => Err(Formless::Several),
        }
    }
}
