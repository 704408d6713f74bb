//! A dashboard of CloudWatch.

use deployer_core::{Change, Impact, Kind, Naming, Problem, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The most widgets of a dashboard ("CloudWatch service quotas" in the CloudWatch user guide).
const MOST_WIDGETS: usize = 500;

/// A dashboard.
pub struct Dashboard;

impl Kind for Dashboard {
    const NAME: &'static str = "dashboard";
    const CHANGES: &'static [(&'static str, Change)] = &[("body", Change::InPlace(Impact::None))];
    // `DashboardName` in the CloudWatch API reference.
    const NAMING: Option<Naming> = Some(Naming::hyphens(255));
    // An account has one set of them, whichever region is asked ("Using CloudWatch dashboards" in the
    // CloudWatch user guide).
    const GLOBAL: bool = true;
    const DELETION: Impact = Impact::None;
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };
    type Spec = DashboardSpec;
    type Output = DashboardOutput;

    /// What stands in each kind of widget is for AWS to say.
    fn check(spec: &DashboardSpec) -> Vec<Problem> {
        let problem = |path: &str, message: &str, help: &str| {
            vec![Problem::new(path, message.to_owned(), help.to_owned())]
        };
        let Some(widgets) = spec.body.get("widgets").and_then(Value::as_array) else {
            let help = "write `widgets:` in it, a list";
            return problem("body", "a dashboard has a list of widgets", help);
        };
        if widgets.len() > MOST_WIDGETS {
            let message = format!("{} widgets are too many for a dashboard", widgets.len());
            return problem("body.widgets", &message, "expected at most 500");
        }
        for (place, widget) in widgets.iter().enumerate() {
            let lacks = |key: &&&str| widget.get(**key).is_none();
            if let Some(key) = ["type", "properties"].iter().find(lacks) {
                let path = format!("body.widgets.{place}");
                return problem(
                    &path,
                    &format!("a widget needs `{key}`"),
                    &format!("add `{key}:`"),
                );
            }
        }
        Vec::new()
    }
}

/// What we want of a dashboard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DashboardSpec {
    /// What it shows, in CloudWatch's own words: `{ widgets: [ … ] }`. The console shows that of one
    /// under "View/edit source".
    pub body: Map<String, Value>,
}

/// What AWS returns for a dashboard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DashboardOutput {
    /// The name.
    pub id: String,
    /// The ARN.
    pub arn: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_list_of_widgets_is_said_at_its_place() {
        let paths = |body: Value| -> Vec<String> {
            let spec = serde_json::from_value(json!({ "body": body })).unwrap();
            Dashboard::check(&spec).into_iter().map(|it| it.path).collect()
        };
        let text = json!({ "type": "text", "properties": { "markdown": "# All of it" } });
        assert_eq!(paths(json!({ "widgets": [text] })), Vec::<String>::new());
        assert_eq!(paths(json!({})), ["body"]);
        assert_eq!(paths(json!({ "widgets": [text, { "type": "text" }] })), ["body.widgets.1"]);
        assert_eq!(paths(json!({ "widgets": vec![text; 501] })), ["body.widgets"]);
    }
}
