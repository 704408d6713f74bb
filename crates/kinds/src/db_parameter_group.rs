//! A DB parameter group: settings of the engine, for the databases that are in it.

use std::collections::BTreeMap;

use deployer_core::{Change, Impact, Kind, Naming, Notice, Problem, Replacement, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A DB parameter group.
pub struct DbParameterGroup;

impl Kind for DbParameterGroup {
    const NAME: &'static str = "db-parameter-group";
    // DBParameterGroupFamily and Description are taken by CreateDBParameterGroup alone (RDS API
    // reference).
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("family", Change::Replace(Impact::None)),
        ("description", Change::Replace(Impact::None)),
        ("parameters", Change::InPlace(Impact::None)),
    ];
    const REPLACEMENT: Replacement = Replacement::CreateFirst;
    // 1-255 letters, numbers and hyphens, stored in lower case (RDS API reference).
    const NAMING: Option<Naming> = Some(Naming::hyphens(255));
    const REFUSED_WHILE_USED: bool = true;
    // No instance is in it any more, or it could not be deleted.
    const DELETION: Impact = Impact::None;
    // Assumptions.
    const TYPICAL: Typical = Typical { create: 3, update: 2, delete: 2 };
    type Spec = DbParameterGroupSpec;
    type Output = DbParameterGroupOutput;

    fn check(spec: &DbParameterGroupSpec) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (name, value) in &spec.parameters {
            let path = format!("parameters.{name}");
            let is_name = |sign: char| {
                sign.is_ascii_lowercase()
                    || sign.is_ascii_digit()
                    || matches!(sign, '_' | '.' | '-')
            };
            if name.is_empty() || !name.chars().all(is_name) {
                problems.push(Problem::new(
                    path,
                    format!("`{name}` is not the name of a parameter"),
                    "RDS writes them in lower case, such as `log_min_duration_statement`",
                ));
            } else if value.is_empty() {
                problems.push(Problem::new(
                    path,
                    "a parameter without a value",
                    "leave it out: RDS's own value is taken then",
                ));
            }
        }
        problems
    }

    /// Only RDS knows which ones are static, and only clients whether they encrypt.
    fn notices(live: &DbParameterGroupSpec, wanted: &DbParameterGroupSpec) -> Vec<Notice> {
        let changed = live.parameters != wanted.parameters;
        let because = "static parameters are in force once the database is restarted";
        let waits = changed.then(|| Notice::new(Impact::None, because));
        let refuses = (wanted.wants_tls() && !live.wants_tls())
            .then(|| Notice::new(Impact::Unknown, "clients that do not encrypt are refused"));
        waits.into_iter().chain(refuses).collect()
    }

    /// RDS shows what is on as it likes.
    fn change(field: &str, live: &Value, wanted: &Value) -> Option<Change> {
        let plain = |value: &Value| -> Option<BTreeMap<String, String>> {
            let parameters = value.as_object()?.iter();
            parameters.map(|(name, value)| Some((name.clone(), plain(value.as_str()?)))).collect()
        };
        let is_same = field == "parameters" && plain(live)? == plain(wanted)?;
        is_same.then_some(Change::Delegated)
    }
}

/// A value as it is compared: what is on or off is shown as 1 or 0 (seen, for MySQL).
fn plain(value: &str) -> String {
    match value.to_ascii_lowercase().as_str() {
        "on" | "true" => "1".to_owned(),
        "off" | "false" => "0".to_owned(),
        _ => value.to_owned(),
    }
}

/// The parameters by which clients must encrypt, of PostgreSQL and of the others.
const TLS: [&str; 2] = ["rds.force_ssl", "require_secure_transport"];

impl DbParameterGroupSpec {
    fn wants_tls(&self) -> bool {
        TLS.iter().any(|name| self.parameters.get(*name).is_some_and(|value| plain(value) == "1"))
    }

    /// The parameters that RDS has otherwise than they should be, with the values to give them.
    pub fn to_set(&self, live: &Self) -> BTreeMap<String, String> {
        let has = |name: &str| live.parameters.get(name).map(|value| plain(value));
        let parameters = self.parameters.iter();
        parameters
            .filter(|(name, value)| has(name) != Some(plain(value)))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// The parameters that go back to what RDS has them at.
    pub fn to_reset(&self, live: &Self) -> Vec<String> {
        let names = live.parameters.keys();
        names.filter(|name| !self.parameters.contains_key(*name)).cloned().collect()
    }
}

/// Whether two values of a parameter are one.
pub fn is_same_value(one: &str, other: &str) -> bool {
    plain(one) == plain(other)
}

/// What we want of a DB parameter group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DbParameterGroupSpec {
    /// The engine and its major version: `postgres16`, `mysql8.0`.
    pub family: String,
    /// What it is for.
    #[serde(default = "description")]
    pub description: String,
    /// The parameters that are not to have RDS's own values.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
}

/// What AWS returns for a DB parameter group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DbParameterGroupOutput {
    /// The name.
    pub id: String,
    /// The ARN.
    pub arn: String,
}

fn description() -> String {
    "managed by deployer".to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec(parameters: &[(&str, &str)]) -> DbParameterGroupSpec {
        DbParameterGroupSpec {
            family: "postgres16".to_owned(),
            description: description(),
            parameters: parameters
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }

    #[test]
    fn on_and_one_are_the_same() {
        let change = |live: Value, wanted: Value| {
            DbParameterGroup::change("parameters", &json!({ "a": live }), &json!({ "a": wanted }))
        };
        assert_eq!(change(json!("1"), json!("ON")), Some(Change::Delegated));
        assert_eq!(change(json!("0"), json!("off")), Some(Change::Delegated));
        assert_eq!(change(json!("0"), json!("on")), None);
    }

    #[test]
    fn only_what_differs_is_set_and_what_is_left_out_goes_back() {
        let live = spec(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let wanted = spec(&[("a", "on"), ("b", "4")]);
        assert_eq!(wanted.to_set(&live), BTreeMap::from([("b".to_owned(), "4".to_owned())]));
        assert_eq!(wanted.to_reset(&live), ["c"]);
    }

    #[test]
    fn who_does_not_encrypt_may_be_refused_from_now_on() {
        let worst = |live: &[(&str, &str)], wanted: &[(&str, &str)]| {
            let notices = DbParameterGroup::notices(&spec(live), &spec(wanted)).into_iter();
            notices.map(|notice| notice.impact).max()
        };
        let on = [("require_secure_transport", "ON")];
        assert_eq!(worst(&[], &on), Some(Impact::Unknown));
        assert_eq!(worst(&on, &[]), Some(Impact::None));
        assert_eq!(worst(&on, &on), None);
    }

    #[test]
    fn a_name_that_rds_refuses_is_a_mistake() {
        let paths = |parameters: &[(&str, &str)]| -> Vec<String> {
            let problems = DbParameterGroup::check(&spec(parameters));
            problems.into_iter().map(|problem| problem.path).collect()
        };
        assert_eq!(paths(&[("rds.force_ssl", "1")]), [""; 0]);
        assert_eq!(paths(&[("Max_Connections", "1")]), ["parameters.Max_Connections"]);
        assert_eq!(paths(&[("max_connections", "")]), ["parameters.max_connections"]);
    }
}
