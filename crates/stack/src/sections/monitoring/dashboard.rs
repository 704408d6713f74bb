//! Makes the dashboard: the states of the alarms, and beneath them a graph of each thing that is
//! measured, with a line for everything that it is measured of.
//!
//! What stands in a widget is "Dashboard body structure and syntax" in the CloudWatch API reference.

use deployer_core::{Address, Text};
use deployer_kinds::{Dashboard, DashboardSpec};
use serde_json::{Map, Value, json};

use super::body::Monitoring;
use super::metrics::{Metric, Unit, of_instance, of_load_balancer, of_queue, of_tasks};
use crate::draft::{Draft, Origin};
use crate::section::{Section, Sections};
use crate::sections::load_balancer::LoadBalancer;
use crate::sections::queue::Queue;
use crate::sections::service::Service;

/// How wide a dashboard is, and how large each graph: three stand side by side.
const COLUMNS: u32 = 24;
const WIDTH: u32 = 8;
const HEIGHT: u32 = 6;

/// The most alarms of a widget.
const MOST_ALARMS: usize = 100;

pub(super) fn expand(alarms: &[Address], all: &Sections, draft: &mut Draft) {
    let mut page = Page { region: draft.region.clone(), widgets: Vec::new(), x: 0, y: 0 };
    page.states(alarms);
    let services: Vec<&str> = all.of::<Service>().map(|(name, _)| name).collect();
    let of = |metric| {
        let line = |name: &&str| (*name).to_owned();
        services.iter().map(|it| (line(it), of_tasks(it, metric, "average"))).collect()
    };
    page.graph("CPU of services", &lines(of("CPUUtilization")));
    page.graph("Memory of services", &lines(of("MemoryUtilization")));
    page.graph("Running tasks", &running(&services));
    page.end_row();

    let balancers = all.of::<LoadBalancer>().filter(|(_, it)| it.existing.is_none());
    let balancers: Vec<&str> = balancers.map(|(name, _)| name).collect();
    let of = |metrics: &[(&str, &str)]| {
        let mut found = Vec::new();
        for name in &balancers {
            for (metric, end) in metrics {
                let metric = of_load_balancer(all, name, metric);
                found.extend(metric.map(|metric| (format!("{name}{end}"), metric)));
            }
        }
        lines(found)
    };
    page.graph("Requests", &of(&[("requests", "")]));
    page.graph("Requests that failed", &of(&[("5xx", ""), ("elb-5xx", ", by itself")]));
    page.graph("Response time", &of(&[("latency-p50", " p50"), ("latency-p99", " p99")]));
    page.end_row();

    let of_kind = |kind: &str| -> Vec<Address> {
        draft.made.keys().filter(|it| it.kind == kind).cloned().collect()
    };
    let replicas = of_kind("db-replica");
    let databases = [of_kind("db-instance"), replicas.clone()].concat();
    let of = |databases: &[Address], metric, statistic, unit| {
        let line =
            |of: &Address| (of.name.clone(), of_instance(of.clone(), metric, statistic, unit));
        lines(databases.iter().map(line).collect())
    };
    page.graph("CPU of databases", &of(&databases, "CPUUtilization", "average", Unit::Percent));
    page.graph(
        "Connections of databases",
        &of(&databases, "DatabaseConnections", "maximum", Unit::Count),
    );
    page.graph(
        "Storage left of databases",
        &of(&databases, "FreeStorageSpace", "minimum", Unit::Bytes),
    );
    page.graph("Lag of replicas", &of(&replicas, "ReplicaLag", "maximum", Unit::Seconds));

    page.end_row();

    let of = |metric: &str| {
        let queues = all.of::<Queue>();
        let metrics = queues
            .filter_map(|(name, body)| Some((name.to_owned(), of_queue(name, body, metric)?)));
        lines(metrics.collect())
    };
    page.graph("Messages that wait", &of("messages"));
    page.graph("Age of the oldest message", &of("age"));
    page.graph("Dead letters", &of("dead-letters"));

    let body = Map::from_iter([("widgets".to_owned(), page.widgets.into())]);
    let origin = Origin::new(&[Monitoring::KEY], &[("body", "dashboard")]);
    draft.make::<Dashboard>("main", &DashboardSpec { body }, origin);
}

/// Widgets from left to right and from top to bottom.
struct Page {
    region: String,
    widgets: Vec<Value>,
    x: u32,
    y: u32,
}

impl Page {
    /// The states of alarms, over the whole width.
    fn states(&mut self, alarms: &[Address]) {
        for some in alarms.chunks(MOST_ALARMS) {
            let arns = some.iter().map(|alarm| Text::output(alarm.clone(), "arn"));
            let properties = json!({ "title": "Alarms", "alarms": arns.collect::<Vec<_>>() });
            self.add("alarm", (COLUMNS, 3), &properties);
            self.end_row();
        }
    }

    /// A graph, if there are lines to draw.
    fn graph(&mut self, title: &str, metrics: &[Value]) {
        if metrics.is_empty() {
            return;
        }
        let properties = json!({
            "title": title,
            "region": self.region,
            "view": "timeSeries",
            "period": 60,
            "yAxis": { "left": { "min": 0 } },
            "metrics": metrics,
        });
        self.add("metric", (WIDTH, HEIGHT), &properties);
    }

    fn add(&mut self, kind: &str, (width, height): (u32, u32), properties: &Value) {
        if self.x + width > COLUMNS {
            self.end_row();
        }
        self.widgets.push(json!({
            "type": kind,
            "x": self.x, "y": self.y, "width": width, "height": height,
            "properties": properties,
        }));
        self.x += width;
    }

    fn end_row(&mut self) {
        if self.x > 0 {
            let last = self.widgets.last().and_then(|it| it["height"].as_u64());
            self.y += last.and_then(|it| u32::try_from(it).ok()).unwrap_or(HEIGHT);
            self.x = 0;
        }
    }
}

/// A line for each metric, by its label.
fn lines(metrics: Vec<(String, Metric)>) -> Vec<Value> {
    let line = |(label, metric): (String, Metric)| {
        let more = json!({ "label": label, "stat": statistic(metric.statistic) });
        metric_with(&metric, &more)
    };
    metrics.into_iter().map(line).collect()
}

/// How many tasks run: each reports once a minute, so it is how many have ("Amazon ECS service
/// RUNNING task count" in the ECS developer guide). A graph of a longer time has longer periods, in
/// which each has reported more often.
fn running(services: &[&str]) -> Vec<Value> {
    let lines = services.iter().enumerate().map(|(at, name)| {
        let reports = of_tasks(name, "CPUUtilization", "samples");
        let more = json!({
            "id": format!("m{at}"), "visible": false, "stat": statistic(reports.statistic),
        });
        let many = json!([{
            "id": format!("e{at}"), "label": name, "expression": format!("m{at} / (PERIOD(m{at}) / 60)"),
        }]);
        [metric_with(&reports, &more), many]
    });
    lines.flatten().collect()
}

/// A metric as a list: its name, its dimensions, and how it is drawn.
fn metric_with(metric: &Metric, more: &Value) -> Value {
    let dimensions = metric.dimensions.iter().flat_map(|(name, value)| [json!(name), json!(value)]);
    [json!(metric.namespace), json!(metric.name)]
        .into_iter()
        .chain(dimensions)
        .chain([more.clone()])
        .collect()
}

/// A statistic as CloudWatch's graphs have it.
fn statistic(word: &str) -> &str {
    match word {
        "average" => "Average",
        "sum" => "Sum",
        "minimum" => "Minimum",
        "maximum" => "Maximum",
        "samples" => "SampleCount",
        percentile => percentile,
    }
}
