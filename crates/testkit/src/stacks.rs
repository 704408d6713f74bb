//! Stacks to test with.

use std::collections::BTreeMap;

use deployer_core::{Address, Desired, Home, Place, Roles, Scope, Stack};
use serde_json::{Value, json};

use crate::registry;

/// Whose resources all of them are.
pub fn scope() -> Scope {
    Scope {
        stack: "notes".to_owned(),
        environment: "dev".to_owned(),
        origin: None,
        tags: BTreeMap::new(),
    }
}

/// Builds a stack, resource by resource.
#[derive(Clone, Debug)]
pub struct StackBuilder(Stack);

impl Default for StackBuilder {
    fn default() -> Self {
        Self(Stack {
            scope: scope(),
            region: "eu-west-1".to_owned(),
            home: Home::default(),
            roles: Roles::new(),
            resources: BTreeMap::new(),
            outputs: BTreeMap::new(),
        })
    }
}

impl StackBuilder {
    /// Adds a resource, or replaces the one at this address.
    ///
    /// # Panics
    /// When the address is none, or the spec is not one of its kind.
    #[must_use]
    pub fn with(mut self, address: &str, spec: Value) -> Self {
        let address: Address = address.parse().expect("an address");
        let kinds = registry().kinds();
        let kind = kinds.find(&address.kind).expect("a kind");
        let spec = kind.normalize(spec).expect("a spec of its kind");
        self.0.resources.insert(address, Desired { place: Place::default(), spec });
        self
    }

    /// Puts a resource into the account that a role leads to, and into another region.
    ///
    /// # Panics
    /// When there is no such resource, or the role is none.
    #[must_use]
    pub fn at(mut self, address: &str, role: Option<&str>, region: Option<&str>) -> Self {
        let account = role.map(|role| Place::account_of_role(role).expect("a role").to_owned());
        self.0.roles.extend(account.clone().zip(role.map(ToOwned::to_owned)));
        let address: Address = address.parse().expect("an address");
        let desired = self.0.resources.get_mut(&address).expect("it was added");
        desired.place = Place { account, region: region.map(ToOwned::to_owned) };
        self
    }

    /// Takes a resource out.
    ///
    /// # Panics
    /// When the address is none.
    #[must_use]
    pub fn without(mut self, address: &str) -> Self {
        self.0.resources.remove(&address.parse::<Address>().expect("an address"));
        self
    }

    /// The stack.
    pub fn build(self) -> Stack {
        self.0
    }
}

/// A stack with a resource of every kind.
pub fn everything() -> StackBuilder {
    StackBuilder::default()
        .with("network/main", json!({ "range": "10.0.0.0/16", "labels": { "team": "a" } }))
        .with("mark/main", json!({ "network": "main", "text": "ours" }))
        .with("part/a", json!({ "network": "main", "zone": "a" }))
        .with("part/b", json!({ "network": "main", "zone": "b", "open": true }))
        .with("gate/edge", gate("http"))
        .with("rule/web", json!({ "gate": "edge", "number": 1 }))
        .with(
            "store/main",
            json!({ "network": "main", "engine": "pg", "size": 20, "key": "s3cr3t" }),
        )
        .with("revision/web", json!({ "image": "web:1", "url": url("store/main") }))
        .with(
            "service/web",
            json!({
                "revision": "web", "gates": ["edge"], "parts": ["a", "b"], "count": 2,
                "shares": shares(["blue", "green"]),
            }),
        )
}

/// The same with something changed in most of them: in place, made anew in every way, removed.
pub fn everything_changed() -> StackBuilder {
    everything()
        .with("network/main", json!({ "range": "10.0.0.0/16", "labels": { "team": "b" } }))
        .with("part/a", json!({ "network": "main", "zone": "c" }))
        .without("part/b")
        .with("gate/edge", gate("tls"))
        .with("rule/web", json!({ "gate": "edge", "number": 2 }))
        .with("store/main", json!({ "network": "main", "engine": "my", "size": 30 }))
        .with("service/web", json!({ "revision": "web", "gates": ["edge"], "parts": ["a"] }))
}

fn shares([first, second]: [&str; 2]) -> Value {
    json!([{ "version": first, "weight": 100 }, { "version": second, "weight": 0 }])
}

fn gate(protocol: &str) -> Value {
    json!({
        "network": "main", "protocol": protocol, "check": { "path": "/up", "every": 5 }
    })
}

pub(crate) fn url(address: &str) -> Value {
    json!({ "text": [
        { "literal": "store://" },
        { "output": { "address": address, "field": "host" } },
    ]})
}
