//! The list of kinds. Being listed is being checked: the contract tests run over it.

use deployer_core::{KindInfo, Kinds};

/// Every kind there is.
pub fn all() -> Kinds {
    Kinds::new([
        KindInfo::of::<crate::Cluster>(),
        KindInfo::of::<crate::DbInstance>(),
        KindInfo::of::<crate::DbReplica>(),
        KindInfo::of::<crate::DbSubnetGroup>(),
        KindInfo::of::<crate::ElasticIp>(),
        KindInfo::of::<crate::Image>(),
        KindInfo::of::<crate::InternetGateway>(),
        KindInfo::of::<crate::Listener>(),
        KindInfo::of::<crate::ListenerRule>(),
        KindInfo::of::<crate::LoadBalancer>(),
        KindInfo::of::<crate::LogGroup>(),
        KindInfo::of::<crate::NatGateway>(),
        KindInfo::of::<crate::Repository>(),
        KindInfo::of::<crate::Role>(),
        KindInfo::of::<crate::RouteTable>(),
        KindInfo::of::<crate::Secret>(),
        KindInfo::of::<crate::SecurityGroup>(),
        KindInfo::of::<crate::Service>(),
        KindInfo::of::<crate::Subnet>(),
        KindInfo::of::<crate::TargetGroup>(),
        KindInfo::of::<crate::TaskDefinition>(),
        KindInfo::of::<crate::Vpc>(),
    ])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::*;

    fn fields(schema: &Value) -> BTreeSet<String> {
        let fields = schema.get("properties").and_then(Value::as_object);
        fields.map(|fields| fields.keys().cloned().collect()).unwrap_or_default()
    }

    #[test]
    fn every_field_of_a_spec_has_a_change_rule_and_every_rule_a_field() {
        for kind in all().iter() {
            let rules: BTreeSet<String> =
                kind.changes.iter().map(|(field, _)| (*field).to_owned()).collect();
            assert_eq!(fields(kind.spec_schema().as_value()), rules, "{}", kind.name);
            assert_eq!(rules.len(), kind.changes.len(), "{} lists a field twice", kind.name);
        }
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
    fn a_mark_fits_into_a_tag_and_tells_no_value() {
        for kind in all().iter() {
            assert!(kind.mark(&json!({})).len() <= 256, "{} has too many fields", kind.name);
            for (field, _) in kind.changes {
                let mark = kind.mark(&json!({ *field: "secret" }));
                assert_eq!(kind.is_marked(&mark, field, &json!("secret")), Some(true), "{field}");
                assert_eq!(kind.is_marked(&mark, field, &json!("other")), Some(false), "{field}");
                let clash = "its characters in a mark are another's: take another name";
                let others = kind.changes.iter().filter(|(other, _)| other != field);
                for (other, _) in others {
                    let said = kind.is_marked(&mark, other, &json!(null));
                    assert_eq!(said, Some(true), "{}.{other}: {clash}", kind.name);
                }
            }
        }
    }
}
