//! A record of DNS in a hosted zone of Route 53.

use std::collections::BTreeSet;

use deployer_core::{After, Change, Impact, Kind, Problem, Replacement, Text, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{plain_name, wrong_name};

/// A record.
pub struct Record;

impl Kind for Record {
    const NAME: &'static str = "record";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("zone", Change::Replace(Impact::Elsewhere)),
        ("name", Change::Replace(Impact::Elsewhere)),
        ("type", Change::Replace(Impact::Outage)),
        ("values", Change::InPlace(Impact::Elsewhere)),
        ("ttl", Change::InPlace(Impact::None)),
        ("alias", Change::InPlace(Impact::Elsewhere)),
        ("failover", Change::Replace(Impact::Outage)),
    ];
    const GLOBAL: bool = true;
    // Who comes by a name is shown its certificate, as long as the name leads there.
    const AFTER: &'static [After] = &[After { kind: "listener", sharing: Some("load-balancer") }];
    const DELETION: Impact = Impact::Outage;
    // Changes are on all of AWS's servers within 60 s (Route 53 developer guide, "How long does it
    // take for changes to propagate").
    const TYPICAL: Typical = Typical { create: 40, update: 40, delete: 40 };
    type Spec = RecordSpec;
    type Output = RecordOutput;

    /// Beside each other are neither a CNAME and others of its name, nor failover records and others
    /// (`ResourceRecordSet` in the Route 53 API reference).
    fn replacement(live: &RecordSpec, wanted: &RecordSpec) -> Replacement {
        let is_same_name = live.name == wanted.name && live.zone == wanted.zone;
        if is_same_name { Replacement::DeleteFirst } else { Replacement::CreateFirst }
    }

    /// One that is written in another way is the same.
    fn is_moved(field: &str, live: &RecordSpec, wanted: &RecordSpec) -> bool {
        match field {
            "values" => live.plain_values() == wanted.plain_values(),
            "alias" => match (&live.alias, &wanted.alias) {
                (Some(live), Some(wanted)) => live.is_same(wanted),
                _ => false,
            },
            // Route 53 has no time to live for an alias.
            "ttl" => wanted.alias.is_some(),
            _ => false,
        }
    }

    fn check(spec: &RecordSpec) -> Vec<Problem> {
        let RecordSpec { name, kind, values, ttl, alias, failover, .. } = spec;
        let mut problems = Vec::new();
        if let Some((message, help)) = wrong_name(name) {
            problems.push(Problem::new("name", message, help));
        }
        match (alias, values.is_empty()) {
            (Some(_), false) => {
                let message = "an alias has no values of its own";
                problems.push(Problem::new("values", message, "remove `values:` or `alias:`"));
            }
            (None, true) => {
                let message = "the record says nothing";
                let help = "add `values:` or `alias:`";
                problems.push(Problem::new("values", message, help));
            }
            _ => {}
        }
        if *kind == RecordType::Cname && values.len() > 1 {
            let message = "a CNAME has one value";
            problems.push(Problem::new("values", message, "keep one of them"));
        }
        if alias.is_some() && !matches!(kind, RecordType::A | RecordType::Aaaa) {
            let message = "an alias of a load balancer is an address";
            problems.push(Problem::new("type", message, "expected `a` or `aaaa`"));
        }
        // `TTL` of `ResourceRecordSet` in the Route 53 API reference.
        if *ttl > 2_147_483_647 {
            let message = format!("{ttl} s is too long");
            problems.push(Problem::new("ttl", message, "expected at most `2147483647`"));
        }
        // Who takes over, and when, follows from what answers behind an alias (Route 53 developer
        // guide, "Values specific for failover records").
        if failover.set().is_some() && !alias.as_ref().is_some_and(|it| it.evaluate_health) {
            let message = "nobody would know when the other one is to answer";
            let help = "add an `alias:` with `evaluate-health: true`";
            problems.push(Problem::new("failover", message, help).along(&["alias"]));
        }
        let set = failover.set().map(str::len);
        if set.is_some_and(|length| !(1..=128).contains(&length)) {
            let message = "the set has a name that Route 53 does not take";
            problems.push(Problem::new("failover", message, "expected 1 to 128 characters"));
        }
        problems
    }
}

/// What we want of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RecordSpec {
    /// The hosted zone it is in, by name or id. When left out, the public one that has most of the
    /// name.
    pub zone: Option<String>,
    /// The name: `www.example.com`, or `*.example.com` for all that have none of their own.
    pub name: String,
    /// The type.
    #[serde(rename = "type")]
    pub kind: RecordType,
    /// The values, as a zone file has them; those of a `txt` as plain text.
    #[serde(default)]
    pub values: BTreeSet<Text>,
    /// Seconds for which whoever asks may keep the answer.
    #[serde(default = "ttl")]
    pub ttl: u32,
    /// What of AWS's it stands for instead of having values.
    pub alias: Option<Alias>,
    /// Which of two records of this name and type it is, where one takes over from the other, with
    /// what distinguishes it from the other: `{ primary: prod }`.
    #[serde(default)]
    pub failover: Failover,
}

/// The type of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RecordType {
    /// Addresses of IPv4.
    A,
    /// Addresses of IPv6.
    Aaaa,
    /// Who may issue certificates.
    Caa,
    /// Another name.
    Cname,
    /// Servers of mail.
    Mx,
    /// Servers of a name.
    Ns,
    /// Where a service is.
    Srv,
    /// Text.
    Txt,
}

impl RecordType {
    /// As DNS has it: `AAAA`.
    pub fn word(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Caa => "CAA",
            Self::Cname => "CNAME",
            Self::Mx => "MX",
            Self::Ns => "NS",
            Self::Srv => "SRV",
            Self::Txt => "TXT",
        }
    }

    /// Whether its values are names or end in one.
    fn has_names(self) -> bool {
        matches!(self, Self::Cname | Self::Mx | Self::Ns | Self::Srv)
    }
}

/// Something of AWS's that a record stands for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Alias {
    /// Its name: `${load-balancer/edge.dns}`.
    pub name: Text,
    /// The hosted zone that AWS has that name in: `${load-balancer/edge.zone}`.
    pub zone: Text,
    /// Whether it is left out of answers while nobody answers there.
    #[serde(default)]
    pub evaluate_health: bool,
}

impl Alias {
    /// The console writes `dualstack.` before the names of load balancers, which are the same with
    /// it (Route 53 developer guide, "Values for alias records").
    fn is_same(&self, other: &Self) -> bool {
        let name = |alias: &Self| {
            let name = alias.name.literal().map(plain_name)?;
            Some(name.strip_prefix("dualstack.").unwrap_or(&name).to_owned())
        };
        name(self).is_some()
            && name(self) == name(other)
            && (&self.zone, self.evaluate_health) == (&other.zone, other.evaluate_health)
    }
}

/// Which of two records one is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Failover {
    /// There are no two.
    #[default]
    None,
    /// It answers.
    Primary(String),
    /// It answers while the other does not.
    Secondary(String),
}

impl Failover {
    /// What distinguishes it from the other.
    pub fn set(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::Primary(set) | Self::Secondary(set) => Some(set),
        }
    }
}

/// What AWS returns for a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordOutput {
    /// The zone's id, the name, the type and the set: `Z0123/www.example.com/A/`.
    pub id: String,
    /// The name.
    pub name: String,
    /// The last change to it, as long as not all of AWS's name servers have it.
    pub change: Option<String>,
}

impl RecordSpec {
    /// The values, the same whichever way they are written.
    fn plain_values(&self) -> BTreeSet<String> {
        let plain = |text: &Text| {
            let text = text.to_string();
            if self.kind.has_names() { plain_name(&text) } else { text }
        };
        self.values.iter().map(plain).collect()
    }
}

fn ttl() -> u32 {
    300
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn spec(more: &Value) -> RecordSpec {
        let mut spec = json!({ "name": "www.example.com", "type": "a" });
        let fields = more.as_object().cloned().unwrap_or_default();
        spec.as_object_mut().unwrap().extend(fields);
        serde_json::from_value(spec).unwrap()
    }

    #[test]
    fn what_is_written_in_another_way_is_the_same() {
        let mail = |value: &str| spec(&json!({ "type": "mx", "values": [value] }));
        assert!(Record::is_moved(
            "values",
            &mail("10 MAIL.example.com."),
            &mail("10 mail.example.com")
        ));
        assert!(!Record::is_moved(
            "values",
            &mail("20 mail.example.com"),
            &mail("10 mail.example.com")
        ));
        let text = |value: &str| spec(&json!({ "type": "txt", "values": [value] }));
        assert!(!Record::is_moved("values", &text("A"), &text("a")));
        let alias = |name: &str| spec(&json!({ "alias": { "name": name, "zone": "Z1" } }));
        let (console, ours) =
            (alias("dualstack.Edge-1.elb.amazonaws.com."), alias("edge-1.elb.amazonaws.com"));
        assert!(Record::is_moved("alias", &console, &ours));
        assert!(!Record::is_moved("alias", &alias("other-1.elb.amazonaws.com"), &ours));
    }

    #[test]
    fn what_route_53_would_refuse_is_said() {
        let paths = |more: Value| -> Vec<String> {
            Record::check(&spec(&more)).into_iter().map(|it| it.path).collect()
        };
        assert_eq!(paths(json!({ "values": ["192.0.2.1"] })), Vec::<String>::new());
        assert_eq!(paths(json!({})), ["values"]);
        assert_eq!(
            paths(json!({ "type": "cname", "values": ["a.example", "b.example"] })),
            ["values"]
        );
        let alias = json!({ "name": "a.elb.amazonaws.com", "zone": "Z1" });
        assert_eq!(paths(json!({ "alias": alias, "values": ["192.0.2.1"] })), ["values"]);
        assert_eq!(paths(json!({ "alias": alias, "type": "txt" })), ["type"]);
        let set = |set: &str| json!({ "primary": set });
        assert_eq!(paths(json!({ "alias": alias, "failover": set("a") })), ["failover"]);
        let mut healthy = alias.clone();
        healthy["evaluate-health"] = json!(true);
        assert_eq!(paths(json!({ "alias": healthy, "failover": set("") })), ["failover"]);
        assert_eq!(paths(json!({ "alias": healthy, "failover": set("a") })), Vec::<String>::new());
    }
}
