//! The list of kinds. Being listed is being checked: the contract tests run over it.

use deployer_core::{KindInfo, Kinds};

/// Every kind there is.
pub fn all() -> Kinds {
    Kinds::new(vec![
        KindInfo::of::<crate::Alarm>(),
        KindInfo::of::<crate::Certificate>(),
        KindInfo::of::<crate::Cluster>(),
        KindInfo::of::<crate::CompositeAlarm>(),
        KindInfo::of::<crate::Dashboard>(),
        KindInfo::of::<crate::DbInstance>(),
        KindInfo::of::<crate::DbParameterGroup>(),
        KindInfo::of::<crate::DbReplica>(),
        KindInfo::of::<crate::DbSubnetGroup>(),
        KindInfo::of::<crate::ElasticIp>(),
        KindInfo::of::<crate::FlowLog>(),
        KindInfo::of::<crate::GatewayEndpoint>(),
        KindInfo::of::<crate::Image>(),
        KindInfo::of::<crate::InterfaceEndpoint>(),
        KindInfo::of::<crate::InternetGateway>(),
        KindInfo::of::<crate::Job>(),
        KindInfo::of::<crate::Listener>(),
        KindInfo::of::<crate::ListenerCertificate>(),
        KindInfo::of::<crate::ListenerRule>(),
        KindInfo::of::<crate::LoadBalancer>(),
        KindInfo::of::<crate::LogGroup>(),
        KindInfo::of::<crate::Namespace>(),
        KindInfo::of::<crate::NatGateway>(),
        KindInfo::of::<crate::NetworkAcl>(),
        KindInfo::of::<crate::Queue>(),
        KindInfo::of::<crate::Record>(),
        KindInfo::of::<crate::Repository>(),
        KindInfo::of::<crate::Role>(),
        KindInfo::of::<crate::RouteTable>(),
        KindInfo::of::<crate::ScalableTarget>(),
        KindInfo::of::<crate::Schedule>(),
        KindInfo::of::<crate::Secret>(),
        KindInfo::of::<crate::SecurityGroup>(),
        KindInfo::of::<crate::Service>(),
        KindInfo::of::<crate::StateMachine>(),
        KindInfo::of::<crate::Subnet>(),
        KindInfo::of::<crate::TargetGroup>(),
        KindInfo::of::<crate::TaskDefinition>(),
        KindInfo::of::<crate::Topic>(),
        KindInfo::of::<crate::ValidationRecord>(),
        KindInfo::of::<crate::Vpc>(),
    ])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use deployer_core::Change;
    use serde_json::{Value, json};

    use super::*;

    fn fields(schema: &Value) -> BTreeSet<String> {
        let fields = schema.get("properties").and_then(Value::as_object);
        fields.map(|fields| fields.keys().cloned().collect()).unwrap_or_default()
    }

    #[test]
    fn every_field_of_a_spec_has_a_change_rule_and_every_rule_a_field() {
        for kind in all().iter() {
            let rules: BTreeSet<String> = kind.fields().map(ToOwned::to_owned).collect();
            assert_eq!(fields(kind.spec_schema().as_value()), rules, "{}", kind.name);
            let paths: BTreeSet<&str> = kind.changes.iter().map(|(path, _)| *path).collect();
            assert_eq!(paths.len(), kind.changes.len(), "{} has two rules for one", kind.name);
        }
    }

    #[test]
    fn every_rule_leads_somewhere_and_none_but_delegated_leads_into_a_list() {
        let spec = json!({ "properties": {
            "routes": { "items": { "properties": { "weight": {} } } },
            "labels": { "additionalProperties": {} },
            "action": { "anyOf": [{ "properties": { "forward": { "properties": { "to": {} } } } }] },
        } });
        for path in ["routes", "routes.*.weight", "labels.*", "action.forward.to"] {
            assert_eq!(leads(&spec, path), Some(path.starts_with("routes.")), "{path}");
        }
        for path in ["route", "routes.weight", "routes.*.name", "action.forward.weight"] {
            assert_eq!(leads(&spec, path), None, "{path}");
        }
        for kind in all().iter() {
            for (path, rule) in kind.changes {
                let is_in_list = leads(kind.spec_schema().as_value(), path);
                assert!(is_in_list.is_some(), "{}: `{path}` leads nowhere", kind.name);
                let counts = is_in_list == Some(false) || *rule == Change::Delegated;
                assert!(counts, "{}: `{path}` is in a list, which differs whole", kind.name);
            }
        }
    }

    /// Whether what a path leads to is in a list; none when it leads nowhere.
    fn leads(schema: &Value, path: &str) -> Option<bool> {
        if path.is_empty() {
            return Some(false);
        }
        let (key, rest) = path.split_once('.').unwrap_or((path, ""));
        let field = schema.get("properties").and_then(|fields| fields.get(key));
        let any = schema.get("additionalProperties").filter(|it| key == "*" && it.is_object());
        let item = schema.get("items").filter(|_| key == "*");
        let into = [field, any].into_iter().flatten().find_map(|schema| leads(schema, rest));
        let into = into.or_else(|| leads(item?, rest).map(|_| true));
        into.or_else(|| {
            let choices = ["anyOf", "oneOf", "allOf"].iter().filter_map(|of| schema.get(of));
            choices.filter_map(Value::as_array).flatten().find_map(|schema| leads(schema, path))
        })
    }

    #[test]
    fn every_field_is_documented() {
        for kind in all().iter() {
            for (which, schema) in [("spec", kind.spec_schema()), ("output", kind.output_schema())]
            {
                undocumented(schema.as_value(), &format!("{} {which}", kind.name));
            }
        }
    }

    fn undocumented(schema: &Value, path: &str) {
        let Some(fields) = schema.get("properties").and_then(Value::as_object) else { return };
        for (name, field) in fields {
            let text = field.get("description").and_then(Value::as_str).unwrap_or_default();
            assert!(!text.is_empty(), "{path}: `{name}` has no doc comment");
            undocumented(field, &format!("{path}.{name}"));
        }
    }

    #[test]
    fn every_output_has_the_identifier_that_references_resolve_to() {
        for kind in all().iter() {
            assert!(kind.output_fields().contains("id"), "{}", kind.name);
        }
    }

    #[test]
    fn a_kind_comes_after_kinds_that_exist_and_is_protected_by_a_field_of_its_own() {
        let kinds = all();
        for kind in kinds.iter() {
            for after in kind.after {
                assert!(kinds.find(after.kind).is_some(), "{} after {}", kind.name, after.kind);
                assert!(after.sharing.is_none_or(|kind| kinds.find(kind).is_some()));
            }
            let fields = fields(kind.spec_schema().as_value());
            assert!(kind.protection.is_none_or(|field| fields.contains(field)), "{}", kind.name);
        }
    }

    #[test]
    fn a_mark_fits_into_a_tag_and_reveals_no_value() {
        for kind in all().iter() {
            assert!(kind.mark(&json!({})).len() <= 256, "{} has too many fields", kind.name);
            for field in kind.fields() {
                let mark = kind.mark(&json!({ field: "secret" }));
                assert_eq!(kind.is_marked(&mark, field, &json!("secret")), Some(true), "{field}");
                assert_eq!(kind.is_marked(&mark, field, &json!("other")), Some(false), "{field}");
                let clash = "its characters in a mark are another's: take another name";
                for other in kind.fields().filter(|other| *other != field) {
                    let said = kind.is_marked(&mark, other, &json!(null));
                    assert_eq!(said, Some(true), "{}.{other}: {clash}", kind.name);
                }
            }
        }
    }
}
